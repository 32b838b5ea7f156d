"""Class assignments and moves; a class has a name and an end, its grade only ever rises by one.

The database says for itself what nobody may get round: a student is in a class of the school that keeps the record
(clause 24.6.1), a class's grade is never lowered or skipped (25.5, 41), and an assignment whose list is closed keeps its
list, its secret and its result (17).
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0009"
down_revision = "0008"

CLASSES = """
ALTER TABLE classes
    ADD COLUMN display_name text CHECK (char_length(display_name) BETWEEN 1 AND 30),
    ADD COLUMN closed_on date,
    ADD COLUMN version integer NOT NULL DEFAULT 1;

CREATE FUNCTION grade_rises_by_one() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.grade <> OLD.grade + 1 THEN
        RAISE EXCEPTION 'a grade is only ever raised by one (clauses 25.5, 41)' USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER classes_grade_rises BEFORE UPDATE OF grade ON classes
    FOR EACH ROW WHEN (NEW.grade IS DISTINCT FROM OLD.grade) EXECUTE FUNCTION grade_rises_by_one();
"""

# New memberships are looked at a statement at a time: numbers come in batches of 500. A membership that changes its class,
# and a student who changes the school, at the end of the transaction: a move does one after the other.
# Two look-ups by key a membership, and no join: the plan is made once a session, maybe while the tables are empty, and a
# hash of all students, which is the best plan then, would be made anew for every batch of a province that grows.
MEMBERSHIPS = """
CREATE FUNCTION memberships_at_own_school() RETURNS trigger LANGUAGE plpgsql
    SET plan_cache_mode = force_generic_plan SET enable_seqscan = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM came m
        WHERE m.left_on IS NULL AND (SELECT k.school FROM classes k WHERE k.id = m.class_id)
            IS DISTINCT FROM (SELECT s.school FROM students s WHERE s.id = m.student_id)
    ) THEN
        RAISE EXCEPTION 'a student is in a class of the school that keeps the record (clause 24.6.1)'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER class_memberships_own_school AFTER INSERT ON class_memberships
    REFERENCING NEW TABLE AS came FOR EACH STATEMENT EXECUTE FUNCTION memberships_at_own_school();

CREATE FUNCTION student_in_own_school() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    whose text := CASE TG_TABLE_NAME WHEN 'students' THEN to_jsonb(NEW) ->> 'id' ELSE to_jsonb(NEW) ->> 'student_id' END;
BEGIN
    IF EXISTS (
        SELECT FROM class_memberships m
        JOIN students s ON s.id = m.student_id
        LEFT JOIN classes k ON k.id = m.class_id
        WHERE m.student_id = whose AND m.left_on IS NULL AND k.school IS DISTINCT FROM s.school
    ) THEN
        RAISE EXCEPTION 'a student is in a class of the school that keeps the record (clause 24.6.1)'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER class_memberships_stay AFTER UPDATE OF class_id, left_on ON class_memberships
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.left_on IS NULL) EXECUTE FUNCTION student_in_own_school();
CREATE CONSTRAINT TRIGGER students_class_follows AFTER UPDATE OF school ON students
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION student_in_own_school();
"""

ASSIGNMENTS = """
CREATE TABLE class_assignments (
    id text PRIMARY KEY,
    number text NOT NULL UNIQUE,
    school text NOT NULL,
    stage text NOT NULL CHECK (stage IN ('primary', 'junior')),
    grade smallint NOT NULL CHECK (grade BETWEEN 1 AND 9),
    school_year smallint NOT NULL,
    state text NOT NULL CHECK (state IN ('draft', 'committed', 'drawn', 'applied', 'cancelled', 'set_aside')),
    version integer NOT NULL DEFAULT 1,
    standard smallint NOT NULL CHECK (standard > 0),
    classes smallint[] NOT NULL CHECK (cardinality(classes) > 0),
    attributes text[] NOT NULL,
    opened_at timestamptz NOT NULL,
    opened_by text NOT NULL,
    replaces text,
    listing text,
    list_sha256 text,
    secret bytea,
    commitment text,
    public_source text,
    public_at timestamptz,
    committed_at timestamptz,
    committed_by text,
    public_value text,
    revealed text,
    seed text,
    drawn_at timestamptz,
    drawn_by text,
    applied_at timestamptz,
    applied_by text,
    cancelled_at timestamptz,
    cancelled_reason text,
    redraw_reason text,
    redraw_asked_at timestamptz,
    redraw_asked_by text,
    redraw_decision text CHECK (redraw_decision IN ('waiting', 'approved', 'rejected')),
    redraw_decided_at timestamptz,
    redraw_decided_by text,
    redraw_decision_reason text,
    CHECK (state IN ('draft', 'cancelled') OR (listing IS NOT NULL AND list_sha256 IS NOT NULL AND secret IS NOT NULL
           AND commitment IS NOT NULL AND public_source IS NOT NULL AND public_at > committed_at)),
    CHECK (state NOT IN ('drawn', 'applied', 'set_aside')
           OR (public_value IS NOT NULL AND revealed IS NOT NULL AND seed IS NOT NULL AND drawn_at >= public_at)),
    CHECK ((state = 'cancelled') = (cancelled_reason IS NOT NULL)),
    CHECK (state <> 'set_aside' OR redraw_decision = 'approved')
);
-- One assignment of a grade at a time: a second draw needs the first to have been set aside by the authority.
CREATE UNIQUE INDEX class_assignments_one_a_grade ON class_assignments (school, school_year, grade)
    WHERE state IN ('draft', 'committed', 'drawn', 'applied');
