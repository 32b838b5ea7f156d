"""A replica of the policy values that authorities have published."""

from __future__ import annotations

from alembic import op
from service_kit.policy import create_replica

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    create_replica(op, "access")
