"""Every statement about contacts, webhooks and messages on their way."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import asyncpg
import msgspec
import sqlalchemy as sa
from service_kit.database import driver, execute, fetch_all, fetch_one, insert_rows
from shared_contracts.delivery import DeliveryState
from shared_contracts.discreet import Discreet
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlalchemy.ext.asyncio import AsyncConnection

from notifications.delivery.policy import CODE_TRIES
from notifications.delivery.tables import contacts, deliveries, webhooks

# ---- contacts -------------------------------------------------------------------------------------------------------


def contact_context(account: str, channel: str) -> bytes:
    """What a sealed address is bound to."""
    return f"contact:{account}:{channel}".encode()


async def contacts_of(tx: AsyncConnection, account: str) -> Sequence[RowMapping]:
    return await fetch_all(tx, sa.select(contacts).where(contacts.c.account == account).order_by(contacts.c.channel))


async def contact(tx: AsyncConnection, account: str, channel: str, *, lock: bool = False) -> RowMapping | None:
    query = sa.select(contacts).where(contacts.c.account == account, contacts.c.channel == channel)
    return await fetch_one(tx, query.with_for_update() if lock else query)


async def put_contact(tx: AsyncConnection, **values: Any) -> None:
    changed = {name: value for name, value in values.items() if name not in ("account", "channel")}
    statement = insert(contacts).values(**values)
    await execute(tx, statement.on_conflict_do_update(index_elements=("account", "channel"), set_=changed))


async def change_contact(tx: AsyncConnection, account: str, channel: str, **values: Any) -> bool:
    where = (contacts.c.account == account, contacts.c.channel == channel)
    return await execute(tx, sa.update(contacts).where(*where).values(**values)) == 1


async def prove(tx: AsyncConnection, account: str, channel: str, code: bytes, now: datetime) -> bool:
    """The address is the account's, if its code is still this one and has not been tried too often meanwhile."""
    where = (
        contacts.c.account == account,
        contacts.c.channel == channel,
        contacts.c.code == code,
        contacts.c.code_tries < CODE_TRIES,
    )
    values: dict[str, Any] = {"verified_at": now, "code": None, "code_until": None}
    return await execute(tx, sa.update(contacts).where(*where).values(**values)) == 1


async def count_wrong_code(tx: AsyncConnection, account: str, channel: str) -> None:
    await change_contact(tx, account, channel, code_tries=contacts.c.code_tries + 1)


async def remove_contact(tx: AsyncConnection, account: str, channel: str) -> None:
    await execute(tx, sa.delete(contacts).where(contacts.c.account == account, contacts.c.channel == channel))


async def count_code(tx: AsyncConnection, account: str, now: datetime) -> int:
    """How many codes the account has asked for within the hour, this one too."""
    connection = await driver(tx)
    await connection.execute(
        "DELETE FROM codes_sent WHERE account = $1 AND sent_at < $2", account, now - timedelta(hours=1)
    )
    await connection.execute(
        "INSERT INTO codes_sent (account, sent_at) VALUES ($1, $2) ON CONFLICT DO NOTHING", account, now
    )
    count: int = await connection.fetchval("SELECT count(*) FROM codes_sent WHERE account = $1", account)
    return count


# ---- webhooks -------------------------------------------------------------------------------------------------------


def secret_context(webhook_id: str) -> bytes:
    return f"webhook:{webhook_id}".encode()


async def webhook(tx: AsyncConnection, webhook_id: str, *, lock: bool = False) -> RowMapping | None:
    query = sa.select(webhooks).where(webhooks.c.id == webhook_id)
    return await fetch_one(tx, query.with_for_update() if lock else query)


async def live_webhooks(tx: AsyncConnection, organisation: str) -> int:
    query = sa.select(sa.func.count().label("n")).where(
        webhooks.c.organisation == organisation, webhooks.c.ended_at.is_(None)
    )
    row = await fetch_one(tx, query)
    return 0 if row is None else int(row["n"])


async def add_webhook(tx: AsyncConnection, **values: Any) -> bool:
    return await execute(tx, insert(webhooks).values(**values).on_conflict_do_nothing()) == 1


async def change_webhook(tx: AsyncConnection, webhook_id: str, **values: Any) -> None:
    await execute(tx, sa.update(webhooks).where(webhooks.c.id == webhook_id).values(**values))


