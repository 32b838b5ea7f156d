"""From the handler's transaction to the other service's: nothing lost, nothing twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import nats.errors
import pytest
from kit_sandbox import Sandbox, approved_event, emit_command
from nats.js.errors import NotFoundError
from service_kit.codec import encode
from service_kit.relay import Relay

pytestmark = pytest.mark.integration


def ids(first: int, last: int) -> set[str]:
    return {str(number) for number in range(first, last)}


async def in_stream(sandbox: Sandbox) -> list[str]:
    """The event ids that the stream REGISTRY holds, in order."""
    js = sandbox.client.jetstream()
    state = (await js.stream_info("REGISTRY")).state
    found = []
    for seq in range(max(state.first_seq, 1), state.last_seq + 1):
        try:
            message = await js.get_msg("REGISTRY", seq)
        except NotFoundError:
            continue
        found.append((message.headers or {})["ce-id"])
    return found


async def test_events_of_one_act_arrive_once_and_in_order(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.registry(), sandbox.identity()):
        await sandbox.ask_patiently(emit_command("a", "0-1200"))
        assert await sandbox.wait_taken(ids(0, 1200)) == [str(n) for n in range(1200)]


async def test_the_same_event_delivered_again_is_dropped_by_the_inbox(sandbox: Sandbox) -> None:
    js = sandbox.client.jetstream()
    async with sandbox.running(sandbox.identity()):
        for attempt in range(100):
            headers = {"ce-id": "event-1", "Nats-Msg-Id": f"transport-{attempt}"}
            await js.publish("evt.registry.registrations_approved", encode(approved_event("1")), headers=headers)
        await js.publish(
            "evt.registry.registrations_approved", encode(approved_event("2")), headers={"ce-id": "event-2"}
        )
        assert await sandbox.wait_taken({"1", "2"}) == ["1", "2"]


async def test_an_event_is_published_only_after_the_commit(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.registry()):
        await sandbox.ask_patiently(emit_command("a", "0-3"))
        await sandbox.ask_patiently(emit_command("a", "0-3"))  # a repeat emits nothing
        async with asyncio.timeout(60):
            while len(await in_stream(sandbox)) < 3:
                await asyncio.sleep(0.05)
    rows = await sandbox.sql("registry", "SELECT event_id, stream_seq FROM outbox ORDER BY seq")
    assert [row["event_id"] for row in rows] == await in_stream(sandbox)
    assert [row["stream_seq"] for row in rows] == [1, 2, 3]


async def hanging(sandbox: Sandbox) -> bool:
    return bool(
        await sandbox.sql(
            "registry",
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'SELECT pg_sleep%'",
        )
    )


@pytest.mark.parametrize("where", ["before_commit", "before_publish", "before_mark"])
async def test_a_kill_at_any_line_loses_nothing_and_doubles_nothing(sandbox: Sandbox, where: str) -> None:
    support = Path(__file__).parent / "support"
    victim = subprocess.Popen(
        [sys.executable, str(Path(__file__).parent / "victim.py"),
         sandbox.databases["registry"], sandbox.nats.url, where],
        env={**os.environ, "PYTHONPATH": str(support)},
    )  # fmt: skip
    try:
        async with asyncio.timeout(60):
            while victim.poll() is None and not await hanging(sandbox):
                # Until it is there and at the chosen line; its answer may be cut off by the kill.
                with contextlib.suppress(nats.errors.Error, TimeoutError):
                    await sandbox.client.request(
                        "cmd.registry.decide_roster", encode(emit_command("a", "0-700")), timeout=0.5
                    )
                await asyncio.sleep(0.1)
        if where == "before_commit":
            victim.kill()
        assert await asyncio.to_thread(victim.wait, 60) == -9
    finally:
        victim.kill()
        victim.wait()
    # A new copy, the same command again (the client had no answer), and the other service.
    async with sandbox.running(sandbox.registry(), sandbox.identity()):
        await sandbox.ask_patiently(emit_command("a", "0-700"))
        taken = await sandbox.wait_taken(ids(0, 700))
    assert sorted(taken, key=int) == [str(n) for n in range(700)]
    assert len(set(await in_stream(sandbox))) == 700


async def test_a_restart_of_nats_interrupts_and_loses_nothing(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.registry(), sandbox.identity()):
        await sandbox.ask_patiently(emit_command("a", "0-50"))
        await sandbox.wait_taken(ids(0, 50))
        await asyncio.to_thread(sandbox.nats.kill)
        # Accepted while the bus is away: PostgreSQL is the record.
        rows = [(f"e{n}", encode(approved_event(str(n)))) for n in range(50, 100)]
        for event_id, payload in rows:
            await sandbox.sql(
                "registry",
                "INSERT INTO outbox (event_id, subject, key, payload, headers) "
                "VALUES ($1, 'evt.registry.registrations_approved', 'r', $2, '{}')",
                event_id,
                payload,
            )
        sandbox.nats.start()
        await sandbox.wait_taken(ids(0, 100))
    assert sorted(await sandbox.taken(), key=int) == [str(n) for n in range(100)]


async def test_the_relay_outlives_an_answer_nobody_foresaw(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    publish, failures = Relay._publish, [KeyError("seq"), ValueError("no number")]

    async def strange(self: Relay, rows: Any) -> list[int]:
        if failures:
            raise failures.pop()
        return await publish(self, rows)

    monkeypatch.setattr(Relay, "_publish", strange)
    async with sandbox.running(sandbox.registry(), sandbox.identity()):
        await sandbox.ask_patiently(emit_command("a", "0-20"))
        assert await sandbox.wait_taken(ids(0, 20)) == [str(n) for n in range(20)]
    assert failures == [] and "relay interrupted" in caplog.text


async def test_an_old_store_put_back_is_filled_again(sandbox: Sandbox, tmp_path: Path) -> None:
    saved = tmp_path / "saved"
    async with sandbox.running(sandbox.registry(), sandbox.identity()):
        await sandbox.ask_patiently(emit_command("a", "0-600"))
        await sandbox.wait_taken(ids(0, 600))
        await asyncio.to_thread(sandbox.nats.save_store, saved)
        await sandbox.ask_patiently(emit_command("b", "600-1000"))
        await sandbox.wait_taken(ids(0, 1000))
        assert len(await in_stream(sandbox)) == 1000
        await asyncio.to_thread(sandbox.nats.restore_store, saved)
        await sandbox.ask_patiently(emit_command("c", "1000-1010"))
        await sandbox.wait_taken(ids(0, 1010))
        async with asyncio.timeout(60):
            while len(set(await in_stream(sandbox))) < 1010:
                await asyncio.sleep(0.1)
    assert sorted(await sandbox.taken(), key=int) == [str(n) for n in range(1010)]
    rows = await sandbox.sql("registry", "SELECT count(*) n, count(DISTINCT stream_seq) d FROM outbox")
    assert (rows[0]["n"], rows[0]["d"]) == (1010, 1010)


async def test_postgresql_killed_while_events_flow(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.registry(), sandbox.identity()):
        await sandbox.ask_patiently(emit_command("a", "0-300"))
        await asyncio.to_thread(sandbox.postgres.stop)
        await asyncio.sleep(0.5)
        sandbox.postgres.start()
        await sandbox.ask_patiently(emit_command("b", "300-600"))
        await sandbox.wait_taken(ids(0, 600))
    assert sorted(await sandbox.taken(), key=int) == [str(n) for n in range(600)]


async def test_the_row_carries_the_trace_and_cloudevents_attributes(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.registry()):
        await sandbox.ask_patiently(emit_command("a", "0-1"))
        async with asyncio.timeout(60):
            while not await in_stream(sandbox):
                await asyncio.sleep(0.05)
    message = await sandbox.client.jetstream().get_msg("REGISTRY", 1)
    headers = message.headers or {}
    assert headers["ce-type"] == "registry.registrations_approved"
    assert headers["ce-source"] == "/xueji/registry" and headers["ce-specversion"] == "1.0"
    assert json.loads(message.data or b"")["type"] == "registry.registrations_approved"
