"""Places under their plans' locks: whoever gives a child a place comes through here (clauses 4.3, 5.2)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

import msgspec
from regulation import school_calendar
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit.ids import derived
from shared_contracts.actors import Actor, Role
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.enrolment.admission import policy, store
from registry.enrolment.admission.store import New
from registry.enrolment.plans import store as plans
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts


class Seats(msgspec.Struct, frozen=True, kw_only=True):
    """A school whose plan is locked. `free`: None without a plan."""

    school: SchoolFacts
    free: int | None


@clause("4.3")
async def hold(work: RegistryWork, codes: Iterable[str], school_year: int, stage: Stage) -> dict[str, Seats]:
    """Schools with their places, locked in the order of their codes until the end of the transaction. A school that is
    closed has none and is not in it."""
    facts = {code: await organisations.school(work.tx, code) for code in sorted(set(codes))}
    open_ = {code: school for code, school in facts.items() if school is not None}
    for school in open_.values():
        await organisations.hold(work.tx, school)
    found: dict[str, Seats] = {}
    for code, school in open_.items():
        plan = await plans.hold(work.tx, code, school_year, stage)
        found[code] = Seats(school=school, free=None if plan is None else await plans.free(work.tx, plan))
    return found


def first_day(work: RegistryWork, division: str, school_year: int) -> date:
    """Of the autumn term."""
    return school_calendar.calendar(work.deps.policy.book, division, school_year).autumn_first


def report_to(work: RegistryWork, division: str, school_year: int) -> date:
    """The day by which a child reports who is admitted today."""
    grace = work.deps.policy.parameters(division, work.today).postponement_ask_days
    return policy.report_by(first_day(work, division, school_year), work.today, grace)


def admission_id(child: str, command: str) -> str:
    """One act, one admission: a repeat names the same."""
    return derived("admission", child, command)


async def admit(work: RegistryWork, new: Sequence[New]) -> set[str]:
    """Make the admissions and tell their schools. Returns the children who have a place now and had none."""
    made = await store.put(work.tx, new)
    for school in sorted({one.school for one in new if one.child_id in made}):
        count = sum(1 for one in new if one.school == school and one.child_id in made)
        work.emit(
            WorkWaiting(
                organisation=school,
                role=Role.REGISTRAR,
                kind="children_admitted",
                title="有新生安排到本校",
                detail="有{count}名新生安排到本校就读。请打印、发放入学通知书，开学时登记报到。",
                link=f"/v1/admissions?school={school}",
                count=count,
                due_on=min(one.report_to for one in new if one.school == school),
            ),
            school,
        )
    return made


def new(
    work: RegistryWork,
    *,
    child_id: str,
    person_id: str,
    county: str,
    school: SchoolFacts,
    school_year: int,
    stage: Stage,
    way: str,
    actor: Actor,
    act: str,
    street: str = "",
    reason: str = "",
) -> New:
    """`act`: the command or run that admits."""
    return New(
        id=admission_id(child_id, act),
        child_id=child_id,
        person_id=person_id,
        county=county,
        school=school.code,
        authority=school.authority,
        school_year=school_year,
        stage=stage.value,
        way=way,
        street=street,
        reason=reason,
        decided_by=actor.name,
        account=actor.account,
        admitted_on=work.today,
        report_to=report_to(work, school.division, school_year),
    )
