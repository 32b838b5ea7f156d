"""Sessions: signing in, continuing, ending; signing keys and tokens (clause 45.3)."""
