"""A correction of key fields as a kind of case: the registrar asks, the principal and the supervising authority approve."""

from __future__ import annotations

import functools

from casework.kinds import ENTRANT, CaseKind, StepKind
from regulation.authorisation import deciders
from regulation.mark import clause
from shared_contracts.clearing import CorrectionState, CorrectionStep

DECIDE = "registry.decide_correction"


@clause("40", "3.1")
@functools.cache
def chain(days: int) -> CaseKind:
    """`days`: working days a step (parameter `approval_working_days`)."""
    return CaseKind(
        name="correction",
        title="关键信息更正",
        clause="40",
        entrant_party="school",
        entrant_roles=deciders("registry.resubmit_correction"),
        steps=(
            StepKind(
                name=CorrectionStep.PRINCIPAL,
                title="学籍主管校长审核",
                party="school",
                roles=deciders(f"{DECIDE}/{CorrectionStep.PRINCIPAL}"),
                days=days,
                distinct_from=(ENTRANT,),
            ),
            StepKind(
                name=CorrectionStep.AUTHORITY,
                title="学籍主管部门审核",
                party="authority",
                roles=deciders(f"{DECIDE}/{CorrectionStep.AUTHORITY}"),
                days=days,
                distinct_from=(ENTRANT,),
            ),
        ),
    )


_WAITING = {
    CorrectionStep.PRINCIPAL: CorrectionState.PRINCIPAL,
    CorrectionStep.AUTHORITY: CorrectionState.AUTHORITY,
}


def state_of(status: str, step: str | None, outcome: str | None) -> CorrectionState:
    """A correction's state from its case and, once approved, from what identity made of it."""
    if outcome is not None:
        return CorrectionState(outcome)
    return _WAITING[CorrectionStep(step or "")] if status == "open" else CorrectionState(status)


def meaning(state: CorrectionState) -> tuple[str, str | None, str | None]:
    """The inverse, for queries: (status, step or None for any, outcome)."""
    for step, waiting in _WAITING.items():
        if waiting is state:
            return "open", str(step), None
    if state in (CorrectionState.APPLYING, CorrectionState.APPLIED, CorrectionState.FAILED):
        return "approved", None, str(state)
    return str(state), None, None
