"""Asking for an export, correcting it, taking it back (clause 45.2)."""

from __future__ import annotations

from datetime import date

import pytest
from exports_desk import (
    AUDITOR,
    CITY,
    CITY_LEADER,
    COUNTY,
    LEADER,
    OFFICER,
    OTHER_COUNTY,
    OTHER_LEADER,
    OTHER_REGISTRAR,
    OTHER_SCHOOL,
    PRINCIPAL,
    REGISTRAR,
    SCHOOL,
    TEACHER,
    ExportsDesk,
    request,
)
from service_kit.ids import new_id
from service_kit.policy import first_look, keep
from shared_contracts.decisions import Refused
from shared_contracts.exports import (
    CancelExport,
    ExportPrechecked,
    ExportSelection,
    ExportState,
    ExportView,
    ListExports,
    PrecheckExport,
    Recipient,
    RequestExport,
    ResubmitExport,
)
from shared_contracts.policy import Published, PublishedValue

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.2")]


async def test_a_request_has_a_number_and_waits_for_the_leader(desk: ExportsDesk) -> None:
    first, second = await desk.request(), await desk.request(PRINCIPAL)
    assert isinstance(first, ExportView)
    assert (first.number, second.number) == ("DC-2026-000001", "DC-2026-000002")
    assert (first.state, first.state_title) == (ExportState.WAITING, "待核准")
    assert (first.organisation_name, first.authority_name) == ("第一小学", "道里区教育局")
    assert first.rows == 120 and first.sensitive
    assert first.due_on is not None and first.due_on > date(2026, 11, 24)


async def test_the_same_command_is_one_request(desk: ExportsDesk) -> None:
    command = RequestExport(command_id=new_id(), actor=REGISTRAR, export_id=new_id(), request=request())
    assert await desk.send(command) == await desk.send(command)
    assert len(await desk.rows("SELECT 1 FROM exports")) == 1


async def test_a_precheck_says_the_same_and_opens_nothing(desk: ExportsDesk) -> None:
    desk.registry.rows = 200_001
    checked = await desk.ask(PrecheckExport(actor=REGISTRAR, request=request(purpose="升学")))
    assert isinstance(checked, ExportPrechecked) and checked.rows == 200_001
    told = await desk.request(purpose="升学")
    assert isinstance(told, Refused) and told.kind == "refused"
    assert told.findings == checked.decision.findings
    assert {f.code for f in told.findings if f.outcome == "refuse"} == {"export.purpose", "export.too_many_rows"}
    assert await desk.rows("SELECT 1 FROM exports UNION ALL SELECT 1 FROM export_cases") == []


@pytest.mark.parametrize(("rows", "opens"), [(0, False), (1, True), (200_000, True), (200_001, False)])
async def test_the_cap_at_request_time(desk: ExportsDesk, rows: int, opens: bool) -> None:
    desk.registry.rows = rows
    assert isinstance(await desk.request(), ExportView) is opens


async def test_without_the_registry_nothing_is_taken(desk: ExportsDesk) -> None:
    desk.registry.rows = None
    told = await desk.request()
    assert isinstance(told, Refused) and told.kind == "unavailable"


@pytest.mark.parametrize(
    ("who", "organisation", "kind"),
    [
        (REGISTRAR, SCHOOL, None),
        (PRINCIPAL, SCHOOL, None),
        (OFFICER, SCHOOL, None),
        (OFFICER, COUNTY, None),
        (TEACHER, SCHOOL, "forbidden"),
        (LEADER, SCHOOL, "forbidden"),
        (AUDITOR, COUNTY, "forbidden"),
        (REGISTRAR, OTHER_SCHOOL, "not_found"),
        (REGISTRAR, COUNTY, "not_found"),
        (OFFICER, OTHER_SCHOOL, "not_found"),
        (OFFICER, OTHER_COUNTY, "not_found"),
        (OFFICER, CITY, "not_found"),
        (OFFICER, "2123019999", "not_found"),
        (OFFICER, "", "not_found"),
    ],
)
async def test_who_may_ask_for_whom(desk: ExportsDesk, who, organisation: str, kind: str | None) -> None:
    told = await desk.request(who, selection=ExportSelection(organisation=organisation))
    if kind is None:
        assert isinstance(told, ExportView)
        assert desk.registry.asked[-1].actor == who
    else:
        assert isinstance(told, Refused) and told.kind == kind
        assert desk.registry.asked == []


async def test_an_authority_asks_its_own_leader(desk: ExportsDesk) -> None:
    view = await desk.request(OFFICER, selection=ExportSelection(organisation=COUNTY))
    assert (view.organisation, view.authority) == (COUNTY, COUNTY)


async def test_a_recipient_inside_is_named_by_the_directory(desk: ExportsDesk) -> None:
    view = await desk.request(recipient=Recipient(kind="inside", code=CITY, name="冒名"))
    assert view.request.recipient.name == "哈尔滨市教育局"
    told = await desk.request(recipient=Recipient(kind="inside", code="230199"))
    assert isinstance(told, Refused)


