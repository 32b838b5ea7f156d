"""Class assignments with their pupils and rules, and moves. The classes themselves are the records' (`records.tables`)."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from registry.metadata import MOMENT, metadata

assignments = sa.Table(
    "class_assignments",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("standard", sa.SmallInteger, nullable=False),
    sa.Column("classes", ARRAY(sa.SmallInteger), nullable=False),
    sa.Column("attributes", ARRAY(sa.Text), nullable=False),
    sa.Column("opened_at", MOMENT, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("replaces", sa.Text),  # the number of the assignment that was set aside for this one
    sa.Column("listing", sa.Text),  # JSON of regulation.assignment.Listing, once the list is closed
    sa.Column("list_sha256", sa.Text),
    sa.Column("secret", BYTEA),  # sealed; `revealed` is the same in the open, from the draw on
    sa.Column("commitment", sa.Text),
    sa.Column("public_source", sa.Text),
    sa.Column("public_at", MOMENT),
    sa.Column("committed_at", MOMENT),
    sa.Column("committed_by", sa.Text),
    sa.Column("public_value", sa.Text),
    sa.Column("revealed", sa.Text),
    sa.Column("seed", sa.Text),
    sa.Column("drawn_at", MOMENT),
    sa.Column("drawn_by", sa.Text),
    sa.Column("applied_at", MOMENT),
    sa.Column("applied_by", sa.Text),
    sa.Column("cancelled_at", MOMENT),
    sa.Column("cancelled_reason", sa.Text),
    sa.Column("redraw_reason", sa.Text),
    sa.Column("redraw_asked_at", MOMENT),
    sa.Column("redraw_asked_by", sa.Text),
    sa.Column("redraw_decision", sa.Text),
    sa.Column("redraw_decided_at", MOMENT),
    sa.Column("redraw_decided_by", sa.Text),
    sa.Column("redraw_decision_reason", sa.Text),
)

pupils = sa.Table(
    "class_assignment_pupils",
    metadata,
    sa.Column("assignment_id", sa.Text, primary_key=True),
    sa.Column("pupil_id", sa.Text, primary_key=True),  # of a registration, and of the student it becomes
    sa.Column("code", sa.Text, nullable=False),
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("attributes", JSONB, nullable=False),
    sa.Column("place_in", sa.SmallInteger),  # by hand: not drawn
    sa.Column("class_no", sa.SmallInteger),  # as drawn
)

rules = sa.Table(
    "class_assignment_rules",
    metadata,
    sa.Column("assignment_id", sa.Text, primary_key=True),
    sa.Column("seq", sa.SmallInteger, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("pupils", ARRAY(sa.Text), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

moves = sa.Table(
    "class_moves",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("pupil_id", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("from_class", sa.SmallInteger, nullable=False),
    sa.Column("to_class", sa.SmallInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("moved_on", sa.Date, nullable=False),
    sa.Column("moved_at", MOMENT, nullable=False),
    sa.Column("moved_by", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
)
