"""The table of acts and the chains of corrections and cancellations say the same."""

from __future__ import annotations

from itertools import product

import pytest
from casework.rules import may_decide, may_resubmit, may_withdraw
from casework.state import Standing
from registry.clearing.cancelling.chain import LEADER
from registry.clearing.cancelling.chain import chain as cancelling
from registry.clearing.cancelling.chain import state_of as cancellation_state
from registry.clearing.correcting.chain import DECIDE, chain, meaning, state_of
from regulation.authorisation import act
from shared_contracts.actors import Actor, Role
from shared_contracts.clearing import CancellationState, CorrectionState, CorrectionStep

SCHOOL, AUTHORITY = "2123010001", "230102"
PARTIES = {"school": SCHOOL, "authority": AUTHORITY}
KIND, ENDING = chain(10), cancelling(10)


def actor(role: Role) -> Actor:
    of = AUTHORITY if role in (Role.AUTHORITY_OFFICER, Role.LEADER) else SCHOOL
    return Actor(account="a", name="甲", organisation=of, roles=(role,))


def standing(state: CorrectionState) -> Standing:
    status, step, _ = meaning(state)
    return Standing(status=status, step=step or (KIND.first.name if status == "returned" else None))  # type: ignore[arg-type]


@pytest.mark.clause("40")
@pytest.mark.parametrize(("step", "state"), list(product(CorrectionStep, CorrectionState)))
def test_a_step_of_a_correction_is_decided_where_the_table_says(step: CorrectionStep, state: CorrectionState) -> None:
    row = act(f"{DECIDE}/{step}")
    against = may_decide(
        KIND, standing(state), step, actor(row.roles[0]), parties=PARTIES, decision="approve", reason="", entered_by="b"
    )
    assert (against == ()) == (state in row.states)


@pytest.mark.clause("40")
@pytest.mark.parametrize("state", CorrectionState)
def test_a_correction_is_resubmitted_and_withdrawn_where_the_table_says(state: CorrectionState) -> None:
    registrar = actor(Role.REGISTRAR)
    again = may_resubmit(KIND, standing(state), registrar, PARTIES)
    assert (again == ()) == (state in act("registry.resubmit_correction").states)
    withdrawn = may_withdraw(KIND, standing(state), registrar, PARTIES, "家长要求")
    assert (withdrawn == ()) == (state in act("registry.withdraw_correction").states)
    status, step, outcome = meaning(state)
    assert state_of(status, step, outcome) is state


@pytest.mark.clause("22")
@pytest.mark.parametrize("status", ["open", "rejected", "withdrawn", "approved"])
def test_a_cancellation_is_decided_and_withdrawn_where_the_table_says(status: str) -> None:
    at = Standing(status=status, step=LEADER if status == "open" else None)  # type: ignore[arg-type]
    state = cancellation_state(status, "cancelled" if status == "approved" else None)
    parties = {"authority": AUTHORITY}
    decided = may_decide(
        ENDING, at, LEADER, actor(Role.LEADER), parties=parties, decision="approve", reason="", entered_by="b"
    )
    assert (decided == ()) == (state in act("registry.decide_cancellation").states)
    withdrawn = may_withdraw(ENDING, at, actor(Role.AUTHORITY_OFFICER), parties, "情况不实")
    assert (withdrawn == ()) == (state in act("registry.withdraw_cancellation").states)
    assert "school" not in {step.party for step in ENDING.steps}
    assert set(act("registry.reinstate_record").states) == {CancellationState.CANCELLED}
