"""What the work queues have to be told: one row an act, by triggers where it has a row of its own."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0024"
down_revision = "0016"

TABLES = """
CREATE TABLE worklist_changes (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind text NOT NULL,
    id text NOT NULL
);
CREATE TABLE worklist_versions (
    kind text NOT NULL,
    id text NOT NULL,
    version bigint NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 80);
CREATE TABLE worklist_days (day date PRIMARY KEY, told_at timestamptz NOT NULL);

CREATE FUNCTION worklist_case_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO worklist_changes (kind, id) VALUES (NEW.kind, NEW.id);
    RETURN NULL;
END $$;
-- The first argument is the kind, the second the column with its id.
CREATE FUNCTION worklist_thing_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO worklist_changes (kind, id) VALUES (TG_ARGV[0], to_jsonb(NEW) ->> TG_ARGV[1]);
    RETURN NULL;
END $$;
CREATE FUNCTION worklist_operation_changed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO worklist_changes (kind, id)
    VALUES (CASE NEW.kind WHEN 'junior_intake' THEN 'junior_intake' ELSE 'reorganisation' END, NEW.id);
    RETURN NULL;
END $$;

-- Every kind of case there is and will be. Registrations come in thousands: they are told a roster at a time, by their own
-- statements, and cost nothing here (the condition is looked at without a call).
CREATE TRIGGER worklist_opened AFTER INSERT ON cases FOR EACH ROW WHEN (NEW.kind <> 'registration')
    EXECUTE FUNCTION worklist_case_changed();
CREATE TRIGGER worklist_changed AFTER UPDATE ON cases FOR EACH ROW
    WHEN (NEW.kind <> 'registration' AND OLD.version <> NEW.version) EXECUTE FUNCTION worklist_case_changed();
"""

# Kind, table, column with the id, columns whose change may change whose turn it is.
_BY_STATE = (
    ("plan_change", "enrolment_plan_changes", "id", "state"),
    ("scheme", "admission_schemes", "id", "state"),
    ("postponement", "postponements", "id", "state"),
    ("policy_filing", "policy_filings", "value_id", "state"),
    ("finding", "inspection_findings", "id", "state"),
    ("redraw", "class_assignments", "id", "redraw_decision"),
    ("duplicate", "duplicate_pairs", "id", "state"),
)
TRIGGERS = "".join(
    f"""
CREATE TRIGGER worklist_opened AFTER INSERT ON {table} FOR EACH ROW
    EXECUTE FUNCTION worklist_thing_changed('{kind}', '{key}');
CREATE TRIGGER worklist_changed AFTER UPDATE ON {table} FOR EACH ROW
    WHEN (OLD.{column} IS DISTINCT FROM NEW.{column}) EXECUTE FUNCTION worklist_thing_changed('{kind}', '{key}');
"""
    for kind, table, key, column in _BY_STATE
)
OTHERS = """
CREATE TRIGGER worklist_changed AFTER INSERT ON duplicate_statements FOR EACH ROW
    EXECUTE FUNCTION worklist_thing_changed('duplicate', 'pair_id');
CREATE TRIGGER worklist_opened AFTER INSERT ON operations FOR EACH ROW EXECUTE FUNCTION worklist_operation_changed();
CREATE TRIGGER worklist_changed AFTER UPDATE ON operations FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION worklist_operation_changed();
"""

GRANTS = """
GRANT SELECT, INSERT, DELETE, UPDATE (id) ON worklist_changes TO registry;
GRANT SELECT, INSERT ON worklist_versions TO registry;
GRANT UPDATE (version) ON worklist_versions TO registry;
GRANT SELECT, INSERT ON worklist_days TO registry;
"""


def upgrade() -> None:
    for script in (TABLES, TRIGGERS, OTHERS, GRANTS):
        statements(op, script)
