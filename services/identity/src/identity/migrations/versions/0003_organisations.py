"""Which authority supervises which school, as the registry announces it; and claims that move with their pupils."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements
from service_kit.organisations import create_replica

revision = "0003"
down_revision = "0002"

GRANTS = "GRANT UPDATE (school) ON record_claims TO identity;"


def upgrade() -> None:
    create_replica(op, "identity")
    statements(op, GRANTS)
