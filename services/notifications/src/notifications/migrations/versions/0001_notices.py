"""Notices and who has read them."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import create_kit_tables, statements

revision = "0001"
down_revision = None

APP = "notifications"

TABLES = """
CREATE TABLE notices (
    id text PRIMARY KEY,
    organisation text NOT NULL,
    role text NOT NULL,
    kind text NOT NULL,
    merge text NOT NULL UNIQUE,
    counts jsonb NOT NULL,
    title text NOT NULL,
    body text NOT NULL,
    link text NOT NULL,
    updated_at timestamptz NOT NULL
);
CREATE INDEX notices_newest ON notices (organisation, role, updated_at, id);
CREATE TABLE reads (
    notice_id text NOT NULL REFERENCES notices (id) ON DELETE CASCADE,
    account text NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (notice_id, account)
);
"""

GRANTS = f"""
GRANT SELECT, INSERT ON notices TO {APP};
GRANT UPDATE (counts, title, body, updated_at) ON notices TO {APP};
GRANT SELECT, INSERT ON reads TO {APP};
GRANT UPDATE (read_at) ON reads TO {APP};
"""


def upgrade() -> None:
    create_kit_tables(op, APP)
    statements(op, TABLES)
    statements(op, GRANTS)
