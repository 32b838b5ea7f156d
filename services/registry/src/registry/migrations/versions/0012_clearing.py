"""Duplicates, corrections, cancellations, protections (18, 20.1, 22, 39, 40).

What must never happen is forbidden here too, to everybody: a record ends without its approved cancellation, or while it is
protected; key fields change without an approved correction; a birth date changes.
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0012"
down_revision = "0011"

DUPLICATES = """
CREATE TABLE duplicate_pairs (
    id text PRIMARY KEY,
    a text NOT NULL,
    b text NOT NULL,
    agreements text[] NOT NULL,
    reasons text[] NOT NULL,
    alike integer NOT NULL,
    source text NOT NULL CHECK (source IN ('scan', 'registration', 'report')),
    state text NOT NULL DEFAULT 'open'
        CHECK (state IN ('open', 'correcting', 'cancelling', 'different', 'corrected', 'merged')),
    found_at timestamptz NOT NULL,
    due_on date NOT NULL,
    record_id text,
    cancellation_id text,
    decided_account text,
    decided_by text,
    decided_organisation text,
    decided_at timestamptz,
    decision_reason text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    CONSTRAINT a_pair_once UNIQUE (a, b),
    CONSTRAINT a_pair_in_order CHECK (a < b),
    CHECK ((state = 'open') = (decided_at IS NULL)),
    CHECK (record_id IS NULL OR record_id IN (a, b))
) WITH (fillfactor = 80);
CREATE INDEX duplicate_pairs_b ON duplicate_pairs (b);

CREATE TABLE duplicate_statements (
    pair_id text NOT NULL,
    school text NOT NULL,
    position text NOT NULL CHECK (position IN ('same', 'different', 'unknown')),
    text text NOT NULL,
    account text NOT NULL,
    account_name text NOT NULL,
    stated_at timestamptz NOT NULL,
    PRIMARY KEY (pair_id, school)
);

CREATE TABLE duplicate_scans (
    id text PRIMARY KEY,
    organisation text NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done')),
    total integer NOT NULL DEFAULT 0,
    done integer NOT NULL DEFAULT 0,
    found integer NOT NULL DEFAULT 0,
    after_school text NOT NULL DEFAULT '',
    after_id text NOT NULL DEFAULT '',
    requested_account text NOT NULL,
    requested_by text NOT NULL,
    requested_organisation text NOT NULL,
    requested_at timestamptz NOT NULL,
    finished_at timestamptz,
    retry_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    CHECK ((state = 'done') = (finished_at IS NOT NULL))
) WITH (fillfactor = 50);
CREATE UNIQUE INDEX duplicate_scans_one_at_a_time ON duplicate_scans (organisation) WHERE state <> 'done';

