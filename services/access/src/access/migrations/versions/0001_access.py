"""The kit's own tables; each capability adds its own."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import create_audit_outbox, create_kit_tables

revision = "0001"
down_revision = None

APP = "access"


def upgrade() -> None:
    create_kit_tables(op, APP)
    create_audit_outbox(op, APP)
