"""Keeping evidence, and looking at it: its own organisation's, and that of records one may see (clauses 14, 21.2, 45.3)."""

from __future__ import annotations

import logging

import msgspec
from regulation import papers
from regulation.authorisation import MISSING, check, may, target_of
from regulation.mark import clause
from service_kit import paging
from service_kit.files import FileMissing, FileStore
from service_kit.ids import derived
from service_kit.scanning import ScannerAway
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.evidence import (
    EvidenceFile,
    EvidenceKind,
    EvidencePage,
    EvidenceView,
    GetEvidence,
    GetEvidenceFile,
    KeepEvidence,
    ListEvidence,
    ScanState,
)
from shared_contracts.files import FileRef
from shared_contracts.messages import Command, Query, word

from registry.context import RegistryWork
from registry.evidence import policy, store
from registry.evidence.store import Evidence
from registry.organisations import store as organisations
from registry.records import copies, views

log = logging.getLogger(__name__)


@clause("14", "45.3")
async def keep_evidence(work: RegistryWork, command: KeepEvidence) -> EvidenceView | Refused:
    """What a file is, is seen in its bytes. Without an answer of the scanner it waits, and cannot be attached."""
    actor = command.actor
    own = target_of(actor.organisation, await organisations.authority_of(work.tx, actor.organisation))
    if no := check(actor, word(command), own):
        return no
    earlier = await store.get(work.tx, command.evidence_id)
    if earlier is not None and earlier.scan is ScanState.INFECTED:
        return _virus(earlier.name)
    if earlier is not None:
        return refused("conflict", "这个文件已经上传过。")
    file, files = command.file, work.deps.files
    try:
        media_type = await _media_type(files, file.id)
    except FileMissing:
        return refused("invalid", "没有收到文件，请重新上传。")
    if fault := policy.content_fault(file.size, media_type):
        return refused("invalid", f"{fault.message}。请{fault.cure}。", fault)
    scan, signature = await _scan(work, file)
    row = Evidence(
        id=command.evidence_id,
        organisation=actor.organisation,
        account=actor.account,
        uploaded_by=actor.name,
        uploaded_at=work.now,
        name=file.name,
        media_type=media_type or "",
        size=file.size,
        sha256=file.sha256,
        file_id=file.id,
        scan=scan,
        kind=EvidenceKind.OTHER,
        attached_to=None,
        place=0,
        shared_with=None,
        scanned_at=None if scan is ScanState.UNSCANNED else work.now,
        signature=signature,
    )
    if scan is ScanState.INFECTED:
        await _quarantine(work, row)
        return _virus(file.name)
    await store.put(work.tx, row)
    return row.view


async def _quarantine(work: RegistryWork, row: Evidence) -> None:
    """Kept, sealed, under a name that nothing fetches: the refusal rolls the handler's own transaction back."""
    kept = await work.deps.files.put(
        row.name, row.media_type, work.deps.files.stream(row.file_id), row.size, derived("quarantine", row.id)
    )
    async with work.deps.outside.transaction() as tx:
        await store.put(tx, msgspec.structs.replace(row, file_id=kept.id))
    log.warning("evidence %s is infected and was put into quarantine", row.id)


async def _scan(work: RegistryWork, file: FileRef) -> tuple[ScanState, str | None]:
    scanner = work.deps.scanner
    if scanner is None:
        return ScanState.UNSCANNED, None
    try:
        verdict = await scanner.scan(work.deps.files.stream(file.id))
    except ScannerAway as away:
        log.warning("the virus scanner is away: %s", away)
        return ScanState.PENDING, None
    return (ScanState.CLEAN if verdict.clean else ScanState.INFECTED), verdict.signature


async def _media_type(files: FileStore, file_id: str) -> str | None:
    head = tail = b""
    async for piece in files.stream(file_id):
        head = head if len(head) >= papers.HEAD else head + piece[: papers.HEAD]
        tail = (tail + piece)[-papers.TAIL :]
    return papers.media_type(head, tail)


def _virus(name: str) -> Refused:
    fault = policy.infected(name)
    return refused("invalid", f"{fault.message}。{fault.cure}。", fault)


# ---- looking ----------------------------------------------------------------------------------------------------------


@clause("14")
async def list_evidence(work: RegistryWork, query: ListEvidence) -> EvidencePage | Refused:
    actor = query.actor
    own = target_of(actor.organisation, await organisations.authority_of(work.tx, actor.organisation))
    if no := check(actor, word(query), own):
        return no
    since = paging.by_moment(query.cursor)
    if isinstance(since, Refused):
        return since
    limit = paging.size(query.limit)
    found = await store.page(work.tx, actor.organisation, query.attached_to, since, limit + 1)
    kept, cursor = paging.page(found, limit, lambda one: (one.uploaded_at.isoformat(), one.id))
    return EvidencePage(items=tuple(one.view for one in kept), next_cursor=cursor)


@clause("14", "21.2")
async def get_evidence(work: RegistryWork, query: GetEvidence) -> EvidenceView | Refused:
    one = await store.get(work.tx, query.evidence_id)
    if one is None or not await _sees(work, query.actor, word(query), one):
        return refused("not_found", MISSING)
    return one.view


@clause("14", "21.2", "45.3")
async def get_evidence_file(work: RegistryWork, query: GetEvidenceFile) -> EvidenceFile | Refused:
    one = await store.get(work.tx, query.evidence_id)
    if one is None or not await _sees(work, query.actor, word(query), one):
        return refused("not_found", MISSING)
    if one.scan is ScanState.INFECTED:
        return _virus(one.name)
    if one.scan not in policy.ATTACHABLE:
        return refused("conflict", "文件还在等候病毒检查，暂不能打开。请稍后再试。")
    students = tuple(student for student, _ in await store.students_of(work.tx, one.id))
    return EvidenceFile(evidence=one.view, file=one.file, student_ids=students)


async def _sees(work: RegistryWork, actor: Actor, act: str, one: Evidence) -> bool:
    """Its uploader's organisation and those above; the school whose case it is part of; whoever sees a record that it is
    filed in, a former school too if it was filed before the student left."""
    for code in filter(None, (one.organisation, one.shared_with)):
        if may(actor, act, target_of(code, await organisations.authority_of(work.tx, code))):
            return True
    for student_id, seq in await store.students_of(work.tx, one.id):
        row = await views.row_of(work.tx, student_id)
        if row is not None and may(actor, act, views.target(row)):
            return True
        copy = await copies.seen(work, actor, act, student_id)
        if copy is not None and seq < copy.journal_seq:
            return True
    return False


COMMANDS: dict[type[Command], CommandHandler] = {KeepEvidence: keep_evidence}
QUERIES: dict[type[Query], QueryHandler] = {
    ListEvidence: list_evidence,
    GetEvidence: get_evidence,
    GetEvidenceFile: get_evidence_file,
}
