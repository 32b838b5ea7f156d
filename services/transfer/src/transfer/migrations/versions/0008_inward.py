"""Transfers from another province (24.5.1): no paper asks for them, and the record comes with the registration."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0008"
down_revision = "0007"

# Our school asks for a child that comes. `number_kind`: of the student number that the other province has given; the number
# itself, which may be an identity number, is not here. `student_id` is empty until the record is there.
INWARD = """
ALTER TABLE outside_parties ALTER COLUMN document DROP NOT NULL;
ALTER TABLE outside_parties ADD COLUMN number_kind text NOT NULL DEFAULT ''
    CHECK (number_kind IN ('', 'G', 'L', 'J'));
ALTER TABLE outside_parties ADD CONSTRAINT outside_parties_asks
    CHECK ((side = 'from' OR document IS NOT NULL) AND (side = 'from' OR number_kind = ''));
-- Approved by all and not there yet: a few at any time.
CREATE INDEX transfers_moving ON transfers (moved_at) WHERE outcome = 'moving';
GRANT UPDATE (number_kind) ON outside_parties TO transfer;
GRANT UPDATE (student_id) ON transfers TO transfer
"""


def upgrade() -> None:
    statements(op, INWARD)
