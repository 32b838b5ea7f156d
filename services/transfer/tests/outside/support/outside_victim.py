"""A case with another province, killed by SIGKILL at a chosen call. argv: what is done (see below), to
which pupil or case, `module:attribute[.attribute]`, `before` | `after`, at which call of it, and the moment of its clock.
Environment: TRANSFER_ENV, REGISTRY_ENV and EVIDENCE (ids of papers), as JSON, and the tests' own path."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import datetime

from coming_world import ComingWorld
from kit_deadly import kill_at
from moving_world import MovingWorld
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.transfer import Step


async def main() -> None:
    act, thing, target, when, nth, moment = sys.argv[1:]
    kill_at(target, when, int(nth))
    world = ComingWorld(json.loads(os.environ["TRANSFER_ENV"]), MovingWorld(json.loads(os.environ["REGISTRY_ENV"])))
    world.clock.moment = datetime.fromisoformat(moment)
    world.registry.clock.moment = world.clock.moment
    given = json.loads(os.environ["EVIDENCE"])
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
