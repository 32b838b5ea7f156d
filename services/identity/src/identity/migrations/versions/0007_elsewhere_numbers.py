"""Temporary numbers that other provinces have given: they find the person whose record is here (15.2, 20.1)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0007"
down_revision = "0006"

# Told with an application, before there is a record; it counts once the person has a number of ours (`store._ELSEWHERE`), and
# until then what is told last stands. So nobody who never came keeps another from being found.
TABLES = """
CREATE TABLE elsewhere_numbers (
    number_index bytea NOT NULL,
    person_id text NOT NULL REFERENCES persons,
    kind text NOT NULL CHECK (kind IN ('L', 'J')),
    number bytea NOT NULL,
    masked text NOT NULL,
    told_at timestamptz NOT NULL,
    PRIMARY KEY (number_index, person_id)
);
CREATE INDEX elsewhere_numbers_of_person ON elsewhere_numbers (person_id);
CREATE FUNCTION of_a_numbered_person_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM student_numbers WHERE person_id = OLD.person_id) THEN
        RAISE EXCEPTION 'a former number of a numbered person stays (clause 15.2)' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN OLD;
END $$;
CREATE TRIGGER elsewhere_numbers_kept BEFORE DELETE ON elsewhere_numbers
    FOR EACH ROW EXECUTE FUNCTION of_a_numbered_person_for_ever();
CREATE TRIGGER elsewhere_numbers_fixed BEFORE UPDATE OR TRUNCATE ON elsewhere_numbers
    EXECUTE FUNCTION only_appended();
"""

GRANTS = "GRANT SELECT, INSERT, DELETE ON elsewhere_numbers TO identity"


def upgrade() -> None:
    statements(op, TABLES)
    statements(op, GRANTS)
