"""Everything that goes wrong is `application/problem+json` (RFC 9457), in Chinese, with nothing of our insides."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, ValidationException
from opentelemetry import trace
from service_kit.blobs import BlobsAway
from service_kit.bus import BusError, Unavailable, Unknown
from service_kit.files import FileMissing, FileTooLarge
from shared_contracts.decisions import Finding, Outcome, Refused

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`type`: a stable name for programs. `detail`: what happened and how to go on. `findings`: each rule's own word,
    with clause, fields at fault and cure. `trace_id`: what to tell support."""

    type: str
    title: str
    status: int
    detail: str
    findings: tuple[Finding, ...] = ()
    trace_id: str = ""


class Kind(msgspec.Struct, frozen=True):
    status: int
    title: str
    detail: str = ""


KINDS: Mapping[str, Kind] = {
    # a service's refusals (`shared_contracts.decisions.RefusalKind`)
    "refused": Kind(409, "不符合规定"),
    "invalid": Kind(422, "内容有误", "请求内容有误，请按提示改正后重新提交。"),
    "forbidden": Kind(403, "没有权限", "当前账号无权进行此操作。"),
    "not_found": Kind(404, "没有找到", "没有这个地址或资源。"),
    "conflict": Kind(409, "与当前状态冲突"),
    "too_large": Kind(413, "内容过大", "请求内容超过大小限制。"),
    "unavailable": Kind(503, "服务暂时不可用", "服务暂时不可用，本次没有执行任何操作，请稍后重试。"),
    # the gateway's own
    "bad_request": Kind(400, "请求无法读取", "请求格式不正确，无法读取。"),
    "unauthorized": Kind(401, "需要登录", "登录已失效或尚未登录，请登录后重试。"),
    "wrong_password": Kind(401, "登录失败", "用户名或密码不正确。"),
    "second_factor_required": Kind(401, "需要动态口令", "密码正确。请再输入手机上的动态口令（或一个备用码）。"),
    "account_sealed": Kind(403, "账号已封存", "账号已被封存，不能登录。请联系账号管理员。"),
    "password_expired": Kind(403, "初始密码已过期", "初始密码没有在期限内使用，已经失效。请联系账号管理员重置密码。"),
    "session_ended": Kind(401, "登录已结束", "登录已结束，请重新登录。"),
    "session_reused": Kind(
        401, "登录已被终止", "这次登录的续期凭证被重复使用，可能已经泄露，登录已被终止。请重新登录，并尽快修改密码。"
    ),
    "cross_site": Kind(403, "请求来源不符", "此请求不是由本系统的页面发出的，没有执行任何操作。"),
    "method_not_allowed": Kind(405, "不支持的方法", "此地址不支持这种请求方法。"),
    "unsupported_media_type": Kind(415, "不支持的内容类型", "请使用此接口说明中的内容类型。"),
    "precondition_required": Kind(
        428, "缺少版本条件", "修改时须以 If-Match 请求头给出所依据的版本（查询结果的 ETag）。"
    ),
    "too_many_attempts": Kind(429, "尝试过于频繁", "登录失败次数过多，请稍后再试。"),
    "client_gone": Kind(499, "连接已中断", "上传在完成之前中断，没有保留任何内容。"),
    "internal": Kind(500, "系统内部错误", "系统内部错误，已记录。请稍后重试；如仍出现，请告知运维人员追踪号。"),
    "unknown_outcome": Kind(
        504,
        "结果未知",
        "未能及时得到结果，操作可能已经完成。请使用同一个 Idempotency-Key 重新提交，不会重复执行。",
    ),
    "timeout": Kind(504, "查询超时", "未能及时得到查询结果，请稍后重试。"),
}
_BY_STATUS = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid",
}