async def webhooks_of(
    tx: AsyncConnection, organisation: str, only_by: str | None, after: str | None, limit: int
) -> Sequence[RowMapping]:
    """An organisation's, in the order of ids. `only_by`: what this account registered."""
    query = sa.select(webhooks).where(webhooks.c.organisation == organisation)
    if only_by is not None:
        query = query.where(webhooks.c.created_by == only_by)
    if after is not None:
        query = query.where(webhooks.c.id > after)
    return await fetch_all(tx, query.order_by(webhooks.c.id).limit(limit))


# ---- from notices to messages -----------------------------------------------------------------------------------------


class ToDispatch(NamedTuple):
    id: str
    organisation: str
    role: str
    kind: str
    title: str
    link: str


# Index Scan using notices_to_dispatch; what another copy dispatches is passed over.
_TO_DISPATCH = """
SELECT id, organisation, role, kind, title, link FROM notices
WHERE dispatched_at IS NULL AND made_at <= $1 ORDER BY made_at, id LIMIT $2 FOR UPDATE SKIP LOCKED
"""


async def to_dispatch(tx: AsyncConnection, before: datetime, limit: int) -> list[ToDispatch]:
    return [ToDispatch(*row.values()) for row in await (await driver(tx)).fetch(_TO_DISPATCH, before, limit)]


async def dispatched(tx: AsyncConnection, ids: Sequence[str], now: datetime) -> None:
    await (await driver(tx)).execute("UPDATE notices SET dispatched_at = $2 WHERE id = ANY($1::text[])", list(ids), now)


async def contacts_in(tx: AsyncConnection, organisations: Iterable[str]) -> Sequence[RowMapping]:
    """Proved ones of accounts that were of these organisations when they set them."""
    query = sa.select(contacts).where(
        contacts.c.organisation.in_(sorted(set(organisations))),
        contacts.c.verified_at.is_not(None),
        sa.func.cardinality(contacts.c.topics) > 0,
    )
    return await fetch_all(tx, query.order_by(contacts.c.account, contacts.c.channel))


async def webhooks_in(tx: AsyncConnection, organisations: Iterable[str]) -> Sequence[RowMapping]:
    query = sa.select(webhooks).where(
        webhooks.c.organisation.in_(sorted(set(organisations))), webhooks.c.ended_at.is_(None)
    )
    return await fetch_all(tx, query.order_by(webhooks.c.id))


def guardian_context(delivery_id: str) -> bytes:
    """What a guardian's sealed number is bound to: the one message that it is for."""
    return f"guardian:{delivery_id}".encode()


def content_context(delivery_id: str) -> bytes:
    return f"delivery:{delivery_id}".encode()


async def add_deliveries(tx: AsyncConnection, rows: Sequence[dict[str, Any]]) -> int:
    """Messages on their way; one that is there already stays as it is."""
    made = await insert_rows(tx, deliveries, rows, returning=("id",), on_conflict="(id) DO NOTHING")
    return len(made)


# ---- sending ------------------------------------------------------------------------------------------------------------


