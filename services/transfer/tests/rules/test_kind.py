"""The four approvals: order, parties, roles, clocks, and that nobody takes two steps (24.5.1, 24.6.4)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from itertools import product
from typing import Any

import pytest
from article24 import DAOLI, HERE, NANGANG, THERE, law
from casework.kinds import CaseKind
from casework.rules import may_decide, may_reroute, may_resubmit, may_withdraw
from casework.state import Standing, advance, opened
from hypothesis import given
from hypothesis import strategies as st
from regulation.calendar import Calendar
from shared_contracts.actors import Actor, Role
from shared_contracts.transfer import Step
from transfer.rules.kind import PARTIES, RECEIVING_SCHOOL, chain, kind, one_signature_serves

CALENDAR = Calendar()
DAY = date(2026, 3, 2)
KIND = chain(10)
APART: Mapping[str, str] = {
    RECEIVING_SCHOOL: THERE.code,
    Step.RECEIVING_AUTHORITY: DAOLI,
    Step.RELEASING_SCHOOL: HERE.code,
    Step.RELEASING_AUTHORITY: NANGANG,
}
ONE_AUTHORITY = {**APART, Step.RELEASING_AUTHORITY: DAOLI}


def who(account: str, organisation: str, *roles: Role) -> Actor:
    return Actor(account=account, name=account, organisation=organisation, roles=roles)


DECIDERS = {
    Step.RECEIVING_AUTHORITY: who("daoli.officer", DAOLI, Role.AUTHORITY_OFFICER),
    Step.RELEASING_SCHOOL: who("here.principal", HERE.code, Role.PRINCIPAL),
    Step.RELEASING_AUTHORITY: who("nangang.officer", NANGANG, Role.AUTHORITY_OFFICER),
}


def waiting_for(step: Step, kind_: CaseKind = KIND, deciders: Mapping[Step, Actor] = DECIDERS) -> Standing:
    standing = opened(kind_, DAY, CALENDAR)
    for before in list(Step)[: list(Step).index(step)]:
        standing = advance(kind_, standing, "approve", deciders[before].account, day=DAY, calendar=CALENDAR)
    return standing


def against(standing: Standing, step: str, actor: Actor, **more: Any) -> list[str]:
    values: dict[str, Any] = {
        "parties": APART,
        "decision": "approve",
        "reason": "",
        "entered_by": "there.registrar",
        **more,
    }
    return [f.code.removeprefix("case.") for f in may_decide(values.pop("kind", KIND), standing, step, actor, **values)]


@pytest.mark.clause("24.5.1")
def test_three_approvals_in_the_order_of_the_clause() -> None:
    assert [step.name for step in KIND.steps] == ["receiving_authority", "releasing_school", "releasing_authority"]
    assert [step.party for step in KIND.steps] == [step.name for step in KIND.steps]
    assert KIND.entrant_party == RECEIVING_SCHOOL
    assert set(PARTIES) == set(APART)
    assert KIND.clause == "24.5.1"


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("step", list(Step))
def test_each_step_has_its_own_people_and_its_turn(step: Step) -> None:
    standing = waiting_for(step)
    assert against(standing, step, DECIDERS[step]) == []
    for other in Step:
        if other is not step:
            assert against(standing, other, DECIDERS[other])  # out of turn
            assert against(standing, step, DECIDERS[other])  # of another party


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(("step", "role"), list(product(Step, Role)))
def test_no_other_role_of_the_right_organisation_decides(step: Step, role: Role) -> None:
    found = against(waiting_for(step), step, who("somebody", APART[step], role))
    assert (found == []) == (role in KIND.step(step).roles)
    authority = {Role.AUTHORITY_OFFICER, Role.LEADER}
    assert set(KIND.step(step).roles) <= ({Role.PRINCIPAL} if step is Step.RELEASING_SCHOOL else authority)


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(("step", "organisation"), list(product(Step, APART.values())))
def test_no_other_organisation_decides(step: Step, organisation: str) -> None:
    found = against(waiting_for(step), step, who("somebody", organisation, *KIND.step(step).roles))
    assert (found == []) == (organisation == APART[step])


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("step", list(Step))
def test_who_entered_the_case_decides_no_step_of_it(step: Step) -> None:
    actor = who("there.registrar", APART[step], *KIND.step(step).roles)
    assert against(waiting_for(step), step, actor) == ["same_person"]


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Step.RECEIVING_AUTHORITY, Step.RELEASING_SCHOOL),
        (Step.RECEIVING_AUTHORITY, Step.RELEASING_AUTHORITY),
        (Step.RELEASING_SCHOOL, Step.RELEASING_AUTHORITY),
    ],
)
def test_nobody_takes_two_steps_also_not_through_two_roles(earlier: Step, later: Step) -> None:
    """One account with the roles of both, of an organisation that is both parties."""
    everything = who("both", DAOLI, Role.AUTHORITY_OFFICER, Role.LEADER, Role.PRINCIPAL)
    parties = dict.fromkeys(APART, DAOLI)
    standing = waiting_for(later, deciders={**DECIDERS, earlier: everything})
    assert against(standing, later, everything, parties=parties) == ["same_person"]
    for only in everything.roles:
        assert against(standing, later, who("both", DAOLI, only), parties=parties)


# ---- one authority over both schools ------------------------------------------------------------


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(
    ("value", "same", "serves"), [(0, False, False), (0, True, False), (1, False, False), (1, True, True)]
)
def test_one_signature_serves_both_only_where_the_parameter_says_so(value: int, same: bool, serves: bool) -> None:
    parameters = law(shared_authority_one_signature=value)
    assert one_signature_serves(parameters, same_authority=same) == serves
    made = kind(parameters, same_authority=same)
    assert [step.name for step in made.steps] == [step.name for step in KIND.steps]  # both steps stay
    officer = DECIDERS[Step.RECEIVING_AUTHORITY]
    standing = waiting_for(Step.RELEASING_AUTHORITY, made)
    found = against(standing, Step.RELEASING_AUTHORITY, officer, kind=made, parties=ONE_AUTHORITY)
    assert found == ([] if serves else ["same_person"])


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("account", ["there.registrar", "here.principal"])
def test_one_signature_is_the_authoritys_and_nobody_elses(account: str) -> None:
    made = chain(10, one_signature=True)
    actor = who(account, DAOLI, Role.AUTHORITY_OFFICER)
    found = against(waiting_for(Step.RELEASING_AUTHORITY, made), Step.RELEASING_AUTHORITY, actor, kind=made,
                    parties=ONE_AUTHORITY)  # fmt: skip
    assert found == ["same_person"]


# ---- exceptions, other schools, corrections ------------------------------------------------------------


@pytest.mark.clause("24.5.1", "24.5.2")
@pytest.mark.parametrize("step", list(Step))
def test_the_receiving_authority_alone_overrides_and_sends_elsewhere(step: Step) -> None:
    first = step is Step.RECEIVING_AUTHORITY
    standing, actor = waiting_for(step), DECIDERS[step]
    overridden = against(standing, step, actor, override=True, reason="随军子女")
    assert overridden == ([] if first else ["override_not_possible"])
    moved = {RECEIVING_SCHOOL: "2123000004"}
    found = may_reroute(KIND, standing, actor, parties=APART, moved=moved, reason="没有空余学位", entered_by="")
    assert (found == ()) == first


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("party", [step.value for step in Step])
def test_nothing_but_the_receiving_school_is_replaced(party: str) -> None:
    actor = DECIDERS[Step.RECEIVING_AUTHORITY]
    found = may_reroute(
        KIND,
        waiting_for(Step.RECEIVING_AUTHORITY),
        actor,
        parties=APART,
        moved={party: "x"},
        reason="因",
        entered_by="",
    )
    assert [f.code for f in found] == ["case.reroute_not_possible"]


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize("decision", ["reject", "return"])
@pytest.mark.parametrize("step", list(Step))
def test_each_step_may_reject_or_return_with_a_reason(step: Step, decision: str) -> None:
    standing, actor = waiting_for(step), DECIDERS[step]
    assert against(standing, step, actor, decision=decision) == ["reason_required"]
    assert against(standing, step, actor, decision=decision, reason="地址不清") == []


@pytest.mark.clause("24.5.1")
def test_the_receiving_school_corrects_and_takes_back() -> None:
    registrar = who("there.registrar", THERE.code, Role.REGISTRAR)
    standing = waiting_for(Step.RELEASING_SCHOOL)
    assert may_withdraw(KIND, standing, registrar, APART, "监护人要求") == ()
    returned = advance(KIND, standing, "return", "here.principal", day=DAY, calendar=CALENDAR)
    assert may_resubmit(KIND, returned, registrar, APART) == ()
    for other in DECIDERS.values():
        assert may_withdraw(KIND, standing, other, APART, "因")
        assert may_resubmit(KIND, returned, other, APART)


# ---- clocks ------------------------------------------------------------


@pytest.mark.clause("24.6.4")
@pytest.mark.parametrize("step", list(Step))
def test_each_step_has_ten_working_days_of_its_own(step: Step) -> None:
    assert waiting_for(step).due_on == date(2026, 3, 16)  # the tenth working day after 2 March
    assert kind(law(transfer_step_working_days=5), same_authority=False).step(step).days == 5


@pytest.mark.clause("24.6.4")
def test_the_clock_stands_still_while_the_case_is_corrected() -> None:
    standing = waiting_for(Step.RELEASING_SCHOOL)
    back = advance(KIND, standing, "return", "here.principal", day=date(2026, 3, 6), calendar=CALENDAR)
    assert (back.due_on, back.days_left) == (None, 6)
    on = advance(KIND, back, "resubmit", "there.registrar", day=date(2026, 4, 7), calendar=CALENDAR)
    assert on.step == Step.RELEASING_SCHOOL  # what the authority approved stands
    assert on.due_on == CALENDAR.add_working_days(date(2026, 4, 7), 6).date


# ---- what never happens ------------------------------------------------------------

ACCOUNTS = ("a", "b", "c", "there.registrar")
ANY_ACTOR = st.builds(
    who,
    st.sampled_from(ACCOUNTS),
    st.sampled_from([*APART.values()]),
    st.sampled_from([Role.PRINCIPAL, Role.AUTHORITY_OFFICER, Role.LEADER, Role.REGISTRAR]),
)


@pytest.mark.clause("24.5.1")
@given(
    acts=st.lists(st.tuples(ANY_ACTOR, st.sampled_from(["approve", "return", "resubmit"])), max_size=40),
    one=st.booleans(),
    parties=st.sampled_from([APART, ONE_AUTHORITY]),
)
def test_however_a_case_goes_three_steps_have_their_own_people(acts: Any, one: bool, parties: Any) -> None:
    made = chain(10, one_signature=one)
    standing, signed = opened(made, DAY, CALENDAR), {}
    for actor, act in acts:
        if standing.step is None:
            break
        if act == "resubmit":
            if not may_resubmit(made, standing, actor, parties):
                standing = advance(made, standing, "resubmit", actor.account, day=DAY, calendar=CALENDAR)
            continue
        if against(standing, standing.step, actor, kind=made, parties=parties, decision=act, reason="因"):
            continue
        assert actor.organisation == parties[standing.step]
        if act == "approve":
            signed[standing.step] = actor.account
        standing = advance(made, standing, act, actor.account, day=DAY, calendar=CALENDAR)
    assert (standing.status == "approved") == (len(signed) == 3)
    assert "there.registrar" not in signed.values()
    shared = {signed.get(Step.RECEIVING_AUTHORITY), signed.get(Step.RELEASING_AUTHORITY)}
    assert len(set(signed.values())) == len(signed) - (1 if one and len(signed) == 3 and len(shared) == 1 else 0)
