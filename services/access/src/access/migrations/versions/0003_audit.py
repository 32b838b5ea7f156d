"""The audit log: written once, never changed, by nobody (clause 45.1).

The application's role may read and insert. Triggers say the same to the owner, for every row and for TRUNCATE. What a
superuser does all the same is found by the chain and the signatures (`python -m access audit-verify`).
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0003"
down_revision = "0002"

APP = "access"

TABLES = """
-- `day`, `number`: its place in the chain of the business day on which it was kept; `at`: when it happened.
CREATE TABLE audit_entries (
    day date NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    kept_at timestamptz NOT NULL,
    id text NOT NULL CONSTRAINT an_entry_is_kept_once UNIQUE,
    at timestamptz NOT NULL,
    service text NOT NULL,
    act text NOT NULL,
    account text NOT NULL,
    name text NOT NULL,
    organisation text NOT NULL,
    authority text NOT NULL,
    roles text[] NOT NULL,
    outcome text NOT NULL,
    reasons text[] NOT NULL,
    objects text[] NOT NULL,
    count integer NOT NULL,
    purpose text NOT NULL,
    address text NOT NULL,
    session text NOT NULL,
    operation text NOT NULL,
    trace_id text NOT NULL,
    previous bytea NOT NULL CHECK (length(previous) = 32),
    hash bytea NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (day, number)
);
-- Pages are walked from the newest: each way to look has its order in its index.
CREATE INDEX audit_entries_newest ON audit_entries (at, day, number);
CREATE INDEX audit_entries_account ON audit_entries (account, at, day, number);
CREATE INDEX audit_entries_organisation ON audit_entries (organisation, at, day, number);
CREATE INDEX audit_entries_authority ON audit_entries (authority, at, day, number);
CREATE INDEX audit_entries_act ON audit_entries (act, at, day, number);
CREATE INDEX audit_entries_undone ON audit_entries (outcome, at, day, number) WHERE outcome <> 'done';

-- Which entries are about a pupil, a roster, an account: an index by hand, because a list of ids is walked newest first.
CREATE TABLE audit_objects (
    object_id text NOT NULL,
    at timestamptz NOT NULL,
    day date NOT NULL,
    number bigint NOT NULL,
    PRIMARY KEY (object_id, at, day, number)
);

CREATE TABLE audit_days (
    day date PRIMARY KEY,
    entries bigint NOT NULL,
    root bytea NOT NULL CHECK (length(root) = 32),
    previous bytea NOT NULL CHECK (length(previous) = 32),
    key_id text NOT NULL,
    signature bytea NOT NULL,
    signed_at timestamptz NOT NULL
);

-- Sums of ended days, for the yearly report: a year of a province has tens of millions of entries.
CREATE TABLE audit_totals (
    day date NOT NULL,
    authority text NOT NULL,
    act text NOT NULL,
    outcome text NOT NULL,
    purpose text NOT NULL,
    entries bigint NOT NULL,
    pupils bigint NOT NULL,
    PRIMARY KEY (day, authority, act, outcome, purpose)
);

-- Up to where the rules for unusual use have looked: one row.
CREATE TABLE audit_watched (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    day date NOT NULL,
    number bigint NOT NULL
);

CREATE TABLE audit_alerts (
    id text PRIMARY KEY,
    kind text NOT NULL,
    account text NOT NULL,
    "window" text NOT NULL,
    organisation text NOT NULL,
    authority text NOT NULL,
    raised_at timestamptz NOT NULL,
    count integer NOT NULL,
    handled_by text,
    handled_at timestamptz,
    conclusion text,
    CONSTRAINT one_alert_a_window UNIQUE (kind, account, "window"),
    CONSTRAINT handled_with_a_conclusion CHECK (
        (handled_by IS NULL) = (handled_at IS NULL) AND (handled_by IS NULL) = (conclusion IS NULL))
);
CREATE INDEX audit_alerts_newest ON audit_alerts (raised_at, id);

CREATE TABLE audit_incidents (
    id text PRIMARY KEY,
    happened_on date NOT NULL,
    title text NOT NULL,
    description text NOT NULL,
    measures text NOT NULL,
    organisation text NOT NULL,
    authority text NOT NULL,
    reported_by text NOT NULL,
    reported_at timestamptz NOT NULL,
    alert_id text REFERENCES audit_alerts
);
CREATE INDEX audit_incidents_newest ON audit_incidents (reported_at, id);
"""

KEPT = ("audit_entries", "audit_objects", "audit_days", "audit_totals", "audit_incidents")

TRIGGERS = """
CREATE FUNCTION audit_is_only_appended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever appended to (clause 45.1)', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
""" + "".join(
    f"""CREATE TRIGGER {table}_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit_is_only_appended();
"""
    for table in KEPT
)

GRANTS = f"""
GRANT SELECT, INSERT ON {", ".join(KEPT)} TO {APP};
GRANT SELECT, INSERT, UPDATE ON audit_watched TO {APP};
GRANT SELECT, INSERT ON audit_alerts TO {APP};
GRANT UPDATE (count, handled_by, handled_at, conclusion) ON audit_alerts TO {APP};
"""


def upgrade() -> None:
    statements(op, TABLES)
    statements(op, TRIGGERS)
    statements(op, GRANTS)
