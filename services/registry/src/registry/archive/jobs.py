"""The child process that sets an archive's PDF: `python -m registry.archive.jobs pdf`. No settings, no keys, no database."""

from __future__ import annotations

import contextlib
import os
import resource
import sys

import msgspec

from registry.archive.printing import ArchiveOrder, ArchivePrinter
from registry.rosters import frames

MEMORY = 2 * 1024**3
FAILED = 70


def main() -> int:
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.nice(5)
    try:
        printer = ArchivePrinter()
        while (frame := frames.read_frame(sys.stdin.buffer)) is not None:
            frames.write_frame(sys.stdout.buffer, printer.pdf(msgspec.msgpack.decode(frame, type=ArchiveOrder)))
    except BrokenPipeError:
        os.close(sys.stdout.fileno())
        return 0
    except Exception:
        return FAILED  # nothing is said: an exception's text would carry what stands in the archive
    return 0


if __name__ == "__main__":
    sys.exit(main())
