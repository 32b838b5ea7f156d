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
from regulation.authorisation import gate
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Message, Ok, Query, word

from service_kit.audit import IN_TRANSACTION, NotRecorded, Recorder, act_of
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
_REPLY_AND_ENTRY = """
WITH kept AS (UPDATE commands SET reply = $2 WHERE command_id = $1)
INSERT INTO audit_outbox (event_id, subject, key, payload, headers) VALUES ($3, $4, $5, $6, '{}')
"""
_PAUSES = (0.2, 0.5, 1.0, 2.0)  # seconds between tries while PostgreSQL restarts


class _RollBack(Exception):
    def __init__(self, reply: Refused) -> None:
        super().__init__()  # its text stays empty: it may be the context of an error that is logged
        self.reply = reply


async def once(
    db: Database, clock: Clock, deps: Any, handler: CommandHandler, command: Command, recorder: Recorder
) -> bytes:
    """Carry out a command and return its encoded reply; the entry of the audit log is part of the same transaction.

    Two copies of one command at once: the second waits at the unique key and then reads the first reply. A refusal
    rolls everything back and is not kept: the same command may succeed once its cause is cured. The same id with another
    content is a mistake of the caller and refused. A command whose type says `kept = False` (signing in: each try is
    its own, and its reply is a secret) leaves neither its id nor its reply.
    """
    if shut := _gate(command):
        return await _recorded(recorder, command, shut, clock)
    return await _through_restarts(lambda: _once(db, clock, deps, handler, command, recorder), word(command))


def _gate(message: Command | Query) -> Refused | None:
    """The table of acts, before anything is read: no handler can forget to ask for the role."""
    act = act_of(message)
    return None if act is None else gate(message.actor, act)


async def _once(
    db: Database, clock: Clock, deps: Any, handler: CommandHandler, command: Command, recorder: Recorder
) -> bytes:
    kept = getattr(type(command), "kept", True)
    digest = hashlib.sha256(encode(command)).digest() if kept else b""
    try:
        async with db.transaction() as tx:
            connection = await driver(tx)
            if kept and not await connection.fetchval(_CLAIM, command.command_id, word(command)):
                first = await connection.fetchval(_FIRST, command.command_id)
                return await _again(first, digest, db.cipher, command, recorder, clock)
            work: Work[Any] = Work(tx=tx, deps=deps, now=clock.now())
            reply = await handler(work, command)
            if isinstance(reply, Refused):
                raise _RollBack(reply)
            encoded = encode(reply)
            await work.flush()
            entry = recorder.entry(command, reply, work.now)
            sealed = db.cipher.seal_bytes(digest + encoded, _context(command.command_id)) if kept else b""
            if kept and entry:
                await connection.execute(_REPLY_AND_ENTRY, command.command_id, sealed, *recorder.row(entry))
            elif kept:
                await connection.execute(_REPLY, command.command_id, sealed)
            elif entry:
                await connection.execute(IN_TRANSACTION, *recorder.row(entry))
    except _RollBack as back:
        return await _recorded(recorder, command, back.reply, clock)
    except (sqlalchemy.exc.DBAPIError, asyncpg.PostgresError) as error:
        if (no := refusal_of(error)) is None:
            raise
        return await _recorded(recorder, command, no, clock)
    if work.events or entry:
        db.wake_relay()
    for call in work.calls:
        call()
    return encoded


async def _recorded(
    recorder: Recorder, message: Command | Query, reply: Message | Refused, clock: Clock, outcome: str = ""
) -> bytes:
    """The encoded reply, once the audit log has its entry; a refusal that shows nothing where it cannot be had."""
    entry = recorder.entry(message, reply, clock.now(), outcome)
    if entry is not None:
        try:
            await recorder.publish(entry)
        except NotRecorded as error:
            log.error("%s: not answered, the audit log cannot be written (%s)", word(message), error)
            return encode(refused("unavailable", NO_AUDIT))
    return encode(reply)


NO_AUDIT = "审计记录暂时无法写入，按规定不能显示或办理。请稍后重试；持续出现请联系运维人员。"


def _context(command_id: str) -> bytes:
    return f"reply:{command_id}".encode()


async def _again(
    sealed: bytes | None, digest: bytes, cipher: FieldCipher, command: Command, recorder: Recorder, clock: Clock
) -> bytes:
    """The first reply, shown once more: that is a look too, and recorded."""
    if sealed is None:
        return encode(refused("unavailable", "同一请求正在处理中，请稍后用相同的 Idempotency-Key 重试。"))
    kept = cipher.open_bytes(sealed, _context(command.command_id))
    if kept[: len(digest)] != digest:
        return encode(
            refused(
                "conflict",
                "这个 Idempotency-Key 已用于另一个不同的请求。请为新的请求使用新的 Idempotency-Key。",
            )
        )
    said = await _recorded(recorder, command, Ok(), clock, "repeated")
    return kept[len(digest) :] if said == encode(Ok()) else said


async def ask(db: Database, clock: Clock, deps: Any, handler: QueryHandler, query: Any, recorder: Recorder) -> bytes:
    """Answer a query in a read-only transaction. What shows pupils leaves once the audit log knows of it.

    The log is told while the transaction ends: neither waits for the other. An answer that is made again because the
    database went away at that very moment is told again too.
    """

    async def answer() -> bytes:
        async with db.reading() as tx:
            reply = await handler(Work(tx=tx, deps=deps, now=clock.now()), query)
            recorded = asyncio.create_task(_recorded(recorder, query, reply, clock))
            await asyncio.sleep(0)  # its first step: the entry is on its way
        return await recorded

    if shut := _gate(query):
        return await _recorded(recorder, query, shut, clock)
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


HELD = "XJ001"
"""SQLSTATE of a trigger that refuses in words meant for people: what holds for every path is held in one place."""


def refusal_of(error: BaseException) -> Refused | None:
    """The refusal that a trigger of ours has spoken, None for any other error."""
    original: Any = getattr(error, "orig", None) or error
    cause = getattr(original, "__cause__", None) or original
    if HELD not in (getattr(original, "sqlstate", None), getattr(cause, "sqlstate", None)):
        return None
    return refused("conflict", str(getattr(cause, "message", None) or cause))


def passing(error: BaseException) -> bool:
    if isinstance(error, OSError | asyncpg.InterfaceError):
        return True
    if isinstance(error, asyncpg.PostgresError):
        return (error.sqlstate or "").startswith(_PASSING)
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        state = getattr(error.orig, "sqlstate", None) or ""
        return error.connection_invalidated or state.startswith(_PASSING)
    return False
