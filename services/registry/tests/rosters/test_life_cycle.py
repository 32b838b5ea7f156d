"""The whole life of a roster on a real database and bus: what each step leaves behind, and what it does not."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import openpyxl
import pytest
from roster_desk import OTHER, REGISTRAR, SCHOOL, RosterDesk, StandIn
from service_kit.files import FileMissing
from service_kit.ids import new_id
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.identity import ClaimPersons, Likely, StagePersons
from shared_contracts.registry import CancelRoster, RosterState, RowState

pytestmark = pytest.mark.integration
Pupil = Callable[..., dict[str, Any]]
Make = Callable[..., bytes]
Class = Callable[[int], list[dict[str, Any]]]


@pytest.mark.clause("11")
async def test_the_dry_run_says_which_classes_would_be_too_large(
    desk: RosterDesk, workbook: Make, class_of: Class
) -> None:
    pupils = class_of(92)
    for number, pupil in enumerate(pupils):
        pupil["class_no"] = "1" if number < 46 else "2" if number < 91 else "3"
    checked = await desk.work(await desk.upload(workbook(pupils)), "checked")
    noted = [finding for finding in checked.findings if finding.code == "class.above_standard"]
    assert [finding.message for finding in noted] == ["一年级1班将有46人，超过小学标准班额45人"]
    assert noted[0].outcome is Outcome.NOTE and checked.totals.valid == 92
    assert checked.new_classes == ("一年级1班", "一年级2班", "一年级3班")


async def test_upload_check_confirm(desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class) -> None:
    pupils = class_of(12)
    pupils[3]["sex"] = "未知"
    identity.likely[pupils[5]["name"]] = (
        Likely(person_id="p", name="王某", birth_date=date(2020, 1, 1), masked_document="2*", school=OTHER.code,
               reasons=("姓名相近",)),
    )  # fmt: skip
    roster_id = await desk.upload(workbook(pupils, extra={"备注": "x"}))
    checked = await desk.work(roster_id, "checked")

    assert checked.state is RosterState.CHECKED
    assert (checked.progress.done, checked.progress.total) == (12, 12)
    totals = checked.totals
    assert (totals.rows, totals.valid, totals.warned, totals.refused, totals.already_here) == (12, 10, 1, 1, 0)
    assert checked.refusals == {"form.code_unknown": 1}
    assert checked.new_classes == ("一年级1班", "一年级2班")
    assert [f.code for f in checked.findings] == ["workbook.extra_columns"]
    assert [f.kind for f in checked.files] == ["refused_rows"]
    rows = await desk.rows(roster_id)
    assert rows[5].state is RowState.REFUSED
    assert [f.facts["cell"] for f in rows[5].findings] == ["C5"]
    assert rows[7].state is RowState.WARNED
    assert OTHER.name in rows[7].findings[0].message
    assert rows[2].masked_document.startswith("23*")
    # A dry run: pupils wait in identity, nothing is registered.
    assert await desk.all("SELECT 1 FROM registrations") == []
    assert set(identity.rooms[roster_id]) == set(range(2, 14)) - {5}
    assert [e["totals"]["refused"] for e in await desk.events("roster_checked")] == [1]

    confirmed = await desk.confirm(roster_id, version=checked.version)
    assert confirmed.state is RosterState.CONFIRMING
    done = await desk.work(roster_id, "in_approval")
    assert done.steps == {"entered": 11}
    registrations = await desk.all("SELECT id, row, name, kind, grade, class_no FROM registrations ORDER BY row")
    assert [r["row"] for r in registrations] == [2, 3, 4, *range(6, 14)]
    assert {r["kind"] for r in registrations} == {"new"}
    rows = await desk.rows(roster_id)
    assert {n: row.registration_id for n, row in rows.items() if row.registration_id} == {
        r["row"]: r["id"] for r in registrations
    }
    # Afterwards neither the upload nor the waiting room nor a second copy of a form is left.
    assert identity.dropped == [roster_id]
    assert await desk.all("SELECT 1 FROM roster_rows WHERE form IS NOT NULL") == []
    with pytest.raises(FileMissing):
        await desk.deps.files.read(await _upload_id(desk, roster_id))
    (told,) = await desk.events("step_reached")
    assert (told["count"], told["state"], told["roster_id"]) == (11, "entered", roster_id)


async def _upload_id(desk: RosterDesk, roster_id: str) -> str:
    row = await desk.one("SELECT file FROM rosters WHERE id = :id", id=roster_id)
    file_id: str = row["file"]["id"]
    return file_id


@pytest.mark.clause("45.3")
async def test_no_document_number_is_kept(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    """Neither in the tables nor in the events; full numbers wait in identity alone."""
    pupils = class_of(3)
    pupils[2]["sex"] = "2"  # refused: the number says otherwise
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    await desk.confirm(roster_id)
    await desk.work(roster_id, "in_approval")
    kept = ""
    for table in ("rosters", "roster_rows", "registrations", "profiles", "cases", "commands", "outbox"):
        rows = await desk.all(f"SELECT t::text AS text FROM {table} t")
        kept += "".join(row["text"] for row in rows)
    for form in pupils:
        assert form["document_number"] not in kept
        assert form["member1_document_number"] not in kept
        assert form["document_number"].encode().hex() not in kept  # bytea is shown in hexadecimal
        assert form["home_address"].encode().hex() not in kept


async def test_the_returned_workbook_is_corrected_and_uploaded(
    desk: RosterDesk, workbook: Make, class_of: Class
) -> None:
    pupils = class_of(4)
    pupils[1]["sex"] = "未知"
    roster_id = await desk.upload(workbook(pupils))
    checked = await desk.work(roster_id, "checked")
    await desk.confirm(roster_id)
    await desk.work(roster_id, "in_approval")
    book = openpyxl.load_workbook(io.BytesIO(await desk.deps.files.read(checked.files[0].file.id)))
    page = book["学生基本信息表"]
    titles = {cell.value: cell.column for cell in page[1]}
    assert page.max_row == 2
    assert page.cell(2, titles["原行号"]).value == 3
    page.cell(2, titles["性别"]).value = "男"
    out = io.BytesIO()
    book.save(out)
    second = await desk.upload(out.getvalue())
    again = await desk.work(second, "checked")
    assert (again.totals.valid, again.totals.refused) == (1, 0)
    await desk.confirm(second)
    await desk.work(second, "in_approval")
    assert len(await desk.all("SELECT 1 FROM registrations")) == 4


@pytest.mark.clause("15.2")
async def test_the_same_workbook_twice_creates_nothing_twice(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    content = workbook(class_of(5))
    first = await desk.upload(content)
    await desk.work(first, "checked")
    await desk.confirm(first)
    await desk.work(first, "in_approval")
    second = await desk.upload(content)
    checked = await desk.work(second, "checked")
    assert (checked.totals.already_here, checked.totals.valid, checked.totals.refused) == (5, 0, 0)
    rows = await desk.rows(second)
    assert {row.state for row in rows.values()} == {RowState.ALREADY_HERE}
    refusal = await desk.confirm(second)
    assert isinstance(refusal, Refused)
    assert refusal.kind == "refused"
    assert len(await desk.all("SELECT 1 FROM registrations")) == 5


@pytest.mark.clause("15.2", "20.1")
async def test_a_pupil_of_another_school_is_refused_and_the_school_named(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class
) -> None:
    pupils = class_of(3)
    identity.hold(pupils[1]["document_number"], OTHER.code)
    identity.hold(pupils[2]["document_number"], SCHOOL.code)
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    rows = await desk.rows(roster_id)
    assert [rows[n].state for n in (2, 3, 4)] == [RowState.VALID, RowState.REFUSED, RowState.ALREADY_HERE]
    (finding,) = rows[3].findings
    assert (finding.code, finding.clause, finding.outcome) == ("roster.registered_elsewhere", "15.2", Outcome.REFUSE)
    assert OTHER.name in finding.message


@pytest.mark.clause("15.2")
async def test_a_pupil_lost_between_check_and_confirmation(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class
) -> None:
    pupils = class_of(4)
    pupils[3]["sex"] = "未知"
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    identity.hold(pupils[0]["document_number"], OTHER.code)
    identity.hold(pupils[1]["document_number"], SCHOOL.code)
    await desk.confirm(roster_id)
    done = await desk.work(roster_id, "in_approval")
    totals = done.totals
    assert (totals.valid, totals.refused, totals.already_here) == (1, 2, 1)
    assert done.refusals == {"form.code_unknown": 1, "roster.registered_elsewhere": 1}
    rows = await desk.rows(roster_id)
    assert OTHER.name in rows[2].findings[0].message
    assert [r["row"] for r in await desk.all("SELECT row FROM registrations")] == [4]
    (file,) = done.files
    page = openpyxl.load_workbook(io.BytesIO(await desk.deps.files.read(file.file.id)))["学生基本信息表"]
    assert [page.cell(n, 1).value for n in (2, 3)] == [2, 5]


@pytest.mark.clause("15.2")
async def test_everybody_lost_completes_the_roster(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class
) -> None:
    pupils = class_of(2)
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    for form in pupils:
        identity.hold(form["document_number"], OTHER.code)
    await desk.confirm(roster_id)
    done = await desk.work(roster_id, "completed")
    assert (done.totals.refused, done.steps) == (2, {})
    assert len(await desk.events("roster_completed")) == 1


async def test_the_rules_are_asked_again_at_the_confirmation(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    """Entered in time at the check, late at the confirmation: the registration's decision is of its own day."""
    roster_id = await desk.upload(workbook(class_of(1)))
    await desk.work(roster_id, "checked")
    desk.clock.move(timedelta(days=25))
    await desk.confirm(roster_id)
    await desk.work(roster_id, "in_approval")
    body = await desk.one(
        "SELECT convert_from(d.body, 'UTF8') AS body FROM registrations r JOIN policy_decisions d ON d.id = r.decision_id"
    )
    assert "entry.in_time" in body["body"]  # 5 October: still within the month
    late = await desk.upload(workbook(class_of(2)[1:]))
    desk.clock.move(timedelta(days=27))
    await desk.work(late, "checked")
    (row,) = (await desk.rows(late)).values()
    assert (row.state, [f.code for f in row.findings]) == (RowState.WARNED, ["entry.late"])


