"""What of a list an account sees, as SQL: the table of acts says how far it reaches (clause 3.1)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Reach, subtree_pattern


def within(
    reach: Reach,
    *,
    school: sa.ColumnElement[str],
    authority: sa.ColumnElement[str],
    grade: sa.ColumnElement[int],
    class_no: sa.ColumnElement[int],
) -> sa.ColumnElement[bool]:
    """The condition for rows of pupils. `authority`: the supervising authority of the row's school."""
    whole = of_schools(reach, school=school, authority=authority)
    if reach.classes_of is None:
        return whole
    return sa.or_(whole, sa.and_(school == reach.classes_of, in_classes(grade, class_no, reach.classes)))


def of_schools(
    reach: Reach, *, school: sa.ColumnElement[str], authority: sa.ColumnElement[Any]
) -> sa.ColumnElement[bool]:
    """The same for rows of schools and authorities, which belong to no class."""
    if reach.everything:
        return sa.true()
    ways: list[sa.ColumnElement[bool]] = []
    if reach.subtree is not None:
        ways.append(authority.like(subtree_pattern(reach.subtree)))
    if reach.supervised is not None:
        ways.append(authority == reach.supervised)
    if reach.school is not None:
        ways.append(school == reach.school)
    return sa.or_(*ways) if ways else sa.false()


def in_classes(
    grade: sa.ColumnElement[int], class_no: sa.ColumnElement[int], classes: tuple[str, ...]
) -> sa.ColumnElement[bool]:
    """`classes`: `"1"` for a whole grade, `"1-03"` for one class (`shared_contracts.actors.Actor`)."""
    one_class = sa.cast(grade, sa.Text) + "-" + sa.func.lpad(sa.cast(class_no, sa.Text), 2, "0")
    return sa.or_(sa.cast(grade, sa.Text).in_(classes), one_class.in_(classes))