async def test_returned_corrected_and_sent_again(desk: ExportsDesk) -> None:
    view = await desk.request()
    await desk.attach(view.id)
    returned = await desk.decide(view.id, decision="return", reason="请去掉完整学籍号")
    assert returned.state is ExportState.RETURNED
    corrected = request(fields=("name", "masked_student_number"))
    for other in (PRINCIPAL, OTHER_REGISTRAR, OFFICER):
        told = await desk.send(ResubmitExport(command_id=new_id(), actor=other, export_id=view.id, request=corrected))
        assert isinstance(told, Refused) and told.kind == "not_found"
    bad = request(purpose="升学")
    told = await desk.send(ResubmitExport(command_id=new_id(), actor=REGISTRAR, export_id=view.id, request=bad))
    assert isinstance(told, Refused) and told.kind == "refused"
    again = await desk.send(ResubmitExport(command_id=new_id(), actor=REGISTRAR, export_id=view.id, request=corrected))
    assert again.state is ExportState.WAITING and not again.sensitive
    assert again.approval_document is None, "the paper approved what was asked for before"
    assert [step.decision for step in again.steps] == ["return", "resubmit"]
    told = await desk.send(ResubmitExport(command_id=new_id(), actor=REGISTRAR, export_id=view.id, request=corrected))
    assert isinstance(told, Refused) and told.kind == "conflict"


async def test_taken_back_before_it_is_approved_and_not_after(desk: ExportsDesk) -> None:
    def cancel(export_id: str, who=REGISTRAR, reason: str = "不再需要") -> CancelExport:
        return CancelExport(command_id=new_id(), actor=who, export_id=export_id, reason=reason)

    view = await desk.request()
    assert (await desk.send(cancel(view.id, PRINCIPAL))).kind == "not_found"
    assert (await desk.send(cancel(view.id, reason=" "))).kind == "conflict"
    gone = await desk.send(cancel(view.id))
    assert (gone.state, gone.state_title) == (ExportState.CANCELLED, "已撤销")
    await desk.attach(view.id)
    assert (await desk.decide(view.id)).kind == "conflict"
    done = await desk.approved()
    assert (await desk.send(cancel(done.id))).kind == "conflict"
    assert len(await desk.events()) == 1


async def test_whoever_moved_to_another_school_has_lost_the_old_ones(desk: ExportsDesk) -> None:
    view, _ = await desk.ready()
    moved = type(REGISTRAR)(account="registrar", name="x", organisation=OTHER_SCHOOL, roles=REGISTRAR.roles)
    assert (await desk.download(view.id, moved)).kind == "not_found"


async def test_who_sees_which(desk: ExportsDesk) -> None:
    mine = await desk.request()
    county = await desk.request(OFFICER, selection=ExportSelection(organisation=COUNTY))
    theirs = await desk.request(OTHER_REGISTRAR, selection=ExportSelection(organisation=OTHER_SCHOOL))

    async def seen(who) -> list[str]:
        return [view.id for view in (await desk.ask(ListExports(actor=who))).items]

    assert await seen(REGISTRAR) == await seen(PRINCIPAL) == [mine.id]
    assert await seen(LEADER) == await seen(OFFICER) == await seen(AUDITOR) == [county.id, mine.id]
    assert await seen(OTHER_LEADER) == [theirs.id]
    assert await seen(CITY_LEADER) == [theirs.id, county.id, mine.id]
    assert (await desk.ask(ListExports(actor=TEACHER))).kind == "forbidden"
    for who, view, sees in (
        (REGISTRAR, mine, True),
        (REGISTRAR, county, False),
        (OTHER_LEADER, mine, False),
        (OTHER_LEADER, theirs, True),
        (CITY_LEADER, mine, True),
    ):
        assert isinstance(await desk.view(view.id, who), ExportView) is sees
    assert (await desk.view(new_id())).kind == "not_found"


async def test_lists_by_state_and_page(desk: ExportsDesk) -> None:
    ids = []
    for _ in range(5):
        desk.clock.move(seconds=1)
        ids.append((await desk.request()).id)
    done = await desk.approved()
    waiting = await desk.ask(ListExports(actor=REGISTRAR, state=ExportState.WAITING, limit=2))
    assert [v.id for v in waiting.items] == ids[:2:-1]
    rest = await desk.ask(ListExports(actor=REGISTRAR, state=ExportState.WAITING, limit=9, cursor=waiting.next_cursor))
    assert [v.id for v in rest.items] == ids[2::-1] and rest.next_cursor is None
    making = await desk.ask(ListExports(actor=REGISTRAR, state=ExportState.MAKING))
    assert [v.id for v in making.items] == [done.id]
    assert (await desk.ask(ListExports(actor=REGISTRAR, cursor="nonsense"))).kind == "invalid"


async def test_every_act_is_recorded_with_its_purpose(desk: ExportsDesk) -> None:
    view = await desk.approved()
    import json

    entries = [json.loads(r["payload"]) for r in await desk.rows("SELECT payload FROM audit_outbox ORDER BY seq")]
    assert [e["act"] for e in entries] == ["access.request_export", "access.attach_approval", "access.decide_export"]
    assert entries[0]["purpose"] == "核对升学名册"
    assert all(view.id in e["objects"] for e in entries)


@pytest.mark.clause("45.2", "49")
async def test_a_cap_that_the_county_has_lowered(desk: ExportsDesk) -> None:
    """What an authority has published for its division holds here from its day on."""
    today = desk.clock.today()
    value = PublishedValue(key="export_max_rows", division="230102", valid_from=today, value=100)
    await keep(desk.kit.db, Published(version=1, values=(value,)))
    await first_look(desk.kit.db, desk.deps.policy)
    desk.registry.rows = 100
    assert isinstance(await desk.request(), ExportView)
    desk.registry.rows = 101
    assert isinstance(await desk.request(), Refused)
