"""Entries of sections 3 to 6. What they say is sealed: marks, health and sanctions are nobody's to read in passing."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from registry.metadata import MOMENT, metadata

# Of which student and term guardians have been told (34.1): never twice.
term_reports_told = sa.Table(
    "term_reports_told",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("school_year", sa.SmallInteger, primary_key=True),
    sa.Column("term", sa.Text, primary_key=True),
    sa.Column("told_at", MOMENT, nullable=False),
)

archive_entries = sa.Table(
    "archive_entries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("student_id", sa.Text, nullable=False),
    sa.Column("section", sa.SmallInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
    sa.Column("digest", BYTEA, nullable=False),  # what the journal's entry says of it
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("recorded_by", sa.Text, nullable=False),
    sa.Column("recorded_at", MOMENT, nullable=False),
    sa.Column("journal_seq", sa.Integer, nullable=False),
    sa.Column("supersedes", sa.Text),
    sa.Column("reason", sa.Text, nullable=False),
)
