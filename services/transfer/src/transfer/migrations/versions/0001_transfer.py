"""Transfers with their cases; what is being asked of the registry; replicas of organisations and policy."""

from __future__ import annotations

from alembic import op
from casework.tables import create_case_tables
from service_kit import organisations, policy
from service_kit.migrate import create_audit_outbox, create_kit_tables, statements

revision = "0001"
down_revision = None

APP = "transfer"

TRANSFERS = """
CREATE TABLE transfers (
    id text PRIMARY KEY,
    number text NOT NULL UNIQUE,
    student_id text NOT NULL,
    person_id text NOT NULL,
    name text NOT NULL,
    ground text NOT NULL,
    grade smallint NOT NULL CHECK (grade BETWEEN 1 AND 9),
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    to_school text NOT NULL,
    to_authority text NOT NULL,
    from_school text NOT NULL,
    from_authority text NOT NULL,
    seat boolean NOT NULL,
    over boolean NOT NULL DEFAULT false,
    record_moves boolean NOT NULL,
    sealed bytea NOT NULL,
    evidence jsonb NOT NULL,
    exception text NOT NULL DEFAULT '',
    findings jsonb NOT NULL,
    policy_version text NOT NULL,
    needs_override text[] NOT NULL DEFAULT '{}',
    overridden text[] NOT NULL DEFAULT '{}',
    outcome text CHECK (outcome IN ('moving', 'moved', 'attention', 'given_up', 'expired')),
    problem jsonb NOT NULL DEFAULT '[]',
    class_no smallint,
    completed_on date,
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    moved_at timestamptz NOT NULL,
    CHECK (seat OR NOT over),
    CHECK (from_school <> to_school),
    CHECK ((outcome = 'moved') = (completed_on IS NOT NULL))
) WITH (fillfactor = 70);
CREATE INDEX transfers_in ON transfers (to_school, opened_at DESC, id DESC);
CREATE INDEX transfers_out ON transfers (from_school, opened_at DESC, id DESC);
CREATE INDEX transfers_into ON transfers (to_authority, opened_at DESC, id DESC);
CREATE INDEX transfers_out_of ON transfers (from_authority, opened_at DESC, id DESC);
CREATE INDEX transfers_of_student ON transfers (student_id);
-- Those that somebody still has to do something about: small whatever has been done before.
CREATE INDEX cases_under_way ON cases (due_on, id) WHERE status IN ('open', 'returned');

-- Committed before the registry is asked for a hold or a seat, and gone with the commit of what was asked for: what is left
-- was interrupted, and the registry is told what holds (`cases.settling`).
CREATE TABLE hold_intents (
    case_id text PRIMARY KEY,
    since timestamptz NOT NULL
);
-- Each word to the registry about a case has a number of its own, so that a late one changes nothing.
CREATE SEQUENCE hold_seq AS integer;
"""

GRANTS = f"""
GRANT SELECT, INSERT ON transfers TO {APP};
GRANT UPDATE (to_school, to_authority, from_authority, grade, stage, seat, over, record_moves, ground, sealed, evidence,
    exception, findings, policy_version, needs_override, overridden, outcome, problem, class_no, completed_on, moved_at)
    ON transfers TO {APP};
GRANT SELECT, INSERT, DELETE ON hold_intents TO {APP};
GRANT UPDATE (since) ON hold_intents TO {APP};
GRANT USAGE ON SEQUENCE hold_seq TO {APP}
"""


def upgrade() -> None:
    create_kit_tables(op, APP)
    create_audit_outbox(op, APP)
    create_case_tables(op, APP)
    statements(op, TRANSFERS)
    statements(op, GRANTS)
    organisations.create_replica(op, APP)
    policy.create_replica(op, APP)
