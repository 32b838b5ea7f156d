"""What everybody does with his own account: another password, a second factor (clause 45.3).

A wrong password counts here as it does at the door: whoever finds an open session may not try passwords in it. The
handler refuses and so rolls back; the failure is counted on a connection of its own, and before the account is locked:
signing in locks the count first and the account then.
"""

from __future__ import annotations

import math

from regulation.authorisation import MISSING, Target, check
from service_kit.work import CommandHandler
from shared_contracts.access import (
    ChangePassword,
    ConfirmSecondFactor,
    EnrolSecondFactor,
    RecoveryCodes,
    SecondFactorSeed,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Ok, word

from access.accounts import guessing, policy, rights, second_factor, store
from access.accounts.passwords import Busy
from access.accounts.policy import Owner
from access.accounts.store import Account
from access.context import AccessWork
from access.sessions import store as sessions

_Own = ChangePassword | EnrolSecondFactor | ConfirmSecondFactor


async def change_password(work: AccessWork, command: ChangePassword) -> Ok | Refused:
    account = await _own(work, command)
    if isinstance(account, Refused):
        return account
    if wrong := await _password_is_wrong(work, account, command.current):
        return wrong
    owner = Owner(
        username=account.username,
        name=account.name,
        organisation=account.organisation,
        organisation_name=account.organisation_name,
    )
    if fault := policy.check_password(command.new, owner, rights.parameters(work.deps, work.today)):
        return refused("refused", "新密码不符合要求，没有修改。", fault)
    if command.new == command.current:
        return refused("refused", "新密码与现在的密码相同，没有修改。请换一个密码。")
    if changed := await _hold(work, account):
        return changed
    await store.change(
        work.tx,
        account.username,
        password_hash=await work.deps.hasher.hash(command.new),
        password_set_at=work.now,
        must_change_password=False,
    )
    await store.record(work.tx, account.username, "change_password", account.username, "", work.now)
    await sessions.end_all(work.tx, account.username, work.now, "密码已修改", keep=command.session)
    await sessions.rights_changed(work.tx, account.username, work.now)
    return Ok()


async def enrol_second_factor(work: AccessWork, command: EnrolSecondFactor) -> SecondFactorSeed | Refused:
    """Replaces one that waits for its first code; one in use only with one of its codes."""
    account = await _own(work, command)
    if isinstance(account, Refused):
        return account
    if wrong := await _password_is_wrong(work, account, command.password):
        return wrong
    if account.totp_seed is not None:
        if not await second_factor.opens(work.tx, work.deps.cipher, account, command.code, work.now):
            await guessing.count_outside(work.deps, account.username, work.now)
            return refused("forbidden", "更换动态口令须输入现在的动态口令或一个恢复码。手机丢失的，请账号管理员重置。")
        if changed := await _hold(work, account):
            return changed
        await second_factor.accept(work.tx, work.deps.cipher, account, command.code, work.now)
    sealed, seed = second_factor.new_seed(work.deps.cipher, account.username)
    await store.touch(work.tx, account.username, totp_waiting=sealed)
    return seed


async def confirm_second_factor(work: AccessWork, command: ConfirmSecondFactor) -> RecoveryCodes | Refused:
    account = await _own(work, command)
    if isinstance(account, Refused):
        return account
    if changed := await _hold(work, account):
        return changed
    if account.totp_waiting is None:
        return refused("conflict", "没有等待确认的动态口令。请先点“绑定动态口令”并用手机扫码。")
    step = second_factor.confirms(work.deps.cipher, account, command.code, work.now)
    if step is None:
        return refused("refused", "动态口令不正确。请输入手机上现在显示的6位数字，并检查手机时间是否准确。")
    await store.change(work.tx, account.username, totp_seed=account.totp_waiting, totp_waiting=None, totp_step=step)
    codes = second_factor.new_codes()
    hashes = [second_factor.code_hash(account.username, code) for code in codes]
    await store.replace_codes(work.tx, account.username, hashes)
    await store.record(work.tx, account.username, "second_factor", account.username, "", work.now)
    await sessions.rights_changed(work.tx, account.username, work.now)
    return RecoveryCodes(codes=codes)


async def _own(work: AccessWork, command: _Own) -> Account | Refused:
    """The actor's account, not locked yet."""
    if no := check(command.actor, word(command), Target(account=command.actor.account)):
        return no
    account = await store.find(work.tx, command.actor.account)
    return refused("not_found", MISSING) if account is None or account.seal else account


async def _hold(work: AccessWork, account: Account) -> Refused | None:
    """Lock the account; a refusal where it is no longer what was looked at."""
    held = await store.find(work.tx, account.username, lock=True)
    if held == account:
        return None
    return refused("conflict", "账号刚刚在别处被修改或登录，没有修改。请重试。")


async def _password_is_wrong(work: AccessWork, account: Account, password: str) -> Refused | None:
    if account.locked_until and work.now < account.locked_until:
        seconds = math.ceil((account.locked_until - work.now).total_seconds())
        return refused("forbidden", f"密码输错次数过多，请{seconds}秒后再试。")
    try:
        with work.deps.hasher.admit():
            if await work.deps.hasher.verify(account.password_hash, password):
                return None
    except Busy:
        return refused("unavailable", "系统繁忙，请几秒后重试。")
    await guessing.count_outside(work.deps, account.username, work.now)
    return refused("forbidden", "现在的密码不正确，没有修改。请重新输入。")


COMMANDS: dict[type[Command], CommandHandler] = {
    ChangePassword: change_password,
    EnrolSecondFactor: enrol_second_factor,
    ConfirmSecondFactor: confirm_second_factor,
}
