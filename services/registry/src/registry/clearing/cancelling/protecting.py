"""Protecting records from being ended (18): registered by the supervising authority on the school's report, ended with a
reason. What lasts meanwhile (retention, resumption) is for the status service."""

from __future__ import annotations

import asyncpg
from regulation.authorisation import MISSING, absent, check
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role
from shared_contracts.clearing import (
    EndProtection,
    ListProtections,
    ProtectionKind,
    ProtectionPage,
    ProtectionView,
    ProtectRecord,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.records import StudentState

from registry.clearing import filing, record
from registry.clearing.cancelling import policy, store
from registry.clearing.record import Record
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.records import store as records
from registry.records import writing
from registry.records.writing import Change

NO_STUDENT = "没有这名学生，或者不属于您管理的范围。"


@clause("18")
async def protect_record(work: RegistryWork, command: ProtectRecord) -> ProtectionView | Refused:
    """学校须及时报告，并保留其学籍: from now on no cancellation of it is possible."""
    if bad := filing.in_order(command.report, missing="请写明学校报告的情况。"):
        return bad
    locked = await records.lock_students(work.tx, [command.student_id])
    subject = await record.read_one(work.tx, command.student_id)
    if subject is None:
        return refused("not_found", NO_STUDENT)
    if no := check(command.actor, word(command), subject.target, missing=NO_STUDENT):
        return no
    if (there := await store.protection(work.tx, command.protection_id)) is not None:
        return await _view(work, there, subject)
    if not locked or subject.state is not StudentState.IN_SCHOOL:
        return refused("conflict", "该生没有在读的学籍，不需要登记学籍保护。")
    if command.since > work.today:
        return refused("invalid", "离校日期不能晚于今天。请核对后重新提交。")
    if not command.evidence:
        return refused("invalid", "登记学籍保护须附学校的报告。请上传后重新提交。")
    to = f"protection:{command.protection_id}"
    attached = await evidence.attach(work, command.evidence, to=to, actor=command.actor, school=subject.school)
    if isinstance(attached, Refused):
        return attached
    made = await store.put_protection(
        work.tx,
        {
            "id": command.protection_id,
            "student_id": subject.id,
            "kind": str(command.kind),
            "since": command.since,
            "report": command.report.strip(),
            "registered_account": command.actor.account,
            "registered_by": command.actor.name,
            "registered_organisation": command.actor.organisation,
            "registered_at": work.now,
        },
    )
    if not made:
        title = policy.PROTECTION_TITLES[command.kind]
        return refused("conflict", f"该生已登记“{title}”的学籍保护，仍在生效。")
    content = {"protection_id": command.protection_id, "protection": str(command.kind)}
    await writing.record(
        work,
        [
            Change(
                student_id=subject.id,
                kind="protected",
                clause="18",
                legal_date=command.since,
                content=content,
                actor=command.actor,
            )
        ],
    )
    filing.tell(
        work,
        subject.school,
        [Role.REGISTRAR, Role.PRINCIPAL],
        "record_protected",
        "{count}名学生登记了学籍保护",
        "保护期间学籍保留，不得注销；原因消除后请及时报告，安排复学。",
        "/v1/protections",
    )
    return await _again(work, command.protection_id, subject)


@clause("18")
async def end_protection(work: RegistryWork, command: EndProtection) -> ProtectionView | Refused:
    """上述原因消除的: the school has to take the pupil back; what ended is kept."""
    if bad := filing.in_order(command.reason, missing="请写明原因消除的情况。"):
        return bad
    row = await store.protection(work.tx, command.protection_id)
    subject = None if row is None else await record.read_one(work.tx, row["student_id"])
    if row is None or subject is None:
        return absent(command.actor, word(command), MISSING)
    if no := check(command.actor, word(command), subject.target):
        return no
    await records.lock_students(work.tx, [subject.id])
    row = await store.protection(work.tx, command.protection_id, lock=True)
    assert row is not None
    if row["ended_at"] is not None:
        return refused("conflict", "这项学籍保护已经解除。")
    if not row["since"] <= command.ended_on <= work.today:
        return refused("invalid", "解除日期应在登记的离校日期与今天之间。请核对后重新提交。")
    await store.end_protection(work.tx, row["id"], command.ended_on, command.reason.strip(), command.actor, work.now)
    await writing.record(
        work,
        [
            Change(
                student_id=subject.id,
                kind="protection_ended",
                clause="18",
                legal_date=command.ended_on,
                content={"protection_id": row["id"], "protection": row["kind"]},
                actor=command.actor,
            )
        ],
    )
    filing.tell(
        work,
        subject.school,
        [Role.REGISTRAR, Role.PRINCIPAL],
        "protection_ended",
        "{count}名学生的学籍保护已解除",
        "离校原因已消除。请及时安排学生复学，保证其接受义务教育。",
        "/v1/protections?in_force=false",
    )
    return await _again(work, row["id"], subject)


@clause("18", "3.1")
async def list_protections(work: RegistryWork, query: ListProtections) -> ProtectionPage | Refused:
    page = filing.asked(query)
    if isinstance(page, Refused):
        return page
    rows = await store.protections(
        work.tx,
        student_id=query.student_id,
        in_force=query.in_force,
        **page.rows(),
    )
    kept, cursor = paging.page(rows, page.limit, lambda row: (row["registered_at"].isoformat(), row["id"]))
    subjects = await record.read(work.tx, [row["student_id"] for row in kept])
    items = [await _view(work, row, subjects[row["student_id"]]) for row in kept]
    return ProtectionPage(items=tuple(items), next_cursor=cursor)


async def _again(work: RegistryWork, protection_id: str, subject: Record) -> ProtectionView:
    row = await store.protection(work.tx, protection_id)
    assert row is not None
    return await _view(work, row, subject)


async def _view(work: RegistryWork, row: asyncpg.Record, subject: Record) -> ProtectionView:
    return ProtectionView(
        id=row["id"],
        student_id=subject.id,
        student_name=subject.name,
        school=subject.school,
        school_name=subject.school_name,
        kind=ProtectionKind(row["kind"]),
        since=row["since"],
        report=row["report"],
        registered_by=row["registered_by"],
        registered_at=row["registered_at"],
        evidence=await filing.papers(work.tx, f"protection:{row['id']}"),
        ended_on=row["ended_on"],
        end_reason=row["end_reason"],
        ended_by=row["ended_by"],
    )


COMMANDS: dict[type[Command], CommandHandler] = {ProtectRecord: protect_record, EndProtection: end_protection}
QUERIES: dict[type[Query], QueryHandler] = {ListProtections: list_protections}
