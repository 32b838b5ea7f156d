"""Children of other provinces whom a school expects (19, 24.5.1): a hold whose pupil has no record here yet."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0028"
down_revision = "0027"

# `approved`: by all, so that the school may register the child, placed as the case says (`placement`, 24.4). `over`: its seat
# is beyond the standard size. While a registration is on its way the place is counted in its class and the hold has no seat;
# it gets it back with the end of one that came to nothing. `open` goes with the hold's being held. `returns`: the record of
# one who had left by a transfer of ours; it is opened again, and nobody registers the child.
ARRIVALS = """
CREATE TABLE expected_arrivals (
    case_id text PRIMARY KEY REFERENCES change_holds (case_id),
    person_id text NOT NULL,
    school text NOT NULL,
    cohort smallint NOT NULL,
    over boolean NOT NULL DEFAULT false,
    open boolean NOT NULL DEFAULT true,
    approved boolean NOT NULL DEFAULT false,
    placement text NOT NULL DEFAULT '',
    registration_id text,
    returns text,
    CHECK (returns IS NULL OR registration_id IS NULL)
);
-- One case expects a child, whichever school's it is (clause 23).
CREATE UNIQUE INDEX expected_arrivals_of_person ON expected_arrivals (person_id) WHERE open;
CREATE INDEX expected_arrivals_at ON expected_arrivals (school, cohort);
CREATE UNIQUE INDEX expected_arrivals_registered ON expected_arrivals (registration_id) WHERE registration_id IS NOT NULL;

ALTER TABLE change_holds ADD COLUMN expects boolean NOT NULL DEFAULT false;
ALTER TABLE change_holds DROP CONSTRAINT change_holds_check;
ALTER TABLE change_holds ADD CONSTRAINT change_holds_whom
    CHECK (state = 'released' OR student_id IS NOT NULL OR (expects AND state = 'held'));
"""

GRANTS = """
GRANT UPDATE (expects) ON change_holds TO registry;
GRANT SELECT, INSERT, DELETE ON expected_arrivals TO registry;
GRANT UPDATE (school, over, open, approved, placement, registration_id) ON expected_arrivals TO registry
"""


def upgrade() -> None:
    statements(op, ARRIVALS)
    statements(op, GRANTS)
