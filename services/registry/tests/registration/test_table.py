"""The table of acts and the chain of clause 15.1 say the same: who decides a step, and where a registration must stand."""

from __future__ import annotations

from itertools import product

import pytest
from casework.rules import may_decide, may_resubmit, may_withdraw
from casework.state import Standing
from registry.registration.chain import DECIDE, chain, meaning
from regulation.authorisation import act
from shared_contracts.actors import Actor, Role
from shared_contracts.registry import RegistrationState, Step

SCHOOL, AUTHORITY = "2123010001", "230102"
PARTIES = {"school": SCHOOL, "authority": AUTHORITY}
KIND = chain(10)


def actor(role: Role) -> Actor:
    of = AUTHORITY if role is Role.AUTHORITY_OFFICER else SCHOOL
    return Actor(account="a", name="甲", organisation=of, roles=(role,), classes=("1",))


def standing(state: RegistrationState) -> Standing:
    status, step, _ = meaning(state)
    return Standing(status=status, step=step or (KIND.first.name if status == "returned" else None))  # type: ignore[arg-type]


@pytest.mark.clause("15.1")
@pytest.mark.parametrize(("step", "state"), list(product(Step, RegistrationState)))
def test_a_step_is_decided_where_the_table_says_and_nowhere_else(step: Step, state: RegistrationState) -> None:
    row = act(f"{DECIDE}/{step}")
    assert row.states == act(f"registry.decide_roster/{step}").states  # in bulk as one by one
    assert row.cells == act(f"registry.decide_roster/{step}").cells
    against = may_decide(
        KIND, standing(state), step, actor(row.roles[0]), parties=PARTIES, decision="approve", reason="", entered_by="b"
    )
    assert (against == ()) == (state in row.states)


@pytest.mark.clause("15.1")
@pytest.mark.parametrize("state", RegistrationState)
def test_a_registration_is_corrected_and_withdrawn_where_the_table_says(state: RegistrationState) -> None:
    registrar = actor(Role.REGISTRAR)
    corrected = may_resubmit(KIND, standing(state), registrar, PARTIES)
    assert (corrected == ()) == (state in act("registry.correct_registration").states)
    withdrawn = may_withdraw(KIND, standing(state), registrar, PARTIES, "家长要求")
    assert (withdrawn == ()) == (state in act("registry.withdraw_registration").states)
