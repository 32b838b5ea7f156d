"""Reports of a term: which days, which figures, filed once; overdue steps (clauses 24.6.4, 24.6.5)."""

from __future__ import annotations

import io
from datetime import date
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from moving_world import NEIGHBOUR
from registry_world import CITY, PROVINCE, actor
from regulation.parameters import Parameters
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.files import Template
from shared_contracts.transfer import Step, TransfersStand, TransferView
from shared_contracts.transfer_reports import (
    Figures,
    GetCountyReport,
    GetCountyReportWorkbook,
    GetLateTable,
    GetReport,
    GetReportWorkbook,
    LateCases,
    LateTable,
    ListLateCases,
    ListReports,
    ReportList,
    ReportView,
    SubmitReport,
)
from transfer.reports import expecting, policy
from transfer_world import OFFICER, RECEIVING, RELEASING, TransferWorld

P = Parameters.for_(PROVINCE, date(2026, 9, 10))
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY, "city.officer")
PROVINCE_OFFICER = actor(Role.AUTHORITY_OFFICER, PROVINCE, "province.officer")
COUNTY_OFFICER = actor(Role.AUTHORITY_OFFICER, "230102", "county.officer")
OTHER_CITY = actor(Role.AUTHORITY_OFFICER, "230200", "qiqihar.officer")


@pytest.mark.clause("24.6.5")
@pytest.mark.parametrize(
    ("today", "report"),
    [
        (date(2026, 3, 30), (2026, "spring")),
        (date(2026, 3, 31), (2026, "autumn")),
        (date(2026, 9, 30), (2026, "autumn")),
        (date(2026, 10, 1), (2027, "spring")),
    ],
)
def test_which_report_is_next(today: date, report: tuple[int, str]) -> None:
    assert policy.at(today, P) == report


@pytest.mark.clause("24.6.5")
@given(
    st.integers(2021, 2060),
    st.sampled_from(["spring", "autumn"]),
    st.none() | st.dates(date(2020, 1, 1), date(2060, 1, 1)),
)
def test_no_day_stands_in_two_reports_or_in_none(year: int, term: Any, filed: date | None) -> None:
    ended = filed or policy.due_on(*policy.before(year, term), P)
    assert (policy.begins(year, term, P, filed) - ended).days == 1


@pytest.mark.clause("24.6.5")
@given(st.integers(2021, 2060), st.sampled_from(["spring", "autumn"]), st.dates(date(2020, 1, 1), date(2060, 1, 1)))
def test_a_report_ends_before_the_next_one_where_that_one_was_filed_first(year: int, term: Any, first: date) -> None:
    assert policy.before(*policy.after(year, term)) == (year, term)
    assert policy.ends(first, first) < first == policy.ends(first, None)
    assert policy.ends(date(2020, 1, 1), first) <= date(2020, 1, 1)


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize(("decided", "late"), [(date(2026, 9, 24), False), (date(2026, 9, 25), True)])
def test_a_step_is_in_time_on_its_last_day(decided: date, late: bool) -> None:
    assert policy.is_late(date(2026, 9, 24), decided) is late
    assert not policy.is_late(None, decided)


@pytest.mark.clause("24.6.5")
@pytest.mark.parametrize(("today", "submitted", "code"), [
    (date(2026, 3, 31), False, None), (date(2026, 3, 30), False, "report.too_early"),
    (date(2026, 4, 1), True, "report.submitted"),
])  # fmt: skip
def test_filed_once_and_not_before_its_days(today: date, submitted: bool, code: str | None) -> None:
    found = policy.not_to_be_filed(date(2026, 3, 31), today, submitted=submitted)
    assert (found and found.code) == code


async def moved(world: TransferWorld, *, late: bool = False) -> TransferView:
    await world.registry.pupils(RECEIVING, 3, 1, 5)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 1)
    opened = await world.open(one)
    assert isinstance(opened, TransferView), opened
    if late:
        world.clock.pass_(days=30)
    await world.through(opened.id)
    await world.carry()
    return opened


