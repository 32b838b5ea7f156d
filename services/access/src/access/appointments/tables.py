"""The table, for statements; constraints, triggers and grants stand in `migrations/versions/0004_appointments.py`."""

from __future__ import annotations

import sqlalchemy as sa

from access.metadata import MOMENT, metadata

appointments = sa.Table(
    "appointments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),  # of the person, as it was then
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),  # of its first September
    sa.Column("training_title", sa.Text, nullable=False),
    sa.Column("training_organiser", sa.Text, nullable=False),
    sa.Column("training_completed_on", sa.Date, nullable=False),
    sa.Column("training_certificate", sa.Text, nullable=False),
    sa.Column("begins_on", sa.Date, nullable=False),
    sa.Column("ends_on", sa.Date, nullable=False),  # the school year's last day
    sa.Column("appointed_by", sa.Text, nullable=False),
    sa.Column("appointed_at", MOMENT, nullable=False),
    sa.Column("replaces", sa.Text),
    sa.Column("override_reason", sa.Text, nullable=False),
    sa.Column("ended_on", sa.Date),  # the first day on which it is not in force any more
    sa.Column("end_reason", sa.Text, nullable=False),
    sa.Column("end_override_reason", sa.Text, nullable=False),
    sa.Column("ended_by", sa.Text),
    sa.Column("ended_at", MOMENT),
)
