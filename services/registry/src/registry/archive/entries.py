"""Adding entries, saying wrong ones right, filing evidence: by the school that has the student (clauses 14, 34 to 36)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from regulation.authorisation import MISSING, check
from regulation.findings import refuse
from regulation.mark import clause
from service_kit.ids import derived
from shared_contracts.actors import Actor
from shared_contracts.archive import (
    MOST_EVIDENCE,
    MOST_ITEMS,
    AddArchiveEntries,
    ArchiveEntryView,
    ArchiveItem,
    EntriesAdded,
    EvidenceFiled,
    FiledEvidence,
    FileEvidence,
    SupersedeArchiveEntry,
)
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import word
from shared_contracts.records import StudentState
from sqlalchemy.engine import RowMapping

from registry.archive import guardians, policy, store
from registry.archive.policy import StudentFacts
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.evidence.store import Evidence
from registry.records import store as records
from registry.records import views, writing

MOST_FINDINGS = 100


@clause("14", "34.1", "35", "36", "38")
async def add_entries(work: RegistryWork, command: AddArchiveEntries) -> EntriesAdded | Refused:
    """All or none: what is wrong is said of every item, and nothing is written."""
    items = command.items
    if not 0 < len(items) <= MOST_ITEMS:
        return refused("too_large", f"一次最多记入{MOST_ITEMS}条，请分批提交。")
    ids = sorted({item.student_id for item in items})
    await records.lock_students(work.tx, ids)
    rows = await views.rows_of(work.tx, ids)
    found: list[Finding] = []
    for number, item in enumerate(items):
        where = f"items[{number}]." if len(items) > 1 else ""
        row = rows.get(item.student_id)
        if row is None or check(command.actor, word(command), views.target(row)):
            found.append(_missing(where))
        else:
            found += policy.may_be_kept(_facts(row), work.today, item.on, item.entry, where)
    if len(items) == 1 and any(finding.code == "archive.no_student" for finding in found):
        return refused("not_found", MISSING)
    if found:
        return refused("invalid", f"有{len(found)}处不符合要求，没有记入任何内容。", *found[:MOST_FINDINGS])
    made = [(derived("archive-entry", command.command_id, number), item) for number, item in enumerate(items)]
    files: dict[str, tuple[Evidence, ...]] = {}
    for entry_id, item in made:
        if item.evidence:
            attached = await _attach(work, command.actor, entry_id, item.evidence)
            if isinstance(attached, Refused):
                return attached
            files[entry_id] = attached
    await _keep(work, command.actor, made, rows, files)
    await guardians.reports_entered(work, items, rows)
    return EntriesAdded(ids=tuple(entry_id for entry_id, _ in made))


@clause("14", "21.1")
async def supersede_entry(work: RegistryWork, command: SupersedeArchiveEntry) -> ArchiveEntryView | Refused:
    """The wrong entry stays, with what says it right beside it."""
    old = await store.get(work.tx, command.entry_id)
    if old is None:
        return refused("not_found", MISSING)
    await records.lock_students(work.tx, [old.student_id])
    rows = await views.rows_of(work.tx, [old.student_id])
    if no := check(command.actor, word(command), views.target(rows[old.student_id])):
        return no
    superseded = await store.superseding(work.tx, old.id) is not None
    kind = store.kind_of(command.entry)
    faults = [
        *policy.supersede_faults(old.kind, kind, superseded, command.reason),
        *policy.may_be_kept(_facts(rows[old.student_id]), work.today, command.on, command.entry),
    ]
    if faults:
        said = "；".join(f"{fault.message}，请{fault.cure}" for fault in faults[:3])
        return refused("conflict" if superseded else "invalid", f"{said}。", *faults)
    entry_id = derived("archive-entry", command.command_id)
    item = ArchiveItem(student_id=old.student_id, on=command.on, entry=command.entry, evidence=tuple(command.evidence))
    files: dict[str, tuple[Evidence, ...]] = {}
    if command.evidence:
        attached = await _attach(work, command.actor, entry_id, command.evidence)
        if isinstance(attached, Refused):
            return attached
        files[entry_id] = attached
    (row,) = await _keep(work, command.actor, [(entry_id, item)], rows, files, old.id, command.reason.strip())
    kept = store.unseal(work.deps.cipher, row)
    return store.view(row, kept, [one.id for one in files.get(entry_id, ())])


@clause("14")
async def file_evidence(work: RegistryWork, command: FileEvidence) -> EvidenceFiled | Refused:
    """A paper of the record itself, which no case brought: household register, residence permit, birth certificate."""
    await records.lock_students(work.tx, [command.student_id])
    rows = await views.rows_of(work.tx, [command.student_id])
    row = rows.get(command.student_id)
    if row is None:
        return refused("not_found", MISSING)
    if no := check(command.actor, word(command), views.target(row)):
        return no
    facts = _facts(row)
    faults = [f for f in (policy.state_fault(facts), policy.day_fault(facts, work.today, command.on)) if f]
    if faults:
        return refused("invalid", f"{faults[0].message}。请{faults[0].cure}。", *faults)
    to = f"student:{command.student_id}:{derived('filing', command.command_id)}"
    attached = await evidence.attach(work, command.evidence, to=to, actor=command.actor)
    if isinstance(attached, Refused):
        return attached
    await evidence.file_for(work, to, [command.student_id], on=command.on, actor=command.actor)
    filed = await evidence.filed_of(work.tx, command.student_id)
    return EvidenceFiled(
        student_id=command.student_id,
        evidence=tuple(
            FiledEvidence(
                evidence=one.evidence.view, filed_on=one.filed_on, filed_at=one.filed_at, journal_seq=one.journal_seq
            )
            for one in filed
        ),
    )


async def _attach(
    work: RegistryWork, actor: Actor, entry_id: str, given: Sequence[Any]
) -> tuple[Evidence, ...] | Refused:
    return await evidence.attach(work, given, to=f"entry:{entry_id}", actor=actor, most=MOST_EVIDENCE)


async def _keep(
    work: RegistryWork,
    actor: Actor,
    made: Sequence[tuple[str, ArchiveItem]],
    students: dict[str, RowMapping],
    files: dict[str, tuple[Evidence, ...]],
    supersedes: str | None = None,
    reason: str = "",
) -> list[store.Row]:
    """Journal, entries and filings: three statements, whatever the number."""
    sealed = [store.seal(work.deps.cipher, entry_id, item.entry) for entry_id, item in made]
    written = await writing.record(
        work,
        [
            writing.Change(
                student_id=item.student_id,
                kind="archive_entry" if supersedes is None else "archive_entry_superseded",
                clause="14",
                legal_date=item.on if supersedes is None else work.today,
                actor=actor,
                content=_said(entry_id, item, digest, files.get(entry_id, ()), supersedes),
            )
            for (entry_id, item), (_, digest) in zip(made, sealed, strict=True)
        ],
    )
    rows = [
        store.Row(
            id=entry_id,
            student_id=item.student_id,
            section=store.section_of(item.entry),
            kind=store.kind_of(item.entry),
            happened_on=item.on,
            sealed=blob,
            digest=digest,
            school=students[item.student_id]["school"],
            account=actor.account,
            recorded_by=actor.name,
            recorded_at=work.now,
            journal_seq=entry.seq,
            supersedes=supersedes,
            reason=reason,
        )
        for (entry_id, item), (blob, digest), entry in zip(made, sealed, written, strict=True)
    ]
    await store.put(work.tx, rows)
    await evidence.put_filings(
        work,
        [(entry, files[entry_id]) for (entry_id, _), entry in zip(made, written, strict=True) if entry_id in files],
    )
    return rows


def _said(
    entry_id: str, item: ArchiveItem, digest: bytes, files: Sequence[Evidence], supersedes: str | None
) -> dict[str, Any]:
    content: dict[str, Any] = {
        "entry": entry_id,
        "section": store.section_of(item.entry),
        "entry_kind": store.kind_of(item.entry),
        "on": item.on.isoformat(),
        "digest": digest.hex(),
    }
    if files:
        content["evidence"] = evidence.said_of(files)
    if supersedes is not None:
        content["supersedes"] = supersedes
    return content


def _facts(row: RowMapping) -> StudentFacts:
    return StudentFacts(birth_date=row["birth_date"], cohort=row["cohort"], state=StudentState(row["state"]))


def _missing(where: str) -> Finding:
    cure = "核对学生；已转出的，由现在的学校记入"
    message = "没有这名学生，或者不属于您管理的范围"
    return refuse("14", "archive.no_student", message, cure=cure, fields=(f"{where}student_id",))
