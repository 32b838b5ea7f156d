"""Who may propose a ratio and decide on it, when a list is opened, joined, closed and drawn. Pure, in article order.

How high a ratio may be and what is free by it stands in `transfer.rules.private`; how a draw goes, in `regulation.lottery`.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date, datetime, time, timedelta, tzinfo
from fractions import Fraction

from regulation import lottery
from regulation.findings import note, passed, refuse
from regulation.mark import clause
from regulation.school_calendar import Terms
from regulation.school_year import SchoolSystem, Stage, grade_name, school_year_of_entry, stage_of
from shared_contracts.decisions import Finding
from shared_contracts.holds import Room, School

from transfer.rules.case import PRIVATE
from transfer.rules.private import free_places, ratio_within_bounds, years_of

SPRING = 2
AUTUMN = 1


def year_of(today: date) -> int:
    """The school year that a transfer of a day is for: pupils are promoted in August, and the new year's terms begin."""
    return school_year_of_entry(today.year, today.month)


def term_of(today: date, terms: Terms) -> int:
    """1: the autumn term and the days before it; 2: from its last day on."""
    return SPRING if today > terms.autumn_last else AUTUMN


def stage_in(school: School, grade: int) -> Stage | None:
    """The stage of a grade in a school that carries it."""
    stage = stage_of(grade, SchoolSystem(school.system))
    return stage if stage in school.stages else None


def ratio_text(ratio: Fraction | None) -> str:
    """As it is published: "1/9"; "0" where nothing is approved."""
    return "0" if ratio is None else str(ratio)


# ---- 24.5.3: the ratio ------------------------------------------------------------------------------------------------


@clause("24.5.3")
def may_propose(
    school: School, stage: Stage, numerator: int, denominator: int, school_year: int, this_year: int
) -> tuple[Finding, ...]:
    """What is wrong with a proposal; nothing where it may go to the authority. `this_year`: the one that transfers of today
    are for."""
    found = []
    if school.ownership != PRIVATE:
        message = f"{school.name}不是民办学校，没有可转入比例"
        cure = "公办学校按标准校额、班额内的空余学位接收转学"
        found.append(refuse("24.5.3", "ratio.not_private", message, cure=cure, fields=("school",)))
    if stage not in school.stages:
        message = f"{school.name}没有{stage.zh}学段"
        found.append(refuse("24.5.3", "ratio.no_stage", message, cure="选择本校举办的学段", fields=("stage",)))
    if school_year not in (this_year, this_year + 1):
        message = f"{school_year}学年的可转入比例不能在现在申报"
        cure = f"申报{this_year}学年或{this_year + 1}学年的比例"
        found.append(refuse("24.5.3", "ratio.wrong_year", message, cure=cure, fields=("school_year",)))
    bounds = ratio_within_bounds(Fraction(numerator, denominator), stage, SchoolSystem(school.system))
    if bounds.outcome == "refuse":
        found.append(bounds)
    return tuple(found)


@clause("24.5.3")
def another_person_decides(proposed_by: str, decides: str) -> Finding | None:
    """Accounts. 报主管部门审批: nobody approves what they have proposed themselves."""
    if proposed_by != decides:
        return None
    message = "可转入比例是您本人申报的，不能由您审批"
    cure = "由主管教育行政部门的另一名工作人员审批"
    return refuse("24.5.3", "ratio.same_person", message, cure=cure)


@clause("24.5.3")
def nobody_in(room: Room | None, ratio: Fraction | None, school: str, year: int) -> Finding | None:
    """Why a private school can take nobody, whoever asks. `room`: None where it has no class of the grade."""
    if ratio is None:
        message = f"{school}{year}学年的可转入比例还没有获得批准，可转入学位为0"
        cure = "由学校申报可转入比例，报主管教育行政部门审批"
        return refuse("24.5.3", "ratio.not_approved", message, cure=cure, ratio="0")
    if room is not None and room.plan_places is None:
        message = f"{school}{grade_name(room.grade)}当年没有招生计划，没有空余学位"
        return refuse("24.5.3", "private.no_plan", message, cure="申请转入有空余学位的公办学校", ratio=str(ratio))
    return None


@clause("24.5.3", "24.3.1")
def places_of(room: Room | None, taken: int, ratio: Fraction | None) -> tuple[int, int]:
    """空余学位 and 可转入学位 of a grade now. `taken`: seats that transfers have been given in this school year."""
    free = 0 if room is None else free_places(room)
    return free, lottery.transferable(free, taken, ratio or Fraction(0))


def years(stage: Stage, system: str) -> int:
    return years_of(stage, SchoolSystem(system))


# ---- 24.5.4: the round and its draw -----------------------------------------------------------------------------------


@clause("24.5.3", "24.5.4")
def may_be_opened(
    school: School, room: Room | None, ratio: Fraction | None, transferable: int, year: int
) -> tuple[Finding, ...]:
    """Whether a list makes sense at all: of a private school, with an approved ratio and at least one place."""
    if school.ownership != PRIVATE:
        message = f"{school.name}不是民办学校，转入不需要报名和随机录取"
        cure = "公办学校由转入学校直接发起转学"
        return (refuse("24.5.4", "round.not_private", message, cure=cure, fields=("school",)),)
    if nobody := nobody_in(room, ratio, school.name, year):
        return (nobody,)
    if transferable < 1:
        message = f"{school.name}该年级本学年没有可转入学位"
        cure = "不开展报名；申请转学的学生统筹安排到有空余学位的公办学校"
        return (refuse("24.5.4", "round.no_places", message, cure=cure, fields=("grade",)),)
    return ()


