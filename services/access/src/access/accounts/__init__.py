"""Accounts: who there is, what each may be, passwords, the second factor, lockout (clauses 3.1, 45.3)."""
