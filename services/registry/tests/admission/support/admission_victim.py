"""A worker that is killed by SIGKILL at a chosen call: run by test_kills in a process of its own.

argv: `lists` | `placements`, `module:attribute[.attribute]`, `before` | `after`, and at which call of it. Standard input:
the documents that identity knows already. Environment: the registry's.
"""

from __future__ import annotations

import asyncio
import os
import sys

from admission_world import AdmissionWorld, KnownPeople
from kit_deadly import kill_at
from registry.enrolment.admission import placing
from registry.enrolment.children import importing

CHUNK = 3


async def main() -> None:
    which, target, when, nth = sys.argv[1:]
    importing.CHUNK = placing.BATCH = CHUNK
    kill_at(target, when, int(nth))
    world = AdmissionWorld(dict(os.environ), KnownPeople())
    await (world.work() if which == "lists" else world.placing())


asyncio.run(main())
