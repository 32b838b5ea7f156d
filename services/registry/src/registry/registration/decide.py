"""Deciding a step, for one registration or for all of a roster that wait for it (clauses 13.2, 15.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from casework.kinds import CaseKind
from casework.rules import may_decide
from casework.state import Standing, deciding_role
from casework.store import Doing, decide_cases
from regulation.mark import clause
from regulation.parameters import Parameters
from service_kit.database import driver
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.registry import (
    Approved,
    DecideRegistration,
    DecideRoster,
    DecisionDone,
    RegistrationsApproved,
    RegistrationsClosed,
    RegistrationState,
    RegistrationView,
    Step,
    StepReached,
)

from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration import access, completion, queries, steps, store
from registry.registration.chain import STATE_TITLES, chain, state_of
from registry.registration.store import Waiting

EVENT_CHUNK = 500
"""Registrations of one event at most."""


@clause("13.2", "15.1")
async def decide_roster(work: RegistryWork, command: DecideRoster) -> DecisionDone | Refused:
    """A constant number of statements, whatever the roster's size. What the actor may not decide is skipped."""
    one = await store.one_of_roster(work.tx, command.roster_id)
    if one is None or not _concerns(command.actor, one):
        return refused("not_found", "没有这个名册的建籍信息，或者它不属于您管理的范围。")
    school = await open_school(work, one.school)
    if isinstance(school, Refused):
        return school
    act = _Act(work, school, command)
    waiting = await store.lock_waiting(work.tx, command.roster_id, command.step)
    if not waiting:
        now = await store.one_of_roster(work.tx, command.roster_id) or one  # as it stands after our lock
        against = act.against(now)
        if against:
            return steps.refusal(against)
        return refused("conflict", "现在没有等待这个环节的建籍信息。请刷新后再办理。")
    allowed = [registration for registration in waiting if not act.against(registration)]
    if not allowed:
        return steps.refusal(finding for registration in waiting for finding in act.against(registration))
    state = await _carry_out(work, act, allowed)
    return DecisionDone(moved=len(allowed), state=state, skipped=len(waiting) - len(allowed))


@clause("13.2", "15.1")
async def decide_registration(work: RegistryWork, command: DecideRegistration) -> RegistrationView | Refused:
    """One registration, by the same rules and the same statements as a roster's."""
    registration = await store.lock(work.tx, command.registration_id)
    if registration is None or not sees(command.actor, registration):
        return refused("not_found", access.NOT_FOUND)
    if command.version is not None and command.version != registration.version:
        return changed_meanwhile(registration)
    school = await open_school(work, registration.school)
    if isinstance(school, Refused):
        return school
    act = _Act(work, school, command)
    if against := act.against(registration):
        return steps.refusal(against)
    await _carry_out(work, act, [registration])
    return await queries.view(work, registration.id)


def sees(actor: Actor, registration: Waiting) -> bool:
    return access.may_see(actor, registration.school, registration.authority, registration.grade, registration.class_no)


def changed_meanwhile(registration: Waiting) -> Refused:
    """409 with the present state, for whoever acted on an older one."""
    standing = registration.standing
    state = STATE_TITLES[state_of(standing.status, standing.step, registration.registered)]
    detail = f"该建籍信息已被更改，当前状态：{state}（版本{registration.version}）。请刷新后再办理。"
    return refused("conflict", detail)


class _Act:
    """One decision on many registrations; what stands against it is worked out once for registrations alike."""

    def __init__(self, work: RegistryWork, school: SchoolFacts, command: DecideRoster | DecideRegistration) -> None:
        self.school = school
        self.actor = command.actor
        self.step, self.decision = command.step, command.decision
        self.reason, self.signed_on = command.reason, command.signed_on
        self.today, self.now = work.today, work.now
        self.kind: CaseKind = chain(Parameters.for_(school.division, work.today).approval_working_days)
        self._known: dict[tuple[object, ...], tuple[Finding, ...]] = {}

    def against(self, registration: Waiting) -> tuple[Finding, ...]:
        standing = registration.standing
        key = (
            standing.status,
            standing.step,
            standing.deciders,
            registration.entered_by,
            registration.authority,
            registration.grade,
            registration.class_no,
            registration.printed_on,
        )
        if key not in self._known:
            self._known[key] = self._findings(registration)
        return self._known[key]

    def _findings(self, registration: Waiting) -> tuple[Finding, ...]:
        found = may_decide(
            self.kind,
            registration.standing,
            self.step,
            self.actor,
            parties=registration.parties,
            decision=self.decision,
            reason=self.reason,
            entered_by=registration.entered_by,
        )
        if found:
            return found
        more = (
            steps.own_class(self.step, self.actor, registration.grade, registration.class_no),
            steps.guardian_signed(self.step, self.decision, registration.printed_on, self.signed_on, self.today),
        )
        return tuple(finding for finding in more if finding is not None)

    def doing(self) -> Doing:
        role = deciding_role(self.kind.step(self.step), self.actor.roles)
        signed = self.step is Step.GUARDIAN and self.decision == "approve" and self.signed_on is not None
        return Doing(
            act=self.decision,
            actor=self.actor,
            role=role or "",
            at=self.now,
            reason=self.reason,
            details={"signed_on": str(self.signed_on)} if signed else {},
        )


