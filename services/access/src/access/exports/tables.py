"""Exports: the request, its paper, its file. Where the approval stands is its case (`export_cases`, the same id)."""

from __future__ import annotations

import sqlalchemy as sa
from casework.tables import case_tables
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from access.metadata import MOMENT, metadata

PREFIX = "export_"
CASES = case_tables(metadata, PREFIX)

exports = sa.Table(
    "exports",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("organisation_name", sa.Text, nullable=False),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("authority_name", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("account_name", sa.Text, nullable=False),
    sa.Column("roles", ARRAY(sa.Text), nullable=False),
    sa.Column("request", JSONB, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("row_cap", sa.Integer, nullable=False),
    sa.Column("approval_days", sa.Integer, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("expires_at", MOMENT, nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),  # counts changes that are no act on the case
    sa.Column("document", JSONB(none_as_null=True)),  # FileRef of the written approval
    sa.Column("file", JSONB(none_as_null=True)),  # FileRef of the workbook
    sa.Column("made_at", MOMENT),
    sa.Column("problem", sa.Text),
    sa.Column("downloaded_at", MOMENT),
    sa.Column("available_until", MOMENT),
    sa.Column("file_gone", sa.Boolean, nullable=False),
)

serials = sa.Table(
    "export_serials",
    metadata,
    sa.Column("year", sa.Integer, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
)
