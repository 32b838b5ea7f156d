"""Whether there is a place (24.2.1, 24.2.2), and where the pupil goes when there is none (24.5.2)."""

from __future__ import annotations

from typing import Any

from regulation.findings import needs_override, note, passed, refuse
from regulation.mark import clause
from regulation.school_year import grade_name
from shared_contracts.decisions import Finding
from shared_contracts.holds import ChangeFacts, Room

from transfer.rules import private
from transfer.rules.case import PRIVATE, Case, Seen, receiving_authority


@clause("24.2.1")
def not_into_a_large_school(case: Seen) -> Finding | None:
    """超过2000人（一贯制2500人）: at the number itself the school is not large yet. Seats held by others count."""
    room = case.room
    if room is None:
        return None
    facts: dict[str, Any] = {"pupils": room.school_pupils, "most": room.most_pupils}
    if is_large(room):
        message = f"{case.to.name}义务教育阶段在校生{room.school_pupils}人，已达到大校额（超过{room.most_pupils}人）"
        return needs_override("24.2.1", "school.large", message, cure=_cure(case), fields=("to_school",), **facts)
    message = f"{case.to.name}在校生{room.school_pupils}人，没有达到大校额（超过{room.most_pupils}人）"
    return passed("24.2.1", "school.not_large", message, **facts)


@clause("24.2.2")
def a_class_has_room(case: Seen) -> Finding | None:
    """所有班级班额均已达到标准班额: seats that open cases hold are taken."""
    room = case.room
    if case.pupil.grade is None or case.stage_there is None:
        return None  # 24.6.2 says what is wrong
    grade = grade_name(case.pupil.grade)
    if room is None or not room.sizes:
        message = f"{case.to.name}{grade}还没有开设班级"
        cure = f"{case.to.name}开设班级后再申请，或申请设有该年级班级的学校"
        return refuse("24.2.2", "room.no_class", message, cure=cure, fields=("to_school",))
    facts: dict[str, Any] = {
        "classes": len(room.sizes),
        "standard": room.standard,
        "held": room.held,
        "free": room.free,
    }
    if room.free < 1:
        held = f"（含已为办理中的转学保留的{room.held}个学位）" if room.held else ""
        message = f"{case.to.name}{grade}共{len(room.sizes)}个班，均已达到标准班额{room.standard}人{held}"
        return needs_override("24.2.2", "room.full", message, cure=_cure(case), fields=("to_school",), **facts)
    return passed("24.2.2", "room.free", f"{case.to.name}{grade}还有{room.free}个空余学位", **facts)


@clause("24.5.2")
def placed_nearby(case: Case) -> Finding | None:
    """没有空余学位的，主管教育行政部门按照相对就近原则统筹安排进入当地公办学校."""
    if case.room is None or has_place(case):
        return None
    message = (
        f"{case.to.name}没有可以转入的空余学位，由主管教育行政部门按照相对就近原则统筹安排到当地有空余学位的公办学校"
    )
    cure = f"由{receiving_authority(case)}改派，无需重新申请；也可以直接向有空余学位的公办学校申请"
    return note("24.5.2", "room.elsewhere", message, cure=cure, fields=("to_school",))


@clause("24.5.2", "24.6.2")
def may_be_sent_to(facts: ChangeFacts, *, was: str, authority: str) -> tuple[Finding, ...]:
    """A re-routing by the receiving authority: to another public school of its own, with a place in the same grade.

    `facts`: for the school that the pupil would be sent to. `was`: the school applied for; `authority`: its own, which
    approves for the other one, too (24.5.1). The place is counted under lock when it is taken.
    """
    to, room = facts.to, facts.room
    cure = "从有空余学位的公办学校中另选一所（由近到远）"
    if to is None or to.authority != authority:
        message = "没有这所学校，或者它不由本部门直接主管"
        return (refuse("24.5.2", "reroute.not_supervised", message, cure=cure, fields=("school",)),)
    found = []
    if to.code == was or (facts.pupil is not None and to.code == facts.pupil.school.code):
        message = f"{to.name}就是{'申请的' if to.code == was else '原就读'}学校"
        found.append(refuse("24.5.2", "reroute.same", message, cure=cure, fields=("school",)))
    if to.ownership == PRIVATE:
        message = f"{to.name}是民办学校，只能统筹安排到公办学校"
        found.append(refuse("24.5.2", "reroute.private", message, cure=cure, fields=("school",)))
    if room is None:
        message = f"{to.name}不设学生的就读年级"
        found.append(refuse("24.6.2", "reroute.grade", message, cure=cure, fields=("school",)))
    elif room.free < 1 or is_large(room):
        message = f"{to.name}{grade_name(room.grade)}没有空余学位"
        found.append(refuse("24.5.2", "reroute.full", message, cure=cure, fields=("school",)))
    return tuple(found) or (passed("24.5.2", "reroute.fits", f"{to.name}是有空余学位的公办学校"),)


def is_large(room: Room) -> bool:
    return room.school_pupils > room.most_pupils


def has_place(case: Seen) -> bool:
    """A place that nobody has to make an exception for."""
    room = case.room
    if room is None or room.free < 1 or is_large(room):
        return False
    return case.to.ownership != PRIVATE or private.has_place(room, case.intake)


def _cure(case: Seen) -> str:
    return f"由{receiving_authority(case)}改派到有空余学位的公办学校，或写明理由决定是否接收"
