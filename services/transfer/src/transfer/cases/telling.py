"""What is said after an act: where the case stands, for work queues, and how it has ended, for the registry."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from casework.kinds import CaseKind
from casework.rules import apart
from casework.turns import Turn, turn
from regulation.school_year import grade_name
from service_kit import organisations
from service_kit.database import driver
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands
from shared_contracts.organisations import OrganisationChanged
from shared_contracts.outside_transfers import InwardApproved, OutwardApproved
from shared_contracts.transfer import TransferApproved, TransferEnded, TransfersStand, TransferState

from transfer.cases.chain import settling_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.outside.authority import AUTHORITY
from transfer.rules.kind import outside_steps


async def stands(
    work: TransferWork, kind: CaseKind, transfer: Transfer, known: Mapping[str, OrganisationChanged] | None = None
) -> None:
    """Tell who has to act now, or that nobody has any more. An overdue step goes to whoever is above the one that has it.
    `known`: organisations that were read already, that one with them."""
    whose = turn_of(work, kind, transfer)
    if known is None:
        known = await organisations.known(work.tx, {whose.organisation} if whose and whose.organisation else set())
    found = known.get(whose.organisation) if whose and whose.organisation else None
    superior = found.authority if found else None
    work.emit(TransfersStand(cases=(case_stands(work, kind, transfer, superior),)), transfer.id)


def case_stands(work: TransferWork, kind: CaseKind, transfer: Transfer, superior: str | None) -> CaseStands:
    standing = transfer.standing
    whose = turn_of(work, kind, transfer)
    return CaseStands(
        case_id=transfer.id,
        kind=kind.name,
        kind_title=kind.title,
        number=transfer.number,
        subject=f"{grade_name(transfer.grade)}学生{_WAYS[transfer.side]}",
        link=f"/v1/transfers/{transfer.id}",
        version=transfer.told,
        status=standing.status,
        since=transfer.moved_at,
        step=whose.step if whose and transfer.outcome else standing.step,
        step_title=_RETURNED if standing.status == "returned" else whose.title if whose else "",
        organisation=whose.organisation if whose else None,
        roles=whose.roles if whose else (),
        not_accounts=whose.not_accounts if whose else (),
        due_on=standing.due_on,
        provisional=standing.provisional,
        superior=superior or "",
    )


_WAYS = {None: "转学", "to": "转往外省", "from": "由外省转入"}

_RETURNED = "退回补正"
REGISTRATION = "registration"
"""What is left to do when all have approved that a child comes from another province."""


def turn_of(work: TransferWork, kind: CaseKind, transfer: Transfer) -> Turn | None:
    """Who has to act now, and who of them may not; None where nobody has to."""
    if transfer.awaited:
        return Turn(
            step=REGISTRATION,
            title="为外省转入的学生建籍",
            organisation=transfer.to_school,
            roles=(Role.REGISTRAR,),
            not_accounts=(),
        )
    if transfer.outcome != "attention":
        if transfer.outcome is not None:
            return None
        return _asked(kind, transfer, turn(kind, transfer.standing, transfer.parties, transfer.entered_by))
    step = settling_of(work, transfer)
    return Turn(
        step=step.name,
        title="学籍转接未完成，待处理",
        organisation=transfer.to_authority,
        roles=step.roles,
        not_accounts=tuple(sorted(apart(transfer.standing, step, transfer.entered_by))),
    )


def _asked(kind: CaseKind, transfer: Transfer, whose: Turn | None) -> Turn | None:
    """A step of another province is asked of it as its port says (`outside.authority`)."""
    if whose is None or transfer.outside is None or whose.step not in outside_steps(transfer.side):
        return whose
    waits = AUTHORITY.waits(kind.step(whose.step), transfer.outside)
    if waits is None:
        return None
    return msgspec.structs.replace(whose, title=waits.title, organisation=waits.organisation, roles=waits.roles)


async def approved(work: TransferWork, transfer: Transfer, account: str) -> None:
    """All have approved it: what is to happen now depends on which of the two schools are ours."""
    seq = await _seq(work)
    event: TransferApproved | OutwardApproved | InwardApproved
    if transfer.side == "from":
        event = InwardApproved(
            transfer_id=transfer.id,
            seq=seq,
            to_school=transfer.to_school,
            grade=transfer.grade,
            over=transfer.over,
            actor=account,
            number=transfer.number,
            placement=transfer.placement,
        )
    elif transfer.side == "to" and transfer.outside is not None:
        event = OutwardApproved(
            transfer_id=transfer.id,
            seq=seq,
            student_id=transfer.student_id,
            from_school=transfer.from_school,
            grade=transfer.grade,
            division=transfer.outside.school.division,
            school=transfer.outside.school.name,
            actor=account,
            number=transfer.number,
        )
    else:
        event = TransferApproved(
            transfer_id=transfer.id,
            seq=seq,
            student_id=transfer.student_id,
            from_school=transfer.from_school,
            to_school=transfer.to_school,
            grade=transfer.grade,
            over=transfer.over,
            record_moves=transfer.record_moves,
            actor=account,
            number=transfer.number,
            overridden=transfer.overridden,
            placement=transfer.placement,
        )
    work.emit(event, transfer.id)


async def ended(work: TransferWork, transfer: Transfer, state: TransferState) -> None:
    work.emit(
        TransferEnded(transfer_id=transfer.id, seq=await _seq(work), student_id=transfer.student_id, state=state),
        transfer.id,
    )


async def _seq(work: TransferWork) -> int:
    return int(await (await driver(work.tx)).fetchval("SELECT nextval('hold_seq')"))
