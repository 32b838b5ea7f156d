"""Where a pupil studies while the record stays (clause 24.4)."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import metadata

study_places = sa.Table(
    "study_places",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("since", sa.Date, primary_key=True),
    sa.Column("until", sa.Date),  # exclusive; NULL: still
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),  # the transfer by which the pupil went there
    sa.Column("ended_by", sa.Text),  # account that said so; NULL: the record has gone, or another place has followed
    sa.Column("end_reason", sa.Text),
)
