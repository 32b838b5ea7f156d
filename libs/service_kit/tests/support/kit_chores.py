"""Work made for the tests of leases: a chore is so many steps, each a row, each in a transaction with the progress."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec
from service_kit.database import driver
from service_kit.leases import Desk, Lease, Worker
from sqlalchemy.ext.asyncio import AsyncConnection

TABLES = (
    """CREATE TABLE chores (
           id text PRIMARY KEY, steps int NOT NULL, done int NOT NULL DEFAULT 0, state text NOT NULL, said text,
           lease_owner text, lease_until timestamptz, retry_at timestamptz, failures int NOT NULL DEFAULT 0)""",
    "CREATE TABLE steps (chore text NOT NULL, step int NOT NULL, PRIMARY KEY (chore, step))",
)
LEASE = Lease(table="chores", open="state = 'waiting'", order="id")


class Chore(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    steps: int
    done: int
    failures: int


class Hopeless(Exception):
    """It will never be done."""


@dataclass
class Deps:
    """What the chores meet with. `fails`: raised instead of the next step, one after the other."""

    fails: list[Exception]
    slow: float = 0.0


class Chores(Worker[Desk[Deps], Chore]):
    name = "chore"
    lease = LEASE
    poll = 0.05
    longest_pause = 8.0

    def __init__(self) -> None:
        self.outcomes: list[str] = []
        self.lost_ones: list[str] = []

    async def take(self, tx: AsyncConnection, desk: Desk[Deps]) -> Chore | None:
        row = await LEASE.take(tx, desk.owner, returning="id, steps, done, failures")
        return None if row is None else Chore(**row)

    async def do(self, desk: Desk[Deps], work: Chore) -> None:
        for step in range(work.done, work.steps):
            desk.go_on()
            if desk.deps.fails:
                raise desk.deps.fails.pop(0)
            await asyncio.sleep(desk.deps.slow)
            await self.step(desk, work.id, step)
        await self.finish(desk, work.id)

    async def step(self, desk: Desk[Deps], key: str, step: int) -> None:
        async with desk.unit() as work:
            await LEASE.renew(work.tx, key, desk.owner, done=step + 1)
            await self.write(work.tx, key, step)

    async def write(self, tx: AsyncConnection, key: str, step: int) -> None:
        await (await driver(tx)).execute("INSERT INTO steps VALUES ($1, $2)", key, step)

    async def finish(self, desk: Desk[Deps], key: str) -> None:
        async with desk.unit() as work:
            await LEASE.renew(work.tx, key, desk.owner, state="done")

    async def give_up(self, desk: Desk[Deps], work: Chore, error: Exception) -> bool:
        if isinstance(error, Hopeless):
            async with desk.unit() as unit:
                await LEASE.renew(unit.tx, work.id, desk.owner, state="failed", said=str(error))
        return isinstance(error, Hopeless)

    async def lost(self, desk: Desk[Deps], work: Chore) -> None:
        self.lost_ones.append(work.id)

    def count(self, work: Chore, outcome: str, seconds: float) -> None:
        self.outcomes.append(outcome)
