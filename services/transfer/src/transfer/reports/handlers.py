"""Reports: looked at, as a workbook, filed with the province; the table of overdue steps."""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg
from regulation.authorisation import MISSING, Target, check, reach, subtree_pattern
from regulation.divisions import DIVISIONS, PROVINCE
from regulation.mark import clause
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import Template
from shared_contracts.messages import Command, Query, word
from shared_contracts.transfer_reports import (
    GetLateTable,
    GetReport,
    GetReportWorkbook,
    LateSteps,
    LateTable,
    ListReports,
    ReportList,
    ReportRow,
    ReportView,
    SubmitReport,
    Term,
)

from transfer.context import TransferWork
from transfer.reports import expecting, policy, store, workbook

LONGEST_NOTE = 500
YEARS = range(2020, 2100)
LOOKED_BACK = timedelta(days=180)


@clause("24.6.5")
async def get_report(work: TransferWork, query: GetReport) -> ReportView | Refused:
    if no := _may(query, query.city, query.year):
        return no
    return await _view(work, query.city, query.year, query.term)


@clause("24.6.5")
async def report_workbook(work: TransferWork, query: GetReportWorkbook) -> Template | Refused:
    if no := _may(query, query.city, query.year):
        return no
    report = await _view(work, query.city, query.year, query.term)
    name = f"{workbook.title(report)}.xlsx"
    return Template(name=name, content=workbook.workbook(report), media_type=workbook.MEDIA_TYPE)


@clause("24.6.5")
async def list_reports(work: TransferWork, query: ListReports) -> ReportList | Refused:
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    if query.year not in YEARS:
        return refused("invalid", "年份不在范围内。")
    pattern = "%" if may.everything else subtree_pattern(may.subtree or may.supervised or "-")
    found = await store.cities(work.tx, pattern)
    filed = await store.of_term(work.tx, query.year, query.term)
    due = policy.due_on(query.year, query.term, work.deps.policy.parameters(PROVINCE, work.today))
    return ReportList(
        year=query.year,
        term=query.term,
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
    first = await _first(work, command.city, command.year, command.term)
    fault = policy.not_to_be_filed(first, work.today, submitted=row["state"] == "submitted")
    if fault is not None:
        return refused("refused", f"{fault.message}。{fault.cure}。", fault)
    await store.submit(
        work.tx,
        command.city,
        command.year,
        command.term,
        first=first,
        last=work.today,
        lines=await store.lines(work.tx, command.city, first, work.today),
        note=note,
        account=command.actor.account,
        by=command.actor.name,
        at=work.now,
    )
    expecting.filed(work, command.city, command.year, command.term)
    return await _view(work, command.city, command.year, command.term)


@clause("24.6.4")
async def late_table(work: TransferWork, query: GetLateTable) -> LateTable | Refused:
    """Where steps wait beyond their last day, and where they were decided late."""
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    since = query.since or work.today - LOOKED_BACK
    pattern = "%" if may.everything else subtree_pattern(may.subtree or may.supervised or "-")
    rows = await store.late(work.tx, work.today, since, pattern)
    calendar = work.deps.calendar
    return LateTable(
        since=since,
        items=tuple(
            LateSteps(
                organisation=row["organisation"],
                organisation_name=row["name"] or row["organisation"],
                now=row["waiting"],
                decided_late=row["decided"],
                worst=calendar.working_days_between(row["oldest"], work.today).count if row["oldest"] else 0,
            )
            for row in rows
        ),
    )


def _may(message: Command | Query, city: str, year: int) -> Refused | None:
    """The city's own, or of an authority above it."""
    actor = message.actor
    known = DIVISIONS.get(city)
    there = known is not None and known.level == "city"
    if no := check(actor, word(message), Target(authority=city if there else None), missing=MISSING):
        return no
    if not there:
        return refused("not_found", "没有这个市（地）。")
    return None if year in YEARS else refused("invalid", "年份不在范围内。")


async def _first(work: TransferWork, city: str, year: int, term: Term) -> date:
    earlier = await store.get(work.tx, city, *policy.before(year, term))
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    return policy.begins(year, term, parameters, earlier["last"] if earlier else None)


async def _view(work: TransferWork, city: str, year: int, term: Term) -> ReportView:
    row = await store.get(work.tx, city, year, term)
    names = await store.cities(work.tx, city)
    parameters = work.deps.policy.parameters(PROVINCE, work.today)
    due = policy.due_on(year, term, parameters)
    submitted = row is not None and row["state"] == "submitted"
    if row is not None and submitted:
        first, last, lines = row["first"], row["last"], store.lines_of(row)
    else:
        first = await _first(work, city, year, term)
        last = max(first, work.today)
        lines = await store.lines(work.tx, city, first, last)
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
    )


COMMANDS: dict[type[Command], CommandHandler] = {SubmitReport: submit_report}
QUERIES: dict[type[Query], QueryHandler] = {
    GetReport: get_report,
    GetReportWorkbook: report_workbook,
    ListReports: list_reports,
    GetLateTable: late_table,
}
