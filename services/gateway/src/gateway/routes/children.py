"""Children of age (适龄儿童): a county's lists as workbooks, looked at and then taken in; the children on them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody, QueryParameter
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.admission import (
    ChildPage,
    ChildrenImport,
    ChildrenImportPage,
    ChildrenImportRows,
    ChildState,
    ChildView,
    ConfirmChildrenImport,
    FindChild,
    GetChild,
    GetChildrenImport,
    GetChildrenTemplate,
    ListChildren,
    ListChildrenImportRows,
    ListChildrenImports,
    OpenChildrenImport,
    RemoveChild,
)
from shared_contracts.discreet import Discreet
from shared_contracts.files import Template

from gateway.answers import download, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IdempotencyKey, IfMatch, etag, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.attendance_zones import Division, StageParam
from gateway.routes.params import Because, Cursor, Id, Limit
from gateway.routes.rosters import XLSX
from gateway.upload import Upload

CURE = "请删除图片和无关工作表，或分成几个文件上传。"
Outcome = Literal["accepted", "known", "refused"]
Year = Annotated[int | None, QueryParameter(ge=2000, le=2100, description="学年（开始的年份）；不给则为当年")]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class Named(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """By the whole name: it stands in no address and no log. `document_number`: a school finds the child on its county's
    lists by both, whatever the year."""

    name: Name
    document_number: Annotated[str, msgspec.Meta(min_length=1, max_length=30)] | None = None
    school_year: Annotated[int, msgspec.Meta(ge=2000, le=2100)] | None = None
    county: Division | None = None


def _import(view: ChildrenImport, status: int = 200) -> Response[ChildrenImport]:
    return versioned(view, f"/v1/children-lists/{view.id}", status)


def _child(view: ChildView) -> Response[ChildView]:
    return Response(view, headers=etag(view.version))


@get("/template", **about("空白适龄儿童名单（含下拉选项）", "5.2", produces=XLSX))
async def template(backend: Given[Backend], actor: Given[Actor]) -> Response[bytes]:
    blank = await backend.ask(GetChildrenTemplate(actor=actor), Template, timeout=20.0)
    return download(blank)


@post(
    "/",
    request_max_body_size=None,  # Upload counts the bytes
    **about(
        "上传适龄儿童名单并逐行检查（不列入名单）",
        "5.1", "5.2", "12", "15.2",
        problems=(413, 415),
        consumes="multipart/form-data",
    ),
)  # fmt: skip
async def upload(
    request: Request[Actor, Any, Any], backend: Given[Backend], actor: Given[Actor], command_id: Given[str]
) -> Response[ChildrenImport]:
    """A worker looks at it; the file is kept, encrypted, until its rows are taken in or given up."""
    incoming = Upload(request, backend.max_upload, cure=CURE)
    await incoming.begin()
    import_id = thing_id(actor, "children", command_id)
    file_id = derived("file", import_id)
    file = await backend.files.put(
        incoming.name, incoming.media_type, incoming.content(), backend.max_upload, file_id=file_id
    )
    command = OpenChildrenImport(command_id=command_id, actor=actor, import_id=import_id, file=file)
    try:
        return _import(await backend.ask(command, ChildrenImport), 201)
    except Exception:
        await backend.files.delete(file_id)
        raise


@get("/", **about("适龄儿童名单列表", "5.2"))
async def imports(
    backend: Given[Backend], actor: Given[Actor], cursor: Cursor = None, limit: Limit = 20
) -> ChildrenImportPage:
    return await backend.ask(ListChildrenImports(actor=actor, cursor=cursor, limit=limit), ChildrenImportPage)


@get("/{list_id:str}", **about("一份适龄儿童名单的进度和检查结果", "5.2"))
async def looked(backend: Given[Backend], actor: Given[Actor], list_id: Id) -> Response[ChildrenImport]:
    return _import(await backend.ask(GetChildrenImport(actor=actor, import_id=list_id), ChildrenImport))


@get("/{list_id:str}/rows", **about("名单逐行结果：可列入、已在名单、错误及更正办法", "5.1", "5.2", "12", "15.2"))
async def rows(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    list_id: Id,
    outcome: Annotated[Outcome | None, QueryParameter(description="只看这种结果的行")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> ChildrenImportRows:
    query = ListChildrenImportRows(actor=actor, import_id=list_id, outcome=outcome, cursor=cursor, limit=limit)
    return await backend.ask(query, ChildrenImportRows)


@post("/{list_id:str}/confirmation", status_code=200, **about("确认名单：可列入的行列入适龄儿童名单", "5.2"))
async def confirm(
    backend: Given[Backend], actor: Given[Actor], list_id: Id, command_id: Given[str], if_match: IfMatch = None
) -> Response[ChildrenImport]:
    command = ConfirmChildrenImport(
        command_id=command_id, actor=actor, import_id=list_id, version=expected_version(if_match)
    )
    return _import(await backend.ask(command, ChildrenImport, timeout=BULK))


@get("/", **about("适龄儿童列表：待安排、已安排、延缓入学", "5.2", "6"))
async def children(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    county: Annotated[str | None, QueryParameter(pattern=r"^\d{6}$", description="县（市、区）代码")] = None,
    school_year: Year = None,
    stage: StageParam = None,
    in_state: Annotated[ChildState | None, QueryParameter(name="state", description="只看这种状态的")] = None,
    by_hand: Annotated[bool, QueryParameter(description="只看须手工安排的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> ChildPage:
    query = ListChildren(
        actor=actor,
        county=county,
        school_year=school_year,
        stage=stage,
        state=in_state,
        by_hand=by_hand,
        cursor=cursor,
        limit=limit,
    )
    return await backend.ask(query, ChildPage)


@post(
    "/searches",
    status_code=200,
    **about("按姓名查找适龄儿童；学校凭姓名和证件号核对一名儿童", "5.2", "6", problems=(415,)),
)
async def search(
    backend: Given[Backend], actor: Given[Actor], idempotency_key: IdempotencyKey, data: JSONBody[Named]
) -> ChildPage:
    query: FindChild | ListChildren
    if data.document_number is not None:
        query = FindChild(actor=actor, name=data.name, document_number=data.document_number)
    else:
        query = ListChildren(actor=actor, county=data.county, school_year=data.school_year, name=data.name, limit=200)
    return await backend.ask(query, ChildPage)


@get("/{child_id:str}", **about("一名适龄儿童，含住址和监护人", "5.2"))
async def child(backend: Given[Backend], actor: Given[Actor], child_id: Id) -> Response[ChildView]:
    return _child(await backend.ask(GetChild(actor=actor, child_id=child_id), ChildView))


@post("/{child_id:str}/removal", status_code=200, **about("移出适龄儿童名单", "5.2", problems=(415,)))
async def remove(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    child_id: Id,
    command_id: Given[str],
    data: JSONBody[Because],
    if_match: IfMatch = None,
) -> Response[ChildView]:
    command = RemoveChild(
        command_id=command_id,
        actor=actor,
        child_id=child_id,
        reason=data.reason,
        version=expected_version(if_match),
    )
    return _child(await backend.ask(command, ChildView))


lists = Router(
    "/v1/children-lists", route_handlers=[template, upload, imports, looked, rows, confirm], tags=["admissions"]
)
kids = Router("/v1/children", route_handlers=[children, search, child, remove], tags=["admissions"])
router = Router("/", route_handlers=[lists, kids])
