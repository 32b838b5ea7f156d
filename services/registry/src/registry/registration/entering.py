"""Rules of registration that are about entering a school (Chapter 2 and clause 19), in article order; see `policy.RULES`."""

from __future__ import annotations

from typing import Any

from regulation.findings import note, passed, refuse
from regulation.mark import clause
from regulation.school_year import GRADES, Stage, grade_name
from shared_contracts.decisions import Finding

from registry.enrolment.ways import TITLES
from registry.registration.situation import PLACEMENT_TITLES, Situation

_FINISHED = {"graduated": "毕业", "completed": "结业"}


@clause("4.1", "10.1")
def in_the_enrolment_window(s: Situation) -> Finding | None:
    """New pupils enter in the autumn window, its first and last day included (which day that is: `situation.entry_day`).

    Whoever was admitted has been judged by the day of that: in a month of the window he may come after its last day. Of
    one who does nothing is said as long as identity has not said who it is: only then is an admission found.
    """
    if s.kind != "new" or _may_be_awaited(s):
        return None
    begin, end = (day.in_year(s.school_year) for day in (s.parameters.enrolment_from, s.parameters.enrolment_to))
    window = f"{s.school_year}年{begin.month}月{begin.day}日至{end.month}月{end.day}日"
    entered = f"{s.enrolled_month[:4]}年{int(s.enrolled_month[4:])}月入学"
    day = s.enters_on
    facts: dict[str, Any] = {"enrolled_month": s.enrolled_month, "day": str(day), "from": str(begin), "to": str(end)}
    if begin <= day <= end:
        return passed("4.1", "enrolment.in_window", f"{entered}，在秋季招生期间（{window}）内", **facts)
    if day.replace(day=1) <= end < day and not s.asked:
        return None
    if day.replace(day=1) <= end < day and s.admitted:
        message = f"{entered}，已在秋季招生期间（{window}）录取，推迟报到不是重新招收"
        return passed("4.1", "enrolment.admitted_in_window", message, **facts)
    if day > end and day.year > s.school_year:
        cure = f"{s.school_year + 1}年秋季新生在新学年（8月1日起）办理建籍；入学年月有误的，请更正"
    else:
        cure = "核对入学年月；转入的学生由转学办理，复学、延期报到的学生不重新招收"
    message = f"{entered}（按{day.month}月{day.day}日），不在秋季招生期间（{window}）内，不得招收新生"
    return refuse("4.1", "enrolment.outside_window", message, cure=cure, fields=("enrolled_month",), **facts)


@clause("4.3")
def within_the_plan(s: Situation) -> Finding | None:
    """New pupils by the plan in force; whoever has been admitted has his place already. Counted under lock when it counts:
    see `intake.seat`."""
    if s.kind != "new" or s.stage is None or _may_be_awaited(s):
        return None
    plan = f"{s.school_year}年秋季{s.stage.zh}招生计划"
    facts: dict[str, Any] = {"school_year": s.school_year, "stage": s.stage, "places": s.planned}
    if s.admitted:
        return passed("4.3", "plan.place_of_admission", f"已按{plan}录取，占有学位", **facts)
    if s.planned is None:
        cure = "由主管教育行政部门下达招生计划并备案后再建籍"
        message = f"本校没有生效的{plan}，不能招收新生"
        return refuse("4.3", "plan.none", message, cure=cure, fields=("grade",), **facts)
    if not s.place:
        cure = "核对名单；确需增加学位的，由学校向主管教育行政部门申请调整招生计划（第四条）"
        message = f"{plan}共{s.planned}个学位，已无空余"
        return refuse("4.3", "plan.full", message, cure=cure, fields=("grade",), **facts)
    return passed("4.3", "plan.within", f"{plan}共{s.planned}个学位，尚有空余", **facts)


@clause("8")
def scheme_approved(s: Situation) -> Finding | None:
    """Of a private school: no new pupil before its scheme of that year is approved."""
    if not s.private or s.kind != "new" or _may_be_awaited(s):
        return None
    facts: dict[str, Any] = {"school_year": s.school_year, "approved": s.scheme}
    if not s.scheme:
        cure = "学校先报送招生方案，由主管教育行政部门审批同意后再建籍"
        message = f"本校（民办）{s.school_year}年招生方案尚未经主管教育行政部门审批"
        return refuse("8", "scheme.not_approved", message, cure=cure, **facts)
    return passed("8", "scheme.approved", f"本校{s.school_year}年招生方案已经审批", **facts)


@clause("11")
def class_above_standard(grade: int, class_no: int, stage: Stage, pupils: int, standard: int) -> Finding | None:
    """A note, never a refusal: the class that a registration names is provisional, and no class is filled above the
    standard size when the grade is assigned. `pupils`: of the class, with those who enter now; see `intake.admit`.
    """
    if pupils <= standard:
        return None
    message = f"{grade_name(grade)}{class_no}班将有{pupils}人，超过{stage.zh}标准班额{standard}人"
    cure = "不影响建籍；由学校通过分班或调班调整，任何班级不超过标准班额"
    return note(
        "11", "class.above_standard", message, cure=cure, fields=("class_no",), pupils=pupils, standard=standard
    )


