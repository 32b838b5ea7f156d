"""Moving the clock of all services of one machine: what the local stack and the end-to-end tests do. Forward alone.

A system that has seen September cannot go back to August: its journal and its audit log say when things were recorded.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from service_kit.clock import ZONE, Clock


class NotBack(ValueError):
    """The clock is to go back. Chinese, for whoever moves it."""


def begin(file: Path, at: datetime) -> None:
    """Let a system that has no clock yet begin at this moment; one that has keeps its own."""
    if not file.exists():
        _write(file, at)


def move(file: Path, to: datetime) -> None:
    """From now on the clock says this moment and goes on from there. Raises NotBack."""
    now = Clock(file).now()
    if to < now:
        raise NotBack(f"系统时间是{now:%Y-%m-%d %H:%M}，不能拨回{to:%Y-%m-%d %H:%M}：已有的记录都带着记录时间")
    _write(file, to)


def _write(file: Path, moment: datetime) -> None:
    seconds = int((moment - datetime.now(ZONE)).total_seconds())
    part = file.with_name(f"{file.name}.part")
    part.write_text(str(seconds))
    part.replace(file)  # nobody reads half a number
