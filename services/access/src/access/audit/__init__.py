"""The audit log (clause 45.1): kept append-only in a chain of hashes, signed day by day, searched, watched, reported."""
