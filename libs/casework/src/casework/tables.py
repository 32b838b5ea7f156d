"""Two tables for cases of any kind. `cases` is where each stands; `case_decisions` is what happened, for ever."""

from __future__ import annotations

from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP


class CaseTables(NamedTuple):
    cases: sa.Table
    decisions: sa.Table


def case_tables(metadata: sa.MetaData, prefix: str = "") -> CaseTables:
    """`{prefix}cases` and `{prefix}case_decisions`; the columns of `casework.state` and who opened the case."""
    cases = sa.Table(
        f"{prefix}cases",
        metadata,
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("subject_id", sa.Text, nullable=False),
        sa.Column("parties", JSONB, nullable=False),  # {party: organisation}
        sa.Column("entered_by", sa.Text, nullable=False),  # account
        sa.Column("opened_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("step", sa.Text),
        sa.Column("due_on", sa.Date),
        sa.Column("provisional", sa.Boolean, nullable=False),
        sa.Column("clock_from", sa.Date),
        sa.Column("clock_days", sa.Integer),
        sa.Column("days_left", sa.Integer),
        sa.Column("deciders", JSONB, nullable=False),  # [[step, account], ...]
        sa.Column("version", sa.Integer, nullable=False),
    )
    decisions = sa.Table(
        f"{prefix}case_decisions",
        metadata,
        sa.Column("case_id", sa.Text, primary_key=True),
        sa.Column("seq", sa.Integer, primary_key=True),
        sa.Column("step", sa.Text, nullable=False),
        sa.Column("decision", sa.Text, nullable=False),
        sa.Column("account", sa.Text, nullable=False),
        sa.Column("account_name", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("organisation", sa.Text, nullable=False),
        sa.Column("decided_at", TIMESTAMP(timezone=True), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("override", sa.Boolean, nullable=False),
        sa.Column("details", JSONB, nullable=False),
    )
    return CaseTables(cases, decisions)


# How far a recount of last days has come (`casework.recounting`). `calendar`: the number of the newest notice; `round`: 1 as
# soon as it is known, 2 on a later day, for cases of a copy that had not heard of it yet. `part`: 0 cases, then what else of
# the service has a clock, in its order; `after`: the last of them that was looked at.
RECOUNTS = (
    """CREATE TABLE {prefix}recounts (
        calendar bigint NOT NULL,
        round smallint NOT NULL CHECK (round IN (1, 2)),
        begun_on date NOT NULL,
        part smallint NOT NULL DEFAULT 0,
        after text NOT NULL DEFAULT '',
        moved bigint NOT NULL DEFAULT 0,
        done boolean NOT NULL DEFAULT false,
        PRIMARY KEY (calendar, round)
    )""",
    "GRANT SELECT, INSERT ON {prefix}recounts TO {role}",
    "GRANT UPDATE (part, after, moved, done) ON {prefix}recounts TO {role}",
)

# Every act updates its case: room on the page and no index on what changes keep those updates HOT (in place).
# No foreign key from decisions to cases: one statement writes both, and the check would cost more than the row.
_DDL = (
    """CREATE TABLE {prefix}cases (
        id text PRIMARY KEY,
        kind text NOT NULL,
        subject_id text NOT NULL,
        parties jsonb NOT NULL,
        entered_by text NOT NULL,
        opened_at timestamptz NOT NULL,
        status text NOT NULL CHECK (status IN ('open', 'returned', 'approved', 'rejected', 'withdrawn')),
        step text,
        due_on date,
        provisional boolean NOT NULL DEFAULT false,
        clock_from date,
        clock_days integer CHECK (clock_days > 0),
        days_left integer,
        deciders jsonb NOT NULL DEFAULT '[]',
        version integer NOT NULL DEFAULT 0,
        CHECK ((status IN ('open', 'returned')) = (step IS NOT NULL)),
        CHECK ((clock_from IS NULL) = (clock_days IS NULL))
    ) WITH (fillfactor = 50)""",
    """CREATE TABLE {prefix}case_decisions (
        case_id text NOT NULL,
        seq integer NOT NULL CHECK (seq > 0),
        step text NOT NULL,
        decision text NOT NULL
            CHECK (decision IN ('approve', 'reject', 'return', 'resubmit', 'withdraw', 'reroute')),
        account text NOT NULL,
        account_name text NOT NULL,
        role text NOT NULL,
        organisation text NOT NULL,
        decided_at timestamptz NOT NULL,
        reason text NOT NULL DEFAULT '',
        override boolean NOT NULL DEFAULT false,
        details jsonb NOT NULL DEFAULT '{{}}',
        PRIMARY KEY (case_id, seq),
        CHECK (reason <> '' OR NOT (override OR decision IN ('reject', 'return', 'withdraw', 'reroute')))
    )""",
    "CREATE INDEX {prefix}cases_subject ON {prefix}cases (subject_id)",
    *RECOUNTS,
    "GRANT SELECT, INSERT ON {prefix}cases TO {role}",
    "GRANT UPDATE (parties, status, step, due_on, provisional, clock_from, clock_days, days_left, deciders, version)"
    " ON {prefix}cases TO {role}",
    "GRANT SELECT, INSERT ON {prefix}case_decisions TO {role}",
)


def create_case_tables(op: Any, app_role: str, prefix: str = "") -> None:
    """In a service's migration (`op`: Alembic's): both tables, with no more grants than the application needs."""
    for statement in _DDL:
        op.execute(statement.format(prefix=prefix, role=app_role))
