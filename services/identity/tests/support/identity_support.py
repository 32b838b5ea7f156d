"""A desk in front of identity: its real database, the real matcher as its own process, and seeded people."""

from __future__ import annotations

import contextlib
import dataclasses
import os
import random
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import pytest
from identity import matching
from identity.app import SERVICE
from identity.context import Identity
from identity.matcher import Matcher
from identity.matching import FIRST
from identity.requests import Lane
from identity.settings import MatcherSettings
from identity.vault import Vault
from kit_recorder import Notebook
from regulation.documents import check_digit
from service_kit import commands, settings
from service_kit.clock import FixedClock
from service_kit.codec import decode_reply
from service_kit.database import Database
from service_kit.ids import new_id
from service_kit.service import Kit
from shared_contracts import identity as contract
from shared_contracts.actors import Actor, Role, system
from shared_contracts.identity import Claim, Claimed, ClaimPersons, LikelyPair, PersonEntry, ScanLikely, StagePersons
from shared_contracts.messages import subject
from shared_contracts.registry import Approved, RegistrationsApproved, RegistrationsClosed
from xueji_local.processes import free_port

NOW = datetime.fromisoformat("2026-09-07T09:00:00+08:00")
SCHOOL = "2123010001"
OTHER_SCHOOL = "2123010002"
REGISTRAR = Actor(account="r1", name="学籍管理员", organisation=SCHOOL, roles=(Role.REGISTRAR,))
REGISTRY = system("registry")
SURNAMES = "王李张刘陈杨赵黄周吴徐孙马朱胡郭何高林罗"
GIVEN = "子轩涵浩宇梓欣怡雨晨诗琪佳俊杰文博思睿明志强伟芳娜敏静丽洋艳勇军平刚桂英建国华"


class People:
    """Seeded pupils with valid resident numbers, all different."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._given: set[str] = set()

    def number(self, area: str, birth_date: date, sex: str) -> str:
        while True:
            serial = self._random.randrange(500) * 2 + (1 if sex == "1" else 0)
            first17 = f"{area}{birth_date:%Y%m%d}{serial:03d}"
            if first17 not in self._given:
                self._given.add(first17)
                return first17 + check_digit(first17)

    def entry(self, row: int = 1, **changes: Any) -> PersonEntry:
        pick = self._random
        sex = pick.choice("12")
        birth_date = changes.get("birth_date") or date(2019, 9, 1) + timedelta(days=pick.randrange(360))
        values: dict[str, Any] = {
            "row": row,
            "name": pick.choice(SURNAMES) + "".join(pick.sample(GIVEN, 2)),
            "sex": sex,
            "birth_date": birth_date,
            "document_kind": "1",
            "area": f"2301{pick.randrange(2, 12):02d}",
        } | changes
        if "document_number" not in values:
            values["document_number"] = self.number(values["area"], values["birth_date"], values["sex"])
        return PersonEntry(**values)

    def entries(self, count: int) -> list[PersonEntry]:
        return [self.entry(row) for row in range(1, count + 1)]


class MovingClock(FixedClock):
    def move(self, by: timedelta) -> None:
        self._moment += by


@dataclass(repr=False)
class Desk:
    """Sends commands, queries and events as the bus would, each through the kit's own transaction handling."""

    kit: Kit
    deps: Identity
    clock: MovingClock
    env: dict[str, str]
    notebook: Notebook = field(default_factory=lambda: Notebook("identity"))

    async def send(self, command: Any) -> Any:
        reply = await commands.once(
            self.kit.db, self.clock, self.deps, SERVICE.commands[type(command)], command, self.notebook
        )
        return decode_reply(contract.REPLIES[type(command)], reply)

    async def ask(self, query: Any) -> Any:
        reply = await commands.ask(
            self.kit.db, self.clock, self.deps, SERVICE.queries[type(query)], query, self.notebook
        )
        return decode_reply(contract.REPLIES[type(query)], reply)

    async def take(self, event: Any) -> None:
        async with self.kit.db.unit(self.deps) as work:
            await SERVICE.events[type(event)](work, event)

    async def stage(
        self,
        entries: Sequence[PersonEntry],
        *,
        school: str = SCHOOL,
        intake: str | None = None,
        actor: Actor | None = None,
    ) -> tuple[str, Any]:
        """The intake's id and the reply."""
        intake = intake or new_id()
        command = StagePersons(
            command_id=new_id(),
            actor=actor or system("registry"),
            intake_id=intake,
            school=school,
            rows=tuple(entries),
            expires_at=self.clock.now() + timedelta(days=7),
        )
        return intake, await self.send(command)

    async def claim(
        self,
        intake: str,
        rows: Sequence[int],
        *,
        school: str = SCHOOL,
        registrations: Sequence[str] | None = None,
        command_id: str | None = None,
        actor: Actor | None = None,
    ) -> Any:
        registrations = registrations or [new_id() for _ in rows]
        return await self.send(
            ClaimPersons(
                command_id=command_id or new_id(),
                actor=actor or system("registry"),
                intake_id=intake,
                school=school,
                claims=tuple(Claim(row=row, registration_id=r) for row, r in zip(rows, registrations, strict=True)),
            )
        )

    async def enter(self, entries: Sequence[PersonEntry], *, school: str = SCHOOL) -> list[contract.Claimed]:
        """Stage and claim; the results in the order of the entries."""
        intake, _ = await self.stage(entries, school=school)
        reply = await self.claim(intake, [entry.row for entry in entries], school=school)
        return list(reply.claims)

    async def approve(self, claims: Sequence[contract.Claimed], *, school: str = SCHOOL) -> None:
        approved = tuple(Approved(registration_id=c.registration_id, person_id=c.person_id or "") for c in claims)
        await self.take(RegistrationsApproved(school=school, roster_id=None, approved=approved))

    async def close(self, claims: Sequence[contract.Claimed], *, school: str = SCHOOL) -> None:
        closed = tuple(Approved(registration_id=c.registration_id, person_id=c.person_id or "") for c in claims)
        await self.take(RegistrationsClosed(school=school, closed=closed, reason="withdrawn"))

    async def events(self, kind: type[msgspec.Struct]) -> list[Any]:
        """Events of a kind in the outbox, in their order."""
        rows = await self.rows("SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq", subject(kind))
        return [msgspec.json.decode(row["payload"], type=kind) for row in rows]

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        connection = await self.app()
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def value(self, sql: str, *args: Any) -> Any:
        return (await self.rows(sql, *args))[0][0]

    async def app(self) -> asyncpg.Connection:
        """A connection as the application's role: the caller closes it."""
        return await asyncpg.connect(self.env["XUEJI_DATABASE_URL"])

    def patience(self, seconds: float) -> None:
        """From now on it waits so long for the matcher."""
        settings = msgspec.structs.replace(self.deps.settings, matcher_budget_seconds=seconds)
        self.deps = dataclasses.replace(self.deps, settings=settings)

    async def shut(self) -> None:
        await self.deps.matcher.close()
        await self.kit.db.close()

    async def owner(self) -> asyncpg.Connection:
        return await asyncpg.connect(self.env["XUEJI_MIGRATION_DATABASE_URL"])


