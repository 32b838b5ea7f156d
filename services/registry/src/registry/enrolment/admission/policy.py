"""Who gets a place where, and what becomes of it (clauses 4.1 to 13.1). Pure, in article order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from regulation.calendar import Calendar
from regulation.documents import FOREIGN
from regulation.findings import needs_override, note, passed, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_calendar import Season
from regulation.school_year import Stage
from shared_contracts.decisions import Finding
from shared_contracts.evidence import EVIDENCE_TITLES, EvidenceKind

from registry.organisations.facts import SchoolFacts

OWNERSHIP_TITLES = {"public": "公办", "private": "民办"}


# ---- Article 4: only in the season ------------------------------------------------------------------------------------


@clause("4.1")
def in_season(today: date, season: Season) -> Finding:
    """我省学校实行秋季招生、入学，不得在非招生期间招收新生入学: both days belong to the season."""
    first, last = season.first, season.last
    days = f"{first.month}月{first.day}日至{last.month}月{last.day}日"
    if first <= today <= last:
        return passed("4.1", "season.open", f"在招生入学期间（{days}）")
    message = f"今天不在秋季招生入学期间（{days}），不得招收新生入学"
    cure = "在招生期间办理；期间以外转入的，按转学办理"
    return refuse("4.1", "season.closed", message, cure=cure, today=today.isoformat())


# ---- Article 5: placed near, and never refused ------------------------------------------------------------------------


class ToPlace(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A child and the schools whose zones have the address, as (school, street)."""

    child: str
    schools: tuple[tuple[str, str], ...]


