"""Evidence files, and in whose records they are."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

evidence = sa.Table(
    "evidence",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation", sa.Text, nullable=False),  # whose account uploaded it
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("uploaded_by", sa.Text, nullable=False),
    sa.Column("uploaded_at", MOMENT, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("media_type", sa.Text, nullable=False),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("sha256", sa.Text, nullable=False),
    sa.Column("file_id", sa.Text, nullable=False),
    sa.Column("scan", sa.Text, nullable=False),
    sa.Column("scanned_at", MOMENT),
    sa.Column("signature", sa.Text),  # the virus's name
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("attached_to", sa.Text),
    sa.Column("place", sa.SmallInteger, nullable=False),  # among the files of one thing
    sa.Column("shared_with", sa.Text),  # the school whose case it is, where an authority uploaded it
)

# Section 2 of a student's archive (clause 14): one paper may be about several students.
evidence_filings = sa.Table(
    "evidence_filings",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("evidence_id", sa.Text, primary_key=True),
    sa.Column("filed_on", sa.Date, nullable=False),
    sa.Column("filed_at", MOMENT, nullable=False),
    sa.Column("journal_seq", sa.Integer, nullable=False),  # the entry that names the file's hash
)
