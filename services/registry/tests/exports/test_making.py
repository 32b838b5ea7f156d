"""The file of an approved export: what is in it, what it is bound by, how it is begun anew (clause 45.2)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from exports_world import (
    COUNTY,
    OFFICER,
    OTHER_COUNTY,
    OTHER_SCHOOL,
    REGISTRAR,
    SCHOOL,
    SECOND,
    ExportsWorld,
    actor,
    column,
    number_of,
)
from registry.desk import Desk
from registry.exports import making, store, worker
from registry.exports.watermark import plain
from registry.form.fields import BY_KEY, DOCUMENT_FIELDS
from service_kit.ids import new_id
from service_kit.leases import LostLease
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import (
    CATALOGUE,
    CountExportRows,
    ExportFailed,
    ExportMade,
    ExportProgress,
    ExportRows,
    ExportSelection,
    GetExportProgress,
    Recipient,
)

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.2")]


def table(path: Path) -> list[list[Any]]:
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


async def test_the_pupils_asked_for_with_the_fields_asked_for(world: ExportsWorld, tmp_path: Path) -> None:
    await world.pupils(100)
    await world.pupils(30, SECOND)
    event = await world.export()
    await world.ended(event.export_id)
    cells = table(await world.file(event, tmp_path))
    titles = [plain(str(cell)) for cell in cells[3]]
    assert titles == ["学校名称", "年级", "班级", "姓名", "性别", "身份证件号", "学籍号"], "the catalogue's order"
    rows = await world.rows("SELECT person_id, name FROM students WHERE school = $1", SCHOOL)
    numbers = {row["name"]: number_of(row["person_id"]) for row in rows}
    assert len(cells) == 4 + 100
    shown = dict(zip(column(cells, "姓名"), column(cells, "身份证件号"), strict=True))
    assert shown == numbers
    assert all(isinstance(cell, str) for row in cells[4:] for cell in row), "no number that loses digits"
    assert column(cells, "学籍号") == ["G" + number for number in column(cells, "身份证件号")]
    assert set(column(cells, "学校名称")) == {"第一小学"} and set(column(cells, "性别")) == {"男", "女"}
    assert column(cells, "班级") == sorted(column(cells, "班级"))
    (made,) = await world.said(event.export_id)
    assert isinstance(made, ExportMade) and made.rows == 100
    stored = await world.stored(event.export_id)
    assert (stored.state, stored.done, stored.total) == ("made", 100, 100)


async def test_what_is_seen_on_it(world: ExportsWorld, tmp_path: Path) -> None:
    await world.pupils(3)
    event = await world.export(purpose="核对<升学>&名册", recipient=Recipient(kind="outside", name="甲&乙公司"))
    await world.ended(event.export_id)
    book = openpyxl.load_workbook(await world.file(event, tmp_path))
    sheet = book.active
    assert sheet is not None
    banner = " ".join(str(sheet.cell(row, 1).value) for row in (1, 2, 3))
    for told in (event.number, "仅限甲&乙公司用于“核对<升学>&名册”", "赵学籍（r1）", "第一小学", "孙局长", "道里区教育局",
                 "2026-11-24 10:00", "共3人", "2026-11-29", "第四十五条"):  # fmt: skip
        assert told in banner
    assert event.number in str(sheet.oddHeader.center.text) and event.number in str(sheet.oddFooter.left.text)
    said = {item.name: item.value for item in book.custom_doc_props}
    assert said["导出编号"] == event.number and said["申请账号"] == "r1" and said["用途"] == "核对<升学>&名册"
    assert book.properties.creator == "第一小学 赵学籍"
    assert sheet.freeze_panes == "A5"


async def test_every_field_of_the_catalogue_can_be_written(world: ExportsWorld, tmp_path: Path) -> None:
    await world.pupils(2)
    event = await world.export(fields=tuple(reversed(CATALOGUE)))
    await world.ended(event.export_id)
    cells = table(await world.file(event, tmp_path))
    assert [plain(str(cell)) for cell in cells[3]] == [plain(field.title) for field in CATALOGUE.values()]
    first = dict(zip(CATALOGUE, cells[4], strict=True))
    record = {field.key for field in CATALOGUE.values() if field.origin == "record"}
    assert {key: value for key, value in first.items() if key in record - {"name", "birth_date"}} == {
        "county_name": "道里区教育局",
        "school": SCHOOL,
        "school_name": "第一小学",
        "stage": "小学",
        "cohort": "2026",
        "grade": "1",
        "class_no": "1",
        "sex": first["sex"],
        "document_kind": "居民身份证",
        "masked_document": first["masked_document"],
        "masked_student_number": first["masked_student_number"],
        "number_kind": "G",
        "verification": "核验一致",
        "placement": "普通就读",
        "state": "在读",
        "registered_on": "2026-09-20",
    }
    assert {value for key, value in first.items() if CATALOGUE[key].origin == "form"} <= {None, ""}, "no form is there"
    assert "*" in str(first["masked_document"]) and "*" in str(first["masked_student_number"])


async def test_items_of_the_form_by_their_names(world: ExportsWorld, tmp_path: Path) -> None:
    """Sealed as the registration left it; opened for fields that were approved, and for no others."""
    await world.pupils(2)
    form = {
        "ethnicity": "04", "household_kind": "1", "phone": "13900000000", "current_address": "南岗区一号", "orphan": "0",
        "member1_name": "王建国", "member1_relation": "51", "email": "a@b.c",
    }  # fmt: skip
    await world.profiles(form)
    event = await world.export(fields=("name", "ethnicity", "phone", "current_address", "orphan", "member1_relation"))
    await world.ended(event.export_id)
    cells = table(await world.file(event, tmp_path))
    assert [plain(str(cell)) for cell in cells[3]] == [
        "姓名", "民族", "现住址", "联系电话", "是否孤儿", "成员1关系",
    ]  # fmt: skip
    codes = {key: BY_KEY[key].codes for key in ("ethnicity", "orphan", "member1_relation")}
    named = {key: codes_of.get(form[key]).name for key, codes_of in codes.items() if codes_of}  # type: ignore[union-attr]
    assert cells[4][1:] == [
        named["ethnicity"], "南岗区一号", "13900000000", named["orphan"], named["member1_relation"],
    ]  # fmt: skip
    assert world.identity.asked == []


def test_the_catalogue_names_items_as_the_form_does() -> None:
    for field in CATALOGUE.values():
        if field.origin == "form":
            assert field.title == BY_KEY[field.key].header and field.key not in DOCUMENT_FIELDS


async def test_one_column_is_a_file_too(world: ExportsWorld, tmp_path: Path) -> None:
    await world.pupils(2)
    event = await world.export(fields=("name",))
    await world.ended(event.export_id)
    cells = table(await world.file(event, tmp_path))
    assert event.number in str(cells[0][0]) and len(column(cells, "姓名")) == 2


async def test_masked_fields_ask_identity_nothing(world: ExportsWorld) -> None:
    await world.pupils(5)
    event = await world.export(fields=("name", "masked_document", "masked_student_number"))
    await world.ended(event.export_id)
    assert (await world.stored(event.export_id)).state == "made" and world.identity.asked == []


async def test_a_name_is_no_formula(world: ExportsWorld, tmp_path: Path) -> None:
    await world.pupils(1, name='=HYPERLINK("http://x")&')
    event = await world.export(fields=("name", "sex"))
    await world.ended(event.export_id)
    sheet = openpyxl.load_workbook(await world.file(event, tmp_path)).active
    assert sheet is not None and sheet["A5"].data_type in ("s", "inlineStr")


@pytest.mark.parametrize(
    ("who", "selection", "count"),
    [
        (REGISTRAR, ExportSelection(organisation=SCHOOL), 50),
        (REGISTRAR, ExportSelection(organisation=SCHOOL, grade=1), 50),
        (REGISTRAR, ExportSelection(organisation=SCHOOL, grade=2), 0),
        (REGISTRAR, ExportSelection(organisation=SCHOOL, grade=1, class_no=2), 5),
        (REGISTRAR, ExportSelection(organisation=SCHOOL, state="in_school"), 50),
        (REGISTRAR, ExportSelection(organisation=SECOND), "not_found"),
        (REGISTRAR, ExportSelection(organisation=COUNTY), "not_found"),
        (OFFICER, ExportSelection(organisation=SECOND), 7),
        (OFFICER, ExportSelection(organisation=COUNTY), 57),
        (OFFICER, ExportSelection(organisation=COUNTY, grade=1), 57),
        (OFFICER, ExportSelection(organisation=OTHER_SCHOOL), "not_found"),
        (OFFICER, ExportSelection(organisation=OTHER_COUNTY), "not_found"),
        (OFFICER, ExportSelection(organisation="230100"), "not_found"),
        (actor("230100", Role.AUTHORITY_OFFICER), ExportSelection(organisation="230100"), 60),
        (actor(SCHOOL, Role.CLASS_TEACHER), ExportSelection(organisation=SCHOOL), "forbidden"),
    ],
)
async def test_counting(world: ExportsWorld, who: Any, selection: ExportSelection, count: int | str) -> None:
    await world.pupils(50)
    await world.pupils(7, SECOND)
    await world.pupils(3, OTHER_SCHOOL)
    told = await world.ask(CountExportRows(actor=who, selection=selection))
    if isinstance(count, int):
        assert told == ExportRows(rows=count)
    else:
        assert isinstance(told, Refused) and told.kind == count


async def test_an_approval_does_not_widen_what_the_requester_reaches(world: ExportsWorld) -> None:
    """Should an event name another school, or the school have gone to another county meanwhile: no row of it."""
    await world.pupils(5, OTHER_SCHOOL)
    events = [
        await world.export(selection=ExportSelection(organisation=OTHER_SCHOOL)),
        await world.export(OFFICER, selection=ExportSelection(organisation=OTHER_COUNTY)),
    ]
    await world.ended(*(event.export_id for event in events))
    for event in events:
        (told,) = await world.said(event.export_id)
        assert isinstance(told, ExportFailed) and told.code == "no_rows"
    nobody = await world.export(actor(SCHOOL, Role.CLASS_TEACHER))
    await world.ended(nobody.export_id)
    (told,) = await world.said(nobody.export_id)
    assert isinstance(told, ExportFailed) and told.code == "refused"


@pytest.mark.parametrize(("cap", "code"), [(50, None), (49, "too_many_rows")])
async def test_the_cap_when_it_is_made(world: ExportsWorld, cap: int, code: str | None) -> None:
    await world.pupils(50)
    event = await world.export(row_cap=cap)
    await world.ended(event.export_id)
    (told,) = await world.said(event.export_id)
    assert getattr(told, "code", None) == code
    if code:
        assert isinstance(told, ExportFailed) and "50名学生" in told.message
        assert world.kept() == [] and world.identity.asked == []


async def test_nothing_after_it_has_expired(world: ExportsWorld) -> None:
    await world.pupils(5)
    event = await world.export()
    world.clock.move(days=5, hours=14)
    await world.ended(event.export_id)
    (told,) = await world.said(event.export_id)
    assert isinstance(told, ExportFailed) and told.code == "expired"
    assert world.kept() == []


async def test_what_identity_refuses_is_not_made(world: ExportsWorld) -> None:
    await world.pupils(5)
    world.identity.refusal = refused("refused", "核准的字段中没有完整号码。")
    event = await world.export()
    await world.ended(event.export_id)
    (told,) = await world.said(event.export_id)
    assert isinstance(told, ExportFailed) and told.code == "refused" and "核准的字段中没有" in told.message


async def test_identity_that_is_away_is_waited_for(world: ExportsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("registry.desk.PAUSE", 0.001)
    monkeypatch.setattr(worker.Exports, "longest_pause", 0.1)
    await world.pupils(5)
    world.identity.away = 6  # more than one attempt's tries
    event = await world.export()
    await world.ended(event.export_id)
    stored = await world.stored(event.export_id)
    assert (stored.state, stored.attempts, stored.failures) == ("made", 2, 1)


async def test_the_same_approval_twice_is_one_file(world: ExportsWorld) -> None:
    await world.pupils(5)
    event = await world.export()
    await world.tell(event)
    await world.ended(event.export_id)
    await world.tell(event)
    async with world.kit.db.transaction() as tx:
        assert await store.take(tx, "w1") is None, "nothing is left to make"
    assert len(await world.said(event.export_id)) == 1 and len(world.kept()) == 1


async def test_progress_for_those_whose_export_it_is(world: ExportsWorld) -> None:
    event = await world.export()
    told = await world.ask(GetExportProgress(actor=REGISTRAR, export_id=event.export_id))
    assert told == ExportProgress(state="waiting", done=0, total=0)
    async with world.kit.db.transaction() as tx:
        taken = await store.take(tx, "w1")
        assert taken is not None and taken.attempts == 1
        await store.LEASE.renew(tx, event.export_id, "w1", done=30, total=100)
    told = await world.ask(GetExportProgress(actor=OFFICER, export_id=event.export_id))
    assert told == ExportProgress(state="making", done=30, total=100)
    for stranger in (actor(SECOND, Role.REGISTRAR), actor(OTHER_COUNTY, Role.AUTHORITY_OFFICER)):
        assert isinstance(await world.ask(GetExportProgress(actor=stranger, export_id=event.export_id)), Refused)
    assert isinstance(await world.ask(GetExportProgress(actor=REGISTRAR, export_id=new_id())), Refused)


def desk(world: ExportsWorld, owner: str) -> Desk:
    return Desk(db=world.kit.db, clock=world.clock, deps=world.deps, owner=owner, stop=asyncio.Event())


async def attend(world: ExportsWorld, owner: str, export: store.Export) -> None:
    await worker.Exports(world.kit.settings).attend(desk(world, owner), worker.Making(export))


async def test_whoever_has_lost_the_lease_publishes_nothing(world: ExportsWorld) -> None:
    """A worker that was silent too long, another that made the file meanwhile, and then both end."""
    await world.pupils(5)
    event = await world.export()
    async with world.kit.db.transaction() as tx:
        slow = await store.take(tx, "slow")
    await world.rows("UPDATE exports SET lease_until = now() - interval '1 second'")
    async with world.kit.db.transaction() as tx:
        quick = await store.take(tx, "quick")
    assert slow is not None and quick is not None and (slow.attempts, quick.attempts) == (1, 2)
    await attend(world, "slow", slow)
    assert world.kept() == [] and await world.said(event.export_id) == []
    await attend(world, "quick", quick)
    (told,) = await world.said(event.export_id)
    assert isinstance(told, ExportMade) and world.kept() == [told.file.id]
    await attend(world, "slow", slow)
    assert len(await world.said(event.export_id)) == 1 and world.kept() == [told.file.id]


async def test_a_lost_lease_is_noticed_between_chunks(world: ExportsWorld, small_chunks: None) -> None:
    await world.pupils(90)
    await world.export()
    async with world.kit.db.transaction() as tx:
        taken = await store.take(tx, "w")
    assert taken is not None
    at = desk(world, "w")
    at.lost = True
    with pytest.raises(LostLease):
        await making.make(at, world.kit.settings, taken, making.Meter())
    assert world.identity.asked == []


async def test_a_child_that_dies_is_tried_again(world: ExportsWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker.Exports, "longest_pause", 0.05)
    await world.pupils(5)
    event = await world.export()
    original, calls = making.order_of, 0

    def poisoned(*args: Any) -> Any:
        nonlocal calls
        calls += 1
        import msgspec

        made = original(*args)
        return msgspec.structs.replace(made, number="not a number") if calls == 1 else made

    monkeypatch.setattr(making, "order_of", poisoned)
    await world.ended(event.export_id)
    stored = await world.stored(event.export_id)
    assert (stored.state, stored.attempts) == ("made", 2)


async def test_the_application_cannot_change_what_was_approved(world: ExportsWorld) -> None:
    import asyncpg

    await world.export()
    for change in (
        "UPDATE exports SET approved = '{}'",
        "UPDATE exports SET number = 'DC-2026-000009'",
        "DELETE FROM exports",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.rows(change)
