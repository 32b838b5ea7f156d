"""The search for duplicates: over an organisation's records when asked, and for every record as it comes (20.1).

A step takes up to 500 records, asks identity who is like them in the whole province, writes the pairs that are new and how
far it is, all in one transaction: killed anywhere, the step is done again and finds nothing twice. Several copies of the
service take steps of different scans; of one scan one at a time.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter as Tally
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from prometheus_client import Counter
from regulation.authorisation import is_school, subtree_pattern
from regulation.mark import clause
from service_kit.bus import BusError
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.actors import Role, system
from shared_contracts.decisions import Refused
from shared_contracts.identity import LikelyPair, LikelyPairs, ScanLikely

from registry.clearing import filing, record
from registry.clearing.duplicates import store
from registry.clearing.duplicates.policy import competent
from registry.context import Registry, RegistryWork

log = logging.getLogger(__name__)

BATCH = 500
POLL = 1.4
GATHERS = 2.0
"""Seconds between two looks, and in which records that come together are left to come: whoever confirms a roster waits for
its registrations and then for their numbers, nobody for what is compared. Every record is compared within four seconds."""
LONGEST_PAUSE = 120.0
PATIENCE = 30.0
"""Seconds that identity may take for 500 persons."""
_REGISTRY = system("registry")

FOUND = Counter("duplicate_pairs_total", "Pairs of records that may be one pupil's", ["source"])


class NotAnswered(Exception):
    """Identity refused a question of ours: looked at by people, and asked again later."""


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    idle = False
    while not stop.is_set():
        worked = False
        try:
            if await _anybody_came(kit):
                if idle:
                    await pause(stop, GATHERS)
                worked = await arrivals_step(kit, deps)
            worked = await scan_step(kit, deps) or worked
        except (BusError, NotAnswered) as error:
            log.warning("the search for duplicates waits for identity: %s", describe(error))
        except Exception as error:  # ours or the database's: the step is done again
            log.exception("a step of the search for duplicates failed, again later: %s", describe(error))
        idle = not worked
        if idle:
            await pause(stop, POLL)


async def _anybody_came(kit: Kit) -> bool:
    async with kit.db.transaction() as tx:
        return await store.anybody_came(tx)


@clause("20.1")
async def arrivals_step(kit: Kit, deps: Registry) -> bool:
    """Records that have come are compared; whether there were any."""
    async with kit.db.unit(deps) as work:
        taken = await store.take_arrivals(work.tx, BATCH)
        people = [row["person_id"] for row in taken if row["person_id"] and not row["closed"]]
        if people:
            await _compare(work, people, "registration")
    return bool(taken)


@clause("20.1")
async def scan_step(kit: Kit, deps: Registry) -> bool:
    """One step of the oldest scan; whether there was one."""
    scan_id = None
    try:
        async with kit.db.unit(deps) as work:
            scan = await store.take_scan(work.tx, work.now)
            if scan is None:
                return False
            scan_id = scan["id"]
            organisation = scan["organisation"]
            pattern = "" if is_school(organisation) else subtree_pattern(organisation)
            total = await store.count(work.tx, organisation, pattern) if scan["state"] == "waiting" else None
            after = (scan["after_school"], scan["after_id"])
            rows = await store.batch(work.tx, organisation, pattern, after, BATCH)
            found = await _compare(work, [row["person_id"] for row in rows], "scan") if rows else 0
            last = (rows[-1]["school"], rows[-1]["id"]) if rows else after
            await store.advance(work.tx, scan_id, done=len(rows), found=found, after=last, total=total)
            if len(rows) < BATCH:
                await store.finish(work.tx, scan_id, work.now)
    except (BusError, NotAnswered):
        if scan_id is not None:
            await _put_off(kit, scan_id)
        raise
    return True


async def _put_off(kit: Kit, scan_id: str) -> None:
    async with kit.db.transaction() as tx:
        scan = await store.scan(tx, scan_id)
        pause = min(2.0 ** (scan["failures"] if scan else 0), LONGEST_PAUSE)
        await store.put_off(tx, scan_id, kit.clock.now() + timedelta(seconds=pause))


async def _compare(work: RegistryWork, person_ids: Sequence[str], source: str) -> int:
    """Ask identity about these persons, keep what is new. Returns how many pairs are."""
    question = ScanLikely(actor=_REGISTRY, person_ids=tuple(dict.fromkeys(person_ids)))
    reply: LikelyPairs | Refused = await work.deps.bus.ask(question, PATIENCE)
    if isinstance(reply, Refused):
        raise NotAnswered(reply.detail)
    return await keep(work, reply.pairs, source)


@clause("20.1", "39")
async def keep(work: RegistryWork, likely: Sequence[LikelyPair], source: str) -> int:
    """New pairs into the queue; both schools are asked to speak, the authority that will decide is told."""
    records = await record.read(work.tx, {one for pair in likely for one in pair.registrations})
    there = [pair for pair in likely if all(one in records and records[one].live for one in pair.registrations)]
    rows: list[dict[str, Any]] = []
    for pair in there:
        a, b = sorted(pair.registrations)
        decider = competent(records[a].authority, records[b].authority)
        days = work.deps.policy.parameters(decider, work.today).hearing_working_days
        rows.append(
            {
                "id": store.pair_id(a, b),
                "a": a,
                "b": b,
                "agreements": pair.agreements,
                "reasons": pair.reasons,
                "alike": pair.alike,
                "source": source,
                "found_at": work.now,
                "due_on": work.deps.calendar.add_working_days(work.today, days).date,
                "clock_from": work.today,
                "clock_days": days,
            }
        )
    made = set(await store.put(work.tx, rows))
    new = [row for row in rows if row["id"] in made]
    FOUND.labels(source).inc(len(new))
    schools: Tally[str] = Tally()
    deciders: Tally[str] = Tally()
    for row in new:
        sides = records[row["a"]], records[row["b"]]
        schools.update({side.school for side in sides})
        deciders[competent(sides[0].authority, sides[1].authority)] += 1
    due_on = min((row["due_on"] for row in new), default=None)
    for school, number in schools.items():
        filing.tell(
            work,
            school,
            [Role.REGISTRAR],
            "duplicate_found",
            "有{count}对疑似重复学籍需要陈述",
            "系统查重发现本校学生与另一份学籍可能是同一人。请核对并在期限内陈述意见、上传证明材料。",
            "/v1/duplicates?state=open",
            count=number,
            due_on=due_on,
        )
    for authority, number in deciders.items():
        filing.tell(
            work,
            authority,
            [Role.AUTHORITY_OFFICER],
            "duplicate_to_decide",
            "新发现{count}对疑似重复学籍",
            "两校陈述或期限届满后，请作出处理：不是同一人、更正，或保留一份注销另一份。",
            "/v1/duplicates?state=open&to_decide=true",
            count=number,
        )
    return len(new)
