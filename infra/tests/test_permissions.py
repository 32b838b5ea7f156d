"""What each NATS user may and may not do, proven against a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats
import nats.errors
import pytest
from nats.aio.client import Client
from nats.js.errors import APIError
from xueji_infra import nats_conf
from xueji_infra.topology import topology
from xueji_local.credentials import Credentials
from xueji_local.testing import AnyNats

pytestmark = pytest.mark.integration


class User:
    """A connection and the permission errors that the server sent it."""

    def __init__(self, client: Client, errors: list[str]) -> None:
        self.client, self.errors = client, errors

    async def settle(self) -> None:
        """Until the server has dealt with all we sent and we have heard what it says to that.

        nats-py's `flush` writes its PING ahead of the commands that wait to be written: the first flush writes those, the
        answer to the second comes after them.
        """
        await self.client.flush()
        await self.client.flush()

    async def refused(self) -> bool:
        """Whether the server has refused something since the last call."""
        await self.settle()
        found = any("permissions violation" in error.lower() for error in self.errors)
        self.errors.clear()
        return found


@asynccontextmanager
async def connected(bus: AnyNats, keys: Credentials, user: str, inbox: str | None = None) -> AsyncIterator[User]:
    errors: list[str] = []

    async def heard(error: Exception) -> None:
        errors.append(str(error))

    client = await nats.connect(
        bus.url,
        user=user,
        password=keys.nats_users[user],
        inbox_prefix=(inbox or f"_INBOX_{user}").encode(),
        allow_reconnect=False,
        error_cb=heard,
    )
    try:
        yield User(client, errors)
    finally:
        await client.close()


@pytest.mark.parametrize(
    ("user", "subject", "allowed"),
    [
        ("identity", "evt.identity.numbers_issued", True),
        ("identity", "evt.registry.registrations_approved", False),
        ("identity", "cmd.registry.open_roster", False),
        ("registry", "evt.registry.step_reached", True),
        ("registry", "cmd.identity.claim_persons", True),
        ("registry", "evt.identity.numbers_issued", False),
        ("notifications", "cmd.identity.reveal_documents", False),
        ("notifications", "evt.registry.step_reached", False),
        ("gateway", "cmd.registry.open_roster", True),
        ("gateway", "cmd.identity.reveal_documents", True),
        ("gateway", "cmd.identity.claim_persons", False),
        ("gateway", "evt.registry.step_reached", False),
        ("gateway", "evt.gateway.anything", False),
        ("operator", "cmd.registry.load_organisations", True),
        ("operator", "cmd.registry.change_supervision", True),
        ("identity", "qry.registry.known_organisations", True),
        ("notifications", "qry.registry.known_organisations", False),
        ("access", "qry.registry.known_policy", True),
        ("identity", "qry.registry.known_policy", False),
        ("operator", "cmd.registry.decide_roster", False),
        ("operator", "cmd.identity.reveal_documents", False),
        ("gateway", "cmd.access.sign_in", True),
        ("gateway", "cmd.access.load_accounts", False),
        ("gateway", "cmd.registry.load_organisations", False),
        ("operator", "cmd.access.load_accounts", True),
        ("operator", "cmd.access.create_account", False),
        ("registry", "cmd.access.seal_account", False),
        ("registry", "evt.access.appointments_changed", False),
        ("access", "evt.access.appointments_changed", True),
        ("access", "qry.registry.school_workload", True),
        ("access", "cmd.registry.decide_roster", False),
        ("access", "evt.registry.step_reached", False),
        ("transfer", "cmd.registry.grant_hold", True),
        ("transfer", "qry.registry.change_facts_of", True),
        ("transfer", "cmd.registry.decide_registration", False),
        ("transfer", "cmd.identity.reveal_documents", False),
        ("transfer", "qry.identity.find_persons", False),
        ("transfer", "evt.transfer.transfer_approved", True),
        ("registry", "evt.transfer.transfer_approved", False),
        ("registry", "qry.transfer.moved_deadlines", True),
        ("registry", "qry.access.moved_deadlines", True),
        ("registry", "qry.transfer.transfer", False),
        ("gateway", "qry.transfer.moved_deadlines", False),
        ("gateway", "cmd.transfer.open_transfer", True),
        ("gateway", "cmd.registry.grant_hold", False),
        ("gateway", "qry.registry.change_facts_of", False),
        # Each tells the audit log in its own name.
        ("registry", "evt.audit.entry.registry", True),
        ("gateway", "evt.audit.entry.gateway", False),
        ("registry", "evt.audit.entry.identity", False),
        ("gateway", "evt.audit.entry.registry", False),
        ("access", "evt.audit.entry.registry", False),
        ("registry", "evt.audit.entry", False),
        ("registry", "$JS.API.STREAM.PURGE.AUDIT", False),
        ("access", "$JS.API.STREAM.MSG.DELETE.AUDIT", False),
        ("gateway", "$JS.API.STREAM.MSG.GET.AUDIT", False),
        ("registry", "$JS.API.CONSUMER.MSG.NEXT.AUDIT.access-audit", False),
        ("gateway", "$JS.API.STREAM.DELETE.REGISTRY", False),
        ("registry", "$JS.API.STREAM.PURGE.REGISTRY", False),
        ("registry", "$JS.API.CONSUMER.MSG.NEXT.REGISTRY.identity-registry", False),
    ],
)
async def test_publish(bus: AnyNats, test_credentials: Credentials, user: str, subject: str, allowed: bool) -> None:
    async with connected(bus, test_credentials, user) as who:
        await who.client.publish(subject, b"{}")
        assert await who.refused() is not allowed


@pytest.mark.parametrize(
    ("user", "subject", "allowed"),
    [
        ("identity", "cmd.identity.*", True),
        ("identity", "cmd.registry.*", False),
        ("gateway", "cmd.identity.reveal_documents", False),
        ("gateway", "_INBOX_identity.>", False),
        ("gateway", "evt.>", False),
        ("notifications", ">", False),
        ("operator", "qry.registry.student", False),
    ],
)
async def test_subscribe(bus: AnyNats, test_credentials: Credentials, user: str, subject: str, allowed: bool) -> None:
    async with connected(bus, test_credentials, user) as who:
        await who.client.subscribe(subject)
        assert await who.refused() is not allowed


async def test_a_service_answers_once_and_only_whom_it_was_asked_by(
    bus: AnyNats, test_credentials: Credentials
) -> None:
    async with (
        connected(bus, test_credentials, "identity") as identity,
        connected(bus, test_credentials, "registry") as registry,
    ):
        subscription = await identity.client.subscribe("cmd.identity.stage_persons", queue="identity")
        await identity.settle()
        asking = asyncio.create_task(registry.client.request("cmd.identity.stage_persons", b"?", timeout=60))
        message = await subscription.next_msg(timeout=60)
        await message.respond(b"!")
        assert (await asking).data == b"!"
        assert not await identity.refused()
        await message.respond(b"again")
        assert await identity.refused()
        await identity.client.publish("_INBOX_registry.guess", b"unasked")
        assert await identity.refused()


async def test_events_flow_by_the_declared_consumer(bus: AnyNats, test_credentials: Credentials) -> None:
    """Publish with acknowledgement, look into the own stream, pull by the durable, acknowledge: all within the grants."""
    async with (
        connected(bus, test_credentials, "identity") as identity,
        connected(bus, test_credentials, "registry") as registry,
    ):
        js = identity.client.jetstream()
        sent = await js.publish("evt.identity.numbers_issued", b"1", headers={"Nats-Msg-Id": "a"})
        assert (await js.publish("evt.identity.numbers_issued", b"1", headers={"Nats-Msg-Id": "a"})).duplicate
        assert (await js.get_msg("IDENTITY", sent.seq)).data == b"1"
        assert (await js.stream_info("IDENTITY")).state.messages == 1
        pull = await registry.client.jetstream().pull_subscribe(
            "evt.identity.>", durable="registry-identity", stream="IDENTITY"
        )
        (message,) = await pull.fetch(1, timeout=60)
        await message.ack_sync(timeout=60)
        assert not await identity.refused()
        assert not await registry.refused()
        with pytest.raises((APIError, nats.errors.Error, TimeoutError)):
            await registry.client.jetstream(timeout=0.5).get_msg("IDENTITY", sent.seq)


async def test_operator_reads_and_removes_dead_letters(
    bus: AnyNats, test_credentials: Credentials, nats_admin: Client
) -> None:
    admin = nats_admin.jetstream()
    sent = await admin.publish("evt.identity.numbers_issued", b"poison")
    pull = await admin.pull_subscribe("evt.identity.>", durable="registry-identity", stream="IDENTITY")
    (message,) = await pull.fetch(1, timeout=60)
    await message.term()
    async with connected(bus, test_credentials, "operator") as operator:
        js = operator.client.jetstream()
        for _ in range(1200):
            state = (await js.stream_info("DLQ")).state
            if state.messages:
                break
            await asyncio.sleep(0.05)
        advisory = await js.get_msg("DLQ", state.last_seq)
        assert "MSG_TERMINATED.IDENTITY.registry-identity" in (advisory.subject or "")
        assert (await js.get_msg("IDENTITY", sent.seq)).data == b"poison"
        await js.publish("evt.identity.numbers_issued", b"poison", stream="IDENTITY")
        assert await js.delete_msg("DLQ", state.last_seq)
        assert not await operator.refused()


async def test_a_stranger_does_not_get_in(bus: AnyNats) -> None:
    with pytest.raises(nats.errors.Error):
        await nats.connect(bus.url, allow_reconnect=False, max_reconnect_attempts=0, connect_timeout=60)


def test_every_password_stands_once() -> None:
    passwords = {user: f"secret-of-{user}" for user in (nats_conf.ADMIN, *topology().nats_users)}
    text = nats_conf.render(passwords)
    assert all(text.count(f'"{password}"') == 1 for password in passwords.values())
    assert "sync_interval: always" in text
