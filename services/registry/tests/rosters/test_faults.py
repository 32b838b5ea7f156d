"""What fails and may pass is tried again, and never fails a roster; two workers never do one roster at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from registry import desk as desks
from registry.desk import Desk
from registry.rosters import store, worker
from roster_desk import RosterDesk, StandIn
from service_kit.bus import BusError
from service_kit.leases import LostLease
from shared_contracts.decisions import refused
from shared_contracts.identity import ClaimPersons, StagePersons
from shared_contracts.registry import RosterState
from sqlalchemy.exc import DBAPIError

pytestmark = pytest.mark.integration
Make = Callable[..., bytes]
Class = Callable[[int], list[dict[str, Any]]]


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """No patience: short answers, short pauses."""
    monkeypatch.setattr(desks, "ANSWER", 0.3)
    monkeypatch.setattr(desks, "PAUSE", 0.01)
    monkeypatch.setattr(desks, "TRIES", 2)
    monkeypatch.setattr(worker.Rosters, "longest_pause", 0.3)


async def test_an_answer_that_is_lost_is_asked_for_again_under_the_same_id(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "ANSWER", 4.0)  # the second answer has to come in time on a busy machine, too
    roster_id = await desk.upload(workbook(class_of(3)))
    identity.silent = 1
    await desk.work(roster_id, "checked")
    await desk.confirm(roster_id)
    identity.silent = 1
    await desk.work(roster_id, "in_approval")
    for kind in (StagePersons, ClaimPersons):
        ids = [command.command_id for command in identity.commands if isinstance(command, kind)]
        assert len(ids) == 2
        assert len(set(ids)) == 1
    assert len(await desk.all("SELECT 1 FROM registrations")) == 3


@pytest.mark.parametrize("stage", ["check", "confirm"])
@pytest.mark.parametrize("how", ["away", "unavailable"])
async def test_identity_that_is_down_puts_a_roster_off(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, hasty: None, stage: str, how: str
) -> None:
    def down(is_down: bool) -> None:
        identity.away = is_down and how == "away"
        identity.refusal = refused("unavailable", "请稍后重试。") if is_down and how == "unavailable" else None

    roster_id = await desk.upload(workbook(class_of(3)))
    if stage == "confirm":
        await desk.work(roster_id, "checked")
        await desk.confirm(roster_id)
    down(True)
    async with desk.working():
        async with asyncio.timeout(90):
            while True:
                row = await desk.one("SELECT failures, state, crashes FROM rosters WHERE id = :id", id=roster_id)
                if row["failures"] >= 2:
                    break
                await asyncio.sleep(0.05)
        assert row["state"] == ("checking" if stage == "check" else "confirming")
        assert row["crashes"] == 0
        down(False)
        view = await desk.until(roster_id, "checked" if stage == "check" else "in_approval")
    assert view.totals.valid == 3
    row = await desk.one("SELECT failures, retry_at FROM rosters WHERE id = :id", id=roster_id)
    assert (row["failures"], row["retry_at"]) == (0, None)


async def test_a_bus_that_restarts(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, hasty: None, bus: Any
) -> None:
    roster_id = await desk.upload(workbook(class_of(3)))
    async with desk.working():
        bus.restart()
        view = await desk.until(roster_id, "checked")
    assert view.totals.valid == 3


async def test_a_database_that_restarts(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, postgres_server: Any
) -> None:
    """In the middle of a check the server goes away; the worker, restarted as the kit does it, finishes."""
    identity.held = True
    roster_id = await desk.upload(workbook(class_of(3)))
    stop = asyncio.Event()

    async def as_the_kit_does() -> None:
        while not stop.is_set():
            try:
                await worker.run(desk.kit, desk.deps, stop)
            except Exception:
                await asyncio.sleep(0.2)

    task = asyncio.create_task(as_the_kit_does())
    try:
        while not identity.commands:
            await asyncio.sleep(0.02)
        await asyncio.to_thread(postgres_server.restart)
        await answers(desk)
        identity.held = False
        await desk.do("UPDATE rosters SET lease_until = now() - interval '1 second', retry_at = NULL")
        view = await desk.until(roster_id, "checked")
    finally:
        identity.held = False
        stop.set()
        await asyncio.wait_for(task, 90)
    assert view.totals.valid == 3
    assert len(await desk.rows(roster_id)) == 3


async def answers(desk: RosterDesk) -> None:
    """Until this process knows that its connections to the server of before are gone, and has got another one."""
    async with asyncio.timeout(90):
        while True:
            try:
                await desk.one("SELECT 1 AS there")
                return
            except (DBAPIError, OSError):
                await asyncio.sleep(0.05)


async def test_a_stopping_service_leaves_the_roster_to_the_next(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, small_chunks: None
) -> None:
    identity.slow = 0.2
    roster_id = await desk.upload(workbook(class_of(9)))
    async with desk.working():
        while not identity.commands:
            await asyncio.sleep(0.02)
    row = await desk.one("SELECT done, lease_owner, state FROM rosters WHERE id = :id", id=roster_id)
    assert row["state"] == "checking"
    assert 3 <= row["done"] < 9
    assert row["lease_owner"] is None  # given back, not left to run out
    view = await desk.work(roster_id, "checked")
    assert view.totals.valid == 9
    assert len([c for c in identity.commands if isinstance(c, StagePersons)]) == 3


# ---- leases ---------------------------------------------------------------------------------------------------------


def worker_desk(desk: RosterDesk, owner: str) -> Desk:
    return Desk(db=desk.kit.db, clock=desk.clock, deps=desk.deps, owner=owner, stop=asyncio.Event())


async def test_one_lease_at_a_time(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    first = await desk.upload(workbook(class_of(1)))
    desk.clock.move(timedelta(seconds=1))  # the elder goes first; of two of the same moment, either
    second = await desk.upload(workbook(class_of(1)))
    taken = []
    for owner in ("a", "b", "c"):
        async with desk.kit.db.transaction() as tx:
            roster = await store.take(tx, owner)
        taken.append(roster.id if roster else None)
    assert taken == [first, second, None]
    await desk.do("UPDATE rosters SET lease_until = now() - interval '1 second' WHERE id = :id", id=first)
    async with desk.kit.db.transaction() as tx:
        roster = await store.take(tx, "c")
        assert roster is not None
        assert roster.id == first


async def test_takes_at_the_same_instant(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    ids = [await desk.upload(workbook(class_of(1))) for _ in range(4)]

    async def take(owner: str) -> str | None:
        async with desk.kit.db.transaction() as tx:
            roster = await store.take(tx, owner)
            await asyncio.sleep(0.05)
        return roster.id if roster else None

    taken = await asyncio.gather(*(take(str(n)) for n in range(6)))
    assert sorted(filter(None, taken)) == sorted(ids)


async def test_who_lost_his_lease_writes_nothing(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    roster_id = await desk.upload(workbook(class_of(1)))
    async with desk.kit.db.transaction() as tx:
        roster = await store.take(tx, "a")
    assert roster is not None
    await desk.do("UPDATE rosters SET lease_until = now() - interval '1 second'")
    async with desk.kit.db.transaction() as tx:
        assert await store.take(tx, "b") is not None
    with pytest.raises(LostLease):
        async with worker_desk(desk, "a").unit() as work:
            await store.stage(work.tx, roster, "a", seen=True, state=RosterState.CHECKING)
    with pytest.raises(LostLease):
        async with desk.kit.db.transaction() as tx:
            await store.LEASE.renew(tx, roster_id, "a")
    async with worker_desk(desk, "b").unit() as work:
        moved = await store.stage(work.tx, roster, "b", cursor=5)
    with pytest.raises(LostLease):  # the chunk that "a" would write was "b"'s
        async with worker_desk(desk, "b").unit() as work:
            await store.stage(work.tx, roster, "b", cursor=5)
    assert moved.cursor == 5


async def test_two_workers_share_the_rosters(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, small_chunks: None
) -> None:
    """Four rosters, two workers with two lanes each: every row once."""
    pupils = class_of(24)
    ids = [await desk.upload(workbook(pupils[n * 6 : n * 6 + 6])) for n in range(4)]
    async with desk.working(), desk.working():
        for roster_id in ids:
            view = await desk.until(roster_id, "checked")
            assert view.totals.valid == 6
    staged = [entry.row for c in identity.commands if isinstance(c, StagePersons) for entry in c.rows]
    assert len(staged) == 24


async def test_a_stage_that_takes_long_keeps_its_lease(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Identity takes its time; the worker's signs of life carry the lease beyond the end that it had at first."""
    assert worker.WORKER.beat() * 2 < store.LEASE.seconds, "one that is late by as much again comes in time"
    monkeypatch.setattr(worker.Rosters, "beat", lambda _: 0.05)
    identity.held = True
    roster_id = await desk.upload(workbook(class_of(2)))

    async def lease() -> tuple[Any, Any]:
        row = await desk.one("SELECT lease_owner, lease_until FROM rosters WHERE id = :id", id=roster_id)
        return row["lease_owner"], row["lease_until"]

    async with desk.working(), desk.working():
        while not identity.commands:
            await asyncio.sleep(0.02)
        owner, first = await lease()
        async with asyncio.timeout(90):
            while (await lease())[1] <= first:
                await asyncio.sleep(0.02)
        assert (await lease())[0] == owner
        identity.held = False
        await desk.until(roster_id, "checked")
    assert len([c for c in identity.commands if isinstance(c, StagePersons)]) == 1


