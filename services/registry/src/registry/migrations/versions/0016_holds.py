"""Holds on students, seats in schools, and where a pupil studies while the record stays (clauses 23, 24.4)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0016"
down_revision = "0015"

# Who was let go stays as a row: a request that comes late finds that its case has ended.
HOLDS = """
CREATE TABLE change_holds (
    case_id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('transfer')),
    seq integer NOT NULL CHECK (seq >= 0),
    state text NOT NULL CHECK (state IN ('held', 'applied', 'released')),
    student_id text,
    seat_school text,
    seat_cohort smallint,
    seat_over boolean NOT NULL DEFAULT false,
    since timestamptz NOT NULL,
    CHECK (state = 'released' OR student_id IS NOT NULL),
    CHECK (state = 'held' OR seat_school IS NULL),
    CHECK ((seat_school IS NULL) = (seat_cohort IS NULL))
);
-- One open change case a student, over all services (clause 23).
CREATE UNIQUE INDEX change_holds_of_student ON change_holds (student_id) WHERE state = 'held';
CREATE INDEX change_holds_seats ON change_holds (seat_school, seat_cohort)
    WHERE state = 'held' AND seat_school IS NOT NULL;

CREATE TABLE study_places (
    student_id text NOT NULL,
    since date NOT NULL,
    until date CHECK (until > since),
    school text NOT NULL,
    case_id text NOT NULL,
    ended_by text,
    end_reason text,
    PRIMARY KEY (student_id, since),
    CHECK ((ended_by IS NULL) = (end_reason IS NULL)),
    CHECK (until IS NOT NULL OR ended_by IS NULL)
);
CREATE UNIQUE INDEX study_places_now ON study_places (student_id) WHERE until IS NULL;
CREATE INDEX study_places_at ON study_places (school) WHERE until IS NULL;
"""

GRANTS = """
GRANT SELECT, INSERT ON change_holds TO registry;
GRANT UPDATE (kind, seq, state, student_id, seat_school, seat_cohort, seat_over, since)
    ON change_holds TO registry;
GRANT SELECT, INSERT ON study_places TO registry;
GRANT UPDATE (until, school, case_id, ended_by, end_reason) ON study_places TO registry;
"""


def upgrade() -> None:
    statements(op, HOLDS)
    statements(op, GRANTS)
