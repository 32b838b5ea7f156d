"""Demonstration accounts and clients, with the secrets that the demonstration has made up. Never in production."""

from __future__ import annotations

from typing import Any

from regulation.authorisation import check
from service_kit import organisations
from service_kit.work import CommandHandler
from shared_contracts.access import DemoAccount, DemoClient, LoadAccounts
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Command, Ok, word

from access.accounts import policy, rights, store
from access.accounts.policy import Owner
from access.accounts.store import Account
from access.appointments.loading import appoint_demo
from access.clients import policy as client_policy
from access.clients import store as clients
from access.context import AccessWork
from access.sessions import store as sessions

MOST = 200


async def load_accounts(work: AccessWork, command: LoadAccounts) -> Ok | Refused:
    """All or nothing. What is as it is asked for stays as it is, so that loading again changes nothing."""
    if no := check(command.actor, word(command)):
        return no
    if work.deps.settings.production:
        detail = "生产环境不能载入演示账号。第一个账号管理员由运维人员用 python -m access first-admin 建立。"
        return refused("forbidden", detail)
    if len(command.accounts) + len(command.clients) > MOST:
        return refused("too_large", f"一次最多载入{MOST}个账号。")
    wanted = {account.organisation for account in command.accounts} | {one.organisation for one in command.clients}
    names = {code: known.name for code in wanted if (known := await organisations.find(work.tx, code))}
    if len(names) < len(wanted):
        return refused("unavailable", "有的机构还没有从学籍登记服务传来。请稍后用相同的请求重试。")
    found: list[Finding] = []
    for account in command.accounts:
        found += _faults(work, account, names[account.organisation])
    for client in command.clients:
        found += _client_faults(work, client)
    if found:
        return refused("refused", "演示账号不符合要求，没有载入。", *found)
    for account in command.accounts:
        if no := await _put(work, account):
            return no
    for client in command.clients:
        if no := await _put_client(work, client):
            return no
    return Ok()


def _faults(work: AccessWork, account: DemoAccount, organisation_name: str) -> tuple[Finding, ...]:
    owner = Owner(
        username=account.username,
        name=account.name,
        organisation=account.organisation,
        organisation_name=organisation_name,
    )
    return policy.faults(
        (
            policy.check_username(account.username),
            policy.check_name(account.name),
            *policy.check_roles(account.organisation, account.roles),
            policy.check_classes(account.roles, account.classes),
            policy.check_password(account.password, owner, rights.parameters(work.deps, work.today)),
        )
    )


async def _put(work: AccessWork, wanted: DemoAccount) -> Refused | None:
    account = await store.find(work.tx, wanted.username, lock=True)
    facts: dict[str, Any] = {"name": wanted.name, "roles": list(wanted.roles), "classes": list(wanted.classes)}
    if account is None:
        await store.add(
            work.tx,
            username=wanted.username,
            organisation=wanted.organisation,
            password_hash=await work.deps.hasher.hash(wanted.password),
            password_set_at=work.now,
            must_change_password=False,
            open_since=work.now,
            created_at=work.now,
            created_by="demo",
            **facts,
        )
        await store.record(work.tx, wanted.username, "create", "demo", "", work.now)
    else:
        if account.organisation != wanted.organisation:
            return refused("conflict", f"演示账号{wanted.username}已属于另一个机构。请换一个用户名。")
        if await _needs_opening(work, account, wanted.password):
            password_hash = await work.deps.hasher.hash(wanted.password)
            facts |= {"password_hash": password_hash, "password_set_at": work.now, "must_change_password": False}
            facts |= {"seal": None, "sealed_reason": "", "open_since": work.now}
        if facts != {"name": account.name, "roles": list(account.roles), "classes": list(account.classes)}:
            await store.change(work.tx, wanted.username, **facts)
            await store.record(work.tx, wanted.username, "change", "demo", "", work.now)
            await sessions.rights_changed(work.tx, wanted.username, work.now)
    if wanted.training:
        await appoint_demo(work, wanted.username, wanted.organisation, wanted.training)
    return None


async def _needs_opening(work: AccessWork, account: Account, password: str) -> bool:
    """A demonstration that was left alone for half a year works as on its first day."""
    right = await work.deps.hasher.verify(account.password_hash, password)
    return not right or bool(account.seal) or bool((await rights.actor_of(work, account)).limited)


def _client_faults(work: AccessWork, client: DemoClient) -> tuple[Finding, ...]:
    return policy.faults(
        (
            policy.check_username(client.client_id, "client_id"),
            policy.check_name(client.name),
            client_policy.check_scopes(client.scopes),
            client_policy.check_expiry(client.expires_on, work.today, rights.parameters(work.deps, work.today)),
        )
    )


async def _put_client(work: AccessWork, wanted: DemoClient) -> Refused | None:
    client = await clients.find(work.tx, wanted.client_id, lock=True)
    hash_ = clients.secret_hash(wanted.secret)
    if client is None:
        await clients.add(
            work.tx,
            client_id=wanted.client_id,
            name=wanted.name,
            organisation=wanted.organisation,
            scopes=list(wanted.scopes),
            secret_hash=hash_,
            expires_on=wanted.expires_on,
            created_at=work.now,
            created_by="demo",
        )
    elif client.organisation != wanted.organisation or client.ended_at:
        return refused("conflict", f"演示接口用户{wanted.client_id}已属于另一个机构或已停用。请换一个标识。")
    elif client.secret_hash != hash_ or client_policy.is_over(client.expires_on, work.today):
        await clients.renew(work.tx, wanted.client_id, hash_, wanted.expires_on, work.now)
    return None


COMMANDS: dict[type[Command], CommandHandler] = {LoadAccounts: load_accounts}