@pytest.mark.integration
@pytest.mark.clause("24.6.5")
async def test_a_city_files_its_figures_and_they_stay(world: TransferWorld) -> None:
    await moved(world)
    asked = GetReport(actor=CITY_OFFICER, city=CITY, year=2026, term="autumn")
    report = await world.ask(asked)
    assert isinstance(report, ReportView)
    assert (report.state, report.first, report.totals) == (
        "open", date(2026, 3, 31), Figures(transfers_in=1, transfers_out=1, within=1),
    )  # fmt: skip
    assert {(line.school, line.figures.transfers_in) for line in report.lines} == {
        (RECEIVING.code, 1),
        (RELEASING.code, 0),
    }

    submit = SubmitReport(command_id=world.id(), actor=CITY_OFFICER, city=CITY, year=2026, term="autumn", note="无误")
    filed = await world.do(submit)
    assert (filed.state, filed.last, filed.totals) == ("submitted", world.clock.today(), report.totals)
    again = await world.do(SubmitReport(command_id=world.id(), actor=CITY_OFFICER, city=CITY, year=2026, term="autumn"))
    assert isinstance(again, Refused) and again.findings[0].code == "report.submitted"

    world.clock.pass_(days=1)
    await moved(world)
    assert (await world.ask(asked)).totals == report.totals, "what was filed does not change"
    following = await world.ask(GetReport(actor=CITY_OFFICER, city=CITY, year=2027, term="spring"))
    assert (following.first, following.totals.transfers_in) == (world.clock.today(), 1)


@pytest.mark.integration
@pytest.mark.clause("24.6.5")
async def test_what_arrives_on_the_day_after_the_filing_stands_in_the_next_report(world: TransferWorld) -> None:
    """Later on the day of the filing, or later still with the news of that day: in one report, and in one alone."""
    await moved(world)
    before, *_ = await world.registry.pupils(RELEASING, 3, 1, 1)
    late = await world.open(before)
    await world.through(late.id)
    asked = {"actor": CITY_OFFICER, "city": CITY}
    filed = await world.do(SubmitReport(command_id=world.id(), year=2026, term="autumn", **asked))
    assert filed.totals.transfers_in == 1
    world.clock.pass_(minutes=5)
    await world.carry()
    world.clock.pass_(days=1)
    following = await world.ask(GetReport(year=2027, term="spring", **asked))
    assert (following.first, following.totals.transfers_in) == (world.clock.today(), 1)
    again = await world.do(SubmitReport(command_id=world.id(), year=2027, term="spring", **asked))
    assert again.totals == following.totals
    world.clock.pass_(days=1)
    assert (await world.ask(GetReport(year=2027, term="autumn", **asked))).totals == Figures()


@pytest.mark.integration
@pytest.mark.clause("24.6.5")
async def test_a_report_filed_after_the_next_one_counts_nothing_a_second_time(world: TransferWorld) -> None:
    await moved(world)
    asked = {"actor": CITY_OFFICER, "city": CITY, "year": 2026}
    filed = await world.do(SubmitReport(command_id=world.id(), term="autumn", **asked))
    assert (filed.first, filed.totals.transfers_in) == (date(2026, 3, 31), 1)
    looked = await world.ask(GetReport(term="spring", **asked))
    overdue = await world.do(SubmitReport(command_id=world.id(), term="spring", **asked))
    assert overdue.last == looked.last == date(2026, 3, 30)
    assert overdue.totals == looked.totals == Figures()
    assert overdue.filed_late, "on whatever day it ends"


@pytest.mark.integration
@pytest.mark.clause("3.1")
async def test_who_sees_and_who_files(world: TransferWorld) -> None:
    asked: dict[str, Any] = {"city": CITY, "year": 2026, "term": "autumn"}
    assert isinstance(await world.ask(GetReport(actor=PROVINCE_OFFICER, **asked)), ReportView)
    for who in (COUNTY_OFFICER, OTHER_CITY, actor(Role.REGISTRAR)):
        assert isinstance(await world.ask(GetReport(actor=who, **asked)), Refused)
    for who in (PROVINCE_OFFICER, COUNTY_OFFICER, OTHER_CITY):
        assert isinstance(await world.do(SubmitReport(command_id=world.id(), actor=who, **asked)), Refused)
    listed = await world.ask(ListReports(actor=PROVINCE_OFFICER, year=2026, term="autumn"))
    assert isinstance(listed, ReportList)
    assert [(row.city, row.state) for row in listed.items] == [(CITY, "open"), ("230200", "open")]
    own = await world.ask(ListReports(actor=OTHER_CITY, year=2026, term="autumn"))
    assert [row.city for row in own.items] == ["230200"]
    for city in ("230102", "999999"):
        nowhere = await world.ask(GetReport(actor=PROVINCE_OFFICER, city=city, year=2026, term="autumn"))
        assert isinstance(nowhere, Refused) and nowhere.kind == "not_found"


