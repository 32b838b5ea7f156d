"""Notices to a role of an organisation, and which account has read them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from notifications.metadata import MOMENT, metadata

notices = sa.Table(
    "notices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("role", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("merge", sa.Text, nullable=False, unique=True),
    sa.Column("counts", JSONB, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("link", sa.Text, nullable=False),
    sa.Column("updated_at", MOMENT, nullable=False),
    sa.Column("made_at", MOMENT, nullable=False),
    sa.Column("dispatched_at", MOMENT),  # handed to the channels: once, however often it is added to
    sa.Index("notices_newest", "organisation", "role", "updated_at", "id"),
)

reads = sa.Table(
    "reads",
    metadata,
    sa.Column("notice_id", sa.Text, sa.ForeignKey("notices.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("read_at", MOMENT, nullable=False),
)
