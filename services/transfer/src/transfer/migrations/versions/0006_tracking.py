"""Wrong answers of those who follow a transfer by its number and the digits of a phone (24.6.3, 24.6.4)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0006"
down_revision = "0004"

# `of_what`: a hash, of whatever text was asked for: a number that there is and one that there is not look alike.
FAILURES = """
CREATE TABLE tracking_failures (
    of_what bytea PRIMARY KEY CHECK (length(of_what) = 16),
    failures integer NOT NULL CHECK (failures >= 0),
    last_at timestamptz,
    locked_until timestamptz,
    CHECK (locked_until IS NULL OR last_at IS NOT NULL)
) WITH (fillfactor = 80);
CREATE INDEX tracking_failures_last ON tracking_failures (last_at);
"""

GRANTS = """
GRANT SELECT, INSERT, DELETE ON tracking_failures TO transfer;
GRANT UPDATE (failures, last_at, locked_until) ON tracking_failures TO transfer
"""


def upgrade() -> None:
    statements(op, FAILURES)
    statements(op, GRANTS)
