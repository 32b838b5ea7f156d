"""Claiming persons for registrations: one person, one record, the first wins (clauses 15.2, 20.1, 40).

Nothing here reads first and writes then: persons and claims are inserted, the unique constraints decide, and who lost is
told who won. Everything happens in the order of the documents' indexes, so that schools whose chunks overlap wait for one
another and never deadlock.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from regulation.documents import mask_document
from service_kit.ids import new_id
from shared_contracts.decisions import Finding
from shared_contracts.identity import Claim, Claimed, Holder, PersonEntry

from identity import policy, store
from identity.context import IdentityWork
from identity.policy import Known
from identity.vault import Vault, Waiting

_TRIES = 3


class _Row(msgspec.Struct):
    """One claim on its way. `person_id` is of the person it is about, once that is known; `unregistered`: who was known
    from a list alone, and becomes what this registration says."""

    claim: Claim
    waiting: Waiting
    person_id: str
    findings: tuple[Finding, ...] = ()
    unregistered: bool = False

    @property
    def entry(self) -> PersonEntry:
        return self.waiting.entry

    @property
    def index(self) -> bytes:
        return self.waiting.index

    @property
    def registration_id(self) -> str:
        return self.claim.registration_id


async def claim(work: IdentityWork, school: str, waiting: Sequence[tuple[Claim, Waiting]]) -> list[Claimed]:
    """Claim each row's person for its registration; one result each, in any order.

    Three statements when all is new, two more when somebody was there before, one more for those known from a list.
    """
    rows = [_Row(claim=claim, waiting=row, person_id=new_id(), findings=row.findings) for claim, row in waiting]
    good = sorted((row for row in rows if not row.findings), key=lambda row: (row.index, row.claim.row))
    await _find_or_make(work, good)

    wanting = [row for row in good if not row.findings]
    won = await store.insert_claims(
        work.tx,
        [
            {
                "person_id": row.person_id,
                "registration_id": row.registration_id,
                "school": school,
                "claimed_at": work.now,
            }
            for row in wanting
        ],
    )
    first = [row for row in wanting if row.unregistered and row.registration_id in won]
    if first:
        await store.establish(work.tx, [_person(work.deps.vault, row, work) for row in first])
    lost = [row for row in good if row.registration_id not in won]
    holders = await _holders(work, lost)
    return [_result(row, row.registration_id in won, holders.get(row.person_id)) for row in rows]


async def know(work: IdentityWork, organisation: str, waiting: Sequence[Waiting], *, make: bool) -> dict[bytes, Known]:
    """The persons with these documents by index, without a claim; with `make` nobody is missing afterwards."""
    found = await store.persons_of(work.tx, [row.index for row in waiting])
    if not make:
        return found
    rows = [
        _Row(claim=Claim(row=row.entry.row, registration_id=""), waiting=row, person_id=new_id())
        for row in sorted(waiting, key=lambda row: row.index)
    ]
    await _find_or_make(work, rows)
    await store.know(work.tx, [row.person_id for row in rows if not row.findings], organisation, work.now)
    return await store.persons_of(work.tx, [row.index for row in rows])


async def _find_or_make(work: IdentityWork, rows: Sequence[_Row]) -> None:
    """Give each row its person: a new one, or the one who has this document; what disagrees with him is a finding."""
    left = list(rows)
    for _ in range(_TRIES):
        made = await store.insert_persons(work.tx, [_person(work.deps.vault, row, work) for row in left])
        left = [row for row in left if row.person_id not in made]
        if not left:
            return
        known = await store.persons_of(work.tx, [row.index for row in left], keep=True)
        for row in left:
            if (person := known.get(row.index)) is not None:
                row.person_id = person.person_id
                row.unregistered = person.unregistered
                row.findings = policy.established(person, row.entry)
        left = [row for row in left if row.index not in known]  # let go of and forgotten between the two statements
        if not left:
            return
    raise RuntimeError("persons come and go under our hands: the command is to be repeated")


def _person(vault: Vault, row: _Row, work: IdentityWork) -> dict[str, Any]:
    entry, person_id = row.entry, row.person_id
    return {
        "id": person_id,
        "name": entry.name,
        "sex": entry.sex,
        "birth_date": entry.birth_date,
        "area": entry.area,
        "document_kind": entry.document_kind,
        "document": vault.seal_document(person_id, entry.document_number),
        "document_index": row.index,
        "masked_document": mask_document(entry.document_kind, entry.document_number),
        "members": vault.seal_members(person_id, entry.members),
        "name_keys": row.waiting.name_keys,
        "member_keys": row.waiting.member_keys,
        "former_names": (entry.former_name,) if entry.former_name else (),
        "created_at": work.now,
    }


async def _holders(work: IdentityWork, lost: Sequence[_Row]) -> dict[str, Holder]:
    """Who holds the persons of the rows that got no claim, by person."""
    if not lost:
        return {}
    claims = await store.claims_of(work.tx, [], [row.person_id for row in lost])
    return {
        c["person_id"]: Holder(person_id=c["person_id"], registration_id=c["registration_id"], school=c["school"])
        for c in claims
    }


def _result(row: _Row, won: bool, holder: Holder | None) -> Claimed:
    result = Claimed(
        row=row.claim.row,
        registration_id=row.registration_id,
        masked_document=mask_document(row.entry.document_kind, row.entry.document_number),
    )
    in_the_way = policy.in_the_way(holder, row.registration_id)
    if in_the_way is not None:
        return msgspec.structs.replace(result, holder=in_the_way)
    if won or holder is not None:
        return msgspec.structs.replace(result, person_id=row.person_id)
    if row.findings:
        return msgspec.structs.replace(result, findings=row.findings)
    raise RuntimeError("a registration tried to hold a second person: nothing of this command is kept")
