"""All rules in the order of the articles: when a transfer is applied for, and again while it is under way."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date

import msgspec
from regulation.findings import decide, note, passed, refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_calendar import Terms
from regulation.school_year import grade_name
from shared_contracts.decisions import Decision, Finding, Outcome
from shared_contracts.holds import ChangeFacts, Pupil
from shared_contracts.transfer import Application, Step

from transfer.rules import barred, evidence, grounds, placement, places, private, times
from transfer.rules.case import Case, Intake, Seen

Rule = Callable[[Case], Finding | Iterable[Finding] | None]
RuleAgain = Callable[[Seen], Finding | Iterable[Finding] | None]


def _evidence(case: Case) -> tuple[Finding, ...]:
    return evidence.evidence_given(case.application)


RULES: tuple[Rule, ...] = (
    grounds.one_change_at_a_time,  # 23
    grounds.household_has_moved,  # 24.1.1
    grounds.residence_has_changed,  # 24.1.2
    grounds.house_bought_in_the_county,  # 24.1.2
    grounds.county_places_migrants,  # 24.1.3
    _evidence,  # 24.1.1 to 24.1.3, 24.4
    places.not_into_a_large_school,  # 24.2.1
    places.a_class_has_room,  # 24.2.2
    barred.not_alone_in_the_household,  # 24.3.1
    private.within_the_ratio,  # 24.3.1
    barred.signs_of_choosing,  # 24.3.1
    barred.urban_juniors_stay_in_the_county,  # 24.3.2
    barred.not_in_the_first_term,  # 24.3.3
    barred.graduating_grades_stay_in_the_county,  # 24.3.3
    barred.not_while_suspended,  # 24.3.4
    placement.ground_fits_the_schools,  # 24.4
    placement.record_moves_or_stays,  # 24.4
    placement.placed_there,  # 24.4
    placement.to_another_school,  # 24.5.1
    places.placed_nearby,  # 24.5.2
    private.private_school_has_a_place,  # 24.5.3
    times.not_before_it_is_done,  # 24.6.1
    placement.same_grade,  # 24.6.2
    times.nothing_to_pay,  # 24.6.3
    times.in_the_window,  # 24.6.4
    times.not_in_the_freeze,  # 24.6.4
)
"""What an application is asked."""

AGAIN: tuple[RuleAgain, ...] = (
    places.not_into_a_large_school,  # 24.2.1
    places.a_class_has_room,  # 24.2.2
    private.within_the_ratio,  # 24.3.1
    barred.not_while_suspended,  # 24.3.4
    placement.to_another_school,  # 24.5.1
    private.private_school_has_a_place,  # 24.5.3
    placement.same_grade,  # 24.6.2
)
"""What has to hold still when a step is approved and when the case completes. Ground, household, term, window and freeze are
those of the day of the application: what was begun in time goes on."""


class Begun(msgspec.Struct, frozen=True, kw_only=True):
    """A case under way. `step`: the one that is being approved, None where the case completes. `from_school`, `grade`: as it
    was opened. `seat`: it holds a place in the receiving school; `over`: the authority gave it beyond the standard size.
    `overridden`: clauses that the authority has decided on.
    """

    step: Step | None
    from_school: str
    grade: int
    seat: bool
    over: bool = False
    overridden: Collection[str] = ()


def judge(
    facts: ChangeFacts,
    application: Application,
    parameters: Parameters,
    terms: Sequence[Terms],
    today: date,
    intake: Intake | None = None,
) -> Decision:
    """May this transfer be applied for? All findings, passes too, in article order.

    `facts`: asked with `place_of(application)` as the residence. `terms`: of the receiving school's division, for the
    `years_around(today)`. `today`: the day of the application, also when it is corrected later: what was applied for in
    time is not late because somebody asked for a paper. Raises LookupError where a needed year is not among `terms`.
    """
    if (missing := nothing_to_judge(facts)) is not None:
        return decide(missing, policy_version=facts.policy_version)
    assert facts.pupil is not None
    assert facts.to is not None
    case = Case(
        pupil=facts.pupil,
        to=facts.to,
        room=facts.room,
        covers=facts.covers,
        application=application,
        parameters=parameters,
        terms=terms,
        today=today,
        intake=intake,
    )
    return decide(*(rule(case) for rule in RULES), policy_version=facts.policy_version)


def judge_again(
    facts: ChangeFacts, parameters: Parameters, today: date, begun: Begun, intake: Intake | None = None
) -> Decision:
    """Does it still hold, when a step is approved or the case completes?

    `facts`, `intake`: with this case's own seat not counted, so that a held place never stands against itself. What the
    authority has already decided on, and a seat that it gave beyond the standard, is not asked of it again.
    """
    if (missing := nothing_to_judge(facts)) is not None:
        return decide(missing, policy_version=facts.policy_version)
    assert facts.pupil is not None
    assert facts.to is not None
    seen = Seen(
        pupil=facts.pupil,
        to=facts.to,
        room=facts.room,
        covers=facts.covers,
        parameters=parameters,
        today=today,
        intake=intake,
    )
    settled = {*begun.overridden, *(("24.2.1", "24.2.2") if begun.over else ())}
    found = decide(*(rule(seen) for rule in AGAIN), still_the_same(seen, begun), place_is_held(seen, begun)).findings
    return decide(*(_settled(one, settled) for one in found), policy_version=facts.policy_version)


@clause("24.5.1")
def nothing_to_judge(facts: ChangeFacts) -> Finding | None:
    """No pupil, or no school to go to.

    One answer for a wrong name, a wrong number, a record that has ended and a pupil of another province: who asks learns
    nothing of anybody.
    """
    if (missing := nothing_to_judge_of(facts.pupil)) is not None:
        return missing
    if facts.to is not None:
        return None
    message, cure = "没有找到申请转入的学校", "核对学校标识码，选择设有该年级的学校"
    return refuse("24.5.1", "school.not_found", message, cure=cure, fields=("to_school",))


@clause("24.5.1")
def nothing_to_judge_of(pupil: Pupil | None) -> Finding | None:
    """Nobody who could go anywhere."""
    if pupil is not None and pupil.live:
        return None
    message = "没有找到可以办理转学的学生"
    cure = "核对姓名和证件号码（或学籍号），须与学籍完全一致；学生的学籍在外省的，选择“由外省转入”"
    return refuse("24.5.1", "pupil.not_found", message, cure=cure, fields=("name", "number"))


@clause("21.1", "22")
def still_in_school(pupil: Pupil | None) -> Finding | None:
    """Of a case that is under way its parties know the pupil: they are told that the record has ended (注销, 毕业)."""
    if pupil is None or pupil.live:
        return None
    message = "该生的学籍已经不在籍（注销、毕业等），不能继续办理转学"
    cure = "撤回本次转学；学籍恢复后仍需转学的，重新申请"
    return refuse("21.1", "pupil.record_ended", message, cure=cure)


@clause("24.6.2")
def still_the_same(case: Seen, begun: Begun) -> Finding:
    """The pupil is where the case found them.

    Who has been promoted since goes on into the next grade, and the seat with them: 同年级互转 is of the day of the change. A
    grade that has fallen was wrong when the case was opened.
    """
    if case.at.code != begun.from_school:
        message = "学生的学籍已不在发起转学时的学校"
        cure = "撤回本次转学，按现在的学籍学校重新申请"
        return refuse("24.6.2", "pupil.elsewhere", message, cure=cure)
    grade = case.pupil.grade
    if grade is not None and grade < begun.grade:
        message = f"学生的就读年级已更正为{grade_name(grade)}，申请的是{grade_name(begun.grade)}"
        cure = "撤回本次转学，按现在的就读年级重新申请"
        return refuse("24.6.2", "grade.changed", message, cure=cure, grade=grade, opened=begun.grade)
    if grade is not None and grade > begun.grade:
        message = f"学生已由{grade_name(begun.grade)}升入{grade_name(grade)}，转入{grade_name(grade)}"
        cure = "保留的学位随学生升入，继续办理即可"
        return note("24.6.2", "grade.promoted", message, cure=cure, grade=grade, opened=begun.grade)
    return passed("24.6.2", "pupil.same", "学生的学校和年级没有变化")


@clause("24.2.2")
def place_is_held(case: Seen, begun: Begun) -> Finding | None:
    """Nobody after the receiving authority approves, and no pupil comes, without a place that was counted."""
    if begun.seat:
        return passed("24.2.2", "seat.held", f"{case.to.name}已为学生保留学位")
    if begun.step is Step.RECEIVING_AUTHORITY:
        return None  # it gives the place, or sends the pupil elsewhere
    message = f"{case.to.name}没有为学生保留学位"
    cure = "由转入学校主管教育行政部门改派到有空余学位的公办学校，或写明理由决定接收"
    return refuse("24.2.2", "seat.none", message, cure=cure, fields=("to_school",))


def seen_by_school(decision: Decision) -> Decision:
    """For the school that applies: without the signs of choosing, which speak of the pupil's past."""
    kept = tuple(one for one in decision.findings if not one.code.startswith(barred.SIGN))
    return Decision(findings=kept, policy_version=decision.policy_version)


def to_override(decision: Decision) -> tuple[str, ...]:
    """The clauses that the competent authority has to decide on, in article order."""
    return tuple(dict.fromkeys(one.clause for one in decision.of(Outcome.NEEDS_OVERRIDE) if one.clause is not None))


def _settled(finding: Finding, settled: Collection[str]) -> Finding:
    if finding.outcome is not Outcome.NEEDS_OVERRIDE or finding.clause is None or finding.clause not in settled:
        return finding
    cure = "主管教育行政部门已写明理由决定"
    return note(finding.clause, finding.code, finding.message, cure=cure, fields=finding.fields, **finding.facts)
