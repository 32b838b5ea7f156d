"""A year as it is counted with, what was ever published, and what a notice would do before it is published."""

from __future__ import annotations

from datetime import date

from regulation.authorisation import Target, check
from regulation.calendar import Calendar, released
from regulation.divisions import PROVINCE, full_name
from regulation.mark import clause
from service_kit import paging
from service_kit.bus import BusError
from service_kit.database import driver
from service_kit.work import QueryHandler
from shared_contracts.access import MovedExportDeadlines
from shared_contracts.actors import system
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.transfer import MovedTransferDeadlines
from shared_contracts.working_days import (
    AuthorityMoves,
    GetWorkingDays,
    ListNotices,
    MovedDeadline,
    NoticePage,
    NoticeSimulation,
    SimulateWorkingDays,
    WorkingDaysView,
)

from registry.context import RegistryWork
from registry.policy_values.policy import first_day
from registry.working_days import effects, policy, publishing, store

YEARS = range(2004, 2100)
MOST = 500
"""Lines of a dry run; the totals count all."""


@clause("24.6.4")
async def get_working_days(work: RegistryWork, query: GetWorkingDays) -> WorkingDaysView | Refused:
    if no := check(query.actor, word(query)):
        return no
    year = work.today.year if query.year is None else query.year
    if year not in YEARS:
        return refused("invalid", f"年份应在{YEARS.start}至{YEARS.stop - 1}之间。")
    there = await store.in_force(work.tx)
    calendar = Calendar(notices=[one.days for one in there])
    row = next((one for one in there if one.year == year), None)
    days = row.days if row else released(year)
    return WorkingDaysView(
        year=year,
        source="published" if row else "release" if days else "none",
        holidays=days.holidays if days else (),
        worked=days.worked if days else (),
        working_days=working_days(calendar, year),
        provisional=not calendar.is_published(year),
        first_day=first_day(work.now),
        version=row.version if row else 0,
        notice=row.notice if row else "",
        title=row.title if row else "",
        published_at=row.published_at if row else None,
        published_by=row.published_by if row else "",
    )


def working_days(calendar: Calendar, year: int) -> int:
    return calendar.working_days_between(date(year - 1, 12, 31), date(year, 12, 31)).count


@clause("24.6.4")
async def list_notices(work: RegistryWork, query: ListNotices) -> NoticePage | Refused:
    if no := check(query.actor, word(query)):
        return no
    before = paging.decode(query.cursor, paging.Long)
    if isinstance(before, Refused):
        return before
    limit = paging.size(query.limit)
    rows = await store.page(work.tx, query.year, int(before[0]) if before else None, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row.number,))
    return NoticePage(items=tuple(publishing.view(row) for row in kept), next_cursor=cursor)


@clause("24.6.4")
async def simulate(work: RegistryWork, query: SimulateWorkingDays) -> NoticeSimulation | Refused:
    """Which last days would move, from when to when: the registry's own, and what the other services say of theirs."""
    if no := check(query.actor, word(query), Target(authority=PROVINCE), missing=policy.PROVINCES):
        return no
    days = publishing.notice_of(query.days)
    if days.year not in YEARS:
        return refused("invalid", f"年份应在{YEARS.start}至{YEARS.stop - 1}之间。")
    there = await store.in_force(work.tx)
    held = next((one.days for one in there if one.year == days.year), None)
    before, after = publishing.calendars([one.days for one in there], days)
    found = policy.examine(days, before, after, held, work.now)
    off, worked = policy.changed(before, after, days.year)
    counted, missing = [await effects.own(await driver(work.tx), after, work.today)], []
    for title, question in (
        ("转学", MovedTransferDeadlines(actor=system("registry"), days=query.days)),
        ("数据导出", MovedExportDeadlines(actor=system("registry"), days=query.days)),
    ):
        try:
            counted.append(await work.deps.bus.need(question))
        except BusError:  # whoever asks is told what was not counted
            missing.append(title)
    moves = [one for part in counted for one in part.items]
    return NoticeSimulation(
        year=days.year,
        findings=found,
        added=off,
        removed=worked,
        working_days_before=working_days(before, days.year),
        working_days_after=working_days(after, days.year),
        open=sum(part.open for part in counted),
        moved=sum(one.count for one in moves),
        moves=_shown(moves),
        not_counted=tuple(missing),
    )


def _shown(moves: list[MovedDeadline]) -> tuple[AuthorityMoves, ...]:
    ordered = sorted(moves, key=lambda one: (-one.count, one.authority, one.kind, one.was))
    return tuple(
        AuthorityMoves(
            authority=one.authority,
            authority_name=full_name(one.authority) if one.authority else "",
            kind=one.kind,
            kind_title=one.kind_title,
            was=one.was,
            becomes=one.becomes,
            count=one.count,
        )
        for one in ordered[:MOST]
    )


QUERIES: dict[type[Query], QueryHandler] = {
    GetWorkingDays: get_working_days,
    ListNotices: list_notices,
    SimulateWorkingDays: simulate,
}
