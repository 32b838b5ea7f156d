"""Attendance zones, one row a version of a school's and stage's: the open one, or one whose days are not over, holds."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.metadata import MOMENT, metadata

zones = sa.Table(
    "attendance_zones",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),  # who set it: the supervising authority of that day
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("valid_to", sa.Date),  # exclusive
    sa.Column("areas", JSONB, nullable=False),
    sa.Column("divisions", ARRAY(sa.Text), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("set_by", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("set_at", MOMENT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the school's and stage's zone: grows with each change
)
