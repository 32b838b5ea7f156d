"""A student record (学籍) as people see it, read in one statement with its class, school and former numbers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Target
from service_kit.database import fetch_all, fetch_one
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.records import StudentState, StudentView
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.organisations.tables import organisations
from registry.records import tables

_s, _m, _k = tables.students.c, tables.class_memberships.c, tables.classes.c
_o, _later = organisations.alias("o"), organisations.alias("later")
_LAST = sa.and_(
    _s.keeper.is_not(None),
    sa.not_(sa.exists().where(_later.c.code == _o.c.code, _later.c.valid_from > _o.c.valid_from)),
)
"""A school that is no more, whose archive an authority keeps: as it was last."""
_PRESENT = sa.and_(_o.c.code == _s.school, sa.or_(_o.c.valid_to.is_(None), _LAST))
FROM = (
    tables.students.outerjoin(tables.class_memberships, sa.and_(_m.student_id == _s.id, _m.left_on.is_(None)))
    .outerjoin(tables.classes, _k.id == _m.class_id)
    .outerjoin(_o, _PRESENT)
)
FROM_CLASSES = (
    tables.classes.join(tables.class_memberships, sa.and_(_m.class_id == _k.id, _m.left_on.is_(None)))
    .join(tables.students, sa.and_(_s.id == _m.student_id, _s.school == _k.school))
    .outerjoin(_o, _PRESENT)
)
"""The same for those who are in a class, read from the classes on: for a grade of a school."""
# Of the record itself, and of the doubles that are read under it (clause 22): an old number still names the pupil.
_FORMER: sa.ColumnElement[Any] = sa.literal_column(
    """(SELECT coalesce(array_agg(n.number ORDER BY n.ended_at DESC, n.number), '{}') FROM (
          SELECT f.number, f.ended_at FROM former_numbers f WHERE f.student_id = students.id
          UNION ALL
          SELECT f.number, f.ended_at FROM record_merges g JOIN former_numbers f ON f.student_id = g.cancelled_id
          WHERE g.kept_id = students.id AND g.undone_at IS NULL
          UNION ALL
          SELECT d.student_number, g.merged_at FROM record_merges g JOIN students d ON d.id = g.cancelled_id
          WHERE g.kept_id = students.id AND g.undone_at IS NULL) n)""",
    sa.ARRAY(sa.Text),
)
_MERGED: sa.ColumnElement[Any] = sa.literal_column(
    """(SELECT coalesce(array_agg(g.cancelled_id ORDER BY g.merged_at, g.cancelled_id), '{}') FROM record_merges g
        WHERE g.kept_id = students.id AND g.undone_at IS NULL)""",
    sa.ARRAY(sa.Text),
)
_KEPT: sa.ColumnElement[str | None] = sa.literal_column(
    "(SELECT g.kept_id FROM record_merges g WHERE g.cancelled_id = students.id AND g.undone_at IS NULL)", sa.Text
)
# Of one record alone, not of lists: few study elsewhere, and where is asked only of those.
_ELSEWHERE: sa.ColumnElement[bool] = sa.literal_column(
    "(students.live AND EXISTS (SELECT FROM study_places p WHERE p.student_id = students.id AND p.until IS NULL))",
    sa.Boolean,
)
AUTHORITY = sa.func.coalesce(_s.keeper, _o.c.authority).label("authority")
"""The supervising authority of the student's school; where that is no more, the authority that keeps its archive."""

COLUMNS = (
    *tables.students.c,
    _k.grade,
    _k.class_no,
    _o.c.name.label("school_name"),
    _o.c.valid_from.label("school_since"),
    AUTHORITY,
    _FORMER.label("former_numbers"),
    _MERGED.label("merged_ids"),
    _KEPT.label("kept_id"),
)


async def rows_of(tx: AsyncConnection, ids: Sequence[str]) -> dict[str, RowMapping]:
    """Rows of students as they stand, by id; those that are not there are left out."""
    wanted = sa.any_(sa.cast(list(ids), sa.ARRAY(sa.Text)))
    rows = await fetch_all(tx, sa.select(*COLUMNS).select_from(FROM).where(_s.id == wanted))
    return {row["id"]: row for row in rows}


async def row_of(tx: AsyncConnection, student_id: str, *, lock: bool = False) -> RowMapping | None:
    """`lock`: the student's own columns stay as they are until the transaction ends. `elsewhere`: the pupil of a
    living record studies at another school (24.4)."""
    statement = sa.select(*COLUMNS, _ELSEWHERE.label("elsewhere")).select_from(FROM).where(_s.id == student_id)
    return await fetch_one(tx, statement.with_for_update(of=tables.students) if lock else statement)


def target(row: RowMapping) -> Target:
    """A student as what an act is done to: by the present school, authority and class."""
    return Target(school=row["school"], authority=row["authority"], grade=row["grade"], class_no=row["class_no"])


def view(row: RowMapping) -> StudentView:
    return StudentView(
        id=row["id"],
        person_id=row["person_id"],
        school=row["school"],
        school_name=row["school_name"] or row["school"],
        name=row["name"],
        sex=row["sex"],
        birth_date=row["birth_date"],
        masked_document=row["masked_document"],
        student_number=row["student_number"],
        number_kind=NumberKind(row["number_kind"]),
        former_numbers=tuple(row["former_numbers"]),
        verification=Verification(row["verification"]),
        stage=row["stage"],
        grade=row["grade"],
        class_no=row["class_no"],
        cohort=row["cohort"],
        placement=row["placement"],
        state=StudentState(row["state"]),
        registered_at=row["registered_at"],
        version=row["version"],
        kept_id=row["kept_id"],
        merged_ids=tuple(row["merged_ids"]),
    )
