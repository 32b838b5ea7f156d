"""Reports of the cities to the province, and steps that were decided late (24.6.4, 24.6.5)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0003"
down_revision = "0002"

REPORTS = """
CREATE TABLE transfer_reports (
    id text PRIMARY KEY,
    city text NOT NULL,
    year smallint NOT NULL,
    term text NOT NULL CHECK (term IN ('spring', 'autumn')),
    due_on date NOT NULL,
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'submitted')),
    first date,
    last date,
    lines jsonb,
    note text NOT NULL DEFAULT '',
    submitted_at timestamptz,
    submitted_by text,
    account text,
    version integer NOT NULL DEFAULT 1,
    UNIQUE (year, term, city),
    CHECK ((state = 'submitted') = (lines IS NOT NULL AND submitted_at IS NOT NULL AND first IS NOT NULL
                                    AND last IS NOT NULL AND account IS NOT NULL)),
    CHECK (first <= last)
);

CREATE TABLE late_steps (
    case_id text NOT NULL,
    version integer NOT NULL,
    step text NOT NULL,
    organisation text NOT NULL,
    due_on date NOT NULL,
    decided_on date NOT NULL CHECK (decided_on > due_on),
    PRIMARY KEY (case_id, version)
);
CREATE INDEX late_steps_decided ON late_steps (decided_on, organisation);
CREATE INDEX transfers_completed ON transfers (completed_on) WHERE outcome = 'moved';
"""

GRANTS = """
GRANT SELECT, INSERT ON transfer_reports TO transfer;
GRANT UPDATE (state, first, last, lines, note, account, submitted_by, submitted_at, version) ON transfer_reports TO transfer;
GRANT SELECT, INSERT ON late_steps TO transfer
"""


def upgrade() -> None:
    statements(op, REPORTS)
    statements(op, GRANTS)
