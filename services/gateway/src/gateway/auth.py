"""Every request has an account behind it, but for what is marked public: health, signing in, the API description."""

from __future__ import annotations

import hmac
from typing import Any

from litestar.connection import ASGIConnection
from litestar.middleware import AbstractAuthenticationMiddleware, AuthenticationResult
from litestar.middleware.base import DefineMiddleware
from litestar.types import ASGIApp

from gateway.accounts import Accounts
from gateway.problems import ProblemError
from gateway.tokens import Tokens, credential

PUBLIC = "public"
"""The `opt` of a handler that needs no account."""


class Authentication(AbstractAuthenticationMiddleware):
    """`connection.user` becomes the Actor, `connection.auth` the Token."""

    def __init__(self, app: ASGIApp, tokens: Tokens, accounts: Accounts) -> None:
        super().__init__(app, exclude_from_auth_key=PUBLIC)
        self._tokens = tokens
        self._accounts = accounts

    async def authenticate_request(self, connection: ASGIConnection[Any, Any, Any, Any]) -> AuthenticationResult:
        scheme, _, text = connection.headers.get("authorization", "").partition(" ")
        token = self._tokens.read(text.strip()) if scheme.lower() == "bearer" else None
        account = await self._accounts.find(token.username) if token else None
        if not token or not account or not hmac.compare_digest(credential(account), token.credential):
            raise ProblemError("unauthorized", headers={"WWW-Authenticate": 'Bearer realm="xueji"'})
        return AuthenticationResult(user=account.actor(), auth=token)


def authentication(tokens: Tokens, accounts: Accounts) -> DefineMiddleware:
    return DefineMiddleware(Authentication, tokens=tokens, accounts=accounts)
