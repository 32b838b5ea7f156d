"""Rosters and their rows. A roster's row says what was found; the pupil himself waits in identity until he is claimed."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, BYTEA, JSONB

from registry.metadata import MOMENT, metadata

rosters = sa.Table(
    "rosters",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("file_name", sa.Text, nullable=False),
    sa.Column("file", JSONB, nullable=False),  # FileRef of the upload
    sa.Column("file_kept", sa.Boolean, nullable=False),  # the upload is still in the file store
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),  # counts what people see change, progress not among it
    sa.Column("created_at", MOMENT, nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_account", sa.Text, nullable=False),
    sa.Column("confirmed_account", sa.Text),
    sa.Column("business_day", sa.Date),  # the day the stage under way counts as, however long it takes
    sa.Column("total", sa.Integer, nullable=False),  # rows of the stage under way
    sa.Column("done", sa.Integer, nullable=False),
    sa.Column("cursor", sa.Integer, nullable=False),  # the last row of the sheet that the stage has dealt with
    sa.Column("rows", sa.Integer, nullable=False),
    sa.Column("valid", sa.Integer, nullable=False),
    sa.Column("warned", sa.Integer, nullable=False),
    sa.Column("refused", sa.Integer, nullable=False),
    sa.Column("already_here", sa.Integer, nullable=False),
    sa.Column("refusals", JSONB, nullable=False),  # code of a finding -> rows
    sa.Column("new_classes", ARRAY(sa.Text), nullable=False),
    sa.Column("notes", JSONB, nullable=False),  # findings about the workbook
    sa.Column("problem", sa.Text),
    sa.Column("files", JSONB, nullable=False),  # what is offered for download
    sa.Column("sheets_state", sa.Text, nullable=False),
    sa.Column("sheets_job", sa.Text),  # one printing; its files and commands are named after it
    sa.Column("sheets_actor", JSONB),  # who asked for it: identity records who was shown full numbers
    sa.Column("cleanup", sa.Boolean, nullable=False),  # the upload and the waiting room are to go
    sa.Column("trace", JSONB, nullable=False),
    sa.Column("lease_owner", sa.Text),
    sa.Column("lease_until", MOMENT),
    sa.Column("retry_at", MOMENT),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("crashes", sa.Integer, nullable=False),
)

roster_rows = sa.Table(
    "roster_rows",
    metadata,
    sa.Column("roster_id", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),  # as Excel numbers it
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("masked_document", sa.Text, nullable=False),
    sa.Column("masked_members", JSONB, nullable=False),
    sa.Column("findings", JSONB, nullable=False),
    sa.Column("takes_place", sa.Boolean, nullable=False),  # of the plan, as the check has counted (clause 4.3)
    sa.Column("registration_id", sa.Text),  # set when it is admitted
    # Of an accepted row only: what its registration will be made of.
    sa.Column("sex", sa.Text),
    sa.Column("birth_date", sa.Date),
    sa.Column("document_kind", sa.Text),
    sa.Column("overseas", sa.Text),
    sa.Column("disability", sa.Text),
    sa.Column("placement", sa.Text),
    sa.Column("grade", sa.SmallInteger),
    sa.Column("class_no", sa.SmallInteger),
    sa.Column("enrolled_month", sa.Text),
    sa.Column("form", BYTEA),  # sealed, without document numbers; NULL once it has moved to the registration
)
