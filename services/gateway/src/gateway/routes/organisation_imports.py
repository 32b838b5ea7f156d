"""Organisations from a workbook: template, look at it row by row, confirm."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any, Literal

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.files import Template
from shared_contracts.organisations import (
    ConfirmImport,
    GetImport,
    GetImportTemplate,
    ListImportRows,
    OpenImport,
    OrganisationImport,
    OrganisationImportPage,
)

from gateway.answers import download, versioned
from gateway.backend import BULK, Backend
from gateway.idempotency import IfMatch, expected_version, thing_id
from gateway.openapi import about
from gateway.routes.params import Cursor, Id, Limit
from gateway.routes.rosters import XLSX
from gateway.upload import Upload

CURE = "请删除图片和无关工作表后重新上传。"
Outcome = Literal["created", "changed", "unchanged", "refused"]


def _import(view: OrganisationImport, status: int = 200) -> Response[OrganisationImport]:
    return versioned(view, f"/v1/organisations/imports/{view.id}", status)


@get("/template", **about("空白机构信息表（含下拉选项）", "3.1", "44", produces=XLSX))
async def template(backend: Given[Backend], actor: Given[Actor]) -> Response[bytes]:
    blank = await backend.ask(GetImportTemplate(actor=actor), Template, timeout=20.0)
    return download(blank)


@post(
    "/",
    request_max_body_size=None,  # Upload counts the bytes
    **about("上传机构信息表并逐行检查（不入库）", "3.1", "44", problems=(413, 415), consumes="multipart/form-data"),
)
async def upload(
    *,
    request: Request[Actor, Any, Any],
    backend: Given[Backend],
    actor: Given[Actor],
    command_id: Given[str],
    effective_from: Annotated[date, QueryParameter(description="新建和变更的生效日期，不晚于今天")],
) -> Response[OrganisationImport]:
    """The workbook is read while the caller waits, and kept no longer than that."""
    incoming = Upload(request, backend.max_upload, cure=CURE)
    await incoming.begin()
    import_id = thing_id(actor, "organisations", command_id)
    file_id = derived("file", import_id)
    file = await backend.files.put(
        incoming.name, incoming.media_type, incoming.content(), backend.max_upload, file_id=file_id
    )
    command = OpenImport(
        command_id=command_id, actor=actor, import_id=import_id, file=file, effective_from=effective_from
    )
    try:
        return _import(await backend.ask(command, OrganisationImport, timeout=BULK), 201)
    finally:
        await backend.files.delete(file_id)


@get("/{import_id:str}", **about("一次机构导入的检查结果", "44"))
async def looked(backend: Given[Backend], actor: Given[Actor], import_id: Id) -> Response[OrganisationImport]:
    return _import(await backend.ask(GetImport(actor=actor, import_id=import_id), OrganisationImport))


@get("/{import_id:str}/rows", **about("机构导入的逐行结果：新建、变更、不变、错误及更正办法", "44"))
async def rows(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    import_id: Id,
    outcome: Annotated[Outcome | None, QueryParameter(description="只看这种结果的行")] = None,
    cursor: Cursor = None,
    limit: Limit = 100,
) -> OrganisationImportPage:
    query = ListImportRows(actor=actor, import_id=import_id, outcome=outcome, cursor=cursor, limit=limit)
    return await backend.ask(query, OrganisationImportPage)


@post(
    "/{import_id:str}/confirmation",
    status_code=200,
    **about("确认导入：按检查结果全部办理，或全部不办", "44"),
)
async def confirm(
    backend: Given[Backend], actor: Given[Actor], import_id: Id, command_id: Given[str], if_match: IfMatch = None
) -> Response[OrganisationImport]:
    command = ConfirmImport(command_id=command_id, actor=actor, import_id=import_id, version=expected_version(if_match))
    return _import(await backend.ask(command, OrganisationImport, timeout=BULK))


router = Router(
    "/v1/organisations/imports",
    route_handlers=[template, upload, looked, rows, confirm],
    tags=["organisations"],
)
