"""Schools that are merged or closed, counties that are re-divided (clauses 21.3, 44)."""
