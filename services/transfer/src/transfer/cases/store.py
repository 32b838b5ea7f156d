"""Every statement about transfers. Whoever changes one locks its case first (`get(..., lock=True)`).

Locks: the intent (`holding`), then the case. A transfer's row is written under its case's lock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import asyncpg
import msgspec
from casework.state import DecisionRow, Standing
from casework.store import history as case_history
from casework.store import standing
from regulation.authorisation import Reach, subtree_pattern
from service_kit.crypto import FieldCipher
from service_kit.database import driver, insert_rows
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.holds import Place
from shared_contracts.outside_transfers import OutsideView, Side
from shared_contracts.transfer import Ground, TransferState
from sqlalchemy.ext.asyncio import AsyncConnection

from transfer.cases.tables import transfers as t
from transfer.outside import store as outside


class Details(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """What of the application is sealed: where a family lives, and how to reach it."""

    residence: Place
    household: Place | None
    guardian: str
    phone: str
    alone_in_household: bool
    agreed: bool
    birth_date: date | None = None  # of a child who comes from another province, and has no record that says it
    former_number: str = ""  # L or J, which it had there: nobody's identity number


class Transfer(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A transfer with its case."""

    id: str
    number: str
    student_id: str
    person_id: str
    name: str
    ground: Ground
    grade: int
    stage: str
    to_school: str
    to_authority: str
    from_school: str
    from_authority: str
    seat: bool
    over: bool
    record_moves: bool
    placement: str
    sealed: bytes
    evidence: tuple[EvidenceGiven, ...]
    exception: str
    findings: tuple[Finding, ...]
    policy_version: str
    needs_override: tuple[str, ...]
    overridden: tuple[str, ...]
    outcome: str | None
    problem: tuple[Finding, ...]
    class_no: int | None
    completed_on: date | None
    opened_at: datetime
    opened_by: str
    moved_at: datetime
    changes: int
    entered_by: str
    parties: dict[str, str]
    standing: Standing
    outside: OutsideView | None = None  # the side that is of another province

    @property
    def side(self) -> Side | None:
        return None if self.outside is None else self.outside.side

    @property
    def awaited(self) -> bool:
        """A child of another province whom all have approved: its school has to register it."""
        return self.side == "from" and self.outcome == "moving"

    @property
    def version(self) -> int:
        return self.standing.version

    @property
    def told(self) -> int:
        """The version of news of it: greater with every act on its case and with all that becomes of it without one."""
        return self.standing.version + self.changes

    @property
    def state(self) -> TransferState:
        return state_of(self.standing.status, self.outcome)


_OUTCOMES = {
    "moving": TransferState.MOVING,
    "moved": TransferState.COMPLETED,
    "attention": TransferState.NEEDS_ATTENTION,
    "given_up": TransferState.WITHDRAWN,
    "expired": TransferState.EXPIRED,
}


def state_of(status: str, outcome: str | None) -> TransferState:
    """A transfer's state from its case and from what became of it afterwards."""
    return TransferState(status) if outcome is None else _OUTCOMES[outcome]


def meaning(state: TransferState) -> tuple[str | None, str | None]:
    """The inverse, for queries: status (None for any) and outcome."""
    for outcome, one in _OUTCOMES.items():
        if one is state and outcome != "given_up":
            return None, outcome
    return str(state), None


_COLUMNS = f"""
SELECT t.*, t.evidence::text AS evidence_text, t.findings::text AS findings_text, t.problem::text AS problem_text,
       c.entered_by, c.parties::text AS parties_text, c.status, c.step, c.due_on, c.provisional,
       c.clock_from, c.clock_days, c.days_left,
       c.deciders::text AS deciders, c.version, {outside.COLUMNS}
"""
_JOINED = "JOIN cases c ON c.id = t.id LEFT JOIN outside_parties o ON o.case_id = t.id"
_SELECT = f"{_COLUMNS} FROM transfers t {_JOINED}"
_JSON = {"evidence": tuple[EvidenceGiven, ...], "findings": tuple[Finding, ...], "problem": tuple[Finding, ...]}


