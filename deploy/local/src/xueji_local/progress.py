"""What the person at the terminal sees while things start: live lines on a terminal, plain ones elsewhere."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from rich.cells import cell_len
from rich.console import Console


class Terminal:
    """On a terminal a spinner that becomes a tick; elsewhere one line a step, at its end."""

    def __init__(self) -> None:
        # The output may be a file in another encoding than the text's: a lost character is better than a crash.
        if hasattr(sys.stdout, "reconfigure"):
            sys.stdout.reconfigure(errors="replace")
        self.console = Console(highlight=False, soft_wrap=True)

    def say(self, text: str, style: str | None = None) -> None:
        self.console.print(text, markup=False, style=style)
        self.console.file.flush()

    def note(self, text: str) -> None:
        self.say(f"  {text}")

    def problem(self, text: str) -> None:
        self.say(f"\n{text}", style="bold red" if self.console.is_terminal else None)

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        begun = time.monotonic()
        if self.console.is_terminal:
            with self.console.status(text):
                yield
        else:
            yield
        self.note(f"✓ {text}  {time.monotonic() - begun:.1f} s")

    def table(self, rows: Sequence[Sequence[str]], indent: str = "  ") -> None:
        """Columns in line; Chinese characters are two cells wide."""
        widths = [max(cell_len(row[i]) for row in rows) for i in range(len(rows[0]))]
        for row in rows:
            cells = (text + " " * (width - cell_len(text)) for text, width in zip(row, widths, strict=True))
            self.say(indent + "  ".join(cells).rstrip())
