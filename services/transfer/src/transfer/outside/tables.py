"""The side of a transfer that is of another province."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from transfer.metadata import MOMENT, metadata

outside_parties = sa.Table(
    "outside_parties",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("side", sa.Text, nullable=False),  # to: our pupil goes there; from: a child comes from there
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("school_code", sa.Text, nullable=False),
    sa.Column("special_education", sa.Boolean, nullable=False),
    sa.Column("document", JSONB),  # by which it asked, NULL where we ask; those of its decisions are with them
    sa.Column("number_kind", sa.Text, nullable=False),  # of the student number that it has given: G, L, J or none said
    sa.Column("entered_at", MOMENT, nullable=False),
)
