"""Commands once: the id first, the work, the reply, in one transaction. A repeat gets the first reply.

Replies are kept sealed, with the digest of the command that they answer: some show a form, or document numbers that
were asked for with a purpose, and a bare digest of a short command could be guessed at.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import asyncpg
import sqlalchemy.exc
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Message, word

from service_kit.clock import Clock
from service_kit.codec import encode
from service_kit.crypto import FieldCipher
from service_kit.database import Database, driver
from service_kit.telemetry import describe
from service_kit.work import CommandHandler, QueryHandler, Work

log = logging.getLogger(__name__)
D = TypeVar("D")
R = TypeVar("R")

_CLAIM = """
INSERT INTO commands (command_id, kind) VALUES ($1, $2) ON CONFLICT (command_id) DO NOTHING RETURNING 1
"""
_FIRST = "SELECT reply FROM commands WHERE command_id = $1"
_REPLY = "UPDATE commands SET reply = $2 WHERE command_id = $1"
_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds between tries while PostgreSQL restarts


class _RollBack(Exception):
    def __init__(self, reply: Refused) -> None:
        self.reply = reply


async def once(db: Database, clock: Clock, deps: Any, handler: CommandHandler, command: Command) -> bytes:
    """Carry out a command and return its encoded reply.

    Two copies of one command at once: the second waits at the unique key and then reads the first reply. A refusal
    rolls everything back and is not kept: the same command may succeed once its cause is cured. The same id with another
    content is a mistake of the caller and refused.
    """
    return await _through_restarts(lambda: _once(db, clock, deps, handler, command), word(command))


async def _once(db: Database, clock: Clock, deps: Any, handler: CommandHandler, command: Command) -> bytes:
    digest = hashlib.sha256(encode(command)).digest()
    try:
        async with db.transaction() as tx:
            connection = await driver(tx)
            if not await connection.fetchval(_CLAIM, command.command_id, word(command)):
                return _again(
                    await connection.fetchval(_FIRST, command.command_id), digest, db.cipher, command.command_id
                )
            work: Work[Any] = Work(tx=tx, deps=deps, now=clock.now())
            reply = await handler(work, command)
            if isinstance(reply, Refused):
                raise _RollBack(reply)
            encoded = encode(reply)
            await work.flush()
            sealed = db.cipher.seal_bytes(digest + encoded, _context(command.command_id))
            await connection.execute(_REPLY, command.command_id, sealed)
    except _RollBack as back:
        return encode(back.reply)
    if work.events:
        db.wake_relay()
    for call in work.calls:
        call()
    return encoded


def _context(command_id: str) -> bytes:
    return f"reply:{command_id}".encode()


def _again(sealed: bytes | None, digest: bytes, cipher: FieldCipher, command_id: str) -> bytes:
    if sealed is None:
        return encode(refused("unavailable", "同一请求正在处理中，请稍后用相同的 Idempotency-Key 重试。"))
    kept = cipher.open_bytes(sealed, _context(command_id))
    if kept[: len(digest)] != digest:
        return encode(
            refused(
                "conflict",
                "这个 Idempotency-Key 已用于另一个不同的请求。请为新的请求使用新的 Idempotency-Key。",
            )
        )
    return kept[len(digest) :]


async def ask(db: Database, clock: Clock, deps: Any, handler: QueryHandler, query: Any) -> bytes:
    """Answer a query in a read-only transaction."""

    async def answer() -> bytes:
        async with db.transaction() as tx:
            await (await driver(tx)).execute("SET TRANSACTION READ ONLY")
            reply: Message | Refused = await handler(Work(tx=tx, deps=deps, now=clock.now()), query)
            return encode(reply)

    return await _through_restarts(answer, word(query))


async def _through_restarts(attempt: Callable[[], Awaitable[R]], what: str) -> R:
    """Repeat while the database is away for a moment. Safe: an attempt that may have committed is found by its id."""
    for pause in _PAUSES:
        try:
            return await attempt()
        except (sqlalchemy.exc.DBAPIError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as error:
            if not passing(error):
                raise
            log.warning("%s: tried again in %.1f s: %s", what, pause, describe(error))
            await asyncio.sleep(pause)
    return await attempt()


_PASSING = ("08", "57P", "40001", "40P01")
"""SQLSTATE classes that pass: connection lost, server stopping or starting, serialization, deadlock."""


def passing(error: BaseException) -> bool:
    if isinstance(error, OSError | asyncpg.InterfaceError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING)
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_PASSING)
    return False
