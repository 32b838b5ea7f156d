"""What every act on a case ends with: the act itself, what it means for the record, and who has to act next."""

from __future__ import annotations

from typing import Any

from casework.kinds import CaseKind
from casework.state import Act, deciding_role
from casework.store import Doing
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.transfer import TransferState, TransferView

from transfer.cases import store, telling, views
from transfer.cases.chain import kind_of
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


async def moved(work: TransferWork, actor: Actor, transfer_id: str, last: str = "") -> TransferView:
    """After an act: what it means for the record, and where the case stands now. `last`: account of the last approval."""
    found = await store.get(work.tx, transfer_id)
    assert found is not None
    status = found.standing.status
    await store.change(work.tx, transfer_id, work.now, **({"outcome": "moving"} if status == "approved" else {}))
    if status == "approved":
        await telling.approved(work, found, last)
    ended = TransferState(status) if status in ("rejected", "withdrawn") else None
    return await told(work, actor, transfer_id, ended)


async def told(work: TransferWork, actor: Actor, transfer_id: str, ended: TransferState | None) -> TransferView:
    found = await store.get(work.tx, transfer_id)
    assert found is not None
    if ended is not None:
        await telling.ended(work, found, ended)
    await telling.stands(work, kind_of(work, found), found)
    return await views.view(work, actor, found)


def refusal(findings: tuple[Finding, ...]) -> Refused:
    """As the first finding says it; all of them are kept."""
    first = findings[0]
    return refused("refused", f"{first.message}。{first.cure}。" if first.cure else f"{first.message}。", *findings)
