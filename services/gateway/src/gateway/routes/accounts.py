"""Accounts and their roles, for those who administer them (clauses 3.1, 45.3). An account is never deleted."""

from __future__ import annotations

from typing import Annotated

import msgspec
from litestar import Response, Router, get, patch, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from shared_contracts.access import (
    AccountPage,
    AccountState,
    AccountView,
    ChangeAccount,
    CreateAccount,
    GetAccount,
    ListAccounts,
    PasswordIssued,
    ResetPassword,
    ResetSecondFactor,
    SealAccount,
    UnsealAccount,
)
from shared_contracts.actors import Actor, Role
from shared_contracts.discreet import Discreet

from gateway.backend import Backend
from gateway.idempotency import IfMatch, etag, repeatable, required_version
from gateway.openapi import about
from gateway.routes.params import Because, Cursor, Limit, OrganisationCode, OrganisationIn, Username

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]
Roles = Annotated[tuple[Role, ...], msgspec.Meta(min_length=1, max_length=10)]
Classes = Annotated[tuple[Annotated[str, msgspec.Meta(pattern=r"^[1-9](-\d{2})?$")], ...], msgspec.Meta(max_length=200)]


class NewAccount(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`classes`: of a class teacher: `"1"` all classes of grade 1, `"1-03"` class 3 of grade 1."""

    username: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9._-]{1,100}$")]
    name: Name
    organisation: OrganisationIn
    roles: Roles
    classes: Classes = ()


class AccountChange(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is not given stays as it is."""

    name: Name | None = None
    roles: Roles | None = None
    classes: Classes | None = None


def _account(view: AccountView) -> Response[AccountView]:
    return Response(view, headers=etag(view.version))


@get("/", **about("账号列表：所管理范围内的", "3.1", "45.3"))
async def accounts(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    organisation: OrganisationCode = None,
    role: Annotated[Role | None, QueryParameter(description="只看有此角色的")] = None,
    in_state: Annotated[AccountState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    name: Annotated[str | None, QueryParameter(max_length=60, description="用户名或姓名的一部分")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> AccountPage:
    query = ListAccounts(
        actor=actor, organisation=organisation, role=role, state=in_state, name=name, cursor=cursor, limit=limit
    )
    return await backend.ask(query, AccountPage)


@post("/", **about("建立账号（首次密码只显示一次）", "3.1", "45.3", problems=(415,)))
async def create(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[NewAccount]
) -> Response[PasswordIssued]:
    command = CreateAccount(
        command_id=command_id,
        actor=actor,
        username=data.username,
        name=data.name,
        organisation=data.organisation,
        roles=data.roles,
        classes=data.classes,
    )
    issued = await backend.ask(command, PasswordIssued)
    headers = {**etag(issued.account.version), "Location": f"/v1/accounts/{issued.account.username}"}
    return Response(issued, status_code=201, headers=headers)


@get("/{username:str}", **about("一个账号", "45.3"))
async def account(backend: Given[Backend], actor: Given[Actor], username: Username) -> Response[AccountView]:
    return _account(await backend.ask(GetAccount(actor=actor, username=username), AccountView))


@patch("/{username:str}", **about("修改账号的姓名、角色、班级", "45.3", problems=(415, 428)))
async def change(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    username: Username,
    data: JSONBody[AccountChange],
    if_match: IfMatch = None,
) -> Response[AccountView]:
    """Live sessions get the new rights with their next token."""
    version = required_version(if_match)
    command = ChangeAccount(
        command_id=repeatable(actor, "change_account", username, version, data),
        actor=actor,
        username=username,
        version=version,
        name=data.name,
        roles=data.roles,
        classes=data.classes,
    )
    return _account(await backend.ask(command, AccountView))


@post("/{username:str}/seal", status_code=200, **about("封存账号，结束其全部会话", "45.3", problems=(415,)))
async def seal(
    backend: Given[Backend], actor: Given[Actor], username: Username, command_id: Given[str], data: JSONBody[Because]
) -> Response[AccountView]:
    command = SealAccount(command_id=command_id, actor=actor, username=username, reason=data.reason)
    return _account(await backend.ask(command, AccountView))


@post("/{username:str}/unseal", status_code=200, **about("启用已封存的账号", "45.3", problems=(415,)))
async def unseal(
    backend: Given[Backend], actor: Given[Actor], username: Username, command_id: Given[str], data: JSONBody[Because]
) -> Response[AccountView]:
    command = UnsealAccount(command_id=command_id, actor=actor, username=username, reason=data.reason)
    return _account(await backend.ask(command, AccountView))


@post(
    "/{username:str}/password-reset",
    status_code=200,
    **about("重置密码并解除锁定（新密码只显示一次）", "45.3", problems=(415,)),
)
async def reset_password(
    backend: Given[Backend], actor: Given[Actor], username: Username, command_id: Given[str], data: JSONBody[Because]
) -> Response[PasswordIssued]:
    command = ResetPassword(command_id=command_id, actor=actor, username=username, reason=data.reason)
    issued = await backend.ask(command, PasswordIssued)
    return Response(issued, headers=etag(issued.account.version))


@post(
    "/{username:str}/second-factor-reset",
    status_code=200,
    **about("解除动态口令绑定（手机遗失时）", "45.3", problems=(415,)),
)
async def reset_second_factor(
    backend: Given[Backend], actor: Given[Actor], username: Username, command_id: Given[str], data: JSONBody[Because]
) -> Response[AccountView]:
    command = ResetSecondFactor(command_id=command_id, actor=actor, username=username, reason=data.reason)
    return _account(await backend.ask(command, AccountView))


router = Router(
    "/v1/accounts",
    route_handlers=[accounts, create, account, change, seal, unseal, reset_password, reset_second_factor],
    tags=["accounts"],
)
