"""Inspection: the quality of records and schools, verification rounds, orders to put right (clauses 3.4, 3.5, 48)."""
