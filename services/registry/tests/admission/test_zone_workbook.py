"""Zones from a workbook (5.2): the sheet that is handed out, each cell that can be wrong in one that comes back, what it
would close and where it overlaps, and that what was shown is what is set."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from admission_world import COUNTY, FAR_SCHOOL, OFFICER, OTHER_OFFICER, OTHER_SCHOOL, PRIVATE, REGISTRAR, SCHOOL
from hypothesis import given
from hypothesis import strategies as st
from registry.enrolment.zones import drafting, sheet
from registry.enrolment.zones.drafting import Last, Line
from registry.enrolment.zones.matching import Area
from registry.rosters.workbook import Rows
from registry_world import codes
from shared_contracts.admission import GetZone, GetZoneTemplate, ReadZones, SetZones
from shared_contracts.decisions import Outcome, Refused

pytestmark = pytest.mark.clause("5.2")
TODAY, DAY = date(2026, 7, 20), date(2026, 8, 1)
HEADERS = tuple(column.header for column in sheet.COLUMNS)
KEYS = {column.header: column.key for column in sheet.COLUMNS}
GOOD = {"school": SCHOOL.code, "stage": "1-小学", "division": COUNTY, "street": "友谊路"}
OTHER = GOOD | {"school": OTHER_SCHOOL.code}
NEXT = "230103"
"""The county next to it, in the same city."""


def book(*rows: dict[str, Any], headers: tuple[str, ...] = HEADERS) -> bytes:
    made = openpyxl.Workbook()
    page = made.active
    assert page is not None
    page.title = sheet.TITLE
    page.append(headers)
    for row in rows:
        page.append([row.get(KEYS.get(header, header)) for header in headers])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def drafted(*rows: dict[str, Any], last: dict[Any, Last] | None = None, valid_from: date = DAY) -> drafting.Draft:
    found = sheet.rows_of(book(*rows))
    assert isinstance(found, Rows), found
    schools = {one.code: one for one in (SCHOOL, OTHER_SCHOOL, PRIVATE)}
    return drafting.draft(sheet.lines(found), schools, last or {}, valid_from=valid_from, today=TODAY)


def said(draft: drafting.Draft) -> list[tuple[int, str, str, tuple[str, ...]]]:
    """Row, outcome, and code and cell of what is refused."""
    return [
        (one.line.row, one.outcome, finding.code, finding.fields)
        for one in draft.rows
        for finding in one.findings
        if finding.outcome is Outcome.REFUSE
    ]


# ---- rows and cells -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (COUNTY, ("友谊路",))),
        ({"stage": "小学"}, (COUNTY, ("友谊路",))),
        ({"stage": 1}, (COUNTY, ("友谊路",))),
        ({"division": f"{COUNTY}-哈尔滨市道里区"}, (COUNTY, ("友谊路",))),
        ({"division": "哈尔滨市道里区"}, (COUNTY, ("友谊路",))),
        ({"division": int(COUNTY)}, (COUNTY, ("友谊路",))),
        ({"division": NEXT}, (NEXT, ("友谊路",))),
        ({"street": "全部"}, (COUNTY, ())),
        ({"street": "  友谊路 "}, (COUNTY, ("友谊路",))),
        ({"street": "路" * 60}, (COUNTY, ("路" * 60,))),
    ],
)
def test_as_people_write_it(changes: dict[str, Any], expected: tuple[str, tuple[str, ...]]) -> None:
    draft = drafted(GOOD | changes)
    assert said(draft) == []
    ((area,),) = [zone.areas for zone in draft.zones]
    assert (area.division, area.streets) == expected


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"school": None}, "form.missing", "school"),
        ({"school": "2" * 21}, "form.too_long", "school"),
        ({"school": "2123019999"}, "zone.no_school", "school"),
        ({"school": FAR_SCHOOL.code}, "zone.no_school", "school"),
        ({"school": PRIVATE.code}, "zone.private", "school"),
        ({"stage": None}, "form.missing", "stage"),
        ({"stage": "高中"}, "form.code_unknown", "stage"),
        ({"stage": "2-初中"}, "zone.stage", "stage"),
        ({"division": None}, "form.missing", "division"),
        ({"division": "2301"}, "form.code_unknown", "division"),
        ({"division": "230202"}, "zone.division", "division"),  # another city
        ({"division": "230100"}, "form.code_unknown", "division"),  # no county
        ({"street": None}, "form.missing", "street"),
        ({"street": "，。"}, "zone.street", "street"),
        ({"street": "路" * 61}, "form.too_long", "street"),
        ({"street": "友谊\u200b路"}, "form.invisible_character", "street"),
    ],
)
def test_each_wrong_cell_is_named_with_its_row(changes: dict[str, Any], code: str, field: str) -> None:
    draft = drafted(OTHER, GOOD | changes)
    found = said(draft)
    assert {(row, outcome) for row, outcome, _, _ in found} == {(3, "refused")}
    assert (code, (field,)) in [(code, fields) for _, _, code, fields in found], found
    assert all(finding.cure for one in draft.rows for finding in one.findings)
    assert (draft.zones, draft.ends, draft.refused) == ((), (), 1), "one wrong cell, and nothing of it can be set"


def test_a_street_twice_and_a_street_beside_the_whole() -> None:
    twice = drafted(GOOD, OTHER, GOOD | {"street": "友 谊 路"})
    assert said(twice) == [(4, "refused", "zone.street_twice", ("street",))]
    assert "第2行" in twice.rows[2].findings[0].message
    both = drafted(GOOD | {"street": "全部"}, GOOD, GOOD | {"division": NEXT})
    assert said(both) == [(3, "refused", "zone.in_whole", ("street",))]


@pytest.mark.parametrize(("streets", "fine"), [(1_000, True), (1_001, False)])
def test_how_many_streets(streets: int, fine: bool) -> None:
    lines = [_line(number, f"第{number}街") for number in range(streets)]
    draft = drafting.draft(lines, {SCHOOL.code: SCHOOL}, {}, valid_from=DAY, today=TODAY)
    assert (draft.refused == 0) is fine
    assert fine or [row[2] for row in said(draft)] == ["zone.too_many"]


def _line(row: int, street: str, school: str = SCHOOL.code, *, filled: bool = True) -> Line:
    return Line(row=row, school=school, name="", stage="primary", division=COUNTY, street=street, filled=filled)


# ---- what becomes of what is there ----------------------------------------------------------------------------------------


def _last(*streets: str, since: date = date(2026, 7, 1), until: date | None = None) -> dict[Any, Last]:
    area = Area(division=COUNTY, streets=streets)
    return {(SCHOOL.code, "primary"): Last(areas=(area,), valid_from=since, valid_to=until, version=3)}


EMPTY = GOOD | {"division": None, "street": None}


def test_added_kept_closed_unchanged_and_ended() -> None:
    last = _last("友谊路", "一路")
    more = drafted(GOOD, GOOD | {"street": "二路"}, last=last)
    assert [one.outcome for one in more.rows] == ["kept", "added"]
    assert more.closed == (((SCHOOL.code, "primary"), COUNTY, "一路"),)
    assert [(zone.version, zone.areas[0].streets) for zone in more.zones] == [(3, ("友谊路", "二路"))]
    same = drafted(GOOD | {"street": "一路"}, GOOD, last=last)  # in another order
    assert (same.unchanged, same.zones, same.ends, same.closed) == (1, (), (), ())
    gone = drafted(EMPTY, last=last)
    assert [one.outcome for one in gone.rows] == ["empty"]
    assert ([(one.school, one.version) for one in gone.ends], gone.zones) == ([(SCHOOL.code, 3)], ())
    assert len(gone.closed) == 2
    assert drafted(EMPTY).unchanged == 1
    other = drafted(OTHER, last=last)  # not named: as it is
    assert (other.closed, [zone.school for zone in other.zones]) == ((), [OTHER_SCHOOL.code])
    ended = drafted(GOOD, last=_last("友谊路", until=DAY))
    assert [(one.outcome, zone.version) for one, zone in zip(ended.rows, ended.zones, strict=True)] == [("added", 3)]


@pytest.mark.parametrize(
    ("rows", "last", "valid_from", "code"),
    [
        ([GOOD], _last("一路"), TODAY, None),
        ([GOOD], _last("一路"), date(2026, 7, 19), "zone.past"),
        ([GOOD], _last("一路", since=DAY), DAY, None),
        ([GOOD], _last("一路", since=DAY), date(2026, 7, 31), "zone.too_early"),
        ([GOOD], _last("一路", until=DAY), DAY, None),
        ([GOOD], _last("一路", until=DAY), date(2026, 7, 31), "zone.too_early"),
        ([GOOD], {}, date(2026, 1, 1), None),
        ([EMPTY], _last("一路"), TODAY, None),
        ([EMPTY], _last("一路"), date(2026, 7, 19), "zone.past"),
        ([EMPTY], _last("一路", since=TODAY), TODAY, "zone.too_early"),
    ],
)
def test_from_which_day(rows: list[dict[str, Any]], last: dict[Any, Last], valid_from: date, code: str | None) -> None:
    draft = drafted(*rows, last=last, valid_from=valid_from)
    assert [row[2] for row in said(draft)] == ([code] if code else [])


_streets = st.sampled_from(["一路", "二路", "友谊路", "友 谊 路", "", "，"])
_lines = st.lists(
    st.tuples(_streets, st.sampled_from([SCHOOL.code, OTHER_SCHOOL.code, "2123019999"]), st.booleans()), max_size=8
).map(lambda rows: [_line(n, street, school, filled=filled) for n, (street, school, filled) in enumerate(rows, 2)])


@given(_lines, st.sets(st.sampled_from(["一路", "二路", "三路"])))
def test_nothing_is_lost_and_set_twice_it_changes_nothing(lines: list[Line], served: set[str]) -> None:
    schools = {one.code: one for one in (SCHOOL, OTHER_SCHOOL)}
    last = _last(*sorted(served)) if served else {}
    first = drafting.draft(lines, schools, last, valid_from=DAY, today=TODAY)
    assert len(first.rows) == len(lines)
    if first.refused:
        assert (first.zones, first.ends) == ((), ())
        return
    kept = {one.line.street for one in first.rows if one.outcome == "kept"}
    if any(line.school == SCHOOL.code for line in lines):
        assert {street for _, _, street in first.closed} | kept == served
    else:
        assert not first.closed
    now = dict(last)
    for zone in first.zones:
        areas = tuple(Area(division=area.division, streets=area.streets) for area in zone.areas)
        now[zone.school, zone.stage] = Last(areas=areas, valid_from=DAY, valid_to=None, version=4)
    for end in first.ends:
        now.pop((end.school, end.stage))
    again = drafting.draft(lines, schools, now, valid_from=DAY, today=TODAY)
    assert (again.zones, again.ends, again.closed, again.refused) == ((), (), (), 0)


# ---- as a whole -----------------------------------------------------------------------------------------------------------


async def check(world: Any, content: bytes, who: Any = OFFICER, on: date = DAY) -> Any:
    file = await world.deps.files.put("学区.xlsx", sheet.MEDIA_TYPE, content, 16 * 1024**2)
    return await world.ask(ReadZones(actor=who, file=file, valid_from=on))


async def confirm(world: Any, seen: Any, on: date = DAY) -> Any:
    return await world.do(
        SetZones(command_id=world.id(), actor=OFFICER, zones=seen.zones, ends=seen.ends, valid_from=on, reason="文件")
    )


@pytest.mark.integration
async def test_the_sheet_comes_back_as_it_went_out_and_nothing_changes(world: Any) -> None:
    await world.zones((SCHOOL, ["友谊路", "一路"]), (OTHER_SCHOOL, []))
    made = await world.ask(GetZoneTemplate(actor=OFFICER))
    page = openpyxl.load_workbook(io.BytesIO(made.content)).worksheets[0]
    rows = [row for row in page.iter_rows(min_row=2, values_only=True) if row[0]]
    assert PRIVATE.code not in [row[0] for row in rows]
    assert [row[3:] for row in rows if row[0] == SCHOOL.code] == [
        (f"{COUNTY}-哈尔滨市道里区", "友谊路"), (f"{COUNTY}-哈尔滨市道里区", "一路"),
    ]  # fmt: skip
    assert [row[4] for row in rows if row[0] == OTHER_SCHOOL.code] == ["全部"]
    seen = await check(world, made.content)
    assert (seen.refused, seen.closed, seen.zones, seen.ends) == (0, (), (), ())
    assert {row.outcome for row in seen.rows} == {"kept", "empty"}


@pytest.mark.integration
async def test_what_was_shown_is_what_is_set(world: Any) -> None:
    await world.zones((SCHOOL, ["友谊路", "一路"]), (OTHER_SCHOOL, ["三路"]))
    content = book(GOOD, GOOD | {"street": "三路"}, OTHER | {"division": None, "street": None})
    seen = await check(world, content)
    assert [(row.row, row.outcome) for row in seen.rows] == [(2, "kept"), (3, "added"), (4, "empty")]
    assert [(part.school_name, part.street) for part in seen.closed] == [
        (SCHOOL.name, "一路"), (OTHER_SCHOOL.name, "三路"),
    ]  # fmt: skip
    assert seen.overlaps == ()  # the other one ends the same day
    assert len(await world.sql("SELECT 1 FROM attendance_zones")) == 2
    done = await confirm(world, seen)
    assert (done.done, done.changed, done.ended) == (True, 1, 1)
    history = (await world.ask(GetZone(actor=OFFICER, school=SCHOOL.code, stage="primary"))).items
    assert [zone.areas[0].streets for zone in history] == [("友谊路", "一路"), ("友谊路", "三路")]
    (ended,) = (await world.ask(GetZone(actor=OFFICER, school=OTHER_SCHOOL.code, stage="primary"))).items
    assert ended.valid_to == DAY
    assert (await confirm(world, seen)).kind == "conflict"  # what was shown is not what stands any more
    again = await check(world, content)
    assert (again.zones, again.ends, again.closed) == ((), (), ())


@pytest.mark.integration
async def test_overlaps_are_told_at_their_rows_and_stop_nothing(world: Any) -> None:
    await world.zones((OTHER_SCHOOL, ["友谊路"]))
    seen = await check(world, book(GOOD, GOOD | {"street": "一路"}))
    ((shared,),) = [seen.overlaps]
    assert shared.stage == "primary"
    assert (shared.street, shared.school_names) == ("友谊路", (SCHOOL.name, OTHER_SCHOOL.name))
    assert [[(f.code, f.outcome, f.fields) for f in row.findings] for row in seen.rows] == [
        [("zone.shared", "note", ("street",))], [],
    ]  # fmt: skip
    assert OTHER_SCHOOL.name in seen.rows[0].findings[0].message
    assert (await confirm(world, seen)).done


@pytest.mark.integration
async def test_two_people_at_once_and_the_second_is_told(world: Any) -> None:
    seen = await check(world, book(GOOD))
    await world.zones((SCHOOL, ["二路"]))
    assert (await confirm(world, seen)).kind == "conflict"


@pytest.mark.integration
@pytest.mark.clause("3.1")
async def test_who_may_and_what_is_no_file(world: Any) -> None:
    assert (await check(world, book(GOOD), REGISTRAR)).kind == "forbidden"
    assert (await world.ask(GetZoneTemplate(actor=REGISTRAR))).kind == "forbidden"
    foreign = await check(world, book(GOOD), OTHER_OFFICER)
    assert [f.code for row in foreign.rows for f in row.findings] == ["zone.no_school"]
    for content in (b"PK", b"no workbook", b""):
        reply = await check(world, content)
        assert isinstance(reply, Refused) and reply.kind == "invalid" and reply.detail, reply
    large = await check(world, bytes(sheet.LIMITS.size + 1))
    assert isinstance(large, Refused) and large.kind == "too_large"
    file = await world.deps.files.put("学区.xlsx", sheet.MEDIA_TYPE, book(GOOD), 8 * 1024**2)
    await world.deps.files.delete(file.id)
    gone = await world.ask(ReadZones(actor=OFFICER, file=file, valid_from=DAY))
    assert isinstance(gone, Refused) and gone.kind == "conflict"
    many = await check(world, book(*[GOOD | {"school": f"21230{n:05}"} for n in range(501)]))
    assert many.kind == "too_large"


@pytest.mark.integration
async def test_an_ending_is_judged_like_the_single_one(world: Any) -> None:
    await world.zones((SCHOOL, ["友谊路"]))
    seen = await check(world, book(EMPTY))
    late = await confirm(world, seen, on=date(2026, 7, 19))
    assert codes(late) == ["zone.past"]
    assert (await confirm(world, seen)).ended == 1
    twice = await world.do(
        SetZones(
            command_id=world.id(), actor=OFFICER, zones=(), valid_from=DAY, reason="文件",
            ends=(*seen.ends, *seen.ends),
        )
    )  # fmt: skip
    assert twice.kind == "invalid"
    none = await world.do(SetZones(command_id=world.id(), actor=OFFICER, zones=(), valid_from=DAY, reason="文件"))
    assert none.kind == "invalid"
