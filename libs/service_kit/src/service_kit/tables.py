"""The tables every service has: outbox, inbox, commands."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP


class KitTables(NamedTuple):
    outbox: sa.Table
    inbox: sa.Table
    commands: sa.Table


def kit_tables(metadata: sa.MetaData) -> KitTables:
    """`outbox`: events to publish; `stream_seq` is set once JetStream holds them and rows are kept (reconcile).
    `inbox`: events taken. `commands`: commands carried out, with their sealed reply.
    """
    now = sa.text("now()")
    outbox = sa.Table(
        "outbox",
        metadata,
        sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
        sa.Column("event_id", sa.Text, nullable=False, unique=True),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("payload", BYTEA, nullable=False),
        sa.Column("headers", JSONB, nullable=False),
        sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=now),
        sa.Column("stream_seq", sa.BigInteger),
        sa.Index("outbox_unpublished", "seq", postgresql_where=sa.text("stream_seq IS NULL")),
        sa.Index("outbox_published", "stream_seq", postgresql_where=sa.text("stream_seq IS NOT NULL")),
    )
    inbox = sa.Table(
        "inbox",
        metadata,
        sa.Column("event_id", sa.Text, primary_key=True),
        sa.Column("taken_at", TIMESTAMP(timezone=True), nullable=False, server_default=now),
    )
    commands = sa.Table(
        "commands",
        metadata,
        sa.Column("command_id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("reply", BYTEA),
        sa.Column("done_at", TIMESTAMP(timezone=True), nullable=False, server_default=now),
    )
    return KitTables(outbox, inbox, commands)


TABLES = kit_tables(sa.MetaData())
"""The same tables for the kit's own statements: names and types do not depend on the service's metadata."""

DDL = """
CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    subject text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    stream_seq bigint
);
CREATE INDEX outbox_unpublished ON outbox (seq) WHERE stream_seq IS NULL;
CREATE INDEX outbox_published ON outbox (stream_seq) WHERE stream_seq IS NOT NULL;
CREATE TABLE inbox (event_id text PRIMARY KEY, taken_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE commands (
    command_id text PRIMARY KEY,
    kind text NOT NULL,
    reply bytea STORAGE EXTERNAL, -- sealed: trying to compress it is work for nothing
    done_at timestamptz NOT NULL DEFAULT now()
);
"""

GRANTS = """
GRANT SELECT, INSERT ON outbox TO {role};
GRANT UPDATE (stream_seq) ON outbox TO {role};
GRANT SELECT, INSERT ON inbox TO {role};
GRANT SELECT, INSERT ON commands TO {role};
GRANT UPDATE (reply) ON commands TO {role};
"""
