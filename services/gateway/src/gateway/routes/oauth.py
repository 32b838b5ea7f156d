"""Tokens for integration clients: OAuth 2.0 client credentials (RFC 6749, 4.4), and the keys that verify tokens (RFC 7517).

What goes wrong here is told as the RFC says (5.2), in the RFC's own ASCII: clients are libraries that know nothing else.
"""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import parse_qsl, unquote_plus

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.openapi import ResponseSpec
from service_kit.ids import new_id
from shared_contracts.access import ANONYMOUS, ClientGranted, GrantClient
from shared_contracts.discreet import Discreet

from gateway.backend import Backend
from gateway.keyring import Keyring, KeysMissing
from gateway.openapi import FORM, about
from gateway.problems import KINDS, ProblemError, to_problem
from gateway.throttle import Throttle

NO_STORE = {"Cache-Control": "no-store", "Pragma": "no-cache"}


class AccessToken(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, 5.1. `expires_in`: seconds. `scope`: space-separated."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class OAuthError(msgspec.Struct, frozen=True, kw_only=True):
    """RFC 6749, 5.2: `invalid_request`, `invalid_client`, `invalid_scope`, `unsupported_grant_type`; and, where the RFC
    has no word, `temporarily_unavailable` (429, 503: come back after Retry-After)."""

    error: str
    error_description: str = ""


class Failed(Exception):
    """Becomes an OAuthError."""

    def __init__(self, status: int, error: str, description: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(error)
        self.status = status
        self.error = error
        self.description = description
        self.headers = headers or {}


class TokenRequest(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    grant_type: str
    scope: str = ""
    client_id: str = ""
    client_secret: str = ""


def read_form(body: bytes) -> TokenRequest:
    """The form's known fields; unknown ones are ignored and none may stand twice (RFC 6749, 3.2)."""
    try:
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20)
    except ValueError:
        raise Failed(400, "invalid_request", "The body is not a form.") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise Failed(400, "invalid_request", "A parameter stands twice.")
        values[name] = value
    if not values.get("grant_type"):
        raise Failed(400, "invalid_request", "grant_type is missing.")
    return msgspec.convert({k: v for k, v in values.items() if k in TokenRequest.__struct_fields__}, TokenRequest)


def credentials(request: Request[Any, Any, Any], form: TokenRequest) -> tuple[str, str]:
    """Client id and secret: HTTP Basic or the body, one of the two (RFC 6749, 2.3.1)."""
    header = request.headers.get("authorization", "")
    if not header:
        if not form.client_id or not form.client_secret:
            raise Failed(401, "invalid_client", "The client does not say who it is.", _challenge())
        return form.client_id, form.client_secret
    scheme, _, encoded = header.partition(" ")
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError):
        scheme = name = secret = colon = ""
    if scheme.lower() != "basic" or not colon:
        raise Failed(401, "invalid_client", "The Authorization header is not HTTP Basic.", _challenge())
    if form.client_secret:
        raise Failed(400, "invalid_request", "The client authenticates in two ways at once.")
    if form.client_id and form.client_id != unquote_plus(name):
        raise Failed(400, "invalid_request", "Two client ids.")
    return unquote_plus(name), unquote_plus(secret)


def _challenge() -> dict[str, str]:
    return {"WWW-Authenticate": 'Basic realm="xueji", charset="UTF-8"'}


def respond(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Every exception of the token endpoint as RFC 6749 says it."""
    if isinstance(error, Failed):
        failed = error
    else:
        problem = to_problem(error)
        status = KINDS[problem.kind].status
        retry = {"Retry-After": problem.headers["Retry-After"]} if "Retry-After" in problem.headers else {}
        failed = _as_failed(problem, status, retry)
    body = msgspec.json.encode(OAuthError(error=failed.error, error_description=failed.description))
    return Response(
        body, status_code=failed.status, media_type="application/json", headers={**NO_STORE, **failed.headers}
    )


def _as_failed(problem: ProblemError, status: int, retry: dict[str, str]) -> Failed:
    if status in (429, 503, 504):
        return Failed(503 if status == 504 else status, "temporarily_unavailable", "Try again later.", retry)
    if status >= 500:
        return Failed(500, "server_error", "An error of ours, logged.")
    return Failed(400, "invalid_request", f"The request is not a form of type {FORM}.")


_RFC_ERRORS = {
    status: ResponseSpec(OAuthError, generate_examples=False, description=text, media_type="application/json")
    for status, text in (
        (400, "请求有误（RFC 6749，5.2）"),
        (401, "客户端身份不正确"),
        (429, "尝试过于频繁"),
        (500, "系统内部错误"),
        (503, "服务暂时不可用"),
    )
}
_ABOUT = about("接口用户取得访问令牌（OAuth 2.0 client credentials）", "45.3", public=True, consumes=FORM)
_ABOUT["responses"] = _RFC_ERRORS
_ABOUT["security"] = [{"basic": []}, {}]


@post("/oauth/token", status_code=200, exception_handlers={Exception: respond}, **_ABOUT)
async def token(
    request: Request[Any, Any, Any], backend: Given[Backend], throttle: Given[Throttle]
) -> Response[AccessToken]:
    address = request.client.host if request.client else ""
    form = read_form(await request.body())
    if form.grant_type != "client_credentials":
        raise Failed(400, "unsupported_grant_type", "Only client_credentials.")
    client_id, secret = credentials(request, form)
    if wait := throttle.admit(address):
        seconds = str(int(wait) + 1)
        raise Failed(429, "temporarily_unavailable", "Too many wrong secrets.", {"Retry-After": seconds})
    command = GrantClient(
        command_id=new_id(), actor=ANONYMOUS, client_id=client_id, client_secret=secret, scope=form.scope
    )
    granted = await backend.ask(command, ClientGranted)
    if granted.error != "invalid_client":
        throttle.forgive(address)
    if granted.error == "invalid_client":
        raise Failed(401, "invalid_client", "Unknown client, wrong secret, ended or expired.", _challenge())
    if granted.error:
        raise Failed(400, granted.error, "The client was not given this scope.")
    made = AccessToken(
        access_token=granted.access_token,
        token_type="Bearer",  # noqa: S106 - the scheme's name
        expires_in=granted.expires_in,
        scope=granted.scope,
    )
    return Response(made, headers=NO_STORE)


@get(
    "/.well-known/jwks.json",
    **about("验证访问令牌的公钥（JWK Set，RFC 7517）", "45.3", public=True, produces="application/jwk-set+json"),
)
async def keys(keyring: Given[Keyring]) -> Response[bytes]:
    try:
        published = keyring.published
    except KeysMissing:
        raise ProblemError("unavailable", headers={"Retry-After": "2"}) from None
    return Response(published, media_type="application/jwk-set+json", headers={"Cache-Control": "public, max-age=60"})


router = Router("/", route_handlers=[token, keys], tags=["oauth"])
