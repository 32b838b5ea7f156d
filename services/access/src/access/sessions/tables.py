"""The tables, for statements; constraints and grants stand in `migrations/versions/0002_accounts.py`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from access.metadata import MOMENT, metadata

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # UUIDv7: in the order in which they began
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("agent", sa.Text, nullable=False),
    sa.Column("started_at", MOMENT, nullable=False),
    sa.Column("seen_at", MOMENT, nullable=False),  # last continued
    sa.Column("expires_at", MOMENT, nullable=False),  # in any case
    sa.Column("issued_at", MOMENT, nullable=False),  # of the last access token
    sa.Column("stale_before", MOMENT),  # access tokens issued before count no more
    sa.Column("refresh_number", sa.Integer, nullable=False),  # of the refresh token that is to be used next
    sa.Column("ended_at", MOMENT),
    sa.Column("end_reason", sa.Text, nullable=False),
)

refresh_tokens = sa.Table(
    "refresh_tokens",
    metadata,
    sa.Column("hash", BYTEA, primary_key=True),  # sha256 of 256 random bits
    sa.Column("session_id", sa.Text, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("issued_at", MOMENT, nullable=False),
    sa.Column("used_at", MOMENT),
    sa.Column("replaced", sa.Boolean, nullable=False),  # its reply was lost: another was given out in its place
)

signing_keys = sa.Table(
    "signing_keys",
    metadata,
    sa.Column("kid", sa.Text, primary_key=True),
    sa.Column("private", BYTEA, nullable=False),  # sealed: 32 bytes (RFC 8032)
    sa.Column("public", BYTEA, nullable=False),
    sa.Column("published_at", MOMENT, nullable=False),
    sa.Column("signs_from", MOMENT, nullable=False),
)
