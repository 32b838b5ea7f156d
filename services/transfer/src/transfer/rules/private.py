"""Private schools (24.5.3, 24.3.1): free places, and the ratio of them that a year's transfers may take.

空余学位 is what the plan of the grade's own year leaves, within standard class and school sizes. 可转入比例 is of those free
places, at most 1/(2n-3) for a stage of n years: two terms a year, less the three in which nobody is transferred (the first
of the starting grade, both of the graduating one, 24.3.3), so that no term fills more than its share.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from regulation import lottery
from regulation.findings import passed, refuse
from regulation.mark import clause
from regulation.school_year import SchoolSystem, Stage, grade_name, grades_of
from shared_contracts.decisions import Finding
from shared_contracts.holds import Room

from transfer.rules.case import PRIVATE, Intake, Seen, receiving_authority

TERMS_A_YEAR = 2
CLOSED_TERMS = 3


@clause("24.5.3")
def most_ratio(years: int) -> Fraction:
    """1/(2n-3): 1/9 of six years, 1/7 of five, 1/5 of four, 1/3 of three. Raises ValueError where no term is left."""
    terms = TERMS_A_YEAR * years - CLOSED_TERMS
    if terms < 1:
        raise ValueError(f"a stage of {years} years has no term for transfers")
    return Fraction(1, terms)


def years_of(stage: Stage, system: SchoolSystem) -> int:
    """该学段学制数."""
    return len(grades_of(stage, system))


@clause("24.5.3")
def ratio_within_bounds(ratio: Fraction, stage: Stage, system: SchoolSystem) -> Finding:
    """A year's ratio as a school determines it, before its authority approves."""
    most = most_ratio(years_of(stage, system))
    facts: dict[str, Any] = {"ratio": str(ratio), "most": str(most), "years": years_of(stage, system)}
    if ratio <= 0:
        message = "有空余学位的民办学校，每年需确定一定的可转入比例"
        cure = f"填写大于0、不超过{most}的比例"
        return refuse("24.5.3", "ratio.none", message, cure=cure, fields=("ratio",), **facts)
    if ratio > most:
        message = f"可转入比例{ratio}超过上限{most}（{stage.zh}学制{years_of(stage, system)}年，1/（学制数×2-3））"
        cure = f"比例改为不超过{most}，重新报主管教育行政部门审批"
        return refuse("24.5.3", "ratio.too_high", message, cure=cure, fields=("ratio",), **facts)
    return passed("24.5.3", "ratio.fits", f"可转入比例{ratio}，不超过上限{most}", **facts)


@clause("24.5.3")
def free_places(room: Room) -> int:
    """空余学位: plan less pupils (seats held, and children who are still to come), within standard class and school sizes.
    Without a plan there are none."""
    if room.plan_places is None:
        return 0
    by_plan = room.plan_places - room.pupils - room.held - room.admitted
    return max(0, min(by_plan, room.free, room.most_pupils - room.school_pupils))


@clause("24.5.3")
def places_by_ratio(free: int, ratio: Fraction) -> int:
    """可转入学位: not one above the ratio, so that a share of a place is none. `free`: when the year's transfers began.

    The same reckoning as a draw's, which anybody repeats from its published file.
    """
    return lottery.transferable(free, 0, ratio)


def places(room: Room, intake: Intake) -> int:
    """可转入学位 of the year. What has come in by transfer was free when the year began."""
    if intake.ratio is None:
        return 0
    return places_by_ratio(free_places(room) + intake.taken, intake.ratio)


def has_place(room: Room, intake: Intake | None) -> bool:
    return intake is not None and free_places(room) > 0 and intake.taken < places(room, intake)


@clause("24.3.1")
def within_the_ratio(case: Seen) -> Finding | None:
    """民办学校招生计划未满，学生大批量（超过可转入比例）转入的，不得办理."""
    if case.to.ownership != PRIVATE or case.room is None or case.intake is None or case.intake.ratio is None:
        return None
    most, taken = places(case.room, case.intake), case.intake.taken
    facts: dict[str, Any] = {"ratio": str(case.intake.ratio), "places": most, "taken": taken}
    grade = f"{case.to.name}{grade_name(case.room.grade)}"
    if taken >= most:
        message = f"{grade}本学年可转入学位{most}个（可转入比例{case.intake.ratio}），已用{taken}个"
        cure = f"登记候补，由{receiving_authority(case)}随机录取；没有录取的，统筹安排到有空余学位的公办学校（24.5.4）"
        return refuse("24.3.1", "ratio.used_up", message, cure=cure, fields=("to_school",), **facts)
    return passed("24.3.1", "ratio.left", f"{grade}本学年可转入学位{most}个，已用{taken}个", **facts)


@clause("24.5.3")
def private_school_has_a_place(case: Seen) -> Finding | None:
    """A free place by the plan, and a ratio that the authority has approved for the year."""
    if case.to.ownership != PRIVATE or case.room is None:
        return None
    free = free_places(case.room)
    facts: dict[str, Any] = {"plan": case.room.plan_places, "pupils": case.room.pupils, "free": free}
    grade = f"{case.to.name}{grade_name(case.room.grade)}"
    nearby = f"由{receiving_authority(case)}统筹安排到有空余学位的公办学校"
    if case.room.plan_places is None:
        message = f"{grade}当年没有下达招生计划，没有空余学位"
        return refuse("24.5.3", "private.no_plan", message, cure=nearby, fields=("to_school",), **facts)
    if free < 1:
        message = f"{grade}没有空余学位（标准校额、班额内，招生计划{case.room.plan_places}人与在校生的差额）"
        return refuse("24.5.3", "private.no_place", message, cure=nearby, fields=("to_school",), **facts)
    if case.intake is None or case.intake.ratio is None:
        message = f"{case.to.name}本学年的可转入比例还没有经主管教育行政部门审批"
        cure = "学校确定可转入比例，报主管教育行政部门审批后再申请"
        return refuse("24.5.3", "ratio.not_approved", message, cure=cure, fields=("to_school",), **facts)
    return passed("24.5.3", "private.place", f"{grade}空余学位{free}个", **facts)
