"""The steps of clause 24.5.1 as a kind of case: who decides what, in which order, within how many working days."""

from __future__ import annotations

import functools

from casework.kinds import ENTRANT, CaseKind, StepKind
from regulation.authorisation import deciders
from regulation.mark import clause
from regulation.parameters import Parameters
from shared_contracts.outside_transfers import Side
from shared_contracts.transfer import STEP_TITLES, Step

RECEIVING_SCHOOL = "receiving_school"
RECEIVING_AUTHORITY = str(Step.RECEIVING_AUTHORITY)
RELEASING_AUTHORITY = str(Step.RELEASING_AUTHORITY)
SETTLING = "attention"
"""The step of a case that everybody has approved and that could not be carried out."""
PARTIES = (RECEIVING_SCHOOL, *Step)
"""The receiving school applies; every other party is named as the step that it decides."""

DECIDE = "transfer.decide_transfer"
"""Its steps are rows of the table of acts, which says who decides each."""


OUTSIDE = "transfer.decide_outside"
"""The act by which the province office enters what another province has decided."""


def kind(parameters: Parameters, *, same_authority: bool, side: Side | None = None) -> CaseKind:
    """A transfer by the parameters of the receiving school's division. `same_authority`: of both schools; `side`: which of
    them is of another province, for which no signature of ours serves."""
    one = side is None and one_signature_serves(parameters, same_authority=same_authority)
    return chain(parameters.transfer_step_working_days, one_signature=one, side=side)


def outside_steps(side: Side | None) -> tuple[Step, ...]:
    """The steps that another province decides."""
    if side is None:
        return ()
    return (Step.RECEIVING_AUTHORITY,) if side == "to" else (Step.RELEASING_SCHOOL, Step.RELEASING_AUTHORITY)


@clause("24.5.1")
def one_signature_serves(parameters: Parameters, *, same_authority: bool) -> bool:
    """Whether an authority of both schools need not sign a second time: both steps stay, one approval serves both."""
    return same_authority and parameters.shared_authority_one_signature == 1


@clause("24.5.1", "24.2.2")
@functools.cache
def settling(*, one_signature: bool = False) -> StepKind:
    """Carrying out once more, or giving up, what everybody has approved: the receiving authority's word on the place, so
    not of anybody who has entered the case or decided it for the releasing side."""
    apart = (ENTRANT, Step.RELEASING_SCHOOL, *(() if one_signature else (Step.RELEASING_AUTHORITY,)))
    return StepKind(
        name=SETTLING,
        title="处理未完成的学籍转接",
        party=RECEIVING_AUTHORITY,
        roles=deciders("transfer.retry_transfer"),
        distinct_from=apart,
    )


@clause("24.5.1", "24.5.2", "24.6.4")
@functools.cache
def chain(days: int, *, one_signature: bool = False, side: Side | None = None) -> CaseKind:
    """转入学校发起，转入学校主管教育行政部门、转出学校、转出学校主管教育行政部门依次核准; each within `days` working days.

    Nobody takes two of its steps, through whatever roles and appointments: not who entered or corrected it, and nobody who
    has approved, returned or re-routed it at another one; whoever has does not correct it or take it back either. Only where
    one signature serves both steps of one authority may it be the same person's. A returned case goes on where it was
    returned, with the days that were left: what was approved before stands, and so may not be changed by the correction
    (`evidence.may_correct`).

    Another province's steps are entered by its paper, by people of the province office: as many as there are steps, and none
    of them who entered the application.
    """
    outside = outside_steps(side)
    before: dict[Step, tuple[str, ...]] = {
        Step.RECEIVING_AUTHORITY: (ENTRANT,),
        Step.RELEASING_SCHOOL: (ENTRANT, Step.RECEIVING_AUTHORITY),
        Step.RELEASING_AUTHORITY: (ENTRANT, Step.RECEIVING_AUTHORITY, Step.RELEASING_SCHOOL),
    }
    if one_signature:
        before[Step.RELEASING_AUTHORITY] = (ENTRANT, Step.RELEASING_SCHOOL)
    return CaseKind(
        name="transfer",
        title="转学",
        clause="24.5.1",
        entrant_party=RECEIVING_SCHOOL,
        entrant_roles=deciders("transfer.resubmit_outward" if side == "to" else "transfer.resubmit_transfer"),
        return_to="same",
        one_part=True,
        steps=tuple(
            StepKind(
                name=step,
                title=f"{STEP_TITLES[step]}（外省，由省教育厅录入）" if step in outside else STEP_TITLES[step],
                party=step,
                roles=deciders(OUTSIDE if step in outside else f"{DECIDE}/{step}"),
                days=days,
                distinct_from=before[step],
                may_override=step is Step.RECEIVING_AUTHORITY and step not in outside,
                may_reroute=(RECEIVING_SCHOOL,) if step is Step.RECEIVING_AUTHORITY and step not in outside else (),
            )
            for step in Step
        ),
    )