-- `competent` of the rules, for lists: the authority that two share, or the lowest that both are under.
CREATE FUNCTION lowest_common_authority(a text, b text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN a = b OR left(a, 2) <> left(b, 2) THEN a
                WHEN left(a, 4) = left(b, 4) THEN left(a, 4) || '00'
                ELSE left(a, 2) || '0000' END
$$;

-- Records that have come and were not compared yet.
CREATE TABLE duplicate_arrivals (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    record_ids text[] NOT NULL,
    arrived_at timestamptz NOT NULL
);
"""

CASES = """
CREATE TABLE corrections (
    id text PRIMARY KEY,
    student_id text NOT NULL,
    staging_id text NOT NULL UNIQUE,
    pair_id text,
    before jsonb NOT NULL,
    after jsonb NOT NULL,
    fields text[] NOT NULL,
    reason text NOT NULL,
    opened_by text NOT NULL,
    open boolean NOT NULL DEFAULT true,
    outcome text CHECK (outcome IN ('applying', 'applied', 'failed')),
    problem text,
    revision integer NOT NULL DEFAULT 0,
    CHECK (outcome IS DISTINCT FROM 'failed' OR problem IS NOT NULL)
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX corrections_one_a_student ON corrections (student_id) WHERE open;
CREATE INDEX corrections_of_student ON corrections (student_id);

CREATE TABLE cancellations (
    id text PRIMARY KEY,
    student_id text NOT NULL,
    school text NOT NULL,
    ground text NOT NULL CHECK (ground IN ('fraud', 'out_of_area', 'dual_record', 'finished', 'other_violation')),
    reason text NOT NULL,
    violated text,
    kept_id text,
    pair_id text,
    proposed_by text NOT NULL,
    open boolean NOT NULL DEFAULT true,
    outcome text CHECK (outcome IN ('cancelled', 'reinstating', 'reinstated')),
    before jsonb,
    seq integer,
    kept_seq integer,
    reinstated_account text,
    reinstated_by text,
    reinstated_organisation text,
    reinstated_at timestamptz,
    reinstate_reason text NOT NULL DEFAULT '',
    problem text,
    revision integer NOT NULL DEFAULT 0,
    CONSTRAINT a_double_record_names_the_kept CHECK ((ground = 'dual_record') = (kept_id IS NOT NULL)),
    CONSTRAINT a_violation_names_its_clause CHECK ((ground = 'other_violation') = (violated IS NOT NULL)),
    CHECK (kept_id IS DISTINCT FROM student_id),
    CHECK ((outcome IS NULL) = (before IS NULL)),
    CHECK ((outcome IS NULL) = (seq IS NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX cancellations_one_a_student ON cancellations (student_id)
    WHERE open OR outcome IN ('cancelled', 'reinstating');
CREATE INDEX cancellations_of_student ON cancellations (student_id);

-- What was a record of its own is read under another one.
CREATE TABLE record_merges (
    cancellation_id text PRIMARY KEY,
    kept_id text NOT NULL,
    cancelled_id text NOT NULL,
    merged_at timestamptz NOT NULL,
    undone_at timestamptz,
    CHECK (kept_id <> cancelled_id)
);
CREATE UNIQUE INDEX record_merges_present ON record_merges (cancelled_id) WHERE undone_at IS NULL;
CREATE INDEX record_merges_kept ON record_merges (kept_id) WHERE undone_at IS NULL;

CREATE TABLE record_protections (
    id text PRIMARY KEY,
    student_id text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('missing', 'criminal', 'compulsory')),
    since date NOT NULL,
    report text NOT NULL,
    registered_account text NOT NULL,
    registered_by text NOT NULL,
    registered_organisation text NOT NULL,
    registered_at timestamptz NOT NULL,
    ended_on date CHECK (ended_on >= since),
    end_reason text NOT NULL DEFAULT '',
    ended_account text,
    ended_by text NOT NULL DEFAULT '',
    ended_at timestamptz,
    CHECK ((ended_on IS NULL) = (ended_at IS NULL)),
    CHECK (ended_on IS NULL OR end_reason <> '')
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX record_protections_in_force ON record_protections (student_id, kind) WHERE ended_at IS NULL;
CREATE INDEX record_protections_of_student ON record_protections (student_id);
"""

# A cancelled record's registration counts as closed: the child may be registered rightly elsewhere. The check of 0001 that
# forbade it is found by what it says, because its name was given by the server.
REGISTRATIONS = """
DO $$
DECLARE found text;
BEGIN
    SELECT conname INTO STRICT found FROM pg_constraint
    WHERE conrelid = 'registrations'::regclass AND contype = 'c'
      AND pg_get_constraintdef(oid) LIKE '%NOT (closed AND%';
    EXECUTE format('ALTER TABLE registrations DROP CONSTRAINT %I', found);
END $$;
"""

TRIGGERS = """
CREATE FUNCTION record_ends_by_law() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM record_protections p WHERE p.student_id = NEW.id AND p.ended_at IS NULL) THEN
        RAISE EXCEPTION 'the record is protected (clause 18)' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NOT EXISTS (SELECT FROM cancellations n JOIN cases c ON c.id = n.id
                   WHERE n.student_id = NEW.id AND n.outcome = 'cancelled' AND c.status = 'approved') THEN
        RAISE EXCEPTION 'only an approved cancellation ends a record (clause 22)' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER students_end_by_law BEFORE UPDATE OF state ON students
    FOR EACH ROW WHEN (OLD.state IS DISTINCT FROM NEW.state AND NEW.state = 'cancelled')
    EXECUTE FUNCTION record_ends_by_law();

CREATE FUNCTION key_fields_by_correction() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM corrections n JOIN cases c ON c.id = n.id
                   WHERE n.student_id = NEW.id AND n.outcome = 'applying' AND c.status = 'approved') THEN
        RAISE EXCEPTION 'key fields change by an approved correction alone (clause 40)'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER students_key_fields BEFORE UPDATE OF name, sex, document_kind, masked_document ON students
    FOR EACH ROW WHEN ((OLD.name, OLD.sex, OLD.document_kind, OLD.masked_document)
                       IS DISTINCT FROM (NEW.name, NEW.sex, NEW.document_kind, NEW.masked_document))
    EXECUTE FUNCTION key_fields_by_correction();

CREATE TRIGGER registrations_member_documents BEFORE UPDATE OF masked_members ON registrations
    FOR EACH ROW WHEN (OLD.masked_members IS DISTINCT FROM NEW.masked_members)
    EXECUTE FUNCTION key_fields_by_correction();

CREATE FUNCTION birth_date_is_for_ever() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a birth date never changes (clause 40)' USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER students_birth_date BEFORE UPDATE OF birth_date ON students
    FOR EACH ROW WHEN (OLD.birth_date IS DISTINCT FROM NEW.birth_date) EXECUTE FUNCTION birth_date_is_for_ever();
CREATE TRIGGER registrations_birth_date BEFORE UPDATE OF birth_date ON registrations
    FOR EACH ROW WHEN (OLD.birth_date IS DISTINCT FROM NEW.birth_date) EXECUTE FUNCTION birth_date_is_for_ever();
"""

GRANTS = """
GRANT SELECT, INSERT ON duplicate_pairs, duplicate_statements, duplicate_scans TO registry;
GRANT UPDATE (state, record_id, cancellation_id, decided_account, decided_by, decided_organisation, decided_at,
              decision_reason, version) ON duplicate_pairs TO registry;
GRANT UPDATE (state, total, done, found, after_school, after_id, finished_at, retry_at, failures)
    ON duplicate_scans TO registry;
GRANT SELECT, INSERT, DELETE ON duplicate_arrivals TO registry;
GRANT UPDATE (arrived_at) ON duplicate_arrivals TO registry;
GRANT SELECT, INSERT ON corrections, cancellations, record_merges, record_protections TO registry;
GRANT UPDATE (staging_id, pair_id, before, after, fields, reason, open, outcome, problem, revision)
    ON corrections TO registry;
GRANT UPDATE (open, outcome, before, seq, kept_seq, reinstated_account, reinstated_by, reinstated_organisation,
              reinstated_at, reinstate_reason, problem, revision) ON cancellations TO registry;
GRANT UPDATE (masked_members) ON registrations TO registry;
GRANT UPDATE (undone_at) ON record_merges TO registry;
GRANT UPDATE (ended_on, end_reason, ended_account, ended_by, ended_at) ON record_protections TO registry;
GRANT UPDATE (name, sex, document_kind, masked_document, state, live) ON students TO registry;
"""


def upgrade() -> None:
    for script in (DUPLICATES, CASES, REGISTRATIONS, TRIGGERS, GRANTS):
        statements(op, script)
