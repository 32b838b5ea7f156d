"""The child process: `python -m registry.rosters.jobs <job>` (see JOBS). Opens untrusted files, holds no secrets.

Reads frames from standard input, writes frames to standard output (`frames`). It says nothing on standard error: an
exception's text would carry what stands in the file.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import resource
import sys
from collections.abc import Callable, Iterator
from typing import BinaryIO

import msgspec

from registry.form.check import SheetCheck
from registry.form.rules import FormFacts
from registry.rosters import frames
from registry.rosters.archive import Problem
from registry.rosters.duplicates import Seen
from registry.rosters.frames import CheckedRow, CheckOrder, Chunk, Opened, PrintOrder, ReturnOrder, Unreadable
from registry.rosters.lists import Layout
from registry.rosters.rows import check_row
from registry.rosters.workbook import Sheet, read

Job = Callable[[BinaryIO, BinaryIO], None]
MEMORY = 2 * 1024**3
SECONDS = 300  # of CPU: a file that takes longer is no roster. (Sheets are our own data: ten thousand take minutes.)
FAILED = 70


def check(source: BinaryIO, target: BinaryIO) -> None:
    """Order and file in; `Opened` and chunks, or `Unreadable`, out. Stops where the service takes no more."""
    order = msgspec.msgpack.decode(_need(source), type=CheckOrder)
    sheet = read(_need(source))
    if isinstance(sheet, Problem):
        frames.write_frame(target, frames.encode(Unreadable(code=sheet.code, message=sheet.message)))
        return
    frames.write_frame(target, frames.encode(Opened(rows=len(sheet.rows), notes=sheet.notes)))
    waiting: list[CheckedRow] = []
    for checked in checked_rows(sheet, order):
        if checked.row <= order.after_row:
            continue
        waiting.append(checked)
        if len(waiting) == order.chunk:
            frames.write_frame(target, frames.encode(Chunk(rows=tuple(waiting))))
            waiting = []
    if waiting:
        frames.write_frame(target, frames.encode(Chunk(rows=tuple(waiting))))


def checked_rows(sheet: Sheet, order: CheckOrder) -> Iterator[CheckedRow]:
    """Every row of the sheet: its form, the rules of registration, what stands twice in the file."""
    form = SheetCheck(sheet.columns, FormFacts(school=order.school, today=order.today), sheet.first_column)
    seen = Seen()
    for number, cells in sheet.rows:
        yield check_row(form.row(cells, number), number, order, seen)


def returned(source: BinaryIO, target: BinaryIO) -> None:
    """Order and file in, the workbook of refused rows out."""
    from registry.rosters.returned import returned as make

    order = msgspec.msgpack.decode(_need(source), type=ReturnOrder)
    sheet = read(_need(source))
    if isinstance(sheet, Problem):
        raise TypeError("this file was read before")
    frames.write_frame(target, make(sheet, order.findings))


def sheets(source: BinaryIO, target: BinaryIO) -> None:
    """A `PrintOrder` in, its PDF out, one after the other: the fonts are loaded once."""
    from registry.rosters.sheets import Printer

    printer = Printer()
    while (frame := frames.read_frame(source)) is not None:
        order = msgspec.msgpack.decode(frame, type=PrintOrder)
        if order.pages:
            pdf = printer.confirmation_sheets(order.school, order.class_title, order.pages, order.printed_on)
        else:
            pdf = printer.blank_form(order.school)
        frames.write_frame(target, pdf)


def _rows(module: str) -> Job:
    """A list in; its rows as text, or `Unreadable`, out. `module`: has the list's columns as `LAYOUT`."""

    def job(source: BinaryIO, target: BinaryIO) -> None:
        layout: Layout = importlib.import_module(module).LAYOUT
        rows = layout.rows_of(_need(source))
        reply = Unreadable(code=rows.code, message=rows.message) if isinstance(rows, Problem) else rows
        frames.write_frame(target, frames.encode(reply))

    return job


def notices(source: BinaryIO, target: BinaryIO) -> None:
    """A `NoticesOrder` in, its PDF out."""
    from registry.enrolment.admission.notices import NoticesOrder, Printer

    order = msgspec.msgpack.decode(_need(source), type=NoticesOrder)
    frames.write_frame(target, Printer().notices(order))


def _need(source: BinaryIO) -> bytes:
    frame = frames.read_frame(source)
    if frame is None:
        raise EOFError("an order was expected")
    return frame


JOBS: dict[str, Job] = {
    "check": check,
    "returned": returned,
    "sheets": sheets,
    "notices": notices,
    "organisations": _rows("registry.organisations.sheet"),
    "plans": _rows("registry.enrolment.plans.sheet"),
    "zones": _rows("registry.enrolment.zones.sheet"),
    "children": _rows("registry.enrolment.children.sheet"),
    "attendance": _rows("registry.attendance.sheet"),
    "junior_intake": _rows("registry.junior_intake.sheet"),
}


def _limit(job: str) -> None:
    """Less than the machine has, and after whoever answers requests."""
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        if job not in ("sheets", "notices"):
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(5)


def main(name: str) -> int:
    _limit(name)
    try:
        JOBS[name](sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        os.close(sys.stdout.fileno())  # the service went away: nobody is to be told
        return 0
    except Exception:
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
