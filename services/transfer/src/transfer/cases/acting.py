"""What every act on a case ends with: the act itself, what it means for the record, and who has to act next."""

from __future__ import annotations

from typing import Any

from casework.kinds import CaseKind
from casework.state import Act, deciding_role
from casework.store import Doing, decide_cases
from regulation.authorisation import table
from regulation.findings import refuse
from regulation.mark import clause
from service_kit import organisations
from service_kit.database import driver
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.transfer import Step, TransferState, TransferView

from transfer.cases import holding, store, telling, views
from transfer.cases.chain import kind_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.reports import store as late
from transfer.reports.policy import is_late


def doing(
    work: TransferWork,
    kind: CaseKind,
    step: str,
    actor: Actor,
    act: Act,
    reason: str,
    *,
    override: bool = False,
    details: dict[str, Any] | None = None,
) -> Doing:
    role = deciding_role(kind.step(step), actor.roles) or (actor.roles[0] if actor.roles else "")
    return Doing(act=act, actor=actor, role=role, at=work.now, reason=reason, override=override, details=details or {})


async def decided(work: TransferWork, kind: CaseKind, transfer: Transfer, done: Doing) -> None:
    """A step's decision, and that it came late where it did (24.6.4)."""
    standing = transfer.standing
    await decide_cases(await driver(work.tx), kind, [(transfer.id, standing)], done, calendar=work.deps.calendar)
    due, step = standing.due_on, standing.step
    if due is not None and step is not None and is_late(due, work.today):
        await late.put_late(work.tx, transfer.id, transfer.version, step, done.actor.organisation, due, work.today)


async def attached(
    work: TransferWork, transfer: Transfer, actor: Actor, papers: tuple[EvidenceGiven, ...]
) -> Refused | None:
    """Further papers are the registry's to keep: it takes them with the hold and the seat as they stand. Those alone that are
    new: what was given before may be another school's, which the case was sent on from."""
    if not papers:
        return None
    seat = holding.seat_of(transfer)
    granted = await holding.grant(work, transfer.id, transfer.student_id, actor.organisation, seat, papers)
    return granted if isinstance(granted, Refused) else None


def papers_changed(added: tuple[EvidenceGiven, ...], taken_off: tuple[str, ...]) -> dict[str, Any]:
    """What a correction keeps of its papers, with the act."""
    changed = {"added": [one.evidence_id for one in added], "taken_off": list(taken_off)}
    return {name: ids for name, ids in changed.items() if ids}


async def moved(work: TransferWork, actor: Actor, transfer_id: str, last: str = "", **changed: Any) -> TransferView:
    """After an act: what it means for the record, and where the case stands now. `last`: account of the last approval;
    `changed`: columns of the transfer that the act has changed."""
    found = await store.change_after_act(work.tx, transfer_id, work.now, **changed)
    status = found.standing.status
    if status == "approved":
        await telling.approved(work, found, last)
    elif status in ("rejected", "withdrawn"):
        await telling.ended(work, found, TransferState(status))
    return await told(work, actor, found)


async def told(work: TransferWork, actor: Actor, transfer: Transfer) -> TransferView:
    """Who has to act next is told, and the actor sees where the case stands: what both need to know is read once."""
    kind = kind_of(work, transfer)
    history = await store.history(work.tx, transfer.id)
    codes, whose = views.named(transfer, history), telling.turn_of(work, kind, transfer)
    acts = {whose.organisation} if whose and whose.organisation else set()
    known = await organisations.known(work.tx, codes | acts)
    await telling.stands(work, kind, transfer, known)
    return views.seen(work, actor, transfer, history, organisations.names_of(known, codes))


_WHOSE = {
    "resubmit_transfer": "to_school",
    "withdraw_transfer": "to_school",
    str(Step.RELEASING_SCHOOL): "from_school",
    str(Step.RELEASING_AUTHORITY): "from_authority",
}
"""Whose an act is, where it is not the receiving authority's."""


@clause("24.5.1")
async def of_others(work: TransferWork, transfer: Transfer, act: str) -> Refused:
    """Whoever sees a case and tries what somebody else has to do is told whose it is; to others there is no such case.
    `act`: a row of the table of acts."""
    whose: str = getattr(transfer, _WHOSE.get(act.rpartition("/")[2].rpartition(".")[2], "to_authority"))
    names = await organisations.names(work.tx, [whose])
    message = f"“{table()[act].title}”不由您所在的单位办理"
    cure = f"由{names.get(whose, '办理单位')}的账号登录后办理"
    found = refuse("24.5.1", "case.wrong_organisation", message, cure=cure)
    return refused("forbidden", f"{message}。{cure}。", found)


def refusal(findings: tuple[Finding, ...]) -> Refused:
    """As the first finding says it; all of them are kept."""
    first = findings[0]
    return refused("refused", f"{first.message}。{first.cure}。" if first.cure else f"{first.message}。", *findings)
