"""Values of policy parameters that authorities have set, and how they were filed to the province (clause 49)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0006"
down_revision = "0005"

# One row says how often anything has changed: copies of the service look at it, and whoever changes anything holds it.
# A value is never changed: the application may only say that it ended before it took effect, and what became of its filing.
TABLES = """
CREATE TABLE policy_book (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version bigint NOT NULL
);
INSERT INTO policy_book (version) VALUES (0);
CREATE TABLE policy_values (
    id text PRIMARY KEY,
    key text NOT NULL,
    division text NOT NULL,
    valid_from date NOT NULL,
    value jsonb NOT NULL,
    low jsonb,
    high jsonb,
    basis text NOT NULL,
    account text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'published' CHECK (state IN ('published', 'withdrawn', 'returned')),
    ended_at timestamptz,
    ended_by text,
    end_reason text,
    CHECK ((state = 'published') = (ended_at IS NULL AND ended_by IS NULL AND end_reason IS NULL))
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX policy_values_one_a_day ON policy_values (key, division, valid_from) WHERE state = 'published';
CREATE INDEX policy_values_newest ON policy_values (published_at DESC, id DESC);
CREATE TABLE policy_filings (
    value_id text PRIMARY KEY REFERENCES policy_values (id),
    division text NOT NULL,
    filed_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'acknowledged', 'returned', 'withdrawn')),
    decided_at timestamptz,
    account text,
    decided_by text,
    reason text,
    version integer NOT NULL DEFAULT 1,
    CHECK ((state = 'waiting') = (decided_at IS NULL AND account IS NULL AND decided_by IS NULL)),
    CHECK (state <> 'returned' OR reason IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX policy_filings_newest ON policy_filings (filed_at DESC, value_id DESC);
CREATE INDEX policy_filings_waiting ON policy_filings (filed_at) WHERE state = 'waiting';
"""

GRANTS = """
GRANT SELECT ON policy_book, policy_values, policy_filings TO registry;
GRANT UPDATE (version) ON policy_book TO registry;
GRANT INSERT ON policy_values, policy_filings TO registry;
GRANT UPDATE (state, ended_at, ended_by, end_reason) ON policy_values TO registry;
GRANT UPDATE (state, decided_at, account, decided_by, reason, version) ON policy_filings TO registry;
"""


def upgrade() -> None:
    statements(op, TABLES)
    statements(op, GRANTS)
