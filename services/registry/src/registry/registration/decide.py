"""Deciding a step, for one registration or for all of a roster that wait for it (clauses 13.2, 15.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from casework.kinds import CaseKind
from casework.rules import may_decide
from casework.state import Standing, deciding_role
from casework.store import Doing, decide_cases
from regulation.authorisation import Target, may
from regulation.mark import clause
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
from registry.holds import arrivals
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration import access, completion, queries, steps, store
from registry.registration.chain import STATE_TITLES, chain, state_of
from registry.registration.store import Alike, Waiting
from registry.worklist.changes import registrations_changed

EVENT_CHUNK = 500
"""Registrations of one event at most."""


@clause("13.2", "15.1")
async def decide_roster(work: RegistryWork, command: DecideRoster) -> DecisionDone | Refused:
    """A constant number of statements, whatever the roster's size. What the actor may not decide is skipped."""
    one = await store.any_of_roster(work.tx, command.roster_id)
    if one is None or not _concerns(command.actor, one):
        return refused("not_found", "没有这个名册的建籍信息，或者它不属于您管理的范围。")
    school = await open_school(work, one.school)
    if isinstance(school, Refused):
        return school
    act = _Act(work, school, command)
    waiting = await store.lock_waiting(work.tx, command.roster_id, command.step)
    if not waiting:
        now = await store.open_of_roster(work.tx, command.roster_id) or one  # as it stands after our lock
        against = act.against(now)
        if against:
            return steps.refusal(against)
        return refused("conflict", "现在没有等待这个环节的建籍信息。请刷新后再办理。")
    allowed = [alike for alike in waiting if not act.against(alike.first)]
    if not allowed:
        return steps.refusal(finding for alike in waiting for finding in act.against(alike.first))
    state = await _carry_out(work, act, allowed)
    moved, all_ = (sum(len(alike.ids) for alike in some) for some in (allowed, waiting))
    return DecisionDone(moved=moved, state=state, skipped=all_ - moved)


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
    await _carry_out(work, act, [Alike.only(registration)])
    return await queries.view(work, registration.id)


def sees(actor: Actor, registration: Waiting, act: str = access.SEE) -> bool:
    """Whether the account may do this to it at all; whose turn it is, is for `casework.rules`."""
    return not access.against(
        actor,
        act,
        school=registration.school,
        authority=registration.authority,
        grade=registration.grade,
        class_no=registration.class_no,
    )


def changed_meanwhile(registration: Waiting) -> Refused:
    """409 with the present state, for whoever acted on an older one."""
    standing = registration.standing
    state = STATE_TITLES[state_of(standing.status, standing.step, registration.registered)]
    detail = f"该建籍信息已被更改，当前状态：{state}（版本{registration.version}）。请刷新后再办理。"
    return refused("conflict", detail)


class _Act:
    """One decision, on one registration or on many."""

    def __init__(self, work: RegistryWork, school: SchoolFacts, command: DecideRoster | DecideRegistration) -> None:
        self.school = school
        self.actor = command.actor
        self.step, self.decision = command.step, command.decision
        self.reason, self.signed_on = command.reason, command.signed_on
        self.today, self.now = work.today, work.now
        self.kind: CaseKind = chain(work.deps.policy.parameters(school.division, work.today).approval_working_days)

    def against(self, registration: Waiting) -> tuple[Finding, ...]:
        if foreign := steps.own_class(self.step, self.actor, registration.grade, registration.class_no):
            return (foreign,)  # whatever else is wrong with it
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
        unsigned = steps.guardian_signed(self.step, self.decision, registration.printed_on, self.signed_on, self.today)
        return (unsigned,) if unsigned else ()

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


async def _carry_out(work: RegistryWork, act: _Act, allowed: Sequence[Alike]) -> RegistrationState:
    cases = [(registration_id, alike.first.standing) for alike in allowed for registration_id in alike.ids]
    after = await decide_cases(await driver(work.tx), act.kind, cases, act.doing(), calendar=work.deps.calendar)
    state = state_of(after[0].status, after[0].step, registered=False)
    if state is RegistrationState.REJECTED:
        await _close(work, allowed, "rejected")
    if state is RegistrationState.AUTHORITY_APPROVED:
        _approved(work, act.school, allowed)
        await completion.approvals_done(work, [allowed[0].first.roster_id])
    _tell(work, act, allowed, after[0], state)
    await registrations_changed(work, [_key(allowed)])
    return state


async def close(work: RegistryWork, registration: Waiting, reason: Literal["rejected", "withdrawn"]) -> None:
    """It ends without a record: identity lets go of the person, its roster has less on the way."""
    await _close(work, [Alike.only(registration)], reason)


async def _close(work: RegistryWork, ended: Sequence[Alike], reason: Literal["rejected", "withdrawn"]) -> None:
    named = _named(ended)
    await arrivals.expect_again(work, await store.close(work.tx, [one.registration_id for one in named]))
    for chunk in _chunks(named):
        work.emit(RegistrationsClosed(school=ended[0].first.school, closed=chunk, reason=reason), _key(ended))
    await completion.arrive(work, [alike.first.roster_id for alike in ended for _ in alike.ids])
    await completion.approvals_done(work, [ended[0].first.roster_id])


def _approved(work: RegistryWork, school: SchoolFacts, approved: Sequence[Alike]) -> None:
    roster_id = approved[0].first.roster_id
    for chunk in _chunks(_named(approved)):
        event = RegistrationsApproved(school=school.code, roster_id=roster_id, approved=chunk)
        work.emit(event, _key(approved))


def _tell(
    work: RegistryWork,
    act: _Act,
    decided: Sequence[Alike],
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
            authority=decided[0].first.authority,
            roster_id=decided[0].first.roster_id,
            state=state,
            waits_for=waits_for,
            role=role,
            count=sum(len(alike.ids) for alike in decided),
            reason=act.reason,
        ),
        _key(decided),
    )


def _concerns(actor: Actor, one: Waiting) -> bool:
    """Whether a roster is the actor's business: the classes of a class teacher are looked at row by row."""
    return may(actor, "registry.roster", Target(school=one.school, authority=one.authority))


async def open_school(work: RegistryWork, code: str) -> SchoolFacts | Refused:
    school = await organisations.school(work.tx, code)
    if school is None:
        return refused("conflict", "学校已撤销，不能继续办理。请联系主管教育行政部门。")
    return school


def _named(decided: Sequence[Alike]) -> tuple[Approved, ...]:
    return tuple(
        Approved(registration_id=registration_id, person_id=person_id)
        for alike in decided
        for registration_id, person_id in zip(alike.ids, alike.people, strict=True)
    )


def _chunks(named: tuple[Approved, ...]) -> list[tuple[Approved, ...]]:
    return [named[i : i + EVENT_CHUNK] for i in range(0, len(named), EVENT_CHUNK)]


def _key(decided: Sequence[Alike]) -> str:
    """All that are decided at once are of one roster, or it is one."""
    return decided[0].first.roster_id or decided[0].first.id
