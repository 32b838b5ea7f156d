"""The steps of clause 15.1 as a kind of case, and what a case's standing means for a registration."""

from __future__ import annotations

import functools

from casework.kinds import ENTRANT, CaseKind, StepKind
from regulation.authorisation import deciders
from regulation.mark import clause
from shared_contracts.registry import RegistrationState, Step

PARTIES = ("school", "authority")
DECIDE = "registry.decide_registration"
"""Its steps are rows of the table of acts, which says who decides each."""


@clause("15.1", "13.2")
@functools.cache
def chain(days: int) -> CaseKind:
    """Who decides what, in which order; `days`: working days for an approval (parameter, clause 13.2).

    The registrar enters and records the guardian's signature, and decides nothing; class teacher and principal are
    two pairs of eyes. The guardian's signature has no clock: nobody of the school can hurry it.
    """
    return CaseKind(
        name="registration",
        title="建籍",
        clause="15.1",
        entrant_party="school",
        entrant_roles=deciders("registry.correct_registration"),
        steps=(
            StepKind(
                name=Step.CLASS_TEACHER,
                title="班主任审核",
                party="school",
                roles=deciders(f"{DECIDE}/{Step.CLASS_TEACHER}"),
                days=days,
                distinct_from=(ENTRANT,),
            ),
            StepKind(
                name=Step.PRINCIPAL,
                title="学籍主管校长审核",
                party="school",
                roles=deciders(f"{DECIDE}/{Step.PRINCIPAL}"),
                days=days,
                distinct_from=(ENTRANT, Step.CLASS_TEACHER),
            ),
            StepKind(
                name=Step.GUARDIAN,
                title="监护人确认签字",
                party="school",
                roles=deciders(f"{DECIDE}/{Step.GUARDIAN}"),
                decisions=("approve", "return"),
            ),
            StepKind(
                name=Step.SCHOOL,
                title="学校审核",
                party="school",
                roles=deciders(f"{DECIDE}/{Step.SCHOOL}"),
                days=days,
                distinct_from=(ENTRANT,),
            ),
            StepKind(
                name=Step.AUTHORITY,
                title="学籍主管部门审核",
                party="authority",
                roles=deciders(f"{DECIDE}/{Step.AUTHORITY}"),
                days=days,
                distinct_from=(ENTRANT,),
            ),
        ),
    )


_WAITING: dict[str, RegistrationState] = {
    Step.CLASS_TEACHER: RegistrationState.ENTERED,
    Step.PRINCIPAL: RegistrationState.CLASS_TEACHER_CHECKED,
    Step.GUARDIAN: RegistrationState.PRINCIPAL_CHECKED,
    Step.SCHOOL: RegistrationState.GUARDIAN_CONFIRMED,
    Step.AUTHORITY: RegistrationState.SCHOOL_APPROVED,
}

_OTHERWISE: dict[str, RegistrationState] = {
    "returned": RegistrationState.RETURNED,
    "rejected": RegistrationState.REJECTED,
    "withdrawn": RegistrationState.WITHDRAWN,
    "approved": RegistrationState.AUTHORITY_APPROVED,
}

STATE_TITLES: dict[RegistrationState, str] = {
    RegistrationState.ENTERED: "待班主任审核",
    RegistrationState.CLASS_TEACHER_CHECKED: "待学籍主管校长审核",
    RegistrationState.PRINCIPAL_CHECKED: "待监护人确认签字",
    RegistrationState.GUARDIAN_CONFIRMED: "待学校审核",
    RegistrationState.SCHOOL_APPROVED: "待学籍主管部门审核",
    RegistrationState.AUTHORITY_APPROVED: "已核准，待生成学籍号",
    RegistrationState.REGISTERED: "已建籍",
    RegistrationState.RETURNED: "已退回补正",
    RegistrationState.REJECTED: "已否决",
    RegistrationState.WITHDRAWN: "已撤回",
}


def state_of(status: str, step: str | None, registered: bool) -> RegistrationState:
    """A registration's state, from its case and whether its record exists."""
    if registered:
        return RegistrationState.REGISTERED
    return _WAITING[step or ""] if status == "open" else _OTHERWISE[status]


def meaning(state: RegistrationState) -> tuple[str, str | None, bool | None]:
    """The inverse, for queries: (status, step or None for any, whether the record exists or None for either)."""
    for step, waiting in _WAITING.items():
        if waiting is state:
            return "open", str(step), None
    if state is RegistrationState.REGISTERED:
        return "approved", None, True
    status = next(status for status, other in _OTHERWISE.items() if other is state)
    return status, None, False if status == "approved" else None