@clause("11")
def seats_kept_in_the_grade(grade: int, left: int, kept: int) -> Finding | None:
    """A note as well: seats that open transfers hold in a grade are counted where the registrations leave too few of them.
    `left`: seats of the standard size in all classes of the grade, with those who enter now; `kept`: held."""
    if left >= kept:
        return None
    message = f"{grade_name(grade)}各班在标准班额内还剩{left}个学位，少于为办理中的转学保留的{kept}个"
    cure = "不影响建籍；由学校增设班级，或者由主管教育行政部门统筹安排"
    return note("11", "grade.seats_kept", message, cure=cure, fields=("class_no",), left=left, kept=kept)


@clause("12")
def not_finished_before(s: Situation) -> Finding | None:
    """Found by the person of the identity document, never by the name that was filled in."""
    if not s.asked or s.stage is None:
        return None
    facts: dict[str, Any] = {"stage": s.stage, "finished": s.finished}
    if s.finished is not None:
        word = _FINISHED.get(s.finished, "完成学业")
        message = f"该身份证件的学生已经{s.stage.zh}{word}，不得回到{grade_name(s.grade)}重读"
        cure = "核对身份证件号；确已毕业（结业）的，不再建立本学段学籍"
        return refuse("12", "person.finished", message, cure=cure, fields=("document_number",), **facts)
    return passed("12", "person.not_finished", f"没有{s.stage.zh}毕业、结业的记录", **facts)


@clause("16", "19")
def on_a_ground(s: Situation) -> Finding | None:
    """The attendance zone, the county's placement or list, or an admission: whoever has none is registered nowhere."""
    if s.transfer == "here":
        return passed("19", "admission.transfer", "入学依据：外省转入，各方均已核准", transfer=s.transfer)
    if not s.asked or s.kind != "new":
        return None
    facts: dict[str, Any] = {"way": s.way}
    if s.way is None:
        cure = (
            "核对户口所在地和家庭地址；应由本校接收的，由县级教育行政部门统筹安排，"
            "随迁子女由监护人申请就学安排，民办学校先办理录取"
        )
        message = "不在本校服务范围内，也没有统筹安排、随迁子女就学安排或录取记录，不予建立学籍"
        fields = ("household_place", "home_address")
        return refuse("19", "admission.no_ground", message, cure=cure, fields=fields, **facts)
    cited = "16" if s.way == "intake" else "19"
    return passed(cited, "admission.ground", f"入学依据：{TITLES[s.way]}", **facts)


@clause("24.4", "24.6.1", "24.6.2")
def of_a_transfer(s: Situation) -> Finding | None:
    """A child whom a school expects from another province: registered there alone, in the grade of the transfer, placed as it
    says, and not before all have approved."""
    if s.transfer is None:
        return None
    facts: dict[str, Any] = {"transfer": s.transfer, "grade": s.transfer_grade}
    if s.transfer == "elsewhere":
        message = "该学生正在办理由外省转入另一所学校的转学，不得接收未办理转学手续的学生"
        cure = "由申请转入的学校建籍；确由本校接收的，待该项转学撤回后由本校发起转学"
        return refuse("24.6.1", "transfer.elsewhere", message, cure=cure, fields=("document_number",), **facts)
    if s.transfer == "not_approved":
        message = "该学生由外省转入的转学还没有全部核准，不得先行建籍"
        cure = "在“转学”中查看办理环节，各方核准后再建籍"
        return refuse("24.6.1", "transfer.not_approved", message, cure=cure, fields=("document_number",), **facts)
    if s.transfer == "ended":
        message = "该学生由外省转入的转学已经失效，学位没有保留"
        cure = "重新发起转学，各方核准后再建籍"
        return refuse("24.6.1", "transfer.ended", message, cure=cure, fields=("document_number",), **facts)
    if s.transfer_grade != s.grade:
        of = s.transfer_grade
        there = grade_name(of) if of is not None and of in GRADES else "其他年级"
        message = f"转学实行同年级互转：转学核准的是{there}，登记的是{grade_name(s.grade)}"
        cure = f"按转学核准的年级（{there}）登记"
        return refuse("24.6.2", "transfer.other_grade", message, cure=cure, fields=("grade",), **facts)
    taught_at_home = (s.transfer_placement, s.placement) == ("special_school", "home_teaching")  # by that very school
    if s.transfer_placement not in ("", s.placement) and not taught_at_home:
        wanted, found = (PLACEMENT_TITLES.get(one, one) for one in (s.transfer_placement, s.placement))
        message = f"转学核准的就读形式是{wanted}，登记的是{found}"
        cure = f"就读形式按转学核准的登记（{wanted}）；情况有变化的，建籍后另行办理"
        return refuse("24.4", "transfer.other_placement", message, cure=cure, fields=("placement",), **facts)
    return passed("24.6.1", "transfer.done", "外省转入的转学手续已经办理，由本校建籍", **facts)


def _may_be_awaited(s: Situation) -> bool:
    """Whether this is a child whom the school expects from another province, only identity can say: what is asked of new
    pupils waits for that."""
    return s.awaited and not s.asked