@pytest.mark.integration
@pytest.mark.clause("24.6.5")
async def test_the_workbook_says_the_same(world: TransferWorld) -> None:
    await moved(world)
    made = await world.ask(GetReportWorkbook(actor=CITY_OFFICER, city=CITY, year=2026, term="autumn"))
    assert isinstance(made, Template)
    book = openpyxl.load_workbook(io.BytesIO(made.content))
    assert book.sheetnames == ["各县（市、区）", "各校"]
    total = [cell.value for cell in list(book["各县（市、区）"].rows)[-1]]
    assert total == ["合计", 1, 1, 1, 0, 0, 0, 0]
    assert {row[1].value for row in list(book["各校"].rows)[3:]} == {RECEIVING.code, RELEASING.code}


@pytest.mark.integration
@pytest.mark.clause("24.6.5")
async def test_a_report_stands_in_the_queue_two_weeks_before_and_once(world: TransferWorld) -> None:
    world.clock.pass_(days=-6)  # 4 September: ten working days do not reach the thirtieth
    assert await expecting.expect(world.kit, world.deps) == 0
    world.clock.pass_(days=20)
    assert await expecting.expect(world.kit, world.deps) == 2
    assert await expecting.expect(world.kit, world.deps) == 0
    (told,) = await world.events(TransfersStand)
    assert {(one.organisation, one.due_on, one.kind) for one in told.cases} == {
        (CITY, date(2026, 9, 30), "transfer_report"), ("230200", date(2026, 9, 30), "transfer_report"),
    }  # fmt: skip
    await world.do(SubmitReport(command_id=world.id(), actor=CITY_OFFICER, city=CITY, year=2026, term="autumn"))
    (done,) = (await world.events(TransfersStand))[-1].cases
    assert (done.status, done.organisation) == ("approved", None)


@pytest.mark.integration
@pytest.mark.clause("24.6.4")
async def test_late_steps_are_counted_by_who_was_late(world: TransferWorld) -> None:
    await moved(world, late=True)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 1)
    waiting = await world.open(one)
    assert isinstance(waiting, TransferView), waiting
    await world.decide(waiting.id, Step.RECEIVING_AUTHORITY)
    world.clock.pass_(days=40)
    table = await world.ask(GetLateTable(actor=CITY_OFFICER))
    assert isinstance(table, LateTable)
    assert [(row.organisation, row.now, row.decided_late) for row in table.items] == [
        (RELEASING.code, 1, 0), ("230102", 0, 1),
    ]  # fmt: skip
    assert table.items[0].worst > 10
    assert (await world.ask(GetLateTable(actor=OTHER_CITY))).items == ()


@pytest.mark.clause("24.6.5")
@pytest.mark.parametrize(("today", "under_way", "codes"), [
    (date(2026, 3, 30), 0, ["report.too_early"]),
    (date(2026, 9, 29), 0, ["report.before_last_day"]),
    (date(2026, 9, 30), 0, []),
    (date(2026, 9, 30), 1, ["report.under_way"]),
    (date(2026, 10, 1), 2, ["report.overdue", "report.under_way"]),
])  # fmt: skip
def test_what_is_said_before_a_report_is_filed(today: date, under_way: int, codes: list[str]) -> None:
    found = policy.before_filing(date(2026, 3, 31), today, date(2026, 9, 30), under_way=under_way)
    assert [one.code for one in found] == codes
    assert all(one.cure for one in found)


@pytest.mark.integration
@pytest.mark.clause("24.6.5")
async def test_what_was_looked_at_is_what_is_filed(world: TransferWorld) -> None:
    await moved(world)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 1)
    waiting = await world.open(one)
    assert isinstance(waiting, TransferView), waiting
    asked = GetReport(actor=CITY_OFFICER, city=CITY, year=2026, term="autumn")
    seen = await world.ask(asked)
    assert [one.code for one in seen.findings] == ["report.before_last_day", "report.under_way"]
    await world.through(waiting.id)
    await world.carry()
    submit = {"actor": CITY_OFFICER, "city": CITY, "year": 2026, "term": "autumn"}
    no = await world.do(SubmitReport(command_id=world.id(), seen=seen.totals, **submit))
    assert isinstance(no, Refused) and no.kind == "conflict"
    now = await world.ask(asked)
    assert (now.state, now.totals.transfers_in) == ("open", 2), "nothing was filed"
    filed = await world.do(SubmitReport(command_id=world.id(), seen=now.totals, **submit))
    assert (filed.state, filed.totals, filed.findings, filed.filed_late) == ("submitted", now.totals, (), False)


