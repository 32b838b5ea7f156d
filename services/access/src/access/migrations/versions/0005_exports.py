"""Exports (clause 45.2): requests with their case, the paper, the file and how it left.

The application deletes none of it and changes nothing of who asked; what was once fetched is fetched for ever.
"""

from __future__ import annotations

from alembic import op
from casework.tables import create_case_tables
from service_kit.migrate import statements

revision = "0005"
down_revision = "0004"

EXPORTS = """
CREATE TABLE exports (
    id text PRIMARY KEY,
    number text NOT NULL UNIQUE CHECK (number ~ '^DC-[0-9]{4}-[0-9]{6,7}$'),
    organisation text NOT NULL,
    organisation_name text NOT NULL,
    authority text NOT NULL,
    authority_name text NOT NULL,
    account text NOT NULL,
    account_name text NOT NULL,
    roles text[] NOT NULL,
    request jsonb NOT NULL,
    rows integer NOT NULL CHECK (rows > 0),
    row_cap integer NOT NULL CHECK (row_cap > 0),
    approval_days integer NOT NULL CHECK (approval_days > 0),
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revision integer NOT NULL DEFAULT 0,
    document jsonb,
    file jsonb,
    made_at timestamptz,
    problem text,
    downloaded_at timestamptz,
    available_until timestamptz,
    file_gone boolean NOT NULL DEFAULT false,
    CHECK ((file IS NULL) = (made_at IS NULL)),
    CHECK (file IS NULL OR problem IS NULL),
    CHECK (downloaded_at IS NULL OR file IS NOT NULL),
    CHECK ((downloaded_at IS NULL) = (available_until IS NULL)),
    CHECK (NOT file_gone OR file IS NOT NULL)
) WITH (fillfactor = 70);
CREATE INDEX exports_newest ON exports (created_at DESC, id DESC);
CREATE INDEX exports_of_organisation ON exports (organisation, created_at DESC, id DESC);
CREATE INDEX exports_with_a_file ON exports (expires_at) WHERE file IS NOT NULL AND NOT file_gone;
CREATE TABLE export_serials (year integer PRIMARY KEY, used integer NOT NULL CHECK (used > 0));

-- Once means once, whatever the application believes.
CREATE FUNCTION an_export_leaves_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an export is fetched once, its paper and its file stay what they were (clause 45.2)'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER exports_leave_once BEFORE UPDATE ON exports FOR EACH ROW
    WHEN (OLD.downloaded_at IS NOT NULL AND (OLD.downloaded_at, OLD.available_until)
              IS DISTINCT FROM (NEW.downloaded_at, NEW.available_until)
          OR OLD.file IS NOT NULL AND (OLD.file, OLD.document, OLD.request)
              IS DISTINCT FROM (NEW.file, NEW.document, NEW.request)
          OR OLD.file_gone AND NOT NEW.file_gone)
    EXECUTE FUNCTION an_export_leaves_once();
"""

GRANTS = """
GRANT SELECT, INSERT ON exports TO access;
GRANT UPDATE (request, rows, row_cap, expires_at, revision, document, file, made_at, problem, downloaded_at,
              available_until, file_gone) ON exports TO access;
GRANT SELECT, INSERT, UPDATE ON export_serials TO access;
"""


def upgrade() -> None:
    create_case_tables(op, "access", "export_")
    statements(op, EXPORTS)
    statements(op, GRANTS)
