"""The API's own description: OpenAPI 3.1, with a Problem for every operation and the clauses that it serves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from litestar import Litestar, Request, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig, ResponseSpec
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, OAuthFlow, OAuthFlows, Reference, SecurityScheme, Tag
from litestar.routes import HTTPRoute

from gateway.auth import PUBLIC
from gateway.guards import CONSUMES
from gateway.problems import MEDIA_TYPE, Problem, ProblemError
from gateway.upload import FIELD

CLAUSES = "clauses"
FORM = "application/x-www-form-urlencoded"
TOKEN_REQUEST = {
    "type": "object",
    "required": ["grant_type"],
    "properties": {
        "grant_type": {"type": "string", "enum": ["client_credentials"]},
        "scope": {"type": "string", "description": "以空格分隔；不给则为全部"},
        "client_id": {"type": "string", "description": "不用 HTTP Basic 时"},
        "client_secret": {"type": "string", "format": "password", "description": "不用 HTTP Basic 时"},
    },
}
"""The body of RFC 6749, 4.4.2."""
PRODUCES = "produces"
_PROBLEMS = {
    400: "请求无法读取",
    401: "需要登录",
    403: "没有权限",
    404: "没有找到",
    409: "不符合规定，或与当前状态冲突",
    413: "内容过大",
    415: "不支持的内容类型",
    422: "内容有误",
    428: "缺少版本条件",
    429: "尝试过于频繁",
    500: "系统内部错误",
    503: "服务暂时不可用",
    504: "结果未知或查询超时",
}
_ALWAYS = (400, 401, 403, 404, 409, 422, 500, 503, 504)
_PUBLIC = (400, 422, 500, 503)
_BODIES = {"POST", "PUT", "PATCH"}
"""Methods whose body may be too large or of a type that is not read (`guards`), whatever the operation."""
TAGS = {
    "sessions": "登录、会话、本人的密码与动态口令",
    "oauth": "接口用户的令牌（OAuth 2.0）",
    "accounts": "账号与角色（第四十五条）",
    "clients": "接口用户（第四十五条）",
    "registrars": "学籍管理员任用（第四十三条）",
    "audit": "审计、预警、安全事件（第四十五条）",
    "rosters": "名册导入（第十五条）",
    "registrations": "建籍申请（第十五条）",
    "students": "学籍",
    "archives": "学籍档案：六个部分、某日的学籍（第十四条、第二十一条）",
    "evidence": "证明材料（第十四条）",
    "inspection": "学籍信息核查与整改（第三条、第四十八条）",
    "admissions": "招生入学：学区、适龄儿童、入学安排（第四至十条）",
    "exports": "导出（第四十五条）",
    "classes": "班级、一键分班与调班（第十一条、第十七条）",
    "organisations": "教育行政部门和学校（第三条）",
    "reorganisations": "学校撤并、行政区划调整（第二十一条、第四十四条）",
    "junior-intakes": "初中招生（第十六条）",
    "policy": "政策参数和校历（第四十九条）",
    "enrolment-plans": "招生计划（第四条）",
    "admission-schemes": "民办学校招生方案（第八条）",
    "private-places": "民办学校可转入学位与随机录取（第二十四条）",
    "code-tables": "代码表（第十四条）",
    "worklist": "待办",
    "notices": "消息",
    "delivery": "联系方式、接口推送与发送记录",
    "health": "运行状态",
    "transfers": "转学（第二十四条）",
    "outside-transfers": "省外转学：由省教育厅录入外省的申请和决定（第二十四条）",
    "duplicates": "查重与疑似重复学籍的处理（第二十条、第三十九条）",
    "corrections": "关键信息更正（第四十条）",
    "cancellations": "注销学籍与学籍保护（第十八条、第二十二条）",
}

SCHEMES: dict[str, SecurityScheme | Reference] = {
    "bearer": SecurityScheme(
        type="http", scheme="bearer", bearer_format="JWT", description="POST /v1/sessions 得到的访问令牌"
    ),
    "oauth2": SecurityScheme(
        type="oauth2",
        description="接口用户：以标识和密钥换取令牌（RFC 6749，4.4），同样放在 Authorization: Bearer 中",
        flows=OAuthFlows(
            client_credentials=OAuthFlow(
                token_url="/oauth/token",  # noqa: S106 - an address
                scopes={
                    "students:read": "读取学籍（不含完整号码）",
                    "organisations:read": "读取机构名录",
                    "webhooks:manage": "管理本接口的推送",
                },
            )
        ),
    ),
    "basic": SecurityScheme(type="http", scheme="basic", description="接口用户的标识和密钥，只用于 /oauth/token"),
}


def about(
    summary: str,
    *clauses: str,
    problems: tuple[int, ...] = (),
    public: bool = False,
    consumes: str = "application/json",
    produces: str = "",
) -> dict[str, Any]:
    """The keyword arguments by which a handler says what it does: `@get("/", **about("名册列表", "15.1"))`.

    `clauses`: of the regulation, that this operation serves. `problems`: statuses beside those that all may give.
    `public`: needs no account. `consumes`: the content type of the body. `produces`: those that a file may have, with
    spaces between.
    """
    statuses = sorted({*(_PUBLIC if public else _ALWAYS), *problems})
    return {
        "summary": summary,
        "response_description": "成功",
        "responses": {
            status: ResponseSpec(Problem, generate_examples=False, description=_PROBLEMS[status], media_type=MEDIA_TYPE)
            for status in statuses
        },
        "opt": {CLAUSES: clauses, PUBLIC: public, CONSUMES: consumes, PRODUCES: produces},
        **({"security": [{}]} if public else {}),
    }


def config() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Xueji 学籍管理系统",
        version="1",
        description="义务教育学生学籍的建立、变动与查询。错误一律为 application/problem+json（RFC 9457）。",
        path="/schema",
        operation_id_creator=lambda handler, _method, _path: (
            f"{handler.fn.__module__.split('.')[-1]}_{handler.fn.__name__}"
        ),
        security=[{"bearer": []}, {"oauth2": []}],
        components=Components(security_schemes=SCHEMES),
        tags=[Tag(name=name, description=text) for name, text in TAGS.items()],
        render_plugins=[_Described(path=["/openapi.json", "/"])],
        openapi_router=Router(
            "/schema",
            route_handlers=[],
            opt={PUBLIC: True},
            include_in_schema=False,
            before_request=_known_path,
        ),
    )


def _known_path(request: Request[Any, Any, Any]) -> None:
    """Litestar answers other paths below with a page of its own: they are a problem like any other 404."""
    if request.scope["path"].rstrip("/") not in ("/schema", "/schema/openapi.json"):
        raise ProblemError("not_found")


class _Described(JsonRenderPlugin):
    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        return self.render_json(request, describe(request.app))


def describe(app: Litestar) -> dict[str, Any]:
    """The OpenAPI document, with what Litestar cannot know: the clauses, and bodies that are read as they stream."""
    schema: dict[str, Any] = app.openapi_schema.to_schema()
    for path, method, handler in operations(app):
        operation = schema["paths"].get(path, {}).get(method.lower())
        if operation is None:
            continue
        if method in _BODIES and handler.opt.get(CONSUMES) != FORM:
            problem = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
            for status in (413, 415):
                declared = {"description": _PROBLEMS[status], "content": problem}
                operation["responses"].setdefault(str(status), declared)
        if clauses := handler.opt.get(CLAUSES):
            operation["x-clauses"] = list(clauses)
        answered = operation["responses"][str(handler.status_code)]
        if handler.status_code == 204:
            answered.pop("content", None)
        elif produced := handler.opt.get(PRODUCES):
            answered["content"] = {kind: {"schema": _content(kind)} for kind in produced.split()}
        if (media_type := handler.opt.get(CONSUMES)) == "multipart/form-data":
            file = {"type": "string", "contentMediaType": "application/octet-stream"}
            body = {"type": "object", "required": [FIELD], "properties": {FIELD: file}}
            operation["requestBody"] = {"required": True, "content": {media_type: {"schema": body}}}
        elif media_type == FORM:
            operation["requestBody"] = {"required": True, "content": {media_type: {"schema": TOKEN_REQUEST}}}
    return schema


def _content(media_type: str) -> dict[str, Any]:
    """What an answer that is no struct of ours looks like."""
    if media_type.endswith("json"):
        return {"type": "object"}
    if media_type == "text/event-stream":  # each of its events
        return {"type": "object", "properties": {name: {"type": "string"} for name in ("id", "event", "data")}}
    return {"type": "string", "contentMediaType": media_type}


def operations(app: Litestar) -> Iterator[tuple[str, str, HTTPRouteHandler]]:
    """Every operation: path template, method, handler. OPTIONS, which Litestar adds to each path, is left out."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in sorted(set(handler.http_methods) - {"OPTIONS"}):
                    yield route.path_format, method, handler


def by_clause(app: Litestar) -> dict[str, list[str]]:
    """Clause -> operations that serve it, `"POST /v1/rosters"`: for the page that binds the law to the program."""
    found: dict[str, list[str]] = {}
    for path, method, handler in operations(app):
        for clause in handler.opt.get(CLAUSES, ()):
            found.setdefault(clause, []).append(f"{method} {path}")
    return {clause: sorted(names) for clause, names in sorted(found.items())}
