"""Stand-in for the public-security population service."""
