"""Which days a report covers, when it is due, when a step was late (24.6.4, 24.6.5). Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

from regulation.findings import note, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from shared_contracts.decisions import Finding
from shared_contracts.transfer_reports import Figures, ReportLine, Term

TERMS: dict[Term, str] = {"spring": "春季", "autumn": "秋季"}
_DAY = timedelta(days=1)


@clause("24.6.5")
def due_on(year: int, term: Term, parameters: Parameters) -> date:
    """每年3月30日、9月30日前."""
    day = parameters.transfer_report_spring if term == "spring" else parameters.transfer_report_autumn
    return day.in_year(year)


@clause("24.6.5")
def before(year: int, term: Term) -> tuple[int, Term]:
    """The report that comes before this one."""
    return (year, "spring") if term == "autumn" else (year - 1, "autumn")


@clause("24.6.5")
def after(year: int, term: Term) -> tuple[int, Term]:
    """The report that comes after this one."""
    return (year, "autumn") if term == "spring" else (year + 1, "spring")


@clause("24.6.5")
def begins(year: int, term: Term, parameters: Parameters, filed_until: date | None) -> date:
    """The first day that a report covers: after the last one of the report before, as it was filed or, where none was, as it
    was due. So no day stands in two reports or in none; of the day of a filing, what is heard of after it stands in the next
    one (`store.lines`)."""
    return (filed_until or due_on(*before(year, term), parameters)) + _DAY


@clause("24.6.5")
def ends(today: date, following_begins: date | None) -> date:
    """The last day that a report covers: today, or the day before the next one's first where that one was filed already."""
    return today if following_begins is None else min(today, following_begins - _DAY)


@clause("24.6.5")
def at(today: date, parameters: Parameters) -> tuple[int, Term]:
    """The report that is to be made next: the first whose last day has not passed."""
    for year in (today.year, today.year + 1):
        for term in ("spring", "autumn"):
            if today <= due_on(year, term, parameters):
                return year, term
    raise AssertionError("a year has a last day")


@clause("24.6.5")
def not_to_be_filed(first: date, today: date, *, submitted: bool) -> Finding | None:
    """A report is filed once, and not before its days have begun."""
    if submitted:
        message, cure = "本学期转学情况已经报送", "需要更正的，与省教育厅联系，在下一学期报表中说明"
        return refuse("24.6.5", "report.submitted", message, cure=cure)
    if today < first:
        message = f"本学期报表自{first.year}年{first.month}月{first.day}日起统计，尚未开始"
        return refuse("24.6.5", "report.too_early", message, cure="到期后再报送", fields=("year", "term"))
    return None


@clause("24.6.5")
def before_filing(first: date, today: date, due: date, *, under_way: int) -> tuple[Finding, ...]:
    """What whoever files should know before it is for ever: what stands against it, and what will not be in it."""
    if fault := not_to_be_filed(first, today, submitted=False):
        return (fault,)
    found = []
    if today < due:
        message = f"今天报送的，报送以后办结的转学计入下一次报表；报送期限为{_text(due)}"
        found.append(note("24.6.5", "report.before_last_day", message, cure="可以在期限当天再报送"))
    if today > due:
        message = f"报送期限为{_text(due)}，已经超过"
        found.append(note("24.6.5", "report.overdue", message, cure="尽快报送，并在说明中写明原因"))
    if under_way:
        message = f"还有{under_way}件转学正在办理，没有计入；办结后计入下一次报表"
        found.append(note("24.6.5", "report.under_way", message, cure="如需计入本次报表，待办结后再报送"))
    return tuple(found)


def _text(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


@clause("24.6.4")
def is_late(due: date | None, decided: date) -> bool:
    """A step is in time on its last day, and late the day after."""
    return due is not None and decided > due


def total(lines: Iterable[ReportLine]) -> Figures:
    """Of all lines. A transfer within the city stands in two of them, in and out; `within` counts it once."""
    found = [line.figures for line in lines]
    return Figures(
        transfers_in=sum(one.transfers_in for one in found),
        transfers_out=sum(one.transfers_out for one in found),
        within=sum(one.within for one in found),
        from_outside=sum(one.from_outside for one in found),
        to_outside=sum(one.to_outside for one in found),
        overridden=sum(one.overridden for one in found),
        late=sum(one.late for one in found),
    )
