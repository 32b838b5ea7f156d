"""May this notice be published? Whole, of one year, and about days to come. Pure (clause 24.6.4: working days).

What a year's notice has to contain is said by `regulation.holidays`, how it is counted with by `regulation.calendar`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Literal

from regulation.calendar import Calendar, Notice
from regulation.findings import refuse
from regulation.holidays import left_out
from regulation.mark import clause
from regulation.parameters import Parameters
from shared_contracts.decisions import Finding

from registry.policy_values.policy import first_day

NUMBER = re.compile(r"国办发(明电)?〔(20\d\d)〕[1-9]\d{0,2}号")
LONGEST_TITLE = 200
PROVINCES = "节假日安排由省级教育行政部门发布，全省统一执行。"
Standing = Literal["missing", "published", "passed"]
SHOWN = 6
"""Days that a message names; the facts have all of them."""


@clause("24.6.4")
def year_fault(year: int, today: date) -> Finding | None:
    """This year's or the next's: the State Council speaks of no other, and a year that has passed is counted with."""
    if year < today.year:
        return _no("year_passed", f"{year}年已经过去，不能再改变", "发布今年或明年的安排", "year")
    if year > today.year + 1:
        return _no("year_far", f"{year}年的放假安排还没有公布", f"发布{today.year}年或{today.year + 1}年的安排", "year")
    return None


@clause("24.6.4")
def days_faults(days: Notice) -> tuple[Finding, ...]:
    """Days of that year (and of the last three of the year before, of which its notice speaks), each said once."""
    found = []
    first, last = date(days.year - 1, 12, 29), date(days.year, 12, 31)
    if other := sorted({day for day in (*days.holidays, *days.worked) if not first <= day <= last}):
        cure = f"只填写{first}至{last}的日期"
        found.append(
            _no("other_year", f"{_named(other)}不属于{days.year}年的安排", cure, "holidays", "worked", days=other)
        )
    if twice := sorted({*_twice(days.holidays), *_twice(days.worked)}):
        found.append(_no("day_twice", f"{_named(twice)}重复", "每个日期只填写一次", "holidays", "worked", days=twice))
    if both := sorted({*days.holidays} & {*days.worked}):
        message = f"{_named(both)}既是放假日又是上班日"
        found.append(_no("day_both", message, "按通知原文核对，每个日期只属于一类", "holidays", "worked", days=both))
    if week := sorted(day for day in {*days.worked} if day.weekday() < 5):
        message = f"{_named(week)}不是周六、周日，本来就是工作日"
        found.append(_no("not_weekend", message, "调休上班只填写周六、周日", "worked", days=week))
    return tuple(found)


@clause("24.6.4")
def whole_fault(days: Notice) -> Finding | None:
    """All festivals of the year: half a notice would count the rest of the year by weekends, as if it were certain."""
    missing = left_out(days.year, days.holidays)
    if not missing:
        return None
    names = "、".join(one.name for one in missing)
    cure = "填写通知中全年各节日的全部放假日期，周六、周日放假的也要填写"
    return _no("not_whole", f"缺少{names}的放假日期", cure, "holidays", festivals=[one.name for one in missing])


@clause("24.6.4")
def changed(before: Calendar, after: Calendar, year: int) -> tuple[tuple[date, ...], tuple[date, ...]]:
    """Days that become days off, and days that become working days, by a notice of that year."""
    day, last = date(year - 1, 12, 29), date(year, 12, 31)
    off: list[date] = []
    worked: list[date] = []
    while day <= last:
        was, becomes = before.is_working_day(day).working, after.is_working_day(day).working
        if was != becomes:
            (worked if becomes else off).append(day)
        day += timedelta(days=1)
    return tuple(off), tuple(worked)


@clause("24.6.4")
def gone_fault(days: Iterable[date], before: Calendar, now: datetime) -> Finding | None:
    """`days`: that would be otherwise. One that was certain and has begun has been counted with, in every service. One of a
    year whose notice comes late was provisional, and whoever was told a last day was told so."""
    first = first_day(now)
    gone = sorted(day for day in days if day < first and not before.is_working_day(day).provisional)
    if not gone:
        return None
    message = f"{_named(gone)}已经过去或者马上开始，已按原来的安排计算，不能再改变"
    return _no(
        "day_gone", message, f"只改变{first}以后的日期", "holidays", "worked", days=gone, first_day=first.isoformat()
    )


@clause("24.6.4")
def unchanged_fault(days: Notice, held: Notice | None) -> Finding | None:
    """`held`: the year's notice in force, as published."""
    if held is None or ({*held.holidays}, {*held.worked}) != ({*days.holidays}, {*days.worked}):
        return None
    return _no("unchanged", f"与已发布的{days.year}年安排相同", "不需要再次发布", "holidays")


