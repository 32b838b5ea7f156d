"""Cases in PostgreSQL: opening and moving N of them is one statement, whatever N is.

Whoever moves cases locks them first (`lock_cases`, or `FOR UPDATE OF` in a query of its own that also selects
`STANDING`), asks `casework.rules`, and records the moves. The version check is the second line of defence.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg
import msgspec
from regulation.calendar import Calendar
from shared_contracts.actors import Actor
from shared_contracts.discreet import Discreet

from casework.kinds import CaseKind
from casework.state import Act, DecisionRow, Standing, advance, day_of

Connection: TypeAlias = "asyncpg.Connection[Any]"
"""The driver's connection inside the caller's transaction (`service_kit.database.driver`)."""

STANDING = "status, step, due_on, provisional, clock_from, clock_days, days_left, deciders, version"
"""The columns of `cases` that `standing` reads. `parties` and `entered_by` are for the rules."""


class CaseConflict(Exception):
    """A case moved between its lock and its change: a caller did not lock. The transaction must roll back."""


class NewCase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A case to open. `parties`: organisation by party; `entered_by`: account."""

    id: str
    subject_id: str
    parties: dict[str, str]
    entered_by: str


class LockedCase(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A case under lock."""

    id: str
    subject_id: str
    parties: dict[str, str]
    entered_by: str
    standing: Standing


class Doing(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """One act, the same for all cases it moves. `moved`: parties a re-routing replaces."""

    act: Act
    actor: Actor
    role: str
    at: datetime
    reason: str = ""
    override: bool = False
    details: dict[str, Any] = {}

    @property
    def moved(self) -> Mapping[str, str]:
        parties: Mapping[str, str] = self.details.get("parties", {}) if self.act == "reroute" else {}
        return parties


async def open_cases(
    connection: Connection,
    kind: CaseKind,
    cases: Sequence[NewCase],
    *,
    standing: Standing,
    at: datetime,
    prefix: str = "",
) -> int:
    """Open cases at the standing that `casework.state.opened` gives; one that is there already stays as it is."""
    done: int = await connection.fetchval(
        f"""WITH n AS (
            INSERT INTO {prefix}cases (id, kind, subject_id, parties, entered_by, opened_at, status, step, due_on,
                                       provisional, clock_from, clock_days, deciders, version)
            SELECT id, $5, subject_id, parties::jsonb, entered_by, $6, $7, $8, $9, $10, $11, $12, '[]'::jsonb, 0
            FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) AS n(id, subject_id, parties, entered_by)
            ON CONFLICT (id) DO NOTHING RETURNING 1)
            SELECT count(*) FROM n""",  # noqa: S608 - the prefix is the service's own
        [case.id for case in cases],
        [case.subject_id for case in cases],
        [_json(case.parties) for case in cases],
        [case.entered_by for case in cases],
        kind.name,
        at,
        standing.status,
        standing.step,
        standing.due_on,
        standing.provisional,
        standing.clock_from,
        standing.clock_days,
    )
    return done


async def lock_cases(connection: Connection, ids: Sequence[str], prefix: str = "") -> list[LockedCase]:
    """Lock cases in the order of their ids, so that two bulk acts never wait for each other in a circle."""
    rows = await connection.fetch(
        f"""SELECT id, subject_id, parties::text AS parties, entered_by, status, step, due_on, provisional,
                   clock_from, clock_days, days_left, deciders::text AS deciders, version
            FROM {prefix}cases WHERE id = ANY($1::text[]) ORDER BY id FOR UPDATE""",  # noqa: S608
        list(ids),
    )
    return [
        LockedCase(
            id=row["id"],
            subject_id=row["subject_id"],
            parties=msgspec.json.decode(row["parties"]),
            entered_by=row["entered_by"],
            standing=standing(row),
        )
        for row in rows
    ]


async def decide_cases(
    connection: Connection,
    kind: CaseKind,
    cases: Sequence[tuple[str, Standing]],
    doing: Doing,
    *,
    calendar: Calendar,
    prefix: str = "",
) -> list[Standing]:
    """Move locked cases by one act and write one decision each, in one statement. Returns where each stands now.

    Raises CaseConflict when a case's version is not the one given; ValueError when the act is impossible there.
    """
    if not cases:
        return []
    after = _advance(kind, cases, doing, calendar)
    # How cases stand travels once for all that stand alike: thousands of a bulk act stand in a handful of ways.
    ways = {before: way for way, before in enumerate(dict.fromkeys(before for _, before in cases))}
    becomes = [after[before] for before in ways]
    moved = await connection.fetchval(
        f"""WITH w AS MATERIALIZED (
              SELECT way, version, was, status, step, due_on, provisional, days_left, deciders::jsonb AS deciders,
                     clock_from, clock_days
              FROM unnest($3::int[], $4::int[], $5::text[], $6::text[], $7::text[], $8::date[], $9::bool[], $10::int[],
                          $11::text[], $22::date[], $23::int[])
                AS w(way, version, was, status, step, due_on, provisional, days_left, deciders, clock_from, clock_days)),
            moved AS (
              UPDATE {prefix}cases c
              SET status = w.status, step = w.step, due_on = w.due_on, provisional = w.provisional,
                  clock_from = w.clock_from, clock_days = w.clock_days, days_left = w.days_left,
                  deciders = w.deciders, version = w.version + 1,
                  parties = c.parties || $12::text::jsonb
              FROM unnest($1::text[], $2::int[]) AS m(id, way) JOIN w USING (way)
              WHERE c.id = m.id AND c.version = w.version
              RETURNING c.id, c.version, w.was),
            written AS (
              INSERT INTO {prefix}case_decisions (case_id, seq, step, decision, account, account_name, role,
                                                  organisation, decided_at, reason, override, details)
              SELECT id, version, was, $13, $14, $15, $16, $17, $18, $19, $20, $21::text::jsonb FROM moved)
            SELECT count(*) FROM moved""",  # noqa: S608
        [case_id for case_id, _ in cases],
        [ways[before] for _, before in cases],
        list(ways.values()),
        [before.version for before in ways],
        [before.step for before in ways],
        [standing.status for standing in becomes],
        [standing.step for standing in becomes],
        [standing.due_on for standing in becomes],
        [standing.provisional for standing in becomes],
        [standing.days_left for standing in becomes],
        [_deciders(standing.deciders) for standing in becomes],
        _json(doing.moved),
        doing.act,
        doing.actor.account,
        doing.actor.name,
        doing.role,
        doing.actor.organisation,
        doing.at,
        doing.reason.strip(),
        doing.override,
        _json(doing.details),
        [standing.clock_from for standing in becomes],
        [standing.clock_days for standing in becomes],
    )
    if moved != len(cases):
        raise CaseConflict(f"{len(cases) - moved} of {len(cases)} cases had moved")
    return [after[before] for _, before in cases]


async def history(connection: Connection, case_id: str, prefix: str = "") -> list[DecisionRow]:
    """All acts on a case, first to last."""
    rows = await connection.fetch(
        f"""SELECT seq, step, decision, account, account_name, role, organisation, decided_at, reason, override,
                   details::text AS details
            FROM {prefix}case_decisions WHERE case_id = $1 ORDER BY seq""",  # noqa: S608
        case_id,
    )
    return [DecisionRow(**{**row, "details": msgspec.json.decode(row["details"])}) for row in rows]


async def histories(connection: Connection, case_ids: Sequence[str], prefix: str = "") -> dict[str, list[DecisionRow]]:
    """All acts on each of these cases, first to last; a case without any is left out."""
    rows = await connection.fetch(
        f"""SELECT case_id, seq, step, decision, account, account_name, role, organisation, decided_at, reason, override,
                   details::text AS details
            FROM {prefix}case_decisions WHERE case_id = ANY($1::text[]) ORDER BY case_id, seq""",  # noqa: S608
        list(case_ids),
    )
    found: dict[str, list[DecisionRow]] = {}
    for row in rows:
        values = {**row, "details": msgspec.json.decode(row["details"])}
        found.setdefault(values.pop("case_id"), []).append(DecisionRow(**values))
    return found


def standing(row: Mapping[str, Any]) -> Standing:
    """A row's columns STANDING, `deciders` as JSON text or decoded."""
    deciders = row["deciders"]
    pairs = _pairs(deciders) if isinstance(deciders, str) else tuple((step, who) for step, who in deciders)
    return Standing(
        status=row["status"],
        step=row["step"],
        due_on=row["due_on"],
        provisional=row["provisional"],
        clock_from=row["clock_from"],
        clock_days=row["clock_days"],
        days_left=row["days_left"],
        deciders=pairs,
        version=row["version"],
    )


@functools.lru_cache(maxsize=1_024)
def _pairs(text: str) -> tuple[tuple[str, str], ...]:
    return msgspec.json.decode(text, type=tuple[tuple[str, str], ...])


@functools.lru_cache(maxsize=1_024)
def _deciders(pairs: tuple[tuple[str, str], ...]) -> str:
    return _json(pairs)


def _advance(
    kind: CaseKind, cases: Sequence[tuple[str, Standing]], doing: Doing, calendar: Calendar
) -> dict[Standing, Standing]:
    """What becomes of each way in which the cases stand; cases of one bulk act mostly stand alike."""
    day, moved = day_of(doing.at), frozenset(doing.moved)
    return {
        before: advance(kind, before, doing.act, doing.actor.account, day=day, calendar=calendar, moved=moved)
        for before in dict.fromkeys(before for _, before in cases)
    }


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
