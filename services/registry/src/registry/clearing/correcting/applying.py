"""An approved correction holds, or cannot: identity's answer brought into the record (40, 21.1, 39)."""

from __future__ import annotations

import logging

import msgspec
from regulation.mark import clause
from shared_contracts.actors import Role
from shared_contracts.clearing import KeyValues, StudentCorrected
from shared_contracts.identity import CorrectionFailed, PersonCorrected

from registry.clearing import filing
from registry.clearing.correcting import store
from registry.clearing.correcting.store import Correction
from registry.clearing.duplicates import store as duplicates
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.records import forms, kinds, writing
from registry.records import store as records
from registry.records.writing import Change
from registry.registration import queries
from registry.registration import store as registrations
from registry.registration.intake import form_context
from registry.search.store import renamed

log = logging.getLogger(__name__)

PROBLEMS = {
    "document_taken": "核准后发现：更正后的证件号已属于另一名学生的学籍。请在查重中处理，或核对证件号后重新申请。",
    "no_record": "核准后发现：该生的身份记录已不在本学籍名下。请刷新学籍后重新申请。",
    "not_kept": "核准后发现：更正内容没有保存完整。请重新申请更正。",
}


async def _waiting(work: RegistryWork, staging_id: str) -> Correction | None:
    """The correction under lock, its student too; None where the news was brought in before."""
    correction_id = await store.of_staging(work.tx, staging_id)
    found = None if correction_id is None else await store.get(work.tx, correction_id, lock=True)
    if found is None or found.outcome != "applying":
        log.info("an answer about a correction that waits for none: %s", staging_id)
        return None
    await records.lock_students(work.tx, [found.student_id])
    return found


@clause("40", "21.1", "39")
async def person_corrected(work: RegistryWork, event: PersonCorrected) -> None:
    """The record, its form and its journal say the new; the former name still finds the pupil."""
    found = await _waiting(work, event.staging_id)
    if found is None:
        return
    before, after = found.before, found.after
    await store.change_student(work.tx, found.student_id, after)
    if after.members:
        masks = {member.slot: member.masked_document for member in after.members}
        await store.change_members(work.tx, found.student_id, masks)
    replaced = await _change_form(work, found)
    await renamed(work.tx, found.student_id, before.name, after.name, at=work.now)
    await store.applied(work.tx, found.id)
    to = f"correction:{found.id}"
    await evidence.file_for(work, to, [found.student_id], on=work.today, clause_id="40")
    content = kinds.changed(
        before=_own(before),
        after=_own(after),
        correction_id=found.id,
        fields=list(found.fields),
        **({} if replaced is None else {forms.SAID: forms.said(replaced)}),
    )
    change = Change(
        student_id=found.student_id,
        kind="corrected",
        clause="40",
        legal_date=work.today,
        content=content,
        actor=found.entered_by,
    )
    (entry,) = await writing.record(work, [change])
    if replaced is not None:
        await forms.keep(work, entry, replaced)
    if found.pair_id is not None:
        await duplicates.settle(work.tx, found.pair_id, "corrected")
    await duplicates.arrive(work.tx, [found.student_id], work.now)
    school = found.parties["school"]
    corrected = StudentCorrected(
        student_id=found.student_id, person_id=event.person_id, school=school, fields=found.fields
    )
    work.emit(corrected, found.student_id)
    filing.tell(
        work,
        school,
        [Role.REGISTRAR],
        "correction_applied",
        "有{count}项关键信息更正已生效",
        "学籍已更新；临时学籍号的学生将重新与公安人口信息比对。",
        "/v1/corrections?state=applied",
    )


def _own(values: KeyValues) -> dict[str, str]:
    """The pupil's own key fields. Of family members the entry says that they changed, not how: it is kept for ever."""
    return {name: value for name, value in msgspec.structs.asdict(values).items() if name != "members"}


async def _change_form(work: RegistryWork, found: Correction) -> forms.Kept | None:
    """The sealed form of the record says what the record says. What it said before, where it said something else."""
    if await registrations.form(work.tx, found.student_id) is None:
        return None
    form = await queries.read_form(work, found.student_id)
    own = ("name", "sex", "document_kind")
    changes: dict[str, str] = {name: getattr(found.after, name) for name in own if name in form}
    changes |= {f"member{member.slot}_document_kind": member.document_kind for member in found.after.members}
    after = {key: value for key, value in (form | changes).items() if value}
    sealed = work.deps.cipher.seal_bytes(msgspec.json.encode(after), form_context(found.student_id))
    await store.put_form(work.tx, found.student_id, sealed)
    before = {key: form.get(key) for key in changes if form.get(key) != after.get(key)}
    return forms.replaced(before) if before else None


@clause("40", "15.2")
async def correction_failed(work: RegistryWork, event: CorrectionFailed) -> None:
    """Nothing was changed. The case stays approved and says why it could not hold: somebody is asked to look at it."""
    found = await _waiting(work, event.staging_id)
    if found is None:
        return
    await store.failed(work.tx, found.id, PROBLEMS[event.reason])
    if found.pair_id is not None:
        await duplicates.reopen(work.tx, found.pair_id, work.deps.calendar, work.today)
    filing.tell(
        work,
        found.parties["school"],
        [Role.REGISTRAR],
        "correction_failed",
        "有{count}项已核准的更正不能生效",
        PROBLEMS[event.reason],
        "/v1/corrections?state=failed",
    )
