"""Enrolment (Chapter 2): plans, attendance zones, children of age, admissions."""
