"""Organisations, registrations with their cases, classes, students and the journal.

The application's role gets what its handlers use and nothing more: it deletes no registration, decision, student or
journal entry, and a journal entry it cannot change either. Triggers say the same of the journal to everybody.
"""

from __future__ import annotations

from alembic import op
from casework.tables import create_case_tables
from service_kit.migrate import create_kit_tables, statements

revision = "0001"
down_revision = None

APP = "registry"

ORGANISATIONS = """
CREATE TABLE organisations (
    code text NOT NULL,
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to > valid_from),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('province', 'city', 'county', 'school')),
    parent text,
    authority text,
    division text NOT NULL CHECK (division ~ '^[0-9]{6}$'),
    school_type text,
    stages text[] NOT NULL,
    system text CHECK (system IN ('6-3', '5-4')),
    ownership text CHECK (ownership IN ('public', 'private')),
    locality text CHECK (locality IN ('urban', 'town', 'rural')),
    accepts_international boolean NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (code, valid_from),
    CHECK (code ~ CASE kind WHEN 'school' THEN '^[0-9]{10}$' ELSE '^[0-9]{6}$' END),
    CHECK (kind <> 'school' OR (authority IS NOT NULL AND school_type IS NOT NULL AND system IS NOT NULL
           AND ownership IS NOT NULL AND locality IS NOT NULL AND cardinality(stages) > 0))
);
-- One open version a code; a code whose versions are all closed is history and is never used again.
CREATE UNIQUE INDEX organisations_present ON organisations (code) WHERE valid_to IS NULL;
CREATE INDEX organisations_children ON organisations (parent, code) WHERE valid_to IS NULL;
"""

REGISTRATION = """
-- Printed once, numbered once, and 300 bytes wide: half a page of room keeps both changes in place (HOT).
CREATE TABLE registrations (
    id text PRIMARY KEY,
    roster_id text,
    "row" integer,
    person_id text NOT NULL,
    school text NOT NULL,
    authority text NOT NULL,
    name text NOT NULL,
    sex text NOT NULL CHECK (sex IN ('1', '2')),
    birth_date date NOT NULL,
    document_kind text NOT NULL,
    masked_document text NOT NULL,
    masked_members jsonb NOT NULL DEFAULT '[]',
    overseas text NOT NULL,
    disability text NOT NULL,
    placement text NOT NULL
        CHECK (placement IN ('ordinary', 'mainstreamed', 'special_school', 'home_teaching')),
    kind text NOT NULL CHECK (kind IN ('new', 'supplementary')),
    school_year smallint NOT NULL,
    grade smallint NOT NULL CHECK (grade BETWEEN 1 AND 9),
    class_no smallint NOT NULL CHECK (class_no > 0),
    class_id text NOT NULL,
    enrolled_month text NOT NULL CHECK (enrolled_month ~ '^[0-9]{6}$'),
    decision_id text NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    closed boolean NOT NULL DEFAULT false,
    sheet_printed_at timestamptz,
    verification text NOT NULL DEFAULT 'pending',
    student_number text,
    number_kind text CHECK (number_kind IN ('G', 'L', 'J')),
    registered_at timestamptz,
    correction text,
    CHECK ((registered_at IS NULL) = (student_number IS NULL)),
    CHECK ((registered_at IS NULL) = (number_kind IS NULL)),
    CHECK (NOT (closed AND registered_at IS NOT NULL))
) WITH (fillfactor = 50);
-- One person is on the way at one school at a time; identity's claim says so first, this says it again.
CREATE UNIQUE INDEX registrations_one_a_person ON registrations (person_id) WHERE NOT closed;
CREATE INDEX registrations_of_school ON registrations (school, id);
CREATE INDEX registrations_of_roster ON registrations (roster_id, "row") WHERE roster_id IS NOT NULL;

-- Sealed values do not compress: EXTERNAL spares the attempt.
CREATE TABLE profiles (id text PRIMARY KEY, form bytea STORAGE EXTERNAL NOT NULL);
CREATE TABLE policy_decisions (id text PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE roster_counts (
    roster_id text PRIMARY KEY,
    on_the_way integer NOT NULL CHECK (on_the_way >= 0)
) WITH (fillfactor = 20);
CREATE TABLE pending_entries (
    registration_id text PRIMARY KEY,
    school text NOT NULL,
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL
);
"""