# Both rows: whoever has waited for the case reads the transfer as it is then, which an act on it alone has changed, too.
_LOCKED = " FOR UPDATE OF c FOR NO KEY UPDATE OF t"


async def get(tx: AsyncConnection, transfer_id: str, *, lock: bool = False) -> Transfer | None:
    row = await (await driver(tx)).fetchrow(f"{_SELECT} WHERE t.id = $1{_LOCKED if lock else ''}", transfer_id)
    return None if row is None else _transfer(row)


async def some(tx: AsyncConnection, ids: Sequence[str]) -> list[Transfer]:
    """In the order of ids."""
    rows = await (await driver(tx)).fetch(f"{_SELECT} WHERE t.id = ANY($1::text[]) ORDER BY t.id", list(ids))
    return [_transfer(row) for row in rows]


async def numbered(tx: AsyncConnection, number: str) -> Transfer | None:
    row = await (await driver(tx)).fetchrow(f"{_SELECT} WHERE t.number = $1", number)
    return None if row is None else _transfer(row)


def _transfer(row: asyncpg.Record) -> Transfer:
    values: dict[str, Any] = {name: row[name] for name in Transfer.__struct_fields__ if name in row}
    for name, kind in _JSON.items():
        values[name] = msgspec.json.decode(row[f"{name}_text"], type=kind)
    values |= {
        "ground": Ground(row["ground"]),
        "needs_override": tuple(row["needs_override"]),
        "overridden": tuple(row["overridden"]),
        "parties": msgspec.json.decode(row["parties_text"]),
        "standing": standing(dict(row)),
        "outside": outside.read(row),
    }
    return Transfer(**values)


