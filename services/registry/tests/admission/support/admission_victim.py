"""A worker that is killed by SIGKILL at a chosen call: run by test_kills in a process of its own.

argv: `lists` | `placements`, `module:attribute[.attribute]`, `before` | `after`, and at which call of it. Standard input:
the documents that identity knows already. Environment: the registry's.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[2] / "registration" / "support"))
sys.path.insert(0, str(Path(__file__).parents[2] / "form" / "support"))

from admission_world import AdmissionWorld, KnownPeople
from registry.enrolment.admission import placing
from registry.enrolment.children import importing

CHUNK = 3


def wrap(target: str, when: str, nth: int) -> None:
    module, _, path = target.partition(":")
    *owners, name = path.split(".")
    owner: Any = importlib.import_module(module)
    for part in owners:
        owner = getattr(owner, part)
    original, calls = getattr(owner, name), 0

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = await original(*args, **kwargs)
        if calls == nth and when == "after":
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, wrapped)


async def main() -> None:
    which, target, when, nth = sys.argv[1:]
    importing.CHUNK = placing.BATCH = CHUNK
    wrap(target, when, int(nth))
    world = AdmissionWorld(dict(os.environ), KnownPeople())
    await (world.work() if which == "lists" else world.placing())


asyncio.run(main())
