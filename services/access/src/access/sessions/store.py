"""Every query about sessions and refresh tokens. An account is locked before its sessions."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

import msgspec
import sqlalchemy as sa
from service_kit.database import execute, fetch_all, fetch_one, insert_rows
from shared_contracts.access import SessionView, Stale
from shared_contracts.discreet import Discreet
from sqlalchemy.ext.asyncio import AsyncConnection

from access.sessions import policy
from access.sessions.tables import refresh_tokens, sessions


class Session(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    id: str
    username: str
    address: str
    agent: str
    started_at: datetime
    seen_at: datetime
    expires_at: datetime
    issued_at: datetime
    stale_before: datetime | None
    refresh_number: int
    ended_at: datetime | None
    end_reason: str

    def is_over(self, now: datetime, idle: timedelta) -> bool:
        return self.ended_at is not None or now >= policy.goes_until(self.seen_at, self.expires_at, idle)

    def view(self, idle: timedelta) -> SessionView:
        return SessionView(
            id=self.id,
            username=self.username,
            address=self.address,
            agent=self.agent,
            started_at=self.started_at,
            seen_at=self.seen_at,
            expires_at=policy.goes_until(self.seen_at, self.expires_at, idle),
            ended_at=self.ended_at,
            end_reason=self.end_reason,
        )


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    session_id: str
    number: int
    used_at: datetime | None
    replaced: bool


def token_hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def add(tx: AsyncConnection, session: Session) -> None:
    await insert_rows(tx, sessions, [msgspec.structs.asdict(session)])


async def find(tx: AsyncConnection, session_id: str, *, lock: bool = False) -> Session | None:
    query = sa.select(sessions).where(sessions.c.id == session_id)
    row = await fetch_one(tx, query.with_for_update(key_share=True) if lock else query)
    return None if row is None else Session(**row)


async def page(
    tx: AsyncConnection, username: str, now: datetime, idle: timedelta, *, live: bool, before: str | None, limit: int
) -> list[Session]:
    """Newest first, before a session."""
    query = sa.select(sessions).where(sessions.c.username == username)
    if live:
        query = query.where(sessions.c.ended_at.is_(None), sessions.c.expires_at > now, sessions.c.seen_at > now - idle)
    if before is not None:
        query = query.where(sessions.c.id < before)
    return [Session(**row) for row in await fetch_all(tx, query.order_by(sessions.c.id.desc()).limit(limit))]


async def continued(tx: AsyncConnection, session_id: str, seen_at: datetime, issued_at: datetime, number: int) -> None:
    """It got another access token and waits for refresh token `number`."""
    values = {"seen_at": seen_at, "issued_at": issued_at, "refresh_number": number}
    await execute(tx, sa.update(sessions).where(sessions.c.id == session_id).values(**values))


async def end(tx: AsyncConnection, session_id: str, now: datetime, reason: str) -> None:
    await _end(tx, sessions.c.id == session_id, now, reason)


async def end_all(tx: AsyncConnection, username: str, now: datetime, reason: str, *, keep: str | None = None) -> None:
    """The sessions of an account, but for the one to keep."""
    of_account = sessions.c.username == username
    await _end(tx, of_account if keep is None else sa.and_(of_account, sessions.c.id != keep), now, reason)


async def rights_changed(tx: AsyncConnection, username: str, now: datetime) -> None:
    """The access tokens of an account count no more: its sessions go on with the next ones, which say what it may now."""
    live = sa.and_(sessions.c.username == username, sessions.c.ended_at.is_(None), sessions.c.expires_at > now)
    await execute(tx, sa.update(sessions).where(live).values(stale_before=_after_the_last(now)))


async def _end(tx: AsyncConnection, which: sa.ColumnElement[bool], now: datetime, reason: str) -> None:
    live = sa.and_(which, sessions.c.ended_at.is_(None), sessions.c.expires_at > now)
    values = {"ended_at": now, "end_reason": reason, "stale_before": _after_the_last(now)}
    await execute(tx, sa.update(sessions).where(live).values(**values))


def _after_the_last(now: datetime) -> sa.ColumnElement[datetime]:
    """After every token that was issued, by whichever clock."""
    return sa.func.greatest(sa.literal(now, sessions.c.issued_at.type), sessions.c.issued_at + policy.TICK)


async def stale(tx: AsyncConnection, since: datetime) -> list[Stale]:
    """Sessions of which tokens may be about that count no more: those that changed since then."""
    query = sa.select(sessions.c.id, sessions.c.stale_before).where(sessions.c.stale_before > since)
    return [Stale(session=row["id"], before=row["stale_before"]) for row in await fetch_all(tx, query)]


# ---- refresh tokens -------------------------------------------------------------------------------------------------


async def refresh_token(tx: AsyncConnection, hash_: bytes) -> RefreshToken | None:
    c = refresh_tokens.c
    query = sa.select(c.session_id, c.number, c.used_at, c.replaced).where(c.hash == hash_)
    row = await fetch_one(tx, query)
    return None if row is None else RefreshToken(**row)


async def add_token(tx: AsyncConnection, session_id: str, number: int, hash_: bytes, now: datetime) -> None:
    row = {"hash": hash_, "session_id": session_id, "number": number, "issued_at": now, "replaced": False}
    await insert_rows(tx, refresh_tokens, [row])


async def use_token(tx: AsyncConnection, session_id: str, hash_: bytes, now: datetime) -> None:
    """It is used, as of its first use; what else of the session is unused is replaced by what comes now."""
    c = refresh_tokens.c
    used = sa.update(refresh_tokens).where(c.hash == hash_, c.used_at.is_(None)).values(used_at=now)
    await execute(tx, used)
    rest = sa.update(refresh_tokens).where(c.session_id == session_id, c.used_at.is_(None)).values(replaced=True)
    await execute(tx, rest)


# ---- tidying --------------------------------------------------------------------------------------------------------


async def forget(tx: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete sessions that could not be continued after a moment, with their refresh tokens. How many."""
    old = sa.select(sessions.c.id).where(sessions.c.expires_at < before).order_by(sessions.c.expires_at).limit(limit)
    return await execute(tx, sa.delete(sessions).where(sessions.c.id.in_(old)))


async def forget_tokens(tx: AsyncConnection, before: datetime, limit: int) -> int:
    """Delete refresh tokens of sessions that were over before a moment: nobody can use them any more."""
    c = refresh_tokens.c
    old = (
        sa.select(c.hash)
        .join(sessions, sessions.c.id == c.session_id)
        .where(sessions.c.expires_at < before)
        .limit(limit)
    )
    return await execute(tx, sa.delete(refresh_tokens).where(c.hash.in_(old)))


def new_session(session_id: str, username: str, address: str, agent: str, now: datetime, life: timedelta) -> Session:
    return Session(
        id=session_id,
        username=username,
        address=address,
        agent=agent,
        started_at=now,
        seen_at=now,
        expires_at=now + life,
        issued_at=now,
        stale_before=None,
        refresh_number=1,
        ended_at=None,
        end_reason="",
    )