class ToSend(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A message under lease. `address`, `secret`: sealed; None where the contact or the webhook has gone."""

    id: str
    channel: str
    account: str | None
    webhook_id: str | None
    guardian_of: str | None
    template: str
    content: bytes
    created_at: datetime
    tries: int
    address: bytes | None
    url: str | None
    secret: bytes | None


# The lease is the next try: whoever is killed while sending leaves a message that goes out again. Only one try at a time.
_TAKE = """
WITH taken AS (
    SELECT id FROM deliveries WHERE state = 'waiting' AND next_try_at <= $1
    ORDER BY next_try_at, id LIMIT $3 FOR UPDATE SKIP LOCKED),
leased AS (
    UPDATE deliveries d SET next_try_at = $2, tries = tries + 1 FROM taken WHERE d.id = taken.id
    RETURNING d.id, d.channel, d.account, d.webhook_id, d.guardian_of, d.template, d.content, d.created_at, d.tries,
              d.address AS own_address)
SELECT l.id, l.channel, l.account, l.webhook_id, l.guardian_of, l.template, l.content, l.created_at, l.tries,
       coalesce(l.own_address, c.address) AS address, w.url, w.secret
FROM leased l
LEFT JOIN contacts c ON c.account = l.account AND c.channel = l.channel
     AND (c.verified_at IS NOT NULL OR l.template LIKE 'code\\_%')
LEFT JOIN webhooks w ON w.id = l.webhook_id AND w.ended_at IS NULL
ORDER BY l.created_at, l.id
"""


async def take(tx: AsyncConnection, now: datetime, lease: timedelta, limit: int) -> list[ToSend]:
    rows = await (await driver(tx)).fetch(_TAKE, now, now + lease, limit)
    return [ToSend(**dict(row)) for row in rows]


_ENDED = """
UPDATE deliveries SET state = $3, next_try_at = $4, sent_at = $5, problem = $6,
                      address = CASE WHEN $3 = 'waiting' THEN address END
WHERE id = $1 AND state = 'waiting' AND tries = $2
"""


async def tried(
    tx: AsyncConnection,
    message: ToSend,
    state: DeliveryState,
    *,
    next_try_at: datetime | None = None,
    sent_at: datetime | None = None,
    problem: str = "",
) -> None:
    """What came of this try; nothing where the lease ran out and another is under way."""
    await (await driver(tx)).execute(
        _ENDED, message.id, message.tries, state.value, next_try_at, sent_at, problem[:300]
    )


async def fails(tx: AsyncConnection, webhook_id: str, now: datetime | None) -> None:
    """The first failure in a row is kept; None: it works again."""
    statement = "UPDATE webhooks SET failing_since = coalesce(failing_since, $2) WHERE id = $1"
    if now is None:
        statement = "UPDATE webhooks SET failing_since = $2 WHERE id = $1 AND failing_since IS NOT NULL"
    await (await driver(tx)).execute(statement, webhook_id, now)


# Index Scan Backward using deliveries_of_account or, for administrators, deliveries_of_webhooks.
_PAGE = """
SELECT id, channel, shown_to, title, template, state, tries, created_at, next_try_at, sent_at, problem FROM (
    (SELECT * FROM deliveries WHERE account = $1 AND ($3::text IS NULL OR state = $3)
        AND (created_at, id) < (coalesce($4::timestamptz, 'infinity'), coalesce($5::text, ''))
     ORDER BY created_at DESC, id DESC LIMIT $6)
    UNION ALL
    (SELECT * FROM deliveries WHERE webhook_id IS NOT NULL AND organisation = $2 AND ($3::text IS NULL OR state = $3)
        AND ($7::text IS NULL OR webhook_id IN (SELECT w.id FROM webhooks w WHERE w.created_by = $7))
        AND (created_at, id) < (coalesce($4::timestamptz, 'infinity'), coalesce($5::text, ''))
     ORDER BY created_at DESC, id DESC LIMIT $6)
) AS page ORDER BY created_at DESC, id DESC LIMIT $6
"""


async def page(
    tx: AsyncConnection,
    account: str,
    organisation: str | None,
    state: str | None,
    before: tuple[datetime, str] | None,
    limit: int,
    *,
    only_by: str | None,
) -> list[asyncpg.Record]:
    """The account's, and those of an organisation's webhooks where one is given; newest first. `only_by`: of those alone
    that this account registered."""
    moment, id_ = before or (None, None)
    return await (await driver(tx)).fetch(_PAGE, account, organisation, state, moment, id_, limit, only_by)


# Index Scan Backward using deliveries_of_guardians.
_PAGE_OF_GUARDIANS = """
SELECT id, channel, shown_to, title, template, state, tries, created_at, next_try_at, sent_at, problem, guardian_of
FROM deliveries
WHERE guardian_of IS NOT NULL AND organisation = $1 AND ($2::text IS NULL OR state = $2)
  AND (created_at, id) < (coalesce($3::timestamptz, 'infinity'), coalesce($4::text, ''))
ORDER BY created_at DESC, id DESC LIMIT $5
"""


async def page_of_guardians(
    tx: AsyncConnection, school: str, state: str | None, before: tuple[datetime, str] | None, limit: int
) -> list[asyncpg.Record]:
    """Messages to guardians in the name of a school, newest first."""
    moment, id_ = before or (None, None)
    return await (await driver(tx)).fetch(_PAGE_OF_GUARDIANS, school, state, moment, id_, limit)