CREATE INDEX class_assignments_of_school ON class_assignments (school, opened_at, id);

CREATE TABLE class_assignment_pupils (
    assignment_id text NOT NULL REFERENCES class_assignments,
    pupil_id text NOT NULL,
    code text NOT NULL,
    sex text NOT NULL CHECK (sex IN ('1', '2')),
    attributes jsonb NOT NULL,
    place_in smallint,
    class_no smallint,
    PRIMARY KEY (assignment_id, pupil_id),
    UNIQUE (assignment_id, code)
);
CREATE INDEX class_assignment_pupils_of ON class_assignment_pupils (pupil_id);

CREATE TABLE class_assignment_rules (
    assignment_id text NOT NULL REFERENCES class_assignments,
    seq smallint NOT NULL,
    kind text NOT NULL CHECK (kind IN ('together', 'apart')),
    pupils text[] NOT NULL CHECK (cardinality(pupils) > 1),
    reason text NOT NULL,
    PRIMARY KEY (assignment_id, seq)
);

CREATE TABLE class_moves (
    id text PRIMARY KEY,
    pupil_id text NOT NULL,
    school text NOT NULL,
    grade smallint NOT NULL,
    from_class smallint NOT NULL,
    to_class smallint NOT NULL CHECK (to_class <> from_class),
    reason text NOT NULL,
    moved_on date NOT NULL,
    moved_at timestamptz NOT NULL,
    moved_by text NOT NULL,
    account text NOT NULL
);
CREATE INDEX class_moves_of_school ON class_moves (school, moved_at, id);
"""

# What was closed stays closed, whoever writes: list, rules and secret from the closing on, the result from the draw on.
CLOSED = """
CREATE FUNCTION closed_assignment_stays() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state <> 'draft' AND (
        (NEW.number, NEW.school, NEW.grade, NEW.school_year, NEW.standard, NEW.classes, NEW.attributes, NEW.listing,
         NEW.list_sha256, NEW.secret, NEW.commitment, NEW.public_source, NEW.public_at, NEW.committed_at)
        IS DISTINCT FROM
        (OLD.number, OLD.school, OLD.grade, OLD.school_year, OLD.standard, OLD.classes, OLD.attributes, OLD.listing,
         OLD.list_sha256, OLD.secret, OLD.commitment, OLD.public_source, OLD.public_at, OLD.committed_at)
        OR (OLD.drawn_at IS NOT NULL AND
            (NEW.public_value, NEW.revealed, NEW.seed, NEW.drawn_at)
            IS DISTINCT FROM (OLD.public_value, OLD.revealed, OLD.seed, OLD.drawn_at))
        OR NEW.state = 'draft' OR (OLD.state IN ('cancelled', 'set_aside') AND NEW.state <> OLD.state)
        OR (OLD.drawn_at IS NOT NULL AND NEW.state IN ('committed', 'cancelled'))
    ) THEN
        RAISE EXCEPTION 'a closed class assignment keeps its list, its secret and its result (clause 17)'
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER class_assignments_stay BEFORE UPDATE ON class_assignments
    FOR EACH ROW EXECUTE FUNCTION closed_assignment_stays();

CREATE FUNCTION closed_list_stays() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    stands text;
    old_row jsonb := CASE WHEN TG_OP = 'INSERT' THEN NULL ELSE to_jsonb(OLD) END;
    new_row jsonb := CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) END;
BEGIN
    SELECT state INTO stands FROM class_assignments WHERE id = coalesce(new_row, old_row) ->> 'assignment_id';
    IF stands = 'draft' OR stands IS NULL
       OR (TG_OP = 'UPDATE' AND stands = 'committed' AND old_row ->> 'class_no' IS NULL
           AND new_row - 'class_no' = old_row - 'class_no') THEN
        IF TG_OP = 'DELETE' THEN
            RETURN OLD;
        END IF;
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a closed class assignment keeps its list, its secret and its result (clause 17)'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER class_assignment_pupils_stay BEFORE INSERT OR UPDATE OR DELETE ON class_assignment_pupils
    FOR EACH ROW EXECUTE FUNCTION closed_list_stays();
CREATE TRIGGER class_assignment_rules_stay BEFORE INSERT OR UPDATE OR DELETE ON class_assignment_rules
    FOR EACH ROW EXECUTE FUNCTION closed_list_stays();
"""

GRANTS = """
GRANT UPDATE (display_name, closed_on, version) ON classes TO registry;
GRANT SELECT, INSERT ON class_assignments TO registry;
GRANT UPDATE (state, version, classes, attributes, standard, listing, list_sha256, secret, commitment, public_source,
              public_at, committed_at, committed_by, public_value, revealed, seed, drawn_at, drawn_by, applied_at,
              applied_by, cancelled_at, cancelled_reason, redraw_reason, redraw_asked_at, redraw_asked_by,
              redraw_decision, redraw_decided_at, redraw_decided_by, redraw_decision_reason)
    ON class_assignments TO registry;
GRANT SELECT, INSERT, DELETE, UPDATE (class_no) ON class_assignment_pupils TO registry;
GRANT SELECT, INSERT, DELETE ON class_assignment_rules TO registry;
GRANT SELECT, INSERT ON class_moves TO registry;
"""


def upgrade() -> None:
    for script in (CLASSES, MEMBERSHIPS, ASSIGNMENTS, CLOSED, GRANTS):
        statements(op, script)
