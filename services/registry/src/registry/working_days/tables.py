"""Notices as they were published, for ever, and the years whose notice was asked for."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

notices = sa.Table(
    "working_day_notices",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.BigInteger, nullable=False),  # grows over all years; given by the database
    sa.Column("year", sa.SmallInteger, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # of the year, from 1 without gaps
    sa.Column("holidays", sa.ARRAY(sa.Date), nullable=False),
    sa.Column("worked", sa.ARRAY(sa.Date), nullable=False),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("published_by", sa.Text, nullable=False),
    sa.Column("published_at", MOMENT, nullable=False),
)

years = sa.Table(
    "working_day_years",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # the year
    sa.Column("state", sa.Text, nullable=False),  # missing | published | passed
    sa.Column("asked_at", MOMENT, nullable=False),
)