@pytest.mark.integration
@pytest.mark.clause("24.6.5")
@pytest.mark.parametrize(("days", "late"), [(20, False), (21, True)])
async def test_whoever_files_after_the_last_day_is_seen(world: TransferWorld, days: int, late: bool) -> None:
    assert world.clock.today() == date(2026, 9, 10)
    world.clock.pass_(days=days)
    listed = await world.ask(ListReports(actor=PROVINCE_OFFICER, year=2026, term="autumn"))
    assert [row.overdue for row in listed.items] == [late, late]
    filed = await world.do(SubmitReport(command_id=world.id(), actor=CITY_OFFICER, city=CITY, year=2026, term="autumn"))
    assert filed.filed_late is late
    listed = await world.ask(ListReports(actor=PROVINCE_OFFICER, year=2026, term="autumn"))
    assert [(row.state, row.filed_late, row.overdue) for row in listed.items] == [
        ("submitted", late, False), ("open", False, late),
    ]  # fmt: skip
    following = await world.ask(ListReports(actor=PROVINCE_OFFICER))
    assert (following.year, following.term) == ((2027, "spring") if late else (2026, "autumn"))


@pytest.mark.integration
@pytest.mark.clause("3.1", "24.6.5")
async def test_a_county_sees_its_own_lines(world: TransferWorld) -> None:
    await moved(world)
    asked: dict[str, Any] = {"county": "230102", "year": 2026, "term": "autumn"}
    whole = await world.ask(GetReport(actor=CITY_OFFICER, city=CITY, year=2026, term="autumn"))
    for who in (COUNTY_OFFICER, CITY_OFFICER, PROVINCE_OFFICER):
        found = await world.ask(GetCountyReport(actor=who, **asked))
        assert isinstance(found, ReportView), found
        assert (found.county, found.city, found.findings) == ("230102", CITY, ())
        assert found.lines == tuple(line for line in whole.lines if line.county == "230102") != ()
        assert found.totals == policy.total(found.lines)
    other = actor(Role.AUTHORITY_OFFICER, "230103", "nangang.officer")
    for who in (other, OTHER_CITY, actor(Role.REGISTRAR)):
        assert isinstance(await world.ask(GetCountyReport(actor=who, **asked)), Refused)
    for nowhere in (CITY, "999999"):
        no = await world.ask(GetCountyReport(actor=PROVINCE_OFFICER, **{**asked, "county": nowhere}))
        assert isinstance(no, Refused) and no.kind == "not_found"


@pytest.mark.integration
@pytest.mark.clause("3.1", "24.6.5")
async def test_a_county_has_a_workbook_of_its_own(world: TransferWorld) -> None:
    """In the city's layout, under the county's name, with its own lines alone; for itself and those above it."""
    registry = world.registry
    one, *_ = await registry.pupils(NEIGHBOUR, 3, 1, 2)  # of another county of the city
    await registry.pupils(RECEIVING, 3, 1, 10)
    opened = await world.open(one, exception="全家迁居")
    for step, who in (
        (Step.RECEIVING_AUTHORITY, OFFICER),
        (Step.RELEASING_SCHOOL, actor(Role.PRINCIPAL, NEIGHBOUR.code)),
        (Step.RELEASING_AUTHORITY, actor(Role.AUTHORITY_OFFICER, NEIGHBOUR.authority)),
    ):
        over = {"override": True, "reason": "同意"} if step is Step.RECEIVING_AUTHORITY else {}
        assert not isinstance(await world.decide(opened.id, step, who=who, **over), Refused)
    await world.carry()
    of = {"year": 2026, "term": "autumn"}
    city = await book_of(world, GetReportWorkbook(actor=CITY_OFFICER, city=CITY, **of))
    books = [
        await book_of(world, GetCountyReportWorkbook(actor=who, county="230102", **of))
        for who in (COUNTY_OFFICER, CITY_OFFICER, PROVINCE_OFFICER)
    ]
    for book in books:
        assert book.sheetnames == city.sheetnames
        for name in book.sheetnames:
            assert [cell.value for cell in book[name][3]] == [cell.value for cell in city[name][3]], "the same columns"
        first = book["各县（市、区）"]
        assert "道里" in first["A1"].value and "未报送" in first["A2"].value
        assert [row[0].value for row in list(first.rows)[3:]] == [first["A4"].value, "合计"]
        assert [cell.value for cell in first[5]] == ["合计", 1, 0, 1, 0, 0, 1, 0]
        assert {row[1].value for row in list(book["各校"].rows)[3:]} == {RECEIVING.code}
    assert {row[1].value for row in list(city["各校"].rows)[3:]} == {RECEIVING.code, NEIGHBOUR.code}
    asked: dict[str, Any] = {"county": "230102", **of}
    for who in (actor(Role.AUTHORITY_OFFICER, "230103", "nangang.officer"), OTHER_CITY, actor(Role.REGISTRAR)):
        assert isinstance(await world.ask(GetCountyReportWorkbook(actor=who, **asked)), Refused)
    for nowhere in (CITY, "999999"):
        no = await world.ask(GetCountyReportWorkbook(actor=PROVINCE_OFFICER, **{**asked, "county": nowhere}))
        assert isinstance(no, Refused) and no.kind == "not_found"


