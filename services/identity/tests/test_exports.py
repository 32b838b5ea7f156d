"""Full numbers for approved exports (clause 45.2): only what was approved, only while it lasts, each time recorded."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import asyncpg
import pytest
from identity import exports
from identity_support import NOW, REGISTRAR, SCHOOL, Desk, People
from service_kit.ids import new_id
from shared_contracts.actors import Actor, Role, system
from shared_contracts.decisions import Refused
from shared_contracts.exports import ExportApproved, ExportParty, ExportSelection, Recipient
from shared_contracts.identity import RevealedForExport, RevealForExport

pytestmark = [pytest.mark.integration]
FIELDS = ("name", "document_number", "student_number")


def approved(**changes: Any) -> ExportApproved:
    party = ExportParty(
        account="r1", name="赵学籍", organisation=SCHOOL, organisation_name="测试小学", roles=("registrar",)
    )
    values: dict[str, Any] = {
        "export_id": new_id(),
        "number": "DC-2026-000001",
        "authority": "230102",
        "requester": party,
        "approver": party,
        "fields": FIELDS,
        "selection": ExportSelection(organisation=SCHOOL),
        "recipient": Recipient(kind="outside", name="市招生考试院"),
        "purpose": "核对升学名册",
        "row_cap": 10,
        "approved_at": NOW,
        "expires_at": NOW + timedelta(days=3),
    } | changes
    return ExportApproved(**values)


async def persons(desk: Desk, people: People, count: int) -> tuple[list[str], list[str]]:
    """Ids and document numbers of so many claimed persons."""
    entries = people.entries(count)
    intake, _ = await desk.stage(entries)
    claimed = await desk.claim(intake, [entry.row for entry in entries])
    return [c.person_id for c in claimed.claims], [entry.document_number for entry in entries]


async def reveal(desk: Desk, export_id: str, ids: list[str], actor: Actor | None = None, **more: Any) -> Any:
    command = RevealForExport(
        command_id=more.get("command_id") or new_id(),
        actor=actor or system("registry"),
        export_id=export_id,
        person_ids=tuple(ids),
    )
    return await desk.send(command)


@pytest.mark.clause("45.2")
async def test_an_approved_export_gets_its_numbers_and_each_time_is_recorded(desk: Desk, people: People) -> None:
    ids, numbers = await persons(desk, people, 3)
    event = approved()
    await desk.take(event)
    await desk.take(approved(export_id=event.export_id, fields=("name",)))  # told again, otherwise: the first stays
    reply = await reveal(desk, event.export_id, ids)
    assert isinstance(reply, RevealedForExport)
    assert [(p.person_id, p.document_number) for p in reply.persons] == list(zip(ids, numbers, strict=True))
    (row,) = await desk.rows("SELECT account, organisation, purpose, person_ids FROM reveals")
    assert dict(row) == {
        "account": "r1",
        "organisation": SCHOOL,
        "purpose": "导出 DC-2026-000001：核对升学名册",
        "person_ids": ids,
    }


@pytest.mark.clause("45.2")
async def test_only_the_numbers_that_were_approved(desk: Desk, people: People) -> None:
    ids, _ = await persons(desk, people, 1)
    event = approved(fields=("name", "student_number"))
    await desk.take(event)
    (person,) = (await reveal(desk, event.export_id, ids)).persons
    assert person.document_number is None


@pytest.mark.clause("45.2")
async def test_nothing_without_an_approval_that_names_a_number_and_lasts(desk: Desk, people: People) -> None:
    ids, _ = await persons(desk, people, 1)
    unknown = await reveal(desk, new_id(), ids)
    assert isinstance(unknown, Refused) and unknown.kind == "unavailable"
    masked_only = approved(number="DC-2026-000002", fields=("name", "masked_document"))
    await desk.take(masked_only)
    assert (await reveal(desk, masked_only.export_id, ids)).findings[0].code == "export.not_named"
    event = approved(number="DC-2026-000003", expires_at=NOW + timedelta(days=1))
    await desk.take(event)
    desk.clock.move(timedelta(days=1, seconds=-1))
    assert isinstance(await reveal(desk, event.export_id, ids), RevealedForExport)
    desk.clock.move(timedelta(seconds=1))
    late = await reveal(desk, event.export_id, ids)
    assert late.findings[0].code == "export.expired" and late.findings[0].clause == "45.2"
    assert len(await desk.rows("SELECT 1 FROM reveals")) == 1


@pytest.mark.clause("45.2")
async def test_no_account_asks_whatever_its_role(desk: Desk, people: People) -> None:
    ids, _ = await persons(desk, people, 1)
    event = approved()
    await desk.take(event)
    every = Actor(account="x", name="甲", organisation=SCHOOL, roles=tuple(r for r in Role if r is not Role.SYSTEM))
    for actor in (REGISTRAR, every):
        assert (await reveal(desk, event.export_id, ids, actor)).kind == "forbidden"


@pytest.mark.clause("45.2")
async def test_it_cannot_be_milked(desk: Desk, people: People) -> None:
    """A file may be begun anew a few times; each showing counts, a repeated command too."""
    ids, _ = await persons(desk, people, 2)
    event = approved(row_cap=2)
    await desk.take(event)
    for _ in range(exports.TIMES):
        assert isinstance(await reveal(desk, event.export_id, ids, command_id="chunk-0"), RevealedForExport)
    assert (await reveal(desk, event.export_id, ids[:1])).findings[0].code == "export.too_many"
    assert len(await desk.rows("SELECT 1 FROM reveals")) == exports.TIMES


@pytest.mark.clause("45.2")
async def test_no_reply_stays_behind(desk: Desk, people: People) -> None:
    """The numbers of every export would otherwise lie in `commands` for ever."""
    ids, _ = await persons(desk, people, 2)
    event = approved()
    await desk.take(event)
    await reveal(desk, event.export_id, ids)
    assert await desk.rows("SELECT 1 FROM commands WHERE kind = 'identity.reveal_for_export'") == []


async def test_chunks_are_bounded(desk: Desk) -> None:
    event = approved()
    await desk.take(event)
    assert (await reveal(desk, event.export_id, [])).kind == "invalid"
    many = [new_id() for _ in range(exports.CHUNK + 1)]
    assert (await reveal(desk, event.export_id, many)).kind == "too_large"


@pytest.mark.clause("45.2")
async def test_the_application_cannot_widen_an_approval(desk: Desk) -> None:
    event = approved()
    await desk.take(event)
    for change in ("fields = '{document_number}'", "expires_at = now() + interval '9 years'", "row_cap = 9999999"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await desk.rows(f"UPDATE approved_exports SET {change}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await desk.rows("DELETE FROM approved_exports")
