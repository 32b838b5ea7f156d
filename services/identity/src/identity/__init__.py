"""Persons and numbers: the only place where a document number can be read."""
