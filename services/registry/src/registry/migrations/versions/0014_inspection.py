"""Data quality, verification rounds, findings."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0014"
down_revision = "0013"

# One row a record, written anew by each check of its school: narrow, with room on the page.
QUALITY = """
CREATE TABLE record_quality (
    student_id text PRIMARY KEY,
    school text NOT NULL,
    score smallint NOT NULL CHECK (score BETWEEN 0 AND 100),
    codes text[] NOT NULL,
    check_id text NOT NULL
) WITH (fillfactor = 70);
CREATE INDEX record_quality_of_school ON record_quality (school, score, student_id);

-- One check of one school, for a round or for itself. Progress is `after_id`: the last record looked at.
CREATE TABLE school_checks (
    id text PRIMARY KEY,
    school text NOT NULL,
    round_id text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'done')),
    asked_at timestamptz NOT NULL,
    asked_by text NOT NULL,
    after_id text NOT NULL DEFAULT '',
    records integer NOT NULL DEFAULT 0,
    perfect integer NOT NULL DEFAULT 0,
    points integer NOT NULL DEFAULT 0,
    counts jsonb NOT NULL DEFAULT '{}',
    own_issues text[] NOT NULL DEFAULT '{}',
    score smallint CHECK (score BETWEEN 0 AND 100),
    done_on date,
    CHECK ((state = 'done') = (done_on IS NOT NULL)),
    CHECK ((state = 'done') = (score IS NOT NULL))
);
CREATE INDEX school_checks_waiting ON school_checks (asked_at) WHERE state = 'waiting';
CREATE INDEX school_checks_of_round ON school_checks (round_id) WHERE round_id IS NOT NULL;
CREATE INDEX school_checks_of_school ON school_checks (school, done_on DESC) WHERE state = 'done';
-- A school that asks twice waits for one check.
CREATE UNIQUE INDEX school_checks_own ON school_checks (school) WHERE state = 'waiting' AND round_id IS NULL;
"""

ROUNDS = """
CREATE TABLE inspection_rounds (
    id text PRIMARY KEY,
    authority text NOT NULL,
    title text NOT NULL,
    state text NOT NULL DEFAULT 'checking' CHECK (state IN ('checking', 'open', 'closed')),
    due_on date NOT NULL,
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    opened_name text NOT NULL,
    closed_at timestamptz,
    closing_note text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    CHECK ((state = 'closed') = (closed_at IS NOT NULL))
);
CREATE INDEX inspection_rounds_of_authority ON inspection_rounds (authority, opened_at DESC);

CREATE TABLE inspection_findings (
    id text PRIMARY KEY,
    school text NOT NULL,
    authority text NOT NULL,
    round_id text REFERENCES inspection_rounds,
    kind text NOT NULL CHECK (kind IN ('no_record', 'false_data', 'change_not_filed', 'not_transferred',
        'archive_not_passed', 'data_leaked', 'other', 'data_quality')),
    code text NOT NULL,
    detail text NOT NULL,
    records integer NOT NULL CHECK (records >= 0),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'answered', 'returned', 'closed')),
    source text NOT NULL CHECK (source IN ('system', 'person')),
    raised_at timestamptz NOT NULL,
    due_on date NOT NULL,
    version integer NOT NULL DEFAULT 1
);
CREATE INDEX inspection_findings_of_school ON inspection_findings (school, due_on, id);
CREATE INDEX inspection_findings_of_round ON inspection_findings (round_id) WHERE round_id IS NOT NULL;
CREATE INDEX inspection_findings_due ON inspection_findings (due_on, id) WHERE state <> 'closed';
-- What the system finds every day is one finding until it is closed.
CREATE UNIQUE INDEX inspection_findings_once ON inspection_findings (school, kind, code)
    WHERE source = 'system' AND round_id IS NULL AND state <> 'closed';

-- Everything that was done about a finding, for ever.
CREATE TABLE finding_acts (
    finding_id text NOT NULL REFERENCES inspection_findings,
    seq integer NOT NULL CHECK (seq > 0),
    act text NOT NULL CHECK (act IN ('raised', 'found_again', 'gone', 'answered', 'returned', 'closed')),
    account text NOT NULL,
    account_name text NOT NULL,
    at timestamptz NOT NULL,
    text text NOT NULL DEFAULT '',
    PRIMARY KEY (finding_id, seq)
);

-- The system's own look at Article 48: once a day, whoever of the service's copies comes first.
CREATE TABLE inspection_days (day date PRIMARY KEY, looked_at timestamptz NOT NULL);
"""

GRANTS = """
GRANT SELECT, INSERT, DELETE ON record_quality TO registry;
GRANT UPDATE (school, score, codes, check_id) ON record_quality TO registry;
GRANT SELECT, INSERT ON school_checks TO registry;
GRANT UPDATE (state, after_id, records, perfect, points, counts, own_issues, score, done_on)
    ON school_checks TO registry;
GRANT SELECT, INSERT ON inspection_rounds TO registry;
GRANT UPDATE (state, closed_at, closing_note, version) ON inspection_rounds TO registry;
GRANT SELECT, INSERT ON inspection_findings TO registry;
GRANT UPDATE (records, detail, state, due_on, version) ON inspection_findings TO registry;
GRANT SELECT, INSERT ON finding_acts TO registry;
GRANT SELECT, INSERT ON inspection_days TO registry;
"""


def upgrade() -> None:
    for script in (QUALITY, ROUNDS, GRANTS):
        statements(op, script)
