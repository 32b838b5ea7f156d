"""Sessions looked at and ended; and what verifying tokens needs."""

from __future__ import annotations

from regulation.authorisation import MISSING, Target, check
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.access import EndSession, GetTokenState, ListSessions, SessionPage, TokenState
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Ok, Query, word

from access.accounts import store as accounts
from access.clients import store as clients
from access.context import AccessWork
from access.sessions import keys, policy, sign_in, store


async def end_session(work: AccessWork, command: EndSession) -> Ok | Refused:
    """One that is over already stays as it is."""
    session = await store.find(work.tx, command.session_id)
    account = await accounts.find(work.tx, session.username) if session else None
    if no := check(command.actor, word(command), account.target if account else Target()):
        return no
    if session is None:
        return refused("not_found", MISSING)
    own = command.actor.account == session.username
    await store.end(work.tx, session.id, work.now, "本人退出" if own else f"由{command.actor.account}结束")
    return Ok()


async def list_sessions(work: AccessWork, query: ListSessions) -> SessionPage | Refused:
    username = query.username or query.actor.account
    account = await accounts.find(work.tx, username)
    if no := check(query.actor, word(query), account.target if account else Target()):
        return no
    before = paging.decode(query.cursor, str)
    if isinstance(before, Refused):
        return before
    limit, idle = paging.size(query.limit), work.deps.settings.session_idle
    found = await store.page(
        work.tx,
        username,
        work.now,
        idle,
        live=query.live_only,
        before=str(before[0]) if before else None,
        limit=limit + 1,
    )
    kept, cursor = paging.page(found, limit, lambda session: (session.id,))
    return SessionPage(items=tuple(session.view(idle) for session in kept), next_cursor=cursor)


async def get_token_state(work: AccessWork, query: GetTokenState) -> TokenState | Refused:
    if no := check(query.actor, word(query)):
        return no
    since = work.now - work.deps.settings.token_life - policy.LINGER
    stale = [*await store.stale(work.tx, since), *await clients.stale(work.tx, since)]
    return TokenState(keys=await keys.published(work.tx), stale=tuple(stale))


COMMANDS: dict[type[Command], CommandHandler] = {EndSession: end_session, **sign_in.COMMANDS}
QUERIES: dict[type[Query], QueryHandler] = {ListSessions: list_sessions, GetTokenState: get_token_state}
