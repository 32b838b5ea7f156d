"""Integration clients: other systems that act by themselves (OAuth 2.0 client credentials, RFC 6749)."""
