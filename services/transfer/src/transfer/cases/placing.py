"""How the pupil will be placed in the new school: kept with the case, by the facts that it was last looked at with (24.4).

The registry writes it when the record moves. It is looked at with every approval, because a re-routing changes the school.
"""

from __future__ import annotations

from regulation.mark import clause
from shared_contracts.holds import ChangeFacts

from transfer.cases import store
from transfer.cases.chain import parameters_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.rules.case import Seen
from transfer.rules.placement import new_placement


@clause("24.4")
def placement_of(work: TransferWork, facts: ChangeFacts, *, record_moves: bool) -> str:
    """`transfers.placement`: empty where the pupil stays placed as before."""
    pupil, to = facts.pupil, facts.to
    if pupil is None or to is None:
        return ""
    parameters = parameters_of(work, to.division)
    seen = Seen(
        pupil=pupil, to=to, room=facts.room, covers=facts.covers, parameters=parameters, today=work.today
    )  # fmt: skip
    return new_placement(seen, record_moves=record_moves)


async def place_anew(work: TransferWork, transfer: Transfer, facts: ChangeFacts) -> None:
    placement = placement_of(work, facts, record_moves=transfer.record_moves)
    if placement != transfer.placement:
        await store.change(work.tx, transfer.id, work.now, placement=placement)
