"""Who sees which registrations and students: the table of acts says it, here stands what it is asked about.

Whoever may not see one is told that it is not there. Deciding is narrower still: that is for `casework.rules`.
"""

from __future__ import annotations

from regulation.authorisation import Target, check
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused

NOT_FOUND = "没有这条建籍信息，或者它不属于您管理的范围。"
SEE = "registry.registration"


def against(
    actor: Actor,
    act: str,
    *,
    school: str,
    authority: str,
    grade: int | None,
    class_no: int | None,
    missing: str = NOT_FOUND,
) -> Refused | None:
    """What stands against an act on one pupil of a school (clauses 3.1, 45.3); None: nothing."""
    target = Target(school=school, authority=authority, grade=grade, class_no=class_no)
    return check(actor, act, target, missing=missing)
