"""The tables, for statements; constraints, triggers and grants stand in `migrations/`."""

from __future__ import annotations

import sqlalchemy as sa
from service_kit.tables import kit_tables
from sqlalchemy.dialects.postgresql import BYTEA, JSONB, TIMESTAMP

metadata = sa.MetaData()
kit = kit_tables(metadata)

_MOMENT = TIMESTAMP(timezone=True)

intakes = sa.Table(
    "intakes",  # the waiting room: one row an intake
    metadata,
    sa.Column("intake_id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("expires_at", _MOMENT, nullable=False),
)

intake_rows = sa.Table(
    "intake_rows",  # and its persons, sealed whole: names too
    metadata,
    sa.Column("intake_id", sa.Text, primary_key=True),
    sa.Column("row", sa.Integer, primary_key=True),
    sa.Column("sealed", BYTEA, nullable=False),
)

persons = sa.Table(
    "persons",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Date, nullable=False),
    sa.Column("area", sa.Text, nullable=False),
    sa.Column("document_kind", sa.Text, nullable=False),
    sa.Column("document", BYTEA),  # sealed; null where there is no number
    sa.Column("document_index", BYTEA, nullable=False, unique=True),
    sa.Column("masked_document", sa.Text, nullable=False),
    sa.Column("members", BYTEA),  # sealed: the documents of guardians, as one value
    sa.Column("name_keys", sa.ARRAY(sa.BigInteger), nullable=False),  # of former names too
    sa.Column("member_keys", sa.ARRAY(sa.BigInteger), nullable=False),  # of guardians' documents
    sa.Column("former_names", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("created_at", _MOMENT, nullable=False),
)

known_persons = sa.Table(
    "known_persons",  # known before anybody registers them: children of age, applicants
    metadata,
    sa.Column("person_id", sa.Text, sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("known_at", _MOMENT, nullable=False),
)

former_documents = sa.Table(
    "former_documents",  # append-only: what a correction replaced still finds the person (clause 40)
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("document_index", BYTEA, nullable=False),
    sa.Column("document_kind", sa.Text, nullable=False),
    sa.Column("document", BYTEA),  # sealed
    sa.Column("masked", sa.Text, nullable=False),
    sa.Column("ended_at", _MOMENT, nullable=False),
)

elsewhere_numbers = sa.Table(
    "elsewhere_numbers",  # L and J of other provinces, told with an application; they count once the person has one of ours
    metadata,
    sa.Column("number_index", BYTEA, primary_key=True),
    sa.Column("person_id", sa.Text, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", BYTEA, nullable=False),  # sealed
    sa.Column("masked", sa.Text, nullable=False),
    sa.Column("told_at", _MOMENT, nullable=False),
)

staged_corrections = sa.Table(
    "staged_corrections",  # new key fields that wait for their approval, sealed
    metadata,
    sa.Column("staging_id", sa.Text, primary_key=True),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("registration_id", sa.Text, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
    sa.Column("expires_at", _MOMENT),  # null: a correction under way asks for it
)

record_claims = sa.Table(
    "record_claims",  # one person, one record (clause 15.2): the live ones
    metadata,
    sa.Column("person_id", sa.Text, sa.ForeignKey("persons.id"), primary_key=True),
    sa.Column("registration_id", sa.Text, nullable=False, unique=True),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("claimed_at", _MOMENT, nullable=False),
)

released_claims = sa.Table(
    "released_claims",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("registration_id", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("claimed_at", _MOMENT, nullable=False),
    sa.Column("released_at", _MOMENT, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
)

number_requests = sa.Table(
    "number_requests",  # who waits for a first number, or for a better answer; a row goes when nothing is left to ask
    metadata,
    sa.Column("person_id", sa.Text, primary_key=True),
    sa.Column("registration_id", sa.Text, nullable=False),
    sa.Column("lane", sa.Text, nullable=False),
    sa.Column("requested_at", _MOMENT, nullable=False),
    sa.Column("next_attempt_at", _MOMENT),  # null: waits for a correction
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("verification", sa.Text, nullable=False),
    sa.Column("lease", sa.Text),
    sa.Column("leased_until", _MOMENT),
    sa.Column("trace", JSONB, nullable=False),
)

student_numbers = sa.Table(
    "student_numbers",  # dated rows of a person (15.3, 15.4)
    metadata,
    sa.Column("number_index", BYTEA, primary_key=True),
    sa.Column("person_id", sa.Text, sa.ForeignKey("persons.id"), nullable=False),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("number", BYTEA, nullable=False),  # sealed
    sa.Column("masked", sa.Text, nullable=False),
    sa.Column("valid_from", _MOMENT, nullable=False),
    sa.Column("valid_to", _MOMENT),
)

l_serials = sa.Table(
    "l_serials",  # how many L bodies of an area and birth date are used up
    metadata,
    sa.Column("area", sa.Text, primary_key=True),
    sa.Column("birth_date", sa.Date, primary_key=True),
    sa.Column("used", sa.Integer, nullable=False),
)

verifications = sa.Table(
    "verifications",  # append-only: what the matcher said, when
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("outcome", sa.Text, nullable=False),
    sa.Column("at", _MOMENT, nullable=False),
)

reveals = sa.Table(
    "reveals",  # append-only: who was shown full numbers, of whom, why
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(always=True), primary_key=True),
    sa.Column("at", _MOMENT, nullable=False),
    sa.Column("account", sa.Text, nullable=False),
    sa.Column("organisation", sa.Text, nullable=False),
    sa.Column("roles", sa.ARRAY(sa.Text), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("person_ids", sa.ARRAY(sa.Text), nullable=False),
)
