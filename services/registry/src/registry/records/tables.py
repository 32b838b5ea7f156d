"""Classes, who belongs to them, students as they stand, and the journal of everything that happened to them.

A pupil's grade is not a column of the pupil: a pupil belongs to a class (dated), and the class has the grade, so that
a province is promoted by moving its classes. `students` has no column that year-end work changes.
"""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import BYTEA, JSONB

from registry.metadata import MOMENT, metadata

classes = sa.Table(
    "classes",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # derived from school, stage, cohort and number
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("cohort", sa.SmallInteger, nullable=False),  # the school year in which they were in grade 1
    sa.Column("class_no", sa.SmallInteger, nullable=False),
    sa.Column("grade", sa.SmallInteger, nullable=False),
    sa.Column("system", sa.Text, nullable=False),
    sa.Column("display_name", sa.Text),
    sa.Column("closed_on", sa.Date),  # means something only while nobody is in it
    sa.Column("version", sa.Integer, nullable=False),
)

class_memberships = sa.Table(
    "class_memberships",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("joined_on", sa.Date, primary_key=True),
    sa.Column("class_id", sa.Text, nullable=False),
    sa.Column("left_on", sa.Date),  # exclusive; NULL: the present class
)

students = sa.Table(
    "students",
    metadata,
    sa.Column("id", sa.Text, primary_key=True),  # that of the registration it came from
    sa.Column("person_id", sa.Text, nullable=False),
    sa.Column("school", sa.Text, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sex", sa.Text, nullable=False),
    sa.Column("birth_date", sa.Date, nullable=False),
    sa.Column("document_kind", sa.Text, nullable=False),
    sa.Column("masked_document", sa.Text, nullable=False),
    sa.Column("student_number", sa.Text, nullable=False),  # masked
    sa.Column("number_kind", sa.Text, nullable=False),
    sa.Column("verification", sa.Text, nullable=False),
    sa.Column("stage", sa.Text, nullable=False),
    sa.Column("cohort", sa.SmallInteger, nullable=False),
    sa.Column("placement", sa.Text, nullable=False),
    sa.Column("state", sa.Text, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("registered_at", MOMENT, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("keeper", sa.Text),  # the authority that keeps the record of a school that is no more (21.3)
)

former_numbers = sa.Table(
    "former_numbers",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("ended_at", MOMENT, primary_key=True),
    sa.Column("number", sa.Text, nullable=False),  # masked
)

journal = sa.Table(
    "journal",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True),
    sa.Column("kind", sa.Text, nullable=False),
    sa.Column("clause", sa.Text),
    sa.Column("legal_date", sa.Date, nullable=False),
    sa.Column("recorded_at", MOMENT, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("content", JSONB),  # NULL: erased (clause 38); the digest stays
    sa.Column("salt", BYTEA),
    sa.Column("digest", BYTEA, nullable=False),
    sa.Column("previous", BYTEA, nullable=False),
    sa.Column("hash", BYTEA, nullable=False),
)

# What a form said before the change that the journal's entry of this number tells of: sealed (`records.forms`).
form_changes = sa.Table(
    "form_changes",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("journal_seq", sa.Integer, primary_key=True),
    sa.Column("sealed", BYTEA, nullable=False),
)

# What a former school keeps of a student who has moved: as of that day, sealed, never changed.
student_copies = sa.Table(
    "student_copies",
    metadata,
    sa.Column("student_id", sa.Text, primary_key=True),
    sa.Column("school", sa.Text, primary_key=True),
    sa.Column("journal_seq", sa.Integer, primary_key=True),  # the entry by which the student left
    sa.Column("as_of", sa.Date, nullable=False),
    sa.Column("copied_at", MOMENT, nullable=False),
    sa.Column("sealed", BYTEA, nullable=False),
)
