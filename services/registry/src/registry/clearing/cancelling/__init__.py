"""Ending a record (注销), taking that back, and protecting it from being ended (保护): clauses 18 and 22."""
