"""Confirmation sheets of those who wait for their guardian's signature, one file a class; and the blank form."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import msgspec
from service_kit.database import driver
from service_kit.ids import derived
from shared_contracts.decisions import Refused
from shared_contracts.identity import RevealDocuments, Revealed
from shared_contracts.registry import RosterFile, Step
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.desk import Desk, command_id
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.registration import store as registrations
from registry.registration.intake import form_context
from registry.rosters import frames, store
from registry.rosters.child import Child, child
from registry.rosters.frames import Page, PrintOrder
from registry.rosters.sheets import MEDIA_TYPE, class_title
from registry.rosters.store import Roster

MOST = 64 * 1024**2
PURPOSE = "打印学生基本信息确认表，交监护人确认签字"

_WAITING = """
SELECT r.grade, r.class_no, count(*) AS n FROM registrations r JOIN cases c ON c.id = r.id
WHERE r.roster_id = $1 AND c.status = 'open' AND c.step = $2
GROUP BY 1, 2 ORDER BY 1, 2
"""
_OF_CLASS = """
SELECT r.id, r.person_id, p.form
FROM registrations r JOIN cases c ON c.id = r.id JOIN profiles p ON p.id = r.id
WHERE r.roster_id = $1 AND c.status = 'open' AND c.step = $2 AND r.grade = $3 AND r.class_no = $4
ORDER BY r."row"
"""


async def waiting(tx: AsyncConnection, roster_id: str) -> list[tuple[int, int, int]]:
    """Grade, class and number of those who wait for the guardian's signature."""
    rows = await (await driver(tx)).fetch(_WAITING, roster_id, Step.GUARDIAN.value)
    return [(row["grade"], row["class_no"], row["n"]) for row in rows]


async def print_sheets(desk: Desk, roster: Roster) -> None:
    """All classes of the roster. A printing that was broken off goes on with the classes it has not done."""
    async with desk.db.transaction() as tx:
        school = await organisations.school(tx, roster.school)
        classes = await waiting(tx, roster.id)
    async with child("sheets") as printer:
        for grade, class_no, _ in classes:
            if school is None or _file_id(roster, grade, class_no) in {file.file.id for file in roster.files}:
                continue
            desk.go_on()
            roster = await _class(desk, printer, roster, school, (grade, class_no))
    async with desk.unit() as work:
        await store.step_of_printing(work.tx, roster, desk.owner, seen=True, sheets_state="ready")


def _file_id(roster: Roster, grade: int, class_no: int) -> str:
    return derived("sheets", roster.sheets_job or "", grade, class_no)


async def _class(desk: Desk, printer: Child, roster: Roster, school: SchoolFacts, klass: tuple[int, int]) -> Roster:
    title = class_title(*klass)
    async with desk.db.transaction() as tx:
        rows = await (await driver(tx)).fetch(_OF_CLASS, roster.id, Step.GUARDIAN.value, *klass)
    if not rows:
        return roster
    documents = await _documents(desk, roster, rows)
    order = PrintOrder(
        school=school.name,
        class_title=title,
        printed_on=desk.clock.today(),
        pages=tuple(_page(desk, row, documents.get(row["person_id"])) for row in rows),
    )
    await printer.send(frames.encode(order))
    pdf = await printer.answer()
    name = f"学生基本信息确认表-{title}.pdf"
    file = await desk.deps.files.put(name, MEDIA_TYPE, pdf, MOST, file_id=_file_id(roster, *klass))
    former = [f for f in roster.files if f.kind == "confirmation_sheets" and f.label.startswith(f"{title}，")]
    for old in former:  # before it is forgotten: a sheet that nobody lists would be kept for ever
        await desk.deps.files.delete(old.file.id)
    new = RosterFile(kind="confirmation_sheets", name=name, file=file, label=f"{title}，{len(rows)}名学生")
    files = (*(f for f in roster.files if f not in former), new)
    async with desk.unit() as work:
        await registrations.mark_printed(work.tx, [row["id"] for row in rows], work.now)
        return await store.step_of_printing(work.tx, roster, desk.owner, files=files)


async def shown_in(tx: AsyncConnection, roster_id: str, file: RosterFile) -> tuple[str, ...]:
    """Registrations on the sheets of a file; the returned workbook shows rows that became none."""
    if file.kind != "confirmation_sheets":
        return ()
    connection = await driver(tx)
    classes = await connection.fetch(
        "SELECT DISTINCT grade, class_no FROM registrations WHERE roster_id = $1", roster_id
    )
    shown = [(c["grade"], c["class_no"]) for c in classes if file.label.startswith(f"{class_title(*c)}，")]
    rows = await connection.fetch(
        """SELECT r.id FROM registrations r JOIN unnest($2::int[], $3::int[]) AS k(grade, class_no) USING (grade, class_no)
           WHERE r.roster_id = $1 ORDER BY r.row""",
        roster_id,
        [grade for grade, _ in shown],
        [class_no for _, class_no in shown],
    )
    return tuple(row["id"] for row in rows)


async def _documents(desk: Desk, roster: Roster, rows: Sequence[Any]) -> dict[str, Revealed]:
    """Full document numbers, in the name of whoever asked for the sheets: identity records it (clause 45.1)."""
    assert roster.sheets_actor is not None
    person_ids = [row["person_id"] for row in rows]
    reply = await desk.ask(
        RevealDocuments(
            command_id=command_id("roster.sheets", f"{roster.id}:{roster.sheets_job}", 0, person_ids),
            actor=roster.sheets_actor,
            person_ids=tuple(person_ids),
            purpose=PURPOSE,
            record_ids=tuple(row["id"] for row in rows),
        )
    )
    if isinstance(reply, Refused):
        return {}  # the sheets then show no numbers, and guardian and registrar see that
    return {person.person_id: person for person in reply.persons}


def _page(desk: Desk, row: Any, person: Revealed | None) -> Page:
    form = msgspec.json.decode(desk.deps.cipher.open_bytes(row["form"], form_context(row["id"])), type=dict[str, str])
    documents = {}
    if person is not None:
        documents = {"document_number": person.document_number}
        documents |= {f"member{slot}_document_number": number for slot, number in person.members}
    return Page(registration_id=row["id"], form=form, documents=documents)


async def blank_form(school: SchoolFacts, today: date) -> bytes:
    """The form on paper (PDF), for families to fill in."""
    async with child("sheets") as printer:
        order = PrintOrder(school=school.name, class_title="", printed_on=today, pages=())
        await printer.send(frames.encode(order))
        return await printer.answer()
