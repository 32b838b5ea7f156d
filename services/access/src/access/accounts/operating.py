"""What the operator does at the machine itself: the first account administrator, and the way back in.

No default password exists: the first administrator's is made here and shown once. Whoever can run this holds the
database's credentials already; what is done is recorded in the audit log like everything else.
"""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import AsyncIterator
from typing import Any, cast

from regulation.authorisation import is_school
from regulation.divisions import DIVISIONS, PROVINCE
from service_kit.audit import IN_TRANSACTION, Recorder
from service_kit.cli import Act, CannotDo
from service_kit.clock import Clock
from service_kit.database import Database, driver, execute
from service_kit.ids import new_id
from service_kit.settings import Settings, read
from service_kit.work import Work
from shared_contracts.access import CreateAccount, ResetPassword
from shared_contracts.actors import Actor, Role
from shared_contracts.messages import Command, Ok

from access.accounts import policy, store
from access.accounts.passwords import Hasher, first_password
from access.sessions import store as sessions
from access.settings import AccessSettings

OPERATOR = Actor(account="operator", name="运维人员", organisation=PROVINCE, roles=(Role.OPERATOR,))
ONCE = "一次性密码（只显示这一次，首次登录后必须修改）"


async def first_admin(settings: Settings, arguments: argparse.Namespace) -> str:
    """Make the first account administrator while there is no account at all."""
    username, name, organisation = arguments.username, arguments.name, arguments.organisation
    async with _unit(settings) as (work, hasher):
        await execute(work.tx, "SELECT pg_advisory_xact_lock(hashtext('access-first-admin'))")
        if await store.any_account(work.tx):
            raise CannotDo(
                "已经有账号，不再建立第一个账号管理员。新的账号由账号管理员登录后建立；"
                "全部账号管理员都无法登录的：python -m access reset-admin --username <其中一位的用户名> --reason <理由>"
            )
        if is_school(organisation) or organisation not in DIVISIONS:
            raise CannotDo(f"{organisation}不是教育行政部门的行政区划代码。省教育厅为{PROVINCE}。")
        found = policy.faults((policy.check_username(username), policy.check_name(name)))
        if found:
            raise CannotDo("；".join(f"{one.message}（{one.cure}）" for one in found))
        password = first_password()
        await store.add(
            work.tx,
            username=username,
            name=name,
            organisation=organisation,
            roles=[Role.ACCOUNT_ADMIN.value],
            classes=[],
            password_hash=await hasher.hash(password),
            password_set_at=work.now,
            must_change_password=True,
            open_since=work.now,
            created_at=work.now,
            created_by=OPERATOR.account,
        )
        await _record(
            work,
            CreateAccount(
                command_id=new_id(),
                actor=OPERATOR,
                username=username,
                name=name,
                organisation=organisation,
                roles=(Role.ACCOUNT_ADMIN,),
            ),
            username,
            "create",
            "",
        )
    return f"第一个账号管理员已建立。\n用户名：{username}\n{ONCE}：{password}"


async def reset_admin(settings: Settings, arguments: argparse.Namespace) -> str:
    """Let an account administrator in again: unsealed, a first password, no second factor, no wait."""
    username, reason = arguments.username, arguments.reason
    async with _unit(settings) as (work, hasher):
        await store.clear_failures(work.tx, username)
        account = await store.find(work.tx, username, lock=True)
        if account is None or Role.ACCOUNT_ADMIN not in account.roles:
            raise CannotDo("没有这个账号管理员。其他账号由账号管理员在系统内重置密码。")
        password = first_password()
        await store.change(
            work.tx,
            username,
            password_hash=await hasher.hash(password),
            password_set_at=work.now,
            must_change_password=True,
            totp_seed=None,
            totp_waiting=None,
            totp_step=None,
            seal=None,
            sealed_reason="",
            open_since=work.now,
        )
        await store.replace_codes(work.tx, username, ())
        await sessions.end_all(work.tx, username, work.now, "账号已由运维人员重置")
        command = ResetPassword(command_id=new_id(), actor=OPERATOR, username=username, reason=reason)
        await _record(work, command, username, "reset_admin", reason)
    return f"账号管理员已重置。\n用户名：{username}\n{ONCE}：{password}"


async def _record(work: Work[None], command: Command, username: str, act: str, reason: str) -> None:
    """In the account's own history, and in the audit log: the service's relay sends it on."""
    await store.record(work.tx, username, act, OPERATOR.account, reason, work.now)
    recorder = Recorder("access", cast("Any", None))  # it publishes nothing here
    entry = recorder.entry(command, Ok(), work.now)
    assert entry is not None, "a command of somebody is always recorded"
    await (await driver(work.tx)).execute(IN_TRANSACTION, *recorder.row(entry))


@contextlib.asynccontextmanager
async def _unit(settings: Settings) -> AsyncIterator[tuple[Work[None], Hasher]]:
    db = Database.from_settings(settings, Clock.from_settings(settings), "access-operator")
    try:
        async with db.unit(None) as work:
            yield work, Hasher(read(AccessSettings).checked().password_memory)
    finally:
        await db.close()


def _first_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", required=True, help="small letters and digits, for example province.admin")
    parser.add_argument("--name", required=True, help="the person's name")
    parser.add_argument("--organisation", default=PROVINCE, help=f"code of the authority; {PROVINCE}: the province")


def _reset_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--username", required=True, help="of an account administrator")
    parser.add_argument("--reason", required=True, help="why, for the audit log")


ACTS = (
    Act("first-admin", "make the first account administrator, with a one-time password", _first_arguments, first_admin),
    Act(
        "reset-admin", "let an account administrator in again, with a one-time password", _reset_arguments, reset_admin
    ),
)
