"""What a transfer changes besides school and class (24.4), and which plan it has used a place of (24.5.3); the
paper archive that follows a record (21.2, 48); of which term reports guardians were told (34.1)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0027"
down_revision = "0026"

PLACEMENT = """
GRANT UPDATE (placement) ON students TO registry;
"""


# Where the record has gone: who has come by a transfer takes a place of a private school's plan as who was enrolled does.
WENT_TO = """
ALTER TABLE change_holds ADD COLUMN went_to text, ADD COLUMN went_cohort smallint;
ALTER TABLE change_holds ADD CHECK ((went_to IS NULL) = (went_cohort IS NULL)),
    ADD CHECK (went_to IS NULL OR state = 'applied');
CREATE INDEX change_holds_went ON change_holds (went_to, went_cohort) WHERE went_to IS NOT NULL;
GRANT UPDATE (went_to, went_cohort) ON change_holds TO registry;
"""

# What schools owe each other in paper: one row for all that left one for another on a day. `state` says whose turn it is.
HANDOVERS = """
CREATE TABLE archive_handovers (
    id text PRIMARY KEY,
    from_school text NOT NULL,
    to_school text NOT NULL CHECK (to_school <> from_school),
    left_on date NOT NULL,
    due_on date NOT NULL,
    clock_from date NOT NULL,
    clock_days integer NOT NULL CHECK (clock_days > 0),
    opened_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('to_hand_over', 'to_receive', 'done')),
    UNIQUE (from_school, to_school, left_on)
) WITH (fillfactor = 80);
CREATE INDEX archive_handovers_due ON archive_handovers (due_on, id) WHERE state <> 'done';
CREATE INDEX archive_handovers_in ON archive_handovers (to_school, due_on, id);
CREATE INDEX archive_handovers_out ON archive_handovers (from_school, due_on, id);
CREATE TABLE archive_passings (
    student_id text NOT NULL,
    journal_seq integer NOT NULL CHECK (journal_seq > 0),
    handover_id text NOT NULL REFERENCES archive_handovers,
    handed_on date,
    way text CHECK (way IN ('in_person', 'collected', 'post')),
    carried_by text NOT NULL DEFAULT '',
    handed_by text NOT NULL DEFAULT '',
    handed_account text NOT NULL DEFAULT '',
    received_on date,
    received_by text NOT NULL DEFAULT '',
    received_account text NOT NULL DEFAULT '',
    overtaken boolean NOT NULL DEFAULT false,
    PRIMARY KEY (student_id, journal_seq),
    CHECK ((handed_on IS NULL) = (way IS NULL) AND (handed_on IS NULL) = (handed_account = '')),
    CHECK ((received_on IS NULL) = (received_account = '')),
    CHECK (received_on >= handed_on),
    CHECK (NOT overtaken OR (handed_on IS NULL AND received_on IS NULL))
) WITH (fillfactor = 80);
CREATE INDEX archive_passings_of ON archive_passings (handover_id, student_id) WHERE NOT overtaken;
CREATE TRIGGER worklist_opened AFTER INSERT ON archive_handovers FOR EACH ROW
    EXECUTE FUNCTION worklist_thing_changed('archive_handover', 'id');
CREATE TRIGGER worklist_changed AFTER UPDATE ON archive_handovers FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION worklist_thing_changed('archive_handover', 'id');
GRANT SELECT, INSERT, UPDATE (state, due_on) ON archive_handovers TO registry;
GRANT SELECT, INSERT ON archive_passings TO registry;
GRANT UPDATE (handed_on, way, carried_by, handed_by, handed_account, received_on, received_by, received_account, overtaken)
    ON archive_passings TO registry;
"""

TOLD = """
CREATE TABLE term_reports_told (
    student_id text NOT NULL,
    school_year smallint NOT NULL,
    term text NOT NULL CHECK (term IN ('autumn', 'spring')),
    told_at timestamptz NOT NULL,
    PRIMARY KEY (student_id, school_year, term)
);
GRANT SELECT, INSERT ON term_reports_told TO registry;
"""


def upgrade() -> None:
    for script in (PLACEMENT, WENT_TO, HANDOVERS, TOLD):
        statements(op, script)
