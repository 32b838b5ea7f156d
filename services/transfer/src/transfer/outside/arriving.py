"""What is asked of a child who comes from a school of another province (Article 24). Pure.

The rules are those of every transfer, over what the application says of the child and what is known of our school. What only
a record could say (a suspension, another open change) the other province answers for with its papers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date
from typing import Any

import msgspec
from regulation.documents import DocumentKind, normalise, read_resident
from regulation.findings import decide, note, passed, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_calendar import Terms
from regulation.school_year import GRADES, SchoolSystem, age_at_cutoff, grade_name, school_year_of_entry, stage_of
from shared_contracts.decisions import Decision, Finding
from shared_contracts.holds import ChangeFacts, ComingChild, Pupil
from shared_contracts.outside_transfers import OutsideSchool
from shared_contracts.transfer import GROUND_TITLES, Application, Ground

from transfer.outside.policy import NOT_ACROSS, as_school_of, of_another_province
from transfer.rules import barred, evidence, grounds, placement, places, private, times
from transfer.rules.case import Case, Intake
from transfer.rules.judge import nothing_to_judge

LETTERS = ("G", "L", "J")
FORMAL = "G"


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """What the school and the guardian say. `child`: None of a correction, which says nothing of who it is."""

    application: Application
    school: OutsideSchool
    child: ComingChild | None


def as_pupil(
    name: str, birth_date: date, application: Application, school: OutsideSchool, grade: int, *, at: str
) -> Pupil:
    """The child as the application has it. Whether it was mainstreamed there, the other province answers for (24.4)."""
    return Pupil(
        student_id="",
        person_id="",
        name=name.strip(),
        birth_date=birth_date,
        state="in_school",
        live=True,
        stage=stage_of(grade, SchoolSystem.SIX_THREE) if grade in GRADES else "",
        grade=grade,
        class_no=None,
        placement="ordinary",
        mainstreamed=application.ground is Ground.SPECIAL_EDUCATION,
        school=as_school_of(school, code=at),
        at_school_since=None,
    )


# ---- the number that the other province has given --------------------------------------------------------------------------


def number_kind(number: str) -> str:
    """G, L or J; empty where none is said."""
    return normalise(number)[:1]


def temporary_number(number: str) -> str:
    """By which identity finds the child from then on; a formal number is found by its document."""
    text = normalise(number)
    return text if text[:1] in LETTERS and text[:1] != FORMAL else ""


def former_number(number: str) -> str:
    """What is kept of it with the case: nothing that has an identity number in it, which identity alone keeps."""
    text = normalise(number)
    return "" if text[:1] == FORMAL or read_resident(text[1:]) else text


@clause("15.3")
def number_fits(number: str, child: ComingChild) -> Finding:
    """A formal number is G and the identity number, in every province: what is issued here after a match is the same."""
    text, fields = normalise(number), ("number",)
    if not text:
        message, cure = "没有填写外省学籍号", "不影响申请；建籍后由系统按公安比对结果发放学籍号"
        return note("15.3", "number.none", message, cure=cure, fields=fields)
    if (
        text[0] not in LETTERS
        or len(text) != 19
        or not (text[1:18].isdigit() and (text[18].isdigit() or text[18] == "X"))
    ):
        message = "外省学籍号应为G、L或J加18位号码"
        return refuse("15.3", "number.form", message, cure="按外省学籍证明填写；不清楚的可以不填", fields=fields)
    if text[0] != FORMAL:
        message = f"外省学籍号为{text[0]}开头的临时学籍号，建籍后由本省按公安比对结果发放学籍号"
        return note("15.3", "number.temporary", message, fields=fields)
    if child.document_kind != DocumentKind.RESIDENT or normalise(child.document_number) != text[1:]:
        message = "外省学籍号（G加身份证号）与填写的证件号码不一致"
        cure = "核对身份证和外省学籍证明；外省学籍登记有误的，由外省先行更正"
        return refuse("15.3", "number.other_document", message, cure=cure, fields=("number", "child.document_number"))
    return passed("15.3", "number.same", "外省学籍号与证件号码一致，正式学籍号终身不变", fields=fields)


@clause("15.3", "15.4")
def other_number(there: str, here: str) -> Finding | None:
    """The other province has a formal number and ours is temporary: one of the two has the child's data wrong."""
    if there != FORMAL or here == FORMAL:
        return None
    message = "外省学籍号为正式学籍号（G），本省公安比对未通过，发放的是临时学籍号（L）"
    cure = (
        "核对姓名、性别、出生日期与户口簿是否一致；核实后由主管教育行政部门写明原因处理，比对通过后自动转为正式学籍号"
    )
    return refuse("15.3", "number.differs", message, cure=cure, there=there, here=here)


# ---- the child ------------------------------------------------------------------------------------------------------------


