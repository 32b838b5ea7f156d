"""Carries out one command on an assignment and kills itself after its nth statement: `victim ACT ID N NOW`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from classes_world import VALUE, ClassesWorld
from registry_world import PRINCIPAL
from service_kit.ids import derived
from shared_contracts.classes import ApplyAssignment, DrawAssignment
from shared_contracts.decisions import Refused


def die_after(world: ClassesWorld, count: int) -> None:
    seen = 0

    def on_query(_record: Any) -> None:
        nonlocal seen
        seen += 1
        if seen > count:
            os.kill(os.getpid(), signal.SIGKILL)

    @sa.event.listens_for(world.db.engine.sync_engine, "connect")
    def watch(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.driver_connection.add_query_logger(on_query)


async def main(act: str, assignment_id: str, count: int, now: str) -> None:
    world = ClassesWorld(dict(os.environ))
    world.clock.moment = datetime.fromisoformat(now)
    die_after(world, count)
    common = {"command_id": derived("victim", act), "actor": PRINCIPAL, "assignment_id": assignment_id}
    kind: Any = DrawAssignment if act == "draw" else ApplyAssignment
    reply = await world.do(kind(**common, **({"public_value": VALUE} if act == "draw" else {})))
    assert not isinstance(reply, Refused), reply
    await world.shut()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]))
