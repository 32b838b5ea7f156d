"""A year's holidays as the province publishes them, and last days that can be counted anew (24.6.4)."""

from __future__ import annotations

from alembic import op
from service_kit.migrate import statements

revision = "0025"
down_revision = "0024"

# Versions of a year are kept for ever: last days have been counted with each of them.
TABLES = """
CREATE TABLE working_day_notices (
    id text PRIMARY KEY,
    number bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    year smallint NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    holidays date[] NOT NULL CHECK (cardinality(holidays) > 0),
    worked date[] NOT NULL,
    notice text NOT NULL CHECK (notice <> ''),
    title text NOT NULL CHECK (title <> ''),
    account text NOT NULL,
    published_by text NOT NULL,
    published_at timestamptz NOT NULL,
    UNIQUE (year, version)
);
CREATE TABLE working_day_years (
    id text PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('missing', 'published', 'passed')),
    asked_at timestamptz NOT NULL
);
CREATE TRIGGER worklist_opened AFTER INSERT ON working_day_years FOR EACH ROW
    EXECUTE FUNCTION worklist_thing_changed('working_days', 'id');
CREATE TRIGGER worklist_changed AFTER UPDATE ON working_day_years FOR EACH ROW
    WHEN (OLD.state IS DISTINCT FROM NEW.state) EXECUTE FUNCTION worklist_thing_changed('working_days', 'id');
"""

# What has a clock without being a case. Nothing where a person has set the last day by date.
CLOCKS = """
ALTER TABLE duplicate_pairs ADD COLUMN clock_from date, ADD COLUMN clock_days integer CHECK (clock_days > 0),
    ADD CONSTRAINT a_clock_is_whole CHECK ((clock_from IS NULL) = (clock_days IS NULL));
ALTER TABLE inspection_findings ADD COLUMN clock_from date, ADD COLUMN clock_days integer CHECK (clock_days > 0),
    ADD CONSTRAINT a_clock_is_whole CHECK ((clock_from IS NULL) = (clock_days IS NULL));
"""

GRANTS = """
GRANT SELECT, INSERT ON working_day_notices, working_day_years TO registry;
GRANT UPDATE (state) ON working_day_years TO registry;
GRANT UPDATE (due_on, version) ON duplicate_pairs TO registry;
"""


def upgrade() -> None:
    for script in (TABLES, CLOCKS, GRANTS):
        statements(op, script)