class ProblemError(Exception):
    """Raised inside the gateway where a request cannot go on; becomes a Problem at the edge."""

    def __init__(
        self,
        kind: str,
        detail: str = "",
        findings: tuple[Finding, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.findings = findings
        self.headers = dict(headers or {})


def refusal(refused: Refused) -> ProblemError:
    """A service's refusal goes to the client unchanged."""
    headers = {"Retry-After": "5"} if refused.kind == "unavailable" else {}
    return ProblemError(refused.kind, refused.detail, refused.findings, headers)


def invalid(where: str, message: str, cure: str | None = None) -> ProblemError:
    """One field or parameter of the request is wrong."""
    finding = Finding(code="request.field", outcome=Outcome.REFUSE, message=message, cure=cure, fields=(where,))
    return ProblemError("invalid", f"{where}：{message}", (finding,))


def problem_of(error: ProblemError) -> Problem:
    kind = KINDS[error.kind]
    span = trace.get_current_span().get_span_context()
    return Problem(
        type=f"urn:xueji:problem:{error.kind}",
        title=kind.title,
        status=kind.status,
        detail=error.detail or kind.detail or kind.title,
        findings=error.findings,
        trace_id=f"{span.trace_id:032x}" if span.is_valid else "",
    )


def respond(error: ProblemError) -> Response[bytes]:
    problem = problem_of(error)
    return Response(
        msgspec.json.encode(problem),
        status_code=problem.status,
        media_type=MEDIA_TYPE,
        headers={"Cache-Control": "no-store", **error.headers},
    )


def to_problem(error: Exception) -> ProblemError:
    """What an exception means to the client. What is not foreseen is logged here and told as 500."""
    match error:
        case ProblemError():
            return error
        case ValidationException():
            return _validation(error)
        case HTTPException(status_code=status) if status in _BY_STATUS:
            return ProblemError(_BY_STATUS[status], headers=_allow(error.headers))
        case Unknown():
            return ProblemError("unknown_outcome", headers={"Retry-After": "2"})
        case Unavailable() | BlobsAway():
            return ProblemError("unavailable", headers={"Retry-After": "2"})
        case FileTooLarge():
            return ProblemError("too_large")
        case FileMissing():
            return ProblemError("not_found", "文件已过期或不存在。")
        case BusError() | _:
            log.error("request failed", exc_info=error)
            return ProblemError("internal")


def handle(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for every exception there is."""
    return respond(to_problem(error))


EXCEPTION_HANDLERS: dict[type[Exception] | int, Any] = {HTTPException: handle, Exception: handle}


def _allow(headers: Mapping[str, str] | None) -> dict[str, str]:
    allowed = [value for name, value in (headers or {}).items() if name.lower() == "allow"]
    return {"Allow": allowed[0]} if allowed else {}


def _validation(error: ValidationException) -> ProblemError:
    """Litestar's and msgspec's English, field by field, as findings in Chinese."""
    entries = error.extra if isinstance(error.extra, list) else []
    if not entries:
        entries = [{"message": error.detail}]
    findings = tuple(
        Finding(
            code="request.field",
            outcome=Outcome.REFUSE,
            message=in_chinese(str(entry.get("message", ""))),
            fields=(_where(entry),),
        )
        for entry in entries
        if isinstance(entry, dict)
    )
    detail = "；".join(f"{finding.fields[0]}：{finding.message}" for finding in findings)
    return ProblemError("invalid", detail, findings)


def _where(entry: Mapping[str, Any]) -> str:
    named = _NAMED.search(str(entry.get("message", "")))
    key = str(entry.get("key", "") or (named.group(1) if named else ""))
    return _HEADERS.get(key, key) or "请求"


_NAMED = re.compile(r"parameter ['\"]?([A-Za-z0-9_-]+)['\"]?")
_HEADERS = {"idempotency_key": "Idempotency-Key", "if_match": "If-Match", "data": "请求体"}
_PHRASES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"Missing required (?:\w+ )?parameter", "缺少此项"),
        (r"missing required field `(\w+)`", r"缺少必填字段 \1"),
        (r"contains unknown field `([^`]*)`", r"没有名为 \1 的字段"),
        (r"Invalid enum value", "不是可用的取值"),
        (r"Expected `(\w+)` matching regex", "含有不允许的字符，或长度不合要求"),
        (r"Expected `(?:str|array|object)` of length >= (\d+)", r"长度至少为 \1"),
        (r"Expected `(?:str|array|object)` of length <= (\d+)", r"长度不得超过 \1"),
        (r"Expected `(?:int|float)` >= (\S+)", r"不得小于 \1"),
        (r"Expected `(?:int|float)` <= (\S+)", r"不得大于 \1"),
        (r"Invalid RFC3339 encoded date", "日期格式应为 2026-09-01"),
        (r"Expected `([^`]+)`, got `null`", "不能为空"),
        (r"Expected `([^`]+)`, got `([^`]+)`", r"类型应为 \1，收到的是 \2"),
    )
)


def in_chinese(message: str) -> str:
    """One of msgspec's or Litestar's validation messages. What no phrase knows becomes a plain "not right"."""
    for pattern, text in _PHRASES:
        if found := pattern.search(message):
            return found.expand(text)
    return "内容或格式不正确"
