"""Scores of records, checks of schools, rounds, findings and what was done about them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.metadata import MOMENT, metadata

record_quality = sa.Table(
    "record_quality",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("score", sa.SmallInteger, nullable=False),
    sa.Column("codes", ARRAY(sa.Text), nullable=False),
    sa.Column("check_id", sa.Text, nullable=False),
)

school_checks = sa.Table(
    "school_checks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("round_id", sa.Text),
    sa.Column("state", sa.Text, nullable=False),  # waiting | done
    sa.Column("asked_at", MOMENT, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("after_id", sa.Text, nullable=False),  # the last record looked at
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("perfect", sa.Integer, nullable=False),
    sa.Column("points", sa.Integer, nullable=False),  # the scores of its records, added up
    sa.Column("counts", JSONB, nullable=False),  # code of an issue -> records
    sa.Column("own_issues", ARRAY(sa.Text), nullable=False),
    sa.Column("score", sa.SmallInteger),
    sa.Column("done_on", sa.Date),
)

inspection_rounds = sa.Table(
    "inspection_rounds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("opened_at", MOMENT, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("opened_name", sa.Text, nullable=False),
    sa.Column("closed_at", MOMENT),
    sa.Column("closing_note", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

findings = sa.Table(
    "inspection_findings",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),  # who decides about it
    sa.Column("round_id", sa.Text),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),  # system | person
    sa.Column("raised_at", MOMENT, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("clock_from", sa.Date),  # None: a person has set the day
    sa.Column("clock_days", sa.Integer),
    sa.Column("version", sa.Integer, nullable=False),
)

finding_acts = sa.Table(
    "finding_acts",
    metadata,
    sa.Column("finding_id", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("account_name", sa.Text, nullable=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
)

inspection_days = sa.Table(
    "inspection_days",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("looked_at", MOMENT, nullable=False),
)
