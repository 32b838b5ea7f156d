"""Admissions: an open one holds a place of its school, year and stage. Postponements and applications beside them."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

from registry.metadata import MOMENT, metadata

admissions = sa.Table(
    "admissions",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("child_id", sa.Text, nullable=False),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("county", sa.Text, nullable=False),  # whose child it is
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),  # of the school
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("way", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # open | ended
    sa.Column("street", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("admitted_on", sa.Date, nullable=False),
    sa.Column("notice_number", sa.Text, nullable=False),
    sa.Column("report_from", sa.Date, nullable=False),
    sa.Column("report_to", sa.Date, nullable=False),
    sa.Column("notice_printed_at", MOMENT),
    sa.Column("objection", sa.Text),
    sa.Column("objected_by", sa.Text),
    sa.Column("objected_on", sa.Date),
    sa.Column("postponed_until", sa.Date),
    sa.Column("reported_on", sa.Date),
    sa.Column("reported_by", sa.Text),
    sa.Column("no_show_on", sa.Date),
    sa.Column("reminded", sa.SmallInteger, nullable=False),
    sa.Column("ended_on", sa.Date),
    sa.Column("end_reason", sa.Text),
    sa.Column("version", sa.Integer, nullable=False),
)

postponements = sa.Table(
    "postponements",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("admission_id", sa.Text, nullable=False),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("until", sa.Date, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # waiting | granted | refused
    sa.Column("findings", JSONB, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_on", sa.Date),
    sa.Column("decision_reason", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

applications = sa.Table(
    "admission_applications",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),  # deferral | migrant | international
    sa.Column("child_id", sa.Text, nullable=False),
    sa.Column("county", sa.Text, nullable=False),
    sa.Column("school", sa.Text),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("content", JSONB, nullable=False),
    sa.Column("evidence", JSONB, nullable=False),
    sa.Column("asked_on", sa.Date, nullable=False),
    sa.Column("admission_id", sa.Text),
)
