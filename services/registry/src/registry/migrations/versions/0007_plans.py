"""Enrolment plans with all their versions, changes that schools ask for, admission schemes; what counts places."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0007"
down_revision = "0006"

# One plan a school, school year and stage: the row that whoever takes places locks. `grade`: where the stage begins.
# Places taken are counted (see registrations_taking_places), never kept: a counter can drift, a count cannot.
PLANS = """
CREATE TABLE enrolment_plans (
    id text PRIMARY KEY,
    school text NOT NULL,
    school_year smallint NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    grade smallint NOT NULL CHECK (grade BETWEEN 1 AND 9),
    authority text NOT NULL,
    filed_with text NOT NULL,
    classes smallint NOT NULL CHECK (classes >= 0),
    places integer NOT NULL CHECK (places >= 0),
    state text NOT NULL CHECK (state IN ('in_force', 'returned')),
    version integer NOT NULL CHECK (version > 0),
    filed_at timestamptz NOT NULL,
    issued_by text NOT NULL,
    return_reason text,
    returned_at timestamptz,
    returned_by text,
    UNIQUE (school, school_year, stage),
    CHECK ((state = 'returned') = (return_reason IS NOT NULL AND returned_at IS NOT NULL AND returned_by IS NOT NULL))
) WITH (fillfactor = 50);
CREATE INDEX enrolment_plans_of_year ON enrolment_plans (school_year, authority, school);

-- Every version that was ever issued, and why: a plan in force is the last one. Nobody changes or removes one.
CREATE TABLE enrolment_plan_versions (
    plan_id text NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    authority text NOT NULL,
    classes smallint NOT NULL,
    places integer NOT NULL,
    reason text NOT NULL,
    change_id text,
    account text NOT NULL,
    issued_by text NOT NULL,
    issued_at timestamptz NOT NULL,
    PRIMARY KEY (plan_id, version)
);

CREATE TABLE enrolment_plan_changes (
    id text PRIMARY KEY,
    plan_id text NOT NULL,
    school text NOT NULL,
    classes smallint NOT NULL CHECK (classes > 0),
    places integer NOT NULL CHECK (places > 0),
    reason text NOT NULL,
    account text NOT NULL,
    asked_by text NOT NULL,
    asked_at timestamptz NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'approved', 'rejected', 'withdrawn')),
    granted_classes smallint,
    granted_places integer,
    decision_reason text,
    decided_account text,
    decided_by text,
    decided_at timestamptz,
    version integer NOT NULL DEFAULT 1,
    CHECK ((state = 'waiting') = (decided_at IS NULL)),
    CHECK ((state = 'approved') = (granted_classes IS NOT NULL AND granted_places IS NOT NULL))
);
CREATE UNIQUE INDEX enrolment_plan_changes_one_waiting ON enrolment_plan_changes (plan_id) WHERE state = 'waiting';
CREATE INDEX enrolment_plan_changes_of_plan ON enrolment_plan_changes (plan_id, asked_at);
"""

# An approved scheme of a school and year is the one that counts; one that was rejected stays to be read.
SCHEMES = """
CREATE TABLE admission_schemes (
    id text PRIMARY KEY,
    school text NOT NULL,
    school_year smallint NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'returned', 'approved', 'rejected')),
    account text NOT NULL,
    submitted_by text NOT NULL,
    submitted_at timestamptz NOT NULL,
    decided_account text,
    decided_by text,
    decided_at timestamptz,
    decision_reason text,
    version integer NOT NULL DEFAULT 1,
    CHECK ((state = 'waiting') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX admission_schemes_one_live ON admission_schemes (school, school_year) WHERE state <> 'rejected';
CREATE INDEX admission_schemes_of_year ON admission_schemes (school_year, school);
"""

# `admission_id`: the admission that a registration came of; the place is the admission's then (one child counts once).
REGISTRATIONS = """
ALTER TABLE registrations ADD COLUMN admission_id text;
CREATE INDEX registrations_taking_places ON registrations (school, school_year, grade)
    WHERE kind = 'new' AND NOT closed AND admission_id IS NULL;
CREATE UNIQUE INDEX registrations_of_admission ON registrations (admission_id)
    WHERE admission_id IS NOT NULL AND NOT closed;

-- Rows of a roster that the check has accepted and counted: it goes on from there after a kill.
ALTER TABLE roster_rows ADD COLUMN takes_place boolean NOT NULL DEFAULT false;

-- Whether a person has finished a stage is asked at every registration (clause 12).
CREATE INDEX students_not_live ON students (person_id) WHERE NOT live;
"""

GRANTS = """
GRANT SELECT, INSERT ON enrolment_plans TO registry;
GRANT UPDATE (grade, authority, filed_with, classes, places, state, version, filed_at, issued_by, return_reason,
              returned_at, returned_by) ON enrolment_plans TO registry;
GRANT SELECT, INSERT ON enrolment_plan_versions TO registry;
GRANT SELECT, INSERT ON enrolment_plan_changes TO registry;
GRANT UPDATE (state, granted_classes, granted_places, decision_reason, decided_account, decided_by, decided_at, version)
    ON enrolment_plan_changes TO registry;
GRANT SELECT, INSERT ON admission_schemes TO registry;
GRANT UPDATE (title, body, state, account, submitted_by, submitted_at, decided_account, decided_by, decided_at,
              decision_reason, version) ON admission_schemes TO registry;
"""


def upgrade() -> None:
    for script in (PLANS, SCHEMES, REGISTRATIONS, GRANTS):
        statements(op, script)
