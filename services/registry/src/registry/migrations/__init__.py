"""The registry's database, step by step. Run by the owner role: `python -m registry migrate`."""
