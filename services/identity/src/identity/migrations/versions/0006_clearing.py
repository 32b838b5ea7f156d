"""Likely duplicates (guardians, former names), corrections of key fields, records that end and begin again.

A birth date stays what it was: no privilege on its column is given here, and the trigger of 0001 refuses everybody.
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0006"
down_revision = "0005"

TABLES = """
ALTER TABLE persons ADD COLUMN member_keys bigint[] NOT NULL DEFAULT '{}',
                    ADD COLUMN former_names text[] NOT NULL DEFAULT '{}';
CREATE INDEX persons_member_keys ON persons USING gin (member_keys) WITH (fastupdate = off);

CREATE TABLE former_documents (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id text NOT NULL REFERENCES persons,
    document_index bytea NOT NULL,
    document_kind text NOT NULL,
    document bytea,
    masked text NOT NULL,
    ended_at timestamptz NOT NULL
);
CREATE INDEX former_documents_index ON former_documents (document_index);
CREATE TRIGGER former_documents_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON former_documents
    EXECUTE FUNCTION only_appended();

CREATE TABLE staged_corrections (
    staging_id text PRIMARY KEY,
    person_id text NOT NULL,
    registration_id text NOT NULL,
    sealed bytea STORAGE EXTERNAL NOT NULL,
    expires_at timestamptz
);
CREATE INDEX staged_corrections_expiry ON staged_corrections (expires_at) WHERE expires_at IS NOT NULL;
"""

# The application's role changes no key field of a person but through this function, and it only what a case has asked
# for: a staged correction without an expiry. The birth date is no argument of it.
CORRECT = """
CREATE FUNCTION correct_person(staging text, at timestamptz, new_name text, new_sex text, kind text, sealed bytea,
                               index bytea, masked text, keys bigint[], former text[],
                               sealed_members bytea, keys_of_members bigint[])
RETURNS boolean LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE whose text;
BEGIN
    DELETE FROM staged_corrections WHERE staging_id = staging AND expires_at IS NULL RETURNING person_id INTO whose;
    IF whose IS NULL THEN
        RETURN false;
    END IF;
    INSERT INTO former_documents (person_id, document_index, document_kind, document, masked, ended_at)
    SELECT id, document_index, document_kind, document, masked_document, at FROM persons
    WHERE id = whose AND document_index <> index;
    UPDATE persons SET name = new_name, sex = new_sex, document_kind = kind, document = sealed, document_index = index,
                       masked_document = masked, name_keys = keys, former_names = former,
                       members = sealed_members, member_keys = keys_of_members
    WHERE id = whose;
    RETURN true;
END $$
"""

GRANTS = """
GRANT UPDATE (member_keys, former_names) ON persons TO identity;
REVOKE ALL ON FUNCTION correct_person FROM PUBLIC;
GRANT EXECUTE ON FUNCTION correct_person TO identity;
GRANT SELECT ON former_documents TO identity;
GRANT SELECT, INSERT, DELETE ON staged_corrections TO identity;
GRANT UPDATE (sealed, expires_at) ON staged_corrections TO identity;
"""


def upgrade() -> None:
    statements(op, TABLES)
    op.execute(CORRECT)
    statements(op, GRANTS)
