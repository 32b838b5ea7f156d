"""The audit log, its index by object, its signed days; alerts and incidents. The migration holds what forbids changes."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from access.metadata import MOMENT, metadata

entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
    sa.Column("kept_at", MOMENT, nullable=False),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("at", MOMENT, nullable=False),
    sa.Column("service", sa.Text, nullable=False),
    sa.Column("act", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("reasons", ARRAY(sa.Text), nullable=False),
    sa.Column("objects", ARRAY(sa.Text), nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("session", sa.Text, nullable=False),
    sa.Column("operation", sa.Text, nullable=False),
    sa.Column("trace_id", sa.Text, nullable=False),
    sa.Column("previous", BYTEA, nullable=False),
    sa.Column("hash", BYTEA, nullable=False),
)

objects = sa.Table(
    "audit_objects",
    metadata,
    sa.Column("object_id", sa.Text, primary_key=True),
    sa.Column("at", MOMENT, primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("number", sa.BigInteger, primary_key=True),
)

days = sa.Table(
    "audit_days",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("root", BYTEA, nullable=False),
    sa.Column("previous", BYTEA, nullable=False),
    sa.Column("key_id", sa.Text, nullable=False),
    sa.Column("signature", BYTEA, nullable=False),
    sa.Column("signed_at", MOMENT, nullable=False),
)

totals = sa.Table(
    "audit_totals",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("authority", sa.Text, primary_key=True),
    sa.Column("act", sa.Text, primary_key=True),
    sa.Column("outcome", sa.Text, primary_key=True),
    sa.Column("purpose", sa.Text, primary_key=True),
    sa.Column("entries", sa.BigInteger, nullable=False),
    sa.Column("pupils", sa.BigInteger, nullable=False),  # shown, each as often as shown
)

watched = sa.Table(
    "audit_watched",
    metadata,
    sa.Column("one", sa.Boolean, primary_key=True),
    sa.Column("day", sa.Date, nullable=False),
    sa.Column("number", sa.BigInteger, nullable=False),
)

alerts = sa.Table(
    "audit_alerts",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("window", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("raised_at", MOMENT, nullable=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("handled_by", sa.Text),
    sa.Column("handled_at", MOMENT),
    sa.Column("conclusion", sa.Text),
)

incidents = sa.Table(
    "audit_incidents",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("happened_on", sa.Date, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("measures", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("reported_by", sa.Text, nullable=False),
    sa.Column("reported_at", MOMENT, nullable=False),
    sa.Column("alert_id", sa.Text),
)
