"""What a private school's round makes of a case: a seat in the school, or the authority's re-routing (24.5.2, 24.5.4).

While a case is on a list nobody can go on with it, so that no clock runs; the receiving authority's begins when the result
is there.
"""

from __future__ import annotations

from regulation.mark import clause
from shared_contracts.decisions import Finding, Refused
from shared_contracts.holds import Seat

from transfer.cases import holding, store, telling
from transfer.cases.chain import kind_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork


@clause("24.5.4")
async def give_seat(work: TransferWork, transfer_id: str, finding: Finding) -> Refused | None:
    """The place that was won, counted under lock by the registry. None: the case has it (already). Refused: there is none, or
    the registry is away; nothing has changed."""
    found = await _under_way(work, transfer_id)
    if found is None or found.seat:
        return None
    seat = Seat(school=found.to_school)
    granted = await holding.grant(work, found.id, found.student_id, found.to_school, seat)
    if isinstance(granted, Refused):
        return granted
    await _goes_on(work, found, finding, seat=True)
    return None


@clause("24.5.2", "24.5.4")
async def go_on_without(work: TransferWork, transfer_id: str, finding: Finding) -> Refused | None:
    """No place: the case stays with the receiving authority, which sends the pupil to a public school."""
    found = await _under_way(work, transfer_id)
    if found is not None:
        await _goes_on(work, found, finding, seat=False)
    return None


async def _under_way(work: TransferWork, transfer_id: str) -> Transfer | None:
    """Under lock; None where it has ended meanwhile."""
    found = await store.get(work.tx, transfer_id, lock=True)
    return found if found is not None and found.standing.status in ("open", "returned") else None


async def _goes_on(work: TransferWork, found: Transfer, finding: Finding, *, seat: bool) -> None:
    kind = kind_of(work, found)
    step = kind.step(found.standing.step or kind.first.name)
    if found.standing.status == "open":
        due = work.deps.calendar.add_working_days(work.today, step.days or 0)
        await store.start_clock(
            work.tx, found.id, due.date, provisional=due.provisional, since=work.today, days=step.days
        )
    else:  # returned for correction: the clock begins when it comes back
        await store.start_clock(work.tx, found.id, None, days_left=step.days)
    again = await store.change(work.tx, found.id, work.now, seat=seat, findings=(*found.findings, finding))
    await telling.stands(work, kind, again)