async def book_of(world: TransferWorld, query: Any) -> Any:
    made = await world.ask(query)
    assert isinstance(made, Template), made
    return openpyxl.load_workbook(io.BytesIO(made.content))


@pytest.mark.integration
@pytest.mark.clause("24.6.4")
async def test_late_steps_are_summed_by_authority_and_opened_one_by_one(world: TransferWorld) -> None:
    first = await moved(world, late=True)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 1)
    waiting = await world.open(one)
    assert isinstance(waiting, TransferView), waiting
    await world.decide(waiting.id, Step.RECEIVING_AUTHORITY)
    world.clock.pass_(days=40)

    async def table(**more: Any) -> list[tuple[str, int, int]]:
        found = await world.ask(GetLateTable(**{"actor": PROVINCE_OFFICER, **more}))
        assert isinstance(found, LateTable), found
        return [(row.organisation, row.now, row.decided_late) for row in found.items]

    by_county = await table(by="county")
    assert sum(now for _, now, _ in by_county) == sum(late for _, _, late in by_county) == 1
    assert await table(by="city") == [(CITY, 1, 1)] == await table(by="city", within=CITY)
    assert await table(within="230200") == []
    assert await table(actor=COUNTY_OFFICER, within="230102") == await table(within="230102") != []
    for within, who in ((CITY, COUNTY_OFFICER), ("230200", CITY_OFFICER), ("999999", PROVINCE_OFFICER)):
        assert isinstance(await world.ask(GetLateTable(actor=who, within=within)), Refused)

    async def cases(organisation: str, who: Any = CITY_OFFICER, **more: Any) -> LateCases:
        found = await world.ask(ListLateCases(actor=who, organisation=organisation, **more))
        assert isinstance(found, LateCases), found
        return found

    (step,) = (await cases(RELEASING.code)).items
    assert (step.transfer_id, step.step, step.decided_on) == (waiting.id, "releasing_school", None)
    assert step.days > 10 and (await cases(RELEASING.code)).totals.now == 1
    (step,) = (await cases("230102")).items
    assert (step.transfer_id, step.step) == (first.id, "receiving_authority")
    assert step.decided_on is not None and step.days > 0
    assert (await cases("230102", since=step.decided_on)).items == (step,)
    assert (await cases("230102", since=world.clock.today())).items == ()
    for nobody, organisation in ((OTHER_CITY, RELEASING.code), (COUNTY_OFFICER, CITY), (PROVINCE_OFFICER, "9999999999"),
                                 (PROVINCE_OFFICER, "239999"), (actor(Role.REGISTRAR), RELEASING.code)):  # fmt: skip
        assert isinstance(await world.ask(ListLateCases(actor=nobody, organisation=organisation)), Refused)


@pytest.mark.integration
@pytest.mark.clause("24.6.4")
async def test_late_steps_come_in_pages_and_each_once(world: TransferWorld) -> None:
    opened = []
    await world.registry.pupils(RECEIVING, 3, 1, 5)
    for one in await world.registry.pupils(RELEASING, 3, 1, 3):
        found = await world.open(one)
        assert isinstance(found, TransferView), found
        opened.append(found.id)
    world.clock.pass_(days=60)
    await world.decide(opened[0], Step.RECEIVING_AUTHORITY)
    world.clock.pass_(days=1)
    seen, cursor = [], None
    while True:
        page = await world.ask(ListLateCases(actor=CITY_OFFICER, organisation="230102", cursor=cursor, limit=2))
        assert isinstance(page, LateCases), page
        seen += [(one.transfer_id, one.decided_on is None) for one in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert sorted(seen) == sorted([(opened[0], False), (opened[1], True), (opened[2], True)])
    assert seen[-1] == (opened[0], False), "what waits comes first"
    bad = await world.ask(ListLateCases(actor=CITY_OFFICER, organisation="230102", cursor="x"))
    assert isinstance(bad, Refused) and bad.kind == "invalid"
