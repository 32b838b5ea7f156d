"""One function per command, query and event; the tables at the end show all that identity does when asked."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
from opentelemetry import propagate
from regulation import purposes
from regulation.authorisation import check
from regulation.documents import mask_document, normalise
from service_kit import organisations
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.identity import (
    Claim,
    Claimed,
    ClaimedPersons,
    ClaimPersons,
    DropIntake,
    FindPersons,
    FoundPersons,
    KnownPerson,
    KnownPersons,
    KnowPersons,
    PersonEntry,
    RevealDocuments,
    Revealed,
    RevealedDocuments,
    Staged,
    StagedPersons,
    StagePersons,
)
from shared_contracts.messages import Command, Event, Ok, Query, word
from shared_contracts.records import CustodyPassed, RecordsPassed
from shared_contracts.registry import RegistrationsApproved, RegistrationsClosed

from identity import claiming, names, numbers, policy, requests, store
from identity.context import IdentityWork
from identity.policy import Known
from identity.vault import Waiting

log = logging.getLogger(__name__)


class OutOfOrder(Exception):
    """A move before an earlier one of the same record has come: handed back, and taken again later."""


CHUNK = 500
"""Rows of one command at most."""
LONGEST_INTAKE = timedelta(days=30)
"""The waiting room keeps nobody longer, whatever the caller asks for."""
LAST_ROW = 2**31 - 1


# ---- commands -----------------------------------------------------------------------------------------------------


async def stage_persons(work: IdentityWork, command: StagePersons) -> StagedPersons | Refused:
    if against := policy.against_entering(command.actor, word(command), command.school):
        return against
    if problem := _chunk_problem([entry.row for entry in command.rows]):
        return problem
    expires_at = min(command.expires_at, work.now + LONGEST_INTAKE)
    school = await store.open_intake(work.tx, command.intake_id, command.school, expires_at)
    if school != command.school:
        return refused("conflict", "这一批次属于另一所学校。请重新上传名册。")

    rows = [_waiting_row(work, command.school, entry) for entry in command.rows]
    seal = work.deps.vault.seal_row
    await store.put_rows(work.tx, command.intake_id, {row.entry.row: seal(command.intake_id, row) for row in rows})
    exact = await store.persons_of(work.tx, [row.index for row in rows])
    near = await store.persons_near(work.tx, [row.name_keys for row in rows])
    return StagedPersons(
        rows=tuple(_staged(row, exact.get(row.index), near.get(place, ())) for place, row in enumerate(rows))
    )


def _waiting_row(work: IdentityWork, school: str, entry: PersonEntry) -> Waiting:
    entry = _normalised(entry)
    return Waiting(
        entry=entry,
        index=work.deps.vault.document_index(entry, school),
        name_keys=names.keys_of_all((entry.name, entry.former_name), entry.birth_date),
        member_keys=work.deps.vault.member_keys(entry.members),
        findings=policy.faults(entry, work.today),
    )


def _staged(row: Waiting, known: Known | None, near: Sequence[Known]) -> Staged:
    entry, findings = row.entry, row.findings
    holder = policy.in_the_way(known.holder) if known else None
    if known is not None and holder is None:
        findings += policy.established(known, entry)
    others = [other for other in near if known is None or other.person_id != known.person_id]
    return Staged(
        row=entry.row,
        masked_document=mask_document(entry.document_kind, entry.document_number),
        person_id=known.person_id if known else None,
        holder=holder,
        likely=policy.likely(entry, others),
        masked_members=tuple((m.slot, mask_document(m.document_kind, m.document_number)) for m in entry.members),
        findings=findings,
    )


async def claim_persons(work: IdentityWork, command: ClaimPersons) -> ClaimedPersons | Refused:
    if against := policy.against_entering(command.actor, word(command), command.school):
        return against
    if problem := _chunk_problem([claim.row for claim in command.claims]):
        return problem
    if len({claim.registration_id for claim in command.claims}) < len(command.claims):
        return refused("invalid", "同一登记编号在请求中出现了两次。")

    school = await store.intake_school(work.tx, command.intake_id)
    if school is not None and school != command.school:
        return refused("conflict", "这一批次属于另一所学校。请重新上传名册。")
    done = await _claimed_before(work, command)
    if isinstance(done, Refused):
        return done
    open_claims = [claim for claim in command.claims if claim.registration_id not in done]
    if open_claims:
        waiting = await _waiting(work, command.intake_id, open_claims)
        if isinstance(waiting, Refused):
            return waiting
        for result in await claiming.claim(work, command.school, waiting):
            done[result.registration_id] = result
    return ClaimedPersons(
        claims=tuple(msgspec.structs.replace(done[c.registration_id], row=c.row) for c in command.claims)
    )


async def _claimed_before(work: IdentityWork, command: ClaimPersons) -> dict[str, Claimed] | Refused:
    """Registrations that hold their person already: a repeat under another command id, perhaps after a kill."""
    claims = await store.claims_of(work.tx, [claim.registration_id for claim in command.claims])
    if any(claim["school"] != command.school for claim in claims):
        return refused("conflict", "登记编号已被另一所学校使用。")
    return {
        claim["registration_id"]: Claimed(
            row=0,
            registration_id=claim["registration_id"],
            person_id=claim["person_id"],
            masked_document=claim["masked_document"],
        )
        for claim in claims
    }


async def _waiting(work: IdentityWork, intake_id: str, claims: list[Claim]) -> list[tuple[Claim, Waiting]] | Refused:
    sealed = await store.sealed_rows(work.tx, intake_id, [claim.row for claim in claims])
    missing = [claim.row for claim in claims if claim.row not in sealed]
    if missing:
        return refused(
            "conflict",
            f"第 {missing[0]} 行的身份信息已不在等候区（共 {len(missing)} 行；可能已过期或批次已取消）。请重新上传名册。",
        )
    return [(claim, work.deps.vault.open_row(intake_id, claim.row, sealed[claim.row])) for claim in claims]


async def drop_intake(work: IdentityWork, command: DropIntake) -> Ok | Refused:
    school = await store.intake_school(work.tx, command.intake_id)
    if school is None:
        return Ok()  # claimed, dropped or swept before: it is gone, which is what was asked for
    if against := policy.against_entering(command.actor, word(command), school):
        return against
    await store.drop_intake(work.tx, command.intake_id)
    return Ok()


async def know_persons(work: IdentityWork, command: KnowPersons) -> KnownPersons | Refused:
    """Repeated with the same rows it finds the same persons; who disagrees with an established record is refused."""
    if no := check(command.actor, word(command)):
        return no
    if problem := _chunk_problem([entry.row for entry in command.rows]):
        return problem
    waiting = [_listed_row(work, command.organisation, entry) for entry in command.rows]
    told = {row.index: number for row in waiting if (number := numbers.read(row.entry.former_number))}
    if told:
        waiting = await _against_numbers(work, waiting, told)
    good = [row for row in waiting if not row.findings]
    if len({row.index for row in good}) < len(good):
        return refused("invalid", "同一证件号在请求中出现了两次。")
    known = await claiming.know(work, command.organisation, good, make=command.make)
    if told and command.make:
        rows = [_told(work, known[row.index], told[row.index]) for row in good if row.index in told]
        await store.tell_numbers(work.tx, rows)
    return KnownPersons(rows=tuple(_known(row, known.get(row.index)) for row in waiting))


async def _against_numbers(work: IdentityWork, waiting: list[Waiting], told: dict[bytes, str]) -> list[Waiting]:
    """The rows with what their numbers say: one number finds one person."""
    index = {row: work.deps.vault.number_index(number) for row, number in told.items()}
    owners = await store.whose_numbers(work.tx, list(index.values()))
    known = await store.persons_of(work.tx, list(index))
    return [
        msgspec.structs.replace(
            row,
            findings=(
                *row.findings,
                *policy.number_of_another(
                    owners.get(index[row.index], ()), known[row.index].person_id if row.index in known else None
                ),
            ),
        )
        if row.index in index
        else row
        for row in waiting
    ]


def _told(work: IdentityWork, known: Known, number: str) -> dict[str, Any]:
    vault = work.deps.vault
    return {
        "number_index": vault.number_index(number),
        "person_id": known.person_id,
        "kind": number[0],
        "number": vault.seal_elsewhere(known.person_id, number),
        "masked": numbers.mask(number),
        "told_at": work.now,
    }


def _listed_row(work: IdentityWork, organisation: str, entry: PersonEntry) -> Waiting:
    row = _waiting_row(work, organisation, entry)
    if row.entry.document_number:
        return row
    return msgspec.structs.replace(row, findings=(*row.findings, policy.undocumented()))


def _known(row: Waiting, known: Known | None) -> KnownPerson:
    findings = row.findings or (policy.established(known, row.entry) if known else ())
    return KnownPerson(
        row=row.entry.row,
        masked_document=mask_document(row.entry.document_kind, row.entry.document_number),
        person_id=None if known is None or findings else known.person_id,
        holder=known.holder if known else None,
        numbered=bool(known and known.numbered),
        findings=findings,
    )


async def reveal_documents(work: IdentityWork, command: RevealDocuments) -> RevealedDocuments | Refused:
    if len(command.person_ids) > CHUNK:
        return refused("too_large", f"一次最多查看 {CHUNK} 人的完整号码。")
    if not purposes.states_purpose(command.purpose):
        return refused("invalid", f"请填写查看完整号码的用途：{purposes.HINT}。每次查看都会记录在案。")
    wanted = list(dict.fromkeys(command.person_ids))
    found = await store.sealed_persons(work.tx, wanted)
    schools = [record["school"] for record in found]
    authorities = await organisations.authority_of(work.tx, {school for school in schools if school})
    if not policy.may_reveal(command.actor, schools, authorities):
        return refused("forbidden", "只有学生所在学校的学籍管理员、学籍主管校长或主管教育行政部门可以查看完整号码。")
    if len(found) < len(wanted):
        return refused("not_found", f"{len(wanted) - len(found)} 人没有身份记录。")
    await store.record_reveal(work.tx, command.actor, command.purpose.strip(), wanted, work.now)
    vault = work.deps.vault
    return RevealedDocuments(
        persons=tuple(
            Revealed(
                person_id=record["id"],
                document_number=vault.open_document(record["id"], record["document"]),
                student_number=vault.open_number(record["id"], record["number"]) if record["number"] else None,
                members=tuple((m.slot, m.document_number) for m in vault.open_members(record["id"], record["members"])),
            )
            for record in found
        )
    )


# ---- queries ------------------------------------------------------------------------------------------------------


async def find_persons(work: IdentityWork, query: FindPersons) -> FoundPersons | Refused:
    vault = work.deps.vault
    student_number = numbers.read(query.number)
    found = await store.persons_with_number(
        work.tx,
        vault.number_index(student_number) if student_number else None,
        vault.document_indexes(normalise(query.number)),
    )
    return FoundPersons(person_ids=tuple(found))


# ---- events -------------------------------------------------------------------------------------------------------


async def registrations_approved(work: IdentityWork, event: RegistrationsApproved) -> None:
    if not event.approved:
        return
    trace: dict[str, str] = {}
    propagate.inject(trace)
    approved = [(item.registration_id, item.person_id) for item in event.approved]
    asked = await requests.request_numbers(work.tx, approved, work.now, trace)
    if asked < len(approved):
        log.error(
            "%d of %d approved registrations hold no claim: no number for them", len(approved) - asked, len(approved)
        )
    work.after_commit(work.deps.wake_matching)


async def registrations_closed(work: IdentityWork, event: RegistrationsClosed) -> None:
    if not event.closed:
        return
    closed = [(item.registration_id, item.person_id) for item in event.closed]
    _, kept = await store.release(work.tx, closed, event.reason, work.now)
    if kept:
        log.error("%d closed registrations have a number and keep their claim: %s", len(kept), ", ".join(kept[:10]))


async def custody_passed(work: IdentityWork, event: CustodyPassed) -> None:
    """The claim goes with the record: from now on the new school is shown the numbers, the old one not any more."""
    school = await store.pass_claim(work.tx, event.registration_id, event.from_school, event.to_school)
    if school is None:
        log.error("registration %s moved to another school and holds no claim", event.registration_id)
    elif school != event.to_school:
        raise OutOfOrder(event.registration_id)


async def records_passed(work: IdentityWork, event: RecordsPassed) -> None:
    """Many claims go with their records, in one statement; what stands in the way of one is for all to wait for."""
    ids = [record.registration_id for record in event.records]
    found = await store.pass_claims(work.tx, ids, event.from_school, event.to_school)
    if missing := set(ids) - set(found):
        log.error("%d registrations moved to another school and hold no claim", len(missing))
    if any(school != event.to_school for school in found.values()):
        raise OutOfOrder(event.operation_id)


# ---- shared -------------------------------------------------------------------------------------------------------


def _chunk_problem(rows: list[int]) -> Refused | None:
    if not rows:
        return refused("invalid", "请求中没有学生。")
    if len(rows) > CHUNK:
        return refused("too_large", f"一次最多 {CHUNK} 行。")
    if len(set(rows)) < len(rows) or min(rows) < 0 or max(rows) > LAST_ROW:
        return refused("invalid", "行号重复或超出范围。")
    return None


def _normalised(entry: PersonEntry) -> PersonEntry:
    return msgspec.structs.replace(
        entry,
        name=entry.name.strip(),
        former_name=entry.former_name.strip(),
        document_number=normalise(entry.document_number),
        former_number=normalise(entry.former_number),
        members=tuple(
            msgspec.structs.replace(member, document_number=normalise(member.document_number))
            for member in entry.members
        ),
    )


COMMANDS: dict[type[Command], CommandHandler] = {
    StagePersons: stage_persons,
    ClaimPersons: claim_persons,
    DropIntake: drop_intake,
    KnowPersons: know_persons,
    RevealDocuments: reveal_documents,
}
QUERIES: dict[type[Query], QueryHandler] = {FindPersons: find_persons}
EVENTS: dict[type[Event], EventHandler] = {
    RegistrationsApproved: registrations_approved,
    RegistrationsClosed: registrations_closed,
    CustodyPassed: custody_passed,
    RecordsPassed: records_passed,
    **organisations.EVENTS,
}
