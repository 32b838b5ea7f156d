"""How a pupil is placed in the new school where the record moves between special and ordinary schools (clause 24.4)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0007"
down_revision = "0006"

# Empty: as before. By the schools that the case is about when it was looked at last: a re-routing looks anew.
PLACEMENT = """
ALTER TABLE transfers ADD COLUMN placement text NOT NULL DEFAULT ''
    CHECK (placement IN ('', 'ordinary', 'mainstreamed', 'special_school', 'home_teaching'));
ALTER TABLE transfers ADD CHECK (record_moves OR placement = '');
GRANT UPDATE (placement) ON transfers TO transfer;
"""


def upgrade() -> None:
    statements(op, PLACEMENT)
