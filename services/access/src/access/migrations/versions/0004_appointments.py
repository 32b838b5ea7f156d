"""Appointments of registrars (clause 43): what was appointed stays as it was; it can only be ended, and once.

The law's order stands in the table too: a training that was completed before the appointment begins.
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0004"
down_revision = "0003"

APP = "access"

TABLES = """
-- In force from `begins_on` to `ends_on`, both included; `ended_on` is the first day on which it is not any more.
CREATE TABLE appointments (
    id text PRIMARY KEY,
    username text NOT NULL REFERENCES accounts,
    name text NOT NULL,
    school text NOT NULL,
    school_year smallint NOT NULL,
    training_title text NOT NULL CHECK (training_title <> ''),
    training_organiser text NOT NULL CHECK (training_organiser <> ''),
    training_completed_on date NOT NULL,
    training_certificate text NOT NULL,
    begins_on date NOT NULL,
    ends_on date NOT NULL,
    appointed_by text NOT NULL,
    appointed_at timestamptz NOT NULL,
    replaces text REFERENCES appointments,
    override_reason text NOT NULL,
    ended_on date,
    end_reason text NOT NULL DEFAULT '',
    end_override_reason text NOT NULL DEFAULT '',
    ended_by text,
    ended_at timestamptz,
    CONSTRAINT trained_before_appointed CHECK (training_completed_on <= begins_on),
    CHECK (begins_on <= ends_on),
    CHECK ((ended_on IS NULL) = (ended_at IS NULL) AND (ended_on IS NULL) = (ended_by IS NULL)),
    CHECK (ended_on IS NULL OR end_reason <> '')
) WITH (fillfactor = 90);
CREATE UNIQUE INDEX appointments_one_a_year ON appointments (username, school, school_year) WHERE ended_on IS NULL;
CREATE INDEX appointments_of_school ON appointments (school, begins_on DESC, id DESC);
CREATE INDEX appointments_of_person ON appointments (username, school, begins_on);
"""

TRIGGERS = """
CREATE FUNCTION appointments_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an appointment is never deleted, changed or taken up again (clause 43)'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER appointments_end_once BEFORE UPDATE ON appointments
    FOR EACH ROW WHEN (OLD.ended_on IS NOT NULL) EXECUTE FUNCTION appointments_are_kept();
CREATE TRIGGER appointments_not_deleted BEFORE DELETE OR TRUNCATE ON appointments
    EXECUTE FUNCTION appointments_are_kept();
"""

GRANTS = f"""
GRANT SELECT, INSERT ON appointments TO {APP};
GRANT UPDATE (ended_on, end_reason, end_override_reason, ended_by, ended_at) ON appointments TO {APP};
"""


def upgrade() -> None:
    statements(op, TABLES)
    statements(op, TRIGGERS)
    statements(op, GRANTS)
