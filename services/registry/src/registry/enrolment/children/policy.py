"""Who belongs on a county's list of children of age (clauses 5.1, 5.2, 6, 12, 15.2). Pure, in article order."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, Literal

import msgspec
from regulation.divisions import DIVISIONS, PROVINCE
from regulation.findings import note, passed, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_year import Stage, age_at_cutoff
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet

Record = Literal["", "live", "ended"]
"""What the person has of a student record: none, one that lives, or one that ended by graduating (clause 12)."""


def enrolment_year(today: date) -> int:
    """The school year that a day's enrolment is for: lists are made from January on for the autumn of the same year."""
    return today.year


class ChildFacts(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One child and one list. `county`: whose list; `division`: of the household registration, or of the residence where
    the child is no child of the household list. `listed_by`: the county on whose list the child stands already, None;
    `admitted_to`: a school that has a place for the child. `holder`: a school that registers or has the child."""

    birth_date: date
    division: str
    county: str
    school_year: int
    stage: Stage
    parameters: Parameters
    household: bool = True
    listed_by: str | None = None
    admitted_to: str | None = None
    holder: str | None = None
    record: Record = ""
    graduated_stage: str = ""
    names: tuple[tuple[str, str], ...] = ()

    def name(self, code: str) -> str:
        return dict(self.names).get(code, code)


def decide(facts: ChildFacts) -> tuple[Finding, ...]:
    """Everything that was looked at, passes too, in article order."""
    return tuple(finding for rule in RULES if (finding := rule(facts)) is not None)


@clause("5.1")
def not_too_old(f: ChildFacts) -> Finding:
    age = _age(f)
    last = f.parameters.last_age
    facts: dict[str, Any] = {"age": age, "to": last}
    seen = f"截至{_cutoff(f)}为{age}周岁"
    if age > last:
        message = f"{seen}，超过义务教育适龄年龄（{f.parameters.entry_age}-{last}周岁）"
        cure = "核对出生日期；残疾儿童少年由学校按残疾类别办理"
        return refuse("5.1", "child.too_old", message, cure=cure, fields=("birth_date",), **facts)
    return passed("5.1", "child.not_too_old", seen, **facts)


@clause("5.2")
def of_age(f: ChildFacts) -> Finding:
    """Six (or seven) full years on 31 August, that day included."""
    age, entry = _age(f), f.parameters.entry_age
    facts: dict[str, Any] = {"age": age, "from": entry}
    seen = f"截至{_cutoff(f)}（含当日）为{age}周岁"
    if age < entry:
        cure = f"核对出生日期；未满{entry}周岁的，待以后年度入学"
        return refuse("5.2", "child.under_age", f"{seen}，不满{entry}周岁", cure=cure, fields=("birth_date",), **facts)
    return passed("5.2", "child.of_age", seen, **facts)


@clause("5.2")
def household_here(f: ChildFacts) -> Finding | None:
    """由户籍所在地县级教育行政部门安排: the list is of the county's own households."""
    if not f.household:
        return None
    facts: dict[str, Any] = {"division": f.division, "county": f.county}
    if f.division[:6] != f.county:
        division = DIVISIONS.get(f.division[:6])
        where = division.name if division else f.division[:12]
        message = f"户籍所在地（{where}）不在本县（市、区）"
        cure = "由户籍所在地县级教育行政部门安排入学；随迁子女按随迁子女就学申请办理"
        return refuse("5.2", "child.other_household", message, cure=cure, fields=("division",), **facts)
    return passed("5.2", "child.household_here", "户籍在本县（市、区）", **facts)


@clause("5.2", "6")
def listed_once(f: ChildFacts) -> Finding | None:
    if f.listed_by is None or f.listed_by == f.county:
        return None
    message = f"已在{f.name(f.listed_by)}的适龄儿童名单中"
    cure = "户籍已迁入本县的，请迁出地先将其移出名单，再重新导入"
    return refuse("5.2", "child.listed_elsewhere", message, cure=cure, fields=("document_number",), county=f.listed_by)


@clause("5.2")
def admitted_once(f: ChildFacts) -> Finding | None:
    if f.admitted_to is None:
        return None
    message = f"已安排到{f.name(f.admitted_to)}就读"
    cure = "需要另行安排的，先由原安排的教育行政部门撤销"
    return refuse("5.2", "child.admitted", message, cure=cure, fields=("document_number",), school=f.admitted_to)


@clause("12")
def no_graduate(f: ChildFacts) -> Finding:
    """学校不准招收已经毕业的学生回学校重读: whoever has finished this stage (or the next) does not begin it again."""
    if f.record == "ended" and f.graduated_stage in (f.stage, Stage.JUNIOR):
        message = f"已经{Stage(f.graduated_stage).zh}毕业（结业），不得再次招收入学"
        return refuse(
            "12", "child.graduate", message, cure="核对身份证件号；毕业生不得回学校重读", fields=("document_number",)
        )
    return passed("12", "child.no_graduate", "没有毕业（结业）记录")


@clause("15.2")
def not_registered(f: ChildFacts) -> Finding | None:
    """One who has a record of primary school goes on to junior school with it; everybody else has none yet."""
    if f.holder is None or (f.stage is Stage.JUNIOR and f.record == "ended"):
        return None
    if f.holder == PROVINCE:
        message = "学籍已转往外省，一人只有一个学籍"
        cure = "核对身份证件号；回本省就读的，与省教育厅联系办理转回，不得重新招收建籍"
        return refuse("15.2", "child.transferred_out", message, cure=cure, fields=("document_number",))
    message = f"已在{f.name(f.holder)}建立学籍或正在建籍"
    cure = "核对身份证件号；转学的按转学办理"
    return refuse("15.2", "child.registered", message, cure=cure, fields=("document_number",), school=f.holder)


@clause("6")
def deferred(f: ChildFacts) -> Finding | None:
    """Well past the age of entry: deferred, or forgotten. To be looked at; nothing is refused."""
    late = _age(f) - f.parameters.entry_age
    if f.stage is not Stage.PRIMARY or late <= 1:
        return None
    message = f"超过起始入学年龄{late}年"
    cure = "核对是否曾批准延缓入学，或漏报、辍学"
    return note("6", "child.late", message, cure=cure, fields=("birth_date",), years=late)


RULES: tuple[Callable[[ChildFacts], Finding | None], ...] = (
    not_too_old,  # 5.1
    of_age,  # 5.2
    household_here,  # 5.2
    listed_once,  # 5.2
    admitted_once,  # 5.2
    deferred,  # 6
    no_graduate,  # 12
    not_registered,  # 15.2
)


@clause("5.2")
def county_fault(organisation: str) -> Finding | None:
    """县级教育行政部门 arranges: the list is a county's."""
    division = DIVISIONS.get(organisation)
    if division is not None and division.level == "county":
        return None
    message = "适龄儿童由户籍所在地县级教育行政部门安排入学"
    return refuse("5.2", "child.not_a_county", message, cure="由县（市、区）教育行政部门的账号办理")


def _age(f: ChildFacts) -> int:
    return age_at_cutoff(f.birth_date, f.school_year, f.parameters.age_cutoff)


def _cutoff(f: ChildFacts) -> str:
    cutoff = f.parameters.age_cutoff
    return f"{f.school_year}年{cutoff.month}月{cutoff.day}日"
