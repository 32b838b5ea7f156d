"""CONFIRM: accepted rows become registrations, a chunk at a time. Claims first, then one transaction of our own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Any

import msgspec
from regulation.parameters import Parameters
from regulation.school_year import Stage
from shared_contracts.actors import system
from shared_contracts.decisions import Decision, Finding, Outcome, Refused
from shared_contracts.discreet import Discreet
from shared_contracts.identity import Claim, Claimed, ClaimPersons
from shared_contracts.registry import Approved, RegistrationsClosed, RegistrationState, RosterState, RowState

from registry.context import RegistryWork
from registry.desk import Desk, command_id
from registry.enrolment import grounds
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration import completion, gate, intake
from registry.registration.intake import Admission
from registry.registration.policy import decide, waiting
from registry.registration.situation import Enrolment, PersonFacts, RegistrationFacts, lapsed, registration_year
from registry.registration.summary import of_roster
from registry.rosters import access, findings, returning, store
from registry.rosters.checking import CHUNK, registration_id
from registry.rosters.store import Roster

_home = msgspec.json.Decoder(gate.Home).decode
_members = msgspec.json.Decoder(tuple[tuple[int, str], ...]).decode
_findings = msgspec.json.Decoder(tuple[Finding, ...]).decode

Away = dict[int, tuple[RowState, tuple[Finding, ...]]]
"""Rows that are not admitted after all, and why."""


class _Row(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """An accepted row, with what the rules say today. `facts` and `decision` decide again: days have passed."""

    record: Any
    facts: RegistrationFacts
    decision: Decision

    @property
    def row(self) -> int:
        number: int = self.record["row"]
        return number


@dataclass(frozen=True, slots=True)
class Rules:
    """What is the same for all rows of a roster. `awaited`: grades in which the school awaits children of other provinces."""

    school: SchoolFacts
    today: date
    parameters: Parameters
    enrolment: dict[Stage, Enrolment]
    awaited: frozenset[int]


@dataclass(frozen=True, slots=True)
class _Chunk:
    """The next accepted rows. `last`: there are no more behind them. `refused`: by today's rules; `claims`: what
    identity says of the others."""

    records: Sequence[Any]
    last: bool
    wanted: list[_Row]
    refused: Away
    claims: dict[int, Claimed]


async def confirm(desk: Desk, roster: Roster) -> None:
    """From `confirming` to `in_approval`. While a chunk is written, identity claims the persons of the next.

    A claim that is not followed by our write (a kill, a lost lease) is made again, with the same command id, by whoever
    goes on.
    """
    async with desk.db.transaction() as tx:
        school = await organisations.school(tx, roster.school)
        if school is not None:
            entrance = await gate.of_school(tx, school, registration_year(_day(roster)))
    if school is None:
        await _without_school(desk, roster)
        return
    rules = Rules(
        school=school,
        today=_day(roster),
        parameters=desk.deps.policy.parameters(school.division, _day(roster)),
        enrolment=entrance.enrolment,
        awaited=entrance.awaited,
    )
    chunk = await _next(desk, roster, rules, roster.cursor)
    while chunk.records:
        desk.go_on()
        if chunk.last:
            roster = await _chunk(desk, roster, rules, chunk)
            break
        ahead = asyncio.create_task(_next(desk, roster, rules, chunk.records[-1]["row"]))
        try:
            roster = await _chunk(desk, roster, rules, chunk)
            chunk = await ahead
        finally:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)
    await _end(desk, roster, school)


async def _without_school(desk: Desk, roster: Roster) -> None:
    while True:
        desk.go_on()
        async with desk.db.transaction() as tx:
            records = await store.waiting_rows(tx, roster.id, roster.cursor, CHUNK)
        if not records:
            break
        gone = findings.turned_down("学校已撤销，不能建籍")
        away: Away = {r["row"]: (RowState.REFUSED, (*_findings(r["findings"]), gone)) for r in records}
        async with desk.unit() as work:
            roster = await _write(work, desk, roster, records, away)
    await _end(desk, roster, None)


async def _next(desk: Desk, roster: Roster, rules: Rules, after: int) -> _Chunk:
    """The rows behind `after`, decided again and claimed. Writes nothing of ours."""
    async with desk.db.transaction() as tx:
        found = await store.waiting_rows(tx, roster.id, after, CHUNK + 1)  # one more tells whether there are more
    records, last = found[:CHUNK], len(found) <= CHUNK
    rows = [_row(record, rules) for record in records]
    refused = {row.row: _refused(row) for row in rows if row.decision.refused}
    wanted = [row for row in rows if row.row not in refused]
    return _Chunk(records, last, wanted, refused, await _claim(desk, roster, wanted, after))


async def _chunk(desk: Desk, roster: Roster, rules: Rules, chunk: _Chunk) -> Roster:
    """A chunk becomes registrations in one transaction: looked at before anything is locked, then written."""
    async with desk.unit() as work:
        return await _admit(work, desk, roster, rules, chunk)


async def _admit(work: RegistryWork, desk: Desk, roster: Roster, rules: Rules, chunk: _Chunk) -> Roster:
    """Who of a chunk is admitted. Whoever was claimed and is refused all the same is let go of again."""
    away, claims = dict(chunk.refused), chunk.claims
    names = await access.names_of(work.tx, {c.holder.school for c in claims.values() if c.holder is not None})
    asked = {row.row: _asked(desk, row, claims[row.row]) for row in chunk.wanted}
    people = await gate.of_people(work.tx, rules.school, registration_year(rules.today), asked)
    admissions: list[Admission] = []
    released: list[Approved] = []
    rows = {row.row: _with_person(row, people[row.row]) for row in chunk.wanted}
    for row in rows.values():
        claimed = claims[row.row]
        finished = people[row.row].finished is not None
        if row.decision.refused and (claimed.person_id is not None or finished):
            away[row.row] = _refused(row)
            if claimed.person_id is not None:
                released.append(Approved(registration_id=claimed.registration_id, person_id=claimed.person_id))
        elif claimed.person_id is not None:
            admissions.append(_admission(roster, row, claimed, claimed.person_id))
        elif claimed.holder is not None:
            state, why = findings.held(claimed.holder, roster.school, names)
            away[row.row] = (state, (*_findings(row.record["findings"]), *why))
        else:
            away[row.row] = (RowState.REFUSED, (*_findings(row.record["findings"]), *claimed.findings))
    return await _write(
        work,
        desk,
        roster,
        chunk.records,
        away,
        school=rules.school,
        admissions=admissions,
        released=released,
        rows=rows,
    )


def _row(record: Any, rules: Rules) -> _Row:
    facts = RegistrationFacts(
        school=rules.school,
        birth_date=record["birth_date"],
        document_kind=record["document_kind"],
        overseas=record["overseas"],
        grade=record["grade"],
        placement=record["placement"],
        disability=record["disability"],
        enrolled_month=record["enrolled_month"],
        today=rules.today,
        school_year=registration_year(rules.today),
        parameters=rules.parameters,
        enrolment=rules.enrolment,
    )
    return _Row(record=record, facts=facts, decision=decide(waiting(facts, rules.awaited)))


def _with_person(row: _Row, person: PersonFacts, *, place: bool = True) -> _Row:
    facts = msgspec.structs.replace(row.facts, person=person, place=place)
    return _Row(record=row.record, facts=facts, decision=decide(facts))


def _asked(desk: Desk, row: _Row, claimed: Claimed) -> grounds.Person:
    """Where the child lives stands in the form, which is read where it counts: of new pupils."""
    home = gate.Home()
    if row.facts.kind == "new":
        context = intake.form_context(claimed.registration_id)
        home = _home(desk.deps.cipher.open_bytes(row.record["form"], context))
    known = claimed.person_id or (claimed.holder.person_id if claimed.holder else None)
    return gate.asked(row.facts, home, known)


def _day(roster: Roster) -> date:
    assert roster.business_day is not None
    return roster.business_day


def _refused(row: _Row) -> tuple[RowState, tuple[Finding, ...]]:
    """Refused today, though not on the day of the check."""
    told = {finding.code: finding for finding in _findings(row.record["findings"])}
    told |= {finding.code: finding for finding in row.decision.findings if finding.outcome is not Outcome.PASS}
    return RowState.REFUSED, tuple(told.values())


async def _claim(desk: Desk, roster: Roster, rows: Sequence[_Row], after: int) -> dict[int, Claimed]:
    if not rows:
        return {}
    claims = tuple(Claim(row=row.row, registration_id=registration_id(roster.id, row.row)) for row in rows)
    reply = await desk.ask(
        ClaimPersons(
            command_id=command_id("roster.claim", roster.id, after, claims),
            actor=system("registry"),
            intake_id=roster.id,
            school=roster.school,
            claims=claims,
        )
    )
    if isinstance(reply, Refused):
        why = (findings.turned_down(reply.detail),)
        return {c.row: Claimed(row=c.row, registration_id=c.registration_id, findings=why) for c in claims}
    return {claimed.row: claimed for claimed in reply.claims}


def _admission(roster: Roster, row: _Row, claimed: Claimed, person_id: str) -> Admission:
    record = row.record
    return Admission(
        registration_id=claimed.registration_id,
        roster_id=roster.id,
        row=row.row,
        person_id=person_id,
        masked_document=claimed.masked_document,
        masked_members=_members(record["masked_members"]),
        name=record["name"],
        sex=record["sex"],
        birth_date=record["birth_date"],
        document_kind=record["document_kind"],
        overseas=record["overseas"],
        disability=record["disability"],
        grade=record["grade"],
        class_no=record["class_no"],
        placement=record["placement"],
        enrolled_month=record["enrolled_month"],
        kind=row.facts.kind,
        form_blob=None,  # the server copies it from the row (`store.admitted`)
        decision=row.decision,
        entered_by=roster.confirmed_account or roster.created_account,
        admission_id=None if row.facts.person is None else row.facts.person.admission_id,
        arrival=None if row.facts.arrival is None else row.facts.arrival.case_id,
    )


async def _write(
    work: RegistryWork,
    desk: Desk,
    roster: Roster,
    records: Sequence[Any],
    away: Away,
    *,
    school: SchoolFacts | None = None,
    admissions: Sequence[Admission] = (),
    released: Sequence[Approved] = (),
    rows: Mapping[int, _Row] = MappingProxyType({}),
) -> Roster:
    """Registrations, rows and progress: all of the chunk or nothing. The first rows get the places that are left."""
    if school is not None:
        fitting, beyond = await intake.seat(work, school, admissions)
        away = away | {a.row: _without_place(rows[a.row]) for a in beyond if a.row is not None}
        let_go = (*released, *(Approved(registration_id=a.registration_id, person_id=a.person_id) for a in beyond))
        if let_go:
            closed = RegistrationsClosed(school=school.code, closed=let_go, reason="withdrawn")
            work.emit(closed, roster.id)
        admissions = fitting
        await intake.admit(work, school, admissions, held=True)
    await store.admitted(work.tx, roster.id, {a.row: a.registration_id for a in admissions if a.row is not None})
    await store.turned_away(work.tx, roster.id, away)
    was = {record["row"]: record["state"] for record in records}
    return await store.stage(
        work.tx,
        roster,
        desk.owner,
        cursor=records[-1]["row"],
        done=roster.done + len(records),
        **_counts(roster, away, was),
    )


def _without_place(row: _Row) -> tuple[RowState, tuple[Finding, ...]]:
    person = lapsed(row.facts.person or PersonFacts())
    return _refused(_with_person(row, person, place=False))


def _counts(roster: Roster, away: Away, was: dict[int, str]) -> dict[str, Any]:
    counts = Counter({state.value: getattr(roster, state.value) for state in RowState})
    refusals = Counter(roster.refusals)
    for row, (state, found) in away.items():
        counts[was[row]] -= 1
        counts[state.value] += 1
        if state is RowState.REFUSED:
            refusals.update({finding.code for finding in found if finding.outcome is Outcome.REFUSE})
    return {**{state.value: counts[state.value] for state in RowState}, "refusals": dict(refusals)}


async def _end(desk: Desk, roster: Roster, school: SchoolFacts | None) -> None:
    files = await returning.refused_rows(desk, roster)
    async with desk.unit() as work:
        await store.stage(
            work.tx, roster, desk.owner, seen=True, state=RosterState.IN_APPROVAL, files=files, cleanup=True
        )
        waiting = (await of_roster(work.tx, roster.id)).steps.get(RegistrationState.ENTERED, 0)
        if school is not None and waiting:
            await intake.announce(work, school, roster.id, waiting, roster.id)
        await completion.confirmed(work, roster.id)  # where nobody was left to admit, it is complete already
