"""Which class a pupil may be in, and when an assignment may be closed and drawn: pure rules in the order of the articles."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from regulation.assignment import Fault
from regulation.findings import note, passed, refuse
from regulation.mark import clause, enforced
from regulation.school_year import grade_name
from shared_contracts.classes import AssignmentRule, PupilSetting
from shared_contracts.decisions import Finding

LEFT_OUT = frozenset({"mainstreamed", "home_teaching"})
"""Placements that may be left out of the draw (随班就读; 送教上门 is not in class at all)."""
LEVELS = ("A", "B", "C", "D", "E")
LONGEST_HOME = 20
MOST_RULES = 60
MOST_SIBLINGS = 4
"""Children of one family in one grade: more are no siblings but a class chosen by hand."""
SHORTEST_REASON = 4


def excess(size: int, standard: int) -> int:
    """How many above the standard size (clause 11)."""
    return max(size - standard, 0)


def class_title(grade: int, class_no: int) -> str:
    return f"{grade_name(grade)}{class_no}班"


# ---- Article 11: the size of a class -----------------------------------------------------------------------------------


@clause("11")
def within_standard(size: int, standard: int, title: str) -> Finding:
    """`size`: as it would be. No assignment, move or transfer pushes a class above the standard."""
    facts: dict[str, Any] = {"size": size, "standard": standard, "class": title}
    seen = f"{title}将有{size}人，标准班额为{standard}人"
    if size > standard:
        cure = "选择未满的班级；各班都满的，增设班级"
        return refuse("11", "class.full", seen, cure=cure, fields=("class_id",), **facts)
    return passed("11", "class.has_room", seen, **facts)


@clause("11")
def existing_excess(size: int, standard: int, title: str) -> Finding | None:
    """What is there already is shown, not undone."""
    over = excess(size, standard)
    if not over:
        return None
    message = f"{title}现有{size}人，超过标准班额{over}人"
    return note("11", "class.over", message, cure="不再安排学生进入该班，逐步化解", size=size, standard=standard)


# ---- Article 17: the assignment ----------------------------------------------------------------------------------------


@clause("17")
def may_be_placed_by_hand(settings: Sequence[PupilSetting], placements: Mapping[str, str]) -> tuple[Finding, ...]:
    """Only a mainstreamed pupil may be left out of the draw: for everybody else chance decides."""
    wrong = [s.pupil_id for s in settings if s.place_in is not None and placements.get(s.pupil_id) not in LEFT_OUT]
    if not wrong:
        return ()
    message = f"有{len(wrong)}名学生不是随班就读或送教上门，不能不参加一键分班"
    cure = "取消手工安置，与其他学生一起抽签；确系随班就读的，先更正就读形式"
    return (refuse("17", "assignment.must_be_drawn", message, cure=cure, fields=("pupils",), pupils=wrong),)


@clause("17")
def rules_in_order(rules: Sequence[AssignmentRule], drawn: Collection[str]) -> tuple[Finding, ...]:
    """Each rule is about pupils of the list, has a reason, and puts no more together than there are siblings."""
    found = []
    if len(rules) > MOST_RULES:
        found.append(_rule("too_many", f"约束共{len(rules)}条，最多{MOST_RULES}条", "只保留确有必要的约束"))
    for number, rule in enumerate(rules, 1):
        where = f"第{number}条约束"
        if len(set(rule.pupils)) != len(rule.pupils) or len(rule.pupils) < 2:
            found.append(_rule("pupils", f"{where}须有两名以上不同的学生", "选择两名以上学生"))
        elif not set(rule.pupils) <= set(drawn):
            found.append(_rule("not_drawn", f"{where}中有不参加抽签的学生", "只为参加抽签的学生设约束"))
        if rule.kind == "together" and len(rule.pupils) > MOST_SIBLINGS:
            found.append(
                _rule(
                    "too_large",
                    f"{where}要求{len(rule.pupils)}人同班",
                    f"同班约束只用于兄弟姐妹，最多{MOST_SIBLINGS}人",
                )
            )
        if len(rule.reason.strip()) < SHORTEST_REASON:
            found.append(_rule("reason", f"{where}没有写明理由", "写明理由（如双胞胎、家长申请）"))
    return tuple(found)


@clause("17")
def fault_found(fault: Fault, names: Mapping[str, str]) -> Finding:
    """What `regulation.assignment` says stands against a list, with the pupils' names for the school. `names`: by code."""
    message = fault.message
    for code, name in names.items():
        message = message.replace(code, name)
    cure = {
        "too_few_classes": "增加班级",
        "placed_too_many": "把手工安置的学生分散到各班",
        "rules": "删去其中一条约束",
    }.get(fault.code, "核对班级和名单")
    return refuse(fault.clause, f"assignment.{fault.code}", message, cure=cure, fields=("rules",))


