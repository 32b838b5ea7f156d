"""The archive of a student (学籍档案, clause 14): six sections, entries, papers; to read, to print, to hand on."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Literal

import msgspec
from litestar import Response, Router, get, post
from litestar.di import NamedDependency as Given
from litestar.params import JSONBody
from litestar.response import Stream
from shared_contracts.actors import Actor
from shared_contracts.archive import (
    MOST_EVIDENCE,
    MOST_ITEMS,
    AddArchiveEntries,
    ArchiveEntryView,
    ArchiveItem,
    ArchiveMade,
    ArchiveView,
    EntriesAdded,
    Entry,
    EvidenceFiled,
    FileEvidence,
    GetArchive,
    MakeArchive,
    SupersedeArchiveEntry,
)
from shared_contracts.evidence import EvidenceGiven

from gateway.backend import BULK, Backend
from gateway.openapi import about
from gateway.routes.params import AsOf, Id, Reason

MAKING = 60.0
"""Seconds for a whole archive with its files."""
Papers = Annotated[tuple[EvidenceGiven, ...], msgspec.Meta(max_length=MOST_EVIDENCE)]


class EntryIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`on`: the day that the entry is about. `evidence`: uploaded files that show it."""

    on: date
    entry: Entry
    evidence: Papers = ()


class EntriesIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All are kept, or none."""

    items: Annotated[tuple[ArchiveItem, ...], msgspec.Meta(min_length=1, max_length=MOST_ITEMS)]


class RightIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is right, of the same kind, and why the other is wrong."""

    on: date
    entry: Entry
    reason: Reason
    evidence: Papers = ()


class PapersIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`on`: from when the papers belong to the record."""

    on: date
    evidence: Annotated[tuple[EvidenceGiven, ...], msgspec.Meta(min_length=1, max_length=20)]


class MakeIn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`pdf`: a PDF/A to print. `package`: a ZIP that proves itself."""

    form: Literal["pdf", "package"]
    as_of: date | None = None


@get("/students/{student_id:str}/archive", **about("学籍档案：六项内容，现在的或某一天的", "14", "21.1", "21.2"))
async def archive(backend: Given[Backend], actor: Given[Actor], student_id: Id, as_of: AsOf = None) -> ArchiveView:
    return await backend.ask(GetArchive(actor=actor, student_id=student_id, as_of=as_of), ArchiveView)


@post(
    "/students/{student_id:str}/archive/entries",
    **about("为一名学生记入一条：综合素质、体质健康、奖惩、资助", "14", "34.1", "35", "36", "38", problems=(415,)),
)
async def add_one(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, command_id: Given[str], data: JSONBody[EntryIn]
) -> Response[EntriesAdded]:
    item = ArchiveItem(student_id=student_id, on=data.on, entry=data.entry, evidence=data.evidence)
    command = AddArchiveEntries(command_id=command_id, actor=actor, items=(item,))
    return Response(await backend.ask(command, EntriesAdded), status_code=201)


@post(
    "/archive-entries",
    **about("批量记入（一次最多 500 条，全部记入或都不记入）", "14", "34.1", "35", "36", "38", problems=(413, 415)),
)
async def add_many(
    backend: Given[Backend], actor: Given[Actor], command_id: Given[str], data: JSONBody[EntriesIn]
) -> Response[EntriesAdded]:
    command = AddArchiveEntries(command_id=command_id, actor=actor, items=data.items)
    return Response(await backend.ask(command, EntriesAdded, timeout=BULK), status_code=201)


@post(
    "/archive-entries/{entry_id:str}/correction",
    **about("更正一条记录：原记录保留，新记录写明理由", "14", "21.1", problems=(415,)),
)
async def put_right(
    backend: Given[Backend], actor: Given[Actor], entry_id: Id, command_id: Given[str], data: JSONBody[RightIn]
) -> Response[ArchiveEntryView]:
    command = SupersedeArchiveEntry(
        command_id=command_id,
        actor=actor,
        entry_id=entry_id,
        on=data.on,
        entry=data.entry,
        reason=data.reason,
        evidence=data.evidence,
    )
    return Response(await backend.ask(command, ArchiveEntryView), status_code=201)


@post(
    "/students/{student_id:str}/archive/evidence",
    **about("将已上传的证明材料归入学生档案", "14", problems=(415,)),
)
async def file_papers(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, command_id: Given[str], data: JSONBody[PapersIn]
) -> Response[EvidenceFiled]:
    command = FileEvidence(
        command_id=command_id, actor=actor, student_id=student_id, on=data.on, evidence=data.evidence
    )
    return Response(await backend.ask(command, EvidenceFiled), status_code=201)


@post(
    "/students/{student_id:str}/archive/files",
    status_code=200,
    **about(
        "取得整份学籍档案：PDF/A，或可自行核验的档案包（ZIP）；载明取得人，记入审计",
        "14",
        "21.1",
        "45.1",
        produces="application/pdf application/zip",
    ),
)
async def take(
    backend: Given[Backend], actor: Given[Actor], student_id: Id, command_id: Given[str], data: JSONBody[MakeIn]
) -> Stream:
    command = MakeArchive(command_id=command_id, actor=actor, student_id=student_id, form=data.form, as_of=data.as_of)
    made = await backend.ask(command, ArchiveMade, timeout=MAKING)
    return await backend.download(made.file, made.file.name, once=True)


router = Router("/v1", route_handlers=[archive, add_one, add_many, put_right, file_papers, take], tags=["archives"])
