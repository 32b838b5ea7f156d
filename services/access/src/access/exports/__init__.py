"""Exports (clause 45.2): asked for, approved in writing by the authority, fetched once. The file itself is the registry's."""
