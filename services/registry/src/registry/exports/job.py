"""The child process that writes a workbook: `python -m registry.exports.job export`. It has no settings and no keys but
that of the marks; a death of it harms nobody. Frames as between the roster worker and its children (`rosters.frames`).
"""

from __future__ import annotations

import contextlib
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from registry.exports.sheet import Row, Rows, SheetOrder, write
from registry.rosters import frames

MEMORY = 1024**3
PIECE = 256 * 1024
FAILED = 70

_order = msgspec.msgpack.Decoder(SheetOrder)
_rows = msgspec.msgpack.Decoder(Rows)


def export(source: BinaryIO, target: BinaryIO) -> None:
    """Order and chunks of rows in, an empty chunk behind them; the workbook out, in pieces."""
    frame = frames.read_frame(source)
    if frame is None:
        raise EOFError("an order was expected")
    with tempfile.TemporaryFile() as book:
        write(_order.decode(frame), rows(source), book)
        book.seek(0)
        while piece := book.read(PIECE):
            frames.write_frame(target, piece)


def rows(source: BinaryIO) -> Iterator[Row]:
    while True:
        frame = frames.read_frame(source)
        if frame is None:
            raise EOFError("the service went away before the last row")
        chunk = _rows.decode(frame).rows
        if not chunk:
            return
        yield from chunk


def main() -> int:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(5)
    try:
        export(sys.stdin.buffer, sys.stdout.buffer)
    except BrokenPipeError:
        os.close(sys.stdout.fileno())  # the service went away: nobody is to be told
        return 0
    except Exception:
        return FAILED  # nothing is said: an exception's text would carry what stands in the rows
    return 0


if __name__ == "__main__":
    sys.exit(main())
