"""Rosters and their rows."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0002"
down_revision = "0001"

ROSTERS = """
CREATE TABLE rosters (
    id text PRIMARY KEY,
    school text NOT NULL,
    file_name text NOT NULL,
    file jsonb NOT NULL,
    file_kept boolean NOT NULL DEFAULT true,
    state text NOT NULL CHECK (state IN ('uploaded', 'checking', 'checked', 'confirming', 'in_approval', 'issuing',
                                         'completed', 'cancelled', 'failed')),
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    created_account text NOT NULL,
    confirmed_account text,
    business_day date,
    total integer NOT NULL DEFAULT 0,
    done integer NOT NULL DEFAULT 0,
    cursor integer NOT NULL DEFAULT 0,
    rows integer NOT NULL DEFAULT 0,
    valid integer NOT NULL DEFAULT 0,
    warned integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    already_here integer NOT NULL DEFAULT 0,
    refusals jsonb NOT NULL DEFAULT '{}',
    new_classes text[] NOT NULL DEFAULT '{}',
    notes jsonb NOT NULL DEFAULT '[]',
    problem text,
    files jsonb NOT NULL DEFAULT '[]',
    sheets_state text NOT NULL DEFAULT 'none' CHECK (sheets_state IN ('none', 'printing', 'ready')),
    sheets_job text,
    sheets_actor jsonb,
    cleanup boolean NOT NULL DEFAULT false,
    trace jsonb NOT NULL DEFAULT '{}',
    lease_owner text,
    lease_until timestamptz,
    retry_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    crashes integer NOT NULL DEFAULT 0,
    CHECK ((state = 'failed') = (problem IS NOT NULL)),
    CHECK (rows = valid + warned + refused + already_here)
) WITH (fillfactor = 50);
CREATE INDEX rosters_of_school ON rosters (school, created_at DESC, id DESC);
CREATE INDEX rosters_to_do ON rosters (created_at)
    WHERE state IN ('uploaded', 'checking', 'confirming') OR sheets_state = 'printing' OR cleanup;
CREATE INDEX rosters_to_confirm ON rosters (created_at) WHERE state = 'checked';

CREATE TABLE roster_rows (
    roster_id text NOT NULL,
    "row" integer NOT NULL CHECK ("row" > 0),
    state text NOT NULL CHECK (state IN ('valid', 'warned', 'refused', 'already_here')),
    name text NOT NULL,
    masked_document text NOT NULL,
    masked_members jsonb NOT NULL DEFAULT '[]',
    findings jsonb NOT NULL DEFAULT '[]',
    registration_id text,
    sex text,
    birth_date date,
    document_kind text,
    overseas text,
    disability text,
    placement text,
    grade smallint,
    class_no smallint,
    enrolled_month text,
    form bytea STORAGE EXTERNAL, -- sealed: does not compress
    PRIMARY KEY (roster_id, "row"),
    CHECK (registration_id IS NULL OR state IN ('valid', 'warned'))
) WITH (fillfactor = 85);
"""

# A cancelled roster's rows are deleted: "nothing of it remains but its name".
GRANTS = """
GRANT SELECT, INSERT ON rosters TO registry;
GRANT UPDATE (file_kept, state, version, confirmed_account, business_day, total, done, cursor, rows, valid, warned,
              refused, already_here, refusals, new_classes, notes, problem, files, sheets_state, sheets_job, sheets_actor,
              cleanup, trace, lease_owner, lease_until, retry_at, failures, crashes) ON rosters TO registry;
GRANT SELECT, INSERT, DELETE ON roster_rows TO registry;
GRANT UPDATE (state, findings, registration_id, form) ON roster_rows TO registry;
"""


def upgrade() -> None:
    statements(op, ROSTERS)
    statements(op, GRANTS)