class Placed(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    child: str
    school: str
    street: str
    overlapping: bool = False


class ByHand(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`why`: in words, for the county; `school`: whose zone it is, where only the place is missing."""

    child: str
    why: str
    school: str | None = None


NO_ZONE = "住址不在任何学校的学区内"


@clause("4.3", "5.2")
def place_by_zone(
    children: Sequence[ToPlace], free: Mapping[str, int], names: Mapping[str, str], unplanned: frozenset[str]
) -> tuple[list[Placed], list[ByHand]]:
    """Each child, in the order given, into the school of its zone as long as there is room: never one over.

    Where zones overlap the one with most room left takes the child (the first by code of equals). `free`: places by
    school; `unplanned`: schools without a plan, which have none (clause 4.3).
    """
    left = dict(free)
    placed: list[Placed] = []
    by_hand: list[ByHand] = []
    for one in children:
        if not one.schools:
            by_hand.append(ByHand(child=one.child, why=NO_ZONE))
            continue
        school, street = min(one.schools, key=lambda pair: (-left.get(pair[0], 0), pair[0]))
        if left.get(school, 0) > 0:
            left[school] -= 1
            placed.append(Placed(child=one.child, school=school, street=street, overlapping=len(one.schools) > 1))
            continue
        name = names.get(school, school)
        why = f"{name}没有下达招生计划" if school in unplanned else f"{name}的学位已满"
        by_hand.append(ByHand(child=one.child, why=why, school=school))
    return placed, by_hand


@clause("5.2")
def hand_faults(school: SchoolFacts, stage: Stage, county: str, reason: str) -> tuple[Finding, ...]:
    """由教育行政部门统筹安排: in the county, at a school of the stage; a private one is named in the reason's note."""
    found = []
    if stage not in school.stages:
        message = f"{school.name}没有{stage.zh}学段"
        found.append(refuse("5.2", "placement.stage", message, cure="改选有该学段的学校", fields=("school",)))
    if county not in (school.authority, school.division):
        message = f"{school.name}不在本县（市、区）"
        found.append(refuse("5.2", "placement.elsewhere", message, cure="改选本县（市、区）的学校", fields=("school",)))
    if not reason.strip():
        message = "统筹安排须写明原因"
        found.append(refuse("5.2", "placement.reason", message, cure="填写原因后重新提交", fields=("reason",)))
    return tuple(found)


@clause("5.2")
def public_first(school: SchoolFacts) -> Finding:
    """安排进入当地公办小学就读: a county that places in a private school says so by hand, and it is noted."""
    if school.ownership == "public":
        return passed("5.2", "placement.public", "安排到公办学校")
    message = f"{school.name}是民办学校；适龄儿童由教育行政部门安排进入公办学校就读"
    cure = "改选公办学校；家长自愿到民办学校就读的，由该校按经批准的招生方案录取"
    return refuse("5.2", "placement.private", message, cure=cure, fields=("school",))


@clause("4.3", "5.2")
def room(school: SchoolFacts, stage: Stage, free: int | None) -> Finding:
    """`free`: None without a plan. Counted under the plan's lock."""
    if free is None:
        message = f"{school.name}没有本学年{stage.zh}招生计划"
        cure = "先下达招生计划，再安排学生"
        return refuse("4.3", "placement.no_plan", message, cure=cure, fields=("school",))
    if free < 1:
        message = f"{school.name}的学位已满"
        cure = "改选有空余学位的学校；确需增加的，由下达计划的教育行政部门调整招生计划"
        return refuse("4.3", "placement.full", message, cure=cure, fields=("school",))
    return passed("4.3", "placement.room", f"还有{free}个学位", free=free)


@clause("5.2")
def refused_child(school_name: str, on: date, reason: str) -> Finding:
    """学校不得以任何借口拒收: an objection is a violation found, and it changes nothing."""
    message = f"{school_name}于{on}对教育行政部门安排的适龄儿童提出异议：{reason}"
    cure = "学校应接收；教育行政部门核实情况并督促改正"
    return note("5.2", "admission.school_objects", message, cure=cure)


# ---- Article 6: later, with a reason ----------------------------------------------------------------------------------


@clause("6")
def deferral_faults(
    school: SchoolFacts, cause: str, institution: str, kinds: Sequence[EvidenceKind], household: bool
) -> tuple[Finding, ...]:
    """At a public primary school; for health with the diagnosis of a designated institution, else with a proof."""
    found = []
    if school.ownership != "public" or Stage.PRIMARY not in school.stages:
        message = "延缓入学向户籍所在地公办小学申请"
        found.append(refuse("6", "deferral.school", message, cure="由户籍所在地公办小学受理"))
    if not household:
        message = "延缓入学由户籍所在地办理，这名儿童不在户籍适龄儿童名单中"
        found.append(
            refuse("6", "deferral.not_household", message, cure="由户籍所在地县（市、区）办理", fields=("child_id",))
        )
    if cause == "health":
        if not institution.strip():
            message = "因身体原因申请延缓入学，没有填写指定医疗机构"
            cure = "填写县级以上教育主管部门指定的医疗机构名称"
            found.append(refuse("6", "deferral.institution", message, cure=cure, fields=("institution",)))
        if EvidenceKind.MEDICAL not in kinds:
            message = "因身体原因申请延缓入学，没有附诊断证明"
            cure = "上传指定医疗机构的诊断及相关证明（材料类别：医疗证明）"
            found.append(refuse("6", "deferral.diagnosis", message, cure=cure, fields=("evidence",)))
    elif not kinds:
        message = "因其他特殊原因申请延缓入学，没有附相关证明"
        found.append(refuse("6", "deferral.proof", message, cure="上传相关证明", fields=("evidence",)))
    return tuple(found)


# ---- Article 7: migrant children --------------------------------------------------------------------------------------

MIGRANT_PAPERS = (EvidenceKind.RESIDENCE_PERMIT, EvidenceKind.HOUSEHOLD_REGISTER)
"""本人及适龄儿童、少年的居住证、能证明监护关系的户口簿, and nothing else may be asked for."""


@clause("7")
def migrant_papers(kinds: Sequence[EvidenceKind]) -> tuple[Finding, ...]:
    """Both are needed; 不得要求学生家长另行提供证明材料: any other paper cannot even be handed in."""
    found = []
    for kind in dict.fromkeys(kinds):
        if kind not in MIGRANT_PAPERS:
            message = f"随迁子女就学只凭居住证和户口簿，不得要求或收取其他材料（{EVIDENCE_TITLES[kind]}）"
            found.append(refuse("7", "migrant.other_paper", message, cure="去掉其他材料后提交", fields=("evidence",)))
    for kind in MIGRANT_PAPERS:
        if kind not in kinds:
            message = f"没有附{EVIDENCE_TITLES[kind]}"
            cure = "附监护人和儿童的居住证、能证明监护关系的户口簿"
            found.append(refuse("7", "migrant.paper_missing", message, cure=cure, fields=("evidence",)))
    return tuple(found)


@clause("7")
def migrant_household(division: str, household: str, county: str) -> Finding:
    """跟随法定监护人在非户籍所在地居住. `division`: of the residence; `household`: county on whose list the child is."""
    if division[:6] != county:
        message = "居住地不在本县（市、区）"
        return refuse("7", "migrant.elsewhere", message, cure="由居住地所在县级教育行政部门受理", fields=("division",))
    if household == county:
        message = "这名儿童户籍在本县（市、区），在适龄儿童名单中"
        return refuse("7", "migrant.household_here", message, cure="按户籍学区安排入学", fields=("document_number",))
    return passed("7", "migrant.resident", "在本县（市、区）居住，户籍不在本县（市、区）")


class SchoolChoice(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A school a child may be assigned to. `served`: its zone has the address; `division`: where it lies."""

    code: str
    ownership: str
    division: str
    served: bool
    free: int


@clause("7")
def nearest_first(choices: Sequence[SchoolChoice], division: str) -> tuple[SchoolChoice, ...]:
    """以公办学校为主，相对就近: public schools with room, first those whose zone has the address, then those of the same
    division with most room; private ones after all public ones."""
    with_room = [choice for choice in choices if choice.free > 0]
    return tuple(
        sorted(
            with_room,
            key=lambda c: (c.ownership != "public", not c.served, c.division != division[:6], -c.free, c.code),
        )
    )


@clause("7")
def public_mostly(school: SchoolFacts, reason: str) -> Finding:
    """以公办学校为主: a private school only with a written reason."""
    if school.ownership == "public":
        return passed("7", "migrant.public", "安排到公办学校")
    if reason.strip():
        return note("7", "migrant.private", f"安排到民办学校（{reason.strip()[:100]}）")
    message = f"{school.name}是民办学校；随迁子女以公办学校为主安排"
    return refuse("7", "migrant.private_reason", message, cure="改选公办学校，或写明原因", fields=("reason",))


# ---- Article 8: private schools ---------------------------------------------------------------------------------------


@clause("8")
def private_faults(school: SchoolFacts, stage: Stage, scheme_approved: bool) -> tuple[Finding, ...]:
    found = []
    if school.ownership != "private":
        message = "只有民办学校按招生方案自行录取；公办学校的学生由教育行政部门安排"
        found.append(refuse("8", "private.public_school", message, cure="由县级教育行政部门按学区或统筹安排"))
    if stage not in school.stages:
        found.append(refuse("8", "private.stage", f"本校没有{stage.zh}学段", cure="核对学段", fields=("stage",)))
    if not scheme_approved:
        message = "本学年招生方案还没有经主管教育行政部门批准"
        found.append(refuse("8", "private.no_scheme", message, cure="先报批招生方案，批准后再录取"))
    return tuple(found)


@clause("4.3", "8")
def private_room(applicants: int, free: int | None) -> Finding:
    """免试入学: applicants within the places are all taken; who is more is not chosen here."""
    if free is None:
        return refuse("4.3", "private.no_plan", "本学年没有招生计划", cure="由主管教育行政部门下达招生计划后办理")
    if applicants > free:
        message = f"报名{applicants}人，超过剩余学位{free}个；超过计划的须随机录取，不得择优选人"
        cure = "按经批准的招生方案随机录取后，提交不超过剩余学位的名单"
        return refuse("8", "private.over_subscribed", message, cure=cure, applicants=applicants, free=free)
    return passed(
        "8", "private.room", f"报名{applicants}人，剩余学位{free}个，全部录取", applicants=applicants, free=free
    )


# ---- Article 9: international pupils ----------------------------------------------------------------------------------


@clause("9")
def international_faults(school: SchoolFacts, document_kind: str, kinds: Sequence[EvidenceKind]) -> tuple[Finding, ...]:
    """凭有效身份证件，向有接收国际学生资格的学校: a foreign document, a copy of it, a qualified school."""
    found = []
    if not school.accepts_international:
        message = "本校没有接收国际学生资格"
        cure = "由有资格的学校办理；本校已取得资格的，请主管教育行政部门更新学校信息"
        found.append(refuse("9", "international.not_qualified", message, cure=cure))
    if document_kind not in FOREIGN:
        message = "国际学生凭护照或外国人永久居留身份证等有效身份证件申请"
        cure = "核对身份证件类型；中国公民按适龄儿童或随迁子女办理"
        found.append(refuse("9", "international.document", message, cure=cure, fields=("document_kind",)))
    if EvidenceKind.IDENTITY_DOCUMENT not in kinds:
        message = "没有附有效身份证件"
        cure = "上传身份证件的复印件（材料类别：身份证件）"
        found.append(refuse("9", "international.paper_missing", message, cure=cure, fields=("evidence",)))
    return tuple(found)


# ---- Article 10: the first day ----------------------------------------------------------------------------------------


@clause("10.1")
def report_by(first_day: date, admitted_on: date, grace: int) -> date:
    """The day by which a child reports: the first of term; `grace` days after a placement that came too late for it."""
    return first_day if admitted_on < first_day else admitted_on + timedelta(days=grace)


@clause("10.1")
def postponement(
    asked_on: date, until: date, report_to: date, today: date, parameters: Parameters
) -> tuple[Finding, ...]:
    """Asked for within the week before term, for no more than two weeks as a rule. `report_to`: the day to report."""
    found = []
    first = report_to - timedelta(days=parameters.postponement_ask_days)
    facts: dict[str, Any] = {
        "asked_on": asked_on.isoformat(),
        "until": until.isoformat(),
        "report_to": report_to.isoformat(),
    }
    if asked_on > today:
        message = "申请日期晚于今天"
        found.append(
            refuse("10.1", "postponement.future", message, cure="填写实际申请日期", fields=("asked_on",), **facts)
        )
    if not first <= asked_on < report_to:
        message = f"延期报到须在报到日（{report_to}）前{parameters.postponement_ask_days}天内（{first}起）提出"
        cure = "在期限内提出；已过报到日的，督促尽快报到"
        found.append(refuse("10.1", "postponement.out_of_time", message, cure=cure, fields=("asked_on",), **facts))
    if until <= report_to:
        message = f"延期日期{until}不晚于报到日{report_to}"
        found.append(
            refuse("10.1", "postponement.no_delay", message, cure="填写较晚的日期", fields=("until",), **facts)
        )
    days = (until - report_to).days
    if days > parameters.postponement_max_days:
        message = f"延期{days}天，超过一般不超过{parameters.postponement_max_days}天的规定"
        cure = "由主管教育行政部门写明原因批准，或缩短延期"
        found.append(needs_override("10.1", "postponement.long", message, cure=cure, fields=("until",), **facts))
    elif days > 0:
        found.append(passed("10.1", "postponement.short", f"延期{days}天，不超过{parameters.postponement_max_days}天"))
    return tuple(found)


@clause("10.1")
def report_fault(reported_on: date, admitted_on: date, today: date) -> Finding | None:
    """A day between the placement and today; a late report is welcome, and never an enrolment out of season."""
    if admitted_on <= reported_on <= today:
        return None
    message = f"报到日期{reported_on}不在录取日（{admitted_on}）至今天之间"
    return refuse("10.1", "report.day", message, cure="填写实际报到日期", fields=("reported_on",))


@clause("10.2")
def no_show(report_to: date, postponed_until: date | None, reported: bool, today: date) -> bool:
    """无故不按时报到: the day to report, or the day it was put off to, has passed. The day itself is in time."""
    return not reported and today > max(report_to, postponed_until or report_to)


# ---- Article 13: one month to hand in the record ----------------------------------------------------------------------


@clause("13.1")
def hand_in_by(reported_on: date, months: int, calendar: Calendar) -> date:
    """The last day: a month after reporting, or the next working day."""
    return calendar.add_months(reported_on, months).date


@clause("13.1")
def late_record(reported_on: date, months: int, calendar: Calendar, today: date) -> bool:
    """The last day itself is in time."""
    return today > hand_in_by(reported_on, months, calendar)


REMINDERS = (7, 1)
"""Days before the last day on which the school is reminded, one after the other."""


@clause("13.1")
def reminder(last_day: date, said: int, today: date) -> int | None:
    """The number of the reminder that is due and was not given yet, from 1; None. `said`: how many were."""
    due = sum(today >= last_day - timedelta(days=days) for days in REMINDERS)
    return due if due > said and today <= last_day else None
