"""Pairs of records that may be one pupil, found, heard and decided: clauses 20.1 and 39."""
