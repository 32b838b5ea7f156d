"""Sessions: signing in, going on, signing out; seeing and ending others (clause 45.3)."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, delete, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from service_kit.clock import ZONE, Clock
from service_kit.ids import new_id
from shared_contracts.access import (
    ANONYMOUS,
    EndSession,
    ListSessions,
    RefreshSession,
    SessionPage,
    SignIn,
    SignInAnswer,
    Tokens,
)
from shared_contracts.actors import Actor, Limit, Role
from shared_contracts.discreet import Discreet
from shared_contracts.messages import Ok

from gateway.auth import CHALLENGE
from gateway.backend import Backend
from gateway.cookies import RefreshCookie
from gateway.idempotency import repeatable
from gateway.keyring import Caller
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.routes.params import Cursor, Id
from gateway.routes.params import Limit as PageSize
from gateway.throttle import Throttle

Delivery = Literal["body", "cookie"]
"""Where the refresh token goes: API clients take it in the body, the console in a cookie that scripts cannot read."""
_AGENT = 200


class Credentials(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`code`: of the second factor, or a recovery code, where the account has one."""

    username: Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
    password: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    code: Annotated[str, msgspec.Meta(max_length=40)] = ""
    refresh: Delivery = "body"


class Refresh(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Without `refresh_token` the console's cookie is used."""

    refresh_token: Annotated[str, msgspec.Meta(min_length=1, max_length=500)] | None = None


class SignedIn(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """The account. `withheld`: roles that it may not use now (clause 43). `limited`: what has to be done first."""

    username: str
    name: str
    organisation: str
    roles: tuple[Role, ...]
    classes: tuple[str, ...]
    withheld: tuple[Role, ...]
    limited: Limit


class Session(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """`expires_in`: seconds of the access token. `refresh_token`: used once, each use gives the next; null in a cookie."""

    id: str
    access_token: str
    token_type: str
    expires_in: int
    refresh_token: str | None
    refresh_expires_at: datetime
    account: SignedIn


class CurrentSession(msgspec.Struct, frozen=True, kw_only=True):
    """`expires_at`: of the access token."""

    id: str
    account: SignedIn
    expires_at: datetime


def _signed_in(actor: Actor) -> SignedIn:
    return SignedIn(
        username=actor.account,
        name=actor.name,
        organisation=actor.organisation,
        roles=actor.roles,
        classes=actor.classes,
        withheld=actor.withheld,
        limited=actor.limited,
    )


def _session(tokens: Tokens, status: int, delivery: Delivery, cookie: RefreshCookie, clock: Clock) -> Response[Session]:
    session = Session(
        id=tokens.session,
        access_token=tokens.access_token,
        token_type="Bearer",  # noqa: S106 - the scheme's name
        expires_in=tokens.expires_in,
        refresh_token=tokens.refresh_token if delivery == "body" else None,
        refresh_expires_at=tokens.refresh_expires_at,
        account=_signed_in(tokens.actor),
    )
    kept = [cookie.made(tokens.refresh_token, tokens.refresh_expires_at, clock.now())] if delivery == "cookie" else []
    headers = {"Location": "/v1/sessions/current"} if status == 201 else {}
    return Response(session, status_code=status, headers=headers, cookies=kept)


def too_many_attempts(seconds: float, what: str = "登录失败次数过多") -> ProblemError:
    wait = max(1, math.ceil(seconds))
    return ProblemError("too_many_attempts", f"{what}，请 {wait} 秒后再试。", headers={"Retry-After": str(wait)})


_PROBLEMS = {
    "wrong": "wrong_password",
    "code": "second_factor_required",
    "sealed": "account_sealed",
    "expired": "password_expired",
    "reused": "session_reused",
    "ended": "session_ended",
}

_RIGHT = (None, "code", "sealed", "expired")
"""Answers that are given only to a right password."""


def _tokens(answer: SignInAnswer) -> Tokens:
    if answer.tokens is not None:
        return answer.tokens
    if answer.problem == "locked":
        raise too_many_attempts(answer.wait, "密码错误次数过多，账号已暂时锁定")
    headers = {} if answer.problem in ("sealed", "expired") else dict(CHALLENGE)
    if answer.wait:
        headers["Retry-After"] = str(answer.wait)
    raise ProblemError(_PROBLEMS[answer.problem or "ended"], headers=headers)


@post("/", **about("登录", "45.3", problems=(401, 403, 415, 422, 429, 504), public=True))
async def sign_in(
    *,
    request: Request[Any, Any, Any],
    backend: Given[Backend],
    data: JSONBody[Credentials],
    throttle: Given[Throttle],
    cookie: Given[RefreshCookie],
    clock: Given[Clock],
) -> Response[Session]:
    """`urn:xueji:problem:second_factor_required` (401) asks for the same again with `code`."""
    address = request.client.host if request.client else ""
    if wait := throttle.admit(address):
        raise too_many_attempts(wait)
    command = SignIn(
        command_id=new_id(),
        actor=ANONYMOUS,
        username=data.username,
        password=data.password,
        code=data.code.strip(),
        agent=request.headers.get("user-agent", "")[:_AGENT],
    )
    answer = await backend.ask(command, SignInAnswer)
    if answer.problem in _RIGHT:
        throttle.forgive(address)
    return _session(_tokens(answer), 201, data.refresh, cookie, clock)


@post(
    "/refresh",
    status_code=200,
    **about("以续期凭证换取新的令牌（凭证只能用一次）", "45.3", problems=(401, 403, 415, 422, 504), public=True),
)
async def refresh(
    *,
    request: Request[Any, Any, Any],
    backend: Given[Backend],
    data: JSONBody[Refresh],
    cookie: Given[RefreshCookie],
    clock: Given[Clock],
) -> Response[Session]:
    delivery: Delivery = "body" if data.refresh_token else "cookie"
    token = data.refresh_token or cookie.read(request)
    if not token:
        raise ProblemError("session_ended", headers=CHALLENGE)
    command = RefreshSession(command_id=new_id(), actor=ANONYMOUS, refresh_token=token)
    answer = await backend.ask(command, SignInAnswer)
    try:
        tokens = _tokens(answer)
    except ProblemError as problem:
        if delivery == "cookie":
            problem.headers["Set-Cookie"] = cookie.cleared().to_header(header="")
        raise
    return _session(tokens, 200, delivery, cookie, clock)


@get("/", **about("登录会话列表：本人的，或所管理账号的", "45.3"))
async def sessions(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    username: Annotated[
        str | None, QueryParameter(pattern=r"^[A-Za-z0-9._-]{1,100}$", description="所管理的账号；不给则为本人")
    ] = None,
    live: Annotated[bool, QueryParameter(description="只看未结束的")] = True,
    cursor: Cursor = None,
    limit: PageSize = 50,
) -> SessionPage:
    query = ListSessions(actor=actor, username=username, live_only=live, cursor=cursor, limit=limit)
    return await backend.ask(query, SessionPage)


@get("/current", **about("当前登录的账号", "45.3"))
async def current(request: Request[Actor, Caller, Any]) -> CurrentSession:
    caller = request.auth
    expires_at = datetime.fromtimestamp(caller.expires_at, ZONE)
    return CurrentSession(id=caller.session, account=_signed_in(caller.actor), expires_at=expires_at)


async def _end(backend: Backend, actor: Actor, session_id: str) -> None:
    command_id = repeatable(actor, "end_session", session_id)
    await backend.ask(EndSession(command_id=command_id, actor=actor, session_id=session_id), Ok)


@delete("/current", status_code=204, **about("退出登录", "45.3"))
async def sign_out(
    request: Request[Actor, Caller, Any], backend: Given[Backend], cookie: Given[RefreshCookie]
) -> Response[None]:
    await _end(backend, request.user, request.auth.session)
    return Response(None, status_code=204, cookies=[cookie.cleared()])


@delete("/{session_id:str}", status_code=204, **about("结束一个登录会话：本人的，或所管理账号的", "45.3"))
async def end(backend: Given[Backend], actor: Given[Actor], session_id: Id) -> None:
    await _end(backend, actor, session_id)


router = Router("/v1/sessions", route_handlers=[sign_in, refresh, sessions, current, sign_out, end], tags=["sessions"])
