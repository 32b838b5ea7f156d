"""Account administrators: who there is, and what each may be (clauses 3.1, 45.3)."""

from __future__ import annotations

from regulation.authorisation import MISSING, Target, check, reach, target_of
from service_kit import organisations, paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.access import (
    AccountPage,
    AccountView,
    ChangeAccount,
    CreateAccount,
    GetAccount,
    HolderNow,
    HoldersNow,
    ListAccounts,
    ListHoldersNow,
    PasswordIssued,
    ResetPassword,
    ResetSecondFactor,
    SealAccount,
    UnsealAccount,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word

from access.accounts import loading, own, policy, rights, store
from access.accounts.passwords import first_password
from access.accounts.store import Account
from access.context import AccessWork
from access.sessions import store as sessions

MOST_HOLDERS = 500
"""Accounts of one question."""


async def create_account(work: AccessWork, command: CreateAccount) -> PasswordIssued | Refused:
    of = command.organisation
    known = await organisations.find(work.tx, of)
    target = target_of(of, known.authority if known else None)
    if no := check(command.actor, word(command), target, missing="没有这个机构，或者它不属于您管理的范围。"):
        return no
    if known is None or known.closed:
        return refused("refused", "机构不存在或已经撤销，不能建立账号。请核对机构代码。")
    found = policy.faults(
        (
            policy.check_username(command.username),
            policy.check_name(command.name),
            *policy.check_roles(of, command.roles),
            policy.check_classes(command.roles, command.classes),
        )
    )
    if found:
        return refused("refused", "账号信息不符合要求，没有建立。", *found)
    password = first_password()
    made = await store.add(
        work.tx,
        username=command.username,
        name=command.name.strip(),
        organisation=of,
        roles=list(command.roles),
        classes=list(command.classes),
        password_hash=await work.deps.hasher.hash(password),
        password_set_at=work.now,
        must_change_password=True,
        open_since=work.now,
        created_at=work.now,
        created_by=command.actor.account,
    )
    if not made:
        return refused("conflict", "用户名已被使用（封存的账号也保留其用户名）。请换一个用户名。")
    await store.record(work.tx, command.username, "create", command.actor.account, "", work.now)
    return PasswordIssued(account=await _seen(work, command.username), password=password)


async def change_account(work: AccessWork, command: ChangeAccount) -> AccountView | Refused:
    account = await _administered(work, command)
    if isinstance(account, Refused):
        return account
    if account.version != command.version:
        return refused("conflict", "账号信息已被他人修改。请刷新后重新修改。")
    name = account.name if command.name is None else command.name
    roles = account.roles if command.roles is None else command.roles
    classes = account.classes if command.classes is None else command.classes
    found = policy.faults(
        (
            policy.check_name(name),
            *policy.check_roles(account.organisation, roles),
            policy.check_classes(roles, classes),
        )
    )
    if found:
        return refused("refused", "账号信息不符合要求，没有修改。", *found)
    await store.change(work.tx, account.username, name=name.strip(), roles=list(roles), classes=list(classes))
    return await _changed(work, command, account, "change")


async def seal_account(work: AccessWork, command: SealAccount) -> AccountView | Refused:
    account = await _administered(work, command, command.reason)
    if isinstance(account, Refused):
        return account
    if account.seal == "sealed":
        return refused("conflict", "账号已经封存。")
    await store.change(work.tx, account.username, seal="sealed", sealed_reason=command.reason)
    return await _changed(work, command, account, "seal", ends="账号已封存")


async def unseal_account(work: AccessWork, command: UnsealAccount) -> AccountView | Refused:
    account = await _administered(work, command, command.reason)
    if isinstance(account, Refused):
        return account
    if not account.seal:
        return refused("conflict", "账号没有封存，不需要启用。")
    await store.change(work.tx, account.username, seal=None, sealed_reason="", open_since=work.now)
    return await _changed(work, command, account, "unseal")


async def reset_password(work: AccessWork, command: ResetPassword) -> PasswordIssued | Refused:
    await store.clear_failures(work.tx, command.username)  # its lock comes before the account's; a refusal undoes it
    account = await _administered(work, command, command.reason)
    if isinstance(account, Refused):
        return account
    password = first_password()
    await store.change(
        work.tx,
        account.username,
        password_hash=await work.deps.hasher.hash(password),
        password_set_at=work.now,
        must_change_password=True,
    )
    changed = await _changed(work, command, account, "reset_password", ends="密码已由管理员重置")
    return PasswordIssued(account=changed, password=password)


async def reset_second_factor(work: AccessWork, command: ResetSecondFactor) -> AccountView | Refused:
    account = await _administered(work, command, command.reason)
    if isinstance(account, Refused):
        return account
    if account.totp_seed is None and account.totp_waiting is None:
        return refused("conflict", "账号没有绑定动态口令，不需要重置。")
    await store.change(work.tx, account.username, totp_seed=None, totp_waiting=None, totp_step=None)
    await store.replace_codes(work.tx, account.username, ())
    return await _changed(work, command, account, "reset_second_factor", ends="动态口令已由管理员重置")


_Administering = ChangeAccount | SealAccount | UnsealAccount | ResetPassword | ResetSecondFactor


async def _administered(work: AccessWork, command: _Administering, reason: str | None = None) -> Account | Refused:
    """The account, locked, if the actor manages it: one of his subtree, and not his own."""
    account = await store.find(work.tx, command.username, lock=True)
    if no := check(command.actor, word(command), account.target if account else Target()):
        return no
    if account is None:
        return refused("not_found", MISSING)
    if own_account := policy.check_own(command.actor, account.username):
        return refused("forbidden", f"{own_account.message}。{own_account.cure}。", own_account)
    if reason is not None and (fault := policy.check_reason(reason)):
        return refused("invalid", f"{fault.message}。{fault.cure}。", fault)
    return account


async def _changed(
    work: AccessWork, command: _Administering, account: Account, act: str, *, ends: str = ""
) -> AccountView:
    """Recorded; its sessions end, or get their new rights with their next token."""
    reason = getattr(command, "reason", "")
    await store.record(work.tx, account.username, act, command.actor.account, reason, work.now)
    if ends:
        await sessions.end_all(work.tx, account.username, work.now, ends)
    else:
        await sessions.rights_changed(work.tx, account.username, work.now)
    return await _seen(work, account.username)


async def _seen(work: AccessWork, username: str) -> AccountView:
    account = await store.find(work.tx, username)
    assert account is not None, "it was written in this transaction"
    return await rights.view(work, account)


# ---- queries --------------------------------------------------------------------------------------------------------


async def get_account(work: AccessWork, query: GetAccount) -> AccountView | Refused:
    account = await store.find(work.tx, query.username)
    if no := check(query.actor, word(query), account.target if account else Target()):
        return no
    return await rights.view(work, account) if account else refused("not_found", MISSING)


async def list_accounts(work: AccessWork, query: ListAccounts) -> AccountPage | Refused:
    seen = reach(query.actor, word(query))
    after = paging.decode(query.cursor, str)
    if isinstance(seen, Refused):
        return seen
    if isinstance(after, Refused):
        return after
    if query.name and not query.name.isprintable():
        return refused("invalid", "查询条件中有控制字符。请重新输入。")
    limit = paging.size(query.limit)
    found = await store.page(
        work.tx,
        seen,
        work.now,
        organisation=query.organisation,
        role=query.role,
        state=query.state,
        name=query.name,
        after=str(after[0]) if after else None,
        limit=limit + 1,
    )
    kept, cursor = paging.page(found, limit, lambda account: (account.username,))
    return AccountPage(items=tuple(await rights.views(work, kept)), next_cursor=cursor)


COMMANDS: dict[type[Command], CommandHandler] = {
    CreateAccount: create_account,
    ChangeAccount: change_account,
    SealAccount: seal_account,
    UnsealAccount: unseal_account,
    ResetPassword: reset_password,
    ResetSecondFactor: reset_second_factor,
    **own.COMMANDS,
    **loading.COMMANDS,
}


async def list_holders_now(work: AccessWork, query: ListHoldersNow) -> HoldersNow | Refused:
    """For services: an account that was sealed, or has another role, is told nothing of what the old one was about."""
    if no := check(query.actor, word(query)):
        return no
    found = await store.some(work.tx, query.usernames[:MOST_HOLDERS])
    live = [account for account in found if account.seal is None]
    waiting = await rights.withheld(work, live)
    return HoldersNow(
        items=tuple(
            HolderNow(
                username=account.username,
                organisation=account.organisation,
                roles=tuple(role for role in account.roles if role not in waiting[account.username]),
            )
            for account in live
        )
    )


QUERIES: dict[type[Query], QueryHandler] = {
    GetAccount: get_account,
    ListAccounts: list_accounts,
    ListHoldersNow: list_holders_now,
}
