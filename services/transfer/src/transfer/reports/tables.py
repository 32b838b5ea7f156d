"""Reports as they were filed, and steps that were decided late."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from transfer.metadata import MOMENT, metadata

reports = sa.Table(
    "transfer_reports",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # derived from city, year and term
    sa.Column("city", sa.Text, nullable=False),
    sa.Column("year", sa.SmallInteger, nullable=False),
    sa.Column("term", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("first", sa.Date),
    sa.Column("last", sa.Date),
    sa.Column("lines", JSONB),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("submitted_at", MOMENT),
    sa.Column("submitted_by", sa.Text),
    sa.Column("account", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
)

late_steps = sa.Table(
    "late_steps",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),  # of the case before the act
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("decided_on", sa.Date, nullable=False),
)
