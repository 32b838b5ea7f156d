"""Signing in."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from shared_contracts.actors import Actor, Role

from gateway.accounts import Accounts
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.throttle import Throttle
from gateway.tokens import Token, Tokens


class Credentials(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    username: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]

    def __repr__(self) -> str:
        return "Credentials(…)"


class AccountView(msgspec.Struct, frozen=True, kw_only=True):
    username: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...]


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in`: seconds."""

    access_token: str
    token_type: str
    expires_in: int
    account: AccountView


class CurrentSession(msgspec.Struct, frozen=True, kw_only=True):
    account: AccountView
    expires_at: datetime


def _view(actor: Actor) -> AccountView:
    return AccountView(
        username=actor.account,
        name=actor.name,
        organisation=actor.organisation,
        roles=actor.roles,
        classes=actor.classes,
    )


@post("/", **about("登录", "45.3", problems=(401, 415, 422, 429), public=True))
async def sign_in(
    request: Request[Any, Any, Any],
    data: JSONBody[Credentials],
    accounts: Given[Accounts],
    tokens: Given[Tokens],
    throttle: Given[Throttle],
) -> Response[Session]:
    address = request.client.host if request.client else ""
    if wait := throttle.admit(data.username, address):
        seconds = math.ceil(wait)
        detail = f"登录失败次数过多，请 {seconds} 秒后再试。"
        raise ProblemError("too_many_attempts", detail, headers={"Retry-After": str(seconds)})
    account = await accounts.verify(data.username, data.password)
    if account is None:
        raise ProblemError("wrong_password", headers={"WWW-Authenticate": 'Bearer realm="xueji"'})
    throttle.forgive(data.username, address)
    session = Session(
        access_token=tokens.issue(account),
        token_type="Bearer",  # noqa: S106 - the scheme's name
        expires_in=int(tokens.lifetime.total_seconds()),
        account=_view(account.actor()),
    )
    return Response(session, headers={"Location": "/v1/sessions/current"})


@get("/current", **about("当前登录的账号"))
async def current(request: Request[Actor, Token, Any]) -> CurrentSession:
    return CurrentSession(account=_view(request.user), expires_at=request.auth.expires_at)


router = Router("/v1/sessions", route_handlers=[sign_in, current], tags=["sessions"])
