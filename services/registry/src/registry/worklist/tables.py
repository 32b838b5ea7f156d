"""What has changed since the work queues were told, and how often each piece of work has been told about."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

# One row an act, whatever it moved: triggers write it (every case but registrations, and what waits by a state of its own),
# registrations write it themselves, a row a roster.
worklist_changes = sa.Table(
    "worklist_changes",
    metadata,
    sa.Column("seq", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("id", sa.Text, nullable=False),
)

worklist_versions = sa.Table(
    "worklist_versions",
    metadata,
    sa.Column("kind", sa.Text, primary_key=True),
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

# The day on which all open work was told again: what changed without an act of its own is right a day later.
worklist_days = sa.Table(
    "worklist_days",
    metadata,
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("told_at", MOMENT, nullable=False),
)
