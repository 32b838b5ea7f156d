"""The tables, for statements; constraints, triggers and grants stand in `migrations/versions/0002_accounts.py`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA

from access.metadata import MOMENT, metadata

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("classes", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("password_set_at", MOMENT, nullable=False),
    sa.Column("must_change_password", sa.Boolean, nullable=False),
    sa.Column("totp_seed", BYTEA),  # sealed
    sa.Column("totp_step", sa.BigInteger),  # the last 30 seconds of which a code was used
    sa.Column("totp_waiting", BYTEA),  # sealed: a seed that waits for its first code
    sa.Column("seal", sa.Text),  # null | sealed | dormant
    sa.Column("sealed_reason", sa.Text, nullable=False),
    sa.Column("open_since", MOMENT, nullable=False),  # made, or unsealed: dormancy counts from here or the last sign-in
    sa.Column("last_sign_in_at", MOMENT),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

sign_in_failures = sa.Table(
    "sign_in_failures",  # of any name that was tried, known or not: both must look alike from outside
    metadata,
    sa.Column("name_hash", BYTEA, primary_key=True),  # sha256: people type passwords into the wrong field
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", MOMENT),
    sa.Column("locked_until", MOMENT),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("username", sa.Text, primary_key=True),
    sa.Column("hash", BYTEA, primary_key=True),
    sa.Column("used_at", MOMENT),
)

account_changes = sa.Table(
    "account_changes",  # append-only: what an account was made into, by whom, why
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("username", sa.Text, nullable=False),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("by_account", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("classes", sa.ARRAY(sa.Text), nullable=False),
)
