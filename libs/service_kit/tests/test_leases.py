"""Work under a lease: one worker at a time, nothing lost with one that dies, nothing twice, and an end that is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from kit_chores import LEASE, TABLES, Chores, Deps, Hopeless
from kit_deadly import until_killed
from kit_sandbox import Sandbox
from service_kit.bus import BusError
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.ids import new_id
from service_kit.leases import Desk, LostLease
from service_kit.service import Kit

pytestmark = pytest.mark.integration
VICTIM = Path(__file__).parent / "support" / "kit_chores_victim.py"
PLACES = [
    ("take", "before", 1),
    ("take", "after", 1),  # leased, not committed
    ("do", "before", 1),
    ("write", "before", 2),
    ("write", "after", 2),  # written, not committed
    ("step", "after", 2),  # committed
    ("finish", "before", 1),
    ("finish", "after", 1),  # done, and the lease not given back
]


class House:
    """A database with chores, and workers."""

    def __init__(self, sandbox: Sandbox) -> None:
        settings = sandbox.settings("registry")
        self.url = settings.database_url
        self.db = Database.from_settings(settings, Clock(), "test")
        self.kit = Kit("registry", settings, self.db, None, Clock())  # type: ignore[arg-type]
        self.deps = Deps(fails=[])
        self.sandbox = sandbox

    async def sql(self, statement: str, *args: Any) -> list[Any]:
        return list(await self.sandbox.sql("registry", statement, *args))

    async def put(self, *keys: str, steps: int = 3) -> None:
        for key in keys:
            await self.sql("INSERT INTO chores (id, steps, state) VALUES ($1, $2, 'waiting')", key, steps)

    async def row(self, key: str = "a") -> Any:
        (row,) = await self.sql("SELECT * FROM chores WHERE id = $1", key)
        return row

    async def steps(self, key: str = "a") -> list[int]:
        return [row["step"] for row in await self.sql("SELECT step FROM steps WHERE chore = $1 ORDER BY step", key)]

    def desk(self, owner: str = "") -> Desk[Deps]:
        return Desk(db=self.db, clock=Clock(), deps=self.deps, owner=owner or new_id(), stop=asyncio.Event())

    async def take(self, owner: str) -> str | None:
        async with self.db.transaction() as tx:
            row = await LEASE.take(tx, owner)
        return None if row is None else row["id"]

    async def once(self, worker: Chores) -> None:
        """One worker takes and attends one chore."""
        desk = self.desk()
        async with self.db.transaction() as tx:
            work = await worker.take(tx, desk)
        assert work is not None
        await worker.attend(desk, work)

    @asynccontextmanager
    async def working(self, *workers: Chores) -> AsyncIterator[None]:
        stop = asyncio.Event()
        tasks = [asyncio.create_task(worker.run(self.kit, self.deps, stop)) for worker in workers]
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(asyncio.gather(*tasks), 60)

    async def until(self, key: str, state: str) -> None:
        async with asyncio.timeout(60):
            while (await self.row(key))["state"] != state:
                await asyncio.sleep(0.02)

    async def silent(self) -> None:
        """Whoever had a lease has been silent for too long."""
        await self.sql("UPDATE chores SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")


@pytest.fixture
async def house(sandbox: Sandbox) -> AsyncIterator[House]:
    one = House(sandbox)
    for table in TABLES:
        await sandbox.sql("registry", table)
    yield one
    await one.db.close()


async def test_one_lease_at_a_time_the_first_goes_first(house: House) -> None:
    await house.put("b", "a")
    assert [await house.take(owner) for owner in ("x", "y", "z")] == ["a", "b", None]
    await house.silent()
    assert await house.take("z") == "a"


async def test_who_takes_at_the_same_instant_gets_another_one(house: House) -> None:
    await house.put("a", "b", "c")
    taken = await asyncio.gather(*(house.take(str(n)) for n in range(6)))
    assert sorted(filter(None, taken)) == ["a", "b", "c"]


async def test_who_lost_the_lease_writes_nothing(house: House) -> None:
    await house.put("a")
    await house.take("slow")
    await house.silent()
    assert await house.take("quick") == "a"
    for values in ({}, {"done": 7}):
        with pytest.raises(LostLease):
            async with house.db.transaction() as tx:
                await LEASE.renew(tx, "a", "slow", **values)
    async with house.db.transaction() as tx:
        await LEASE.put_off(tx, "a", "slow", 60, done=7)
        await LEASE.give_back(tx, "a", "slow")
    row = await house.row()
    assert (row["lease_owner"], row["done"], row["failures"]) == ("quick", 0, 0)


async def test_what_was_called_off_is_noticed(house: House) -> None:
    """The row is no work any more: its worker writes nothing, and gives the lease back."""
    await house.put("a")
    worker, desk = Chores(), house.desk()
    async with house.db.transaction() as tx:
        work = await worker.take(tx, desk)
    assert work is not None
    await house.sql("UPDATE chores SET state = 'called off'")
    await worker.attend(desk, work)
    assert (worker.outcomes, worker.lost_ones) == (["lost"], ["a"])
    row = await house.row()
    assert (row["state"], row["done"], row["lease_owner"], await house.steps()) == ("called off", 0, None, [])


async def test_the_heart_keeps_the_lease_of_what_takes_long(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Again and again while one step lasts, and nobody else gets it."""
    ended = asyncio.Event()

    class Long(Chores):
        async def step(self, desk: Desk[Deps], key: str, step: int) -> None:
            await ended.wait()
            await super().step(desk, key, step)

    monkeypatch.setattr(LEASE, "seconds", 60.0)
    monkeypatch.setattr(Chores, "beat", lambda _: 0.05)
    await house.put("a", steps=2)
    first, second = Long(), Long()
    async with house.working(first, second):
        seen: dict[Any, str] = {}
        async with asyncio.timeout(60):
            while len(seen) < 5:
                row = await house.row()
                if row["lease_until"] is not None:
                    seen[row["lease_until"]] = row["lease_owner"]
                await asyncio.sleep(0.02)
        assert list(seen) == sorted(seen) and len(set(seen.values())) == 1
        ended.set()
        await house.until("a", "done")
    assert sorted(first.outcomes + second.outcomes) == ["done"]
    assert await house.steps() == [0, 1]


