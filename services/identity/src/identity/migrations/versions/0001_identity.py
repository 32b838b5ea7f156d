"""Persons, claims, numbers: what must never happen is forbidden here, not only in code.

The application's role can do nothing to what stands for ever: it may insert persons, numbers, verifications and reveals,
it may end an L number, and it may delete a person only while no number exists (the foreign key of `student_numbers`).
Triggers say the same to everybody, the owner too.
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import create_kit_tables, statements

revision = "0001"
down_revision = None

APP = "identity"

TABLES = """
CREATE TABLE intakes (
    intake_id text PRIMARY KEY,
    school text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX intakes_expiry ON intakes (expires_at);

-- No foreign key to intakes: staging locks the intake once, a foreign key would do so for each of 500 rows.
CREATE TABLE intake_rows (
    intake_id text NOT NULL,
    "row" integer NOT NULL,
    sealed bytea STORAGE EXTERNAL NOT NULL, -- does not compress
    PRIMARY KEY (intake_id, "row")
);

CREATE TABLE persons (
    id text PRIMARY KEY,
    name text NOT NULL,
    sex text NOT NULL CHECK (sex IN ('1', '2')),
    birth_date date NOT NULL,
    area text NOT NULL CHECK (area ~ '^[0-9]{6}$'),
    document_kind text NOT NULL,
    document bytea,
    document_index bytea NOT NULL CONSTRAINT one_person_a_document UNIQUE,
    masked_document text NOT NULL,
    members bytea,
    name_keys bigint[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
-- fastupdate off: a pending list is searched from end to end by every one of a chunk's 500 look-ups.
CREATE INDEX persons_name_keys ON persons USING gin (name_keys) WITH (fastupdate = off);

CREATE TABLE record_claims (
    person_id text CONSTRAINT one_record_a_person PRIMARY KEY REFERENCES persons,
    registration_id text NOT NULL CONSTRAINT one_person_a_registration UNIQUE,
    school text NOT NULL,
    claimed_at timestamptz NOT NULL
);

CREATE TABLE released_claims (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id text NOT NULL,
    registration_id text NOT NULL,
    school text NOT NULL,
    claimed_at timestamptz NOT NULL,
    released_at timestamptz NOT NULL,
    reason text NOT NULL
);

-- Rows are updated twice each (leased, rescheduled) and neither lease nor attempts is indexed: room for HOT.
-- No foreign key: whoever asks holds the claim, and the claim holds the person.
CREATE TABLE number_requests (
    person_id text PRIMARY KEY,
    registration_id text NOT NULL,
    lane text NOT NULL CHECK (lane IN ('first', 'again')),
    requested_at timestamptz NOT NULL,
    next_attempt_at timestamptz,
    attempts integer NOT NULL DEFAULT 0,
    verification text NOT NULL DEFAULT 'pending',
    lease text,
    leased_until timestamptz,
    trace jsonb NOT NULL DEFAULT '{}'
) WITH (fillfactor = 70);
CREATE INDEX number_requests_due ON number_requests (lane, next_attempt_at) WHERE next_attempt_at IS NOT NULL;

CREATE TABLE student_numbers (
    number_index bytea CONSTRAINT a_number_belongs_to_one_person PRIMARY KEY,
    person_id text NOT NULL REFERENCES persons,
    kind text NOT NULL CHECK (kind IN ('G', 'L', 'J')),
    number bytea NOT NULL,
    masked text NOT NULL,
    valid_from timestamptz NOT NULL,
    valid_to timestamptz,
    CONSTRAINT a_formal_number_never_ends CHECK (kind <> 'G' OR valid_to IS NULL),
    CONSTRAINT a_number_ends_after_it_began CHECK (valid_to >= valid_from)
) WITH (fillfactor = 90);
-- With the check above this is also "one G a person, for ever": a G stays open, and only one number is open.
CREATE UNIQUE INDEX one_open_number_a_person ON student_numbers (person_id) WHERE valid_to IS NULL;
CREATE INDEX student_numbers_former ON student_numbers (person_id) WHERE valid_to IS NOT NULL;

CREATE TABLE l_serials (
    area text NOT NULL,
    birth_date date NOT NULL,
    used integer NOT NULL CHECK (used >= 0),
    PRIMARY KEY (area, birth_date)
) WITH (fillfactor = 70);

CREATE TABLE verifications (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id text NOT NULL,
    attempt integer NOT NULL,
    outcome text NOT NULL,
    at timestamptz NOT NULL
);

CREATE TABLE reveals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL,
    account text NOT NULL,
    organisation text NOT NULL,
    roles text[] NOT NULL,
    purpose text NOT NULL,
    person_ids text[] NOT NULL
);
"""

TRIGGERS = """
CREATE FUNCTION birth_date_is_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a birth date never changes (clause 40)' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER birth_date_immutable BEFORE UPDATE OF birth_date ON persons
    FOR EACH ROW WHEN (OLD.birth_date IS DISTINCT FROM NEW.birth_date) EXECUTE FUNCTION birth_date_is_for_ever();

CREATE FUNCTION number_is_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF OLD.kind <> 'G' AND OLD.valid_to IS NULL
           AND (NEW.number_index, NEW.person_id, NEW.kind, NEW.masked, NEW.valid_from)
             = (OLD.number_index, OLD.person_id, OLD.kind, OLD.masked, OLD.valid_from) THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'a student number is never changed, reused or removed (clause 15.4)'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER student_numbers_immutable BEFORE UPDATE OR DELETE ON student_numbers
    FOR EACH ROW EXECUTE FUNCTION number_is_for_ever();

CREATE FUNCTION only_appended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever appended to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER student_numbers_kept BEFORE TRUNCATE ON student_numbers EXECUTE FUNCTION only_appended();
CREATE TRIGGER verifications_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON verifications EXECUTE FUNCTION only_appended();
CREATE TRIGGER reveals_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON reveals EXECUTE FUNCTION only_appended();
CREATE TRIGGER released_claims_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON released_claims
    EXECUTE FUNCTION only_appended();
"""

# UPDATE (members) on persons and UPDATE (claimed_at) on claims serve row locks, which need some column's privilege.
GRANTS = f"""
GRANT SELECT, INSERT, UPDATE, DELETE ON intakes, intake_rows, l_serials, number_requests TO {APP};
GRANT SELECT, INSERT, DELETE ON persons, record_claims TO {APP};
GRANT UPDATE (members) ON persons TO {APP};
GRANT UPDATE (claimed_at) ON record_claims TO {APP};
GRANT SELECT, INSERT ON released_claims, student_numbers, verifications, reveals TO {APP};
GRANT UPDATE (valid_to) ON student_numbers TO {APP};
"""


def upgrade() -> None:
    create_kit_tables(op, APP)
    statements(op, TABLES)
    statements(op, TRIGGERS)
    statements(op, GRANTS)
