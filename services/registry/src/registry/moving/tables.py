"""Operations, the moves each consists of, and the schools whose pupils nobody changes meanwhile."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.metadata import MOMENT, metadata

operations = sa.Table(
    "operations",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),  # whose operation it is
    sa.Column("approver", sa.Text, nullable=False),  # the authority whose leader approves it
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("document", sa.Text, nullable=False),  # by which it was decided (文号)
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("plan", JSONB, nullable=False),
    sa.Column("schools", ARRAY(sa.Text), nullable=False),  # all it concerns
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("step", sa.Text, nullable=False),  # how far a running one is (see worker.py)
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("created_account", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("preview", JSONB),
    sa.Column("previewed_at", MOMENT),
    sa.Column("decided_account", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", MOMENT),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("undone_account", sa.Text),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("moved", sa.Integer, nullable=False),
    sa.Column("before", JSONB),
    sa.Column("after", JSONB),
    sa.Column("started_at", MOMENT),
    sa.Column("ended_at", MOMENT),
    sa.Column("findings", JSONB, nullable=False),  # why it failed
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", MOMENT),
    sa.Column("retry_at", MOMENT),
    sa.Column("failures", sa.Integer, nullable=False),
)

record_moves = sa.Table(
    "record_moves",
    metadata,
    sa.Column("operation_id", sa.Text, primary_key=True),
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("from_school", sa.Text, nullable=False),
    sa.Column("from_stage", sa.Text, nullable=False),
    sa.Column("from_state", sa.Text, nullable=False),
    sa.Column("from_live", sa.Boolean, nullable=False),
    sa.Column("from_keeper", sa.Text),
    sa.Column("from_class", sa.Text),
    sa.Column("from_joined", sa.Date),
    sa.Column("to_school", sa.Text, nullable=False),
    sa.Column("to_stage", sa.Text, nullable=False),
    sa.Column("to_class", sa.Text),
    sa.Column("to_keeper", sa.Text),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("journal_seq", sa.Integer),  # the entry by which it moved
)

frozen_schools = sa.Table(
    "frozen_schools",
    metadata,
    sa.Column("school", sa.Text, primary_key=True),
    sa.Column("operation_id", sa.Text, nullable=False),
    sa.Column("since", MOMENT, nullable=False),
)
