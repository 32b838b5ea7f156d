"""Rosters: a school's workbook of new pupils is checked, confirmed, returned in part and printed (clauses 15.1, 20.1)."""