async def test_chunks(desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, small_chunks: None) -> None:
    """Seven rows in chunks of three: refused rows count for the check's chunks, not for the confirmation's."""
    pupils = class_of(7)
    pupils[1]["sex"] = "未知"
    roster_id = await desk.upload(workbook(pupils))
    await desk.work(roster_id, "checked")
    await desk.confirm(roster_id)
    done = await desk.work(roster_id, "in_approval")
    assert done.steps == {"entered": 6}
    staged = [[entry.row for entry in c.rows] for c in identity.commands if isinstance(c, StagePersons)]
    claimed = [[claim.row for claim in c.claims] for c in identity.commands if isinstance(c, ClaimPersons)]
    assert staged == [[2, 4], [5, 6, 7], [8]]
    assert claimed == [[2, 4, 5], [6, 7, 8]]


@pytest.mark.parametrize("lost", ["check", "confirmation"])
async def test_identity_that_refuses_for_good_costs_rows_and_not_the_roster(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class, lost: str
) -> None:
    roster_id = await desk.upload(workbook(class_of(2)))
    if lost == "check":
        identity.refusal = Refused(kind="conflict", detail="这一批次属于另一所学校。请重新上传名册。")
        checked = await desk.work(roster_id, "checked")
        assert checked.totals.refused == 2
        identity.refusal = None
        return
    await desk.work(roster_id, "checked")
    identity.rooms.clear()  # swept
    await desk.confirm(roster_id)
    done = await desk.work(roster_id, "completed")
    assert done.refusals == {"roster.identity_refused": 2}
    rows = await desk.rows(roster_id)
    assert "等候区" in rows[2].findings[0].message


