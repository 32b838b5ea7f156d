"""Transfers, their cases and decisions, and what is being asked of the registry."""

from __future__ import annotations

import sqlalchemy as sa
from casework.tables import case_tables
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from transfer.metadata import MOMENT, metadata

cases, decisions = case_tables(metadata)

transfers = sa.Table(
    "transfers",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # that of its case
    sa.Column("number", sa.Text, nullable=False, unique=True),  # what people call it
    sa.Column("student_id", sa.Text, nullable=False),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("ground", sa.Text, nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),  # in the receiving school
    sa.Column("to_school", sa.Text, nullable=False),
    sa.Column("to_authority", sa.Text, nullable=False),
    sa.Column("from_school", sa.Text, nullable=False),
    sa.Column("from_authority", sa.Text, nullable=False),
    sa.Column("seat", sa.Boolean, nullable=False),  # the registry holds a place
    sa.Column("over", sa.Boolean, nullable=False),  # beyond the standard size, by the authority's word
    sa.Column("record_moves", sa.Boolean, nullable=False),
    sa.Column("placement", sa.Text, nullable=False),  # in the new school, by 24.4; empty: as before
    sa.Column("sealed", BYTEA, nullable=False),  # store.Details
    sa.Column("evidence", JSONB, nullable=False),
    sa.Column("exception", sa.Text, nullable=False),
    sa.Column("findings", JSONB, nullable=False),
    sa.Column("policy_version", sa.Text, nullable=False),
    sa.Column("needs_override", ARRAY(sa.Text), nullable=False),  # clauses of 原则上 rules that stand against it
    sa.Column("overridden", ARRAY(sa.Text), nullable=False),
    sa.Column("outcome", sa.Text),  # moving | moved | attention | given_up | expired
    sa.Column("problem", JSONB, nullable=False),
    sa.Column("class_no", sa.SmallInteger),
    sa.Column("completed_on", sa.Date),
    sa.Column("opened_at", MOMENT, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("moved_at", MOMENT, nullable=False),  # of the last act
    sa.Column("changes", sa.Integer, nullable=False),  # how many there were: what is told of it comes in their order
)

tracking_failures = sa.Table(
    "tracking_failures",  # of any number that was asked for, a case's or nobody's, and of addresses: `attempts`
    metadata,
    sa.Column("of_what", BYTEA, primary_key=True),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("last_at", MOMENT),
    sa.Column("locked_until", MOMENT),
)

intents = sa.Table(
    "hold_intents",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("since", MOMENT, nullable=False),
)
