"""Mergers, closures, re-divisions; junior intake: operations that move many records, and what holds meanwhile."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0013"
down_revision = "0012"

# One row an operation, whatever its kind: what it is to do (`plan`), what was seen before (`preview`), how far it is.
OPERATIONS = """
CREATE TABLE operations (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('merger', 'closure', 'redivision', 'junior_intake')),
    organisation text NOT NULL,
    approver text NOT NULL,
    title text NOT NULL,
    document text NOT NULL DEFAULT '',
    effective_from date NOT NULL,
    plan jsonb NOT NULL,
    schools text[] NOT NULL,
    state text NOT NULL DEFAULT 'drafted' CHECK (state IN ('drafted', 'previewed', 'approved', 'rejected', 'cancelled',
        'running', 'done', 'failed', 'undoing', 'undone')),
    step text NOT NULL DEFAULT '',
    version integer NOT NULL DEFAULT 1,
    created_account text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    preview jsonb,
    previewed_at timestamptz,
    decided_account text,
    decided_by text,
    decided_at timestamptz,
    reason text NOT NULL DEFAULT '',
    undone_account text,
    total integer NOT NULL DEFAULT 0,
    moved integer NOT NULL DEFAULT 0,
    before jsonb,
    after jsonb,
    started_at timestamptz,
    ended_at timestamptz,
    findings jsonb NOT NULL DEFAULT '[]',
    lease_owner text,
    lease_until timestamptz,
    retry_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    CHECK (moved BETWEEN 0 AND total),
    CHECK (decided_account <> created_account),
    CHECK (state NOT IN ('approved', 'running', 'done', 'failed', 'undoing', 'undone') OR decided_at IS NOT NULL)
) WITH (fillfactor = 50);
CREATE INDEX operations_to_do ON operations (decided_at) WHERE state IN ('approved', 'running', 'undoing');
CREATE INDEX operations_of ON operations (organisation, kind, id);
"""

# Where each record was and where it goes. A record is on its way by one operation at a time.
MOVES = """
CREATE TABLE record_moves (
    operation_id text NOT NULL,
    student_id text NOT NULL,
    from_school text NOT NULL,
    from_stage text NOT NULL,
    from_state text NOT NULL,
    from_live boolean NOT NULL,
    from_keeper text,
    from_class text,
    from_joined date,
    to_school text NOT NULL,
    to_stage text NOT NULL,
    to_class text,
    to_keeper text,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'moved', 'undone')),
    journal_seq integer,
    PRIMARY KEY (operation_id, student_id),
    CHECK ((state = 'waiting') = (journal_seq IS NULL)),
    CHECK ((from_class IS NULL) = (from_joined IS NULL))
) WITH (fillfactor = 70);
CREATE INDEX record_moves_to_do ON record_moves (operation_id, state, student_id);
CREATE UNIQUE INDEX record_moves_one_at_a_time ON record_moves (student_id) WHERE state = 'waiting';

CREATE TABLE frozen_schools (
    school text PRIMARY KEY,
    operation_id text NOT NULL,
    since timestamptz NOT NULL
);

-- The archive of a school that is no more may be kept by an authority itself (clause 21.3).
ALTER TABLE students ADD COLUMN keeper text CHECK (keeper ~ '^[0-9]{6}$');
"""

# The one place where it is held that nobody changes the pupils of a school while they are being moved: every path that
# writes comes through here, those of capabilities to come too. A school may be closed to changes, and so may a single pupil
# who waits to be moved. The lock makes who freezes wait for who is writing; it is taken before the first row is written.
# What is new is looked at a statement at a time (registrations, records and first entries come in batches of 500), and where
# nothing is frozen that is two looks at empty tables. A changed school or class is looked at row by row: a move changes many
# columns, and only some of them count.
# Planned once, and never by reading a whole table.
# Number changes are no act on the pupil: they come from the population service when it answers, and go on.
FREEZE = """
CREATE FUNCTION frozen_school(school text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('frozen_schools'));
    IF EXISTS (SELECT 1 FROM frozen_schools f WHERE f.school = frozen_school.school
               AND f.operation_id <> coalesce(current_setting('registry.operation', true), '')) THEN
        RAISE EXCEPTION '学校（%）正在办理撤并、区划调整或升学，学生学籍暂时不能变动。请在办理完成后重试。', school
            USING ERRCODE = 'XJ001';
    END IF;
END $$;
CREATE FUNCTION frozen_pupil(pupil text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM record_moves m WHERE m.student_id = pupil AND m.state = 'waiting'
               AND m.operation_id <> coalesce(current_setting('registry.operation', true), '')) THEN
        RAISE EXCEPTION '学生正在随学校撤并或升学办理学籍移交，暂时不能变动。请在办理完成后重试。' USING ERRCODE = 'XJ001';
    END IF;
END $$;

CREATE FUNCTION freezing_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('frozen_schools'));
    RETURN NULL;
