"""The steps of applications as kinds of cases (clauses 6, 7, 9): who decides what, in which order."""

from __future__ import annotations

import functools
from typing import Any

from casework.kinds import CaseKind, StepKind
from regulation.authorisation import deciders
from regulation.mark import clause

DECIDE = "registry.decide_application"
TITLES = {"deferral": "延缓入学", "migrant": "随迁子女就学", "international": "国际学生就读"}
_OPENED_BY = {
    "deferral": "registry.apply_for_deferral",
    "migrant": "registry.apply_as_migrant",
    "international": "registry.apply_internationally",
}
_CLAUSES = {"deferral": "6", "migrant": "7", "international": "9"}
_SCHOOL_TITLES = {"deferral": "学校受理", "international": "学校同意"}
_AUTHORITY_TITLES = {
    "deferral": "县级教育行政部门批准",
    "migrant": "县级教育行政部门安排学校",
    "international": "主管教育行政部门同意",
}


@clause("6", "7", "9")
@functools.cache
def chain(kind: str, days: int) -> CaseKind:
    """A school receives or agrees first, where the clause has one; the authority decides. A refused application ends:
    the family applies anew with what was missing."""
    whole: dict[str, Any] = {"decisions": ("approve", "reject"), "days": days}
    authority = StepKind(
        name="authority",
        title=_AUTHORITY_TITLES[kind],
        party="authority",
        roles=deciders(f"{DECIDE}/authority"),
        **whole,
    )
    steps: tuple[StepKind, ...] = (authority,)
    if kind in _SCHOOL_TITLES:
        school = StepKind(
            name="school", title=_SCHOOL_TITLES[kind], party="school", roles=deciders(f"{DECIDE}/school"), **whole
        )
        steps = (school, authority)
    return CaseKind(
        name=kind,
        title=TITLES[kind],
        clause=_CLAUSES[kind],
        steps=steps,
        entrant_party="authority" if kind == "migrant" else "school",
        entrant_roles=deciders(_OPENED_BY[kind]),
    )
