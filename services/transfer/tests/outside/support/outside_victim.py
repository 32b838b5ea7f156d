"""A case with another province, killed by SIGKILL at a chosen call. argv: what is done (`leave`, `enter` or `carry`), to
which pupil or case, `module:attribute[.attribute]`, `before` | `after`, at which call of it, and the moment of its clock.
Environment: TRANSFER_ENV, REGISTRY_ENV and EVIDENCE (ids of papers), as JSON, and the tests' own path."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from datetime import datetime

from kit_deadly import kill_at
from moving_world import MovingWorld
from outside_world import OutsideWorld
from shared_contracts.transfer import Step


async def main() -> None:
    act, thing, target, when, nth, moment = sys.argv[1:]
    kill_at(target, when, int(nth))
    world = OutsideWorld(json.loads(os.environ["TRANSFER_ENV"]), MovingWorld(json.loads(os.environ["REGISTRY_ENV"])))
    world.clock.moment = datetime.fromisoformat(moment)
    world.registry.clock.moment = world.clock.moment
    given = json.loads(os.environ["EVIDENCE"])
    if act == "leave":
        await world.leave(thing, transfer_id="t-1", command_id="c-1", evidence=world.given(given))
    elif act == "enter":
        await world.enter(thing, Step.RECEIVING_AUTHORITY, command_id="c-2", evidence=world.given(given))
    else:
        await world.carry()


asyncio.run(main())
