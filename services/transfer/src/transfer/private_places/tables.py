"""Ratios, rounds and the applications on them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA

from transfer.metadata import MOMENT, metadata

ratios = sa.Table(
    "private_ratios",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("years", sa.SmallInteger, nullable=False),  # of the stage in the school's system
    sa.Column("numerator", sa.Integer, nullable=False),
    sa.Column("denominator", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # RatioState
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("proposed_at", MOMENT, nullable=False),
    sa.Column("decided_account", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", MOMENT),
    sa.Column("decision_reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
)

rounds = sa.Table(
    "private_rounds",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False, unique=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("school_name", sa.Text, nullable=False),  # as it was announced
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("term", sa.SmallInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # RoundState
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("opened_at", MOMENT, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("closes_on", sa.Date, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),  # JSON of regulation.lottery.Notice
    sa.Column("public_source", sa.Text, nullable=False),
    sa.Column("public_at", MOMENT, nullable=False),
    sa.Column("commitment", sa.Text, nullable=False),
    sa.Column("secret", BYTEA, nullable=False),  # sealed; `revealed` is the same in the open
    sa.Column("closed_at", MOMENT),
    sa.Column("listing", sa.Text),  # JSON of regulation.lottery.Listing, once the list is closed
    sa.Column("list_sha256", sa.Text),
    sa.Column("lottery", sa.Boolean),
    sa.Column("public_value", sa.Text),
    sa.Column("revealed", sa.Text),
    sa.Column("seed", sa.Text),
    sa.Column("gone", ARRAY(sa.Text)),  # codes that left before the public value was known
    sa.Column("ranked", ARRAY(sa.Text)),  # codes in the order of the draw
    sa.Column("winners", ARRAY(sa.Text)),
    sa.Column("drawn_at", MOMENT),
    sa.Column("drawn_by", sa.Text),
    sa.Column("settled_at", MOMENT),
)

applications = sa.Table(
    "private_applications",
    metadata,
    sa.Column("round_id", sa.Text, primary_key=True),
    sa.Column("transfer_id", sa.Text, primary_key=True),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("entered_at", MOMENT, nullable=False),
    sa.Column("listed", sa.Boolean, nullable=False),  # on the closed list
    sa.Column("outcome", sa.Text),  # left | won | lost
    sa.Column("settled_at", MOMENT),
    sa.Column("problem", sa.Text, nullable=False),
)
