"""The other province's side of a transfer (24.5.1): the province office acts for it."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0004"
down_revision = "0003"

PARTIES = """
CREATE TABLE outside_parties (
    case_id text PRIMARY KEY REFERENCES transfers (id),
    side text NOT NULL CHECK (side IN ('to', 'from')),
    division text NOT NULL CHECK (division ~ '^[0-9]{6}$' AND division NOT LIKE '23%'),
    school text NOT NULL CHECK (school <> ''),
    authority text NOT NULL CHECK (authority <> ''),
    school_code text NOT NULL DEFAULT '',
    special_education boolean NOT NULL DEFAULT false,
    document jsonb NOT NULL,
    entered_at timestamptz NOT NULL
);
"""

GRANTS = """
GRANT SELECT, INSERT ON outside_parties TO transfer;
GRANT UPDATE (document) ON outside_parties TO transfer
"""


def upgrade() -> None:
    statements(op, PARTIES)
    statements(op, GRANTS)
