"""Every statement about rosters. A stage's progress is written with what it has done, under the lease, or not at all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from service_kit.leases import Lease, LostLease
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet
from shared_contracts.registry import FileRef, RosterFile, RosterState, RowState, RowTotals
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.records.store import Klass
from registry.rosters.tables import roster_rows as r
from registry.rosters.tables import rosters as t

ACCEPTED = (RowState.VALID, RowState.WARNED)


class Roster(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A roster as it stands in its table."""

    id: str
    school: str
    file_name: str
    file: FileRef
    file_kept: bool
    state: RosterState
    version: int
    created_at: datetime
    created_by: str
    created_account: str
    confirmed_account: str | None
    business_day: date | None
    total: int
    done: int
    cursor: int
    rows: int
    valid: int
    warned: int
    refused: int
    already_here: int
    refusals: dict[str, int]
    new_classes: tuple[str, ...]
    notes: tuple[Finding, ...]
    problem: str | None
    files: tuple[RosterFile, ...]
    sheets_state: Literal["none", "printing", "ready"]
    sheets_job: str | None
    sheets_actor: Actor | None
    cleanup: bool
    trace: dict[str, str]
    failures: int
    crashes: int

    @property
    def totals(self) -> RowTotals:
        return RowTotals(
            rows=self.rows,
            valid=self.valid,
            warned=self.warned,
            refused=self.refused,
            already_here=self.already_here,
        )

    @property
    def accepted(self) -> int:
        return self.valid + self.warned


_COLUMNS = [t.c[name] for name in Roster.__struct_fields__]


def _roster(row: Any) -> Roster:
    # Not dict(row): SQLAlchemy's column names are a subclass of str, which msgspec takes for no key.
    return msgspec.convert(dict(zip(Roster.__struct_fields__, row.values(), strict=True)), Roster, strict=False)


# ---- what people do -------------------------------------------------------------------------------------------------


