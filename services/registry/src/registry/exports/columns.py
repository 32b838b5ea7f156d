"""The fields of the catalogue as columns of a query, and what stands in a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Reach, subtree_pattern
from regulation.codetables import DOCUMENT_KIND
from service_kit.clock import ZONE
from shared_contracts.exports import CATALOGUE, FIELDS, ExportField, ExportSelection
from shared_contracts.records import STATE_TITLES

from registry.form.fields import BY_KEY
from registry.organisations.tables import organisations
from registry.records import tables
from registry.registration.tables import profiles

_s, _m, _k = tables.students.c, tables.class_memberships.c, tables.classes.c
_o, _a = organisations.alias("o"), organisations.alias("a")

FROM = (
    tables.students.outerjoin(tables.class_memberships, sa.and_(_m.student_id == _s.id, _m.left_on.is_(None)))
    .outerjoin(tables.classes, _k.id == _m.class_id)
    .outerjoin(_o, sa.and_(_o.c.code == _s.school, _o.c.valid_to.is_(None)))
    .outerjoin(_a, sa.and_(_a.c.code == _o.c.authority, _a.c.valid_to.is_(None)))
)

STAGES = {"primary": "小学", "junior": "初中"}
SEXES = {"1": "男", "2": "女"}
PLACEMENTS = {
    "ordinary": "普通就读",
    "mainstreamed": "随班就读",
    "special_school": "特殊教育学校就读",
    "home_teaching": "送教上门",
}
STATES = {state.value: title for state, title in STATE_TITLES.items()}
VERIFICATIONS = {
    "pending": "未核验",
    "matched": "核验一致",
    "not_found": "查无此人",
    "name_mismatch": "姓名不一致",
    "sex_mismatch": "性别不一致",
    "birth_date_mismatch": "出生日期不一致",
    "not_matchable": "证件不适用核验",
    "unavailable": "未核验",
}

_COLUMN: Mapping[str, sa.ColumnElement[Any]] = {
    "county_name": sa.func.coalesce(_a.c.name, _o.c.authority),
    "school": _s.school,
    "school_name": sa.func.coalesce(_o.c.name, _s.school),
    "stage": _s.stage,
    "cohort": _s.cohort,
    "grade": _k.grade,
    "class_no": _k.class_no,
    "name": _s.name,
    "sex": _s.sex,
    "birth_date": _s.birth_date,
    "document_kind": _s.document_kind,
    "masked_document": _s.masked_document,
    "masked_student_number": _s.student_number,
    "number_kind": _s.number_kind,
    "verification": _s.verification,
    "placement": _s.placement,
    "state": _s.state,
    "registered_on": _s.registered_at,
}


def _titled(titles: Mapping[str, str]) -> Callable[[Any], str]:
    return lambda value: titles.get(value, value)


def _kind(value: str) -> str:
    entry = DOCUMENT_KIND.get(value)
    return entry.name if entry is not None else value


_TEXT: Mapping[str, Callable[[Any], str]] = {
    "stage": _titled(STAGES),
    "sex": _titled(SEXES),
    "placement": _titled(PLACEMENTS),
    "state": _titled(STATES),
    "verification": _titled(VERIFICATIONS),
    "document_kind": _kind,
}


def chosen(keys: Sequence[str]) -> tuple[ExportField, ...]:
    """The fields asked for, in the catalogue's order. Raises KeyError for one that is not in it."""
    wanted = {CATALOGUE[key].key for key in keys}
    return tuple(field for field in FIELDS if field.key in wanted)


def cell(key: str, value: Any) -> str:
    """What stands in a cell: always text, so that no long number loses digits and nothing becomes a formula."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.astimezone(ZONE).date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    return _TEXT.get(key, str)(value)


def item(key: str, form: Mapping[str, str]) -> str:
    """What the family filled in, a code by its name."""
    value = form.get(key, "")
    codes = BY_KEY[key].codes
    entry = codes.get(value) if codes is not None and value else None
    return entry.name if entry is not None else value


def of_selection(selection: ExportSelection, reach: Reach) -> sa.ColumnElement[bool]:
    """Live records of the selection that lie within the reach of whoever asked."""
    of = selection.organisation
    inside = _s.school == of if len(of) == 10 else _o.c.authority.like(subtree_pattern(of))
    ways: list[sa.ColumnElement[bool]] = []
    if reach.everything:
        ways.append(sa.true())
    if reach.subtree:
        ways.append(_o.c.authority.like(subtree_pattern(reach.subtree)))
    if reach.school:
        ways.append(_s.school == reach.school)
    wanted = [(_k.grade, selection.grade), (_k.class_no, selection.class_no), (_s.state, selection.state)]
    return sa.and_(
        _s.live,
        inside,
        sa.or_(sa.false(), *ways),
        *(column == value for column, value in wanted if value is not None),
    )


def counting(where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    return sa.select(sa.func.count()).select_from(FROM).where(where)


def gathering(fields: Sequence[ExportField], where: sa.ColumnElement[bool]) -> sa.Select[Any]:
    """Student, person, class (school, grade, number) and the fields that registry has; class after class.

    `of_form`: the sealed form, where a field is of the form.
    """
    own = [_COLUMN[field.key].label(f"f_{field.key}") for field in fields if field.origin == "record"]
    form = of_the_form(fields)
    return (
        sa.select(_s.id, _s.person_id, _s.school.label("of_school"), _k.grade.label("of_grade"))
        .add_columns(_k.class_no.label("of_class"), *own, *([profiles.c.form.label("of_form")] if form else []))
        .select_from(FROM.outerjoin(profiles, profiles.c.id == _s.id) if form else FROM)
        .where(where)
        .order_by(_s.school, _k.grade, _k.class_no, _s.id)
    )


def of_the_form(fields: Sequence[ExportField]) -> bool:
    return any(field.origin == "form" for field in fields)
