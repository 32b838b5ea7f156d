"""What is asked of a pupil who goes to a school of another province (Article 24). Pure.

The rules are the same ones: those that speak of the pupil and of the school that is left are judged here. Those of the
receiving school (its size, its classes, its ratio) nobody here can know: the other province answers for them with its paper,
and so it does for a 原则上 rule, which is the receiving authority's to decide on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date

import msgspec
from regulation.divisions import PROVINCE, PROVINCE_NAMES
from regulation.findings import decide, note, passed, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_calendar import Terms
from regulation.school_year import SchoolSystem, Stage, grade_name
from shared_contracts.decisions import Decision, Finding, Outcome
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.holds import Covers, Pupil, School
from shared_contracts.outside_transfers import OutsideDocument, OutsideSchool, Side
from shared_contracts.transfer import GROUND_TITLES, Application, Ground, Step

from transfer.rules import barred, grounds, placement, times
from transfer.rules.case import Case, Seen, day_title
from transfer.rules.evidence import Paper, Papers
from transfer.rules.judge import Begun, nothing_to_judge_of, still_the_same
from transfer.rules.kind import outside_steps

HERE = PROVINCE[:2]
PAPER = "外省出具的书面材料（转学联系函、接收证明或核准文件）"
PAPERS = Papers(clause="24.5.1", papers=(Paper(kinds=(EvidenceKind.OFFICIAL_DOCUMENT,), title=PAPER),))
"""All that is asked for here: what the family has brought lies with the other province."""
NOT_ACROSS = (Ground.HOUSE_PURCHASE, Ground.SPECIAL_SCHOOL)
"""Grounds that cannot lead to another province: a house within the county; 专门学校, where the record need not go."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What the other province asks for. `grade`: into which it takes the pupil."""

    application: Application
    school: OutsideSchool
    grade: int
    document: OutsideDocument


@clause("24.1.3", "24.5.1")
def list_of_papers(side: Side | None) -> Papers | None:
    """What may be asked for of whoever goes to another province; None: the ground's own list, also of whoever comes from
    there, whose papers our school has."""
    return PAPERS if side == "to" else None


def province_name(division: str) -> str:
    return PROVINCE_NAMES.get(division[:2], division)


# ---- the paper and the school ------------------------------------------------------------------------------------------


@clause("24.5.1")
def of_another_province(school: OutsideSchool) -> tuple[Finding, ...]:
    """A school of another province with its authority, as its paper names it."""
    found = []
    if school.division[:2] == HERE:
        message = "填写的是本省的行政区划代码，本省学校之间转学由转入学校在系统中发起"
        cure = "核对外省学校所在县（市、区）的6位行政区划代码"
        found.append(refuse("24.5.1", "outside.own_province", message, cure=cure, fields=("school.division",)))
    elif school.division[:2] not in PROVINCE_NAMES or not (school.division.isdigit() and len(school.division) == 6):
        cure = "按国家行政区划代码（GB/T 2260）填写外省学校所在县（市、区）的6位代码"
        found.append(
            refuse("24.5.1", "outside.division", "没有这个行政区划代码", cure=cure, fields=("school.division",))
        )
    empty = [name for name in ("name", "authority") if not getattr(school, name).strip()]
    if empty:
        message = "没有写明外省学校或其主管教育行政部门的全称"
        fields = tuple(f"school.{name}" for name in empty)
        found.append(refuse("24.5.1", "outside.not_named", message, cure="按外省出具的材料填写全称", fields=fields))
    return tuple(found)


