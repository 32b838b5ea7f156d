"""The service as it runs: its own process, commands over NATS, events through JetStream, the matcher over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
import nats
import pytest
import pytest_asyncio
from identity_support import NOW, SCHOOL, People, TheMatcher
from kit_patience import HANGS, PatientBus
from nats.aio.client import Client
from service_kit.clock import ZONE
from service_kit.ids import new_id
from shared_contracts.actors import system
from shared_contracts.identity import (
    Claim,
    Claimed,
    ClaimPersons,
    FindPersons,
    Member,
    NumberKind,
    NumbersIssued,
    NumbersUpgraded,
    PersonEntry,
    RevealDocuments,
    StagePersons,
    Verification,
)
from shared_contracts.messages import subject
from shared_contracts.registry import Approved, RegistrationsApproved, RegistrationsClosed
from xueji_local.processes import free_port

pytestmark = pytest.mark.integration
ACTOR = system("registry")
TRACE = f"{time.time_ns():032x}"
TRACEPARENT = f"00-{TRACE}-00f067aa0ba902b7-01"


class Running:
    """`python -m identity serve`, and registry's side of the bus."""

    def __init__(self, env: dict[str, str], output: Path, client: Client) -> None:
        self.env, self.output, self.client = env, output, client
        self.bus = PatientBus(client)
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        environ = {key: value for key, value in os.environ.items() if not key.startswith("XUEJI_")} | self.env
        with self.output.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "identity", "serve"], env=environ, stdout=output, stderr=subprocess.STDOUT
            )
        url = f"http://127.0.0.1:{self.env['XUEJI_HEALTH_PORT']}"
        async with httpx.AsyncClient(base_url=url) as http:
            for _ in range(600):
                assert self.process.poll() is None, self.output.read_text()
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get("/health/ready")).status_code == 200:
                        return
                await asyncio.sleep(0.1)
        pytest.fail(self.output.read_text())

    def kill(self, number: int = signal.SIGKILL) -> None:
        if self.process and self.process.poll() is None:
            self.process.send_signal(number)
            self.process.wait(HANGS)

    async def enter(self, entries: Sequence[PersonEntry]) -> tuple[Claimed, ...]:
        intake = new_id()
        await self.bus.need(
            StagePersons(
                command_id=new_id(),
                actor=ACTOR,
                intake_id=intake,
                school=SCHOOL,
                rows=tuple(entries),
                expires_at=datetime.now(ZONE) + timedelta(days=30),  # of the clock that the service has
            )
        )
        reply = await self.bus.need(
            ClaimPersons(
                command_id=new_id(),
                actor=ACTOR,
                intake_id=intake,
                school=SCHOOL,
                claims=tuple(Claim(row=entry.row, registration_id=new_id()) for entry in entries),
            )
        )
        return reply.claims  # type: ignore[no-any-return]

    async def publish(self, event: Any, event_id: str | None = None, times: int = 1) -> None:
        """As registry's relay does; `times`: delivered again with the same id, past the stream's own duplicate check."""
        event_id = event_id or new_id()
        for i in range(times):
            headers = {"ce-id": event_id, "Nats-Msg-Id": f"{event_id}-{i}", "traceparent": TRACEPARENT}
            await self.client.jetstream().publish(subject(event), msgspec.json.encode(event), headers=headers)

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.env["XUEJI_DATABASE_URL"])
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def until(self, sql: str, wanted: Any, seconds: float = HANGS) -> None:
        for _ in range(int(seconds * 10)):
            if (found := (await self.rows(sql))[0][0]) == wanted:
                return
            await asyncio.sleep(0.1)
        pytest.fail(f"{sql}: {found}, not {wanted}\n{self.output.read_text()[-3000:]}")


