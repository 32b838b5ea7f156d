"""Zones, children of age, admissions."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0008"
down_revision = "0007"

# One row a version: what holds is the open row, or one whose days are not over. `areas`: as they were set;
# `divisions`: of the areas, to find the zones of an address.
ZONES = """
CREATE TABLE attendance_zones (
    id text PRIMARY KEY,
    school text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    authority text NOT NULL,
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to > valid_from),
    areas jsonb NOT NULL,
    divisions text[] NOT NULL CHECK (cardinality(divisions) > 0),
    reason text NOT NULL,
    set_by text NOT NULL,
    account text NOT NULL,
    set_at timestamptz NOT NULL,
    version integer NOT NULL CHECK (version > 0)
);
CREATE UNIQUE INDEX attendance_zones_version ON attendance_zones (school, stage, valid_from);
CREATE UNIQUE INDEX attendance_zones_open ON attendance_zones (school, stage) WHERE valid_to IS NULL;
CREATE INDEX attendance_zones_divisions ON attendance_zones USING gin (divisions);
"""

# A child stands here once for each stage, whoever brought it in. `sealed`: address, guardian, telephone. Numbers of
# documents are with identity. `school_year`: of the list on which the child waits (next year's after a deferral).
CHILDREN = """
CREATE TABLE children (
    id text PRIMARY KEY,
    person_id text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    county text NOT NULL,
    origin text NOT NULL CHECK (origin IN ('household', 'migrant', 'private', 'international')),
    school_year smallint NOT NULL,
    name text NOT NULL,
    sex text NOT NULL CHECK (sex IN ('1', '2')),
    birth_date date NOT NULL,
    document_kind text NOT NULL,
    masked_document text NOT NULL,
    division text NOT NULL,
    sealed bytea NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'placed', 'deferred', 'left')),
    by_hand text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    import_id text,
    "row" integer,
    listed_at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX children_once ON children (person_id, stage);
CREATE INDEX children_list ON children (county, school_year, id);
CREATE INDEX children_waiting ON children (county, school_year, stage, id) WHERE state = 'waiting';

