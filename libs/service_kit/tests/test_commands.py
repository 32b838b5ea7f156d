"""Commands once."""

from __future__ import annotations

import asyncio
import logging

import pytest
from kit_sandbox import Sandbox, emit_command
from service_kit.bus import Unavailable
from shared_contracts.actors import system
from shared_contracts.decisions import Refused
from shared_contracts.identity import DropIntake, FindPersons
from shared_contracts.messages import Ok

ACTOR = system("test")
pytestmark = pytest.mark.integration


def drop(command_id: str, intake: str) -> DropIntake:
    return DropIntake(command_id=command_id, actor=ACTOR, intake_id=intake)


async def test_a_repeat_gets_the_first_reply_and_is_not_carried_out_again(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        assert await sandbox.bus.ask(drop("a", "x")) == Ok()
        assert await sandbox.bus.ask(drop("a", "x")) == Ok()
    assert sandbox.calls == ["x"]


async def test_the_reply_is_kept_sealed(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.registry()):
        first = await sandbox.bus.ask(emit_command("a", "0-0"))
        assert await sandbox.bus.ask(emit_command("a", "0-0")) == first
    (row,) = await sandbox.sql("registry", "SELECT reply FROM commands")
    assert b"decision_done" not in row["reply"]


async def test_twenty_copies_at_once_are_one(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        replies = await asyncio.gather(*(sandbox.bus.ask(drop("a", "x")) for _ in range(20)))
    assert replies == [Ok()] * 20
    assert await sandbox.taken() == ["command x"]


async def test_the_same_id_with_another_content_is_refused(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        await sandbox.bus.ask(drop("a", "x"))
        reply = await sandbox.bus.ask(drop("a", "y"))
    assert isinstance(reply, Refused) and reply.kind == "conflict"
    assert sandbox.calls == ["x"]


async def test_a_refusal_changes_nothing_and_may_succeed_later(sandbox: Sandbox) -> None:
    sandbox.fail.add("x")
    async with sandbox.running(sandbox.identity()):
        reply = await sandbox.bus.ask(drop("a", "x"))
        assert isinstance(reply, Refused) and reply.kind == "refused"
        assert await sandbox.taken() == []
        sandbox.fail.clear()
        assert await sandbox.bus.ask(drop("a", "x")) == Ok()
    assert await sandbox.taken() == ["command x"]


async def test_a_failing_handler_answers_at_once_and_logs_no_data(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    async with sandbox.running(sandbox.identity()):
        reply = await sandbox.bus.ask(drop("a", "boom"))
    assert isinstance(reply, Refused) and reply.kind == "unavailable"
    assert await sandbox.taken() == []
    assert "230102201901011234" not in " ".join(r.getMessage() for r in caplog.records if r.levelno >= logging.INFO)


async def test_bytes_that_are_no_command_are_refused(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        raw = await sandbox.client.request("cmd.identity.drop_intake", b'{"command_id": 7}', timeout=60)
    assert b'"kind":"invalid"' in raw.data


async def test_a_query_cannot_write(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        assert (await sandbox.bus.ask(FindPersons(actor=ACTOR, number="1"))).person_ids == ("p",)
        reply = await sandbox.bus.ask(FindPersons(actor=ACTOR, number="write"))
    assert isinstance(reply, Refused)
    assert await sandbox.taken() == []


async def test_nobody_there_is_known_at_once(sandbox: Sandbox) -> None:
    with pytest.raises(Unavailable):
        await sandbox.bus.ask(drop("a", "x"))


async def test_a_command_outlives_a_restart_of_postgresql(sandbox: Sandbox) -> None:
    async with sandbox.running(sandbox.identity()):
        assert await sandbox.bus.ask(drop("a", "x")) == Ok()
        await asyncio.to_thread(sandbox.postgres.stop)
        pending = asyncio.create_task(sandbox.bus.ask(drop("b", "y")))
        await asyncio.sleep(0.3)
        sandbox.postgres.start()
        assert await pending == Ok()
    assert await sandbox.taken() == ["command x", "command y"]
