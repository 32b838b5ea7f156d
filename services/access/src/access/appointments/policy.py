"""The rules of registrars (clause 43), in the order of its sentences. Pure.

配备学籍管理员, 先培训后上岗, 保持相对稳定, 学年中途原则上不更换; 基本信息报主管部门 is an event (`handlers`).
A school year is named by the calendar year of its first September. Days are of Asia/Shanghai.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Literal

import msgspec
from regulation.divisions import chain
from regulation.findings import needs_override, passed, refuse
from regulation.mark import clause, enforced
from regulation.school_year import MonthDay, school_year
from shared_contracts.actors import Actor, Role
from shared_contracts.appointments import Training
from shared_contracts.decisions import Decision, Finding, Outcome

LONGEST_TEXT = 200
LONGEST_REASON = 500

enforced("43", by="trained_before_appointed", at="../migrations/versions/0004_appointments.py")
enforced("43", by="appointments_are_kept", at="../migrations/versions/0004_appointments.py")


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """The account that is to be the registrar. `sealed`: nobody can sign in with it."""

    organisation: str
    registrar: bool
    sealed: bool


class Former(msgspec.Struct, frozen=True, kw_only=True):
    """An appointment that is to be replaced or ended. `over`: it has ended already, early or with its school year."""

    username: str
    school: str
    school_year: int
    begins_on: date
    over: bool


class Appointing(msgspec.Struct, frozen=True, kw_only=True):
    """What is looked at. `year_start`: the first day of a school year, from the parameters. `twice`: the person has an
    appointment for this school and school year that has not ended. `replaces` names an appointment, `former` is it."""

    school: str
    school_closed: bool
    username: str
    person: Person | None
    training: Training
    school_year: int
    begins_on: date
    today: date
    year_start: MonthDay
    twice: bool = False
    replaces: str | None = None
    former: Former | None = None


def first_day(year: int, start: MonthDay) -> date:
    return start.in_year(year)


def last_day(year: int, start: MonthDay) -> date:
    """The day before the next school year begins."""
    return start.in_year(year + 1) - timedelta(days=1)


def in_mid_year(year: int, day: date, start: MonthDay) -> bool:
    """Whether a day lies within a school year that has begun before it: at its turn nobody is replaced in mid-year."""
    return first_day(year, start) < day <= last_day(year, start)


def appointing(facts: Appointing) -> tuple[Finding, ...]:
    """All that clause 43 has to say to an appointment; passes too."""
    found = (
        school_is_open(facts),
        is_its_registrar(facts),
        trained_first(facts),
        for_a_school_year(facts),
        appointed_once(facts),
        kept_stable(facts),
    )
    return tuple(one for one in found if one is not None)


def school_is_open(facts: Appointing) -> Finding | None:
    if not facts.school_closed:
        return None
    cure = "为接收该校学生的学校登记学籍管理员"
    return refuse("43", "appointment.school_closed", "学校已撤销，不再登记学籍管理员", cure=cure, fields=("school",))


@clause("43")
def is_its_registrar(facts: Appointing) -> Finding:
    """配备学籍管理员: the appointment is of a person with an account of that school."""
    person = facts.person
    fields = ("username",)
    if person is None or person.organisation != facts.school:
        cure = "由账号管理员先为其建立本校的学籍管理员账号"
        return refuse("43", "appointment.no_account", "本校没有这个账号", cure=cure, fields=fields)
    if not person.registrar:
        cure = "由账号管理员先为该账号加上学籍管理员角色"
        return refuse("43", "appointment.not_registrar", "该账号没有学籍管理员角色", cure=cure, fields=fields)
    if person.sealed:
        cure = "由账号管理员先启用该账号"
        return refuse("43", "appointment.sealed", "该账号已封存", cure=cure, fields=fields)
    return passed("43", "appointment.registrar", "该账号是本校的学籍管理员账号")


@clause("43")
def trained_first(facts: Appointing) -> Finding:
    """先培训后上岗: completed on the day it begins at the latest, and not in days to come."""
    training = facts.training
    texts = {"title": training.title, "organiser": training.organiser}
    if missing := [name for name, text in texts.items() if not text.strip()]:
        cure = "填写培训名称和组织单位"
        fields = tuple(f"training.{name}" for name in missing)
        return refuse("43", "appointment.no_training", "没有培训记录，先培训后上岗", cure=cure, fields=fields)
    if too_long := [n for n, t in {**texts, "certificate": training.certificate}.items() if len(t) > LONGEST_TEXT]:
        fields = tuple(f"training.{name}" for name in too_long)
        message = f"培训记录的文字超过{LONGEST_TEXT}个字"
        return refuse("43", "appointment.training_text", message, cure="简写后重新提交", fields=fields)
    if training.completed_on > facts.begins_on or training.completed_on > facts.today:
        return refuse(
            "43",
            "appointment.untrained",
            "培训尚未完成，先培训后上岗",
            cure="培训完成后再登记任用，或核对培训完成日期",
            fields=("training.completed_on", "begins_on"),
            completed_on=training.completed_on.isoformat(),
            begins_on=facts.begins_on.isoformat(),
        )
    return passed("43", "appointment.trained", "已完成培训", completed_on=training.completed_on.isoformat())


@clause("43")
def for_a_school_year(facts: Appointing) -> Finding:
    """For the present school year, or the next one ahead of its turn; it begins within it."""
    present = school_year(facts.today, facts.year_start)
    if facts.school_year not in (present, present + 1):
        return refuse(
            "43",
            "appointment.school_year",
            "只能登记本学年或下一学年的任用",
            cure=f"学年填写{present}（{present}—{present + 1}学年）或{present + 1}",
            fields=("school_year",),
            school_year=facts.school_year,
        )
    first, last = first_day(facts.school_year, facts.year_start), last_day(facts.school_year, facts.year_start)
    if not first <= facts.begins_on <= last:
        return refuse(
            "43",
            "appointment.begins_on",
            "任用开始日期不在所填学年内",
            cure=f"填写{first}至{last}之间的日期，或更正学年",
            fields=("begins_on",),
            begins_on=facts.begins_on.isoformat(),
        )
    return passed("43", "appointment.period", "任用日期在学年内", school_year=facts.school_year)


@clause("43")
def appointed_once(facts: Appointing) -> Finding | None:
    if not facts.twice:
        return None
    cure = "不必重复登记；信息有误的，先终止原任用"
    return refuse("43", "appointment.twice", "该学籍管理员在本学年已有任用登记", cure=cure, fields=("username",))


@clause("43")
def kept_stable(facts: Appointing) -> Finding | None:
    """保持相对稳定，学年中途原则上不更换. A further registrar beside the others replaces nobody."""
    if facts.replaces is None:
        return None
    former, fields = facts.former, ("replaces",)
    if former is None or former.school != facts.school:
        cure = "从本校的任用列表中选择要更换的任用"
        return refuse("43", "appointment.replaces_unknown", "本校没有要更换的这项任用", cure=cure, fields=fields)
    if former.over:
        cure = "不必更换，直接登记新的任用"
        return refuse("43", "appointment.replaces_over", "要更换的任用已经终止", cure=cure, fields=fields)
    if former.username == facts.username:
        cure = "续任的，登记下一学年的任用，不必更换"
        return refuse("43", "appointment.replaces_self", "不能由本人更换本人", cure=cure, fields=fields)
    return _stable(former, facts.begins_on, facts.today, facts.year_start, "更换")


@clause("43")
def ending(former: Former, today: date, year_start: MonthDay) -> tuple[Finding, ...]:
    """Ending one without another in its place is the same disturbance as replacing it."""
    if former.over:
        cure = "刷新后查看当前状态"
        return (refuse("43", "appointment.over", "这项任用已经终止", cure=cure),)
    return (_stable(former, today, today, year_start, "终止"),)


def _stable(former: Former, day: date, today: date, start: MonthDay, what: Literal["更换", "终止"]) -> Finding:
    """`day`: from when on it would be so. What will have been in force on no day disturbs nothing."""
    in_office = former.begins_on <= today or former.begins_on < day
    if in_office and in_mid_year(former.school_year, day, start):
        return needs_override(
            "43",
            "appointment.mid_year",
            f"学年中途原则上不{what}学籍管理员",
            cure=f"{last_day(former.school_year, start) + timedelta(days=1)}新学年开始时再{what}；"
            f"确有必要的，由主管教育行政部门的学籍主管写明原因后办理",
            fields=("override_reason",),
            day=day.isoformat(),
        )
    return passed("43", "appointment.at_the_turn", f"不在学年中途，可以{what}", day=day.isoformat())


# ---- who goes on where the law says 原则上 ------------------------------------------------------------------------------


@clause("43")
def overridden(decision: Decision, actor: Actor, authority: str | None, reason: str) -> Finding | None:
    """None where the decision may stand: nothing to override, or an officer of the competent authority has written why.

    `authority`: the school's supervising one; those above it are competent too (clause 3.1).
    """
    if not decision.needs_override:
        return None
    (open_, *_) = decision.of(Outcome.NEEDS_OVERRIDE)
    competent = actor.has(Role.AUTHORITY_OFFICER) and authority is not None and actor.organisation in chain(authority)
    if not competent:
        return open_
    if not reason.strip():
        return msgspec.structs.replace(open_, cure="写明确有必要的原因后重新提交")
    if len(reason) > LONGEST_REASON:
        cure = f"简写到{LONGEST_REASON}个字以内"
        return refuse("43", "appointment.override_text", "原因过长", cure=cure, fields=("override_reason",))
    return None
