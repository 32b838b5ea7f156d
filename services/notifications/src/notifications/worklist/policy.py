"""Queues and reminders. Pure: rows and today in, what somebody sees or is told out."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal, NamedTuple

from regulation.authorisation import is_school
from regulation.calendar import Calendar
from regulation.divisions import PROVINCE, full_name
from regulation.mark import clause
from regulation.parameters import Parameters
from shared_contracts.actors import Role

Mark = Literal["first", "last", "overdue"]
MARKS: tuple[Mark, ...] = ("first", "last", "overdue")
"""In the order of their days: 首次催办, 末次催办, 逾期督办."""

SOON = 3
"""Working days within which a row counts as due soon: what the first reminder of a ten-day step says, too."""

SUPERVISES = (Role.AUTHORITY_OFFICER, Role.LEADER)
"""Who sees what is overdue below."""


def days_left(due_on: date | None, today: date, calendar: Calendar) -> int | None:
    """Working days until the last day: 0 on it, negative behind it, None without a clock."""
    if due_on is None:
        return None
    if today <= due_on:
        return calendar.working_days_between(today, due_on).count
    return -calendar.working_days_between(due_on, today).count


def last_day_within(days: int, today: date, calendar: Calendar) -> date:
    """The day until which a row's last day is within so many working days; 0: today."""
    return today if days < 1 else calendar.add_working_days(today, days).date


class Marks(NamedTuple):
    """Working days left when somebody is reminded the first and the last time; 0: not at all."""

    first: int
    last: int


@clause("24.6.4")
def marks(parameters: Parameters) -> Marks:
    """The reminders of a step of ten days come on its seventh and ninth: three and one before its last. Counted from the
    end, they are the same after a pause, where the step has not begun anew."""
    days = parameters.transfer_step_working_days
    return Marks(
        max(days - parameters.transfer_first_reminder_working_days, 0),
        max(days - parameters.transfer_last_reminder_working_days, 0),
    )


@clause("24.6.4")
def mark_of(due_on: date, today: date, given: Marks, calendar: Calendar) -> Mark | None:
    """The mark that a row has come to today: the last one only, where it slept over several. Overdue is the day after the
    last day, when no time is left in which to act."""
    if today > due_on:
        return "overdue"
    left = calendar.working_days_between(today, due_on).count
    if left <= given.last and given.last:
        return "last"
    return "first" if left <= given.first and given.first else None


def looks_ahead(today: date, most: int, calendar: Calendar) -> date:
    """Rows with a later last day have come to no mark yet. `most`: the most days left of any division's marks."""
    return calendar.add_working_days(today, most).date if most > 0 else today - timedelta(days=1)


def division_of(organisation: str, superior: str) -> str:
    """Whose parameters hold: those of the authority itself, or of the school's."""
    if not is_school(organisation):
        return organisation
    return superior or PROVINCE


def organisation_name(code: str) -> str:
    """An authority's name; empty for a school: the subject names it."""
    if is_school(code):
        return ""
    return f"{full_name(code).removeprefix('黑龙江省') or '黑龙江省'}教育行政部门"


class Words(NamedTuple):
    title: str
    detail: str


def reminder(mark: Mark, kind_title: str, step_title: str, left: int, due_on: date) -> Words:
    """To those whose turn it is."""
    day = f"{due_on:%Y年%-m月%-d日}"
    if mark == "overdue":
        return Words(
            f"已逾期：{kind_title}",
            f"有{{count}}件{kind_title}在“{step_title}”环节已超过办理期限（{day}），已报告上级主管部门。请立即办理。",
        )
    when = "今天是办理期限的最后一天" if left == 0 else f"距办理期限（{day}）还有{left}个工作日"
    urgent = "末次催办" if mark == "last" else "催办"
    return Words(f"{urgent}：{kind_title}", f"有{{count}}件{kind_title}等待“{step_title}”，{when}。请及时办理。")


def escalation(kind_title: str, step_title: str, who: str) -> Words:
    """To the authority above. `who`: the organisation that has not acted."""
    return Words(
        f"督办：{kind_title}逾期未办",
        f"{who}有{{count}}件{kind_title}在“{step_title}”环节逾期未办。请督促办理，详见待办中的“上级督办”。",
    )