RECORDS = """
CREATE TABLE classes (
    id text PRIMARY KEY,
    school text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    cohort smallint NOT NULL,
    class_no smallint NOT NULL CHECK (class_no > 0),
    grade smallint NOT NULL CHECK (grade BETWEEN 1 AND 9),
    system text NOT NULL CHECK (system IN ('6-3', '5-4')),
    UNIQUE (school, stage, cohort, class_no)
) WITH (fillfactor = 70);

-- Narrow, with room on the page: a mass change of an open row stays on its page (HOT).
CREATE TABLE class_memberships (
    student_id text NOT NULL,
    joined_on date NOT NULL,
    class_id text NOT NULL,
    left_on date CHECK (left_on >= joined_on),
    PRIMARY KEY (student_id, joined_on)
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX class_memberships_present ON class_memberships (student_id) WHERE left_on IS NULL;
CREATE INDEX class_memberships_of_class ON class_memberships (class_id);

CREATE TABLE students (
    id text PRIMARY KEY,
    person_id text NOT NULL,
    school text NOT NULL,
    name text NOT NULL,
    sex text NOT NULL CHECK (sex IN ('1', '2')),
    birth_date date NOT NULL,
    document_kind text NOT NULL,
    masked_document text NOT NULL,
    student_number text NOT NULL,
    number_kind text NOT NULL CHECK (number_kind IN ('G', 'L', 'J')),
    verification text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    cohort smallint NOT NULL,
    placement text NOT NULL,
    state text NOT NULL,
    live boolean NOT NULL DEFAULT true,
    registered_at timestamptz NOT NULL,
    version integer NOT NULL DEFAULT 1
) WITH (fillfactor = 85);
-- One person, one live record (clause 15.2).
CREATE UNIQUE INDEX students_one_a_person ON students (person_id) WHERE live;
CREATE INDEX students_of_school ON students (school, id);

CREATE TABLE former_numbers (
    student_id text NOT NULL,
    ended_at timestamptz NOT NULL,
    number text NOT NULL,
    PRIMARY KEY (student_id, ended_at)
);

CREATE TABLE journal (
    student_id text NOT NULL,
    seq integer NOT NULL CHECK (seq > 0),
    kind text NOT NULL,
    clause text,
    legal_date date NOT NULL,
    recorded_at timestamptz NOT NULL,
    actor text NOT NULL,
    content jsonb,
    salt bytea,
    digest bytea NOT NULL,
    previous bytea NOT NULL,
    hash bytea NOT NULL,
    PRIMARY KEY (student_id, seq),
    CHECK ((content IS NULL) = (salt IS NULL)),
    CHECK ((seq = 1) = (previous = '\\x0000000000000000000000000000000000000000000000000000000000000000'))
);
"""

# Article 38 will let the owner's function empty an entry (content and salt); the chain of hashes stays.
JOURNAL = """
CREATE FUNCTION journal_is_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.content IS NULL AND NEW.salt IS NULL
           AND (NEW.student_id, NEW.seq, NEW.kind, NEW.legal_date, NEW.recorded_at, NEW.actor, NEW.digest,
                NEW.previous, NEW.hash)
             = (OLD.student_id, OLD.seq, OLD.kind, OLD.legal_date, OLD.recorded_at, OLD.actor, OLD.digest,
                OLD.previous, OLD.hash)
           AND NEW.clause IS NOT DISTINCT FROM OLD.clause THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'the journal is only ever appended to (clause 21.1)' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER journal_kept BEFORE UPDATE OR DELETE ON journal
    FOR EACH ROW EXECUTE FUNCTION journal_is_for_ever();
CREATE TRIGGER journal_not_emptied BEFORE TRUNCATE ON journal EXECUTE FUNCTION journal_is_for_ever();
"""

# UPDATE (created_at) on pending_entries serves row locks, which need some column's privilege.
GRANTS = """
GRANT SELECT, INSERT ON organisations TO registry;
GRANT UPDATE (valid_to, name, parent, authority, division, stages, system, ownership, locality,
              accepts_international, loaded_at) ON organisations TO registry;
GRANT SELECT, INSERT ON registrations TO registry;
GRANT UPDATE (overseas, disability, placement, kind, grade, class_no, class_id, enrolled_month, decision_id, revision,
              closed, sheet_printed_at, verification, student_number, number_kind, registered_at, correction)
    ON registrations TO registry;
GRANT SELECT, INSERT ON profiles TO registry;
GRANT UPDATE (form) ON profiles TO registry;
GRANT SELECT, INSERT ON policy_decisions TO registry;
GRANT SELECT, INSERT ON roster_counts TO registry;
GRANT UPDATE (on_the_way) ON roster_counts TO registry;
GRANT SELECT, INSERT, DELETE, UPDATE (created_at) ON pending_entries TO registry;
GRANT SELECT, INSERT ON classes TO registry;
GRANT UPDATE (grade) ON classes TO registry;
GRANT SELECT, INSERT ON class_memberships TO registry;
GRANT UPDATE (class_id, left_on) ON class_memberships TO registry;
GRANT SELECT, INSERT ON students TO registry;
GRANT UPDATE (student_number, number_kind, verification, version) ON students TO registry;
GRANT SELECT, INSERT ON former_numbers TO registry;
GRANT SELECT, INSERT ON journal TO registry;
"""


def upgrade() -> None:
    create_kit_tables(op, APP)
    create_case_tables(op, APP)
    for script in (ORGANISATIONS, REGISTRATION, RECORDS, JOURNAL, GRANTS):
        statements(op, script)
