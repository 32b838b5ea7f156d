"""Duplicates found, key fields corrected, records ended and restored: what identity does of it (20.1, 22, 39, 40).

The registry decides; identity owns names, birth dates and documents. Decisions come as events, answers go as events, each
applied once in one transaction: a kill between the two services delays, it never halves.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any, Final, Literal

import msgspec
from regulation.documents import mask_document, normalise
from regulation.mark import clause
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.clearing import (
    CorrectionApproved,
    CorrectionDropped,
    CorrectionProposed,
    RecordCancelled,
    RecordReinstating,
)
from shared_contracts.decisions import Outcome, Refused, refused
from shared_contracts.identity import (
    CheckCorrection,
    ClaimRestored,
    CorrectionFailed,
    KeyFields,
    LikelyPair,
    LikelyPairs,
    MaskedMember,
    Member,
    PersonCorrected,
    PersonEntry,
    ScanLikely,
    StageCorrection,
    StagedCorrection,
)
from shared_contracts.messages import Command, Event, Query

from identity import clearing_store as store
from identity import names, policy
from identity.clearing_store import Person
from identity.context import IdentityWork

log = logging.getLogger(__name__)


class OutOfOrder(Exception):
    """News whose cause has not come yet: handed back, and taken again later."""


OWN: Final = ("name", "sex", "document_kind", "document_number")
"""The pupil's own key fields, in the order in which they are named."""
CHUNK = 500
LONGEST_STAGING = timedelta(days=1)
NOBODY = "这名学生的身份记录不在本学籍名下。请刷新后重试。"


# ---- likely duplicates ----------------------------------------------------------------------------------------------


@clause("20.1")
async def scan_likely(work: IdentityWork, query: ScanLikely) -> LikelyPairs | Refused:
    """Four statements for any number of persons: candidates by key, who they are, how rare what agrees is."""
    if len(query.person_ids) > CHUNK:
        return refused("too_large", f"一次最多 {CHUNK} 人。")
    candidates = await store.candidates(work.tx, query.person_ids)
    people = await store.living(work.tx, {one for pair in candidates for one in pair})
    found = []
    for a, b in sorted(candidates):
        if a not in people or b not in people:
            continue
        one, other = sorted((people[a], people[b]), key=lambda p: p.registration_id)
        if (agreement := policy.agreement(one, other)) is not None:
            found.append((one, other, agreement))
    alike = await store.alike(work.tx, [(one, other) for one, other, _ in found])
    return LikelyPairs(
        pairs=tuple(
            LikelyPair(
                registrations=(one.registration_id, other.registration_id),
                persons=(one.person_id, other.person_id),
                agreements=agreement.codes,
                reasons=agreement.reasons,
                alike=alike[place],
            )
            for place, (one, other, agreement) in enumerate(found)
        )
    )


# ---- corrections ----------------------------------------------------------------------------------------------------


@clause("40")
async def check_correction(work: IdentityWork, query: CheckCorrection) -> StagedCorrection | Refused:
    person = await store.person(work.tx, query.person_id, work.deps.vault)
    if person is None or person.registration_id != query.registration_id:
        return refused("not_found", NOBODY)
    return await _judged(work, person, query.values)


@clause("40")
async def stage_correction(work: IdentityWork, command: StageCorrection) -> StagedCorrection | Refused:
    person = await store.person(work.tx, command.person_id, work.deps.vault)
    if person is None or person.registration_id != command.registration_id:
        return refused("not_found", NOBODY)
    judged = await _judged(work, person, command.values)
    if any(finding.outcome is Outcome.REFUSE for finding in judged.findings):
        return judged
    sealed = work.deps.vault.seal_correction(command.staging_id, command.values)
    expires_at = min(command.expires_at, work.now + LONGEST_STAGING)
    await store.stage(work.tx, command.staging_id, person, sealed, expires_at)
    return judged


async def _judged(work: IdentityWork, person: Person, values: KeyFields) -> StagedCorrection:
    entry = corrected(work, person, values)
    fields = differing(person.entry, entry)
    findings = policy.faults(entry, work.today) + policy.member_faults(entry, values.members, work.today)
    if not findings:
        taken = await store.others_with(work.tx, _index(work, person, entry), person.person_id)
        findings = policy.against_correction(fields, document_taken=taken)
    return StagedCorrection(
        name=entry.name,
        sex=entry.sex,
        document_kind=entry.document_kind,
        masked_document=mask_document(entry.document_kind, entry.document_number),
        former_members=_masked(person.entry, fields),
        members=_masked(entry, fields),
        fields=fields,
        findings=findings,
    )


def differing(former: PersonEntry, entry: PersonEntry) -> tuple[str, ...]:
    """Which key fields differ; the documents of family members as `member1_document`, `member2_document`."""
    before, after = _members(former), _members(entry)
    slots = [slot for slot in sorted(before.keys() | after.keys()) if before.get(slot) != after.get(slot)]
    own = [name for name in OWN if getattr(entry, name) != getattr(former, name)]
    return (*own, *(f"member{slot}_document" for slot in slots))


def _members(entry: PersonEntry) -> dict[int, Member]:
    return {member.slot: member for member in entry.members}


def _masked(entry: PersonEntry, fields: tuple[str, ...]) -> tuple[MaskedMember, ...]:
    """Of the slots that differ; one without a document is shown empty."""
    found = _members(entry)
    return tuple(
        MaskedMember(
            slot=slot,
            document_kind=found[slot].document_kind,
            masked_document=mask_document(found[slot].document_kind, found[slot].document_number),
        )
        if slot in found
        else MaskedMember(slot=slot)
        for slot in policy.MEMBERS
        if f"member{slot}_document" in fields
    )


