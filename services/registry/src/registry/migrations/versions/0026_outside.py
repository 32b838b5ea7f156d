"""Pupils who have gone to other provinces: where they are, and that only an approved transfer ends a record so (24.5.1)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0026"
down_revision = "0025"

PLACES = """
CREATE TABLE outside_places (
    student_id text NOT NULL,
    since date NOT NULL,
    division text NOT NULL CHECK (division ~ '^[0-9]{6}$' AND division NOT LIKE '23%'),
    school text NOT NULL CHECK (school <> ''),
    case_id text NOT NULL,
    PRIMARY KEY (student_id, since)
);

CREATE FUNCTION leaves_by_transfer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.live OR NOT EXISTS (SELECT FROM change_holds h
                               WHERE h.student_id = NEW.id AND h.kind = 'transfer' AND h.state = 'held') THEN
        RAISE EXCEPTION 'only an approved transfer lets a pupil leave the province (clause 24.5.1)'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER students_leave_by_transfer BEFORE UPDATE OF state ON students
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state = 'transferred_out')
    EXECUTE FUNCTION leaves_by_transfer();
"""

GRANTS = """
GRANT SELECT, INSERT ON outside_places TO registry;
GRANT UPDATE (division, school, case_id) ON outside_places TO registry
"""


def upgrade() -> None:
    statements(op, PLACES)
    statements(op, GRANTS)
