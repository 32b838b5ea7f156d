"""Evidence files (证明材料): uploaded once, then given to cases and records by their ids (clause 14)."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import Request, Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import QueryParameter
from litestar.response import Stream
from shared_contracts.actors import Actor
from shared_contracts.evidence import (
    MEDIA_TYPES,
    MOST_BYTES,
    EvidenceFile,
    EvidencePage,
    EvidenceView,
    GetEvidence,
    GetEvidenceFile,
    KeepEvidence,
    ListEvidence,
)

from gateway.backend import Backend
from gateway.idempotency import thing_id
from gateway.openapi import about
from gateway.problems import ProblemError
from gateway.routes.params import Cursor, Id, Limit
from gateway.upload import Upload, keep

SCANNING = 30.0
"""Seconds for a file that is looked at for viruses."""


@post(
    "/",
    request_max_body_size=None,  # Upload counts the bytes
    **about(
        "上传证明材料（PDF、JPEG、PNG），查毒后可用于各项业务",
        "14",
        problems=(413, 415),
        consumes="multipart/form-data",
    ),
)
async def upload(
    request: Request[Actor, Any, Any], backend: Given[Backend], actor: Given[Actor], command_id: Given[str]
) -> Response[EvidenceView]:
    incoming = Upload(request, MOST_BYTES, cure="请降低扫描分辨率后重新上传。")
    await incoming.begin()
    file = await keep(backend.files, incoming, "evidence", command_id, MOST_BYTES)
    evidence_id = thing_id(actor, "evidence", command_id)
    command = KeepEvidence(command_id=command_id, actor=actor, evidence_id=evidence_id, file=file)
    try:
        view = await backend.ask(command, EvidenceView, timeout=SCANNING)
    except ProblemError as problem:
        if problem.kind not in ("unavailable", "conflict"):  # a repeat may find that it was kept
            await backend.files.delete(file.id)
        raise
    return Response(view, status_code=201, headers={"Location": f"/v1/evidence-files/{view.id}"})


@get("/", **about("本单位上传的证明材料，最近的在前", "14"))
async def listed(
    *,
    backend: Given[Backend],
    actor: Given[Actor],
    unused: Annotated[bool, QueryParameter(description="只看尚未用于任何业务的")] = False,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> EvidencePage:
    query = ListEvidence(actor=actor, attached_to="" if unused else None, cursor=cursor, limit=limit)
    return await backend.ask(query, EvidencePage)


@get("/{evidence_id:str}", **about("证明材料的信息与查毒结果", "14"))
async def one(backend: Given[Backend], actor: Given[Actor], evidence_id: Id) -> EvidenceView:
    return await backend.ask(GetEvidence(actor=actor, evidence_id=evidence_id), EvidenceView)


@get("/{evidence_id:str}/content", **about("证明材料的内容", "14", "21.2", produces=" ".join(MEDIA_TYPES)))
async def content(backend: Given[Backend], actor: Given[Actor], evidence_id: Id) -> Stream:
    found = await backend.ask(GetEvidenceFile(actor=actor, evidence_id=evidence_id), EvidenceFile)
    return await backend.download(found.file, found.file.name)


router = Router("/v1/evidence-files", route_handlers=[upload, listed, one, content], tags=["evidence"])
