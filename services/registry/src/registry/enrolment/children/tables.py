"""Children of age; their lists as they come in, row by row. Numbers of documents are with identity."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from registry.metadata import MOMENT, metadata

children = sa.Table(
    "children",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # derived from person and stage
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("county", sa.Text, nullable=False),
    sa.Column("origin", sa.Text, nullable=False),  # household | migrant | private | international
    sa.Column("school_year", sa.SmallInteger, nullable=False),  # of the list on which the child waits
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Date, nullable=False),
    sa.Column("document_kind", sa.Text, nullable=False),
    sa.Column("masked_document", sa.Text, nullable=False),
    sa.Column("division", sa.Text, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),  # address, guardian, telephone
    sa.Column("state", sa.Text, nullable=False),  # waiting | placed | left
    sa.Column("by_hand", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("import_id", sa.Text),
    sa.Column("row", sa.Integer),
    sa.Column("listed_at", MOMENT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

imports = sa.Table(
    "children_imports",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("county", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("file", JSONB, nullable=False),  # FileRef; the file is gone once the rows are taken in or given up
    sa.Column("state", sa.Text, nullable=False),  # checking | checked | taking | done | failed
    sa.Column("problem", sa.Text),
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("accepted", sa.Integer, nullable=False),
    sa.Column("known", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("taken", sa.Integer, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

import_rows = sa.Table(
    "children_import_rows",
    metadata,
    sa.Column("import_id", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("masked_document", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Date),
    sa.Column("school", sa.Text),
    sa.Column("street", sa.Text),
    sa.Column("findings", JSONB, nullable=False),
    sa.Column("taken", sa.Boolean, nullable=False),
    sa.Column("child_id", sa.Text),
)
