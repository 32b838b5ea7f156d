"""Who sits in a class against whose record is there (clauses 24.6.1, 48.4)."""
