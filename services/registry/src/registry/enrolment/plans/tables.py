"""Plans, their versions, and the changes that schools ask for. Places taken are counted, not kept."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

plans = sa.Table(
    "enrolment_plans",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # derived from school, school year and stage
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("school_year", sa.SmallInteger, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),  # the stage's entry grade in this school
    sa.Column("authority", sa.Text, nullable=False),  # who has issued it
    sa.Column("filed_with", sa.Text, nullable=False),  # 备案: the city, or who is above
    sa.Column("classes", sa.SmallInteger, nullable=False),
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # in_force | returned
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("filed_at", MOMENT, nullable=False),
    sa.Column("issued_by", sa.Text, nullable=False),
    sa.Column("return_reason", sa.Text),
    sa.Column("returned_at", MOMENT),
    sa.Column("returned_by", sa.Text),
)

versions = sa.Table(
    "enrolment_plan_versions",
    metadata,
    sa.Column("plan_id", sa.Text, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("authority", sa.Text, nullable=False),
    sa.Column("classes", sa.SmallInteger, nullable=False),
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("change_id", sa.Text),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("issued_by", sa.Text, nullable=False),
    sa.Column("issued_at", MOMENT, nullable=False),
)

changes = sa.Table(
    "enrolment_plan_changes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("plan_id", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("classes", sa.SmallInteger, nullable=False),
    sa.Column("places", sa.Integer, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("asked_by", sa.Text, nullable=False),
    sa.Column("asked_at", MOMENT, nullable=False),
    sa.Column("state", sa.Text, nullable=False),  # waiting | approved | rejected | withdrawn
    sa.Column("granted_classes", sa.SmallInteger),
    sa.Column("granted_places", sa.Integer),
    sa.Column("decision_reason", sa.Text),
    sa.Column("decided_account", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_at", MOMENT),
    sa.Column("version", sa.Integer, nullable=False),
)
