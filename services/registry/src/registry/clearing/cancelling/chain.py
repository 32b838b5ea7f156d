"""A cancellation as a kind of case: an officer proposes, the leader of the same authority decides (two persons)."""

from __future__ import annotations

import functools

from casework.kinds import ENTRANT, CaseKind, StepKind
from regulation.authorisation import deciders
from regulation.mark import clause
from shared_contracts.clearing import CancellationState

LEADER = "leader"


@clause("22")
@functools.cache
def chain(days: int) -> CaseKind:
    """`days`: working days for the leader (parameter `approval_working_days`). No school is a party of it."""
    return CaseKind(
        name="cancellation",
        title="注销学籍",
        clause="22",
        entrant_party="authority",
        entrant_roles=deciders("registry.withdraw_cancellation"),
        steps=(
            StepKind(
                name=LEADER,
                title="分管局长决定",
                party="authority",
                roles=deciders("registry.decide_cancellation"),
                days=days,
                decisions=("approve", "reject"),
                distinct_from=(ENTRANT,),
            ),
        ),
    )


def state_of(status: str, outcome: str | None) -> CancellationState:
    if outcome is not None:
        return CancellationState(outcome)
    return {
        "open": CancellationState.PROPOSED,
        "returned": CancellationState.PROPOSED,
        "rejected": CancellationState.REJECTED,
        "withdrawn": CancellationState.WITHDRAWN,
        "approved": CancellationState.CANCELLED,
    }[status]
