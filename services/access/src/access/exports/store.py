"""Every statement about exports. Locks: the case, then the export."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from casework.state import Standing
from casework.store import STANDING, standing
from regulation.authorisation import Reach, subtree_pattern
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from shared_contracts.discreet import Discreet
from shared_contracts.exports import ExportRequest, ExportState
from shared_contracts.files import FileRef
from sqlalchemy.ext.asyncio import AsyncConnection

from access.exports.tables import CASES, exports

_t, _c = exports.c, CASES.cases.c
_CASE = tuple(_c[name.strip()] for name in STANDING.split(","))


class Export(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """An export as it stands. `state`: see `state_at`."""

    id: str
    number: str
    organisation: str
    organisation_name: str
    authority: str
    authority_name: str
    account: str
    account_name: str
    roles: tuple[str, ...]
    request: ExportRequest
    rows: int
    row_cap: int
    approval_days: int
    created_at: datetime
    expires_at: datetime
    revision: int
    document: FileRef | None
    file: FileRef | None
    made_at: datetime | None
    problem: str | None
    downloaded_at: datetime | None
    available_until: datetime | None
    file_gone: bool
    state: ExportState
    standing: Standing

    @property
    def version(self) -> int:
        return self.standing.version + self.revision


_OWN = tuple(name for name in Export.__struct_fields__ if name not in ("state", "standing"))


def state_at(now: datetime) -> sa.ColumnElement[str]:
    """Where an export stands, told in one place: shown, and filtered by."""
    over = _t.expires_at <= now
    return sa.case(
        (_c.status == "rejected", ExportState.REJECTED),
        (_c.status == "withdrawn", ExportState.CANCELLED),
        (_c.status == "returned", ExportState.RETURNED),
        (_c.status == "open", sa.case((over, ExportState.EXPIRED), else_=ExportState.WAITING)),
        (_t.downloaded_at.is_not(None), ExportState.DOWNLOADED),
        (_t.problem.is_not(None), ExportState.FAILED),
        (over, ExportState.EXPIRED),
        (_t.file.is_not(None), ExportState.READY),
        else_=ExportState.MAKING,
    )


def _select(now: datetime) -> sa.Select[Any]:
    own = [_t[name] for name in _OWN]
    joined = exports.join(CASES.cases, _c.id == _t.id)
    return sa.select(*own, state_at(now).label("state"), *_CASE).select_from(joined)


def _export(row: Any) -> Export:
    values = {name: row[name] for name in _OWN}
    return msgspec.convert({**values, "state": row["state"], "standing": standing(row)}, Export, strict=False)


async def get(tx: AsyncConnection, export_id: str, now: datetime) -> Export | None:
    row = await fetch_one(tx, _select(now).where(_t.id == export_id))
    return None if row is None else _export(row)


async def lock(tx: AsyncConnection, export_id: str, now: datetime) -> Export | None:
    """Nobody else changes it, or acts on its case, before this transaction ends."""
    held = await fetch_one(tx, sa.select(_c.id).where(_c.id == export_id).with_for_update())
    if held is None:
        return None
    await fetch_one(tx, sa.select(_t.id).where(_t.id == export_id).with_for_update())
    return await get(tx, export_id, now)


async def page(
    tx: AsyncConnection,
    reach: Reach,
    state: ExportState | None,
    after: tuple[datetime, str] | None,
    limit: int,
    now: datetime,
) -> list[Export]:
    """Newest first, after (created_at, id)."""
    query = _select(now).where(within(reach))
    if state is not None:
        query = query.where(state_at(now) == state)
    if after is not None:
        query = query.where(sa.tuple_(_t.created_at, _t.id) < sa.tuple_(*after))
    return [
        _export(row) for row in await fetch_all(tx, query.order_by(_t.created_at.desc(), _t.id.desc()).limit(limit))
    ]


def within(reach: Reach) -> sa.ColumnElement[bool]:
    ways: list[sa.ColumnElement[bool]] = [sa.true()] if reach.everything else []
    if reach.subtree:
        ways.append(_t.authority.like(subtree_pattern(reach.subtree)))
    if reach.school:
        ways.append(_t.organisation == reach.school)
    return sa.or_(sa.false(), *ways)


async def next_number(tx: AsyncConnection, year: int) -> str:
    """`DC-2026-000123`: each once; one that was taken by a request that failed after all is left out."""
    used = await (await driver(tx)).fetchval(
        """
        INSERT INTO export_serials (year, used) VALUES ($1, 1)
        ON CONFLICT (year) DO UPDATE SET used = export_serials.used + 1 RETURNING used
        """,
        year,
    )
    return f"DC-{year}-{used:06d}"


async def open_export(tx: AsyncConnection, values: Mapping[str, Any]) -> bool:
    """False where there is one of this id already."""
    return bool(await insert_rows(tx, exports, [values], on_conflict="(id) DO NOTHING", returning=("id",)))


async def change(tx: AsyncConnection, export_id: str, **values: Any) -> None:
    """Of an export under lock. Structs become JSON."""
    plain = {name: msgspec.to_builtins(v) if isinstance(v, msgspec.Struct) else v for name, v in values.items()}
    await execute(tx, sa.update(exports).where(_t.id == export_id).values(**plain, revision=_t.revision + 1))


async def outlived(tx: AsyncConnection, now: datetime, limit: int) -> list[tuple[str, str]]:
    """(export, file) of files that nobody may have any more; locked, those of others are stepped over."""
    over = sa.or_(_t.available_until <= now, sa.and_(_t.downloaded_at.is_(None), _t.expires_at <= now))
    query = sa.select(_t.id, _t.file).where(_t.file.is_not(None), ~_t.file_gone, over).limit(limit)
    rows = await fetch_all(tx, query.with_for_update(skip_locked=True))
    return [(row["id"], row["file"]["id"]) for row in rows]


async def mark_gone(tx: AsyncConnection, export_ids: list[str]) -> None:
    await execute(tx, sa.update(exports).where(_t.id.in_(export_ids)).values(file_gone=True))
