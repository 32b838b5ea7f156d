"""Work queues: what waits for whom, and which reminders have gone out."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements
from service_kit.policy import create_replica

revision = "0003"
down_revision = "0002"

APP = "notifications"

# Rows come and go with every act and are written whole; what has ended leaves no row, only its version: news that come late
# must not bring it back.
TABLES = """
CREATE TABLE works (
    id text PRIMARY KEY,
    version bigint NOT NULL
) WITH (fillfactor = 80);
CREATE TABLE tasks (
    id text PRIMARY KEY,
    work_id text NOT NULL,
    version bigint NOT NULL,
    kind text NOT NULL,
    kind_title text NOT NULL,
    number text NOT NULL,
    subject text NOT NULL,
    link text NOT NULL,
    status text NOT NULL CHECK (status IN ('open', 'returned')),
    step text NOT NULL,
    step_title text NOT NULL,
    organisation text NOT NULL,
    roles text[] NOT NULL CHECK (cardinality(roles) > 0),
    not_accounts text[] NOT NULL,
    only_accounts text[] NOT NULL,
    classes text[] NOT NULL,
    count integer NOT NULL CHECK (count > 0),
    since timestamptz NOT NULL,
    due_on date,
    sort_on date NOT NULL,
    provisional boolean NOT NULL,
    superior text NOT NULL,
    CHECK (sort_on = coalesce(due_on, '9000-01-01'))
) WITH (fillfactor = 80);
CREATE INDEX tasks_of_work ON tasks (work_id);
-- An account's page is one walk down the first index, its authority's overdue ones below down the second; reminders look at
-- the third.
CREATE INDEX tasks_acting ON tasks (organisation, sort_on, id);
CREATE INDEX tasks_below ON tasks (superior, sort_on, id) WHERE superior <> '' AND status = 'open' AND due_on IS NOT NULL;
CREATE INDEX tasks_due ON tasks (due_on, id) WHERE status = 'open' AND due_on IS NOT NULL;

-- A reminder that has gone out: once a step of a case, whatever happens to the calendar or to this service.
CREATE TABLE reminders (
    task_id text NOT NULL,
    version bigint NOT NULL,
    mark text NOT NULL CHECK (mark IN ('first', 'last', 'overdue')),
    due_on date NOT NULL,
    said_on date NOT NULL,
    PRIMARY KEY (task_id, version, mark)
);
"""

GRANTS = f"""
GRANT SELECT, INSERT ON works TO {APP};
GRANT UPDATE (version) ON works TO {APP};
GRANT SELECT, INSERT, DELETE ON tasks TO {APP};
GRANT UPDATE (work_id, version, kind, kind_title, number, subject, link, status, step, step_title, organisation, roles,
              not_accounts, only_accounts, classes, count, since, due_on, sort_on, provisional, superior) ON tasks TO {APP};
GRANT SELECT, INSERT ON reminders TO {APP};
"""


def upgrade() -> None:
    create_replica(op, APP)
    for script in (TABLES, GRANTS):
        statements(op, script)