async def put(tx: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """False where the id is taken."""
    return bool(await insert_rows(tx, t, [values], on_conflict="(id) DO NOTHING", returning=("id",)))


_TEXT = {"evidence", "findings", "problem"}


async def change(tx: AsyncConnection, transfer_id: str, now: datetime, **values: Any) -> Transfer:
    """Some columns of a transfer whose case the caller has locked. Returns it as it is now, its case too."""
    return await _change(tx, transfer_id, {**values, "moved_at": now})


# What all have approved is on its way to be carried out: written with the act, whoever's and whichever it was.
_MOVING = """outcome = CASE WHEN (SELECT status FROM cases WHERE id = $1) = 'approved' THEN 'moving' ELSE outcome END"""


async def change_after_act(tx: AsyncConnection, transfer_id: str, now: datetime, **values: Any) -> Transfer:
    """As `change`, after an act that has moved the case: one that is approved now waits for its record to move."""
    return await _change(tx, transfer_id, {**values, "moved_at": now}, _MOVING)


async def _change(tx: AsyncConnection, transfer_id: str, values: Mapping[str, Any], *more: str) -> Transfer:
    names = list(values)
    sets = [f"{name} = ${place}{'::text::jsonb' if name in _TEXT else ''}" for place, name in enumerate(names, start=2)]
    given = [msgspec.json.encode(values[name]).decode() if name in _TEXT else values[name] for name in names]
    row = await (await driver(tx)).fetchrow(
        f"""WITH t AS (UPDATE transfers SET {", ".join(["changes = changes + 1", *sets, *more])} WHERE id = $1 RETURNING *)
            {_COLUMNS} FROM t {_JOINED}""",  # noqa: S608 - our own columns
        transfer_id,
        *given,
    )
    assert row is not None
    return _transfer(row)


async def start_clock(
    tx: AsyncConnection,
    transfer_id: str,
    due_on: date | None,
    *,
    provisional: bool = False,
    since: date | None = None,
    days: int | None = None,
    days_left: int | None = None,
) -> None:
    """The clock of a case that stood still while it was on a list (24.5.4), under the case's lock: news of it are newer.
    `since`, `days`: when it begins and how many working days it runs; `days_left`: for when it is sent on its way again."""
    await (await driver(tx)).execute(
        """UPDATE cases SET due_on = $2, provisional = $3, days_left = $4, clock_from = $5, clock_days = $6,
                            version = version + 1 WHERE id = $1""",
        transfer_id,
        due_on,
        provisional,
        days_left,
        since,
        days,
    )


async def history(tx: AsyncConnection, transfer_id: str) -> list[DecisionRow]:
    return await case_history(await driver(tx), transfer_id)


# ---- lists --------------------------------------------------------------------------------------------------------------


async def page(
    tx: AsyncConnection,
    reach: Reach,
    *,
    side: str | None,
    school: str | None,
    student_id: str | None,
    state: TransferState | None,
    overdue_on: date | None,
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Transfer]:
    """Transfers that the actor sees, newest first. A walk down transfers_in, transfers_out or their like of authorities,
    stopped after a page."""
    values: list[Any] = []

    def value(one: Any) -> str:
        values.append(one)
        return f"${len(values)}"

    where = []
    sides = [prefix for prefix, name in (("to", "in"), ("from", "out")) if side in (None, name)]
    if not reach.everything:
        ways = []
        for prefix in sides:
            if reach.school is not None:
                ways.append(f"t.{prefix}_school = {value(reach.school)}")
            if reach.supervised is not None:
                ways.append(f"t.{prefix}_authority = {value(reach.supervised)}")
            if reach.subtree is not None:
                ways.append(f"t.{prefix}_authority LIKE {value(subtree_pattern(reach.subtree))}")
        if not ways:
            return []
        where.append(f"({' OR '.join(ways)})")
    if school is not None:
        place = value(school)
        where.append(f"({' OR '.join(f't.{prefix}_school = {place}' for prefix in sides)})")
    if student_id is not None:
        where.append(f"t.student_id = {value(student_id)}")
    if state is not None:
        status, outcome = meaning(state)
        where.append(f"t.outcome {f'= {value(outcome)}' if outcome else 'IS NULL'}")
        if status is not None:
            where.append(f"c.status = {value(status)}")
    if overdue_on is not None:
        where.append(f"c.status IN ('open', 'returned') AND c.due_on < {value(overdue_on)}")
    if after is not None:
        where.append(f"(t.opened_at, t.id) < ({value(after[0])}, {value(after[1])})")
    condition = " AND ".join(where) or "true"
    rows = await (await driver(tx)).fetch(
        f"{_SELECT} WHERE {condition} ORDER BY t.opened_at DESC, t.id DESC LIMIT {value(limit)}", *values
    )
    return [_transfer(row) for row in rows]


# Two looks instead of an OR, which would walk all transfers that were ever completed. The second by transfers_moving.
_STALE = """
(SELECT t.id, t.moved_at FROM transfers t JOIN cases c ON c.id = t.id
 WHERE c.status IN ('open', 'returned') AND t.moved_at <= $1 ORDER BY t.moved_at LIMIT $2)
UNION ALL
(SELECT t.id, t.moved_at FROM transfers t JOIN outside_parties o ON o.case_id = t.id
 WHERE t.outcome = 'moving' AND o.side = 'from' AND t.moved_at <= $1 ORDER BY t.moved_at LIMIT $2)
ORDER BY moved_at LIMIT $2
"""


async def stale(tx: AsyncConnection, before: datetime, limit: int) -> list[str]:
    """Cases under way on which nothing was done since a moment, oldest first; children of other provinces whom all have
    approved and nobody registers, too."""
    rows = await (await driver(tx)).fetch(_STALE, before, limit)
    return [row["id"] for row in rows]


# ---- sealed -------------------------------------------------------------------------------------------------------------


def seal(cipher: FieldCipher, transfer_id: str, details: Details) -> bytes:
    return cipher.seal_bytes(msgspec.json.encode(details), _context(transfer_id))


def details(cipher: FieldCipher, transfer: Transfer) -> Details:
    return msgspec.json.decode(cipher.open_bytes(transfer.sealed, _context(transfer.id)), type=Details)


def _context(transfer_id: str) -> bytes:
    return f"transfer:{transfer_id}".encode()
