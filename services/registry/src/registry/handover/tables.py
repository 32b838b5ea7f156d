"""What schools owe each other in paper archives, and of each pupil where it is."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

handovers = sa.Table(
    "archive_handovers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("from_school", sa.Text, nullable=False),
    sa.Column("to_school", sa.Text, nullable=False),
    sa.Column("left_on", sa.Date, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("clock_from", sa.Date, nullable=False),  # the working days that it has are counted from here
    sa.Column("clock_days", sa.Integer, nullable=False),
    sa.Column("opened_at", MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
)

passings = sa.Table(
    "archive_passings",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("journal_seq", sa.Integer, primary_key=True),  # the entry by which the record left
    sa.Column("handover_id", sa.Text, nullable=False),
    sa.Column("handed_on", sa.Date),
    sa.Column("way", sa.Text),
    sa.Column("carried_by", sa.Text, nullable=False),
    sa.Column("handed_by", sa.Text, nullable=False),
    sa.Column("handed_account", sa.Text, nullable=False),
    sa.Column("received_on", sa.Date),
    sa.Column("received_by", sa.Text, nullable=False),
    sa.Column("received_account", sa.Text, nullable=False),
    sa.Column("overtaken", sa.Boolean, nullable=False),  # the record went on before the paper had gone
)
