"""The main job through the whole system, clocked: every service a process of its own, HTTP in front, fsync on.

What people do goes over HTTP with the demonstration accounts. When a phase is over is seen in the registry's table by an
observer's own connection: asking over HTTP would be work for the system, and the system's server-sent events tell it up to
two seconds late.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import asyncpg
import msgspec
from measuring import COUNTED, Meter, Servers
from shared_contracts.registry import RosterState, Step
from xueji_infra.databases import database_name
from xueji_local import demo, demo_stack
from xueji_local.credentials import Credentials
from xueji_local.demo_client import Account, ApiProblem, Client
from xueji_local.demo_flow import STEPS, Desk, open_desk
from xueji_local.generator import CLASS_SIZE, CLASSES, Population, make_roster
from xueji_local.generator_form import School
from xueji_local.layout import Layout
from xueji_local.progress import Terminal
from xueji_local.stack import Stack

STAGE = "primary"
PATIENCE = 900.0
"""Seconds for one phase."""
_LOOK = 0.025
_QUIET = 3.0
"""Seconds over which the statements of an idle system are counted."""

ENVIRONMENT = {"XUEJI_LOG_LEVEL": "WARNING", "XUEJI_MATCHER_SIZE": "1000"}


class Phases(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of each phase. `steps`: by step of clause 15.1."""

    check: float
    confirm: float
    steps: dict[str, float]
    printing: float
    numbers: float

    @property
    def clocked(self) -> float:
        """From the confirmed roster to issued numbers; people's work at the printer is not counted."""
        return self.confirm + sum(self.steps.values()) + self.numbers


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One roster. `cpu`: processor seconds by program while the clock ran. `trips`: statements by service from the
    confirmation to the last number, what the idle system would have sent meanwhile taken off. `outbox`: the last row
    before and the last row of the roster's way, by service.
    """

    roster_id: str
    rows: int
    phases: Phases
    cpu: dict[str, float]
    trips: dict[str, float]
    outbox: dict[str, tuple[int, int]]

    @property
    def rate(self) -> float:
        """Pupils a second."""
        return self.rows / self.phases.clocked


class NotMeasured(Exception):
    """The system did not do what is to be measured. The text says what."""


class System:
    """A running stack, its matcher, and schools that are filled one roster after the other."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self.stack, self.folder = stack, folder
        self.file = msgspec.json.decode(stack.layout.stack.read_bytes(), type=demo_stack.Stack)
        self.matcher = demo_stack.matcher_of(stack.layout, self.file)
        self.population = self.matcher.grow(0)
        self.servers = _servers(stack)
        self.idle: dict[str, float] = {}
        self._runner = asyncio.Runner()
        self._looks: dict[str, asyncpg.Connection[asyncpg.Record]] = {}
        self._seed = 0
        with contextlib.closing(Client(self.file.gateway, self._registrars()[0])) as client:
            known = {view.code: view for view in client.organisations()}
        codes = [account.organisation for account in self._registrars()]
        # A private school takes nobody without an approved scheme (8).
        views = [known[code] for code in dict.fromkeys(codes)]
        self.schools = [view for view in views if view.stages[0] == STAGE and view.ownership == "public"]
        self._used = dict.fromkeys((school.code for school in self.schools), 0)
        self._runner.run(self._make_room())

    async def _make_room(self) -> None:
        """Rosters of thousands for one school: plans that no authority may set, written past the rules."""
        connection = await asyncpg.connect(self.servers.postgres_url(database_name("registry")))
        try:
            await connection.execute("UPDATE enrolment_plans SET classes = 9999, places = 999999")
        finally:
            await connection.close()

    def close(self) -> None:
        for connection in self._looks.values():
            connection.terminate()
        self._runner.close()

    def _registrars(self) -> list[Account]:
        return [account for account in self.file.accounts if account.role == "registrar"]

    # ---- rosters ----------------------------------------------------------------------------------------------------

    def prepare(self, rows: int) -> tuple[Desk, Path]:
        """A workbook of new pupils for the school with the most classes left (of those alike the demonstration's own), all
        of whom the matcher knows."""
        view = min(self.schools, key=lambda school: self._used[school.code])
        school: School = demo.as_school(view)
        used = self._used[view.code]
        self._seed += 1
        roster = make_roster(
            self.folder / f"{self._seed}.xlsx",
            school=school,
            rows=rows,
            seed=self._seed,
            planted=False,
            population=Population(seed=self.population.seed, school_year=self.population.school_year),
            first_class=used + 1,
        )
        grades = -(-rows // (CLASS_SIZE * (CLASSES - used)))
        self._used[view.code] += -(-rows // (CLASS_SIZE * grades))
        self.matcher.grow(roster.needed)
        return open_desk(self.file, view), Path(roster.path)

    # ---- one run ----------------------------------------------------------------------------------------------------

    def run(self, rows: int) -> Run:
        """From the workbook to numbers."""
        desk, path = self.prepare(rows)
        with contextlib.closing(desk):
            return self.walk(desk, path, rows)

    def walk(self, desk: Desk, path: Path, rows: int) -> Run:
        for clients in desk.clients.values():
            for client in clients:
                client.get("/v1/rosters", limit=1)  # signed in: argon2 is not what is measured here
        begun = time.perf_counter()
        view = desk.registrar.upload(path, str(uuid.uuid4()))
        self._wait(view.id, RosterState.CHECKED)
        checked = time.perf_counter() - begun
        accepted = desk.registrar.roster(view.id).totals
        if accepted.valid + accepted.warned != rows:
            raise NotMeasured(f"{rows} rows were to be accepted, the check says {accepted}")
        before = {name: self._last_event(name) for name in COUNTED}

        meter = Meter(self.stack)
        confirm = self._timed(lambda: self._confirm(desk, view.id))
        steps: dict[str, float] = {}
        printing = 0.0
        for step, role, _ in STEPS:
            if step is Step.GUARDIAN:
                with meter.paused():
                    printing = self._timed(lambda: self._print(desk, view.id))
            steps[step.value] = self._timed(partial(self._decide, desk, view.id, step, role, rows))
        numbers = self._timed(lambda: self._wait(view.id, RosterState.COMPLETED))
        used = meter.read()
        numbered = desk.registrar.roster(view.id).numbers
        if sum(numbered.values()) != rows:
            raise NotMeasured(f"{rows} pupils were to get a number, these did: {numbered}")
        return Run(
            roster_id=view.id,
            rows=rows,
            phases=Phases(check=checked, confirm=confirm, steps=steps, printing=printing, numbers=numbers),
            cpu=used.cpu,
            trips={name: max(0.0, used.trips[name] - self.idle[name] * used.seconds) for name in used.trips},
            outbox={name: (first, self._last_event(name)) for name, first in before.items()},
        )

    def _confirm(self, desk: Desk, roster_id: str) -> None:
        desk.registrar.confirm(roster_id)
        self._wait(roster_id, RosterState.IN_APPROVAL)

    def _print(self, desk: Desk, roster_id: str) -> None:
        desk.registrar.print_sheets(roster_id)
        self._runner.run(self._until("sheets_state", roster_id, "ready"))

    def _decide(self, desk: Desk, roster_id: str, step: Step, role: str, rows: int) -> None:
        signed_on = self.file.today.isoformat() if step is Step.GUARDIAN else None
        moved = 0
        for client in desk.clients[role]:
            if moved == rows:
                break
            try:
                moved += client.decide(roster_id, step, signed_on=signed_on).moved
            except ApiProblem as problem:
                if problem.status not in (403, 404, 409):
                    raise
        if moved != rows:
            raise NotMeasured(f"step {step.value} moved {moved} of {rows} registrations")

    @staticmethod
    def _timed(work: Callable[[], None]) -> float:
        begun = time.perf_counter()
        work()
        return time.perf_counter() - begun

    # ---- looking on -------------------------------------------------------------------------------------------------

    def _wait(self, roster_id: str, state: RosterState) -> None:
        self._runner.run(self._until("state", roster_id, state.value))

    async def _until(self, column: str, roster_id: str, wanted: str) -> None:
        connection = await self._look("registry")
        query = f'SELECT "{column}" AS now, state, problem FROM rosters WHERE id = $1'
        end = time.monotonic() + PATIENCE
        while True:
            found = await connection.fetchrow(query, roster_id)
            if found and found["now"] == wanted:
                return
            if found and found["state"] in ("failed", "cancelled"):
                raise NotMeasured(f"the roster is {found['state']}: {found['problem']}")
            if time.monotonic() > end:
                raise NotMeasured(f"after {PATIENCE:.0f} s the roster is not {wanted} but {found and found['now']}")
            await asyncio.sleep(_LOOK)

    def _last_event(self, service: str) -> int:
        return int(self._sql(service, "SELECT coalesce(max(seq), 0) FROM outbox"))

    def _sql(self, service: str, statement: str) -> int:
        async def ask() -> int:
            return await (await self._look(service)).fetchval(statement) or 0

        return self._runner.run(ask())

    async def _look(self, service: str) -> asyncpg.Connection[asyncpg.Record]:
        if service not in self._looks:
            self._looks[service] = await asyncpg.connect(self.servers.postgres_url(database_name(service)))
        return self._looks[service]

    # ---- round trips ------------------------------------------------------------------------------------------------

    def listen(self) -> None:
        """Count what the idle system sends."""
        time.sleep(1.0)
        meter = Meter(self.stack)
        time.sleep(_QUIET)
        quiet = meter.read()
        self.idle = {name: count / quiet.seconds for name, count in quiet.trips.items()}


def _servers(stack: Stack) -> Servers:
    assert stack.postgres and stack.nats
    keys = msgspec.json.decode(stack.layout.credentials.read_bytes(), type=Credentials)
    return Servers(postgres=f"{stack.postgres.host}:{stack.postgres.port}", nats_url=stack.nats.url, credentials=keys)


@contextlib.contextmanager
def running(home: Path, more: Mapping[str, str] | None = None) -> Iterator[System]:
    """The whole system under `home`, which is deleted afterwards: nothing of a benchmark stays. `more`: settings besides."""
    for name in list(os.environ):
        if name.startswith("XUEJI_"):
            del os.environ[name]
    os.environ |= ENVIRONMENT | dict(more or {})
    layout = Layout(home)
    layout.clear()
    stack = Stack(layout, Terminal())
    try:
        stack.start()
        stack.announce()
        rosters = home / "rosters"
        rosters.mkdir()
        system = System(stack, rosters)
        system.listen()
        try:
            yield system
        finally:
            system.close()
    finally:
        stack.stop()
        layout.clear()
        shutil.rmtree(home, ignore_errors=True)
