"""The table, for statements; constraints and grants stand in `migrations/versions/0002_accounts.py`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from access.metadata import MOMENT, metadata

clients = sa.Table(
    "clients",
    metadata,
    sa.Column("client_id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("scopes", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("secret_hash", BYTEA, nullable=False),  # sha256 of 256 random bits
    sa.Column("expires_on", sa.Date, nullable=False),  # the last day
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("last_used_at", MOMENT),
    sa.Column("issued_at", MOMENT),  # of the last token
    sa.Column("stale_before", MOMENT),  # tokens issued before count no more
    sa.Column("ended_at", MOMENT),
)
