"""Accounts, sessions, signing keys, integration clients, and the replica of the organisations.

An account is never deleted and its user name never given to somebody else: no grant, and a trigger for the owner too.
What an account was made into (`account_changes`) is only ever appended to.
"""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements
from service_kit.organisations import create_replica

revision = "0002"
down_revision = "0001"

APP = "access"

TABLES = """
-- Room in the pages: last_sign_in_at changes with each sign-in and is not indexed.
CREATE TABLE accounts (
    username text PRIMARY KEY CHECK (username ~ '^[a-z][a-z0-9]*([._-][a-z0-9]+)*$'),
    name text NOT NULL,
    organisation text NOT NULL,
    roles text[] NOT NULL,
    classes text[] NOT NULL,
    password_hash text NOT NULL,
    password_set_at timestamptz NOT NULL,
    must_change_password boolean NOT NULL,
    totp_seed bytea,
    totp_step bigint,
    totp_waiting bytea,
    seal text CHECK (seal IN ('sealed', 'dormant')),
    sealed_reason text NOT NULL DEFAULT '',
    open_since timestamptz NOT NULL,
    last_sign_in_at timestamptz,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    version integer NOT NULL DEFAULT 1
) WITH (fillfactor = 80);
CREATE INDEX accounts_organisation ON accounts (organisation, username);

CREATE TABLE sign_in_failures (
    name_hash bytea PRIMARY KEY,
    failures integer NOT NULL,
    last_at timestamptz,
    locked_until timestamptz
);

CREATE TABLE recovery_codes (
    username text NOT NULL REFERENCES accounts,
    hash bytea NOT NULL,
    used_at timestamptz,
    PRIMARY KEY (username, hash)
);

CREATE TABLE account_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    username text NOT NULL REFERENCES accounts,
    at timestamptz NOT NULL,
    act text NOT NULL,
    by_account text NOT NULL,
    reason text NOT NULL,
    roles text[] NOT NULL,
    classes text[] NOT NULL
);
CREATE INDEX account_changes_of ON account_changes (username, id);

CREATE TABLE sessions (
    id text PRIMARY KEY,
    username text NOT NULL REFERENCES accounts,
    address text NOT NULL,
    agent text NOT NULL,
    started_at timestamptz NOT NULL,
    seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    issued_at timestamptz NOT NULL,
    stale_before timestamptz,
    refresh_number integer NOT NULL DEFAULT 1,
    ended_at timestamptz,
    end_reason text NOT NULL DEFAULT ''
) WITH (fillfactor = 80);
CREATE INDEX sessions_of ON sessions (username, id DESC);
CREATE INDEX sessions_stale ON sessions (stale_before) WHERE stale_before IS NOT NULL;
CREATE INDEX sessions_expiry ON sessions (expires_at);

CREATE TABLE refresh_tokens (
    hash bytea PRIMARY KEY,
    session_id text NOT NULL REFERENCES sessions ON DELETE CASCADE,
    number integer NOT NULL,
    issued_at timestamptz NOT NULL,
    used_at timestamptz,
    replaced boolean NOT NULL DEFAULT false
) WITH (fillfactor = 80);
CREATE INDEX refresh_tokens_session ON refresh_tokens (session_id);

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    private bytea NOT NULL,
    public bytea NOT NULL,
    published_at timestamptz NOT NULL,
    signs_from timestamptz NOT NULL CONSTRAINT one_key_signs_at_a_time UNIQUE
);

CREATE TABLE clients (
    client_id text PRIMARY KEY CHECK (client_id ~ '^[a-z][a-z0-9]*([._-][a-z0-9]+)*$'),
    name text NOT NULL,
    organisation text NOT NULL,
    scopes text[] NOT NULL,
    secret_hash bytea NOT NULL,
    expires_on date NOT NULL,
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    last_used_at timestamptz,
    issued_at timestamptz,
    stale_before timestamptz,
    ended_at timestamptz
) WITH (fillfactor = 80);
CREATE INDEX clients_stale ON clients (stale_before) WHERE stale_before IS NOT NULL;
"""

TRIGGERS = """
CREATE FUNCTION accounts_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'an account is never deleted and keeps its user name (clause 45.3)'
        USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER accounts_are_kept BEFORE DELETE ON accounts FOR EACH ROW EXECUTE FUNCTION accounts_are_kept();
CREATE TRIGGER accounts_keep_their_name BEFORE UPDATE OF username, organisation ON accounts
    FOR EACH ROW WHEN ((OLD.username, OLD.organisation) IS DISTINCT FROM (NEW.username, NEW.organisation))
    EXECUTE FUNCTION accounts_are_kept();
CREATE TRIGGER accounts_are_all_kept BEFORE TRUNCATE ON accounts EXECUTE FUNCTION accounts_are_kept();

CREATE FUNCTION account_changes_are_appended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is only ever appended to', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER account_changes_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON account_changes
    EXECUTE FUNCTION account_changes_are_appended();
"""

GRANTS = f"""
GRANT SELECT, INSERT ON accounts, account_changes TO {APP};
GRANT UPDATE (name, roles, classes, password_hash, password_set_at, must_change_password, totp_seed, totp_step,
    totp_waiting, seal, sealed_reason, open_since, last_sign_in_at, version) ON accounts TO {APP};
GRANT SELECT, INSERT, UPDATE, DELETE ON sign_in_failures TO {APP};
GRANT SELECT, INSERT, DELETE ON recovery_codes TO {APP};
GRANT UPDATE (used_at) ON recovery_codes TO {APP};
GRANT SELECT, INSERT, DELETE ON sessions, refresh_tokens, signing_keys TO {APP};
GRANT UPDATE (seen_at, issued_at, stale_before, refresh_number, ended_at, end_reason) ON sessions TO {APP};
GRANT UPDATE (used_at, replaced) ON refresh_tokens TO {APP};
GRANT SELECT, INSERT ON clients TO {APP};
GRANT UPDATE (secret_hash, expires_on, last_used_at, issued_at, stale_before, ended_at) ON clients TO {APP};
"""


def upgrade() -> None:
    statements(op, TABLES)
    statements(op, TRIGGERS)
    statements(op, GRANTS)
    create_replica(op, APP)
