"""Integration clients made and ended by account administrators, and their tokens (RFC 6749, 4.4)."""

from __future__ import annotations

import hmac
import secrets

from regulation.authorisation import MISSING, Target, check, reach, target_of
from service_kit import organisations, paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.access import (
    ClientGranted,
    ClientPage,
    ClientSecret,
    ClientView,
    CreateClient,
    EndClient,
    GrantClient,
    ListClients,
    RotateClientSecret,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word

from access.accounts import policy as accounts
from access.accounts import rights
from access.clients import policy, store
from access.clients.store import Client
from access.context import AccessWork
from access.sessions import tokens
from access.sessions.policy import issue_at

_NOBODY = bytes(32)


async def create_client(work: AccessWork, command: CreateClient) -> ClientSecret | Refused:
    of = command.organisation
    known = await organisations.find(work.tx, of)
    target = target_of(of, known.authority if known else None)
    if no := check(command.actor, word(command), target, missing="没有这个机构，或者它不属于您管理的范围。"):
        return no
    if known is None or known.closed:
        return refused("refused", "机构不存在或已经撤销，不能建立接口用户。请核对机构代码。")
    found = accounts.faults(
        (
            accounts.check_username(command.client_id, "client_id"),
            accounts.check_name(command.name),
            policy.check_scopes(command.scopes),
            policy.check_expiry(command.expires_on, work.today, rights.parameters(work.deps, work.today)),
        )
    )
    if found:
        return refused("refused", "接口用户信息不符合要求，没有建立。", *found)
    secret = secrets.token_urlsafe(32)
    made = await store.add(
        work.tx,
        client_id=command.client_id,
        name=command.name.strip(),
        organisation=of,
        scopes=list(command.scopes),
        secret_hash=store.secret_hash(secret),
        expires_on=command.expires_on,
        created_at=work.now,
        created_by=command.actor.account,
    )
    if not made:
        return refused("conflict", "接口用户标识已被使用。请换一个标识；没有看到密钥的，用“更换接口密钥”取得新的密钥。")
    return ClientSecret(client=await _seen(work, command.client_id), secret=secret)


async def rotate_client_secret(work: AccessWork, command: RotateClientSecret) -> ClientSecret | Refused:
    client = await _administered(work, command)
    if isinstance(client, Refused):
        return client
    secret = secrets.token_urlsafe(32)
    await store.new_secret(work.tx, client.client_id, store.secret_hash(secret), work.now)
    return ClientSecret(client=await _seen(work, client.client_id), secret=secret)


async def end_client(work: AccessWork, command: EndClient) -> ClientView | Refused:
    client = await _administered(work, command)
    if isinstance(client, Refused):
        return client
    await store.end(work.tx, client.client_id, work.now)
    return await _seen(work, client.client_id)


async def _administered(work: AccessWork, command: RotateClientSecret | EndClient) -> Client | Refused:
    """The client, locked, if the actor manages it and it has not ended."""
    client = await store.find(work.tx, command.client_id, lock=True)
    if no := check(command.actor, word(command), client.target if client else Target()):
        return no
    if client is None:
        return refused("not_found", MISSING)
    return refused("conflict", "接口用户已经停用。需要的，请建立新的接口用户。") if client.ended_at else client


async def _seen(work: AccessWork, client_id: str) -> ClientView:
    client = await store.find(work.tx, client_id)
    assert client is not None, "it was written in this transaction"
    return client.view()


async def list_clients(work: AccessWork, query: ListClients) -> ClientPage | Refused:
    seen = reach(query.actor, word(query))
    after = paging.decode(query.cursor, str)
    if isinstance(seen, Refused):
        return seen
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    found = await store.page(work.tx, seen, str(after[0]) if after else None, limit + 1)
    kept, cursor = paging.page(found, limit, lambda client: (client.client_id,))
    return ClientPage(items=tuple(client.view() for client in kept), next_cursor=cursor)


async def grant_client(work: AccessWork, command: GrantClient) -> ClientGranted | Refused:
    """No refresh token (RFC 6749, 4.4.3): the client asks again with its secret."""
    if no := check(command.actor, word(command)):
        return no
    possible = accounts.check_username(command.client_id) is None
    client = await store.find(work.tx, command.client_id, lock=True) if possible else None
    right = hmac.compare_digest(store.secret_hash(command.client_secret), client.secret_hash if client else _NOBODY)
    if client is None:
        return ClientGranted(error="invalid_client")
    who = client.actor(())
    if not right or client.ended_at or policy.is_over(client.expires_on, work.today):
        return ClientGranted(error="invalid_client", who=who)
    scopes = policy.granted(command.scope, client.scopes)
    if scopes is None:
        return ClientGranted(error="invalid_scope", who=who)
    at = issue_at(work.now, client.stale_before)
    token = await tokens.sign(work, client.actor(scopes), store.session_of(client.client_id), at)
    await store.used(work.tx, client.client_id, work.now, at)
    return ClientGranted(
        access_token=token,
        expires_in=int(work.deps.settings.token_life.total_seconds()),
        scope=" ".join(scopes),
        who=who,
    )


COMMANDS: dict[type[Command], CommandHandler] = {
    CreateClient: create_client,
    RotateClientSecret: rotate_client_secret,
    EndClient: end_client,
    GrantClient: grant_client,
}
QUERIES: dict[type[Query], QueryHandler] = {ListClients: list_clients}
