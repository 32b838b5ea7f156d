"""Holds with their seats, who is expected, and who has left the province."""

from __future__ import annotations

import sqlalchemy as sa

from registry.metadata import MOMENT, metadata

change_holds = sa.Table(
    "change_holds",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("seq", sa.Integer, nullable=False),  # of the case's act that this follows; an older one changes nothing
    sa.Column("state", sa.Text, nullable=False),  # held | applied | released
    sa.Column("student_id", sa.Text),  # NULL: let go before it was ever granted
    sa.Column("seat_school", sa.Text),
    sa.Column("seat_cohort", sa.SmallInteger),
    sa.Column("seat_over", sa.Boolean, nullable=False),
    sa.Column("since", MOMENT, nullable=False),
    sa.Column("expects", sa.Boolean, nullable=False),  # a child without a record here: `expected_arrivals` says whom
    sa.Column("went_to", sa.Text),  # where an applied case has brought the record, and into which cohort
    sa.Column("went_cohort", sa.SmallInteger),
)

expected_arrivals = sa.Table(
    "expected_arrivals",
    metadata,
    sa.Column("case_id", sa.Text, primary_key=True),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("cohort", sa.SmallInteger, nullable=False),
    sa.Column("over", sa.Boolean, nullable=False),  # its seat is beyond the standard size
    sa.Column("open", sa.Boolean, nullable=False),  # as the hold is held
    sa.Column("approved", sa.Boolean, nullable=False),  # by all: the school may register the child
    sa.Column("placement", sa.Text, nullable=False),  # in which alone; empty: in any
    sa.Column("registration_id", sa.Text),  # on its way; the place is counted in its class
    sa.Column("returns", sa.Text),  # the record of one who had left: it is opened again
)

outside_places = sa.Table(
    "outside_places",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("since", sa.Date, primary_key=True),
    sa.Column("division", sa.Text, nullable=False),  # of another province
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("case_id", sa.Text, nullable=False),
)