async def test_the_pause_grows(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    await desk.upload(workbook(class_of(1)))
    pauses = []
    for failures in (0, 3, 30):
        await desk.do("UPDATE rosters SET retry_at = NULL, lease_owner = NULL, failures = :n", n=failures)
        async with desk.kit.db.transaction() as tx:
            roster = await store.take(tx, "a")
        assert roster is not None
        before = (await desk.one("SELECT clock_timestamp() AS at"))["at"]
        await worker.WORKER._put_off(worker_desk(desk, "a"), roster, BusError("away"))
        row = await desk.one("SELECT retry_at, clock_timestamp() AS after FROM rosters")
        pauses.append((row["retry_at"] - row["after"], row["retry_at"] - before))
    for expected, (least, most) in zip((1, 8, 120), pauses, strict=True):
        assert least <= timedelta(seconds=expected) <= most


async def test_only_unavailable_is_tried_again(
    desk: RosterDesk, identity: StandIn, hasty: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(desks, "ANSWER", 90.0)  # here every question is answered, and asked again for its answer alone
    from service_kit.ids import new_id
    from shared_contracts.actors import system
    from shared_contracts.identity import DropIntake

    command = DropIntake(command_id=new_id(), actor=system("registry"), intake_id="x")
    identity.refusal = refused("conflict", "不行")
    assert await worker_desk(desk, "a").ask(command) == identity.refusal
    assert len(identity.commands) == 1
    identity.refusal = refused("unavailable", "以后再来")
    with pytest.raises(BusError):
        await worker_desk(desk, "a").ask(command)
    assert len(identity.commands) == 3
