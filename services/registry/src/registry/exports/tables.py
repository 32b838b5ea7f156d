"""Approved exports whose file is to be made, is being made, or was made."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from registry.metadata import MOMENT, metadata

exports = sa.Table(
    "exports",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("approved", JSONB, nullable=False),  # the event that ordered it
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("received_at", MOMENT, nullable=False),
    sa.Column("made_at", MOMENT),
    sa.Column("rows", sa.Integer),
    sa.Column("sha256", sa.Text),
    sa.Column("failure", sa.Text),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", MOMENT),
    sa.Column("retry_at", MOMENT),
    sa.Column("failures", sa.Integer, nullable=False),
)
