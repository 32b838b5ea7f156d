"""What the demonstration shows while it works: a bar on a terminal, a line now and then where there is none."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from xueji_local.progress import Terminal

Advance = Callable[[str, int, int], None]
"""(title, done, total) as often as somebody knows them."""
_EVERY, _SLOWEST = 5.0, 60.0
"""Seconds between two lines where there is no terminal, first and at most: what takes long is told more seldom."""

_PAGE = 140
"""Columns of a record."""


class Screen(Terminal):
    """The terminal of the local stack, with headings, bars and tables."""

    def recorded(self) -> None:
        """From now on all that is shown is kept for `keep`; where there is no terminal, in lines that fit a page."""
        self.console.record = True
        if not self.console.is_terminal:
            self.console.width = _PAGE

    def keep(self, path: Path) -> None:
        """What was recorded, as a web page for the user alone: pupils' names may stand in it."""
        path.touch(mode=0o600)
        self.console.save_html(str(path), clear=False)

    def heading(self, text: str) -> None:
        self.say(f"\n{text}", style="bold")

    @contextmanager
    def bar(self, title: str) -> Iterator[Advance]:
        """Shows how far something is. Without a terminal: a line now and then, and one at the end."""
        with _live(self.console, title) if self.console.is_terminal else self._lines(title) as advance:
            yield advance

    @contextmanager
    def _lines(self, title: str) -> Iterator[Advance]:
        begun = told = time.monotonic()
        last, pause = (title, 0, 0), _EVERY

        def advance(text: str, done: int, total: int) -> None:
            nonlocal told, last, pause
            last = (text, done, total)
            if time.monotonic() - told >= pause:
                told, pause = time.monotonic(), min(pause * 1.5, _SLOWEST)
                self.note(f"{text}  {done}/{total}")

        yield advance
        text, done, total = last
        counted = f"  {done}/{total}" if total else ""
        self.note(f"{text}{counted}  {time.monotonic() - begun:.1f}秒")

    def grid(self, title: str, columns: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
        """A table with a title. On a wide or unknown screen nothing is cut; on a narrow one cells wrap."""
        table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
        for n, column in enumerate(columns):
            table.add_column(column, overflow="fold", no_wrap=n == 0)
        for row in rows:
            table.add_row(*map(Text, row))  # what a cell says is no markup
        self.console.print()
        self.console.print(table)
        self.console.file.flush()


@contextmanager
def _live(console: Console, title: str) -> Iterator[Advance]:
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(title, total=None)

        def advance(text: str, done: int, total: int) -> None:
            progress.update(task, description=text, completed=done, total=total or None)

        yield advance
