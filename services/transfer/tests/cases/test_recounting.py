"""A year's holidays are published: open steps get other last days, once, and the work queues hear of it (24.6.4)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from registry_world import ZONE, actor
from regulation.calendar import Calendar
from service_kit import policy as live
from shared_contracts.actors import Role
from shared_contracts.policy import AskPublished
from shared_contracts.transfer import (
    MovedTransferDeadlines,
    ResubmitTransfer,
    Step,
    TransfersStand,
    TransferView,
)
from shared_contracts.working_days import NoticeVersion, PublishWorkingDays, WorkingDaysPublished, YearDays
from transfer.cases import recounting
from transfer.policy_watch import KEYS
from transfer_world import RECEIVING, REGISTRAR, RELEASING, TransferWorld

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.6.4")]
VICTIM = Path(__file__).parent / "support" / "recounting_victim.py"
PROVINCE_OFFICER = actor(Role.AUTHORITY_OFFICER, "230000", "province.officer")
D = date
OPENED = datetime(2027, 1, 27, 10, tzinfo=ZONE)  # a Wednesday
SPRING = YearDays(
    year=2027,
    holidays=(
        *(date(2027, 1, day) for day in (1, 2, 3)),
        *(date(2027, 2, day) for day in range(5, 13)),
        *(date(2027, 4, day) for day in (3, 4, 5)),
        *(date(2027, 5, day) for day in range(1, 6)),
        date(2027, 6, 9),
        date(2027, 9, 15),
        *(date(2027, 10, day) for day in range(1, 8)),
    ),
    worked=(date(2027, 1, 31), date(2027, 2, 14)),
)
"""As the notice for 2027 might be."""


async def opened(world: TransferWorld, count: int = 2) -> list[str]:
    world.clock.moment = OPENED
    await world.registry.pupils(RECEIVING, 3, 1, 10)
    made = []
    for one in (await world.registry.pupils(RELEASING, 3, 1, count))[:count]:
        view = await world.open(one)
        assert isinstance(view, TransferView), view
        made.append(view.id)
    return sorted(made)


async def publish(world: TransferWorld, days: YearDays = SPRING, **more: Any) -> NoticeVersion:
    """By the province; the transfer service asks for it as its watch does."""
    made = await world.registry.do(
        PublishWorkingDays(
            command_id=world.id(), actor=PROVINCE_OFFICER, notice_id=world.id("notice"), days=days,
            notice="国办发明电〔2026〕8号", title="国务院办公厅关于2027年部分节假日安排的通知", **more,
        )
    )  # fmt: skip
    assert isinstance(made, NoticeVersion), made
    await hear(world)
    return made


async def hear(world: TransferWorld) -> None:
    published = await world.registry.ask(
        AskPublished(actor=actor(Role.SYSTEM, "", "transfer"), keys=KEYS, newer_than=-1)
    )
    await live.keep(world.db, published)
    world.deps.policy.version = -1
    async with world.db.transaction() as tx:
        await world.deps.policy.look(tx)


async def recount(world: TransferWorld) -> int:
    """All batches, each a unit of work; how many."""
    batches = 0
    while True:
        async with world.db.unit(world.deps) as work:
            if not await recounting.batch(work):
                return batches
        batches += 1


async def due(world: TransferWorld) -> dict[str, date]:
    return {row["id"]: row["due_on"] for row in await world.sql("SELECT id, due_on FROM cases ORDER BY id")}


async def test_open_steps_move_and_the_queues_hear_of_it_once(world: TransferWorld) -> None:
    first, second = await opened(world)
    assert set((await due(world)).values()) == {D(2027, 2, 10)}
    told = len(await world.events(TransfersStand))
    # Looked at before: how many, under whom, from when to when; nothing is written.
    seen = await world.ask(MovedTransferDeadlines(actor=actor(Role.SYSTEM, "", "registry"), days=SPRING))
    assert (seen.open, [(one.authority, one.was, one.becomes, one.count) for one in seen.items]) == (
        2,
        [(RECEIVING.authority, D(2027, 2, 10), D(2027, 2, 16), 2)],
    )
    assert set((await due(world)).values()) == {D(2027, 2, 10)}

    await publish(world)
    assert await recount(world) > 0
    assert await due(world) == {first: D(2027, 2, 16), second: D(2027, 2, 16)}
    new = (await world.events(TransfersStand))[told:]
    stands = {case.case_id: case for event in new for case in event.cases}
    assert {(case.due_on, case.provisional, case.version) for case in stands.values()} == {(D(2027, 2, 16), False, 1)}
    assert stands.keys() == {first, second}
    assert {case.organisation for case in stands.values()} == {RECEIVING.authority}

    # Heard again, asked again, by another copy, on another day: nothing moves, nothing is told.
    for hours in (0, 1, 30, 60):
        world.clock.pass_(hours=hours)
        await world.tell(WorkingDaysPublished(notice_id="n", year=2027, version=1, number=1))
        await recount(world)
    assert await due(world) == {first: D(2027, 2, 16), second: D(2027, 2, 16)}
    assert len(await world.events(TransfersStand)) == told + len(new)
    # A decision and a new step go on from there.
    view = await world.decide(first, Step.RECEIVING_AUTHORITY)
    assert isinstance(view, TransferView), view


async def test_a_step_has_waited_since_its_last_act_whatever_its_last_day_is(world: TransferWorld) -> None:
    waiting, acted_on = await opened(world)
    world.clock.moment = later = OPENED + timedelta(hours=3)
    view = await world.decide(acted_on, Step.RECEIVING_AUTHORITY)
    assert isinstance(view, TransferView), view
    world.clock.pass_(hours=3)
    await publish(world)
    told = len(await world.events(TransfersStand))
    await recount(world)
    stands = [case for event in (await world.events(TransfersStand))[told:] for case in event.cases]
    assert {case.case_id: case.since for case in stands} == {waiting: OPENED, acted_on: later}


async def test_a_returned_case_keeps_its_days_and_runs_by_the_new_calendar(world: TransferWorld) -> None:
    (one,) = await opened(world, 1)
    world.clock.moment = datetime(2027, 1, 28, 11, tzinfo=ZONE)
    answer = await world.decide(one, Step.RECEIVING_AUTHORITY, "return", reason="电话有误", asks=("phone",))
    assert isinstance(answer, TransferView), answer
    await publish(world)
    await recount(world)
    assert await due(world) == {one: None}
    ((left, version),) = await world.sql("SELECT days_left, version FROM cases")
    assert (left, version) == (9, 1)  # paused: nothing to move, nothing was told
    world.clock.moment = datetime(2027, 2, 1, 9, tzinfo=ZONE)
    again = await world.do(
        ResubmitTransfer(
            command_id=world.id(),
            actor=REGISTRAR,
            transfer_id=one,
            application=world.application(answer.student_id, phone="13804510002"),
            version=answer.version,
        )
    )
    assert isinstance(again, TransferView), again
    calendar = world.deps.policy.calendar
    assert await due(world) == {one: calendar.add_working_days(D(2027, 2, 1), 9).date}
    assert calendar.add_working_days(D(2027, 2, 1), 9).date > Calendar().add_working_days(D(2027, 2, 1), 9).date


async def test_a_correction_moves_them_back_but_never_before_today(world: TransferWorld) -> None:
    (one,) = await opened(world, 1)
    await publish(world)
    await recount(world)
    shorter = YearDays(
        year=2027,
        holidays=tuple(day for day in SPRING.holidays if day not in (D(2027, 2, 11), D(2027, 2, 12))),
        worked=SPRING.worked,
    )
    await publish(world, shorter, replaces=1)
    world.clock.moment += timedelta(days=1)
    await recount(world)
    assert await due(world) == {one: D(2027, 2, 14)}


async def test_a_copy_that_had_not_heard_yet_is_put_right_the_next_day(world: TransferWorld) -> None:
    await opened(world, 1)
    await publish(world)
    await recount(world)
    unaware = await opened_unaware(world)
    assert (await due(world))[unaware] == D(2027, 2, 10)
    assert await recount(world) == 0  # this day's round is over
    world.clock.pass_(days=1)
    assert await recount(world) > 0
    assert (await due(world))[unaware] == D(2027, 2, 16)


async def test_what_was_published_at_midnight_is_looked_at_again_when_every_copy_has_heard_of_it(
    world: TransferWorld,
) -> None:
    await opened(world, 1)
    world.clock.moment = datetime(2027, 1, 27, 23, 59, 50, tzinfo=ZONE)
    await publish(world)
    await recount(world)
    world.clock.moment = datetime(2027, 1, 28, 0, 9, 59, tzinfo=ZONE)
    assert await recount(world) == 0, "a copy may still count by weekends"
    unaware = await opened_unaware(world)
    assert (await due(world))[unaware] == D(2027, 2, 11)
    world.clock.pass_(seconds=1)
    assert await recount(world) > 0
    assert (await due(world))[unaware] == D(2027, 2, 17)


async def opened_unaware(world: TransferWorld) -> str:
    """Opened by a copy of the service that counts by weekends still."""
    knows = world.deps.policy._calendar
    world.deps.policy._calendar = Calendar()
    (student,) = (await world.registry.pupils(RELEASING, 3, 2, 1))[:1]
    view = await world.open(student)
    world.deps.policy._calendar = knows
    assert isinstance(view, TransferView), view
    return view.id


@pytest.mark.parametrize(
    ("target", "when"),
    [
        ("transfer.cases.recounting:recount", "before"),
        ("transfer.cases.recounting:recount", "after"),
        ("transfer.cases.recounting:_tell", "before"),
        ("transfer.cases.recounting:_tell", "after"),
        ("service_kit.work:Work.flush", "after"),
    ],
)
async def test_killed_anywhere_it_is_done_once(world: TransferWorld, target: str, when: str) -> None:
    cases = await opened(world, 3)
    told = len(await world.events(TransfersStand))
    await publish(world)
    await world.until_killed(VICTIM, target, when, 2)
    await recount(world)
    assert await due(world) == dict.fromkeys(cases, D(2027, 2, 16))
    new = [case.case_id for event in (await world.events(TransfersStand))[told:] for case in event.cases]
    assert sorted(new) == cases, "each is told once"
    assert {row["version"] for row in await world.sql("SELECT version FROM cases")} == {1}