@clause("20.2", "24.6.2")
def grade_by_age(birth_date: date, grade: int, parameters: Parameters, today: date) -> Finding:
    """非新生注册学籍须按其年龄对应的年级注册: as the registration will ask, before anybody has approved. A grade below the
    age may be a disabled child's (5.1), which the registration sees."""
    year = school_year_of_entry(today.year, today.month)
    by_age = age_at_cutoff(birth_date, year, parameters.age_cutoff) - parameters.entry_age + 1
    facts: dict[str, Any] = {"grade": grade, "by_age": by_age, "tolerance": parameters.grade_age_tolerance}
    fields = ("child.birth_date", "grade")
    said = grade_name(by_age) if by_age in GRADES else "学前" if by_age < 1 else "初中毕业以后"
    seen = f"按年龄对应{said}，申请转入{grade_name(grade)}"
    if grade - by_age > parameters.grade_age_tolerance:
        cure = "核对出生日期和就读年级；须按年龄对应的年级注册学籍"
        return refuse("20.2", "age.grade_above", seen, cure=cure, fields=fields, **facts)
    if by_age - grade > parameters.grade_age_tolerance:
        cure = "核对出生日期和就读年级；残疾学生建籍时填写残疾类型，其他学生建籍时不予登记"
        return note("20.2", "age.grade_below", seen, cure=cure, fields=fields, **facts)
    return passed("20.2", "age.grade_fits", seen, **facts)


@clause("24.1.2", "24.4", "24.6.1")
def ground_leads_here(application: Application) -> tuple[Finding, ...]:
    found = []
    if application.ground in NOT_ACROSS:
        clause_id = "24.1.2" if application.ground is Ground.HOUSE_PURCHASE else "24.4"
        message = f"“{GROUND_TITLES[application.ground]}”不适用于由外省转入"
        cure = "按户籍迁移、居住地变更、随迁子女或特殊教育互转申请"
        found.append(refuse(clause_id, "ground.not_across", message, cure=cure, fields=("ground",)))
    if not application.record_moves:
        message, cure = "由外省转入的，学籍随学生转入", "选择学籍转入本校"
        found.append(refuse("24.6.1", "record.must_move", message, cure=cure, fields=("record_moves",)))
    return tuple(found)


Rule = Callable[[Case], Finding | Iterable[Finding] | None]
RULES: tuple[Rule, ...] = (
    grounds.household_has_moved,  # 24.1.1
    grounds.residence_has_changed,  # 24.1.2
    grounds.county_places_migrants,  # 24.1.3
    lambda case: evidence.evidence_given(case.application),  # 24.1.1 to 24.1.3, 24.4
    places.not_into_a_large_school,  # 24.2.1
    places.a_class_has_room,  # 24.2.2
    barred.not_alone_in_the_household,  # 24.3.1
    private.within_the_ratio,  # 24.3.1
    barred.signs_of_choosing,  # 24.3.1
    barred.not_in_the_first_term,  # 24.3.3
    placement.ground_fits_the_schools,  # 24.4
    placement.placed_there,  # 24.4
    places.placed_nearby,  # 24.5.2
    private.private_school_has_a_place,  # 24.5.3
    times.not_before_it_is_done,  # 24.6.1
    placement.same_grade,  # 24.6.2
    times.nothing_to_pay,  # 24.6.3
    times.not_in_the_freeze,  # 24.6.4
)
"""Of `transfer.rules.judge.RULES`, those whose facts are known here. What lies within a county or a city (24.1.2, 24.3.2,
24.3.3, 24.6.4) does not lie in another province."""


@clause("15.2", "20.1", "24.5.1")
def judge_coming(
    facts: ChangeFacts,
    given: Given,
    parameters: Parameters,
    terms: Sequence[Terms],
    today: date,
    intake: Intake | None = None,
) -> Decision:
    """May this child come to that school? `facts`: with the child as its pupil; `terms`: of our school's division; `today`:
    the day of the application, also when it is corrected later."""
    if (missing := nothing_to_judge(facts)) is not None:
        return decide(missing, policy_version=parameters.version)
    pupil, application, child = facts.pupil, given.application, given.child
    assert pupil is not None and facts.to is not None and pupil.grade is not None
    case = Case(
        pupil=pupil,
        to=facts.to,
        room=facts.room,
        covers=facts.covers,
        application=application,
        parameters=parameters,
        terms=terms,
        today=today,
        intake=intake,
    )
    return decide(
        facts.said,  # 12, 15.2, 20.1, 23
        None if child is None else number_fits(application.number, child),  # 15.3
        grade_by_age(pupil.birth_date, pupil.grade, parameters, today),  # 20.2
        of_another_province(given.school),
        *(rule(case) for rule in RULES),
        ground_leads_here(application),
        policy_version=parameters.version,
    )
