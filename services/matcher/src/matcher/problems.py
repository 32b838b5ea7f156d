"""Every error as `application/problem+json` (RFC 9457). Nothing of the request's content is repeated in it."""

from __future__ import annotations

import logging
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
TITLES = {
    400: "请求格式不正确",
    401: "接口密钥无效",
    404: "没有这个资源",
    405: "不支持该方法",
    413: "请求过大",
    429: "请求过于频繁",
    500: "服务内部错误",
    503: "服务暂不可用",
}

Problem = Response[dict[str, Any]]


def problem(
    status: int, detail: str | None = None, *, headers: dict[str, str] | None = None, **members: Any
) -> Problem:
    title = TITLES.get(status, "请求未能完成")
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail or title, **members}
    return Response(body, status_code=status, media_type=MEDIA_TYPE, headers=headers)


def of_http(_: Request[Any, Any, Any], error: HTTPException) -> Problem:
    # `extra` of a validation error says where and which type was expected, never which value came.
    members = {"errors": error.extra} if error.status_code == 400 and error.extra else {}
    detail = None if members or error.status_code == 404 else error.detail
    return problem(error.status_code, detail, headers=dict(error.headers or {}) or None, **members)


def of_bug(_: Request[Any, Any, Any], error: Exception) -> Problem:
    log.error("request failed", exc_info=error)
    return problem(500)


HANDLERS: ExceptionHandlersMap = {HTTPException: of_http, Exception: of_bug}