@clause("24.5.4")
def may_open(
    *, closes_on: date, public_at: datetime, now: datetime, days: int, longest: int, hours: int
) -> tuple[Finding, ...]:
    """What is wrong with the days of a round. `days`, `longest`: that it is open at least and at most, today counted;
    `hours`: from the closing to the public value at least, so that nobody knows it while the list is open."""
    found = []
    earliest, latest = now.date() + timedelta(days=days - 1), now.date() + timedelta(days=longest - 1)
    if not earliest <= closes_on <= latest:
        message = f"报名至少开放{days}天、最多{longest}天"
        cure = f"截止日期选择{earliest.isoformat()}至{latest.isoformat()}之间的一天"
        found.append(refuse("24.5.4", "round.days", message, cure=cure, fields=("closes_on",), days=days))
    known = closed_from(closes_on, now.tzinfo) + timedelta(hours=hours)
    if public_at < known:
        message = f"公开数值的公布时间须在报名截止{hours}小时以后"
        cure = f"选择{known:%Y-%m-%d %H:%M}以后公布的数值（如福利彩票某一期开奖号码）"
        found.append(refuse("24.5.4", "round.public_too_early", message, cure=cure, fields=("public_at",), hours=hours))
    return tuple(found)


def closed_from(closes_on: date, zone: tzinfo | None) -> datetime:
    """The first moment at which nobody can apply any more: the last day belongs to it."""
    return datetime.combine(closes_on + timedelta(days=1), time(), zone)


@clause("24.5.4")
def may_join(closes_on: date | None, today: date, school: str, grade: int) -> Finding:
    """Whether there is a list to be put on. `closes_on`: of the round that is open, None without one.

    Everybody who applies waits for the closing: with places for the first ones to come, nothing would be drawn.
    """
    title = f"{school}{grade_name(grade)}"
    if closes_on is None or today > closes_on:
        ended = "" if closes_on is None else f"（{closes_on.isoformat()}已截止）"
        message = f"{title}现在没有开放的转入报名批次{ended}"
        cure = "待主管教育行政部门公告新的报名批次后申请；急需入学的，申请转入有空余学位的公办学校"
        return refuse("24.5.4", "round.none", message, cure=cure, fields=("to_school",))
    message = f"{title}转入报名至{closes_on.isoformat()}截止；申请人数超过可转入学位的，由主管教育行政部门随机录取"
    cure = "没有录取的，由主管教育行政部门统筹安排到有空余学位的公办学校"
    return note("24.5.4", "round.waits", message, cure=cure, closes_on=closes_on.isoformat())


@clause("24.5.4")
def draw_moment_come(public_at: datetime, now: datetime) -> Finding | None:
    if now >= public_at:
        return None
    message = f"公开数值{public_at.astimezone(now.tzinfo):%Y-%m-%d %H:%M}才公布，现在还不能抽签"
    return refuse("24.5.4", "round.too_early", message, cure="在公布以后录入公开数值并抽签", fields=("public_value",))


@clause("24.3.1", "24.5.4")
def may_be_seated(outcome: str | None, number: str) -> Finding | None:
    """Whether a case on a list may be given a place by whoever decides on it. `outcome`: None before the result is there;
    `number`: of the round. Nobody overrides it: the ratio is no 原则上 rule."""
    if outcome == "won":
        return None
    if outcome is None:
        message = f"该生在民办学校转入报名批次{number}的名单中，结果还没有产生"
        return refuse("24.5.4", "round.undecided", message, cure="待名单封存或随机录取以后再核准")
    message = f"该生在民办学校转入报名批次{number}中没有录取"
    cure = "改派到有空余学位的公办学校，或者由转入学校撤回申请"
    return refuse("24.5.4", "round.not_won", message, cure=cure)


@clause("24.5.4")
def outcome(code: str, left: Collection[str], winners: Collection[str]) -> str:
    """What became of an applicant: `left`, `won` or `lost`."""
    if code in left:
        return "left"
    return "won" if code in winners else "lost"


@clause("24.5.2", "24.5.4")
def sent_on(school: str, applicants: int, places: int) -> Finding:
    """Said of whoever has no place: the case goes on to the authority, which sends it to a public school."""
    message = f"{school}本批次申请{applicants}人、可转入学位{places}个，随机录取没有录取该生"
    cure = "由主管教育行政部门按相对就近原则统筹安排到有空余学位的公办学校，不需要重新申请"
    return note("24.5.4", "round.lost", message, cure=cure, applicants=applicants, places=places)


@clause("24.5.4")
def has_place(school: str, *, drawn: bool) -> Finding:
    message = f"随机录取到{school}" if drawn else f"{school}本批次申请人数不超过可转入学位，予以录取"
    return passed("24.5.4", "round.won", message)
