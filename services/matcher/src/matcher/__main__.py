"""`python -m matcher serve`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from matcher import logs
from matcher.server import PortTaken, serve
from matcher.settings import BadSettings, from_environment
from matcher.store import WrongSeed


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m matcher", description="Stand-in for the population service.")
    parser.add_argument("command", choices=["serve"])
    parser.parse_args()
    try:
        settings = from_environment(os.environ)
        logs.configure(settings.log_level)
        asyncio.run(serve(settings))
    except (BadSettings, PortTaken, WrongSeed) as error:
        sys.stderr.write(f"matcher: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
