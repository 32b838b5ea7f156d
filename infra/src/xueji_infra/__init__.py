"""Bus and database as declared: streams, consumers, users, roles, grants."""
