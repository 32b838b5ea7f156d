"""What every request is asked before its handler runs: the right content type, and no parameter nobody knows."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.params import QueryParameter

from gateway.problems import ProblemError, invalid

CONSUMES = "consumes"
"""The `opt` of a handler whose body is not JSON."""
_BODIES = ("POST", "PATCH", "PUT")


def content_type(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """415 for a body that is not what the handler reads; a compressed body is not read at all."""
    if connection.scope.get("method") not in _BODIES:
        return
    headers = connection.headers
    given = headers.get("content-type", "").split(";")[0].strip().lower()
    wanted = handler.opt.get(CONSUMES, "application/json")
    has_body = headers.get("content-length", "0") != "0" or "transfer-encoding" in headers
    if (has_body or given) and given != wanted:
        raise ProblemError("unsupported_media_type", f"此接口只接受 {wanted}。")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise ProblemError("unsupported_media_type", "不接受压缩的请求体。")


def known_parameters(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """A mistyped filter would silently show everything: say so instead. And no name or number stands in an address."""
    if not connection.query_params:
        return
    known = set()
    for name, field in handler.parsed_fn_signature.parameters.items():
        definition = field.kwarg_definition
        known.add((definition.name if isinstance(definition, QueryParameter) else None) or name)
    for name in connection.query_params:
        if name not in known:
            cure = "可用的参数见 /schema。姓名和号码不得写在地址里，请用 POST /v1/students/searches 查找。"
            raise invalid(name[:40], "没有这个查询参数", cure)
    if len(set(connection.query_params)) < len(connection.query_params):
        raise invalid("查询参数", "同一个参数出现了多次")


GUARDS = [content_type, known_parameters]
