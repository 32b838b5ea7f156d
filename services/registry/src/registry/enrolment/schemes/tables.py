"""Admission schemes of private schools."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

schemes = sa.Table(
    "admission_schemes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # waiting | returned | approved | rejected
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("submitted_by", sa.Text, nullable=False),
    sa.Column("submitted_at", MOMENT, nullable=False),
    sa.Column("decided_account", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", MOMENT),
    sa.Column("decision_reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
)
