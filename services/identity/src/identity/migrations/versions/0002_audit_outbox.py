"""What was done, on its way to the audit log (clause 45.1)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import create_audit_outbox

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    create_audit_outbox(op, "identity")
