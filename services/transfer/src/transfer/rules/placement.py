"""Special education and special schools, where the record may stay (24.4), and the grade, which never changes (24.6.2)."""

from __future__ import annotations

from typing import Literal

from regulation.findings import note, passed, refuse
from regulation.mark import clause
from regulation.school_year import SchoolSystem, Stage, grade_name
from shared_contracts.decisions import Finding
from shared_contracts.holds import School
from shared_contracts.transfer import GROUND_TITLES, Ground

from transfer.rules.case import Case, Seen

KindOfSchool = Literal["ordinary", "special_education", "special_school"]
PLACEMENT_TITLES = {
    "ordinary": "普通就读",
    "mainstreamed": "随班就读",
    "special_school": "特教学校就读",
    "home_teaching": "送教上门",
}
PLACEMENTS = (Ground.SPECIAL_EDUCATION, Ground.SPECIAL_SCHOOL)
"""Grounds with a choice of whether the record goes along."""


@clause("24.4")
def ground_fits_the_schools(case: Case) -> Finding | None:
    """From one kind of school to another is a placement, and only that; between schools of one kind it is none."""
    ground, wanted = case.application.ground, _ground_between(kind_of(case.at), kind_of(case.to))
    if wanted is None and ground in PLACEMENTS:
        message = f"双方学校之间转学不属于“{GROUND_TITLES[ground]}”"
        cure = "按户籍迁移、居住地变更或随迁子女申请"
        return refuse("24.4", "placement.ordinary", message, cure=cure, fields=("ground",))
    if wanted is None:
        return None
    title = GROUND_TITLES[wanted]
    if ground is not wanted:
        message = f"双方学校之间转学属于“{title}”"
        cure = f"转学理由改选“{title}”"
        return refuse("24.4", "placement.special", message, cure=cure, fields=("ground",))
    if wanted is Ground.SPECIAL_EDUCATION and kind_of(case.at) == "ordinary" and not case.pupil.mainstreamed:
        message = "只有随班就读的残疾学生可以由普通学校转入特殊教育学校"
        cure = "属于残疾学生的，由原就读学校先登记随班就读；不是残疾学生的，不能转入特殊教育学校"
        return refuse("24.4", "placement.not_mainstreamed", message, cure=cure, fields=("ground",))
    return passed("24.4", "placement.fits", f"属于“{title}”", fields=("ground",))


@clause("24.4")
def record_moves_or_stays(case: Case) -> Finding | None:
    """特教互转其学籍可以转入新学校，也可保留在原学校；进入专门学校由原学校与监护人商定. Otherwise 籍随人走 (24.6.1)."""
    application = case.application
    goes = "学籍转入新学校" if application.record_moves else "学籍保留在原学校，只变更就读地"
    if application.ground not in PLACEMENTS:
        if application.record_moves:
            return None
        message = "学籍随学生转入新学校，只有特殊教育互转和进入专门学校可以保留在原学校"
        cure = "选择学籍转入新学校"
        return refuse("24.6.1", "record.must_move", message, cure=cure, fields=("record_moves",))
    if application.ground is Ground.SPECIAL_EDUCATION:
        return passed("24.4", "record.chosen", goes, fields=("record_moves",))
    if kind_of(case.at) == "special_school" and not application.record_moves:
        message = "学生的学籍在专门学校，离开时学籍随学生转出"
        cure = "选择学籍转入新学校"
        return refuse("24.4", "record.leaves", message, cure=cure, fields=("record_moves",))
    if kind_of(case.to) == "special_school" and not application.agreed:
        message = "进入专门学校的学生，其学籍是否转入由原学校与法定监护人商定"
        cure = "原就读学校与监护人商定后，填写商定结果并上传书面意见"
        return refuse("24.4", "record.not_agreed", message, cure=cure, fields=("agreed",))
    return passed("24.4", "record.agreed", goes, fields=("record_moves", "agreed"))


@clause("24.5.1")
def to_another_school(case: Seen) -> Finding:
    if case.at.code == case.to.code:
        message = "学生的学籍已在本校"
        cure = "不需要转学；班级调整在本校办理"
        return refuse("24.5.1", "school.same", message, cure=cure, fields=("to_school",))
    return passed("24.5.1", "school.other", f"由{case.to.name}发起，依次由双方主管教育行政部门和原就读学校核准")


@clause("24.6.2")
def same_grade(case: Seen) -> tuple[Finding, ...]:
    """转学实行同年级互转；不同学制间按照1-9年级进行对应: the grade stays, the stage follows the receiving school."""
    grade, there = case.pupil.grade, case.stage_there
    if grade is None:
        message = "学生现在没有就读年级和班级，不能确定转入年级"
        cure = "由原就读学校先安排班级"
        return (refuse("24.6.2", "grade.unknown", message, cure=cure),)
    name = grade_name(grade)
    if there is None:
        message = f"转学实行同年级互转，{case.to.name}（{case.to.system}学制）不设{name}"
        cure = f"申请设有{name}的学校，不得变更就读年级"
        return (refuse("24.6.2", "grade.not_carried", message, cure=cure, fields=("to_school",), grade=grade),)
    found = [passed("24.6.2", "grade.same", f"转入{name}，就读年级不变", grade=grade, stage=there)]
    if there != case.pupil.stage:
        here = Stage(case.pupil.stage)
        last = SchoolSystem(case.to.system)
        message = f"双方学校学制不同，按1-9年级对应：{name}在原就读学校是{here.zh}，转入后（{last}学制）是{there.zh}"
        cure = "就读年级不变，不得因学制不同升级或留级"
        found.append(note("24.6.2", "grade.other_stage", message, cure=cure, grade=grade, stage=there))
    return tuple(found)


@clause("24.4")
def placement_there(case: Seen) -> str:
    """How the pupil is placed in the new school (`records.placement`): mainstreamed when coming from special education."""
    if kind_of(case.to) == "special_education":
        return case.pupil.placement if kind_of(case.at) == "special_education" else "special_school"
    return "mainstreamed" if kind_of(case.at) == "special_education" else case.pupil.placement


@clause("24.4")
def new_placement(case: Seen, *, record_moves: bool) -> str:
    """What the placement becomes when the record moves; empty where it stays as it is, and where the record stays."""
    there = placement_there(case)
    return there if record_moves and there != case.pupil.placement else ""


@clause("24.4")
def placed_there(case: Case) -> Finding | None:
    """Says beforehand how the new school will have the pupil. Not how the old one has: that is of another school's pupil."""
    there = new_placement(case, record_moves=case.application.record_moves)
    if not there:
        return None
    message = f"学籍转入后，就读形式自动登记为{PLACEMENT_TITLES[there]}"
    return passed("24.4", "placement.there", message, fields=("record_moves",), placement=there)


def kind_of(school: School) -> KindOfSchool:
    if school.special_school:
        return "special_school"
    return "special_education" if school.special_education else "ordinary"


def _ground_between(here: KindOfSchool, there: KindOfSchool) -> Ground | None:
    if here == there:
        return None
    return Ground.SPECIAL_SCHOOL if "special_school" in (here, there) else Ground.SPECIAL_EDUCATION
