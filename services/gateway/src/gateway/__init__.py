"""The HTTP API and the web console. No business rule, no business data."""
