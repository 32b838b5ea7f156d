"""May this pupil be registered at this school, in this grade? Pure rules in the order of the articles.

A decision depends on a handful of coarse facts (the school's kind, the age on 31 August, the grade, the kind
of document), never on who the child is. So `decide` reduces the facts to a `Situation` and remembers the
decision: a roster of 20,000 rows has a few dozen situations, and equal ones share one `Decision` object.

Those rules that are about entering a school stand in `entering`; at their place in `RULES`, as all. Class sizes (11) are
for the assignment to classes; what a registration would make of one is noted when it is admitted (`intake.admit`).
"""

from __future__ import annotations

import calendar
import functools
from collections.abc import Callable, Collection
from datetime import date
from typing import Any

import msgspec
from regulation.codetables import DOCUMENT_KIND
from regulation.documents import FOREIGN, DocumentKind
from regulation.findings import decide as together
from regulation.findings import note, passed, refuse
from regulation.mark import clause
from regulation.school_year import age_at_cutoff, grade_name
from shared_contracts.decisions import Decision, Finding, Outcome

from registry.registration import entering
from registry.registration.situation import PLACEMENT_TITLES as PLACEMENT_TITLES  # noqa: PLC0414 - offered here too
from registry.registration.situation import Enrolment as Enrolment  # noqa: PLC0414
from registry.registration.situation import Kind as Kind  # noqa: PLC0414
from registry.registration.situation import PersonFacts as PersonFacts  # noqa: PLC0414
from registry.registration.situation import Placement as Placement  # noqa: PLC0414
from registry.registration.situation import RegistrationFacts, Situation, entry_day, transfer_of
from registry.registration.situation import registration_kind as registration_kind  # noqa: PLC0414
from registry.registration.situation import registration_year as registration_year  # noqa: PLC0414

NO_DISABILITY = "1"
"""CJLX_FORM: 无残疾."""

_NOT_CHINESE = frozenset({"00", "41", "51", "99"})
"""GATQW: 否, 外籍华裔人, 外国人, 其他: a passport held by these is a foreign one."""

_OVERSEAS_OF_DOCUMENT = {
    "6": (frozenset({"01", "02"}), "01（香港同胞）或02（香港同胞亲属）"),
    "7": (frozenset({"03", "04"}), "03（澳门同胞）或04（澳门同胞亲属）"),
    "8": (frozenset({"05", "06"}), "05（台湾同胞）或06（台湾同胞亲属）"),
}


def decide(facts: RegistrationFacts) -> Decision:
    """All findings, passes too, in article order, and the version of the parameters."""
    school, parameters = facts.school, facts.parameters
    stage = facts.stage
    enrolment = None if stage is None else facts.enrolment.get(stage)
    return _decide(
        Situation(
            school_type=school.school_type,
            stages=school.stages,
            system=school.system,
            private=school.ownership == "private",
            special=school.special,
            accepts_international=school.accepts_international,
            age=age_at_cutoff(facts.birth_date, facts.school_year, parameters.age_cutoff),
            grade=facts.grade,
            stage=stage,
            kind=facts.kind,
            document_kind=facts.document_kind,
            overseas=facts.overseas,
            placement=facts.placement,
            disabled=facts.disability != NO_DISABILITY,
            enrolled_month=facts.enrolled_month,
            enters_on=entry_day(facts.enrolled_month, facts.applied_on or facts.today),
            late=facts.today > entry_deadline(facts.enrolled_month, parameters.registration_months),
            school_year=facts.school_year,
            parameters=parameters,
            planned=None if enrolment is None else enrolment.places,
            scheme=enrolment is None or enrolment.scheme,
            place=facts.place,
            asked=facts.person is not None,
            finished=None if facts.person is None else facts.person.finished,
            way=None if facts.person is None else facts.person.way,
            admitted=facts.person is not None and facts.person.admission_id is not None,
            awaited=facts.awaited,
            transfer=transfer_of(facts.arrival, school.code),
            transfer_grade=None if facts.arrival is None else facts.arrival.grade,
            transfer_placement="" if facts.arrival is None else facts.arrival.placement,
        )
    )


