"""Approval chains that every kind of case shares."""
