"""Every query of notices. Unread means: never read by this account, or changed since."""

from __future__ import annotations

import base64
import binascii
from collections import Counter
from collections.abc import Sequence
from datetime import datetime

import msgspec
from service_kit.database import driver
from service_kit.ids import new_id
from shared_contracts.actors import Actor
from shared_contracts.notifications import Notice
from sqlalchemy.ext.asyncio import AsyncConnection

from notifications.notices.policy import Draft, text

UNREAD_CAP = 1000
"""Unread notices are counted up to here: what is beyond is "very many"."""

Position = tuple[datetime, str]
"""Where a page ended: the moment and the id of its last notice."""

_CLAIM = """
INSERT INTO notices (id, organisation, role, kind, merge, counts, title, body, link, updated_at, made_at)
VALUES ($1, $2, $3, $4, $5, '{}', '', '', $6, $7, $7)
ON CONFLICT (merge) DO UPDATE SET updated_at = greatest(notices.updated_at, excluded.updated_at)
RETURNING id, counts::text
"""  # the update takes the row's lock, so that the next one adds to the sum that this one leaves
_WRITE = "UPDATE notices SET counts = $2::text::jsonb, title = $3, body = $4 WHERE id = $1"


async def put(tx: AsyncConnection, draft: Draft, now: datetime) -> str:
    """Write a notice, or add to the one that it merges with. Returns its id. Two round trips."""
    connection = await driver(tx)
    row = await connection.fetchrow(
        _CLAIM, new_id(), draft.organisation, draft.role, draft.kind, draft.merge, draft.link, now
    )
    assert row is not None
    counts = Counter(msgspec.json.decode(row["counts"], type=dict[str, int]))
    counts.update(draft.counts)
    written = text(draft, counts)
    await connection.execute(_WRITE, row["id"], msgspec.json.encode(counts).decode(), written.title, written.body)
    return str(row["id"])


# One walk down the index for each role, stopped after a page, instead of sorting all that the organisation ever got:
#   before: Sort <- Hash Join <- Bitmap Heap Scan (all 1,000 notices of the organisation, all reads of the account): 17 ms
#   after:  Limit <- Sort <- Nested Loop <- Limit <- Index Scan Backward using notices_newest, reads_pkey: 0.5 ms
_PAGE = """
SELECT page.* FROM unnest($2::text[]) AS roles (role) CROSS JOIN LATERAL (
    SELECT n.id, n.kind, n.title, n.body, n.link, n.updated_at,
           CASE WHEN r.read_at >= n.updated_at THEN r.read_at END AS read_at
    FROM notices n LEFT JOIN reads r ON r.notice_id = n.id AND r.account = $3
    WHERE n.organisation = $1 AND n.role = roles.role
      AND (n.updated_at, n.id) < (coalesce($4::timestamptz, 'infinity'), coalesce($5::text, ''))
      AND (NOT $6 OR r.read_at IS NULL OR r.read_at < n.updated_at)
    ORDER BY n.updated_at DESC, n.id DESC
    LIMIT $7
) AS page
ORDER BY page.updated_at DESC, page.id DESC
LIMIT $7
"""


async def page(
    tx: AsyncConnection, actor: Actor, *, unread_only: bool, before: Position | None, limit: int
) -> list[Notice]:
    """The actor's notices, newest first, after the given position. `created_at` is when it last changed."""
    moment, notice_id = before or (None, None)
    rows = await (await driver(tx)).fetch(
        _PAGE, actor.organisation, _roles(actor), actor.account, moment, notice_id, unread_only, limit
    )
    return [
        Notice(
            id=row["id"],
            kind=row["kind"],
            title=row["title"],
            body=row["body"],
            link=row["link"],
            created_at=row["updated_at"],
            read_at=row["read_at"],
        )
        for row in rows
    ]


_UNREAD = """
SELECT count(*) FROM (
    SELECT 1 FROM notices n
    WHERE n.organisation = $1 AND n.role = ANY($2::text[])
      AND NOT EXISTS (
          SELECT 1 FROM reads r WHERE r.notice_id = n.id AND r.account = $3 AND r.read_at >= n.updated_at)
    LIMIT $4
) AS unread
"""


async def unread(tx: AsyncConnection, actor: Actor) -> int:
    """How many the account has not read, at most UNREAD_CAP."""
    return int(await (await driver(tx)).fetchval(_UNREAD, actor.organisation, _roles(actor), actor.account, UNREAD_CAP))


_READ = """
INSERT INTO reads (notice_id, account, read_at)
SELECT n.id, $3, $4 FROM notices n
WHERE n.id = ANY($5::text[]) AND n.organisation = $1 AND n.role = ANY($2::text[])
ON CONFLICT (notice_id, account) DO UPDATE SET read_at = greatest(reads.read_at, excluded.read_at)
RETURNING notice_id
"""


async def mark_read(tx: AsyncConnection, actor: Actor, notice_ids: Sequence[str], now: datetime) -> set[str]:
    """The ids that were marked: those that are the actor's to read."""
    rows = await (await driver(tx)).fetch(
        _READ, actor.organisation, _roles(actor), actor.account, now, list(notice_ids)
    )
    return {row["notice_id"] for row in rows}


def _roles(actor: Actor) -> list[str]:
    return sorted(set(actor.roles))


def cursor(notice: Notice) -> str:
    return base64.urlsafe_b64encode(f"{notice.created_at.isoformat()} {notice.id}".encode()).decode()


def position(text_: str) -> Position | None:
    """Where a cursor points, None when it is not one of ours."""
    try:
        moment, _, notice_id = base64.urlsafe_b64decode(text_.encode()).decode().rpartition(" ")
        at = datetime.fromisoformat(moment)
    except (ValueError, binascii.Error):
        return None
    return (at, notice_id) if at.tzinfo and notice_id else None