@clause("24.6.1")
def waiting(facts: RegistrationFacts, awaited: Collection[int]) -> RegistrationFacts:
    """Before identity has said who the pupil is. `awaited`: grades in which the school awaits some child of another province;
    what is asked of new pupils in one of them, and would be refused, waits until it is known who this is."""
    if facts.kind == "new" and facts.grade in awaited and decide(facts).refused:
        return msgspec.structs.replace(facts, awaited=True)
    return facts


def refusals(facts: RegistrationFacts) -> tuple[Finding, ...]:
    """What of the decision refuses, nothing where it is taken."""
    return tuple(finding for finding in decide(facts).findings if finding.outcome is Outcome.REFUSE)


@functools.lru_cache(maxsize=16_384)
def _decide(situation: Situation) -> Decision:
    return together(*(rule(situation) for rule in RULES), policy_version=situation.parameters.version)


@functools.lru_cache(maxsize=1_024)
def entry_deadline(enrolled_month: str, months: int) -> date:
    """The last day of the month that is `months` after enrolment: the form knows no day (clause 13.1)."""
    year, month = divmod(int(enrolled_month[:4]) * 12 + int(enrolled_month[4:]) - 1 + months, 12)
    return date(year, month + 1, calendar.monthrange(year, month + 1)[1])


# ---- the rules, in article order ----------------------------------------------------------------------------


@clause("2")
def school_carries_grade(s: Situation) -> Finding:
    facts: dict[str, Any] = {"school_type": s.school_type, "stages": s.stages, "system": s.system, "grade": s.grade}
    if s.stage is None:
        stages = "、".join(stage.zh for stage in s.stages)
        message = f"本校学段为{stages}（{s.system}学制），不设{grade_name(s.grade)}"
        cure = "核对年级；确为该年级学生的，由设有该年级的学校办理"
        return refuse("2", "school.grade_not_carried", message, cure=cure, fields=("grade",), **facts)
    return passed("2", "school.grade_carried", f"本校设有{grade_name(s.grade)}", **facts)


@clause("5.1")
def age_in_range(s: Situation) -> Finding | None:
    """The upper end for all; the lower one for supplementary registrations (of new ones clause 20.2 speaks)."""
    p = s.parameters
    last = p.disabled_last_age if s.disabled else p.last_age
    whose = "残疾儿童、少年" if s.disabled else "适龄儿童、少年"
    seen = f"{s.counted_on}为{s.age}周岁，{whose}的年龄范围为{p.entry_age}-{last}周岁"
    facts: dict[str, Any] = {"age": s.age, "from": p.entry_age, "to": last, "disabled": s.disabled}
    if s.age > last:
        cure = "核对出生日期和残疾类型；年龄确已超出的，不属于义务教育学籍范围"
        return refuse("5.1", "age.too_old", seen, cure=cure, fields=("birth_date",), **facts)
    if s.age < p.entry_age and s.kind == "new":
        return None
    if s.age < p.entry_age:
        cure = "核对出生日期和年级"
        return refuse("5.1", "age.too_young", seen, cure=cure, fields=("birth_date",), **facts)
    return passed("5.1", "age.in_range", seen, **facts)