class TheMatcher:
    """The real matcher in its own process; it knows exactly whom a test tells it."""

    def __init__(self, url: str, key: str, output: Path) -> None:
        self.url, self.key, self.output = url, key, output

    def _call(self, method: str, path: str, body: Any) -> None:
        response = httpx.request(method, self.url + path, json=body, headers={"X-API-Key": self.key}, timeout=60)
        assert response.status_code == 200, response.text

    def knows(self, entries: Sequence[PersonEntry], **changes: str) -> None:
        """Add these people as they are, or with another `name`, `sex` or `birth_date`."""
        for start in range(0, len(entries), 500):
            records = [
                {
                    "document_number": entry.document_number,
                    "name": entry.name,
                    "sex": entry.sex,
                    "birth_date": entry.birth_date.isoformat(),
                }
                | changes
                for entry in entries[start : start + 500]
            ]
            self._call("POST", "/v1/population", {"people": records})

    def faults(self, **faults: Any) -> None:
        self._call("PUT", "/v1/faults", faults)


def wait_ready(process: subprocess.Popen[bytes], running: TheMatcher, output: Path) -> None:
    for _ in range(600):
        assert process.poll() is None, output.read_text()
        try:
            if httpx.get(running.url + "/health/ready", timeout=1).status_code == 200:
                return
        except httpx.HTTPError:
            pass
        time.sleep(0.1)
    pytest.fail(f"the matcher did not start: {output.read_text()}")


@contextlib.contextmanager
def running_matcher(folder: Path) -> Iterator[TheMatcher]:
    """The matcher as its own process, with ten people of its own and whom tests add."""
    port = free_port()
    env = {
        **{key: value for key, value in os.environ.items() if not key.startswith("XUEJI_")},
        "XUEJI_HTTP_PORT": str(port),
        "XUEJI_MATCHER_API_KEY": "test-key",
        "XUEJI_MATCHER_DATA": str(folder / "population.sqlite"),
        "XUEJI_MATCHER_SIZE": "10",
    }
    with (folder / "log").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "matcher", "serve"], env=env, stdout=output, stderr=subprocess.STDOUT
        )
    running = TheMatcher(f"http://127.0.0.1:{port}", "test-key", folder / "log")
    try:
        wait_ready(process, running, folder / "log")
        yield running
    finally:
        process.terminate()
        process.wait(60)


def make_desk(env: dict[str, str], matcher: TheMatcher, **changes: Any) -> Desk:
    """`changes`: of MatcherSettings. The caller closes it. Without any, the matcher has time to answer on a busy machine."""
    loaded = settings.load(env)
    own = MatcherSettings(
        **{"matcher_url": matcher.url, "matcher_api_key": matcher.key, "matcher_budget_seconds": 30.0} | changes
    )
    clock = MovingClock(NOW)
    db = Database.from_settings(loaded, clock, "identity")
    kit = Kit("identity", loaded, db, None, clock)  # type: ignore[arg-type] - no bus here: see test_service
    deps = Identity(
        settings=own,
        vault=Vault.from_settings(loaded),
        matcher=Matcher(own),
        wake_matching=kit.wake(FIRST).set,
    )
    return Desk(kit, deps, clock, env)


OpenDesk = Callable[..., Awaitable[Desk]]
"""The fixture `open_desk`."""


async def number(desk: Desk, entries: list[PersonEntry], *, school: str = SCHOOL) -> list[Claimed]:
    claimed = await desk.enter(entries, school=school)
    assert all(item.person_id for item in claimed)
    await desk.approve(claimed, school=school)
    await run(desk, Lane.FIRST)
    return claimed


async def run(desk: Desk, lane: Lane) -> int:
    total = 0
    while taken := await matching.one_batch(desk.kit, desk.deps, lane):
        total += taken
    return total


async def scan(desk: Desk, *persons: Claimed) -> tuple[LikelyPair, ...]:
    """Who is likely to be the same pupil as one of these."""
    reply = await desk.ask(ScanLikely(actor=REGISTRY, person_ids=tuple(p.person_id or "" for p in persons)))
    pairs: tuple[LikelyPair, ...] = reply.pairs
    return pairs
