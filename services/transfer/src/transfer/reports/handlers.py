"""Reports: looked at, as a workbook, filed with the province. Overdue steps: `lateness`."""

from __future__ import annotations

from datetime import date, datetime

import asyncpg
import msgspec
from casework.state import day_of
from regulation.authorisation import MISSING, Target, check, reach, subtree_pattern
from regulation.divisions import DIVISIONS, PROVINCE, Level
from regulation.mark import clause
from service_kit import organisations
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.files import Template
from shared_contracts.messages import Command, Query, word
from shared_contracts.transfer_reports import (
    GetCountyReport,
    GetCountyReportWorkbook,
    GetReport,
    GetReportWorkbook,
    ListReports,
    ReportList,
    ReportRow,
    ReportView,
    SubmitReport,
    Term,
)

from transfer.context import TransferWork
from transfer.reports import expecting, lateness, policy, store, workbook

LONGEST_NOTE = 500
YEARS = range(2020, 2100)


@clause("24.6.5")
async def get_report(work: TransferWork, query: GetReport) -> ReportView | Refused:
    if no := _may(query, query.city, query.year):
        return no
    return await _view(work, query.city, query.year, query.term)


@clause("24.6.5")
async def report_workbook(work: TransferWork, query: GetReportWorkbook) -> Template | Refused:
    if no := _may(query, query.city, query.year):
        return no
    return _workbook(await _view(work, query.city, query.year, query.term))


@clause("24.6.5")
async def county_report(work: TransferWork, query: GetCountyReport) -> ReportView | Refused:
    """What its city reports, or has reported, of one county."""
    return _may(query, query.county, query.year, "county") or await _of_county(work, query)


@clause("24.6.5")
async def county_report_workbook(work: TransferWork, query: GetCountyReportWorkbook) -> Template | Refused:
    """The county's own, in the layout of the city's."""
    return _may(query, query.county, query.year, "county") or _workbook(await _of_county(work, query))


async def _of_county(work: TransferWork, asked: GetCountyReport | GetCountyReportWorkbook) -> ReportView:
    division = DIVISIONS[asked.county]
    assert division.parent is not None, "a county is in a city"
    whole = await _view(work, division.parent, asked.year, asked.term)
    lines = tuple(line for line in whole.lines if line.county == asked.county)
    names = await organisations.names(work.tx, {asked.county})
    return msgspec.structs.replace(
        whole,
        county=asked.county,
        county_name=names.get(asked.county, division.name),
        lines=lines,
        totals=policy.total(lines),
        findings=(),
    )


def _workbook(report: ReportView) -> Template:
    name = f"{workbook.title(report)}.xlsx"
    return Template(name=name, content=workbook.workbook(report), media_type=workbook.MEDIA_TYPE)


@clause("24.6.5")
async def list_reports(work: TransferWork, query: ListReports) -> ReportList | Refused:
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    if query.year is not None and query.year not in YEARS:
        return refused("invalid", "年份不在范围内。")
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    next_year, next_term = policy.at(work.today, parameters)
    year, term = query.year or next_year, query.term or next_term
    pattern = "%" if may.everything else subtree_pattern(may.subtree or may.supervised or "-")
    found = await store.cities(work.tx, pattern)
    filed = await store.of_term(work.tx, year, term)
    due = policy.due_on(year, term, parameters)
    return ReportList(
        year=year,
        term=term,
        due_on=due,
        today=work.today,
        items=tuple(_row(code, name, filed.get(code), due, work.today) for code, name in found.items()),
    )


def _row(city: str, name: str, row: asyncpg.Record | None, due: date, today: date) -> ReportRow:
    done = row is not None and row["state"] == "submitted"
    return ReportRow(
        city=city,
        city_name=name,
        state="submitted" if done else "open",
        due_on=due,
        overdue=not done and today > due,
        totals=policy.total(store.lines_of(row)) if row is not None and done else None,
        submitted_at=row["submitted_at"] if row is not None else None,
        filed_late=row is not None and done and policy.is_late(due, day_of(row["submitted_at"])),
    )