@clause("24.6.4")
def source_faults(number: str, title: str) -> tuple[Finding, ...]:
    """Everybody who is bound by a day may look it up."""
    found = []
    if not NUMBER.fullmatch(number):
        cure = "填写国务院办公厅通知的文号，如“国办发明电〔2025〕7号”"
        found.append(_no("no_number", "通知的文号不对", cure, "notice"))
    if not title.strip() or len(title) > LONGEST_TITLE or not title.isprintable():
        cure = f"填写通知的标题，不超过{LONGEST_TITLE}个字，不要换行"
        found.append(_no("no_title", "没有写明通知的标题", cure, "title"))
    return tuple(found)


@clause("24.6.4")
def examine(days: Notice, before: Calendar, after: Calendar, held: Notice | None, now: datetime) -> tuple[Finding, ...]:
    """Why a notice cannot be published as it stands; nothing where it can."""
    if fault := year_fault(days.year, now.date()):
        return (fault,)
    found = [*days_faults(days), whole_fault(days), unchanged_fault(days, held)]
    if not any(found):
        off, worked = changed(before, after, days.year)
        found.append(gone_fault((*off, *worked), before, now))
    return tuple(one for one in found if one is not None)


@clause("24.6.4")
def asked_for(calendar: Calendar, parameters: Parameters, today: date) -> tuple[int, ...]:
    """The years whose notice the province has to publish while it is not known: this one's, on whatever day (an installation
    may begin in a year that nobody has published in it), and from December on the next one's."""
    december = today >= parameters.working_days_asked_from.in_year(today.year)
    years = (today.year, today.year + 1) if december else (today.year,)
    return tuple(year for year in years if not calendar.is_published(year))


@clause("24.6.4")
def consequence(year: int, today: date) -> str:
    """What it means that the year's notice is not there, for whoever has to publish it."""
    counted = "办理期限" if year == today.year else "跨年的办理期限"
    return f"{year}年的节假日安排还没有发布，{counted}只按周六、周日计算。请按国务院办公厅的通知发布，期限将重新计算。"


@clause("24.6.4")
def standing(year: int, calendar: Calendar, today: date) -> Standing:
    """Of a year whose notice was asked for. A release of the program may bring its days; one that has passed can be published
    no more (`year_fault`), so nobody is asked for it any longer."""
    if calendar.is_published(year):
        return "published"
    return "passed" if year < today.year else "missing"


def _no(code: str, message: str, cure: str, *fields: str, **facts: object) -> Finding:
    shown = {name: [str(one) for one in value] if isinstance(value, list) else value for name, value in facts.items()}
    return refuse("24.6.4", f"working_days.{code}", message, cure=cure, fields=fields, **shown)


def _named(days: list[date]) -> str:
    more = f"等{len(days)}个日期" if len(days) > SHOWN else ""
    return "、".join(str(day) for day in days[:SHOWN]) + more


def _twice(days: Iterable[date]) -> set[date]:
    seen: set[date] = set()
    return {day for day in days if day in seen or seen.add(day)}  # type: ignore[func-returns-value]
