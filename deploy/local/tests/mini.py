"""The local stack with small children in place of the services: real PostgreSQL and NATS, everything else as it is.

python mini.py run | up | down | …        MINI_BAD=<service> MINI_CHILD=dies|stubborn: what is wrong with which child
"""

from __future__ import annotations

import functools
import os
import sys
from pathlib import Path

from xueji_local import __main__ as command
from xueji_local import programs, running
from xueji_local.programs import SERVICES, Program

HERE = Path(__file__).parent
HANGS = 180.0
"""Seconds: on a busy machine seven children take a while to start."""


def children(environments: dict[str, dict[str, str]], ports: dict[str, int]) -> list[Program]:
    bad = os.environ.get("MINI_BAD", "")
    return [
        Program(
            name=name,
            args=(sys.executable, str(HERE / "child.py"), *((os.environ["MINI_CHILD"],) if name == bad else ())),
            environment={"CHILD_PORT": str(ports[name]), "CHILD_NAME": name},
            port=ports[name],
            start_seconds=HANGS,
        )
        for name in SERVICES
    ]


def patch() -> None:
    from xueji_local import stack  # a second of imports that `status` and `down` do without

    class MiniStack(stack.Stack):
        async def _migrate(self, environments: dict[str, dict[str, str]]) -> None:
            """The services' tables are not what these tests are about."""

    stack.Stack = functools.partial(MiniStack, make_programs=children, fill=False)  # type: ignore


if __name__ == "__main__":
    if sys.argv[1] in ("run", "supervise"):
        patch()
    programs.STOP_SECONDS = running.PATIENCE = 2.0
    command.DAEMON = (sys.executable, __file__, "supervise")
    command.main()