@clause("9")
def foreign_pupil_at_qualified_school(s: Situation) -> Finding:
    """A permanent-residence card, or a passport that is not an overseas Chinese's, is a foreign pupil's."""
    foreign = s.document_kind in FOREIGN and (s.document_kind != DocumentKind.PASSPORT or s.overseas in _NOT_CHINESE)
    facts: dict[str, Any] = {
        "document_kind": s.document_kind,
        "overseas": s.overseas,
        "qualified": s.accepts_international,
    }
    if not foreign:
        return passed("9", "foreign.not_foreign", "不是国际学生", **facts)
    if not s.accepts_international:
        title = _document(s)
        message = f"国际学生（{title}）只能在有接收国际学生资格的学校就读，本校没有该资格"
        cure = "由有接收资格的学校办理；本校已取得资格的，请主管教育行政部门更新学校信息"
        fields = ("document_kind", "overseas")
        return refuse("9", "foreign.school_not_qualified", message, cure=cure, fields=fields, **facts)
    message = "本校有接收国际学生资格，须经学校和主管教育行政部门同意"
    return passed("9", "foreign.school_qualified", message, **facts)


@clause("13.1")
def entered_in_time(s: Situation) -> Finding:
    """Being late is the school's failing, never the child's: a note, no refusal."""
    months = s.parameters.registration_months
    deadline = entry_deadline(s.enrolled_month, months)
    year, month = s.enrolled_month[:4], int(s.enrolled_month[4:])
    seen = f"{year}年{month}月入学，应在入学后{months}个月内建籍（最迟{day_title(deadline)}）"
    facts: dict[str, Any] = {"enrolled_month": s.enrolled_month, "deadline": deadline.isoformat()}
    if s.late:
        cure = "尽快办结，并向主管教育行政部门说明原因"
        return note("13.1", "entry.late", f"{seen}，现已逾期", cure=cure, fields=("enrolled_month",), **facts)
    return passed("13.1", "entry.in_time", seen, **facts)


@clause("17")
def placement_fits(s: Situation) -> Finding:
    title = PLACEMENT_TITLES[s.placement]
    facts: dict[str, Any] = {"placement": s.placement, "disabled": s.disabled, "school_type": s.school_type}
    if s.placement != "ordinary" and not s.disabled:
        cure = "填写残疾类型；没有残疾的，改为普通就读"
        message = f"{title}须填写残疾类型"
        return refuse("17", "placement.no_disability", message, cure=cure, fields=("disability",), **facts)
    if s.placement == "special_school" and not s.special:
        cure = "改为随班就读或送教上门，或由特殊教育学校建籍"
        message = "本校不是特殊教育学校"
        return refuse("17", "placement.not_special", message, cure=cure, fields=("placement",), **facts)
    if s.special and s.placement in ("ordinary", "mainstreamed"):
        cure = "填写残疾类型，就读形式为特殊教育学校就读或送教上门"
        message = f"特殊教育学校的学生不能登记为{title}"
        fields = ("disability", "placement")
        return refuse("17", "placement.special", message, cure=cure, fields=fields, **facts)
    if s.placement == "ordinary" and s.disabled:
        cure = "在普通学校随班就读的残疾学生，请标注随班就读"
        message = "登记了残疾类型，但没有标注随班就读"
        return note("17", "placement.unmarked", message, cure=cure, fields=("placement",), **facts)
    return passed("17", "placement.fits", f"由本校建籍，就读形式为{title}", **facts)


