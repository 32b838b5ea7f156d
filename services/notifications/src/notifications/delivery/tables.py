"""The tables, for statements; constraints and grants stand in `migrations/versions/0004_delivery.py`."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from notifications.metadata import MOMENT, metadata

contacts = sa.Table(
    "contacts",
    metadata,
    sa.Column("account", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, primary_key=True),
    sa.Column(
        "organisation", sa.Text, nullable=False
    ),  # as it was when the contact was set: access says what it is now
    sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("address", BYTEA, nullable=False),  # sealed
    sa.Column("masked", sa.Text, nullable=False),
    sa.Column("topics", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("set_at", MOMENT, nullable=False),
    sa.Column("verified_at", MOMENT),
    sa.Column("code", BYTEA),  # sealed: what proves the address, until it has
    sa.Column("code_until", MOMENT),
    sa.Column("code_tries", sa.Integer, nullable=False),
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("secret", BYTEA, nullable=False),  # sealed
    sa.Column("topics", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("failing_since", MOMENT),
    sa.Column("ended_at", MOMENT),
)

# A message stays when it was sent: it says what was sent when, with which template. Its content is sealed.
deliveries = sa.Table(
    "deliveries",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("channel", sa.Text, nullable=False),
    sa.Column("account", sa.Text),
    sa.Column("webhook_id", sa.Text),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("notice_id", sa.Text),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("shown_to", sa.Text, nullable=False),  # masked address, or URL
    sa.Column("content", BYTEA, nullable=False),  # sealed: what the template was filled with
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("next_try_at", MOMENT),
    sa.Column("sent_at", MOMENT),
    sa.Column("problem", sa.Text, nullable=False),
    sa.Column("guardian_of", sa.Text),  # the student or admission whose guardian it goes to, who has no account
    sa.Column("address", BYTEA),  # sealed: of a guardian; gone when the message has ended
)

# What guardians are to be told, until it is a message: one for each student (or admission) and thing.
guardian_notices = sa.Table(
    "guardian_notices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # student | admission
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("template", sa.Text, nullable=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("made_at", MOMENT, nullable=False),
    sa.Column("dispatched_at", MOMENT),
    sa.Column("reached", sa.Boolean),  # whether the record had a number
)
