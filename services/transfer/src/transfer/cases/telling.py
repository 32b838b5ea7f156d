"""What is said after an act: where the case stands, for work queues, and how it has ended, for the registry."""

from __future__ import annotations

from casework.kinds import CaseKind, StepKind
from regulation.school_year import grade_name
from service_kit import organisations
from service_kit.database import driver
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands
from shared_contracts.transfer import TransferApproved, TransferEnded, TransfersStand, TransferState

from transfer.cases.store import Transfer
from transfer.context import TransferWork

ATTENTION = "attention"
"""The step of a case that everybody has approved and that could not be carried out."""


async def stands(work: TransferWork, kind: CaseKind, transfer: Transfer) -> None:
    """Tell who has to act now, or that nobody has any more. An overdue step goes to whoever is above the one that has it."""
    step = kind.step(transfer.standing.step) if transfer.standing.step else None
    whose, *_ = _whose(kind, transfer, step)
    found = await organisations.find(work.tx, whose) if whose else None
    superior = found.authority if found else None
    work.emit(TransfersStand(cases=(case_stands(work, kind, transfer, superior),)), transfer.id)


def case_stands(work: TransferWork, kind: CaseKind, transfer: Transfer, superior: str | None) -> CaseStands:
    standing = transfer.standing
    step = kind.step(standing.step) if standing.step else None
    organisation, roles, title = _whose(kind, transfer, step)
    return CaseStands(
        case_id=transfer.id,
        kind=kind.name,
        kind_title=kind.title,
        number=transfer.number,
        subject=f"{grade_name(transfer.grade)}学生转学",
        link=f"/v1/transfers/{transfer.id}",
        version=transfer.version * 10 + _PHASE.get(transfer.outcome or "", 0),
        status=standing.status,
        since=work.now,
        step=ATTENTION if transfer.outcome == "attention" else standing.step,
        step_title=title,
        organisation=organisation,
        roles=roles,
        not_accounts=_excluded(kind, transfer, step) if standing.status == "open" else (),
        due_on=standing.due_on,
        provisional=standing.provisional,
        superior=superior or "",
    )


_PHASE = {"moving": 1, "attention": 2, "moved": 3, "given_up": 4, "expired": 5}
"""What comes after the last act of a case has no act of its own; news of it are newer all the same."""


def _whose(kind: CaseKind, transfer: Transfer, step: StepKind | None) -> tuple[str | None, tuple[Role, ...], str]:
    if transfer.outcome == "attention":
        return transfer.to_authority, (Role.AUTHORITY_OFFICER,), "学籍转接未完成，待处理"
    if transfer.standing.status == "returned":
        return transfer.parties.get(kind.entrant_party), kind.entrant_roles, "退回补正"
    if transfer.standing.status == "open" and step is not None:
        return transfer.parties.get(step.party), step.roles, step.title
    return None, (), ""


def _excluded(kind: CaseKind, transfer: Transfer, step: StepKind | None) -> tuple[str, ...]:
    """Accounts that may not take this step, because somebody else has to."""
    if step is None:
        return ()
    found = [transfer.entered_by] if "entrant" in step.distinct_from else []
    found += [account for name, account in transfer.standing.deciders if name in step.distinct_from]
    return tuple(dict.fromkeys(found))


async def approved(work: TransferWork, transfer: Transfer, account: str) -> None:
    work.emit(
        TransferApproved(
            transfer_id=transfer.id,
            seq=await _seq(work),
            student_id=transfer.student_id,
            from_school=transfer.from_school,
            to_school=transfer.to_school,
            grade=transfer.grade,
            over=transfer.over,
            record_moves=transfer.record_moves,
            actor=account,
            number=transfer.number,
            overridden=transfer.overridden,
        ),
        transfer.id,
    )


async def ended(work: TransferWork, transfer: Transfer, state: TransferState) -> None:
    work.emit(
        TransferEnded(transfer_id=transfer.id, seq=await _seq(work), student_id=transfer.student_id, state=state),
        transfer.id,
    )


async def _seq(work: TransferWork) -> int:
    return int(await (await driver(work.tx)).fetchval("SELECT nextval('hold_seq')"))
