"""Approved exports (clause 45.2): for which of them, until when, and with which numbers, identity may answer."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0004"
down_revision = "0003"

EXPORTS = """
CREATE TABLE approved_exports (
    export_id text PRIMARY KEY,
    number text NOT NULL,
    fields text[] NOT NULL,
    purpose text NOT NULL,
    account text NOT NULL,
    organisation text NOT NULL,
    roles text[] NOT NULL,
    row_cap integer NOT NULL CHECK (row_cap > 0),
    approved_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    shown integer NOT NULL DEFAULT 0 CHECK (shown >= 0)
) WITH (fillfactor = 70);
"""

GRANTS = """
GRANT SELECT, INSERT ON approved_exports TO identity;
GRANT UPDATE (shown) ON approved_exports TO identity;
"""


def upgrade() -> None:
    statements(op, EXPORTS)
    statements(op, GRANTS)
