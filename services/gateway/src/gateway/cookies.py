"""The console's refresh token: in a cookie that no script can read.

A token in script-readable storage is lost to the first script that should not run; this one is HttpOnly, goes to
`/v1/sessions` alone, and SameSite=Strict keeps other sites from sending it. Against what is the same *site* and not the
same *origin* (a sister host) a request that uses it must also come from our own pages: browsers say where a request comes
from in headers that pages cannot set. API clients have no cookie: they are given the refresh token in the body.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from litestar import Request
from litestar.datastructures import Cookie

from gateway.problems import ProblemError

PATH = "/v1/sessions"


class RefreshCookie:
    """`secure`: in production, where TLS is; its name then says so too, and browsers hold it to that (RFC 6265bis)."""

    def __init__(self, *, secure: bool) -> None:
        self._secure = secure
        self.name = "__Secure-xueji-refresh" if secure else "xueji-refresh"

    def made(self, token: str, expires_at: datetime, now: datetime) -> Cookie:
        return self._cookie(token, max(0, int((expires_at - now).total_seconds())))

    def cleared(self) -> Cookie:
        return self._cookie("", 0)

    def read(self, request: Request[Any, Any, Any]) -> str:
        """The token, `""` where there is none. Raises ProblemError for a request that is not of our own pages."""
        token = request.cookies.get(self.name, "")
        if token and not same_origin(request):
            raise ProblemError("cross_site")
        return token

    def _cookie(self, value: str, seconds: int) -> Cookie:
        return Cookie(
            key=self.name,
            value=value,
            path=PATH,
            max_age=seconds,
            httponly=True,
            secure=self._secure,
            samesite="strict",
        )


def same_origin(request: Request[Any, Any, Any]) -> bool:
    """What the browser says. Sec-Fetch-Site is sent over TLS and to localhost; Origin with every POST.

    A request with neither comes from no browser of today, and has no business with a cookie.
    """
    if site := request.headers.get("sec-fetch-site"):
        return site == "same-origin"
    origin = request.headers.get("origin", "")
    return bool(origin) and origin.partition("://")[2] == request.headers.get("host", "")
