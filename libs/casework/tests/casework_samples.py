"""Two kinds of case that between them use all there is: a registration and a transfer with four parties."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from casework.kinds import ENTRANT, CaseKind, StepKind
from regulation.calendar import Calendar
from shared_contracts.actors import Actor, Role

ZONE = ZoneInfo("Asia/Shanghai")


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def actor(role: Role, organisation: str, account: str | None = None) -> Actor:
    return Actor(account=account or f"{organisation}.{role}", name="某人", organisation=organisation, roles=(role,))


REGISTRATION = CaseKind(
    name="registration",
    title="建籍",
    clause="15.1",
    entrant_party="school",
    entrant_roles=(Role.REGISTRAR,),
    steps=(
        StepKind(
            name="class_teacher",
            title="班主任审核",
            party="school",
            roles=(Role.CLASS_TEACHER,),
            days=10,
            distinct_from=(ENTRANT,),
        ),
        StepKind(
            name="principal",
            title="学籍主管校长审核",
            party="school",
            roles=(Role.PRINCIPAL,),
            days=10,
            distinct_from=(ENTRANT, "class_teacher"),
        ),
        StepKind(
            name="guardian",
            title="监护人确认签字",
            party="school",
            roles=(Role.REGISTRAR,),
            decisions=("approve", "return"),
        ),
        StepKind(
            name="authority",
            title="学籍主管部门审核",
            party="authority",
            roles=(Role.AUTHORITY_OFFICER,),
            days=10,
            distinct_from=(ENTRANT,),
        ),
    ),
)

TRANSFER = CaseKind(
    name="transfer",
    title="转学",
    clause="24.5.1",
    entrant_party="to_school",
    entrant_roles=(Role.REGISTRAR,),
    return_to="same",
    steps=(
        StepKind(name="to_school", title="转入学校审核", party="to_school", roles=(Role.PRINCIPAL,), days=5),
        StepKind(
            name="to_authority",
            title="转入学校主管部门审核",
            party="to_authority",
            roles=(Role.AUTHORITY_OFFICER,),
            days=10,
            may_override=True,
            may_reroute=("to_school",),
        ),
        StepKind(name="from_school", title="转出学校审核", party="from_school", roles=(Role.PRINCIPAL,), days=5),
        StepKind(
            name="from_authority",
            title="转出学校主管部门审核",
            party="from_authority",
            roles=(Role.AUTHORITY_OFFICER, Role.LEADER),
            days=10,
            distinct_from=("to_authority",),
        ),
    ),
)

CALENDAR = Calendar()
