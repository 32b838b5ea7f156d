"""Every query about integration clients."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, Target, target_of
from service_kit.database import execute, fetch_all, fetch_one
from service_kit.organisations import replica
from shared_contracts.access import ClientView, Stale
from shared_contracts.actors import Actor, Role
from shared_contracts.discreet import Discreet
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from access.accounts.store import authority_column, within
from access.clients.tables import clients
from access.sessions.policy import TICK


class Client(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """`authority`: that it stands under, see `accounts.store.Account`."""

    client_id: str
    name: str
    organisation: str
    scopes: tuple[str, ...]
    secret_hash: bytes
    expires_on: date
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    issued_at: datetime | None
    stale_before: datetime | None
    ended_at: datetime | None
    authority: str | None

    @property
    def target(self) -> Target:
        return target_of(self.organisation, self.authority)

    def actor(self, scopes: tuple[str, ...]) -> Actor:
        return Actor(
            account=session_of(self.client_id),
            name=self.name,
            organisation=self.organisation,
            roles=(Role.INTEGRATION_CLIENT,),
            scopes=scopes,
        )

    def view(self) -> ClientView:
        return ClientView(
            client_id=self.client_id,
            name=self.name,
            organisation=self.organisation,
            scopes=self.scopes,
            expires_on=self.expires_on,
            created_at=self.created_at,
            created_by=self.created_by,
            last_used_at=self.last_used_at,
            ended_at=self.ended_at,
        )


def session_of(client_id: str) -> str:
    """What stands for account and session of a client: no user name has a colon."""
    return f"client:{client_id}"


def secret_hash(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


_WHOLE = sa.select(clients, authority_column(clients.c.organisation).label("authority")).outerjoin(
    replica, replica.c.code == clients.c.organisation
)


async def find(tx: AsyncConnection, client_id: str, *, lock: bool = False) -> Client | None:
    if lock:  # first: what is read is then as it is under the lock
        held = sa.select(clients.c.client_id).where(clients.c.client_id == client_id).with_for_update(key_share=True)
        await fetch_one(tx, held)
    row = await fetch_one(tx, _WHOLE.where(clients.c.client_id == client_id))
    return None if row is None else _client(row)


async def page(tx: AsyncConnection, reach: Reach, after: str | None, limit: int) -> list[Client]:
    """In the order of ids, after one."""
    query = _WHOLE.where(within(reach, clients.c.organisation, sa.literal("client:") + clients.c.client_id))
    if after is not None:
        query = query.where(clients.c.client_id > after)
    return [_client(row) for row in await fetch_all(tx, query.order_by(clients.c.client_id).limit(limit))]


async def add(tx: AsyncConnection, **values: Any) -> bool:
    """False where the id is taken, now or at any time before."""
    return await execute(tx, insert(clients).values(**values).on_conflict_do_nothing()) == 1


async def used(tx: AsyncConnection, client_id: str, now: datetime, issued_at: datetime) -> None:
    await _put(tx, client_id, last_used_at=now, issued_at=issued_at)


async def new_secret(tx: AsyncConnection, client_id: str, hash_: bytes, now: datetime) -> None:
    """The old one ends, with the tokens that it brought."""
    await _put(tx, client_id, secret_hash=hash_, stale_before=_after_the_last(now))


async def renew(tx: AsyncConnection, client_id: str, hash_: bytes, expires_on: date, now: datetime) -> None:
    await _put(tx, client_id, secret_hash=hash_, expires_on=expires_on, stale_before=_after_the_last(now))


async def end(tx: AsyncConnection, client_id: str, now: datetime) -> None:
    await _put(tx, client_id, ended_at=now, stale_before=_after_the_last(now))


async def _put(tx: AsyncConnection, client_id: str, **values: Any) -> None:
    await execute(tx, sa.update(clients).where(clients.c.client_id == client_id).values(**values))


def _after_the_last(now: datetime) -> sa.ColumnElement[datetime]:
    return sa.func.greatest(sa.literal(now, clients.c.created_at.type), clients.c.issued_at + TICK)


async def stale(tx: AsyncConnection, since: datetime) -> list[Stale]:
    """Clients of which tokens may be about that count no more."""
    query = sa.select(clients.c.client_id, clients.c.stale_before).where(clients.c.stale_before > since)
    return [
        Stale(session=session_of(row["client_id"]), before=row["stale_before"]) for row in await fetch_all(tx, query)
    ]


def _client(row: Mapping[Any, Any]) -> Client:
    return Client(**dict(row) | {"scopes": tuple(row["scopes"])})
