"""Every request has an account behind it, but for what is marked public: health, signing in, the API description.

And every request knows where it comes from: the audit log says so (clause 45.1).
"""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.middleware.base import DefineMiddleware
from litestar.types import ASGIApp, Receive, Scope, Send
from service_kit.origin import Origin, origin

from gateway.keyring import Keyring, KeysMissing
from gateway.problems import ProblemError

PUBLIC = "public"
"""The `opt` of a handler that needs no account."""
CHALLENGE = {"WWW-Authenticate": 'Bearer realm="xueji"'}


class Authentication(AbstractAuthenticationMiddleware):
    """`connection.user` becomes the Actor, `connection.auth` the Caller."""

    def __init__(self, app: ASGIApp, keyring: Keyring) -> None:
        super().__init__(app, exclude_from_auth_key=PUBLIC)
        self._keyring = keyring

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        scheme, _, text = connection.headers.get("authorization", "").partition(" ")
        try:
            caller = await self._keyring.verify(text.strip()) if scheme.lower() == "bearer" else None
        except KeysMissing:
            raise ProblemError("unavailable", headers={"Retry-After": "2"}) from None
        if caller is None:
            raise ProblemError("unauthorized", headers=CHALLENGE)
        return AuthenticationResult(user=caller.actor, auth=caller)


class Originating:
    """Says to every service that is asked on behalf of this request where it comes from."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client, caller = scope.get("client"), scope.get("auth")
        here = Origin(
            address=client[0] if client else "",
            session=caller.session if caller else "",
            operation=f"{scope.get('method', '')} {scope.get('path_template', '')}",
        )
        before = origin.set(here)
        try:
            await self.app(scope, receive, send)
        finally:
            origin.reset(before)


def middleware(keyring: Keyring) -> list[DefineMiddleware]:
    return [DefineMiddleware(Authentication, keyring=keyring), DefineMiddleware(Originating)]
