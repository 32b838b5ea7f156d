"""The tables every service has: outbox, inbox, commands, and the outbox of the audit log."""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP


class KitTables(NamedTuple):
    outbox: sa.Table
    inbox: sa.Table
    commands: sa.Table
    audit_outbox: sa.Table


def kit_tables(metadata: sa.MetaData) -> KitTables:
    """`outbox`: events to publish; `stream_seq` is set once JetStream holds them and rows are kept (reconcile).
    `audit_outbox`: the same for what was done, on its way to the audit log: another stream has other sequences.
    `inbox`: events taken. `commands`: commands carried out, with their sealed reply.
    """
    now = sa.text("now()")

    def outgoing(name: str) -> sa.Table:
        return sa.Table(
            name,
            metadata,
            sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
            sa.Column("event_id", sa.Text, nullable=False, unique=True),
            sa.Column("subject", sa.Text, nullable=False),
            sa.Column("key", sa.Text, nullable=False),
            sa.Column("payload", BYTEA, nullable=False),
            sa.Column("headers", JSONB, nullable=False),
            sa.Column("created_at", TIMESTAMP(timezone=True), nullable=False, server_default=now),
            sa.Column("stream_seq", sa.BigInteger),
            sa.Index(f"{name}_unpublished", "seq", postgresql_where=sa.text("stream_seq IS NULL")),
            sa.Index(f"{name}_published", "stream_seq", postgresql_where=sa.text("stream_seq IS NOT NULL")),
        )

    outbox = outgoing("outbox")
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
    return KitTables(outbox, inbox, commands, outgoing("audit_outbox"))


TABLES = kit_tables(sa.MetaData())
"""The same tables for the kit's own statements: names and types do not depend on the service's metadata."""

OUTGOING_DDL = """
CREATE TABLE {name} (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    event_id text NOT NULL UNIQUE,
    subject text NOT NULL,
    key text NOT NULL,
    payload bytea NOT NULL,
    headers jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    stream_seq bigint
);
CREATE INDEX {name}_unpublished ON {name} (seq) WHERE stream_seq IS NULL;
CREATE INDEX {name}_published ON {name} (stream_seq) WHERE stream_seq IS NOT NULL;
"""

OUTGOING_GRANTS = """
GRANT SELECT, INSERT ON {name} TO {role};
GRANT UPDATE (stream_seq) ON {name} TO {role};
"""

DDL = """
CREATE TABLE inbox (event_id text PRIMARY KEY, taken_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE commands (
    command_id text PRIMARY KEY,
    kind text NOT NULL,
    reply bytea STORAGE EXTERNAL, -- sealed: trying to compress it is work for nothing
    done_at timestamptz NOT NULL DEFAULT now()
);
"""

GRANTS = """
GRANT SELECT, INSERT ON inbox TO {role};
GRANT SELECT, INSERT ON commands TO {role};
GRANT UPDATE (reply) ON commands TO {role};
"""