async def open_roster(tx: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """False where there is one of this id already."""
    inserted = await insert_rows(tx, t, [values], on_conflict="(id) DO NOTHING", returning=("id",))
    return bool(inserted)


async def get(tx: AsyncConnection, roster_id: str, *, lock: bool = False) -> Roster | None:
    query = sa.select(*_COLUMNS).where(t.c.id == roster_id)
    row = await fetch_one(tx, query.with_for_update() if lock else query)
    return None if row is None else _roster(row)


async def page(
    tx: AsyncConnection, schools: Sequence[str], after: tuple[datetime, str] | None, limit: int
) -> list[Roster]:
    """Newest first, after (created_at, id)."""
    query = sa.select(*_COLUMNS).where(t.c.school.in_(schools))
    if after is not None:
        query = query.where(sa.tuple_(t.c.created_at, t.c.id) < sa.tuple_(*after))
    query = query.order_by(t.c.created_at.desc(), t.c.id.desc()).limit(limit)
    return [_roster(row) for row in await fetch_all(tx, query)]


async def change(tx: AsyncConnection, roster_id: str, **values: Any) -> Roster:
    """Set columns; what people see has changed. The caller has locked the row or holds its lease."""
    query = sa.update(t).where(t.c.id == roster_id).values(**values, version=t.c.version + 1).returning(*_COLUMNS)
    row = (await tx.execute(query)).mappings().one()
    return _roster(row)


async def rows_page(
    tx: AsyncConnection,
    roster_id: str,
    *,
    state: RowState | None,
    classes: Sequence[str] | None,
    after: int,
    limit: int,
) -> Sequence[Any]:
    """Rows in the sheet's order. `classes`: only those of these classes (`"1"`, `"1-03"`), None for all."""
    query = sa.select(
        r.c.row, r.c.state, r.c.name, r.c.masked_document, r.c.grade, r.c.class_no, r.c.findings, r.c.registration_id
    ).where(r.c.roster_id == roster_id, r.c.row > after)
    if state is not None:
        query = query.where(r.c.state == state)
    if classes is not None:
        grade = sa.cast(r.c.grade, sa.Text)
        one_class = grade + "-" + sa.func.lpad(sa.cast(r.c.class_no, sa.Text), 2, "0")
        query = query.where(sa.or_(grade.in_(classes), one_class.in_(classes)))
    return await fetch_all(tx, query.order_by(r.c.row).limit(limit))


async def forget_rows(tx: AsyncConnection, roster_id: str) -> None:
    await execute(tx, sa.delete(r).where(r.c.roster_id == roster_id))


# ---- leases ---------------------------------------------------------------------------------------------------------

LEASE = Lease(
    table="rosters",
    open="state IN ('uploaded', 'checking', 'confirming') OR sheets_state = 'printing' OR cleanup",
    order="created_at",
)


async def take(tx: AsyncConnection, owner: str) -> Roster | None:
    """Lease the next roster to this worker."""
    taken = await LEASE.take(tx, owner)
    return None if taken is None else await get(tx, taken["id"])


async def stage(tx: AsyncConnection, roster: Roster, owner: str, *, seen: bool = False, **values: Any) -> Roster:
    """Write a stage's progress: only while the lease holds, the state is the stage's and nobody has gone further.

    Returns the roster as it then is. Raises LostLease. `seen`: it is something people see.
    """
    return await _leased(tx, roster, owner, values, t.c.state == roster.state, t.c.cursor == roster.cursor, seen=seen)


async def step_of_printing(
    tx: AsyncConnection, roster: Roster, owner: str, *, seen: bool = False, **values: Any
) -> Roster:
    """The same for a printing, which goes on whatever becomes of the roster meanwhile."""
    return await _leased(tx, roster, owner, values, t.c.sheets_job == roster.sheets_job, seen=seen)


async def _leased(
    tx: AsyncConnection, roster: Roster, owner: str, values: dict[str, Any], *still: sa.ColumnElement[bool], seen: bool
) -> Roster:
    if seen:
        values["version"] = t.c.version + 1
    until = sa.func.now() + sa.func.make_interval(0, 0, 0, 0, 0, 0, LEASE.seconds)
    query = sa.update(t).where(t.c.id == roster.id, t.c.lease_owner == owner, *still)
    row = (await tx.execute(query.values(**values, lease_until=until).returning(*_COLUMNS))).mappings().first()
    if row is None:
        raise LostLease
    return _roster(row)


async def expired(tx: AsyncConnection, before: datetime) -> list[Roster]:
    """Checked rosters that nobody confirmed in time, locked."""
    query = (
        sa.select(*_COLUMNS)
        .where(t.c.state == RosterState.CHECKED, t.c.created_at < before)
        .order_by(t.c.created_at)
        .limit(20)
        .with_for_update(skip_locked=True)
    )
    return [_roster(row) for row in await fetch_all(tx, query)]


# ---- rows, set-based ------------------------------------------------------------------------------------------------


async def put_rows(tx: AsyncConnection, rows: Sequence[Mapping[str, Any]]) -> None:
    await insert_rows(tx, r, rows)


async def places_wanted(tx: AsyncConnection, roster_id: str) -> list[tuple[int, int]]:
    """Rows that the check has accepted and that take a place of the plan: grade and how many."""
    rows = await (await driver(tx)).fetch(
        "SELECT grade, count(*) AS rows FROM roster_rows WHERE roster_id = $1 AND takes_place GROUP BY grade", roster_id
    )
    return [(row["grade"], row["rows"]) for row in rows]


_WAITING = """
SELECT "row", state, name, masked_document, masked_members::text AS masked_members, findings::text AS findings, sex,
       birth_date, document_kind, overseas, disability, placement, grade, class_no, enrolled_month, form
FROM roster_rows
WHERE roster_id = $1 AND "row" > $2 AND state IN ('valid', 'warned')
ORDER BY "row" LIMIT $3
"""


async def waiting_rows(tx: AsyncConnection, roster_id: str, after: int, limit: int) -> Sequence[Any]:
    """The next accepted rows of a roster. Rows behind `after` may have changed, those before have not: chunks are stable."""
    return await (await driver(tx)).fetch(_WAITING, roster_id, after, limit)


# The form moves to the registration without leaving the server: it is not kept twice.
_ADMITTED = """
WITH n AS (SELECT * FROM unnest($2::integer[], $3::text[]) AS n("row", id)),
     moved AS (INSERT INTO profiles (id, form)
               SELECT n.id, r.form FROM n JOIN roster_rows r ON r.roster_id = $1 AND r."row" = n."row"
               ORDER BY n.id ON CONFLICT (id) DO NOTHING)
UPDATE roster_rows SET registration_id = n.id, form = NULL
FROM n WHERE roster_id = $1 AND roster_rows."row" = n."row"
"""
_TURNED_AWAY = """
UPDATE roster_rows SET state = n.state, findings = n.findings::jsonb, form = NULL
FROM unnest($2::integer[], $3::text[], $4::text[]) AS n("row", state, findings)
WHERE roster_id = $1 AND roster_rows."row" = n."row"
"""


async def admitted(tx: AsyncConnection, roster_id: str, rows: Mapping[int, str]) -> None:
    """Row -> its registration, which is new; it gets the row's form."""
    if rows:
        await (await driver(tx)).execute(_ADMITTED, roster_id, list(rows), list(rows.values()))


async def turned_away(
    tx: AsyncConnection, roster_id: str, rows: Mapping[int, tuple[RowState, Sequence[Finding]]]
) -> None:
    """Rows that were accepted by the check and are not any more."""
    if rows:
        await (await driver(tx)).execute(
            _TURNED_AWAY,
            roster_id,
            list(rows),
            [state.value for state, _ in rows.values()],
            [msgspec.json.encode(findings).decode() for _, findings in rows.values()],
        )


async def refused_findings(tx: AsyncConnection, roster_id: str) -> dict[int, tuple[Finding, ...]]:
    query = sa.select(r.c.row, r.c.findings).where(r.c.roster_id == roster_id, r.c.state == RowState.REFUSED)
    return {row["row"]: findings(row["findings"]) for row in await fetch_all(tx, query)}


async def classes_of(tx: AsyncConnection, roster_id: str) -> dict[Klass, int]:
    """Classes of the accepted rows, in order, and how many rows name each."""
    accepted = sa.select(r.c.grade, r.c.class_no, sa.func.count().label("pupils")).where(
        r.c.roster_id == roster_id, r.c.state.in_(ACCEPTED)
    )
    rows = await fetch_all(tx, accepted.group_by(r.c.grade, r.c.class_no).order_by(r.c.grade, r.c.class_no))
    return {Klass(row["grade"], row["class_no"]): row["pupils"] for row in rows}


def findings(value: Any) -> tuple[Finding, ...]:
    """Of a JSONB column."""
    return msgspec.convert(value, tuple[Finding, ...])
