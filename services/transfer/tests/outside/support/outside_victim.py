"""A case with another province, killed by SIGKILL at a chosen call. argv: what is done (see below), to which pupil or case,
`module:attribute[.attribute]`, `before` | `after`, at which call of it, and the ids of the papers that are attached.
Environment: `TransferWorld.until_killed`."""

from __future__ import annotations

import asyncio
import sys

from coming_world import ComingWorld
from kit_deadly import kill_at
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.transfer import Step


async def main() -> None:
    act, thing, target, when, nth, *given = sys.argv[1:]
    kill_at(target, when, int(nth))
    world = ComingWorld.of_the_victim()
    if act == "leave":
        await world.leave(thing, transfer_id="t-1", command_id="c-1", evidence=world.given(given))
    elif act == "come":
        papers = tuple(EvidenceGiven(evidence_id=one, kind=EvidenceKind.RESIDENCE) for one in given)
        await world.come(int(thing), transfer_id="t-1", command_id="c-1", evidence=papers)
    elif act == "enter":
        await world.enter(thing, Step.RECEIVING_AUTHORITY, command_id="c-2", evidence=world.given(given))
    elif act == "enter_release":
        await world.enter(thing, Step.RELEASING_SCHOOL, command_id="c-2", evidence=world.given(given))
    elif act == "register":
        await world.register(thing)
    elif act == "issue":
        await world.issue(thing)
    else:
        await world.carry()


asyncio.run(main())
