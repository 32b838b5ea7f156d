"""What stands against holding a student, giving a seat, or carrying an approved change out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from regulation.findings import note, refuse
from regulation.mark import clause
from regulation.school_year import GRADES, grade_name
from shared_contracts.decisions import Finding

ChildStanding = Literal["free", "registered", "left", "finished", "expected", "unknown_document", "others_number"]
"""What is known here of a child that would come: nothing that stands against it; has a record or is being registered;
has left for another province by a transfer of ours; has finished the stage; another case expects it; identity takes no
such document."""

TITLES = {"transfer": "转学"}
"""变动种类, as people read them."""


@clause("23")
def one_change_at_a_time(held_by: str) -> Finding:
    """`held_by`: the kind of the student's open change case."""
    title = TITLES.get(held_by, "学籍变动")
    message = f"该生正在办理{title}，同一时间只能办理一项学籍变动"
    return refuse("23", "change.already_open", message, cure=f"待正在办理的{title}办结或撤回后再申请", kind=held_by)


@clause("15.1", "21.1")
def must_be_here(live: bool | None) -> Finding | None:
    """`live`: whether the record counts among those in school; None: there is no such record."""
    return None if live else no_record()


def no_record() -> Finding:
    message = "没有找到这名学生的在籍记录"
    return refuse("21.1", "change.no_record", message, cure="核对姓名和证件号（或学籍号）；尚未建籍的由就读学校先建籍")


_AGAINST: dict[str, tuple[str, str, str, str]] = {
    "registered": (
        "20.1",
        "arrival.registered",
        "该证件的学生在本省已有学籍或正在建籍",
        "核对证件号码；学生在本省就读的，按本省学校之间转学办理",
    ),
    "finished": (
        "12",
        "arrival.finished",
        "该证件的学生已经完成本学段学业",
        "核对证件号码和就读年级；已毕业（结业）的不再办理转学",
    ),
    "expected": (
        "23",
        "arrival.expected",
        "该证件的学生已有一项由外省转入的转学正在办理",
        "待正在办理的转学办结或撤回后再申请",
    ),
    "others_number": (
        "20.1",
        "arrival.others_number",
        "所填外省学籍号属于本省系统中的另一名学生，其登记的证件与所填证件不同",
        "核对学籍号和证件号码；确系同一名学生的，按其已登记的证件申请，证件有变化的先办理信息更正；学籍号有误或不清楚的可以不填",
    ),
    "unknown_document": (
        "15.3",
        "arrival.document",
        "证件类型或号码不正确，不能确定是哪一名学生",
        "按证件核对类型、号码、性别和出生日期；没有证件的，先由监护人补办",
    ),
}


@clause("12", "15.2", "15.3", "20.1", "23")
def may_be_expected(standing: ChildStanding, *, record_grade: int | None = None, grade: int = 1) -> Finding | None:
    """A child of another province: one person, one record, and one school that expects it. Whoever had left by a transfer of
    ours comes back to the record that there is, in the grade that it gives (`record_grade`): that is a note."""
    if standing == "free":
        return None
    if standing == "left" and record_grade != grade:
        there = (
            grade_name(record_grade) if record_grade is not None and record_grade in GRADES else "义务教育以外的年级"
        )
        message = f"学生此前由本省转往外省，按原学籍现在应就读{there}，申请转入{grade_name(grade)}"
        cure = "转学实行同年级互转，不得跳级、留级；核对就读年级"
        return refuse("24.6.2", "arrival.other_grade", message, cure=cure, fields=("grade",), grade=record_grade)
    if standing == "left":
        message = "学生此前由本省转往外省：一人一籍，各方核准后恢复原学籍并转入，学籍号不变，不重新建籍"
        return note("15.2", "arrival.returns", message, fields=("document_number",), standing=standing)
    clause_id, code, message, cure = _AGAINST[standing]
    fields = ("number", "document_number") if standing == "others_number" else ("document_number",)
    return refuse(clause_id, code, message, cure=cure, fields=fields, standing=standing)


@clause("11", "24.2.2")
def seat_left(free: int, *, over: bool, school: str, grade: int) -> Finding | None:
    """`free`: seats of the grade that nobody has; `over`: the competent authority has allowed one beyond them."""
    return None if free > 0 or over else no_seat(school, grade)


def no_seat(school: str, grade: int) -> Finding:
    message = "该年级各班均已达到标准班额，没有空余学位"
    cure = "由转入学校主管教育行政部门按相对就近原则统筹安排到有空余学位的公办学校，或者由其批准突破"
    return refuse("24.2.2", "seat.none_left", message, cure=cure, school=school, grade=grade)


@clause("24.5.3")
def plan_place_left(plan: int | None, taken: int, *, school: str, grade: int) -> Finding | None:
    """A private school's free places are what its plan leaves. `plan`: None where there is none; `taken`: pupils, seats kept
    for other cases, children who have been admitted and are still to come."""
    if plan is not None and taken < plan:
        return None
    message = "民办学校该年级没有空余学位（招生计划数与在校生的差额）"
    cure = "由转入学校主管教育行政部门统筹安排到有空余学位的公办学校"
    return refuse("24.5.3", "seat.plan_used_up", message, cure=cure, school=school, grade=grade, plan=plan, taken=taken)


def cannot_apply(
    *, live: bool, held: bool, at: str | None, expected: str, target_open: bool, has_grade: bool, frozen: Sequence[str]
) -> tuple[Finding, ...]:
    """Why an approved change cannot be carried out now. `held`: the case still holds the student; `at`: the school that has
    the record; `expected`: the one that the case says; `frozen`: schools of the two whose pupils are being moved by a merger
    or the like."""
    found = []
    if not live:
        found.append(record_ended())
    elif not held:
        message = "该生的学籍曾经注销，为这项变动保留的学位已经释放"
        cure = "终止这项变动；仍需办理的，由学校重新申请"
        found.append(refuse("23", "change.let_go", message, cure=cure))
    elif at != expected:
        message = "学生的学籍已经不在原转出学校"
        found.append(refuse("21.1", "change.moved_meanwhile", message, cure="核对学籍所在学校后重新申请"))
    if not target_open:
        message = "转入学校已经撤销或合并"
        found.append(refuse("44", "change.school_closed", message, cure="由主管教育行政部门改派到其他学校"))
    elif not has_grade:
        message = "转入学校没有该生就读的年级"
        found.append(refuse("24.6.2", "change.no_grade", message, cure="由主管教育行政部门改派到有该年级的学校"))
    if frozen:
        found.append(is_frozen(frozen))
    return tuple(found)


@clause("21.1", "22")
def record_ended() -> Finding:
    message, cure = "该生的学籍已经不在籍（注销、毕业等）", "核对学籍状态；不再需要转学的，撤销本业务"
    return refuse("21.1", "change.record_ended", message, cure=cure)


@clause("44")
def is_frozen(schools: Sequence[str]) -> Finding:
    """Their pupils are being moved by a merger or the like; of a school that fills its classes so nobody can say what is
    free."""
    message = "学校正在办理撤并、区划调整或升学，学籍暂时不能变动"
    return refuse("44", "change.frozen", message, cure="该事项办理完成后重新办理", schools=list(schools))


@clause("11", "24.2.2")
def no_class_left(standard: int) -> Finding:
    message = f"该年级各班都已达到标准班额（{standard}人）"
    return refuse(
        "24.2.2", "change.classes_full", message,
        cure="由学校调整班级，或者由主管教育行政部门批准突破班额后重新办理转接", standard=standard,
    )  # fmt: skip
