"""What a transfer changes besides school and class (24.4), and which plan it has used a place of (24.5.3)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0027"
down_revision = "0024"

PLACEMENT = """
GRANT UPDATE (placement) ON students TO registry;
"""


# Where the record has gone: who has come by a transfer takes a place of a private school's plan as who was enrolled does.
WENT_TO = """
ALTER TABLE change_holds ADD COLUMN went_to text, ADD COLUMN went_cohort smallint;
ALTER TABLE change_holds ADD CHECK ((went_to IS NULL) = (went_cohort IS NULL)),
    ADD CHECK (went_to IS NULL OR state = 'applied');
CREATE INDEX change_holds_went ON change_holds (went_to, went_cohort) WHERE went_to IS NOT NULL;
GRANT UPDATE (went_to, went_cohort) ON change_holds TO registry;
"""


def upgrade() -> None:
    statements(op, PLACEMENT)
    statements(op, WENT_TO)
