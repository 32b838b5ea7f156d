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

DDL = """
CREATE TABLE organisations (
    code text NOT NULL,
    valid_from date NOT NULL,
    valid_to date CHECK (valid_to > valid_from),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('province', 'city', 'county', 'school')),
    parent text,
    authority text,
    division text NOT NULL CHECK (division ~ '^[0-9]{6}$'),
    school_type text,
    stages text[] NOT NULL,
    system text CHECK (system IN ('6-3', '5-4')),
    ownership text CHECK (ownership IN ('public', 'private')),
    locality text CHECK (locality IN ('urban', 'town', 'rural')),
    accepts_international boolean NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (code, valid_from),
    CHECK (code ~ CASE kind WHEN 'school' THEN '^[0-9]{10}$' ELSE '^[0-9]{6}$' END),
    CHECK (kind <> 'school' OR (authority IS NOT NULL AND school_type IS NOT NULL AND system IS NOT NULL
           AND ownership IS NOT NULL AND locality IS NOT NULL AND cardinality(stages) > 0))
);
-- One open version a code; a code whose versions are all closed is history and is never used again.
CREATE UNIQUE INDEX organisations_present ON organisations (code) WHERE valid_to IS NULL;
CREATE INDEX organisations_children ON organisations (parent, code) WHERE valid_to IS NULL;
"""

GRANTS = """
GRANT SELECT, INSERT ON organisations TO {role};
GRANT UPDATE (valid_to, name, parent, authority, division, stages, system, ownership, locality,
              accepts_international, loaded_at) ON organisations TO {role};
"""
