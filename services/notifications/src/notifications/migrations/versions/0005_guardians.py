"""Text messages to guardians, who have no account: what is to be said to whom, and the message with its own sealed number."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0005"
down_revision = "0004"

TABLES = """
CREATE TABLE guardian_notices (
    id text PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('student', 'admission')),
    subject_id text NOT NULL,
    organisation text NOT NULL,
    template text NOT NULL,
    content jsonb NOT NULL,
    made_at timestamptz NOT NULL,
    dispatched_at timestamptz,
    reached boolean,
    CHECK ((dispatched_at IS NULL) = (reached IS NULL))
);
CREATE INDEX guardian_notices_to_dispatch ON guardian_notices (made_at, id) WHERE dispatched_at IS NULL;

-- A message to a guardian has its address with it: nobody's contact is kept beyond the message.
ALTER TABLE deliveries ADD COLUMN guardian_of text, ADD COLUMN address bytea;
CREATE INDEX deliveries_of_guardians ON deliveries (organisation, created_at, id) WHERE guardian_of IS NOT NULL;
ALTER TABLE deliveries DROP CONSTRAINT deliveries_check;
ALTER TABLE deliveries ADD CONSTRAINT deliveries_to_one CHECK (num_nonnulls(account, webhook_id, guardian_of) = 1),
    ADD CONSTRAINT deliveries_address CHECK (address IS NULL OR guardian_of IS NOT NULL);
GRANT SELECT, INSERT ON guardian_notices TO notifications;
GRANT UPDATE (dispatched_at, reached) ON guardian_notices TO notifications;
GRANT UPDATE (address) ON deliveries TO notifications;
"""


def upgrade() -> None:
    statements(op, TABLES)
