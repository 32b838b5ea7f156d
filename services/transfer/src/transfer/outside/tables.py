"""The side of a transfer that is of another province."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from transfer.metadata import MOMENT, metadata

outside_parties = sa.Table(
    "outside_parties",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("side", sa.Text, nullable=False),  # to: our pupil goes there
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("school_code", sa.Text, nullable=False),
    sa.Column("special_education", sa.Boolean, nullable=False),
    sa.Column("document", JSONB, nullable=False),  # by which it asked; those of its decisions are with them
    sa.Column("entered_at", MOMENT, nullable=False),
)