# ---- files that cannot be read --------------------------------------------------------------------------------------


async def test_an_unreadable_file_fails_its_roster_and_leaves_nothing(desk: RosterDesk, identity: StandIn) -> None:
    roster_id = await desk.upload(b"no workbook")
    failed = await desk.work(roster_id, "failed")
    assert failed.problem is not None
    assert "请在Excel" in failed.problem
    (event,) = await desk.events("roster_checked")
    assert event["problem"] == failed.problem
    with pytest.raises(FileMissing):
        await desk.deps.files.read(await _upload_id(desk, roster_id))
    assert await desk.all("SELECT 1 FROM roster_rows") == []


async def test_a_file_that_kills_its_reader_fails_its_roster(
    desk: RosterDesk,
    workbook: Make,
    class_of: Class,
    change: Make,
    read_part: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = workbook(class_of(1))
    far = b'<row><c r="ZZ99999"><v>1</v></c></row></sheetData>'
    xml = read_part(content, "xl/worksheets/sheet1.xml").replace(b"</sheetData>", far)
    monkeypatch.setattr("registry.rosters.worker.Rosters.longest_pause", 0.05)
    roster_id = await desk.upload(change(content, {"xl/worksheets/sheet1.xml": xml}))
    failed = await desk.work(roster_id, "failed")
    assert "文件无法处理" in (failed.problem or "")


async def test_an_upload_that_is_gone_fails_its_roster(desk: RosterDesk, workbook: Make, class_of: Class) -> None:
    roster_id = await desk.upload(workbook(class_of(1)))
    await desk.deps.files.delete(await _upload_id(desk, roster_id))
    failed = await desk.work(roster_id, "failed")
    assert "重新上传" in (failed.problem or "")


# ---- cancelling, expiring -------------------------------------------------------------------------------------------


async def test_a_cancelled_roster_leaves_nothing_but_its_name(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class
) -> None:
    pupils = class_of(2)
    pupils[1]["sex"] = "x"
    roster_id = await desk.upload(workbook(pupils))
    checked = await desk.work(roster_id, "checked")
    view = await desk.send(CancelRoster(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id))
    assert view.state is RosterState.CANCELLED
    gone = await desk.work(roster_id, "cancelled")
    assert (gone.totals.rows, gone.refusals, gone.files, gone.file_name) == (0, {}, (), "新生名册.xlsx")
    assert identity.rooms == {}
    assert await desk.all("SELECT 1 FROM roster_rows") == []
    for file_id in (await _upload_id(desk, roster_id), checked.files[0].file.id):
        with pytest.raises(FileMissing):
            await desk.deps.files.read(file_id)
    refusal = await desk.confirm(roster_id)
    assert isinstance(refusal, Refused)


async def test_cancelled_while_it_is_being_checked(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class
) -> None:
    identity.slow = 0.5
    roster_id = await desk.upload(workbook(class_of(2)))
    async with desk.working():
        while not identity.commands:
            await _pause()
        await desk.send(CancelRoster(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id))
        await desk.until(roster_id, "cancelled")
    assert await desk.all("SELECT 1 FROM roster_rows") == []
    assert identity.rooms == {}
    assert identity.dropped == [roster_id]


async def _pause() -> None:
    import asyncio

    await asyncio.sleep(0.02)


async def test_a_roster_that_nobody_confirms_is_given_up(
    desk: RosterDesk, identity: StandIn, workbook: Make, class_of: Class
) -> None:
    roster_id = await desk.upload(workbook(class_of(1)))
    await desk.work(roster_id, "checked")
    desk.clock.move(timedelta(days=30) - timedelta(seconds=1))
    async with desk.working():
        await _pause()
    assert (await desk.view(roster_id)).state is RosterState.CHECKED
    desk.clock.move(timedelta(seconds=2))
    assert isinstance(await desk.confirm(roster_id), Refused)
    await desk.work(roster_id, "cancelled")
    assert identity.rooms == {}