def corrected(work: IdentityWork, person: Person, values: KeyFields) -> PersonEntry:
    """The person as an entry, with the new values. The birth date is the old one, whatever anybody wants."""
    changes: dict[str, Any] = {name: value for name in OWN if (value := getattr(values, name)) is not None}
    if "name" in changes:
        changes["name"] = changes["name"].strip()
    if "document_number" in changes:
        changes["document_number"] = normalise(changes["document_number"])
    if values.members:
        given = [msgspec.structs.replace(m, document_number=normalise(m.document_number)) for m in values.members]
        after = _members(person.entry) | {member.slot: member for member in given}
        changes["members"] = tuple(after[slot] for slot in sorted(after) if after[slot].document_number)
    return msgspec.structs.replace(person.entry, **changes)


def _index(work: IdentityWork, person: Person, entry: PersonEntry) -> bytes:
    return work.deps.vault.document_index(entry, person.school or "")


async def correction_proposed(work: IdentityWork, event: CorrectionProposed) -> None:
    """A case asks for what was staged: it is kept until the case ends, and what the case proposed before is forgotten."""
    await store.keep_staged(work.tx, event.staging_id)
    if event.replaces:
        await store.drop_staged(work.tx, event.replaces)


async def correction_dropped(work: IdentityWork, event: CorrectionDropped) -> None:
    await store.drop_staged(work.tx, event.staging_id)


async def _fail(
    work: IdentityWork, event: CorrectionApproved, reason: Literal["document_taken", "no_record", "not_kept"]
) -> None:
    await store.drop_staged(work.tx, event.staging_id)
    failed = CorrectionFailed(staging_id=event.staging_id, registration_id=event.registration_id, reason=reason)
    work.emit(failed, event.registration_id)


@clause("40", "15.3", "15.4")
async def correction_approved(work: IdentityWork, event: CorrectionApproved) -> None:
    """The same person from now on: the old document still finds him, the matcher is asked anew where he has an L."""

    staged = await store.lock_staged(work.tx, event.staging_id)
    if staged is not None and not staged.kept:
        raise OutOfOrder(event.staging_id)
    if staged is None:
        log.error("an approved correction was not kept: %s", event.staging_id)
        await _fail(work, event, "not_kept")
        return
    person = await store.person(work.tx, event.person_id, work.deps.vault, lock=True)
    if person is None or person.registration_id != event.registration_id:
        await _fail(work, event, "no_record")
        return
    entry = corrected(work, person, work.deps.vault.open_correction(event.staging_id, staged.sealed))
    index = _index(work, person, entry)
    if policy.faults(entry, work.today) or await store.others_with(work.tx, index, person.person_id):
        await _fail(work, event, "document_taken")
        return
    former = person.former_names
    if names.normalise(entry.name) != names.normalise(person.entry.name):
        former = (*former, person.entry.name)
    vault = work.deps.vault
    await store.correct(
        work.tx,
        event.staging_id,
        {
            "name": entry.name,
            "sex": entry.sex,
            "document_kind": entry.document_kind,
            "document": vault.seal_document(person.person_id, entry.document_number),
            "index": index,
            "masked_document": mask_document(entry.document_kind, entry.document_number),
            "name_keys": list(names.keys_of_all((entry.name, *former), entry.birth_date)),
            "former_names": list(dict.fromkeys(former)),
            "members": vault.seal_members(person.person_id, entry.members),
            "member_keys": list(vault.member_keys(entry.members)),
        },
        work.now,
    )
    own = set(OWN) & set(differing(person.entry, entry))
    if own and policy.asked_again(person.number_kind, entry.document_kind):
        await store.ask_again(work.tx, person, work.now)
        work.after_commit(work.deps.wake_matching)
    work.emit(
        PersonCorrected(
            staging_id=event.staging_id,
            person_id=person.person_id,
            registration_id=event.registration_id,
            corrected_at=work.now,
        ),
        event.registration_id,
    )


# ---- records that end, and begin again ------------------------------------------------------------------------------


@clause("22", "15.2")
async def record_cancelled(work: IdentityWork, event: RecordCancelled) -> None:
    """The person is free for a right record; his numbers stay his for life and still find the cancelled one."""
    if not await store.end_claim(work.tx, event.student_id, event.person_id, event.ground, work.now):
        log.info("record %s was cancelled and holds no claim any more", event.student_id)


@clause("15.2", "22")
async def record_reinstating(work: IdentityWork, event: RecordReinstating) -> None:
    """The record holds its person again, unless somebody registered him meanwhile: the first wins, as always."""
    if await store.holds(work.tx, event.student_id):
        raise OutOfOrder(event.student_id)
    restored = await store.restore_claim(work.tx, event.student_id, event.person_id, event.school, work.now)
    person = await store.person(work.tx, event.person_id, work.deps.vault)
    if restored and person is not None and policy.asked_again(person.number_kind, person.entry.document_kind):
        await store.ask_again(work.tx, person, work.now)
        work.after_commit(work.deps.wake_matching)
    answer = ClaimRestored(registration_id=event.student_id, person_id=event.person_id, restored=restored)
    work.emit(answer, event.student_id)


COMMANDS: dict[type[Command], CommandHandler] = {StageCorrection: stage_correction}
QUERIES: dict[type[Query], QueryHandler] = {ScanLikely: scan_likely, CheckCorrection: check_correction}
EVENTS: dict[type[Event], EventHandler] = {
    CorrectionProposed: correction_proposed,
    CorrectionDropped: correction_dropped,
    CorrectionApproved: correction_approved,
    RecordCancelled: record_cancelled,
    RecordReinstating: record_reinstating,
}
