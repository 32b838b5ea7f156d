"""When a transfer may be applied for (24.6.4), and what everybody is told (24.6.1, 24.6.3)."""

from __future__ import annotations

from datetime import date, timedelta

from regulation.findings import needs_override, note, passed, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from shared_contracts.decisions import Finding

from transfer.rules.case import Case, day_title, receiving_authority


@clause("24.6.1")
def not_before_it_is_done(case: Case) -> Finding:
    """不得接收借读学生，不得接收未办理转学手续的学生."""
    message = "转学手续办结前，学生继续在原就读学校就读；转入学校不得接收借读学生和未办理转学手续的学生"
    cure = f"{case.to.name}在系统显示“已转入”后安排学生到校"
    return note("24.6.1", "school.not_yet", message, cure=cure)


@clause("24.6.3")
def nothing_to_pay(_case: Case) -> Finding:
    """不得向学生收取任何费用: the receipt says so; there is no field for a fee anywhere."""
    message = "办理转学不收取任何费用"
    cure = "有学校或部门收费的，可以向其上级教育行政部门反映"
    return note("24.6.3", "fee.none", message, cure=cure)


@clause("24.6.4")
def in_the_window(case: Case) -> Finding | None:
    """同一地市县域间转学一般安排在每学期开学前、后一周内: that many days on either side of a first day, both included."""
    if not case.between_counties_of_a_city:
        return None
    days = timedelta(days=case.parameters.transfer_window_days)
    starts = sorted(day for terms in case.terms for day in (terms.autumn_first, terms.spring_first))
    for start in starts:
        if start - days <= case.today <= start + days:
            return passed("24.6.4", "window.open", f"在开学（{day_title(start)}）前、后{days.days}天内")
    coming = next((start - days for start in starts if start - days > case.today), None)
    when = "下一学期开学前、后" if coming is None else f"{day_title(coming)}起"
    message = f"同一地市县域间转学一般在每学期开学前、后{days.days}天内办理，今天不在此期间"
    cure = f"{when}申请；确须现在办理的，由{receiving_authority(case)}写明理由后决定"
    return needs_override("24.6.4", "window.closed", message, cure=cure, today=case.today.isoformat())


@clause("24.6.4")
def not_in_the_freeze(case: Case) -> Finding:
    """The national system takes no new transfers in summer; one that was opened before goes on."""
    first, last = freeze(case.parameters, case.today.year)
    days = f"{first.month}月{first.day}日至{last.month}月{last.day}日"
    if first <= case.today <= last:
        message = f"全国学籍系统{days}暂停受理新的转学申请"
        after = last + timedelta(days=1)
        cure = f"{after.month}月{after.day}日起申请；此前已经发起的转学继续办理"
        return refuse("24.6.4", "freeze.on", message, cure=cure, today=case.today.isoformat())
    return passed("24.6.4", "freeze.off", f"不在全国学籍系统暂停受理期间（{days}）")


def freeze(parameters: Parameters, year: int) -> tuple[date, date]:
    """First and last day, both inclusive."""
    return parameters.transfer_freeze_from.in_year(year), parameters.transfer_freeze_to.in_year(year)
