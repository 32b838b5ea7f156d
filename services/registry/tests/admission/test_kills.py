"""SIGKILL at every place that matters: afterwards another worker finishes the list, or the placement, as if nothing had
been. Nothing twice, nothing lost, no school one over."""

from __future__ import annotations

from pathlib import Path

import pytest
from admission_world import OFFICER, OTHER_SCHOOL, SCHOOL, AdmissionWorld
from kit_deadly import named, until_killed
from registry.enrolment.admission import placing
from registry.enrolment.children import importing
from service_kit.files import FileMissing
from service_kit.ids import new_id
from shared_contracts.admission import (
    ConfirmChildrenImport,
    GetChildrenImport,
    GetPlacementRun,
    StartPlacement,
)
from shared_contracts.waiting import WorkWaiting

pytestmark = [pytest.mark.integration, pytest.mark.clause("5.2")]
VICTIM = Path(__file__).parent / "support" / "admission_victim.py"
LISTS = "registry.enrolment.children"
CHECK = [
    (f"{LISTS}.importing:_rows", "before", 1),
    ("registry.rosters.child:Child.answer", "before", 1),
    (f"{LISTS}.importing:_know", "before", 2),
    (f"{LISTS}.importing:_know", "after", 2),
    (f"{LISTS}.imports:put_rows", "after", 2),
    (f"{LISTS}.imports:stage", "before", 3),
    (f"{LISTS}.imports:stage", "after", 3),
]
TAKE = [
    (f"{LISTS}.imports:to_take", "after", 1),
    (f"{LISTS}.importing:_know", "after", 1),
    (f"{LISTS}.importing:_know", "after", 3),
    (f"{LISTS}.store:put", "after", 2),
    (f"{LISTS}.imports:taken", "after", 2),
    (f"{LISTS}.imports:stage", "before", 3),
    ("service_kit.files:FileStore.delete", "after", 1),
    (f"{LISTS}.imports:stage", "after", 4),
]
PLACE = [
    ("registry.enrolment.admission.placing:place_batch", "before", 2),
    ("registry.enrolment.admission.seats:hold", "after", 2),
    ("registry.enrolment.admission.store:put", "after", 1),
    ("registry.enrolment.admission.store:put", "after", 3),
    ("registry.enrolment.children.store:set_state", "after", 4),
    ("registry.enrolment.admission.runs:moved", "after", 2),
    ("registry.enrolment.admission.placing:place_batch", "after", 3),
    ("registry.enrolment.admission.runs:done", "before", 1),
    ("registry.enrolment.admission.runs:done", "after", 1),
]


async def kill(world: AdmissionWorld, which: str, place: tuple[str, str, int]) -> None:
    await until_killed(VICTIM, which, *place, env=world.env)
    for table in ("children_imports", "placement_runs"):
        await world.sql(f"UPDATE {table} SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "CHUNK", 3)
    monkeypatch.setattr(placing, "BATCH", 3)


@pytest.mark.parametrize(("stage", "place"), [*(("check", p) for p in CHECK), *(("take", p) for p in TAKE)],
                         ids=lambda value: value if isinstance(value, str) else named(value))  # fmt: skip
async def test_a_list_is_finished_by_another(world, people, small, stage, place):
    rows = [world.child() for _ in range(10)]
    rows[4]["监护人电话"] = "1"
    opened = await world.upload(rows)
    if stage == "check":
        await kill(world, "lists", place)
    await world.work()
    looked = await world.ask(GetChildrenImport(actor=OFFICER, import_id=opened.id))
    assert (looked.state, looked.rows, looked.accepted, looked.refused, looked.taken) == ("checked", 10, 9, 1, 0)
    assert [e.kind for e in await world.events(WorkWaiting)] == ["children_list_checked"]
    assert await world.children() == []
    await world.do(ConfirmChildrenImport(command_id=world.id(), actor=OFFICER, import_id=opened.id))
    if stage == "take":
        await kill(world, "lists", place)
    await world.work()
    done = await world.ask(GetChildrenImport(actor=OFFICER, import_id=opened.id))
    assert (done.state, done.rows, done.accepted, done.taken, done.refused, done.known) == ("done", 10, 9, 9, 1, 0)
    assert len(await world.children()) == 9
    assert len(await world.sql("SELECT DISTINCT person_id FROM children")) == 9
    (kept,) = await world.sql("SELECT file->>'id' AS id FROM children_imports")
    with pytest.raises(FileMissing):
        await world.deps.files.read(kept["id"])


@pytest.mark.parametrize("place", PLACE, ids=named)
async def test_a_placement_is_finished_by_another(world, people, small, place):
    await world.plan(SCHOOL, 4)
    await world.zones((SCHOOL, ["中央大街"]), (OTHER_SCHOOL, ["友谊路"]))
    streets = ["中央大街"] * 6 + ["友谊路"] * 3 + ["无名街"]
    await world.listed([world.child(户籍地址=street) for street in streets])
    run = await world.do(StartPlacement(command_id=world.id(), actor=OFFICER, run_id=new_id()))
    await kill(world, "placements", place)
    await world.placing()
    done = await world.ask(GetPlacementRun(actor=OFFICER, run_id=run.id))
    assert (done.state, done.waiting, done.placed, done.by_hand) == ("done", 10, 7, 3)
    rows = await world.sql("SELECT school, count(*) AS n FROM admissions GROUP BY school ORDER BY school")
    assert [(r["school"], r["n"]) for r in rows] == [(SCHOOL.code, 4), (OTHER_SCHOOL.code, 3)]
    children = await world.children()
    assert sorted(c.state for c in children) == ["placed"] * 7 + ["waiting"] * 3
    assert {c.id for c in children if c.state == "placed"} == {
        r["child_id"] for r in await world.sql("SELECT child_id FROM admissions")
    }
    events = [e for e in await world.events(WorkWaiting) if e.kind == "children_admitted"]
    assert sum(e.count for e in events) == 7
    assert len([e for e in await world.events(WorkWaiting) if e.kind == "placement_done"]) == 1
