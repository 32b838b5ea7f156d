"""What becomes of a transfer after its last approval is told in order, too (24.5.1): its row counts its changes."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0009"
down_revision = "0008"

CHANGES = """
ALTER TABLE transfers ADD COLUMN changes integer NOT NULL DEFAULT 0;
-- So far ten times the case's version and up to five more were told: what comes now is newer than that.
UPDATE transfers t SET changes = c.version * 9 + 5 FROM cases c WHERE c.id = t.id;
GRANT UPDATE (changes) ON transfers TO transfer
"""


def upgrade() -> None:
    statements(op, CHANGES)
