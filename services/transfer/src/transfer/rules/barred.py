"""Who is not transferred (24.3.1 to 24.3.4). Signs of choosing a school (变相择校) are for the authority alone."""

from __future__ import annotations

from typing import Any

from regulation.divisions import full_name
from regulation.findings import needs_override, note, passed, refuse
from regulation.mark import clause
from regulation.school_year import Stage, age_on, grade_name, school_year
from shared_contracts.decisions import Finding
from shared_contracts.transfer import Ground

from transfer.rules.case import MOVES, RETAINED, SUSPENDED, URBAN, Case, Seen, day_title, place_of, receiving_authority

SIGN = "choice."
"""Codes of the signs of choosing a school begin so: they are for the authority, not for the school that applies."""


@clause("24.3.1")
def not_alone_in_the_household(case: Case) -> Finding:
    """未满16周岁的未成年人单独立户的，不得转学: on the sixteenth birthday the bar is gone."""
    age = case.parameters.alone_in_household_age
    if not case.application.alone_in_household:
        return passed("24.3.1", "household.with_family", "学生没有单独立户", fields=("alone_in_household",))
    if age_on(case.pupil.birth_date, case.today) < age:
        message = f"学生未满{age}周岁而单独立户，不得转学"
        cure = f"户籍随监护人登记后再申请；年满{age}周岁后不受此限"
        return refuse("24.3.1", "household.alone", message, cure=cure, fields=("alone_in_household",))
    return passed("24.3.1", "household.of_age", f"学生单独立户，已满{age}周岁", fields=("alone_in_household",))


@clause("24.3.1")
def signs_of_choosing(case: Case) -> tuple[Finding, ...]:
    """利用转学变相择校的，不得办理: nobody can see it in the data alone, so each sign is shown to whoever decides."""
    if case.application.ground not in MOVES:
        return ()
    place = place_of(case.application)
    signs = []
    if place is not None and place.division != case.to.division:
        where = full_name(place.division)
        signs.append(_sign("elsewhere", f"申请的学校不在{where}，与迁入地不在同一县（市、区）", "to_school"))
    elif case.covers.to_school is False:
        signs.append(_sign("not_the_zone", "申请的学校不是迁入地所在学区的学校", "to_school"))
    lives_as_before = case.application.residence.division == case.at.division
    moved_away = place is not None and place.division != case.at.division
    if case.application.ground is Ground.HOUSEHOLD_MOVED and moved_away and lives_as_before:
        message = "户籍已迁出，实际居住地仍在原就读学校所在县（市、区）"
        signs.append(_sign("household_only", message, "household", "residence"))
    if _came_this_year(case):
        signs.append(_sign("again", "学生本学年刚到原就读学校，又申请转学", "ground"))
    if signs:
        return tuple(signs)
    return (passed("24.3.1", "choice.no_sign", "没有发现利用转学变相择校的迹象"),)


@clause("24.3.2")
def urban_juniors_stay_in_the_county(case: Case) -> Finding | None:
    """城市初中学生全家在县域内迁居的，原则上不予转学."""
    if case.application.ground not in MOVES or case.pupil.stage != Stage.JUNIOR:
        return None
    if case.at.locality != URBAN or not case.within_county:
        return passed("24.3.2", "junior.not_concerned", "不属于城市初中学生在县域内迁居")
    message = "城市初中学生全家在县域内迁居的，原则上不予转学"
    cure = f"在原就读学校继续就读；确有特殊困难的，由{receiving_authority(case)}写明理由后决定"
    return needs_override("24.3.2", "junior.within_county", message, cure=cure, fields=("to_school",))


@clause("24.3.3")
def not_in_the_first_term(case: Case) -> Finding | None:
    """小学、初中起始年级的第一学期原则上不允许转学. A starting grade of either school: the systems differ (24.6.2).

    From the promotion in August on the first term is the coming one; its last day belongs to it, the holidays do not.
    """
    grade = case.pupil.grade
    if grade is None or grade not in {*case.at.entry_grades, *case.to.entry_grades}:
        return None
    terms = case.terms_of_grade
    last = day_title(terms.autumn_last)
    facts: dict[str, Any] = {"grade": grade, "last": terms.autumn_last.isoformat()}
    if case.today <= terms.autumn_last:
        message = f"{grade_name(grade)}是起始年级，第一学期（至{last}）办理学籍录入，原则上不允许转学"
        cure = f"{last}以后申请；确须在第一学期转学的，由{receiving_authority(case)}写明理由后决定"
        return needs_override("24.3.3", "grade.first_term", message, cure=cure, **facts)
    return passed("24.3.3", "grade.first_term_over", f"{grade_name(grade)}是起始年级，第一学期已于{last}结束", **facts)


@clause("24.3.3")
def graduating_grades_stay_in_the_county(case: Case) -> Finding | None:
    """毕业年级原则上不允许在县域内转学. A graduating grade of either school: 5 and 9, or 6 and 9."""
    grade = case.pupil.grade
    if grade is None or grade not in {*case.at.graduating_grades, *case.to.graduating_grades}:
        return None
    if case.within_county:
        message = f"{grade_name(grade)}是毕业年级，原则上不允许在县域内转学"
        cure = f"在原就读学校毕业；确须转学的，由{receiving_authority(case)}写明理由后决定"
        return needs_override("24.3.3", "grade.graduating", message, cure=cure, grade=grade)
    message = f"{grade_name(grade)}是毕业年级，双方学校不在同一县（市、区）"
    return passed("24.3.3", "grade.graduating_elsewhere", message, grade=grade)


@clause("24.3.4")
def not_while_suspended(case: Seen) -> Finding:
    """休学期间不允许办理转学; and whose record is retained (18) is not there to be transferred either."""
    if case.pupil.state == RETAINED:
        message = "学生正在保留学籍，不能办理转学"
        cure = "保留学籍的原因消除后，先在原就读学校办理复学，再申请转学"
        return refuse("24.3.4", "pupil.retained", message, cure=cure)
    if case.pupil.state == SUSPENDED:
        message = "学生在休学期间，不允许办理转学"
        cure = "先在原就读学校办理复学，复学后再申请转学"
        return refuse("24.3.4", "pupil.suspended", message, cure=cure)
    return passed("24.3.4", "pupil.in_school", "学生不在休学期间")


def _came_this_year(case: Case) -> bool:
    """Came to the present school in this school year, into a grade in which nobody enters."""
    since, grade = case.pupil.at_school_since, case.pupil.grade
    if since is None or grade is None or grade in case.at.entry_grades:
        return False
    start = case.parameters.school_year_start
    return school_year(since, start) == school_year(case.today, start)


def _sign(code: str, message: str, *fields: str) -> Finding:
    cure = "由核准人核实；属于利用转学变相择校的，不予核准"
    return note("24.3.1", f"{SIGN}{code}", message, cure=cure, fields=fields)
