"""CHECK, the dry run: each row is judged, pupils wait in identity, nothing is registered. Resumes after the last chunk."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import msgspec
from regulation.school_year import Stage
from service_kit.ids import derived_in_line
from shared_contracts.actors import system
from shared_contracts.decisions import Finding, Outcome, Refused
from shared_contracts.identity import Staged, StagePersons
from shared_contracts.registry import RosterChecked, RosterState, RowState
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.desk import Desk, command_id
from registry.enrolment import grounds
from registry.form.entry import Entry
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration import gate
from registry.registration.intake import foreseen, form_context
from registry.registration.policy import refusals
from registry.registration.situation import PersonFacts, registration_year
from registry.rosters import access, findings, frames, returning, store
from registry.rosters.child import child
from registry.rosters.frames import CheckedRow, CheckOrder, Chunk, Opened, Unreadable
from registry.rosters.handlers import KEPT
from registry.rosters.rows import facts_of
from registry.rosters.sheets import class_title
from registry.rosters.store import Roster

CHUNK = 500

Judged = tuple[RowState, tuple[Finding, ...], Staged | None]


async def check(desk: Desk, roster: Roster) -> None:
    """From `uploaded` or `checking` to `checked`, or to `failed` where the file cannot be read."""
    async with desk.unit() as work:
        if roster.state is RosterState.UPLOADED:
            begun = {"state": RosterState.CHECKING, "business_day": work.today}
            roster = await store.stage(work.tx, roster, desk.owner, seen=True, **begun)
        school = await organisations.school(work.tx, roster.school)
        if school is not None:
            order, places = await _order(work.tx, desk, roster, school)
    if school is None:
        await fail(desk, roster, "学校已撤销或不存在，名册不能处理。请联系主管教育行政部门。")
        return
    async with _replies(desk, roster, order) as replies:
        async for reply in replies:
            if isinstance(reply, Unreadable):
                await fail(desk, roster, reply.message)
                return
            if isinstance(reply, Opened):
                roster = await _opened(desk, roster, reply)
            else:
                desk.go_on()
                roster = await _chunk(desk, roster, order, places, reply.rows)
    await _end(desk, roster, school)


async def _order(
    tx: AsyncConnection, desk: Desk, roster: Roster, school: SchoolFacts
) -> tuple[CheckOrder, dict[Stage, int]]:
    """What the child is told, and the places that are left for the rows behind the cursor, by stage."""
    assert roster.business_day is not None
    year = registration_year(roster.business_day)
    entrance = await gate.of_school(tx, school, year)
    places = entrance.places
    if roster.cursor:
        for grade, rows in await store.places_wanted(tx, roster.id):
            if (stage := school.stage_of(grade)) is not None:
                places[stage] -= rows
    order = CheckOrder(
        school=school,
        today=roster.business_day,
        school_year=year,
        parameters=desk.deps.policy.parameters(school.division, roster.business_day),
        enrolment=entrance.enrolment,
        awaited=entrance.awaited,
        chunk=CHUNK,
        after_row=roster.cursor,
    )
    return order, places


@contextlib.asynccontextmanager
async def _replies(
    desk: Desk, roster: Roster, order: CheckOrder
) -> AsyncIterator[AsyncIterator[Opened | Unreadable | Chunk]]:
    """What the child says about the file. It reads ahead while a chunk is being written, as far as the pipe holds."""
    content = await desk.deps.files.read(roster.file.id)

    async def replies() -> AsyncIterator[Opened | Unreadable | Chunk]:
        await process.send(frames.encode(order))
        await process.send(content)
        process.close()
        while (frame := await process.receive()) is not None:
            yield frames.decode_check_reply(frame)

    async with child("check") as process:
        yield replies()


async def _opened(desk: Desk, roster: Roster, opened: Opened) -> Roster:
    async with desk.unit() as work:
        return await store.stage(work.tx, roster, desk.owner, total=opened.rows, notes=opened.notes)


async def _chunk(
    desk: Desk, roster: Roster, order: CheckOrder, places: dict[Stage, int], rows: Sequence[CheckedRow]
) -> Roster:
    """One chunk: identity first (it may be told twice), then rows and progress in one transaction."""
    staged = await _stage(desk, roster, rows)
    async with desk.unit() as work:
        names = await access.names_of(work.tx, _schools(staged))
        people = await gate.of_people(work.tx, order.school, order.school_year, _asked(order, rows, staged))
        judged = {row.row: _judge(row, staged, roster.school, names) for row in rows}
        left = dict(places)
        wanting = _admit(order, rows, people, judged, left)
        await store.put_rows(work.tx, [_values(desk, roster, row, judged[row.row], row.row in wanting) for row in rows])
        roster = await store.stage(work.tx, roster, desk.owner, **_counts(roster, judged), cursor=rows[-1].row)
    places.update(left)
    return roster


def _asked(
    order: CheckOrder, rows: Sequence[CheckedRow], staged: Mapping[int, Staged] | Refused
) -> dict[int, grounds.Person]:
    """The rows about which the gate has to be asked, with the person whom identity knows by the document."""
    if isinstance(staged, Refused):
        return {}
    return {
        row.row: gate.asked(facts_of(row.entry, order), gate.Home.of(row.entry.form), staged[row.row].person_id)
        for row in rows
        if row.entry is not None
    }


def _admit(
    order: CheckOrder,
    rows: Sequence[CheckedRow],
    people: Mapping[int, PersonFacts],
    judged: dict[int, Judged],
    left: dict[Stage, int],
) -> set[int]:
    """What the rules say once the person is known, in the order of the rows: the first ones get the places.

    Returns the rows that take one; `judged` and `left` are brought up to date. A finding on the person goes before what
    identity says of the record that he has: who has finished the stage is refused, whoever keeps his record.
    """
    wanting: set[int] = set()
    for row in rows:
        person = people.get(row.row)
        if row.entry is None or person is None:
            continue
        state, _, staged = judged[row.row]
        facts = facts_of(row.entry, order)
        if state in store.ACCEPTED or person.finished is not None:
            stage = facts.stage
            takes = facts.kind == "new" and person.admission_id is None and person.arrival is None
            place = not takes or (stage is not None and left[stage] > 0)
            more = refusals(msgspec.structs.replace(facts, place=place, person=person))
            if more:
                judged[row.row] = RowState.REFUSED, (*row.findings, *more), staged
            elif takes and stage is not None and state in store.ACCEPTED:
                left[stage] -= 1
                wanting.add(row.row)
    return wanting


async def _stage(desk: Desk, roster: Roster, rows: Sequence[CheckedRow]) -> dict[int, Staged] | Refused:
    entries = tuple(row.entry.person(row.row) for row in rows if row.entry is not None)
    if not entries:
        return {}
    reply = await desk.ask(
        StagePersons(
            command_id=command_id("roster.stage", roster.id, roster.cursor, entries),
            actor=system("registry"),
            intake_id=roster.id,
            school=roster.school,
            rows=entries,
            expires_at=roster.created_at + KEPT,
        )
    )
    return reply if isinstance(reply, Refused) else {one.row: one for one in reply.rows}


def _schools(staged: Mapping[int, Staged] | Refused) -> set[str]:
    if isinstance(staged, Refused):
        return set()
    holders = {one.holder.school for one in staged.values() if one.holder is not None}
    return holders | {other.school for one in staged.values() for other in one.likely if other.school}


def _judge(row: CheckedRow, staged: Mapping[int, Staged] | Refused, school: str, names: Mapping[str, str]) -> Judged:
    if row.entry is None:
        return RowState.REFUSED, row.findings, None
    if isinstance(staged, Refused):
        return RowState.REFUSED, (*row.findings, findings.turned_down(staged.detail)), None
    person = staged[row.row]
    found = (*row.findings, *person.findings)
    if any(finding.outcome is Outcome.REFUSE for finding in person.findings):
        return RowState.REFUSED, found, person
    if person.holder is not None:
        state, held = findings.held(person.holder, school, names)
        return state, (*found, *held), person
    found = (*found, *findings.alike(person.likely, names))
    return findings.state_of(found), found, person


def _values(desk: Desk, roster: Roster, row: CheckedRow, judged: Judged, takes_place: bool) -> dict[str, Any]:
    state, found, person = judged
    entry = row.entry if state in store.ACCEPTED else None
    return {
        "roster_id": roster.id,
        "row": row.row,
        "state": state.value,
        "name": row.name,
        "masked_document": row.masked_document if person is None else person.masked_document,
        "masked_members": person.masked_members if entry and person else (),
        "findings": found,
        "takes_place": takes_place,
        **_of_entry(desk, roster.id, row.row, entry),
    }


_OF_ENTRY = ("sex", "birth_date", "document_kind", "overseas", "disability", "placement", "grade", "class_no",
             "enrolled_month")  # fmt: skip


def _of_entry(desk: Desk, roster_id: str, row: int, entry: Entry | None) -> dict[str, Any]:
    if entry is None:
        return {**dict.fromkeys(_OF_ENTRY), "form": None}
    form = desk.deps.cipher.seal_bytes(msgspec.json.encode(entry.form), form_context(registration_id(roster_id, row)))
    return {**{name: getattr(entry, name) for name in _OF_ENTRY}, "form": form}


def registration_id(roster_id: str, row: int) -> str:
    """The registration that a row becomes: known before it exists, so that a repeat names the same.

    A roster's registrations lie side by side in every index that has their ids.
    """
    return derived_in_line(row, "registration", roster_id)


def _counts(roster: Roster, judged: Mapping[int, Judged]) -> dict[str, Any]:
    states = Counter(state for state, _, _ in judged.values())
    refusals = Counter(roster.refusals)
    for state, found, _ in judged.values():
        if state is RowState.REFUSED:
            refusals.update({finding.code for finding in found if finding.outcome is Outcome.REFUSE})
    return {
        "done": roster.done + len(judged),
        "rows": roster.rows + len(judged),
        **{state.value: getattr(roster, state.value) + states[state] for state in RowState},
        "refusals": dict(refusals),
    }


async def _end(desk: Desk, roster: Roster, school: SchoolFacts) -> None:
    files = await returning.refused_rows(desk, roster)
    async with desk.unit() as work:
        coming = await store.classes_of(work.tx, roster.id)
        assert roster.business_day is not None
        new, notes = await foreseen(work, school, coming, roster.business_day)
        await store.stage(
            work.tx,
            roster,
            desk.owner,
            seen=True,
            state=RosterState.CHECKED,
            files=files,
            # What the school does not have yet: a slip in a class number shows here.
            new_classes=[class_title(klass.grade, klass.class_no) for klass in new],
            notes=(*roster.notes, *notes),
        )
        work.emit(_told(roster), roster.id)


async def fail(desk: Desk, roster: Roster, problem: str) -> None:
    """The file as a whole cannot be taken. What had been written of it goes."""
    async with desk.unit() as work:
        await store.forget_rows(work.tx, roster.id)
        nothing = dict.fromkeys(("rows", "valid", "warned", "refused", "already_here", "total", "done"), 0)
        await store.stage(
            work.tx,
            roster,
            desk.owner,
            seen=True,
            state=RosterState.FAILED,
            problem=problem,
            refusals={},
            cleanup=True,
            **nothing,
        )
        failed = msgspec.structs.replace(roster, **nothing, problem=problem)
        work.emit(_told(failed), roster.id)


def _told(roster: Roster) -> RosterChecked:
    return RosterChecked(
        roster_id=roster.id,
        school=roster.school,
        file_name=roster.file_name,
        totals=roster.totals,
        problem=roster.problem,
    )
