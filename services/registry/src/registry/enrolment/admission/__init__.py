"""Admissions (入学): who has a place where, from placement to the first day and the handing in of the record."""
