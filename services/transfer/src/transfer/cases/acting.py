"""What every act on a case ends with: the act itself, what it means for the record, and who has to act next."""

from __future__ import annotations

from typing import Any

from casework.kinds import CaseKind
from casework.state import Act, deciding_role
from casework.store import Doing
from service_kit import organisations
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.transfer import TransferState, TransferView

from transfer.cases import store, telling, views
from transfer.cases.chain import kind_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork


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


async def moved(work: TransferWork, actor: Actor, transfer_id: str, last: str = "", **changed: Any) -> TransferView:
    """After an act: what it means for the record, and where the case stands now. `last`: account of the last approval;
    `changed`: columns of the transfer that the act has changed."""
    found = await store.change(work.tx, transfer_id, work.now, **changed)
    status = found.standing.status
    if status == "approved":
        found = await store.change(work.tx, transfer_id, work.now, outcome="moving")
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


def refusal(findings: tuple[Finding, ...]) -> Refused:
    """As the first finding says it; all of them are kept."""
    first = findings[0]
    return refused("refused", f"{first.message}。{first.cure}。" if first.cure else f"{first.message}。", *findings)
