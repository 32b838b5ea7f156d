"""Files of approved exports."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0005"
down_revision = "0004"

# Rows stay: who and when of a leaked file are found by its number, years later.
EXPORTS = """
CREATE TABLE exports (
    id text PRIMARY KEY,
    number text NOT NULL UNIQUE,
    approved jsonb NOT NULL,
    state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'making', 'made', 'failed')),
    total integer NOT NULL DEFAULT 0,
    done integer NOT NULL DEFAULT 0,
    attempts integer NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL,
    made_at timestamptz,
    rows integer,
    sha256 text,
    failure text,
    lease_owner text,
    lease_until timestamptz,
    retry_at timestamptz,
    failures integer NOT NULL DEFAULT 0,
    CHECK ((state = 'made') = (made_at IS NOT NULL AND rows IS NOT NULL AND sha256 IS NOT NULL)),
    CHECK ((state = 'failed') = (failure IS NOT NULL))
) WITH (fillfactor = 50);
CREATE INDEX exports_to_do ON exports (received_at) WHERE state IN ('waiting', 'making');
"""

GRANTS = """
GRANT SELECT, INSERT ON exports TO registry;
GRANT UPDATE (state, total, done, attempts, made_at, rows, sha256, failure, lease_owner, lease_until, retry_at, failures)
    ON exports TO registry;
"""


def upgrade() -> None:
    statements(op, EXPORTS)
    statements(op, GRANTS)
