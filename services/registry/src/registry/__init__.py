"""Organisations, enrolment, registration, records."""