@clause("24.6.5")
async def submit_report(work: TransferWork, command: SubmitReport) -> ReportView | Refused:
    if no := _may(command, command.city, command.year):
        return no
    note = command.note.strip()
    if len(note) > LONGEST_NOTE:
        return refused("invalid", f"说明最多{LONGEST_NOTE}字。")
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    due = policy.due_on(command.year, command.term, parameters)
    await store.expect(work.tx, [command.city], command.year, command.term, due)
    row = await store.get(work.tx, command.city, command.year, command.term, lock=True)
    assert row is not None
    first, filed_at = await _begins(work, command.city, command.year, command.term)
    fault = policy.not_to_be_filed(first, work.today, submitted=row["state"] == "submitted")
    if fault is not None:
        return refused("refused", f"{fault.message}。{fault.cure}。", fault)
    last = await _ends(work, command.city, command.year, command.term)
    lines = await store.lines(work.tx, command.city, first, last, filed_at)
    if command.seen is not None and command.seen != policy.total(lines):
        return refused("conflict", "您查看之后又有转学办结，数字已经变化，没有报送。请重新查看后再报送。")
    await store.submit(
        work.tx,
        command.city,
        command.year,
        command.term,
        first=first,
        last=last,
        lines=lines,
        note=note,
        account=command.actor.account,
        by=command.actor.name,
        at=work.now,
    )
    expecting.filed(work, command.city, command.year, command.term)
    return await _view(work, command.city, command.year, command.term)


def _may(message: Command | Query, place: str, year: int, level: Level = "city") -> Refused | None:
    """Its own, or of an authority above it."""
    actor = message.actor
    known = DIVISIONS.get(place)
    there = known is not None and known.level == level
    if no := check(actor, word(message), Target(authority=place if there else None), missing=MISSING):
        return no
    if not there:
        return refused("not_found", "没有这个市（地）。" if level == "city" else "没有这个县（市、区）。")
    return None if year in YEARS else refused("invalid", "年份不在范围内。")


async def _begins(work: TransferWork, city: str, year: int, term: Term) -> tuple[date, datetime | None]:
    """The first day, and when the report before was filed, if it was."""
    earlier = await store.get(work.tx, city, *policy.before(year, term))
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    filed_until, filed_at = (earlier["last"], earlier["submitted_at"]) if earlier else (None, None)
    return policy.begins(year, term, parameters, filed_until), filed_at


async def _ends(work: TransferWork, city: str, year: int, term: Term) -> date:
    following = await store.get(work.tx, city, *policy.after(year, term))
    return policy.ends(work.today, following["first"] if following else None)


async def _view(work: TransferWork, city: str, year: int, term: Term) -> ReportView:
    row = await store.get(work.tx, city, year, term)
    names = await store.cities(work.tx, city)
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    due = policy.due_on(year, term, parameters)
    submitted = row is not None and row["state"] == "submitted"
    findings: tuple[Finding, ...] = ()
    if row is not None and submitted:
        first, last, lines = row["first"], row["last"], store.lines_of(row)
    else:
        first, filed_at = await _begins(work, city, year, term)
        last = max(first, await _ends(work, city, year, term))
        lines = await store.lines(work.tx, city, first, last, filed_at)
        findings = policy.before_filing(first, work.today, due, under_way=await store.under_way(work.tx, city))
    return ReportView(
        id=store.report_id(city, year, term),
        city=city,
        city_name=names.get(city, DIVISIONS[city].name),
        year=year,
        term=term,
        state="submitted" if submitted else "open",
        first=first,
        last=last,
        due_on=due,
        overdue=not submitted and work.today > due,
        totals=policy.total(lines),
        lines=lines,
        version=row["version"] if row is not None else 0,
        note=row["note"] if row is not None else "",
        submitted_at=row["submitted_at"] if row is not None else None,
        submitted_by=row["submitted_by"] or "" if row is not None else "",
        filed_late=row is not None and submitted and policy.is_late(due, day_of(row["submitted_at"])),
        findings=findings,
    )


COMMANDS: dict[type[Command], CommandHandler] = {SubmitReport: submit_report}
QUERIES: dict[type[Query], QueryHandler] = {
    GetReport: get_report,
    GetReportWorkbook: report_workbook,
    GetCountyReport: county_report,
    GetCountyReportWorkbook: county_report_workbook,
    ListReports: list_reports,
    **lateness.QUERIES,
}
