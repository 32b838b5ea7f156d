"""Registrars (clause 43): trained first, then appointed for a school year, and not replaced in the middle of it."""
