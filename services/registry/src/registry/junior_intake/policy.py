"""Who goes on to which junior school (clauses 3.1, 4.1, 4.3, 12, 16, 24.6.2): each row by itself, then each target school."""

from __future__ import annotations

from datetime import date

import msgspec
from regulation.findings import note, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_year import SchoolSystem, Stage, grade_name, grades_of
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet

from registry.organisations.facts import SchoolFacts


class Graduate(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """A pupil as the list finds him. `authority`: the supervising one of his school; `grade`: None without a class;
    `cohort`: the school year of his class's grade 1. `in_list`: another list that has him already; `elsewhere`: he has, or is
    about to have, another record."""

    id: str
    name: str
    student_number: str
    school: str
    school_name: str
    authority: str | None
    system: str
    stage: str
    state: str
    live: bool
    grade: int | None
    class_no: int | None
    cohort: int
    in_list: str | None
    elsewhere: bool = False


@clause("16")
def last_grade(system: str) -> int:
    """毕业年级 of primary school: 6, or 5 where primary school has five years."""
    return grades_of(Stage.PRIMARY, SchoolSystem(system))[-1]


@clause("12", "16")
def graduates(pupil: Graduate, year: int) -> bool:
    """Whether a pupil is of this summer's primary graduates: in the last grade, or graduated from it already.

    The cohort says which summer: from August on the last grade has those who graduate a year later.
    """
    last = last_grade(pupil.system)
    if pupil.stage != Stage.PRIMARY or pupil.cohort != year - last:
        return False
    return pupil.grade == last if pupil.live else pupil.state == "graduated"


@clause("4.1")
def window_faults(today: date, parameters: Parameters) -> tuple[Finding, ...]:
    """Intake is enrolment: in autumn alone."""
    begins = parameters.enrolment_from.in_year(today.year)
    ends = parameters.enrolment_to.in_year(today.year)
    if begins <= today <= ends:
        return ()
    message = f"今天不在招生期间（{begins}至{ends}）"
    return (
        refuse("4.1", "intake.out_of_window", message, cure="在招生期间内办理", begins=str(begins), ends=str(ends)),
    )


@clause("3.1", "12", "16", "20.1", "24.6.2")
def row_faults(
    pupil: Graduate | None,
    target: SchoolFacts | None,
    *,
    named: str,
    county: str,
    year: int,
    first_row: int | None,
    name: str,
) -> tuple[Finding, ...]:
    """What is wrong with one row. `named`: the target as written, "" for none; `first_row`: an earlier row of the same pupil;
    `name`: as the sheet has it, "" where it says none."""
    if pupil is None:
        return (_no("16", "unknown", "没有这条学籍记录", "使用下载的模板，不要改动“记录标识”列", "record"),)
    found = []
    if name and name != pupil.name:
        message = "姓名与记录标识不是同一名学生"
        found.append(_no("20.1", "another_name", message, "重新下载模板，不要单独排序或移动某一列", "name"))
    if pupil.authority != county:
        message = "学生所在学校不归本教育行政部门管理"
        found.append(_no("3.1", "out_of_reach", message, "由学生所在学校的主管教育行政部门办理", "record"))
    elif not graduates(pupil, year):
        message = f"不是本届小学毕业生（{_standing(pupil)}）"
        cure = "从名单中去掉；年级有误的，先办理更正"
        found.append(_no("12", "no_graduate", message, cure, "record"))
    elif pupil.elsewhere:
        message = "学生在其他学校已有学籍，或正在办理建籍"
        found.append(_no("20.1", "elsewhere", message, "从名单中去掉；重复的学籍按规定处理", "record"))
    if first_row is not None:
        found.append(_no("16", "twice", f"与第{first_row}行是同一名学生", "每名学生只保留一行", "record"))
    if pupil.in_list is not None:
        found.append(_no("16", "in_list", f"已在名单“{pupil.in_list}”中", "从本名单中去掉，或者先取消该名单", "record"))
    if named and not found:
        found += target_faults(pupil, target, named=named, county=county)
    return tuple(found)


def _standing(pupil: Graduate) -> str:
    if pupil.stage != Stage.PRIMARY:
        return "已在初中"
    if not pupil.live:
        return "学籍已结束"
    return "未分班" if pupil.grade is None else grade_name(pupil.grade)


@clause("3.1", "16", "24.6.2")
def target_faults(pupil: Graduate, target: SchoolFacts | None, *, named: str, county: str) -> tuple[Finding, ...]:
    """The target has junior grades, is the county's or lies in it, and begins where the pupil's primary school ends."""
    if target is None:
        return (_no("16", "no_such_school", f"没有学校“{named[:40]}”", "从下拉列表中选择初中", "target"),)
    if Stage.JUNIOR not in target.stages:
        return (_no("16", "no_junior_stage", f"{target.name}没有初中", "从下拉列表中选择初中", "target"),)
    if county not in (target.authority, target.division):
        message = f"{target.name}不在本地"
        return (_no("3.1", "target_elsewhere", message, "选择本地的初中；到外地就读的办理转学", "target"),)
    following, first = last_grade(pupil.system) + 1, grades_of(Stage.JUNIOR, target.system)[0]
    if following != first:
        message = f"{target.name}从{grade_name(first)}开始，学生应升入{grade_name(following)}"
        cure = f"选择从{grade_name(following)}开始的初中；学制不同的按年级对应办理转学"
        return (_no("24.6.2", "another_system", message, cure, "target"),)
    return ()


@clause("4.3", "16")
def places_faults(school: str, pupils: int, free: int | None) -> tuple[Finding, ...]:
    """Never one over the plan. `free`: its places left, None where there is no plan in force."""
    if free is None:
        message = f"{school}没有本年度初中招生计划"
        return (_no("4.3", "no_plan", message, "先下达招生计划并备案", "target"),)
    if pupils > free:
        message = f"{school}还有{free}个学位，名单中有{pupils}人"
        return (_no("4.3", "no_places", message, "调整招生计划，或者改派部分学生", "target", pupils=pupils, free=free),)
    return ()


@clause("11")
def room_fault(school: str, standard: int) -> Finding:
    """Where the plan's classes are full already."""
    message = f"{school}的班级都已达到标准班额{standard}人"
    return _no("11", "classes_full", message, "调整招生计划的班数，或者改派部分学生", "target")


@clause("16")
def rest_note(unplaced: int, absent: int) -> tuple[Finding, ...]:
    """Graduates who would go nowhere by this list. `absent`: those who do not stand on it at all."""
    if not unplaced + absent:
        return ()
    message = f"还有{unplaced + absent}名小学毕业生没有安排初中"
    cure = "在本名单补充后重新上传，或者另外办理名单"
    return (note("16", "intake.unplaced", message, cure=cure, unplaced=unplaced, absent=absent),)


@clause("16")
def empty_faults(taken: int) -> tuple[Finding, ...]:
    if taken:
        return ()
    return (_no("16", "empty", "名单中没有可以办理的学生", "填写目标初中后重新上传", "target"),)


def _no(clause_id: str, code: str, message: str, cure: str, field: str, **facts: object) -> Finding:
    return refuse(clause_id, f"intake.{code}", message, cure=cure, fields=(field,), **facts)
