"""Rows that wait, for statements; constraints, indexes and grants stand in `migrations/versions/0003_worklist.py`."""

from __future__ import annotations

import sqlalchemy as sa

from notifications.metadata import MOMENT, metadata

# A piece of work and how new what we know of it is; it stays when its last row has gone.
works = sa.Table(
    "works",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, nullable=False),
)

tasks = sa.Table(
    "tasks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("work_id", sa.Text, nullable=False),
    sa.Column("version", sa.BigInteger, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("kind_title", sa.Text, nullable=False),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("status", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),
    sa.Column("step_title", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),  # whose turn it is
    sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("not_accounts", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("only_accounts", sa.ARRAY(sa.Text), nullable=False),  # where not empty: nobody else
    sa.Column("classes", sa.ARRAY(sa.Text), nullable=False),  # a class teacher only of these
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("since", MOMENT, nullable=False),
    sa.Column("due_on", sa.Date),
    sa.Column("sort_on", sa.Date, nullable=False),  # due_on; what has no clock stands behind everything
    sa.Column("provisional", sa.Boolean, nullable=False),
    sa.Column("superior", sa.Text, nullable=False),
)

reminders = sa.Table(
    "reminders",
    metadata,
    sa.Column("task_id", sa.Text, primary_key=True),
    sa.Column("version", sa.BigInteger, primary_key=True),
    sa.Column("mark", sa.Text, primary_key=True),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("said_on", sa.Date, nullable=False),
)