@clause("24.5.1")
def has_a_paper(document: OutsideDocument, evidence: Sequence[EvidenceGiven], today: date) -> tuple[Finding, ...]:
    """What the other province says is said by a paper: its number, its day (not after today), who issued it, and itself."""
    found = []
    empty = [name for name in ("number", "issuer") if not getattr(document, name).strip()]
    if empty:
        fields = tuple(f"document.{name}" for name in empty)
        message = "没有写明外省材料的文号或出具单位"
        found.append(refuse("24.5.1", "outside.document", message, cure="按材料填写文号和出具单位", fields=fields))
    if document.issued_on > today:
        message = f"外省材料的日期（{day_title(document.issued_on)}）晚于今天"
        cure = "按材料上的日期填写"
        found.append(
            refuse("24.5.1", "outside.document_day", message, cure=cure, fields=("document.issued_on",))
        )  # fmt: skip
    if not any(one.kind is EvidenceKind.OFFICIAL_DOCUMENT for one in evidence):
        message = f"缺：{PAPER}"
        cure = "上传扫描件，材料种类选“教育行政部门文件”"
        found.append(refuse("24.5.1", "outside.paper_missing", message, cure=cure, fields=("evidence",)))
    return tuple(found) or (passed("24.5.1", "outside.paper", f"有{PAPER}"),)


@clause("24.5.1")
def by_its_paper(step: Step, side: Side | None) -> Finding | None:
    """The other province's steps are not decided by anybody here: its paper is entered."""
    if step not in outside_steps(side):
        return None
    message = "这一环节由外省的学校或主管部门决定，须录入外省出具的书面材料"
    cure = "由省教育厅的工作人员选择“录入外省决定”，填写文号、日期、出具单位并上传扫描件"
    return refuse("24.5.1", "outside.by_paper", message, cure=cure, fields=("step",))


@clause("24.5.1")
def not_ours(step: Step, side: Side | None) -> Finding | None:
    """Nobody enters for another province what an organisation of ours decides."""
    if step in outside_steps(side):
        return None
    message = "这一环节由本省的学校或主管部门自己办理，不能代为录入"
    return refuse("24.5.1", "outside.not_outside", message, cure="由办理单位的账号登录后办理", fields=("step",))


# ---- a pupil of ours goes ------------------------------------------------------------------------------------------------


@clause("24.6.2")
def into_the_same_grade(grade: int | None, wanted: int) -> Finding:
    """同年级互转: the other province takes the pupil into the grade of now."""
    if grade is None:
        message, cure = "学生现在没有就读年级和班级，不能确定转入年级", "由原就读学校先安排班级"
        return refuse("24.6.2", "grade.unknown", message, cure=cure)
    if grade != wanted:
        message = f"转学实行同年级互转：学生就读{grade_name(grade)}，外省学校申请转入{grade_name(wanted)}"
        cure = "请外省学校按学生的就读年级重新出具材料，不得跳级、留级"
        return refuse("24.6.2", "grade.other", message, cure=cure, fields=("grade",), grade=grade, wanted=wanted)
    return passed("24.6.2", "grade.same", f"转入{grade_name(grade)}，就读年级不变", grade=grade)


@clause("24.1.2", "24.4")
def ground_leads_outside(application: Application) -> tuple[Finding, ...]:
    """Which grounds there are for another province; the record always goes along (24.6.1)."""
    found = []
    if application.ground in NOT_ACROSS:
        clause_id = "24.1.2" if application.ground is Ground.HOUSE_PURCHASE else "24.4"
        message = f"“{GROUND_TITLES[application.ground]}”不适用于转往外省"
        cure = "按户籍迁移、居住地变更、随迁子女或特殊教育互转申请；进入外省专门学校的，学籍保留在原学校，不办理转学"
        found.append(refuse(clause_id, "ground.not_across", message, cure=cure, fields=("ground",)))
    if not application.record_moves:
        message = "转往外省的，学籍随学生转出"
        cure = "选择学籍转出；学籍需要保留在原学校的，不办理转学"
        found.append(refuse("24.6.1", "record.must_move", message, cure=cure, fields=("record_moves",)))
    return tuple(found)