END $$;
-- `came`: rows with `id` and `school`.
CREATE FUNCTION keep_frozen_new() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM frozen_schools) THEN
        PERFORM frozen_school(n.school) FROM (SELECT DISTINCT school FROM came) n;
    END IF;
    IF EXISTS (SELECT 1 FROM record_moves WHERE state = 'waiting') THEN
        PERFORM frozen_pupil(n.id) FROM came n;
    END IF;
    RETURN NULL;
END $$;
-- `came`: rows with `student_id`.
CREATE FUNCTION keep_frozen_members() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM frozen_schools) THEN
        PERFORM frozen_school(s.school) FROM came n JOIN students s ON s.id = n.student_id;
    END IF;
    IF EXISTS (SELECT 1 FROM record_moves WHERE state = 'waiting') THEN
        PERFORM frozen_pupil(n.student_id) FROM came n;
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION keep_frozen_entries() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM frozen_schools) THEN
        PERFORM frozen_school(s.school) FROM came n JOIN students s ON s.id = n.student_id
        WHERE n.kind <> 'number_upgraded';
    END IF;
    IF EXISTS (SELECT 1 FROM record_moves WHERE state = 'waiting') THEN
        PERFORM frozen_pupil(n.student_id) FROM came n WHERE n.kind <> 'number_upgraded';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION keep_frozen() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    PERFORM frozen_school(NEW.school);
    PERFORM frozen_pupil(NEW.id);
    IF OLD.school <> NEW.school THEN
        PERFORM frozen_school(OLD.school);
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION keep_frozen_pupil() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtext('frozen_schools'));
    IF EXISTS (SELECT 1 FROM frozen_schools) THEN
        PERFORM frozen_school(s.school) FROM students s WHERE s.id = NEW.student_id;
    END IF;
    PERFORM frozen_pupil(NEW.student_id);
    RETURN NEW;
END $$;

CREATE TRIGGER students_freezing BEFORE INSERT ON students EXECUTE FUNCTION freezing_waits();
CREATE TRIGGER registrations_freezing BEFORE INSERT ON registrations EXECUTE FUNCTION freezing_waits();
CREATE TRIGGER memberships_freezing BEFORE INSERT ON class_memberships EXECUTE FUNCTION freezing_waits();
CREATE TRIGGER journal_freezing BEFORE INSERT ON journal EXECUTE FUNCTION freezing_waits();
CREATE TRIGGER students_frozen_new AFTER INSERT ON students
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION keep_frozen_new();
CREATE TRIGGER registrations_frozen_new AFTER INSERT ON registrations
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION keep_frozen_new();
CREATE TRIGGER memberships_frozen_new AFTER INSERT ON class_memberships
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION keep_frozen_members();
CREATE TRIGGER journal_frozen_new AFTER INSERT ON journal
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION keep_frozen_entries();
CREATE TRIGGER students_frozen BEFORE UPDATE OF school, stage, state, live, keeper ON students
    FOR EACH ROW EXECUTE FUNCTION keep_frozen();
CREATE TRIGGER memberships_frozen BEFORE UPDATE ON class_memberships
    FOR EACH ROW EXECUTE FUNCTION keep_frozen_pupil();
"""

# A row of a list: the pupil it names, the school it goes to, what is wrong with it.
INTAKE = """
CREATE TABLE junior_intake_rows (
    operation_id text NOT NULL,
    "row" integer NOT NULL CHECK ("row" > 0),
    student_id text,
    name text NOT NULL,
    from_school text,
    to_school text,
    outcome text NOT NULL CHECK (outcome IN ('taken', 'unplaced', 'refused')),
    findings jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (operation_id, "row"),
    CHECK (outcome <> 'taken' OR (student_id IS NOT NULL AND from_school IS NOT NULL AND to_school IS NOT NULL))
);
CREATE UNIQUE INDEX junior_intake_rows_once ON junior_intake_rows (operation_id, student_id) WHERE outcome = 'taken';

-- Places of a plan that approved lists have taken; a list that is undone gives them back.
CREATE TABLE junior_intake_places (
    operation_id text NOT NULL,
    school text NOT NULL,
    school_year smallint NOT NULL,
    places integer NOT NULL CHECK (places > 0),
    PRIMARY KEY (operation_id, school)
);
CREATE INDEX junior_intake_places_of_plan ON junior_intake_places (school, school_year);
"""

GRANTS = """
GRANT SELECT, INSERT ON operations TO registry;
GRANT UPDATE (title, document, effective_from, plan, schools, state, step, version, preview, previewed_at,
              decided_account, decided_by, decided_at, reason, undone_account, total, moved, before, after, started_at,
              ended_at, findings, lease_owner, lease_until, retry_at, failures) ON operations TO registry;
GRANT SELECT, INSERT ON record_moves TO registry;
GRANT UPDATE (state, journal_seq) ON record_moves TO registry;
GRANT SELECT, INSERT, DELETE ON frozen_schools TO registry;
GRANT UPDATE (keeper, state, live) ON students TO registry;
GRANT SELECT, INSERT, DELETE ON junior_intake_rows TO registry;
GRANT SELECT, INSERT, DELETE ON junior_intake_places TO registry;
"""


def upgrade() -> None:
    for script in (OPERATIONS, MOVES, FREEZE, INTAKE, GRANTS):
        statements(op, script)
