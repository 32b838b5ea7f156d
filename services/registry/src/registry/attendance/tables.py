"""Checks of who sits in a class, and their lines."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from registry.metadata import MOMENT, metadata

attendance_checks = sa.Table(
    "attendance_checks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("class_id", sa.Text, nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("class_no", sa.SmallInteger, nullable=False),
    sa.Column("made_on", sa.Date, nullable=False),
    sa.Column("made_at", MOMENT, nullable=False),
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("counts", JSONB, nullable=False),
    sa.Column("latest", sa.Boolean, nullable=False),  # of its class: only that one counts
)

attendance_rows = sa.Table(
    "attendance_rows",
    metadata,
    sa.Column("check_id", sa.Text, primary_key=True),
    sa.Column("place", sa.SmallInteger, primary_key=True),
    sa.Column("row", sa.SmallInteger, nullable=False),  # 0: missing from the list
    sa.Column("standing", sa.Text, nullable=False),
    sa.Column("person_id", sa.Text),
    sa.Column("student_id", sa.Text),  # of the school's own records
    sa.Column("grade", sa.SmallInteger),
    sa.Column("class_no", sa.SmallInteger),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("masked_document", sa.Text, nullable=False),
    sa.Column("findings", JSONB, nullable=False),
)