async def test_a_lost_lease_is_noticed_between_two_parts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is written: by the heart."""
    monkeypatch.setattr(LEASE, "seconds", 0.3)
    await house.put("a")
    worker, desk = Chores(), house.desk()
    async with house.db.transaction() as tx:
        work = await worker.take(tx, desk)
    assert work is not None
    await house.sql("UPDATE chores SET lease_owner = 'another'")
    heart = asyncio.create_task(worker._heart(desk, work))
    await asyncio.wait_for(heart, 60)
    with pytest.raises(LostLease):
        desk.go_on()


@pytest.mark.parametrize(("failures", "pause"), [(0, 1), (2, 4), (3, 8), (30, 8)])
async def test_what_may_pass_is_tried_again_after_a_pause_that_grows(house: House, failures: int, pause: int) -> None:
    await house.put("a")
    await house.sql("UPDATE chores SET failures = $1", failures)
    house.deps.fails = [BusError("away")]
    worker, longest = Chores(), timedelta(seconds=pause)
    ((before,),) = await house.sql("SELECT clock_timestamp()")
    await house.once(worker)
    row = await house.row()
    ((after,),) = await house.sql("SELECT clock_timestamp()")
    assert (worker.outcomes, row["failures"], row["lease_owner"]) == (["put off"], failures + 1, None)
    assert before + longest <= row["retry_at"] <= after + longest
    await house.sql("UPDATE chores SET retry_at = clock_timestamp() + interval '1 hour'")
    assert await house.take("x") is None, "not before the pause is over"
    await house.sql("UPDATE chores SET retry_at = clock_timestamp()")
    assert await house.take("x") == "a"


async def test_a_fault_of_ours_loses_no_work(house: House) -> None:
    await house.put("a")
    house.deps.fails = [ZeroDivisionError()]
    worker = Chores()
    await house.once(worker)
    assert worker.outcomes == ["failed"]
    await house.sql("UPDATE chores SET retry_at = NULL")
    async with house.working(Chores()):
        await house.until("a", "done")
    assert await house.steps() == [0, 1, 2]
    assert (await house.row())["failures"] == 0


async def test_what_cannot_be_done_is_given_up_with_a_message(house: House) -> None:
    await house.put("a")
    house.deps.fails = [Hopeless("没有文件")]
    worker = Chores()
    await house.once(worker)
    row = await house.row()
    assert (worker.outcomes, row["state"], row["said"]) == (["given up"], "failed", "没有文件")
    assert await house.take("x") is None


async def test_a_stopping_service_leaves_the_work_to_the_next(house: House) -> None:
    house.deps.slow = 0.1
    await house.put("a", steps=5000)
    worker = Chores()
    async with house.working(worker):
        while not await house.steps():
            await asyncio.sleep(0.02)
    row = await house.row()
    assert worker.outcomes == ["stopped"]
    assert (row["lease_owner"], row["failures"], row["state"]) == (None, 0, "waiting"), "given back at once, no failure"
    assert 0 < row["done"] < 5000
    assert await house.take("next") == "a"


async def test_several_workers_do_each_step_once(house: House) -> None:
    keys = [f"c{n}" for n in range(8)]
    await house.put(*keys)
    async with house.working(Chores(), Chores(), Chores()):
        for key in keys:
            await house.until(key, "done")
    assert [await house.steps(key) for key in keys] == [[0, 1, 2]] * 8


@pytest.mark.parametrize("place", PLACES, ids=lambda place: f"{place[1]}-{place[0]}-{place[2]}")
async def test_killed_and_done_by_another(house: House, place: tuple[str, str, int]) -> None:
    await house.put("a")
    await until_killed(VICTIM, house.url, *place, env={})
    row = await house.row()
    assert await house.steps() == list(range(row["done"])), "progress and work are committed together"
    await house.silent()
    async with house.working(Chores()):
        await house.until("a", "done")
    assert await house.steps() == [0, 1, 2]
