"""Registrations: one row each; where it stands is its case (the case has the registration's id)."""

from __future__ import annotations

import sqlalchemy as sa
from casework.tables import case_tables
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from registry.metadata import MOMENT, metadata

CASES = case_tables(metadata)

registrations = sa.Table(
    "registrations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("roster_id", sa.Text),
    sa.Column("row", sa.Integer),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Date, nullable=False),
    sa.Column("document_kind", sa.Text, nullable=False),
    sa.Column("masked_document", sa.Text, nullable=False),
    sa.Column("masked_members", JSONB, nullable=False),
    sa.Column("overseas", sa.Text, nullable=False),
    sa.Column("disability", sa.Text, nullable=False),
    sa.Column("placement", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("class_no", sa.SmallInteger, nullable=False),
    sa.Column("class_id", sa.Text, nullable=False),
    sa.Column("enrolled_month", sa.Text, nullable=False),
    sa.Column("decision_id", sa.Text, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # counts changes that are no act on the case
    sa.Column("closed", sa.Boolean, nullable=False),
    sa.Column("sheet_printed_at", MOMENT),
    sa.Column("verification", sa.Text, nullable=False),
    sa.Column("student_number", sa.Text),  # masked
    sa.Column("number_kind", sa.Text),
    sa.Column("registered_at", MOMENT),
    sa.Column("correction", sa.Text),
    sa.Column("admission_id", sa.Text),  # the admission that it came of, and whose place it has
)

# The form itself: what the family filled in, without document numbers, sealed. A student record keeps the id of its
# registration and with it this row: nothing is copied when the number comes.
profiles = sa.Table(
    "profiles",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("form", BYTEA, nullable=False),
)

# Decisions by their content: a roster of thousands shares a few dozen.
policy_decisions = sa.Table(
    "policy_decisions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("body", BYTEA, nullable=False),
)

# How many registrations of a roster are on their way. The last one to end completes the roster (see completion.py).
roster_counts = sa.Table(
    "roster_counts",
    metadata,
    sa.Column("roster_id", sa.Text, primary_key=True),
    sa.Column("on_the_way", sa.Integer, nullable=False),
)

# Single entries between identity's claim and our commit (see enter.py).
pending_entries = sa.Table(
    "pending_entries",
    metadata,
    sa.Column("registration_id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
)
