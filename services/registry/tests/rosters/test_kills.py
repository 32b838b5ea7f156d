"""SIGKILL at every place that matters: afterwards another worker finishes the roster as if nothing had been."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from enrolment_rows import enrol
from kit_deadly import until_killed
from roster_desk import REGISTRAR, SCHOOL, RosterDesk, StandIn
from roster_victim_places import PLACES, TAKING, Place
from service_kit.files import FileMissing
from service_kit.ids import new_id
from shared_contracts.registry import PrintSheets, RowState

pytestmark = [pytest.mark.integration]
Make = Callable[..., bytes]
Class = Callable[[int], list[dict[str, Any]]]
VICTIM = Path(__file__).parent / "support" / "roster_victim.py"


async def kill(desk: RosterDesk, place: Place) -> None:
    """Run a worker until it is dead, then let its lease run out."""
    await until_killed(VICTIM, place.target, place.when, place.nth, env=desk.env)
    await desk.do("UPDATE rosters SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


async def finished(desk: RosterDesk, identity: StandIn, roster_id: str) -> None:
    """Ten rows, one of them refused: nine registrations, each the holder of its person; nothing twice, nothing left."""
    view = await desk.view(roster_id)
    totals = view.totals
    assert (totals.rows, totals.valid, totals.warned, totals.refused, totals.already_here) == (10, 9, 0, 1, 0)
    assert (view.progress.done, view.progress.total) == (9, 9)
    registrations = await desk.all('SELECT id, "row", person_id FROM registrations ORDER BY "row"')
    rows = await desk.rows(roster_id)
    accepted = {n: row.registration_id for n, row in rows.items() if row.state is RowState.VALID}
    assert accepted == {r["row"]: r["id"] for r in registrations}
    assert len(rows) == 10
    holders = {h.registration_id: h.person_id for h in identity.holders.values()}
    assert holders == {r["id"]: r["person_id"] for r in registrations}
    assert len(await desk.all("SELECT 1 FROM cases")) == 9
    assert len(await desk.all("SELECT 1 FROM profiles")) == 9
    assert (await desk.one("SELECT on_the_way FROM roster_counts"))["on_the_way"] == 9
    assert len(await desk.events("roster_checked")) == 1
    assert [e["count"] for e in await desk.events("step_reached")] == [9]
    (file,) = [f for f in view.files if f.kind == "refused_rows"]
    assert await desk.deps.files.read(file.file.id)
    row = await desk.one("SELECT file FROM rosters WHERE id = :id", id=roster_id)
    with pytest.raises(FileMissing):
        await desk.deps.files.read(row["file"]["id"])
    assert identity.rooms == {}


@pytest.mark.parametrize("place", PLACES, ids=str)
async def test_killed_and_finished_by_another(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, small_chunks: None, place: Place
) -> None:
    pupils = class_of(10)
    pupils[4]["sex"] = "未知"
    roster_id = await desk.upload(workbook(pupils))
    if place.stage == "check":
        await kill(desk, place)
    await desk.work(roster_id, "checked")
    await desk.confirm(roster_id)
    if place.stage == "confirm":
        await kill(desk, place)
    await desk.work(roster_id, "in_approval")
    await finished(desk, identity, roster_id)
    if place.stage != "print":
        return
    await desk.do("UPDATE cases SET step = 'guardian'")
    await desk.send(PrintSheets(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id))
    await kill(desk, place)
    async with desk.working():
        while (await desk.view(roster_id)).sheets_state != "ready":
            await asyncio.sleep(0.03)
    view = await desk.view(roster_id)
    assert [f.label for f in view.files if f.kind == "confirmation_sheets"] == ["一年级1班，9名学生"]
    assert await desk.all("SELECT 1 FROM registrations WHERE sheet_printed_at IS NULL") == []


@pytest.mark.clause("4.3")
@pytest.mark.parametrize("late", [False, True], ids=["before-the-check", "after-it"])
@pytest.mark.parametrize("place", TAKING, ids=str)
async def test_killed_with_fewer_places_than_rows(
    desk: RosterDesk, workbook: Make, class_of: Class, small_chunks: None, place: Place, late: bool
) -> None:
    """Ten rows, five places, whenever the plan has become so small: the first five, no more and no fewer."""
    if late and place.stage == "check":
        return
    if not late:
        await only(desk, 5)
    roster_id = await desk.upload(workbook(class_of(10)))
    if place.stage == "check":
        await kill(desk, place)
    await desk.work(roster_id, "checked")
    if late:
        await only(desk, 5)
    await desk.confirm(roster_id)
    if place.stage == "confirm" and (late or place.target.endswith((":admit", ":_write"))):
        await kill(desk, place)
    view = await desk.work(roster_id, "in_approval")
    assert (view.totals.valid, view.totals.refused) == (5, 5)
    rows = await desk.rows(roster_id)
    admitted = [number for number, row in rows.items() if row.state is RowState.VALID]
    assert admitted == sorted(rows)[:5]
    made = await desk.all('SELECT "row" FROM registrations ORDER BY "row"')
    assert [row["row"] for row in made] == admitted
    refused = [[f.code for f in row.findings if f.outcome == "refuse"] for row in rows.values() if row.state != "valid"]
    assert refused == [["plan.full"]] * 5


async def only(desk: RosterDesk, places: int) -> None:
    async with desk.kit.db.transaction() as tx:
        await enrol(tx, SCHOOL, places=places)
