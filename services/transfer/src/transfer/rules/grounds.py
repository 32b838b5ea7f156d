"""On which grounds a transfer may be applied for (23, 24.1.1 to 24.1.3). Facts say nothing of a pupil that the application
does not say itself: the receiving school reads them."""

from __future__ import annotations

from regulation.divisions import full_name
from regulation.findings import needs_override, note, passed, refuse
from regulation.mark import clause
from regulation.school_year import Stage
from shared_contracts.decisions import Finding
from shared_contracts.transfer import Ground

from transfer.rules.case import PRIVATE, URBAN, Case, place_of, receiving_authority


@clause("23")
def one_change_at_a_time(case: Case) -> Finding:
    """At most one change case is open, over all services. Which one it is, is not the receiving school's business."""
    if case.pupil.held_by is not None:
        message = "该学生已有一项学籍变动正在办理，不能同时申请转学"
        cure = "待正在办理的学籍变动办结或撤回后再申请；可请监护人向原就读学校了解"
        return refuse("23", "change.open", message, cure=cure)
    return passed("23", "change.none", "该学生没有正在办理的学籍变动")


@clause("24.1.1")
def household_has_moved(case: Case) -> Finding | None:
    """新户籍所在地不在原就读学校服务范围."""
    if case.application.ground is not Ground.HOUSEHOLD_MOVED:
        return None
    if case.application.household is None:
        message = "以户籍迁移为由申请转学的，须填写学生的新户籍地址"
        cure = "按户口簿填写新户籍所在地的行政区划和地址"
        return refuse("24.1.1", "ground.household_missing", message, cure=cure, fields=("household",))
    cure = "户籍没有迁出原就读学校服务范围的，在原就读学校继续就读；实际居住地变更的，改按居住地变更申请"
    return _outside_the_zone(case, "24.1.1", "新户籍所在地", "household", cure)


@clause("24.1.2")
def residence_has_changed(case: Case) -> Finding | None:
    """现居住地（以房产证或居住证为准）不在原就读学校服务范围."""
    if case.application.ground is not Ground.RESIDENCE_CHANGED:
        return None
    cure = "居住地没有迁出原就读学校服务范围的，在原就读学校继续就读；地址填写有误的，更正后重新申请"
    return _outside_the_zone(case, "24.1.2", "现居住地", "residence", cure)


@clause("24.1.2")
def house_bought_in_the_county(case: Case) -> Finding | None:
    """城市小学生全家县域内购房迁居…由当地教育行政部门视情况办理: how far is far, the authority says.

    Of urban juniors 24.3.2 speaks: this rule only asks them for the county and the zone.
    """
    if case.application.ground is not Ground.HOUSE_PURCHASE:
        return None
    if case.at.locality != URBAN:
        message = "“全家在县域内购房迁居”只适用于城市学校的学生"
        cure = "随监护人工作变动而迁居的，改按“居住地变更”申请，提供房产证或居住证"
        return refuse("24.1.2", "ground.purchase_not_urban", message, cure=cure, fields=("ground",))
    if case.application.residence.division != case.at.division or not case.within_county:
        message = "“全家在县域内购房迁居”只适用于原就读学校、新居住地、转入学校在同一县（市、区）的学生"
        cure = "迁居到其他县（市、区）的，改按“户籍迁移”或“居住地变更”申请"
        fields = ("ground", "residence")
        return refuse("24.1.2", "ground.purchase_other_county", message, cure=cure, fields=fields)
    cure = "新居住地仍在原就读学校学区范围内的，在原就读学校继续就读"
    zone = _outside_the_zone(case, "24.1.2", "新居住地", "residence", cure)
    if zone.code == "ground.in_zone" or case.pupil.stage != Stage.PRIMARY:
        return zone
    message = "城市小学生全家在县域内购房迁居，新居住地不在原学区且较远的，由当地教育行政部门视情况办理"
    cure = f"由{receiving_authority(case)}核实购房迁居和距离后，写明理由决定"
    return needs_override("24.1.2", "ground.purchase", message, cure=cure, fields=("ground",))


@clause("24.1.3")
def county_places_migrants(case: Case) -> Finding | None:
    """由县级教育行政部门以公办学校为主统筹安排: another school with places than the one asked for is possible."""
    if case.application.ground is not Ground.MIGRANT_CHILD:
        return None
    if case.to.ownership == PRIVATE:
        message = "随迁子女转学由县级教育行政部门以公办学校为主统筹安排，申请的是民办学校"
        cure = "可改为申请公办学校；坚持申请民办学校的，由主管教育行政部门决定是否改为安排到公办学校"
        return note("24.1.3", "ground.migrant_private", message, cure=cure, fields=("to_school",))
    message = "随迁子女转学由县级教育行政部门以公办学校为主统筹安排，可能安排到其他有空余学位的公办学校"
    cure = f"等待{receiving_authority(case)}安排"
    return note("24.1.3", "ground.migrant", message, cure=cure)


def _outside_the_zone(case: Case, clause_id: str, what: str, field: str, cure: str) -> Finding:
    """不在原就读学校服务范围. Where no zones are set, another county is outside; for the rest the authority has to look."""
    place = place_of(case.application)
    elsewhere = place is not None and place.division != case.at.division
    if case.covers.from_school:
        message = f"{what}仍在原就读学校服务范围内"
        return refuse(clause_id, "ground.in_zone", message, cure=cure, fields=(field,))
    if case.covers.from_school is None and not elsewhere:
        message = f"原就读学校没有公布服务范围，系统不能判断{what}是否在范围以外"
        cure = f"由{receiving_authority(case)}核实{what}是否在原就读学校服务范围以外"
        return note(clause_id, "ground.zone_unknown", message, cure=cure, fields=(field,))
    where = "" if place is None else full_name(place.division)
    return passed(clause_id, "ground.outside_zone", f"{what}（{where}）不在原就读学校服务范围内", fields=(field,))
