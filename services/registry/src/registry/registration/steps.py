"""What a decision asks beyond casework's rules: own classes, a printed sheet, the day of the signature (15.1)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from regulation.findings import refuse
from regulation.mark import clause
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Finding, RefusalKind, Refused, refused
from shared_contracts.registry import Step

from registry.registration.policy import day_title


@clause("15.1")
def own_class(step: Step, actor: Actor, grade: int, class_no: int) -> Finding | None:
    """A class teacher checks the pupils of his own classes. Who is none is told so by casework."""
    if step is not Step.CLASS_TEACHER or not actor.has(Role.CLASS_TEACHER) or actor.teaches(grade, class_no):
        return None
    message = f"班主任只审核本班学生，{grade}年级{class_no}班不在您的班级范围"
    return refuse("15.1", "registration.not_own_class", message, cure="由该班班主任审核")


@clause("15.1")
def guardian_signed(
    step: Step, decision: str, printed_on: date | None, signed_on: date | None, today: date
) -> Finding | None:
    """Guardians sign the printed sheet: it must have been printed, and the day of the signature is recorded."""
    if step is not Step.GUARDIAN or decision != "approve":
        return None
    if printed_on is None:
        cure = "先打印学生基本信息确认表，交监护人签字后再登记；更正过的须重新打印"
        return refuse("15.1", "registration.sheet_not_printed", "确认表还没有打印", cure=cure)
    if signed_on is None:
        cure = "填写监护人在确认表上签字的日期"
        return refuse("15.1", "registration.signed_on_missing", "没有签字日期", cure=cure, fields=("signed_on",))
    if not printed_on <= signed_on <= today:
        message = f"签字日期须在确认表打印日（{day_title(printed_on)}）与今天之间"
        cure = "核对确认表上的签字日期"
        return refuse("15.1", "registration.signed_on_wrong", message, cure=cure, fields=("signed_on",))
    return None


_FORBIDDEN = frozenset({"case.wrong_role", "case.wrong_organisation", "case.same_person", "registration.not_own_class"})
_INVALID = frozenset(
    {
        "case.reason_required",
        "case.decision_not_possible",
        "case.override_not_possible",
        "case.step_unknown",
        "registration.signed_on_missing",
        "registration.signed_on_wrong",
    }
)
_CONFLICT = frozenset({"case.ended", "case.step_done", "case.step_too_early", "case.returned", "case.not_returned"})


def refusal(findings: Iterable[Finding]) -> Refused:
    """Findings as a refusal, each told once. The gravest decides its kind: forbidden, then conflict, then invalid."""
    told = {(one.code, one.message): one for one in findings}
    codes = {one.code for one in told.values()}
    kind: RefusalKind = "refused"
    for candidate, among in (("forbidden", _FORBIDDEN), ("conflict", _CONFLICT), ("invalid", _INVALID)):
        if codes & among:
            kind = candidate  # type: ignore[assignment]
            break
    detail = "；".join(f"{one.message}。{one.cure or ''}" for one in list(told.values())[:3])
    return refused(kind, detail, *list(told.values())[:20])
