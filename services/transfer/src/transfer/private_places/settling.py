"""The worker of the rounds: closes lists whose last day is over, and lets each case go on once the result is there.

Closing is one transaction a round. Going on is one transaction a case: a seat for whoever has won, the authority's
re-routing for whoever has not. A kill at any line is safe: what is committed is not done again, what is not committed is
taken up by whoever looks next, and a seat that the registry gave to a case that was not committed is settled
(`cases.holding`). Winners go first, so that their seats are theirs before anybody else is sent on.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
from time import monotonic

from prometheus_client import Counter
from regulation import lottery
from regulation.mark import clause
from service_kit.bus import BusError
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.decisions import Refused

from transfer.cases import seating
from transfer.context import Transfer, TransferWork
from transfer.private_places import asking, policy, store, telling, views
from transfer.private_places.rounds import context

log = logging.getLogger(__name__)

POLL = 1.0  # seconds
AGAIN = 60.0  # seconds after which a case that could not go on is tried again

CLOSED = Counter("private_rounds_closed_total", "Lists of private schools that were closed", ["lottery"])
SETTLED = Counter("private_applications_settled_total", "Applications that have gone on after the result", ["outcome"])


async def run(kit: Kit, deps: Transfer, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    again_at = 0.0
    while not stop.is_set():
        try:
            while not stop.is_set() and await close_one(kit, deps):
                pass
            await settle_all(kit, deps, stop, problems=False)
            if monotonic() >= again_at:
                await settle_all(kit, deps, stop, problems=True)
                again_at = monotonic() + AGAIN
        except BusError as error:
            log.info("rounds are looked at again: %s", describe(error))
        await pause(stop, POLL)


@clause("24.5.3", "24.5.4")
async def close_one(kit: Kit, deps: Transfer) -> bool:
    """Close a list whose last day is over: who is on it, and how many places there are. False where there is none.

    With places for all everybody has one, and nothing is drawn.
    """
    async with kit.db.unit(deps) as work:
        row = await store.to_close(work.tx, work.today)
        if row is None:
            return False
        facts = await asking.school_facts(deps, row["school"], row["grade"])
        room = None if isinstance(facts, Refused) else facts.room  # a school that is no more has no places
        intake = await store.intake(work.tx, row["school"], row["stage"], row["grade"], row["school_year"])
        free, places = policy.places_of(room, intake.taken, intake.ratio)
        codes = tuple(one.code for one in await store.on_list(work.tx, row["id"], listed=False) if not one.gone)
        listing = lottery.Listing(
            free=free,
            taken=intake.taken,
            ratio=policy.ratio_text(intake.ratio),
            places=places,
            applicants=codes,
        )
        drawn = lottery.is_drawn(listing)
        values = {
            "state": "closed" if drawn else "decided",
            "closed_at": work.now,
            "listing": json.dumps(dataclasses.asdict(listing), ensure_ascii=False),
            "list_sha256": lottery.list_hash(views.notice_of(row), listing),
            "lottery": drawn,
        }
        await store.put_list(work.tx, row["id"], codes, work.now)
        if not drawn:
            secret = deps.cipher.open_bytes(row["secret"], context(row["id"])).decode()
            values |= {"revealed": secret, "gone": [], "ranked": [], "winners": list(codes)}
            await store.put_outcomes(work.tx, row["id"], dict.fromkeys(codes, "won"), work.now)
        await store.change_round(work.tx, row["id"], values)
        if drawn:
            await telling.round_stands(work, row["id"])
    CLOSED.labels(str(drawn).lower()).inc()
    log.info("round %s is closed: %d applicants, %d places", row["number"], len(codes), places)
    return True


async def settle_all(kit: Kit, deps: Transfer, stop: asyncio.Event, *, problems: bool) -> None:
    """Let the cases go on whose result is there; then the rounds whose cases have all gone on are settled."""
    async with kit.db.transaction() as tx:
        waiting = await store.unsettled(tx, problems=problems)
    for transfer_id in waiting:
        if stop.is_set():
            return
        await settle_one(kit, deps, transfer_id)
    if waiting or problems:
        async with kit.db.unit(deps) as work:
            await store.finish(work.tx, work.now)


@clause("24.5.2", "24.5.4")
async def settle_one(kit: Kit, deps: Transfer, transfer_id: str) -> None:
    """One case. What stands against it is kept for the authority, and it is tried again later."""
    async with kit.db.unit(deps) as work:
        row = await store.lock_unsettled(work.tx, transfer_id)
        if row is None:
            return
        if not row["gone"] and (against := await _go_on(work, row)):
            await store.put_problem(work.tx, transfer_id, against.detail)
            log.warning("round %s: case %s cannot go on yet", row["number"], transfer_id)
            return
        await store.settle(work.tx, transfer_id, work.now)
    SETTLED.labels(row["outcome"]).inc()


async def _go_on(work: TransferWork, row: store.Row) -> Refused | None:
    if row["outcome"] == "won":
        found = policy.has_place(row["school_name"], drawn=row["lottery"])
        return await seating.give_seat(work, row["transfer_id"], found)
    listing = views.listing_of(row)
    assert listing is not None
    found = policy.sent_on(row["school_name"], len(listing.applicants), listing.places)
    return await seating.go_on_without(work, row["transfer_id"], found)