@clause("20.2")
def grade_fits_age(s: Situation) -> Finding:
    """No new registration under the entry age; every other registration in the grade that the age gives."""
    p = s.parameters
    given = s.age - p.entry_age + 1
    facts: dict[str, Any] = {"age": s.age, "grade": s.grade, "grade_by_age": given, "tolerance": p.grade_age_tolerance}
    fields = ("birth_date", "grade")
    if s.kind == "new" and s.grade == 1:
        if given < 1:
            message = f"{s.counted_on}为{s.age}周岁，不满{p.entry_age}周岁，不足入学年龄，不得进行新生注册"
            cure = f"核对出生日期；确未满{p.entry_age}周岁的，达到入学年龄后再注册"
            return refuse("20.2", "age.under_entry", message, cure=cure, fields=("birth_date",), **facts)
        if given - 1 > p.grade_age_tolerance and not s.disabled:
            message = f"{s.counted_on}已{s.age}周岁，明显超过入学年龄"
            cure = "核对出生日期和年级；延缓入学的，留存批准材料（第六条）"
            return note("20.2", "age.late_entry", message, cure=cure, fields=fields, **facts)
        return passed("20.2", "age.at_entry", f"{s.counted_on}为{s.age}周岁，已达到入学年龄", **facts)
    by_age = "学前" if given < 1 else grade_name(given) if given <= 9 else "初中毕业以后"
    seen = f"{s.counted_on}为{s.age}周岁，按年龄对应{by_age}，登记的是{grade_name(s.grade)}"
    # A disabled child may have started later (clause 5.1): a grade below the age is no contradiction then.
    above = s.grade - given > p.grade_age_tolerance
    below = given - s.grade > p.grade_age_tolerance and not s.disabled
    if above or below:
        allowed = f"允许相差{p.grade_age_tolerance}个年级" if p.grade_age_tolerance else "须与年龄一致"
        cure = f"核对出生日期和年级，按年龄对应的年级登记（{allowed}）"
        return refuse("20.2", "age.grade_mismatch", seen, cure=cure, fields=fields, **facts)
    return passed("20.2", "age.grade_fits", seen, **facts)


@clause("50")
def document_fits_overseas(s: Situation) -> Finding:
    """The document and 港澳台侨外 must tell one story; only resident identity cards are matched."""
    facts: dict[str, Any] = {"document_kind": s.document_kind, "overseas": s.overseas}
    fields = ("overseas", "document_kind")
    title = _document(s)
    if s.document_kind == DocumentKind.RESIDENT:
        if s.overseas in ("41", "51"):
            cure = "核对身份证件类型和港澳台侨外；外籍学生使用护照或境外永久居住证"
            message = "外籍学生不持有居民身份证"
            return refuse("50", "overseas.foreigner_with_id", message, cure=cure, fields=fields, **facts)
        return passed("50", "overseas.resident", "持居民身份证，参加公安人口信息比对", **facts)
    wanted, names = _OVERSEAS_OF_DOCUMENT.get(s.document_kind, (frozenset(), ""))
    if wanted and s.overseas not in wanted:
        message = f"证件是{title}，与港澳台侨外的填写不符"
        cure = f"港澳台侨外填{names}，或更正身份证件类型"
        return refuse("50", "overseas.mismatch", message, cure=cure, fields=fields, **facts)
    if s.document_kind in FOREIGN and s.overseas == "00":
        message = f"证件是{title}，但港澳台侨外填了“否”"
        cure = "按实际填写港澳台侨外（如11华侨、41外籍华裔人、51外国人）；其他中国公民使用居民身份证"
        return refuse("50", "overseas.missing", message, cure=cure, fields=fields, **facts)
    evidence = "，须上传在读证明" if s.document_kind == DocumentKind.OTHER else ""
    message = f"{title}不参加公安人口信息比对，发放L开头的临时学籍号{evidence}"
    return note("50", "overseas.not_matchable", message, fields=("document_kind",), **facts)


RULES: tuple[Callable[[Situation], Finding | None], ...] = (
    school_carries_grade,  # 2
    entering.in_the_enrolment_window,  # 4.1
    entering.within_the_plan,  # 4.3
    age_in_range,  # 5.1
    entering.scheme_approved,  # 8
    foreign_pupil_at_qualified_school,  # 9
    entering.not_finished_before,  # 12
    entered_in_time,  # 13.1
    placement_fits,  # 17
    entering.on_a_ground,  # 16, 19
    grade_fits_age,  # 20.2
    entering.of_a_transfer,  # 24.6.1, 24.6.2
    document_fits_overseas,  # 50
)


def _document(s: Situation) -> str:
    entry = DOCUMENT_KIND.get(s.document_kind)
    return entry.name if entry else s.document_kind


def day_title(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"