async def _carry_out(work: RegistryWork, act: _Act, registrations: Sequence[Waiting]) -> RegistrationState:
    cases = [(registration.id, registration.standing) for registration in registrations]
    after = await decide_cases(await driver(work.tx), act.kind, cases, act.doing(), calendar=work.deps.calendar)
    state = state_of(after[0].status, after[0].step, registered=False)
    if state is RegistrationState.REJECTED:
        await close(work, registrations, "rejected")
    if state is RegistrationState.AUTHORITY_APPROVED:
        _approved(work, act.school, registrations)
        await completion.approvals_done(work, [registration.roster_id for registration in registrations])
    _tell(work, act, registrations, after[0], state)
    return state


async def close(work: RegistryWork, registrations: Sequence[Waiting], reason: Literal["rejected", "withdrawn"]) -> None:
    """They end without a record: identity lets go of the persons, rosters have less on the way."""
    await store.close(work.tx, [registration.id for registration in registrations])
    for chunk in _chunks(registrations):
        work.emit(RegistrationsClosed(school=chunk[0].school, closed=_named(chunk), reason=reason), _key(chunk))
    rosters = [registration.roster_id for registration in registrations]
    await completion.arrive(work, rosters)
    await completion.approvals_done(work, rosters)


def _approved(work: RegistryWork, school: SchoolFacts, registrations: Sequence[Waiting]) -> None:
    for chunk in _chunks(registrations):
        event = RegistrationsApproved(school=school.code, roster_id=chunk[0].roster_id, approved=_named(chunk))
        work.emit(event, _key(chunk))


def _tell(
    work: RegistryWork,
    act: _Act,
    registrations: Sequence[Waiting],
    standing: Standing,
    state: RegistrationState,
) -> None:
    """Whoever has to act next; of a return, a rejection and an approval the registrar hears."""
    waits_for = Step(standing.step) if standing.status == "open" and standing.step else None
    role = act.kind.step(waits_for).roles[0] if waits_for else Role.REGISTRAR
    work.emit(
        StepReached(
            school=act.school.code,
            school_name=act.school.name,
            authority=registrations[0].authority,
            roster_id=registrations[0].roster_id,
            state=state,
            waits_for=waits_for,
            role=role,
            count=len(registrations),
            reason=act.reason,
        ),
        _key(registrations),
    )


def _concerns(actor: Actor, one: Waiting) -> bool:
    """Whether a roster is the actor's business: the classes of a class teacher are looked at row by row."""
    if actor.organisation == one.school and actor.has(Role.CLASS_TEACHER):
        return True
    return sees(actor, one)


async def open_school(work: RegistryWork, code: str) -> SchoolFacts | Refused:
    school = await organisations.school(work.tx, code)
    if school is None:
        return refused("conflict", "学校已撤销，不能继续办理。请联系主管教育行政部门。")
    return school


def _chunks(registrations: Sequence[Waiting]) -> list[Sequence[Waiting]]:
    return [registrations[i : i + EVENT_CHUNK] for i in range(0, len(registrations), EVENT_CHUNK)]


def _named(registrations: Sequence[Waiting]) -> tuple[Approved, ...]:
    return tuple(Approved(registration_id=r.id, person_id=r.person_id) for r in registrations)


def _key(registrations: Sequence[Waiting]) -> str:
    return registrations[0].roster_id or registrations[0].id