@pytest_asyncio.fixture
async def running(
    service_env: Any,
    matcher: TheMatcher,
    nats_server: Any,
    test_credentials: Any,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> AsyncIterator[Running]:
    """`indirect` with other seconds: how long it waits for the matcher; else so long that an answer always comes."""
    env = await service_env(
        "identity",
        XUEJI_MATCHER_URL=matcher.url,
        XUEJI_MATCHER_API_KEY=matcher.key,
        XUEJI_MATCHER_BUDGET_SECONDS=getattr(request, "param", str(HANGS)),
        XUEJI_MATCHER_BREAKER_SECONDS="0.5",
        XUEJI_HEALTH_PORT=str(free_port()),
        XUEJI_LOG_LEVEL="DEBUG",
    )
    client = await nats.connect(
        nats_server.url,
        user="registry",
        password=test_credentials.nats_users["registry"],
        inbox_prefix=b"_INBOX_registry",
    )
    service = Running(env, tmp_path / "identity.log", client)
    await service.start()
    yield service
    service.kill()
    await client.close()


def approved(claims: Sequence[Claimed]) -> RegistrationsApproved:
    return RegistrationsApproved(
        school=SCHOOL,
        roster_id="roster",
        approved=tuple(
            Approved(registration_id=item.registration_id, person_id=item.person_id or "") for item in claims
        ),
    )


async def written(output: Path, text: str) -> None:
    """Until a process has written it: it may answer first and log afterwards."""
    async with asyncio.timeout(HANGS):
        while text not in output.read_text():
            await asyncio.sleep(0.05)


async def told(nats_admin: Client, kind: type[Any], count: int) -> list[Any]:
    """The first `count` numbers that the stream tells of in events of a kind."""
    found: list[Any] = []
    subscription = await nats_admin.jetstream().subscribe(subject(kind), stream="IDENTITY", ordered_consumer=True)
    try:
        while len(found) < count:
            message = await subscription.next_msg(timeout=HANGS)
            found.extend(msgspec.json.decode(message.data, type=kind).numbers)
    finally:
        await subscription.unsubscribe()
    return found


@pytest.mark.clause("15.3")
async def test_from_approval_to_numbers_over_the_bus(
    running: Running, matcher: TheMatcher, nats_admin: Client, people: People
) -> None:
    entries = people.entries(6)
    matcher.knows(entries[:4])
    claims = await running.enter(entries)
    await running.publish(approved(claims), times=3)
    numbers = await told(nats_admin, NumbersIssued, 6)
    kinds = {item.person_id: item.kind for item in numbers}
    assert [kinds[item.person_id] for item in claims] == [NumberKind.G] * 4 + [NumberKind.L] * 2
    assert (await running.rows("SELECT count(*) FROM student_numbers"))[0][0] == 6
    found = await running.bus.need(FindPersons(actor=ACTOR, number="G" + entries[0].document_number))
    assert found.person_ids == (claims[0].person_id,)

    async with httpx.AsyncClient(timeout=HANGS) as http:
        metrics = (await http.get(f"http://127.0.0.1:{running.env['XUEJI_HEALTH_PORT']}/metrics")).text
    assert 'numbers_issued_total{kind="G"} 4.0' in metrics
    assert 'matcher_outcomes_total{outcome="not_found"} 2.0' in metrics
    assert "matcher_breaker_open 0.0" in metrics
    assert "matcher_call_seconds_count" in metrics


@pytest.mark.slow
@pytest.mark.clause("15.3")
async def test_killed_while_the_matcher_thinks(
    running: Running, matcher: TheMatcher, nats_admin: Client, people: People
) -> None:
    """SIGKILL with 30 questions on their way: after a restart all have their number, and nobody two."""
    entries = people.entries(30)
    matcher.knows(entries)
    claims = await running.enter(entries)
    matcher.faults(delay_ms=60_000)
    await running.publish(approved(claims))
    await running.until("SELECT count(*) FROM number_requests WHERE lease IS NOT NULL", 30)
    running.kill()
    matcher.faults()
    assert (await running.rows("SELECT count(*) FROM student_numbers"))[0][0] == 0
    await running.rows("UPDATE number_requests SET leased_until = now()")  # the lease runs out
    await running.start()
    numbers = await told(nats_admin, NumbersIssued, 30)
    assert {item.person_id for item in numbers} == {item.person_id for item in claims}
    assert {item.kind for item in numbers} == {NumberKind.G}
    assert (await running.rows("SELECT count(*) FROM number_requests"))[0][0] == 0


@pytest.mark.parametrize("running", ["1.5"], indirect=True)
@pytest.mark.clause("15.4")
async def test_an_outage_passes_and_nobody_has_to_do_anything(
    running: Running, matcher: TheMatcher, nats_admin: Client, people: People
) -> None:
    entries = people.entries(5)
    matcher.knows(entries)
    claims = await running.enter(entries)
    matcher.faults(down={"how": "close"})
    await running.publish(approved(claims))
    first = await told(nats_admin, NumbersIssued, 5)
    assert {(item.kind, item.verification) for item in first} == {(NumberKind.L, Verification.UNAVAILABLE)}
    matcher.faults()

    async def time_passes() -> None:
        """Half a minute and more each second: a matcher that is too slow for 1.5 s is asked again, like a silent one."""
        while True:
            await running.rows("UPDATE number_requests SET next_attempt_at = now() WHERE lease IS NULL")
            await asyncio.sleep(1)

    passing = asyncio.create_task(time_passes())
    try:
        upgraded = await told(nats_admin, NumbersUpgraded, 5)
    finally:
        passing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await passing
    assert {(item.kind, item.verification) for item in upgraded} == {(NumberKind.G, Verification.MATCHED)}


async def test_one_trace_from_the_approval_to_the_matcher_and_the_number(
    running: Running, matcher: TheMatcher, nats_admin: Client, people: People
) -> None:
    """It crosses the inbox, the table of requests, HTTP and the outbox."""
    claims = await running.enter(people.entries(2))
    await running.publish(approved(claims))
    await told(nats_admin, NumbersIssued, 2)
    # One event or two: two workers may share the requests between them.
    rows = await running.rows("SELECT headers FROM outbox WHERE subject = $1", subject(NumbersIssued))
    assert rows
    assert {msgspec.json.decode(row["headers"])["traceparent"].split("-")[1] for row in rows} == {TRACE}
    await written(matcher.output, TRACE)


async def test_withdrawn_registrations_let_go(running: Running, people: People) -> None:
    claims = await running.enter(people.entries(3))
    closed = tuple(Approved(registration_id=c.registration_id, person_id=c.person_id or "") for c in claims[:2])
    await running.publish(RegistrationsClosed(school=SCHOOL, closed=closed, reason="rejected"))
    await running.until("SELECT count(*) FROM record_claims", 1)
    await running.until("SELECT count(*) FROM persons", 1)


async def test_it_stops_cleanly(running: Running) -> None:
    running.kill(signal.SIGTERM)
    assert running.process is not None
    assert running.process.returncode == 0
    assert "Traceback" not in running.output.read_text()


async def test_no_personal_data_leaves_in_logs_or_events(
    running: Running, matcher: TheMatcher, nats_admin: Client, people: People
) -> None:
    """At level DEBUG, with failures, refusals and a poisoned event: no number, and no name in the logs."""
    father = people.number("230102", NOW.date().replace(year=1988), "1")
    entries = [
        msgspec.structs.replace(
            entry, name=f"王䶮{i}", members=(Member(slot=1, document_kind="1", document_number=father),)
        )
        for i, entry in enumerate(people.entries(4))
    ]
    matcher.knows(entries[:2])
    matcher.faults(status=500, times=1)
    claims = await running.enter(entries)
    await running.enter(entries)  # all held
    await running.publish(approved(claims))
    numbers = await told(nats_admin, NumbersIssued, 4)
    ids = tuple(item.person_id or "" for item in claims)
    revealed = await running.bus.need(
        RevealDocuments(command_id=new_id(), actor=ACTOR, person_ids=ids, purpose="打印确认单")
    )
    await running.client.request("cmd.identity.stage_persons", f'{{"rows": "{father}"}}'.encode(), timeout=HANGS)
    await running.client.jetstream().publish(
        "evt.registry.registrations_approved", f'{{"school": "{father} {entries[0].name}"}}'.encode()
    )
    await asyncio.sleep(0.5)
    running.kill(signal.SIGTERM)

    written = running.output.read_text()
    assert "registrations_approved" in written  # the poisoned event was told
    secrets = {father, *(entry.document_number for entry in entries)}
    secrets |= {person.student_number for person in revealed.persons}
    for secret in secrets:
        assert secret not in written
        assert secret[6:] not in written
    for entry in entries:
        assert entry.name not in written
    for row in await running.rows("SELECT payload FROM outbox"):
        assert not any(secret.encode() in row["payload"] for secret in secrets)
    assert len(numbers) == 4
