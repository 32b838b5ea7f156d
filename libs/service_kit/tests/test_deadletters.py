"""Events that cannot be taken: neighbours go on, the bad one is kept, an operator sends it again."""

from __future__ import annotations

import asyncio

import pytest
from kit_sandbox import Sandbox, approved_event
from service_kit import deadletters, events
from service_kit.codec import encode

pytestmark = pytest.mark.integration
SUBJECT = "evt.registry.registrations_approved"


async def dead(sandbox: Sandbox, count: int) -> list[deadletters.DeadLetter]:
    async with asyncio.timeout(60):
        while len(found := await deadletters.listed(sandbox.client.jetstream())) < count:
            await asyncio.sleep(0.1)
    return found


async def test_a_poisoned_message_is_a_dead_letter_at_once_and_holds_nobody_up(sandbox: Sandbox) -> None:
    js = sandbox.client.jetstream()
    async with sandbox.running(sandbox.identity()):
        await js.publish(SUBJECT, b'{"type": "registry.registrations_approved", "approved": 7}')
        await js.publish(SUBJECT, encode(approved_event("1")), headers={"ce-id": "e1"})
        assert await sandbox.wait_taken({"1"}) == ["1"]
        (letter,) = await dead(sandbox, 1)
    assert (letter.reason, letter.consumer, letter.stream_seq) == ("terminated", "identity-registry", 1)


async def test_a_failing_event_is_tried_again_given_up_and_replayed(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "_DELAYS", (0.1, 0.1, 0.1))
    sandbox.fail.add("2")
    js = sandbox.client.jetstream()
    async with sandbox.running(sandbox.identity()):
        for number in ("1", "2", "3"):
            await js.publish(SUBJECT, encode(approved_event(number)), headers={"ce-id": f"e{number}"})
        await sandbox.wait_taken({"1", "3"})
        (letter,) = await dead(sandbox, 1)
        assert (letter.reason, letter.event_id, letter.subject) == ("max_deliver", "e2", SUBJECT)
        assert sorted(await sandbox.taken()) == ["1", "3"]

        sandbox.fail.clear()  # the cause is cured
        assert await deadletters.replay(js, [letter]) == 1
        assert sorted(await sandbox.wait_taken({"1", "2", "3"})) == ["1", "2", "3"]
        assert await deadletters.listed(js) == []
