"""Whether a grade of a school has a place left for a case, counted under lock (11, 24.2.2, 24.5.3)."""

from __future__ import annotations

from regulation.mark import clause
from shared_contracts.decisions import Finding
from shared_contracts.holds import Seat

from registry.context import RegistryWork
from registry.holds import facts, policy, store
from registry.organisations.facts import SchoolFacts

PRIVATE = "private"


@clause("11", "24.2.2", "24.5.3")
async def against_seat(work: RegistryWork, school: SchoolFacts, grade: int, seat: Seat, case_id: str) -> Finding | None:
    """Counted under lock: of the classes of the grade, of a private school before them the plan of its year, which new
    pupils take their places of, too. Whoever is to come by an operation that is under way sits in no class yet."""
    if frozen := await store.frozen(work.tx, [school.code]):
        return policy.is_frozen(frozen)
    if school.ownership == PRIVATE:
        await store.lock_plan(work.tx, school, grade, work.today)
    room = await facts.room_of(work, school, grade, case_id=case_id, lock=True)
    if school.ownership == PRIVATE:
        taken = room.pupils + room.held + room.admitted
        if found := policy.plan_place_left(room.plan_places, taken, school=school.code, grade=grade):
            return found
    return policy.seat_left(room.free, over=seat.over, school=school.code, grade=grade)
