"""Holds with their seats, and where a pupil studies while the record stays (clause 24.4)."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

change_holds = sa.Table(
    "change_holds",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),  # of the case's act that this follows; an older one changes nothing
    sa.Column("state", sa.Text, nullable=False),  # held | applied | released
    sa.Column("student_id", sa.Text),  # NULL: let go before it was ever granted
    sa.Column("seat_school", sa.Text),
    sa.Column("seat_cohort", sa.SmallInteger),
    sa.Column("seat_over", sa.Boolean, nullable=False),
    sa.Column("since", MOMENT, nullable=False),
    sa.Column("went_to", sa.Text),  # where an applied case has brought the record, and into which cohort
    sa.Column("went_cohort", sa.SmallInteger),
)

study_places = sa.Table(
    "study_places",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("since", sa.Date, primary_key=True),
    sa.Column("until", sa.Date),  # exclusive; NULL: still
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
)

outside_places = sa.Table(
    "outside_places",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("since", sa.Date, primary_key=True),
    sa.Column("division", sa.Text, nullable=False),  # of another province
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
)
