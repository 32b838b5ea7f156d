"""The services' JSON logs as one line each for a person."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

_LEVELS = {"DEBUG": 0, "INFO": 1, "WARNING": 2, "ERROR": 3, "CRITICAL": 3}
_COLOURS = ("dim", None, "yellow", "bold red")
QUIET = ("postgres", "nats")
"""Servers whose ordinary lines are of no interest: only what they complain of is shown."""


class Line:
    """What to show: text and style (rich)."""

    def __init__(self, text: str, level: int) -> None:
        self.text = text
        self.level = level

    @property
    def style(self) -> str | None:
        return _COLOURS[self.level]


def readable(source: str, raw: str, width: int = 13) -> Line:
    """`14:03:22 registry      roster checked  [trace 4bf92f35]`. What is no JSON is shown as it is."""
    try:
        entry = json.loads(raw)
    except ValueError:
        entry = None
    if not isinstance(entry, dict):
        return Line(f"{'':8} {source:<{width}} {raw}", _plain_level(raw))
    level = _LEVELS.get(str(entry.get("level", "INFO")).upper(), 1)
    fields = {k: v for k, v in entry.items() if k not in _KNOWN and isinstance(v, str | int | float)}
    extra = [f"{k}={v}" for k, v in fields.items() if len(str(v)) < 80]
    if entry.get("trace_id"):
        extra.append(f"[trace {str(entry['trace_id'])[:8]}]")
    mark = ("", "", "! ", "!! ")[level]
    text = f"{_clock(entry.get('time')):8} {source:<{width}} {mark}{entry.get('message', '')}"
    if extra:
        text += "  " + " ".join(extra)
    for key in ("exc_info", "exception"):
        for part in str(entry.get(key) or "").splitlines():
            text += f"\n{'':{10 + width}}{part}"
    return Line(text, level)


_KNOWN = {
    "time",
    "level",
    "logger",
    "message",
    "service",
    "trace_id",
    "span_id",
    "exc_info",
    "exception",
    "taskName",
    "color_message",
}


def _clock(at: object) -> str:
    """Local time of day."""
    try:
        moment = datetime.fromisoformat(str(at))
    except ValueError:
        return ""
    return (moment.astimezone() if moment.tzinfo else moment).strftime("%H:%M:%S")


def _plain_level(raw: str) -> int:
    if any(word in raw for word in ("FATAL", "PANIC", "ERROR", "[ERR]", "[FTL]", "Traceback")):
        return 3
    return 2 if "WARNING" in raw or "[WRN]" in raw else 1


class Follower:
    """New lines of several logs. `poll()` gives what came since the last call, file by file."""

    def __init__(self, logs: Mapping[str, Path], *, from_start: bool = False) -> None:
        self._logs = logs
        self._at = {name: 0 if from_start else _size(path) for name, path in logs.items()}
        self._rest = dict.fromkeys(logs, b"")

    def poll(self) -> Iterable[Line]:
        for name, path in self._logs.items():
            size = _size(path)
            if size < self._at[name]:  # rotated
                self._at[name], self._rest[name] = 0, b""
            if size == self._at[name]:
                continue
            with path.open("rb") as file:
                file.seek(self._at[name])
                data = file.read(min(size - self._at[name], 1_000_000))
            self._at[name] += len(data)
            *lines, self._rest[name] = (self._rest[name] + data).split(b"\n")
            for raw in lines:
                line = readable(name, raw.decode(errors="replace"))
                if raw.strip() and (name not in QUIET or line.level >= 2):
                    yield line


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


KEEP_BYTES = 20 * 1024 * 1024


def rotate(path: Path) -> None:
    """At start: a log that has grown becomes `.1`, the former `.1` goes."""
    if _size(path) > KEEP_BYTES:
        path.replace(path.with_suffix(".log.1"))


def shorten(path: Path) -> None:
    """While it is written to: begin anew. Writers append, so nothing breaks; what is lost is old."""
    if _size(path) > 5 * KEEP_BYTES:
        os.truncate(path, 0)
