"""One signature of an authority that supervises both schools (24.5.1)."""

from __future__ import annotations

from casework.state import day_of
from casework.store import Doing, decide_cases
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.actors import Actor, Role
from shared_contracts.transfer import Step

from transfer.cases import store
from transfer.cases.chain import kind_of
from transfer.context import TransferWork
from transfer.rules.kind import one_signature_serves


@clause("24.5.1")
async def signed_for_both(work: TransferWork, transfer_id: str) -> str | None:
    """Where the signature of an authority of both schools serves both steps, by the parameter of the day on which it signed,
    the second step is taken at once, in the name of whoever signed: their account."""
    found = await store.get(work.tx, transfer_id)
    assert found is not None
    acts = await store.history(work.tx, transfer_id)
    signed = next(row for row in reversed(acts) if (row.step, row.decision) == (Step.RECEIVING_AUTHORITY, "approve"))
    parameters = work.deps.policy.parameters(found.to_authority, day_of(signed.decided_at))
    same = found.outside is None and signed.organisation == found.to_authority == found.from_authority
    if not one_signature_serves(parameters, same_authority=same):
        return None
    signer = Actor(
        account=signed.account, name=signed.account_name, organisation=signed.organisation, roles=(Role(signed.role),)
    )
    doing = Doing(
        act="approve",
        actor=signer,
        role=signed.role,
        at=work.now,
        reason="双方学校同一主管部门，一次核准两个环节均有效",
        details={"signature_of": signed.seq},
    )
    kind = kind_of(work, found)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
    return signer.account