@clause("17")
def public_value_unknown(public_at: datetime, now: datetime, hours: int) -> Finding | None:
    """The public value is named so long beforehand that parents hear of it, and that nobody knows it yet."""
    earliest = now + timedelta(hours=hours)
    if public_at >= earliest:
        return None
    message = f"公开数值的公布时间须在封存名单{hours}小时以后"
    cure = f"选择{earliest:%Y-%m-%d %H:%M}以后公布的数值（如福利彩票某一期开奖号码）"
    return refuse("17", "assignment.public_too_early", message, cure=cure, fields=("public_at",), hours=hours)


@clause("17")
def draw_day_come(public_at: datetime, now: datetime) -> Finding | None:
    if now >= public_at:
        return None
    message = f"公开数值{public_at:%Y-%m-%d %H:%M}才公布，现在还不能抽签"
    return refuse("17", "assignment.too_early", message, cure="在公布以后录入公开数值并抽签", fields=("public_value",))


@clause("17")
def may_still_cancel(public_at: datetime | None, now: datetime) -> Finding | None:
    """From the moment on at which the outcome could be known, nobody calls it off."""
    if public_at is None or now < public_at:
        return None
    message = "公开数值已经公布，结果已经确定，不能再取消"
    cure = "完成抽签；对结果确有必要重新分班的，报主管教育行政部门批准"
    return refuse("17", "assignment.too_late", message, cure=cure)


# ---- Article 24, paragraph 6: only where the record is ------------------------------------------------------------------


@clause("24.6.1")
def same_school(pupil_school: str, class_school: str) -> Finding:
    facts: dict[str, Any] = {"school": pupil_school, "class_school": class_school}
    if pupil_school != class_school:
        message = "学籍不在该班级所在的学校，不得借读"
        cure = "先办理转学手续，由转入学校安排班级"
        return refuse("24.6.1", "class.other_school", message, cure=cure, fields=("class_id",), **facts)
    return passed("24.6.1", "class.own_school", "学籍在本校", **facts)


enforced("24.6.1", by="class_memberships_own_school", at="../migrations/versions/0009_classes.py")
enforced("24.6.1", by="students_class_follows", at="../migrations/versions/0009_classes.py")


# ---- Articles 25 and 41: the grade stays --------------------------------------------------------------------------------


@clause("25.5", "41")
def same_grade(own: tuple[int, int], of_class: tuple[int, int]) -> Finding:
    """`own`, `of_class`: grade and cohort. A move is to another class of the same grade, never to another grade."""
    facts: dict[str, Any] = {"grade": own[0], "class_grade": of_class[0]}
    if own != of_class:
        clause_id = "25.5" if of_class[0] < own[0] or of_class[1] > own[1] else "41"
        message = f"学生在{grade_name(own[0])}，不能调入{grade_name(of_class[0])}的班级"
        cure = "选择同年级的班级；就读年级只因升级、跳级和复学改变"
        return refuse(clause_id, "class.other_grade", message, cure=cure, fields=("class_id",), **facts)
    return passed("41", "class.same_grade", "同年级", **facts)


enforced("25.5", "41", by="classes_grade_rises", at="../migrations/versions/0009_classes.py")


# ---- Article 34, paragraph 2: no scores ---------------------------------------------------------------------------------


@clause("34.2")
def no_scores(settings: Sequence[PupilSetting]) -> tuple[Finding, ...]:
    """A level is one of five letters, a home place has no figures: a score or a rank fits into neither."""
    found = []
    if wrong := [s.pupil_id for s in settings if s.level and s.level not in LEVELS]:
        message = f"有{len(wrong)}名学生的发展层次不是{LEVELS[0]}至{LEVELS[-1]}"
        cure = "填A至E中的一个字母；不得填写分数或名次"
        found.append(refuse("34.2", "assignment.level", message, cure=cure, fields=("pupils",), pupils=wrong))
    if wrong := [s.pupil_id for s in settings if not _place(s.home)]:
        message = f"有{len(wrong)}名学生的居住片区过长，或含有数字"
        cure = f"填写片区名称，不超过{LONGEST_HOME}个字，不含数字；不得填写分数或名次"
        found.append(refuse("34.2", "assignment.home", message, cure=cure, fields=("pupils",), pupils=wrong))
    return tuple(found)


def _place(text: str) -> bool:
    return len(text) <= LONGEST_HOME and text.isprintable() and not any(c.isdigit() for c in text)


def _rule(code: str, message: str, cure: str) -> Finding:
    return refuse("17", f"assignment.rule_{code}", message, cure=cure, fields=("rules",))
