"""What a form said before it was changed; who was seen in a class."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0015"
down_revision = "0014"

# Beside the journal's entry that tells of the change: sealed, never changed, never deleted by the application.
FORMS = """
CREATE TABLE form_changes (
    student_id text NOT NULL,
    journal_seq integer NOT NULL CHECK (journal_seq > 1),
    sealed bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (student_id, journal_seq)
);
GRANT SELECT, INSERT ON form_changes TO registry;
"""

# A check of a class replaces the one before; what was seen stays. No document number, no other school is kept.
ATTENDANCE = """
CREATE TABLE attendance_checks (
    id text PRIMARY KEY,
    school text NOT NULL,
    class_id text NOT NULL,
    grade smallint NOT NULL,
    class_no smallint NOT NULL,
    made_on date NOT NULL,
    made_at timestamptz NOT NULL,
    made_by text NOT NULL,
    account text NOT NULL,
    organisation text NOT NULL,
    counts jsonb NOT NULL,
    latest boolean NOT NULL
);
CREATE UNIQUE INDEX attendance_checks_of_class ON attendance_checks (class_id) WHERE latest;
CREATE INDEX attendance_checks_of_school ON attendance_checks (school, made_at DESC, id DESC);
CREATE TABLE attendance_rows (
    check_id text NOT NULL REFERENCES attendance_checks,
    place smallint NOT NULL,
    row smallint NOT NULL CHECK (row >= 0),
    standing text NOT NULL CHECK (standing IN ('here', 'other_class', 'studies_here', 'under_way', 'elsewhere', 'unknown',
        'unclear', 'absent')),
    person_id text,
    student_id text,
    grade smallint,
    class_no smallint,
    name text NOT NULL,
    masked_document text NOT NULL,
    findings jsonb NOT NULL,
    PRIMARY KEY (check_id, place),
    CHECK (standing <> 'elsewhere' OR student_id IS NULL)
);
GRANT SELECT, INSERT ON attendance_checks TO registry;
GRANT UPDATE (latest) ON attendance_checks TO registry;
GRANT SELECT, INSERT ON attendance_rows TO registry;
"""


def upgrade() -> None:
    statements(op, FORMS)
    statements(op, ATTENDANCE)
