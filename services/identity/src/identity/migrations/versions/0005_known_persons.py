"""Persons who are known before anybody registers them: children of age, applicants (clause 5.2)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0005"
down_revision = "0004"

# Who stands here is not forgotten when a claim is let go of: an admission still means this person.
KNOWN = """
CREATE TABLE known_persons (
    person_id text PRIMARY KEY REFERENCES persons,
    organisation text NOT NULL,
    known_at timestamptz NOT NULL
);
"""

# The application's role changes nothing of a person. What a list said of somebody who was never registered yields to what
# the first registration says: this function alone does it, and only as long as there is no number; the birth date never.
ESTABLISH = """
CREATE FUNCTION establish_persons(ids text[], names text[], sexes text[], areas text[], keys text[])
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    UPDATE persons p SET name = q.name, sex = q.sex, area = q.area, name_keys = q.name_keys::bigint[]
    FROM unnest(ids, names, sexes, areas, keys) AS q(id, name, sex, area, name_keys)
    WHERE p.id = q.id
      AND EXISTS (SELECT FROM known_persons k WHERE k.person_id = p.id)
      AND NOT EXISTS (SELECT FROM student_numbers n WHERE n.person_id = p.id)
$$
"""

GRANTS = """
GRANT SELECT, INSERT ON known_persons TO identity;
REVOKE ALL ON FUNCTION establish_persons FROM PUBLIC;
GRANT EXECUTE ON FUNCTION establish_persons TO identity;
"""


def upgrade() -> None:
    statements(op, KNOWN)
    op.execute(ESTABLISH)
    statements(op, GRANTS)
