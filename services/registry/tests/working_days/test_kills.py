"""Killed anywhere while last days are counted anew: what had come to its commit stays, the rest follows, nothing moves or is
told twice (24.6.4)."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from holidays_2027 import D, look, publish
from kit_deadly import let_go, until_killed
from registry.working_days import recounting
from registry_world import SCHOOL, ZONE, World
from shared_contracts.working_days import NoticeVersion

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.6.4")]
VICTIM = Path(__file__).parent / "support" / "last_days_victim.py"
BEGUN = datetime(2027, 1, 27, 10, tzinfo=ZONE)
EACH = 3
KINDS = ("duplicate", "finding", "archive_handover")


async def running(world: World) -> None:
    """Three of each kind with ten working days from the day, and registrations; the notice is out."""
    world.clock.moment = BEGUN
    await world.load(SCHOOL, places=100)
    for number in range(EACH):
        one = await world.one()
        await world.sql(
            """INSERT INTO inspection_findings (id, school, authority, kind, code, detail, records, source, raised_at, due_on,
                                                clock_from, clock_days)
               VALUES ($1, $2, $3, 'no_record', $1, '', 1, 'system', $4, '2027-02-10', '2027-01-27', 10)""",
            f"f{number}", SCHOOL.code, SCHOOL.authority, world.clock.now(),
        )  # fmt: skip
        await world.sql(
            """INSERT INTO duplicate_pairs (id, a, b, agreements, reasons, alike, source, found_at, due_on, clock_from,
                                            clock_days)
               VALUES ($1, $2, 'zz' || $1, '{}', '{}', 0, 'report', $3, '2027-02-10', '2027-01-27', 10)""",
            f"p{number}", one, world.clock.now(),
        )  # fmt: skip
        await world.sql(
            """INSERT INTO archive_handovers (id, from_school, to_school, left_on, due_on, clock_from, clock_days, opened_at,
                                             state)
               VALUES ($1, $2, 'other' || $1, '2027-01-27', '2027-02-10', '2027-01-27', 10, $3, 'to_hand_over')""",
            f"h{number}", SCHOOL.code, world.clock.now(),
        )  # fmt: skip
    await world.sql("DELETE FROM worklist_changes")
    assert isinstance(await publish(world), NoticeVersion)
    await look(world)


async def days(world: World) -> dict[str, Any]:
    rows = await world.sql(
        """SELECT id, due_on FROM cases UNION ALL SELECT id, due_on FROM inspection_findings
           UNION ALL SELECT id, due_on FROM duplicate_pairs UNION ALL SELECT id, due_on FROM archive_handovers"""
    )
    return {row["id"]: row["due_on"] for row in rows}


async def told(world: World) -> list[tuple[str, str]]:
    rows = await world.sql("SELECT kind, id FROM worklist_changes ORDER BY kind, id")
    return [(row["kind"], row["id"]) for row in rows]


@pytest.mark.parametrize(
    ("target", "nth"),
    [
        ("registry.working_days.recounting:recount", 1),
        ("registry.working_days.recounting:recount", EACH + 2),
        ("registry.working_days.recounting:move", 1),
        ("registry.working_days.recounting:move", 5),
        ("registry.working_days.recounting:move", 11),
        ("registry.working_days.recounting:batch", 4),
        ("registry.working_days.recounting:batch", 4 * EACH),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
async def test_killed_it_goes_on_where_it_was(world: World, target: str, nth: int, when: str) -> None:
    await running(world)
    await until_killed(VICTIM, target, when, nth, BEGUN.isoformat(), env=world.env)
    await let_go(world.sql)
    between = await days(world)
    assert set(between.values()) <= {D(2027, 2, 10), D(2027, 2, 16)}
    while True:
        async with world.db.unit(world.deps) as work:
            if not await recounting.batch(work):
                break
    after = await days(world)
    assert len(after) == 4 * EACH and set(after.values()) == {D(2027, 2, 16)}
    assert [one for one in await told(world) if one[0] in KINDS] == sorted(
        (kind, f"{kind[0].replace('d', 'p').replace('a', 'h')}{number}") for kind in KINDS for number in range(EACH)
    ), "each once"
    ((moved,),) = await world.sql("SELECT moved FROM recounts ORDER BY calendar DESC LIMIT 1")
    assert moved == 4 * EACH
    versions = await world.sql(
        "SELECT DISTINCT version FROM duplicate_pairs UNION SELECT version FROM inspection_findings"
    )
    assert len(versions) == 1, "one that has moved has moved once"


async def test_no_transaction_looks_at_more_than_a_batch(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    await running(world)
    looked: list[int] = []
    move, recount = recounting.move, recounting.recount

    async def counted(*args: Any) -> Any:
        found = await move(*args)
        looked[-1] += found.seen
        return found

    async def two(*args: Any, **more: Any) -> Any:
        looked.append(0)
        return await recount(*args, **more, batch=2)

    monkeypatch.setattr(recounting, "move", counted)
    monkeypatch.setattr(recounting, "recount", two)
    while True:
        async with world.db.unit(world.deps) as work:
            if not await recounting.batch(work):
                break
    assert sum(looked) == 3 * EACH and max(looked) <= 2
    assert set((await days(world)).values()) == {D(2027, 2, 16)}
