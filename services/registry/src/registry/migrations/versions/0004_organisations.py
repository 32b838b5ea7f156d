"""Changes of organisations: a version number, authorities of other provinces, imports from a workbook; and what a
former school keeps of a student who has moved."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0004"
down_revision = "0003"

# Versions are counted per code and grow with each change, also with one that corrects a row in place.
ORGANISATIONS = """
ALTER TABLE organisations DROP CONSTRAINT organisations_kind_check;
ALTER TABLE organisations ADD CONSTRAINT organisations_kind_check
    CHECK (kind IN ('province', 'city', 'county', 'school', 'external'));
ALTER TABLE organisations ADD COLUMN version integer NOT NULL DEFAULT 1 CHECK (version > 0);
UPDATE organisations o SET version = n.version
FROM (SELECT code, valid_from, row_number() OVER (PARTITION BY code ORDER BY valid_from) AS version
      FROM organisations) n
WHERE (o.code, o.valid_from) = (n.code, n.valid_from);
CREATE INDEX organisations_supervised ON organisations (authority, code) WHERE valid_to IS NULL;
"""

IMPORTS = """
CREATE TABLE organisation_imports (
    id text PRIMARY KEY,
    organisation text NOT NULL,
    account text NOT NULL,
    created_by text NOT NULL,
    created_at timestamptz NOT NULL,
    file_name text NOT NULL,
    effective_from date NOT NULL,
    state text NOT NULL DEFAULT 'checked' CHECK (state IN ('checked', 'confirmed')),
    version integer NOT NULL DEFAULT 1,
    rows integer NOT NULL,
    created integer NOT NULL,
    changed integer NOT NULL,
    unchanged integer NOT NULL,
    refused integer NOT NULL,
    confirmed_by text,
    confirmed_at timestamptz,
    CHECK (rows = created + changed + unchanged + refused),
    CHECK ((state = 'confirmed') = (confirmed_at IS NOT NULL)),
    CHECK (state = 'checked' OR refused = 0)
);
CREATE TABLE organisation_import_rows (
    import_id text NOT NULL,
    "row" integer NOT NULL CHECK ("row" > 0),
    outcome text NOT NULL CHECK (outcome IN ('created', 'changed', 'unchanged', 'refused')),
    code text NOT NULL,
    name text NOT NULL,
    organisation jsonb,
    changes jsonb NOT NULL DEFAULT '{}',
    findings jsonb NOT NULL DEFAULT '[]',
    PRIMARY KEY (import_id, "row"),
    CHECK (outcome = 'refused' OR organisation IS NOT NULL)
);
"""

# Sealed, and for ever as it was: nobody updates or deletes a copy.
COPIES = """
CREATE TABLE student_copies (
    student_id text NOT NULL,
    school text NOT NULL,
    journal_seq integer NOT NULL CHECK (journal_seq > 0),
    as_of date NOT NULL,
    copied_at timestamptz NOT NULL,
    sealed bytea STORAGE EXTERNAL NOT NULL,
    PRIMARY KEY (student_id, school, journal_seq)
);
"""

GRANTS = """
GRANT UPDATE (version) ON organisations TO registry;
GRANT UPDATE (authority) ON registrations TO registry;
GRANT SELECT, INSERT ON organisation_imports TO registry;
GRANT UPDATE (state, version, confirmed_by, confirmed_at) ON organisation_imports TO registry;
GRANT SELECT, INSERT ON organisation_import_rows TO registry;
GRANT SELECT, INSERT ON student_copies TO registry;
GRANT UPDATE (school, stage) ON students TO registry;
"""


def upgrade() -> None:
    for script in (ORGANISATIONS, IMPORTS, COPIES, GRANTS):
        statements(op, script)
