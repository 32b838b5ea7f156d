"""Schools and their authorities: who is registrar, since when, trained by whom (clause 43)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Literal

import msgspec
from regulation.authorisation import Target, check, reach
from regulation.divisions import PROVINCE
from regulation.findings import decide
from regulation.mark import clause
from service_kit import organisations, paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role
from shared_contracts.appointments import (
    AppointmentPage,
    AppointmentsChanged,
    AppointmentView,
    AppointRegistrar,
    EndAppointment,
    GetRegistrarOverview,
    ListAppointments,
)
from shared_contracts.decisions import Decision, Finding, Outcome, Refused, refused
from shared_contracts.messages import Command, Query, word

from access.accounts import store as accounts
from access.accounts.store import Account
from access.appointments import overview, policy, store
from access.appointments.policy import Appointing, Former, Person
from access.appointments.store import Appointment
from access.context import AccessWork
from access.sessions import store as sessions

NO_SCHOOL = "没有这所学校，或者它不属于您管理的范围。"
NO_APPOINTMENT = "没有这项任用，或者它不属于您管理的范围。"
CHANGED = "更换为新的学籍管理员"


@clause("43")
async def appoint_registrar(work: AccessWork, command: AppointRegistrar) -> AppointmentView | Refused:
    school = await organisations.find(work.tx, command.school)
    authority = school.authority if school else None
    target = Target(school=command.school, authority=authority)
    if no := check(command.actor, word(command), target, missing=NO_SCHOOL):
        return no
    if school is None:
        return refused("not_found", NO_SCHOOL)
    await store.lock_school(work.tx, school.code)
    account = await accounts.find(work.tx, command.username)
    present = await store.of_school(work.tx, school.code, work.today)
    former = await store.find(work.tx, command.replaces) if command.replaces is not None else None
    parameters = work.deps.policy.parameters(school.division, work.today)
    facts = Appointing(
        school=school.code,
        school_closed=school.closed,
        username=command.username,
        person=_person(account),
        training=command.training,
        school_year=command.school_year,
        begins_on=command.begins_on,
        today=work.today,
        year_start=parameters.school_year_start,
        twice=any(a.username == command.username and a.school_year == command.school_year for a in present),
        replaces=command.replaces,
        former=_former(former, work.today) if former else None,
    )
    decision = decide(policy.appointing(facts), policy_version=parameters.version)
    if no := _against(decision, command, authority):
        return no
    assert account is not None
    reason = command.override_reason.strip() if decision.needs_override else ""
    made = Appointment(
        id=command.appointment_id,
        username=account.username,
        name=account.name,
        school=school.code,
        school_year=command.school_year,
        training=command.training,
        begins_on=command.begins_on,
        ends_on=policy.last_day(command.school_year, parameters.school_year_start),
        appointed_by=command.actor.account,
        appointed_at=work.now,
        replaces=former.id if former else None,
        override_reason=reason,
        school_name=school.name,
        authority=authority,
    )
    if former is not None and command.begins_on <= former.ends_on:  # else it ends with its school year
        on = max(command.begins_on, former.begins_on)  # one that has not begun has then been in force on no day
        await _end(work, former, on, CHANGED, reason, command.actor.account)
    if await store.add(work.tx, [made]) == 0:
        return refused("conflict", "这项任用已经登记过。请刷新后查看。")
    await sessions.rights_changed(work.tx, made.username, work.now)
    _tell(work, made, "replaced" if former else "appointed")
    return view(made)


@clause("43")
async def end_appointment(work: AccessWork, command: EndAppointment) -> AppointmentView | Refused:
    found = await store.find(work.tx, command.appointment_id)
    target = Target(school=found.school, authority=found.authority) if found else Target()
    if no := check(command.actor, word(command), target, missing=NO_APPOINTMENT):
        return no
    if found is None:
        return refused("not_found", NO_APPOINTMENT)
    reason = command.reason.strip()
    if not reason or len(reason) > policy.LONGEST_REASON:
        return refused("invalid", f"请填写终止任用的原因，不超过{policy.LONGEST_REASON}个字。")
    await store.lock_school(work.tx, found.school)
    found = await store.find(work.tx, command.appointment_id)  # as it is under the lock
    assert found is not None
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    decision = decide(
        policy.ending(_former(found, work.today), work.today, parameters.school_year_start),
        policy_version=parameters.version,
    )
    if no := _against(decision, command, found.authority):
        return no
    override = command.override_reason.strip() if decision.needs_override else ""
    on = max(work.today, found.begins_on)
    await _end(work, found, on, reason, override, command.actor.account)
    ended = msgspec.structs.replace(found, ended_on=on, end_reason=reason)
    _tell(work, ended, "ended")
    return view(ended)


@clause("43")
async def list_appointments(work: AccessWork, query: ListAppointments) -> AppointmentPage | Refused:
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    after = paging.decode(query.cursor, str, date, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    rows = await store.page(
        work.tx,
        may,
        school=query.school,
        school_year=query.school_year,
        holding=work.today if query.in_force else None,
        after=after,
        limit=limit + 1,
    )
    kept, cursor = paging.page(rows, limit, lambda a: (a.school, a.begins_on.isoformat(), a.id))
    return AppointmentPage(items=tuple(map(view, kept)), next_cursor=cursor)


# ---- what they share ------------------------------------------------------------------------------------------------


def _person(account: Account | None) -> Person | None:
    if account is None:
        return None
    return Person(
        organisation=account.organisation, registrar=Role.REGISTRAR in account.roles, sealed=account.seal is not None
    )


def _former(one: Appointment, today: date) -> Former:
    over = one.ends_on < today or one.ended_on is not None
    return Former(
        username=one.username, school=one.school, school_year=one.school_year, begins_on=one.begins_on, over=over
    )


def _against(decision: Decision, command: AppointRegistrar | EndAppointment, authority: str | None) -> Refused | None:
    if decision.refused:
        return _no(decision.of(Outcome.REFUSE))
    stands = policy.overridden(decision, command.actor, authority, command.override_reason)
    return _no((stands,)) if stands else None


def _no(findings: Iterable[Finding]) -> Refused:
    found = tuple(findings)
    return refused("refused", f"{found[0].message}。{found[0].cure}。", *found)


async def _end(work: AccessWork, one: Appointment, on: date, reason: str, override: str, by: str) -> None:
    await store.end(work.tx, one.id, on=on, reason=reason, override_reason=override, by=by, now=work.now)
    await sessions.rights_changed(work.tx, one.username, work.now)


def _tell(work: AccessWork, one: Appointment, change: Literal["appointed", "replaced", "ended"]) -> None:
    """基本信息报主管部门: the authority hears of every change."""
    event = AppointmentsChanged(
        school=one.school,
        school_name=one.school_name,
        authority=one.authority or "",
        username=one.username,
        name=one.name,
        change=change,
    )
    work.emit(event, one.school)


def view(one: Appointment) -> AppointmentView:
    kept = {name: getattr(one, name) for name in AppointmentView.__struct_fields__}
    return AppointmentView(**kept)


COMMANDS: dict[type[Command], CommandHandler] = {
    AppointRegistrar: appoint_registrar,
    EndAppointment: end_appointment,
}
QUERIES: dict[type[Query], QueryHandler] = {
    ListAppointments: list_appointments,
    GetRegistrarOverview: overview.registrar_overview,
}
