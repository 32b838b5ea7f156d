"""The written approval and the leader's decision (clause 45.2)."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from exports_desk import (
    BOTH,
    CITY_LEADER,
    COUNTY,
    LEADER,
    OFFICER,
    OTHER_LEADER,
    PDF,
    PRINCIPAL,
    REGISTRAR,
    ExportsDesk,
)
from service_kit.blobs import Folder
from service_kit.ids import new_id
from shared_contracts.decisions import Refused
from shared_contracts.exports import AttachApproval, ExportSelection, ExportState, ExportView
from shared_contracts.files import FileRef

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.2")]


async def test_no_approval_without_its_paper(desk: ExportsDesk) -> None:
    view = await desk.request()
    told = await desk.decide(view.id)
    assert isinstance(told, Refused) and told.kind == "refused"
    assert [(f.code, f.clause) for f in told.findings] == [("export.no_document", "45.2")]
    assert await desk.events() == []
    await desk.attach(view.id)
    done = await desk.decide(view.id)
    assert (done.state, done.state_title) == (ExportState.MAKING, "已核准，文件生成中")
    (event,) = await desk.events()
    assert (event.export_id, event.number, event.row_cap) == (view.id, view.number, 200_000)
    assert event.requester.account == "registrar" and event.approver.organisation_name == "道里区教育局"
    assert event.fields == view.request.fields and event.purpose == "核对升学名册"
    assert str(event.expires_at.astimezone(desk.clock.now().tzinfo)) == "2026-12-01 00:00:00+08:00"


async def test_rejecting_and_returning_need_no_paper_but_a_reason(desk: ExportsDesk) -> None:
    first, second = await desk.request(), await desk.request()
    assert isinstance(await desk.decide(first.id, decision="reject"), Refused)
    assert isinstance(await desk.decide(second.id, decision="return", reason=" "), Refused)
    assert (await desk.decide(first.id, decision="reject", reason="无必要")).state is ExportState.REJECTED
    assert (await desk.decide(second.id, decision="return", reason="请改用途")).state is ExportState.RETURNED
    assert (await desk.view(first.id)).steps[0].reason == "无必要"
    assert await desk.events() == []


async def test_whoever_asked_does_not_approve_through_another_role(desk: ExportsDesk) -> None:
    view = await desk.request(BOTH, selection=ExportSelection(organisation=COUNTY))
    await desk.attach(view.id, BOTH)
    told = await desk.decide(view.id, BOTH)
    assert isinstance(told, Refused) and told.findings[0].code == "case.same_person"
    assert isinstance(await desk.decide(view.id, LEADER), ExportView)


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (LEADER, None),
        (CITY_LEADER, None),
        (OTHER_LEADER, "not_found"),
        (OFFICER, "forbidden"),
        (REGISTRAR, "forbidden"),
        (PRINCIPAL, "forbidden"),
    ],
)
async def test_only_a_leader_above_decides(desk: ExportsDesk, who, kind: str | None) -> None:
    view = await desk.request()
    await desk.attach(view.id)
    told = await desk.decide(view.id, who)
    assert (told.kind if isinstance(told, Refused) else None) == kind
    assert len(await desk.events()) == (0 if kind else 1)


@pytest.mark.parametrize(
    ("who", "kind"),
    [(LEADER, None), (OFFICER, None), (CITY_LEADER, None), (OTHER_LEADER, "not_found"), (REGISTRAR, "forbidden")],
)
async def test_who_hands_in_the_paper(desk: ExportsDesk, who, kind: str | None) -> None:
    view = await desk.request()
    told = await desk.attach(view.id, who)
    assert (told.kind if isinstance(told, Refused) else None) == kind


async def test_the_paper_is_what_its_bytes_are(desk: ExportsDesk) -> None:
    view = await desk.request()
    told = await desk.attach(view.id, content=b"MZ a program", name="approval.pdf")
    assert isinstance(told, Refused) and told.findings[0].code == "export.document_type"
    named = await desk.attach(view.id, content=PDF, name="scan.exe")
    assert named.approval_document.media_type == "application/pdf"


async def test_a_second_paper_replaces_the_first_and_none_is_made_up(desk: ExportsDesk) -> None:
    view = await desk.request()
    first = (await desk.attach(view.id)).approval_document
    second = (await desk.attach(view.id, content=PDF + b"%%EOF")).approval_document
    assert second.sha256 != first.sha256
    blobs = desk.deps.files._blobs
    assert isinstance(blobs, Folder)
    async with asyncio.timeout(5):
        while blobs._path(first.id).exists():
            await asyncio.sleep(0.01)
    assert await desk.deps.files.read(second.id)
    nothing = FileRef(id=new_id(), name="x.pdf", size=10, sha256="", media_type="application/pdf")
    told = await desk.send(AttachApproval(command_id=new_id(), actor=LEADER, export_id=view.id, document=nothing))
    assert isinstance(told, Refused) and told.kind == "invalid"
    huge = FileRef(id=second.id, name="x.pdf", size=10_000_001, sha256="", media_type="application/pdf")
    told = await desk.send(AttachApproval(command_id=new_id(), actor=LEADER, export_id=view.id, document=huge))
    assert isinstance(told, Refused) and told.kind == "refused"


async def test_the_paper_stays_once_it_is_decided(desk: ExportsDesk) -> None:
    view = await desk.approved()
    assert (await desk.attach(view.id)).kind == "conflict"


async def test_two_leaders_at_once_approve_once(desk: ExportsDesk) -> None:
    view = await desk.request()
    await desk.attach(view.id)
    told = await asyncio.gather(*(desk.decide(view.id, who) for who in (LEADER, CITY_LEADER)))
    assert sorted(isinstance(reply, Refused) for reply in told) == [False, True]
    assert len(await desk.events()) == 1


async def test_a_decision_on_an_older_version(desk: ExportsDesk) -> None:
    view = await desk.request()
    newer = await desk.attach(view.id)
    assert newer.version > view.version
    assert (await desk.decide(view.id, version=view.version)).kind == "conflict"
    assert isinstance(await desk.decide(view.id, version=newer.version), ExportView)


async def test_too_late_to_approve(desk: ExportsDesk) -> None:
    """It expires on the day it names, waiting or not; it may still be returned for another day."""
    view = await desk.request()
    await desk.attach(view.id)
    desk.clock.move(days=7)
    assert (await desk.view(view.id)).state is ExportState.EXPIRED
    told = await desk.decide(view.id)
    assert isinstance(told, Refused) and told.findings[0].code == "export.expired"
    assert (await desk.decide(view.id, decision="return", reason="已过期")).state is ExportState.RETURNED


async def test_the_application_cannot_change_who_asked(desk: ExportsDesk) -> None:
    view = await desk.request()
    for change in ("account = 'x'", "organisation = 'x'", "number = 'DC-2026-999999'", "created_at = now()"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await desk.rows(f"UPDATE exports SET {change} WHERE id = $1", view.id)
    for statement in (
        "DELETE FROM exports",
        "DELETE FROM export_case_decisions",
        "UPDATE export_case_decisions SET reason = 'x'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await desk.rows(statement)
