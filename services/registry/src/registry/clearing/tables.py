"""The tables, for inserting; constraints, triggers and grants stand in migration 0012."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from registry.metadata import MOMENT, metadata

# Two records that may be one pupil's, a pair once for ever: `a` < `b`.
pairs = sa.Table(
    "duplicate_pairs",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("a", sa.Text, nullable=False),
    sa.Column("b", sa.Text, nullable=False),
    sa.Column("agreements", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("reasons", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("alike", sa.Integer, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("found_at", MOMENT, nullable=False),
    sa.Column("due_on", sa.Date, nullable=False),
    sa.Column("clock_from", sa.Date),  # the working days that it has are counted from here
    sa.Column("clock_days", sa.Integer),
    sa.Column("record_id", sa.Text),  # the one that is kept, or to be corrected
    sa.Column("cancellation_id", sa.Text),
    sa.Column("decided_account", sa.Text),
    sa.Column("decided_by", sa.Text),
    sa.Column("decided_organisation", sa.Text),
    sa.Column("decided_at", MOMENT),
    sa.Column("decision_reason", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
)

statements = sa.Table(
    "duplicate_statements",
    metadata,
    sa.Column("pair_id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, primary_key=True),
    sa.Column("position", sa.Text, nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("account_name", sa.Text, nullable=False),
    sa.Column("stated_at", MOMENT, nullable=False),
)

scans = sa.Table(
    "duplicate_scans",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("found", sa.Integer, nullable=False),
    sa.Column("after_school", sa.Text, nullable=False),  # how far it is: the last record looked at
    sa.Column("after_id", sa.Text, nullable=False),
    sa.Column("requested_account", sa.Text, nullable=False),
    sa.Column("requested_by", sa.Text, nullable=False),
    sa.Column("requested_organisation", sa.Text, nullable=False),
    sa.Column("requested_at", MOMENT, nullable=False),
    sa.Column("finished_at", MOMENT),
    sa.Column("retry_at", MOMENT),
    sa.Column("failures", sa.Integer, nullable=False),
)

# Records that have come and were not compared with the others yet: a row a statement.
arrivals = sa.Table(
    "duplicate_arrivals",
    metadata,
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("record_ids", ARRAY(sa.Text), nullable=False),
    sa.Column("arrived_at", MOMENT, nullable=False),
)

corrections = sa.Table(
    "corrections",  # what is to be changed; where it stands is its case, and then `outcome`
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("student_id", sa.Text, nullable=False),
    sa.Column("staging_id", sa.Text, nullable=False),  # under which identity keeps the new values
    sa.Column("pair_id", sa.Text),
    sa.Column("before", JSONB, nullable=False),
    sa.Column("after", JSONB, nullable=False),
    sa.Column("fields", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("opened_by", sa.Text, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("problem", sa.Text),
    sa.Column("revision", sa.Integer, nullable=False),
)

cancellations = sa.Table(
    "cancellations",  # where it stands is its case, and then `outcome`
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("student_id", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),  # that had the record when it was proposed
    sa.Column("ground", sa.Text, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("violated", sa.Text),
    sa.Column("kept_id", sa.Text),
    sa.Column("pair_id", sa.Text),
    sa.Column("proposed_by", sa.Text, nullable=False),
    sa.Column("open", sa.Boolean, nullable=False),
    sa.Column("outcome", sa.Text),
    sa.Column("before", JSONB),  # what restores the record exactly
    sa.Column("seq", sa.Integer),  # the last entry of its journal then, and of the kept record's
    sa.Column("kept_seq", sa.Integer),
    sa.Column("reinstated_account", sa.Text),
    sa.Column("reinstated_by", sa.Text),
    sa.Column("reinstated_organisation", sa.Text),
    sa.Column("reinstated_at", MOMENT),
    sa.Column("reinstate_reason", sa.Text, nullable=False),
    sa.Column("problem", sa.Text),
    sa.Column("revision", sa.Integer, nullable=False),
)

merges = sa.Table(
    "record_merges",  # `cancelled_id` is read under `kept_id`
    metadata,
    sa.Column("cancellation_id", sa.Text, primary_key=True),
    sa.Column("kept_id", sa.Text, nullable=False),
    sa.Column("cancelled_id", sa.Text, nullable=False),
    sa.Column("merged_at", MOMENT, nullable=False),
    sa.Column("undone_at", MOMENT),
)

protections = sa.Table(
    "record_protections",  # in force until ended
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("student_id", sa.Text, nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("since", sa.Date, nullable=False),
    sa.Column("report", sa.Text, nullable=False),
    sa.Column("registered_account", sa.Text, nullable=False),
    sa.Column("registered_by", sa.Text, nullable=False),
    sa.Column("registered_organisation", sa.Text, nullable=False),
    sa.Column("registered_at", MOMENT, nullable=False),
    sa.Column("ended_on", sa.Date),
    sa.Column("end_reason", sa.Text, nullable=False),
    sa.Column("ended_account", sa.Text),
    sa.Column("ended_by", sa.Text, nullable=False),
    sa.Column("ended_at", MOMENT),
)
