"""What the operator of a local stack asks of a service over the bus, patiently: it may only just have started."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TypeVar

import msgspec
import nats
from regulation import divisions
from service_kit.bus import Bus, Unavailable, Unknown
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.messages import Command
from xueji_infra.nats_conf import inbox_prefix

OPERATOR = Actor(account="local-operator", name="本机运维", organisation=divisions.PROVINCE, roles=(Role.OPERATOR,))
C = TypeVar("C", bound=Command)
_TRIES = 20
_SECONDS = 20.0


def named(what: str, command: C) -> C:
    """The command under an id that is a digest of all that it says: the same is carried out once, and when a later version
    says more it is another command."""
    digest = hashlib.sha256(msgspec.json.encode(command)).hexdigest()[:32]
    return msgspec.structs.replace(command, command_id=f"{what}-{digest}")


async def carry_out(nats_url: str, password: str, command: Command) -> str | None:
    """Send a command as the NATS user `operator`. None, or (Chinese) why it was refused.

    The same command is carried out once, so it is repeated while there is no answer, or only that of a service that is
    not ready. Raises Unavailable or Unknown when none comes.
    """
    prefix = inbox_prefix("operator").encode()
    client = await nats.connect(nats_url, user="operator", password=password, inbox_prefix=prefix, connect_timeout=5)
    try:
        reply = await _patiently(Bus(client), command)
    finally:
        await client.close()
    return reply.detail if isinstance(reply, Refused) else None


async def _patiently(bus: Bus, command: Command) -> object:
    for _ in range(_TRIES):
        try:
            reply = await bus.ask(command, timeout=_SECONDS)
        except (Unavailable, Unknown):
            pass
        else:
            if not (isinstance(reply, Refused) and reply.kind == "unavailable"):
                return reply
        await asyncio.sleep(0.5)
    return await bus.ask(command, timeout=_SECONDS)
