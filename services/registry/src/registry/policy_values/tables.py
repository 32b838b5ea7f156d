"""Values that authorities have set, kept for ever, and what became of their filing to the province."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from registry.metadata import MOMENT, metadata

policy_book = sa.Table(
    "policy_book",
    metadata,
    sa.Column("single", sa.Boolean, primary_key=True),  # there is one row
    sa.Column("version", sa.BigInteger, nullable=False),  # grows with every change of the values
)

policy_values = sa.Table(
    "policy_values",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("key", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),  # whose value it is
    sa.Column("valid_from", sa.Date, nullable=False),
    sa.Column("value", JSONB, nullable=False),
    sa.Column("low", JSONB),
    sa.Column("high", JSONB),
    sa.Column("basis", sa.Text, nullable=False),  # 文件名称和文号
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.Column("published_at", MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # published | withdrawn | returned
    sa.Column("ended_at", MOMENT),
    sa.Column("ended_by", sa.Text),
    sa.Column("end_reason", sa.Text),
)

policy_filings = sa.Table(
    "policy_filings",
    metadata,
    sa.Column("value_id", sa.Text, primary_key=True),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("filed_at", MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # waiting | acknowledged | returned | withdrawn
    sa.Column("decided_at", MOMENT),
    sa.Column("account", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
)