Rule = Callable[[Case], Finding | Iterable[Finding] | None]
RULES: tuple[Rule, ...] = (
    grounds.one_change_at_a_time,  # 23
    grounds.household_has_moved,  # 24.1.1
    grounds.residence_has_changed,  # 24.1.2
    barred.not_alone_in_the_household,  # 24.3.1
    barred.not_in_the_first_term,  # 24.3.3
    barred.not_while_suspended,  # 24.3.4
    placement.ground_fits_the_schools,  # 24.4
    times.not_before_it_is_done,  # 24.6.1
    times.nothing_to_pay,  # 24.6.3
    times.not_in_the_freeze,  # 24.6.4
)
"""Of `transfer.rules.judge.RULES`, those whose facts are known here. What lies within a county or a city (24.1.2, 24.3.2,
24.3.3, 24.6.4) does not lie in another province."""


@clause("24.5.1")
def judge_leaving(
    pupil: Pupil | None,
    asked: Asked,
    covers: Covers,
    parameters: Parameters,
    terms: Sequence[Terms],
    today: date,
    *,
    entered_on: date | None = None,
) -> Decision:
    """May this pupil go to that school? `terms`, `parameters`: of the pupil's school. `today`: the day of the
    application, also when it is corrected later; `entered_on`: of its paper's being entered, where that is another one."""
    if (missing := nothing_to_judge_of(pupil)) is not None:
        return decide(missing, policy_version=parameters.version)
    assert pupil is not None
    to = as_school(asked.school, pupil)
    case = Case(
        pupil=pupil,
        to=to,
        room=None,
        covers=covers,
        application=asked.application,
        parameters=parameters,
        terms=terms,
        today=today,
    )
    found = decide(
        of_another_province(asked.school),
        has_a_paper(asked.document, asked.application.evidence, entered_on or today),
        *(rule(case) for rule in RULES),
        ground_leads_outside(asked.application),
        into_the_same_grade(pupil.grade, asked.grade),
        policy_version=parameters.version,
    )
    return decide(*(_answered_there(one, asked.school) for one in found.findings), policy_version=parameters.version)


@clause("24.5.1")
def judge_leaving_again(
    pupil: Pupil | None, school: OutsideSchool, parameters: Parameters, today: date, begun: Begun
) -> Decision:
    """When one of ours approves: the pupil is still there, in no lower grade, and not suspended."""
    if (missing := nothing_to_judge_of(pupil)) is not None:
        return decide(missing, policy_version=parameters.version)
    assert pupil is not None
    seen = Seen(
        pupil=pupil, to=as_school(school, pupil), room=None, covers=Covers(), parameters=parameters, today=today
    )  # fmt: skip
    return decide(
        barred.not_while_suspended(seen), still_the_same(seen, begun), policy_version=parameters.version
    )  # fmt: skip


def as_school(school: OutsideSchool, pupil: Pupil) -> School:
    """What is known of it, for rules that look at both schools: no entry grades, no room."""
    return as_school_of(school, system=pupil.school.system)


def as_school_of(school: OutsideSchool, *, code: str = "", system: str = "") -> School:
    """The same where no pupil of ours says anything. `code`: under which the case has it."""
    return School(
        code=code,
        name=school.name,
        authority="",
        authority_name=school.authority,
        superior="",
        division=school.division,
        school_type="",
        stages=tuple(Stage),
        system=system or SchoolSystem.SIX_THREE,
        ownership="",
        locality="",
        special_education=school.special_education,
    )


def _answered_there(finding: Finding, school: OutsideSchool) -> Finding:
    """A 原则上 rule is the receiving authority's to decide on: it is told, and its paper is the answer."""
    if finding.outcome is not Outcome.NEEDS_OVERRIDE or finding.clause is None:
        return finding
    cure = f"由{school.authority}决定，以其出具的核准文件为准"
    return note(finding.clause, finding.code, finding.message, cure=cure, fields=finding.fields, **finding.facts)
