"""Where a pupil studies whose record has stayed at another school, and how that ends (clause 24.4)."""