CREATE TABLE children_imports (
    id text PRIMARY KEY,
    county text NOT NULL,
    school_year smallint NOT NULL,
    account text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    file jsonb NOT NULL,
    state text NOT NULL DEFAULT 'checking' CHECK (state IN ('checking', 'checked', 'taking', 'done', 'failed')),
    problem text,
    rows integer NOT NULL DEFAULT 0,
    accepted integer NOT NULL DEFAULT 0,
    known integer NOT NULL DEFAULT 0,
    refused integer NOT NULL DEFAULT 0,
    taken integer NOT NULL DEFAULT 0,
    version integer NOT NULL DEFAULT 1,
    lease_owner text,
    lease_until timestamptz,
    retry_at timestamptz,
    failures integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE INDEX children_imports_work ON children_imports (created_at) WHERE state IN ('checking', 'taking');
CREATE INDEX children_imports_county ON children_imports (county, created_at DESC, id);
CREATE TABLE children_import_rows (
    import_id text NOT NULL,
    "row" integer NOT NULL CHECK ("row" > 0),
    outcome text NOT NULL CHECK (outcome IN ('accepted', 'known', 'refused')),
    name text NOT NULL,
    masked_document text NOT NULL,
    birth_date date,
    school text,
    street text,
    findings jsonb NOT NULL DEFAULT '[]',
    taken boolean NOT NULL DEFAULT false,
    child_id text,
    PRIMARY KEY (import_id, "row")
) WITH (fillfactor = 70);
"""

# A place is held by the row that is open, from the placement until the school year is over or somebody ends it.
ADMISSIONS = """
CREATE TABLE admissions (
    id text PRIMARY KEY,
    child_id text NOT NULL REFERENCES children (id),
    person_id text NOT NULL,
    county text NOT NULL,
    school text NOT NULL,
    authority text NOT NULL,
    school_year smallint NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    way text NOT NULL CHECK (way IN ('zone', 'placed', 'migrant', 'private', 'international', 'intake')),
    state text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'ended')),
    street text NOT NULL DEFAULT '',
    reason text NOT NULL DEFAULT '',
    decided_by text NOT NULL,
    account text NOT NULL,
    admitted_on date NOT NULL,
    notice_number text NOT NULL UNIQUE,
    report_from date NOT NULL,
    report_to date NOT NULL CHECK (report_to >= report_from),
    notice_printed_at timestamptz,
    objection text,
    objected_by text,
    objected_on date,
    postponed_until date,
    reported_on date,
    reported_by text,
    no_show_on date,
    reminded smallint NOT NULL DEFAULT 0,
    ended_on date,
    end_reason text,
    version integer NOT NULL DEFAULT 1,
    CHECK ((state = 'ended') = (ended_on IS NOT NULL)),
    CHECK ((objection IS NULL) = (objected_on IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX one_open_admission ON admissions (person_id, stage) WHERE state = 'open';
CREATE INDEX admissions_of_plan ON admissions (school, school_year, stage, id) WHERE state = 'open';
CREATE INDEX admissions_of_county ON admissions (county, school_year, id);
CREATE INDEX admissions_of_child ON admissions (child_id);
CREATE INDEX admissions_not_reported ON admissions (school_year, school, id)
    WHERE state = 'open' AND reported_on IS NULL AND no_show_on IS NULL;
CREATE INDEX admissions_reported ON admissions (reported_on, school, id)
    WHERE state = 'open' AND reported_on IS NOT NULL;
CREATE TABLE admission_counters (
    division text NOT NULL,
    school_year smallint NOT NULL,
    used integer NOT NULL,
    PRIMARY KEY (division, school_year)
) WITH (fillfactor = 50);

CREATE TABLE placement_runs (
    id text PRIMARY KEY,
    county text NOT NULL,
    school_year smallint NOT NULL,
    stage text NOT NULL,
    account text NOT NULL,
    started_by text NOT NULL,
    started_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'running' CHECK (state IN ('running', 'done')),
    waiting integer NOT NULL,
    placed integer NOT NULL DEFAULT 0,
    by_hand integer NOT NULL DEFAULT 0,
    after_child text NOT NULL DEFAULT '',
    finished_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    lease_owner text,
    lease_until timestamptz,
    retry_at timestamptz,
    failures integer NOT NULL DEFAULT 0
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX one_running_placement ON placement_runs (county, school_year, stage) WHERE state = 'running';

CREATE TABLE postponements (
    id text PRIMARY KEY,
    admission_id text NOT NULL REFERENCES admissions (id),
    asked_on date NOT NULL,
    until date NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'granted', 'refused')),
    findings jsonb NOT NULL DEFAULT '[]',
    account text NOT NULL,
    decided_by text,
    decided_on date,
    decision_reason text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1
);
CREATE UNIQUE INDEX one_waiting_postponement ON postponements (admission_id) WHERE state = 'waiting';
"""

# Deferral (6), migrant children (7), international pupils (9): a case each (`cases` has its id).
APPLICATIONS = """
CREATE TABLE admission_applications (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('deferral', 'migrant', 'international')),
    child_id text NOT NULL REFERENCES children (id),
    county text NOT NULL,
    school text,
    authority text NOT NULL,
    school_year smallint NOT NULL,
    stage text NOT NULL,
    content jsonb NOT NULL,
    evidence jsonb NOT NULL DEFAULT '[]',
    asked_on date NOT NULL,
    admission_id text REFERENCES admissions (id)
);
CREATE INDEX admission_applications_list ON admission_applications (kind, county, id);
CREATE INDEX admission_applications_child ON admission_applications (child_id);
"""

GRANTS = """
GRANT SELECT, INSERT ON attendance_zones TO registry;
GRANT UPDATE (valid_to, areas, divisions, reason, set_by, account, set_at, version) ON attendance_zones TO registry;
GRANT SELECT, INSERT ON children TO registry;
GRANT UPDATE (school_year, state, by_hand, reason, division, sealed, version, county, origin) ON children TO registry;
GRANT SELECT, INSERT ON children_imports TO registry;
GRANT UPDATE (state, problem, rows, accepted, known, refused, taken, version, lease_owner, lease_until, retry_at,
              failures) ON children_imports TO registry;
GRANT SELECT, INSERT ON children_import_rows TO registry;
GRANT UPDATE (taken, child_id, outcome, findings) ON children_import_rows TO registry;
GRANT SELECT, INSERT ON admissions TO registry;
GRANT UPDATE (state, notice_printed_at, objection, objected_by, objected_on, postponed_until, reported_on, reported_by,
              no_show_on, reminded, ended_on, end_reason, authority, version)
    ON admissions TO registry;
GRANT SELECT, INSERT, UPDATE ON admission_counters TO registry;
GRANT SELECT, INSERT ON placement_runs TO registry;
GRANT UPDATE (state, placed, by_hand, after_child, finished_at, version, lease_owner, lease_until, retry_at, failures)
    ON placement_runs TO registry;
GRANT SELECT, INSERT ON postponements TO registry;
GRANT UPDATE (state, decided_by, decided_on, decision_reason, version) ON postponements TO registry;
GRANT SELECT, INSERT ON admission_applications TO registry;
GRANT UPDATE (admission_id) ON admission_applications TO registry;
"""


def upgrade() -> None:
    for script in (ZONES, CHILDREN, ADMISSIONS, APPLICATIONS, GRANTS):
        statements(op, script)
