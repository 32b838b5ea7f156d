"""Enrolment (招生、入学): plans and places, zones, admissions, admission schemes (Chapter 2 of the rules)."""
