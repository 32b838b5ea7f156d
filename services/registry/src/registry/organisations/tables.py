"""Organisations, one row per dated version: the open version (valid_to is NULL) is the present."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.metadata import MOMENT, metadata

organisations = sa.Table(
    "organisations",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),  # authority: 6 digits; school: 10 digits (学校标识码)
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("valid_to", sa.Date),  # exclusive
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # province | city | county | school | external
    sa.Column("parent", sa.Text),
    sa.Column("authority", sa.Text),  # 主管教育行政部门; an authority has its superior
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("school_type", sa.Text),
    sa.Column("stages", ARRAY(sa.Text), nullable=False),
    sa.Column("system", sa.Text),
    sa.Column("ownership", sa.Text),
    sa.Column("locality", sa.Text),
    sa.Column("accepts_international", sa.Boolean, nullable=False),
    sa.Column("loaded_at", MOMENT, nullable=False, server_default=sa.text("now()")),
    sa.Column("version", sa.Integer, nullable=False),  # of the code: grows with every change
)

imports = sa.Table(
    "organisation_imports",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation", sa.Text, nullable=False),  # whose import it is
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("effective_from", sa.Date, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("created", sa.Integer, nullable=False),
    sa.Column("changed", sa.Integer, nullable=False),
    sa.Column("unchanged", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("confirmed_by", sa.Text),
    sa.Column("confirmed_at", MOMENT),
)

import_rows = sa.Table(
    "organisation_import_rows",
    metadata,
    sa.Column("import_id", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("organisation", JSONB),  # OrganisationView; NULL where the row could not be read as one
    sa.Column("changes", JSONB, nullable=False),
    sa.Column("findings", JSONB, nullable=False),
)
