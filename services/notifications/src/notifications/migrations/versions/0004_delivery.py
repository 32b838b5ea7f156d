"""Contacts, webhooks and what became of each message."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0004"
down_revision = "0003"

APP = "notifications"

# A notice is sent by the channels once, however often it is added to.
TABLES = """
ALTER TABLE notices ADD COLUMN made_at timestamptz, ADD COLUMN dispatched_at timestamptz;
UPDATE notices SET made_at = updated_at, dispatched_at = updated_at;
ALTER TABLE notices ALTER COLUMN made_at SET NOT NULL;
CREATE INDEX notices_to_dispatch ON notices (made_at, id) WHERE dispatched_at IS NULL;

-- Addresses are sealed, and so is the code that proves one.
CREATE TABLE contacts (
    account text NOT NULL,
    channel text NOT NULL CHECK (channel IN ('email', 'sms')),
    organisation text NOT NULL,
    roles text[] NOT NULL,
    address bytea NOT NULL,
    masked text NOT NULL,
    topics text[] NOT NULL,
    set_at timestamptz NOT NULL,
    verified_at timestamptz,
    code bytea,
    code_until timestamptz,
    code_tries integer NOT NULL DEFAULT 0,
    PRIMARY KEY (account, channel)
);
CREATE INDEX contacts_of ON contacts (organisation) WHERE verified_at IS NOT NULL;
-- How often codes were asked for: not to be used for sending somebody a hundred messages.
CREATE TABLE codes_sent (
    account text NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (account, sent_at)
);

CREATE TABLE webhooks (
    id text PRIMARY KEY,
    organisation text NOT NULL,
    url text NOT NULL,
    secret bytea NOT NULL,
    topics text[] NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    failing_since timestamptz,
    ended_at timestamptz
);
CREATE INDEX webhooks_of ON webhooks (organisation, id);

CREATE TABLE deliveries (
    id text PRIMARY KEY,
    channel text NOT NULL CHECK (channel IN ('email', 'sms', 'webhook')),
    account text,
    webhook_id text REFERENCES webhooks (id),
    organisation text NOT NULL,
    notice_id text REFERENCES notices (id) ON DELETE SET NULL,
    template text NOT NULL,
    title text NOT NULL,
    shown_to text NOT NULL,
    content bytea NOT NULL,
    state text NOT NULL CHECK (state IN ('waiting', 'sent', 'given_up', 'dropped')),
    tries integer NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    next_try_at timestamptz,
    sent_at timestamptz,
    problem text NOT NULL DEFAULT '',
    CHECK ((account IS NULL) <> (webhook_id IS NULL)),
    CHECK ((state = 'waiting') = (next_try_at IS NOT NULL)),
    CHECK ((state = 'sent') = (sent_at IS NOT NULL))
) WITH (fillfactor = 80);
CREATE INDEX deliveries_to_send ON deliveries (next_try_at, id) WHERE state = 'waiting';
CREATE INDEX deliveries_of_account ON deliveries (account, created_at, id);
CREATE INDEX deliveries_of_webhooks ON deliveries (organisation, created_at, id) WHERE webhook_id IS NOT NULL;
"""

GRANTS = f"""
GRANT UPDATE (dispatched_at) ON notices TO {APP};
GRANT SELECT, INSERT, DELETE ON contacts TO {APP};
GRANT UPDATE (organisation, roles, address, masked, topics, set_at, verified_at, code, code_until, code_tries)
    ON contacts TO {APP};
GRANT SELECT, INSERT, DELETE ON codes_sent TO {APP};
GRANT SELECT, INSERT ON webhooks TO {APP};
GRANT UPDATE (secret, failing_since, ended_at) ON webhooks TO {APP};
GRANT SELECT, INSERT ON deliveries TO {APP};
GRANT UPDATE (state, tries, next_try_at, sent_at, problem) ON deliveries TO {APP};
"""


def upgrade() -> None:
    for script in (TABLES, GRANTS):
        statements(op, script)
