"""The authority's written approval, and the leader's decision that leans on it."""

from __future__ import annotations

import asyncio
from functools import partial

from casework.rules import may_decide
from casework.store import Doing, decide_cases
from regulation import authorisation
from regulation.authorisation import target_of
from regulation.mark import clause
from service_kit import organisations
from service_kit.database import driver
from service_kit.files import FileMissing, FileStore
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.exports import AttachApproval, DecideExport, ExportApproved, ExportParty, ExportView
from shared_contracts.messages import word

from access.context import AccessWork
from access.exports import policy, store, views
from access.exports.store import Export
from access.exports.tables import PREFIX
from access.exports.telling import stands, tell


@clause("45.2")
async def attach_approval(work: AccessWork, command: AttachApproval) -> ExportView | Refused:
    """By the supervising authority or one above it, while the request waits. What it is, is seen in its bytes."""
    export = await _waiting(work, command.actor, command.export_id, word(command))
    if isinstance(export, Refused):
        return export
    document = command.document
    if document.size > policy.DOCUMENT_BYTES:
        return _refusal(policy.document_acceptable(b""))
    try:
        content = await work.deps.files.read(document.id)
    except FileMissing:
        return refused("invalid", "没有收到书面核准文件，请重新上传。")
    if fault := policy.document_acceptable(content):
        return _refusal(fault)
    kept = type(document)(
        id=document.id,
        name=document.name,
        size=len(content),
        sha256=document.sha256,
        media_type=policy.document_type(content) or "",
    )
    await store.change(work.tx, export.id, document=kept)
    if export.document is not None and export.document.id != document.id:
        work.after_commit(partial(_forget, work.deps.files, export.document.id))
    return await views.full(work, export.id)


_forgetting: set[asyncio.Task[None]] = set()


def _forget(files: FileStore, file_id: str) -> None:
    """A replaced paper goes once nothing names it any more. A kill here leaves it, sealed and named by nobody."""
    task = asyncio.create_task(files.delete(file_id))
    _forgetting.add(task)
    task.add_done_callback(_forgetting.discard)


@clause("45.2")
async def decide_export(work: AccessWork, command: DecideExport) -> ExportView | Refused:
    """A leader of the supervising authority or of one above it, not the one who asked; with the paper, and in time."""
    actor = command.actor
    export = await _waiting(work, actor, command.export_id, word(command))
    if isinstance(export, Refused):
        return export
    if command.version is not None and command.version != export.version:
        return views.changed_meanwhile(export)
    kind = policy.chain(export.approval_days)
    against = may_decide(
        kind,
        export.standing,
        policy.STEP,
        actor,
        parties={"organisation": export.organisation, "authority": actor.organisation},  # the subtree was looked at
        decision=command.decision,
        reason=command.reason,
        entered_by=export.account,
    )
    if against:
        return _refusal(*against)
    if command.decision == "approve":
        missing = (
            policy.approval_in_writing(export.document is not None),
            policy.approved_in_time(export.request, work.now),
        )
        if found := tuple(finding for finding in missing if finding is not None):
            return _refusal(*found)
    details = {"document": export.document.sha256} if export.document and command.decision == "approve" else {}
    doing = Doing(
        act=command.decision,
        actor=actor,
        role=Role.LEADER,
        at=work.now,
        reason=command.reason,
        details=details,
    )
    connection, case = await driver(work.tx), [(export.id, export.standing)]
    (after,) = await decide_cases(connection, kind, case, doing, calendar=work.deps.calendar, prefix=PREFIX)
    stands(work, export, kind, after)
    if command.decision == "approve":
        await _announce(work, export, actor)
    else:
        tell(work, export, "returned" if command.decision == "return" else "rejected", command.reason)
    return await views.full(work, export.id)


async def _waiting(work: AccessWork, actor: Actor, export_id: str, act: str) -> Export | Refused:
    """An export that waits for its approval and is the actor's business, under lock."""
    export = await store.lock(work.tx, export_id, work.now)
    if export is None:
        return authorisation.absent(actor, act, views.NOT_FOUND)
    target = target_of(export.organisation, export.authority)
    if no := authorisation.check(actor, act, target, missing=views.NOT_FOUND):
        return no
    if export.state not in authorisation.act(act).states:  # an expired one may still be returned, or rejected
        title = policy.STATE_TITLES[export.state]
        return refused("conflict", f"该申请现在的状态是“{title}”，不在等待核准。请刷新后查看。")
    return export


async def _announce(work: AccessWork, export: Export, leader: Actor) -> None:
    names = await organisations.names(work.tx, [leader.organisation])
    work.emit(
        ExportApproved(
            export_id=export.id,
            number=export.number,
            authority=export.authority,
            requester=ExportParty(
                account=export.account,
                name=export.account_name,
                organisation=export.organisation,
                organisation_name=export.organisation_name,
                roles=export.roles,
            ),
            approver=ExportParty(
                account=leader.account,
                name=leader.name,
                organisation=leader.organisation,
                organisation_name=names[leader.organisation],
                roles=tuple(role.value for role in leader.roles),
            ),
            fields=export.request.fields,
            selection=export.request.selection,
            recipient=export.request.recipient,
            purpose=export.request.purpose,
            row_cap=export.row_cap,
            approved_at=work.now,
            expires_at=export.expires_at,
        ),
        export.id,
    )


def _refusal(*found: Finding | None) -> Refused:
    there = tuple(finding for finding in found if finding is not None)
    return refused("refused", "；".join(finding.message for finding in there) + "。", *there)
