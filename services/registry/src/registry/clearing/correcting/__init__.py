"""Correcting key fields by an approved case, and keeping the rest of the form up to date: clauses 21.1 and 40."""
