"""Placing all waiting children of a county in the schools of their zones (clause 5.2), in batches by a worker.

A batch is one transaction: plans are locked in the order of their schools, places counted, children placed. A kill loses
at most the batch under way, which is placed by whoever goes on: a child with a place is never placed again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from prometheus_client import Counter as Metric
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit.leases import Worker
from shared_contracts.actors import Actor, Role
from shared_contracts.admission import PlacementPreview, SchoolPlaces
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.desk import Desk
from registry.enrolment.admission import policy, runs, seats
from registry.enrolment.admission.policy import ToPlace
from registry.enrolment.admission.runs import Run
from registry.enrolment.children import store as children
from registry.enrolment.plans import store as plans
from registry.enrolment.zones import store as zones
from registry.enrolment.zones.matching import Zones
from registry.organisations.store import SchoolChanged
from registry.rosters.access import names_of

WAKE = "placements"
BATCH = 500
RUNS = Metric("placement_runs_total", "Attempts at placing a county's children", ["outcome"])


class Placements(Worker[Desk, Run]):
    """Batches until nobody is left."""

    name = "placement"
    lease = runs.LEASE
    desk = Desk
    poll = 2.0
    wake = WAKE
    beats = False
    longest_pause = 60.0

    async def take(self, tx: AsyncConnection, desk: Desk) -> Run | None:
        return await runs.take(tx, desk.owner)

    async def do(self, desk: Desk, work: Run) -> None:
        one: Run | None = work
        while one is not None and (one := await place_batch(desk, one)) is not None:
            desk.go_on()

    def pause(self, work: Run, error: Exception) -> float:
        return 0.0 if isinstance(error, SchoolChanged) else super().pause(work, error)

    def passes(self, error: Exception) -> bool:
        return isinstance(error, SchoolChanged) or super().passes(error)

    def count(self, work: Run, outcome: str, seconds: float) -> None:
        RUNS.labels(outcome).inc()


WORKER = Placements()
run = WORKER.run


@clause("4.3", "5.2")
async def place_batch(desk: Desk, one: Run) -> Run | None:
    """The next children; None when there were none and the run is done."""
    stage = Stage(one.stage)
    async with desk.unit() as work:
        waiting = await children.waiting(work.tx, one.county, one.school_year, one.stage, one.after, BATCH)
        if not waiting:
            await _finish(work, desk, one)
            return None
        served = await zones.holding(work.tx, [one.county], one.stage, work.today)
        wanted = _wanted(work, served, waiting)
        held = await seats.hold(work, {s for w in wanted for s, _ in w.schools}, one.school_year, stage)
        locked = await children.lock(work.tx, [row["id"] for row in waiting])
        free = {code: seat.free or 0 for code, seat in held.items()}
        names = {code: seat.school.name for code, seat in held.items()}
        unplanned = frozenset(code for code, seat in held.items() if seat.free is None)
        still = [w for w in wanted if locked[w.child]["state"] == "waiting"]
        placed, by_hand = policy.place_by_zone(still, free, names, unplanned)
        actor = Actor(account=one.account, name=one.started_by, organisation=one.county, roles=())
        made = await seats.admit(
            work,
            [
                seats.new(
                    work,
                    child_id=p.child,
                    person_id=locked[p.child]["person_id"],
                    county=one.county,
                    school=held[p.school].school,
                    school_year=one.school_year,
                    stage=stage,
                    way="zone",
                    actor=actor,
                    act=one.id,
                    street=p.street,
                )
                for p in placed
            ],
        )
        await children.set_state(work.tx, [p.child for p in placed], "placed", school_year=one.school_year)
        await children.set_state(work.tx, [b.child for b in by_hand], "waiting", by_hand=[b.why for b in by_hand])
        last = waiting[-1]
        after = f"{last['birth_date'].isoformat()}|{last['id']}"
        return await runs.moved(work.tx, one, desk.owner, after=after, placed=len(made), by_hand=len(by_hand))


@clause("5.2")
async def preview(work: RegistryWork, county: str, school_year: int, stage: Stage) -> PlacementPreview:
    """What a run would do as things stand: nothing is locked, and nothing changed."""
    served = await zones.holding(work.tx, [county], stage, work.today)
    wanted: list[ToPlace] = []
    after = None
    while rows := await children.waiting(work.tx, county, school_year, stage, after, BATCH):
        wanted.extend(_wanted(work, served, rows))
        after = (rows[-1]["birth_date"], rows[-1]["id"])
    codes = sorted({school for one in wanted for school, _ in one.schools})
    places: dict[str, int | None] = {}
    taken: dict[str, int] = {}
    for code in codes:
        plan = await plans.in_force(work.tx, code, school_year, stage)
        places[code] = None if plan is None else plan.places
        taken[code] = 0 if plan is None else await plans.taken(work.tx, plan)
    free = {code: max(0, (places[code] or 0) - taken[code]) for code in codes}
    names = await names_of(work.tx, codes)
    unplanned = frozenset(code for code in codes if places[code] is None)
    placed, by_hand = policy.place_by_zone(wanted, free, names, unplanned)
    into = Counter(one.school for one in placed)
    without = Counter(one.school for one in by_hand if one.school)
    return PlacementPreview(
        county=county,
        school_year=school_year,
        stage=stage.value,
        waiting=len(wanted),
        placed=len(placed),
        no_zone=sum(1 for one in by_hand if one.school is None),
        without_place=sum(without.values()),
        overlapping=sum(one.overlapping for one in placed),
        schools=tuple(
            SchoolPlaces(
                school=code,
                school_name=names.get(code, code),
                places=places[code],
                taken=taken[code],
                placed=into[code],
                without_place=without[code],
            )
            for code in codes
        ),
    )


def _wanted(work: RegistryWork, served: Zones, rows: Sequence[Any]) -> list[ToPlace]:
    """Whose zones have the children's addresses. Addresses are opened here and go no further."""
    out = []
    for row in rows:
        address = children.unseal(work.deps.cipher, row["id"], row["sealed"]).address
        matched = served.of(row["division"], address)
        out.append(ToPlace(child=row["id"], schools=tuple((one.school, one.street) for one in matched)))
    return out


async def _finish(work: RegistryWork, desk: Desk, one: Run) -> None:
    placed, by_hand = await runs.done(work.tx, one, desk.owner, work.now)
    detail = f"适龄儿童按学区安排完毕：已安排{placed}名"
    detail += f"，另有{by_hand}名须手工安排。" if by_hand else "，没有需要手工安排的。"
    work.emit(
        WorkWaiting(
            organisation=one.county,
            role=Role.AUTHORITY_OFFICER,
            kind="placement_done",
            title="入学安排已完成",
            detail=detail,
            link=f"/v1/admissions/placements/{one.id}",
        ),
        one.id,
    )
