"""Who sees which registrations and students: own school, own classes, or the schools under one's authority (3.1).

Whoever may not see one is told that it is not there. Deciding is narrower still: that is for `casework.rules`.
"""

from __future__ import annotations

import sqlalchemy as sa
from regulation.divisions import chain
from regulation.mark import clause
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused

WHOLE_SCHOOL = (Role.REGISTRAR, Role.PRINCIPAL)
AUTHORITY = (Role.AUTHORITY_OFFICER, Role.LEADER)

NOT_FOUND = "没有这条建籍信息，或者它不属于您管理的范围。"


@clause("3.1")
def may_see(actor: Actor, school: str, authority: str, grade: int | None, class_no: int | None) -> bool:
    """`authority`: the school's supervising one; those above it see the school too."""
    if actor.has(*AUTHORITY) and actor.organisation in chain(authority):
        return True
    if actor.organisation != school:
        return False
    if actor.has(*WHOLE_SCHOOL):
        return True
    return (
        actor.has(Role.CLASS_TEACHER) and grade is not None and class_no is not None and actor.teaches(grade, class_no)
    )


def only_visible(
    actor: Actor,
    school: sa.ColumnElement[str],
    authority: sa.ColumnElement[str],
    grade: sa.ColumnElement[int],
    class_no: sa.ColumnElement[int],
) -> sa.ColumnElement[bool] | Refused:
    """The same as `may_see` for a query; a refusal for accounts that see no pupil at all."""
    ways: list[sa.ColumnElement[bool]] = []
    if actor.has(*AUTHORITY):
        ways.append(authority.like(_subtree(actor.organisation)))
    if actor.has(*WHOLE_SCHOOL):
        ways.append(school == actor.organisation)
    elif actor.has(Role.CLASS_TEACHER):
        one_class = sa.cast(grade, sa.Text) + "-" + sa.func.lpad(sa.cast(class_no, sa.Text), 2, "0")
        own = sa.or_(sa.cast(grade, sa.Text).in_(actor.classes), one_class.in_(actor.classes))
        ways.append(sa.and_(school == actor.organisation, own))
    if not ways:
        return refused("forbidden", "您的角色不能查看学生信息。需要查看的，请联系账号管理员。")
    return sa.or_(*ways)


def _subtree(organisation: str) -> str:
    """A pattern for the codes of an authority and of those below it: 230100 -> 2301%."""
    for zeros in ("0000", "00"):
        if organisation.endswith(zeros):
            return organisation.removesuffix(zeros) + "%"
    return organisation
