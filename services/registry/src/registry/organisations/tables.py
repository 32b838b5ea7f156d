"""Organisations, one row per dated version: the open version (valid_to is NULL) is the present."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from registry.metadata import MOMENT, metadata

organisations = sa.Table(
    "organisations",
    metadata,
    sa.Column("code", sa.Text, primary_key=True),  # authority: 6 digits; school: 10 digits (学校标识码)
    sa.Column("valid_from", sa.Date, primary_key=True),
    sa.Column("valid_to", sa.Date),  # exclusive
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),  # province | city | county | school
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
)
