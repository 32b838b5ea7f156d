"""Rows of intake lists, and the places that approved lists have taken. The list itself is an operation (`moving.tables`)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from registry.metadata import metadata

intake_rows = sa.Table(
    "junior_intake_rows",
    metadata,
    sa.Column("operation_id", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("student_id", sa.Text),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("from_school", sa.Text),
    sa.Column("to_school", sa.Text),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("findings", JSONB, nullable=False),
)

intake_places = sa.Table(
    "junior_intake_places",
    metadata,
    sa.Column("operation_id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, primary_key=True),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("places", sa.Integer, nullable=False),
)
