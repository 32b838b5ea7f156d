"""The workers that turn approved registrations into numbers, and L into G (clauses 15.3, 15.4).

A batch is three steps: take a lease on up to 500 requests (one short transaction), ask the matcher (no transaction is
open meanwhile), and in one transaction write what was said, the numbers and the events. Killed between any two steps, the
lease runs out and the batch is simply done again: nothing was promised to anybody before the last commit. Several copies
of the service, and several batches of one copy, work side by side: a lease is only theirs who took it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter as Tally
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta

import msgspec
from opentelemetry import propagate, trace
from opentelemetry.trace import Link, SpanKind
from prometheus_client import Counter
from regulation.documents import L_CAPACITY
from service_kit.ids import new_id
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import span
from shared_contracts.identity import (
    Issued,
    NumberKind,
    NumbersIssued,
    NumbersUpgraded,
    Verification,
    VerificationChanged,
)

from identity import numbers, policy, requests
from identity.context import Identity, IdentityWork
from identity.matcher import Question
from identity.requests import Lane, Request, Reschedule, Standing

log = logging.getLogger(__name__)

BATCH = 500
LEASE_SLACK = timedelta(seconds=5)
POSTPONED = timedelta(hours=1)
FIRST = "matching-first"
"""The wake-up of the worker for first numbers."""
_POLL = {Lane.FIRST: 1.0, Lane.AGAIN: 5.0}

ISSUED = Counter("numbers_issued_total", "Student numbers issued", ["kind"])


# ---- the workers --------------------------------------------------------------------------------------------------


async def first_numbers(kit: Kit, deps: Identity, stop: asyncio.Event) -> None:
    """First numbers, as soon as the authority has approved: several batches at once, so that waiting for the matcher
    and writing overlap."""
    async with asyncio.TaskGroup() as group:
        for _ in range(deps.settings.matcher_workers):
            group.create_task(_run(kit, deps, stop, Lane.FIRST))


async def better_answers(kit: Kit, deps: Identity, stop: asyncio.Event) -> None:
    """Re-verification: an L whose matcher was silent, or did not know the pupil, is asked about again."""
    await _run(kit, deps, stop, Lane.AGAIN)


async def _run(kit: Kit, deps: Identity, stop: asyncio.Event, lane: Lane) -> None:
    wake = kit.wake(FIRST if lane is Lane.FIRST else f"matching-{lane}")
    while not stop.is_set():
        wake.clear()
        if lane is Lane.AGAIN and (held := await deps.matcher.held_back()):
            await pause(stop, max(held, _POLL[lane]), wake)
            continue
        if not await one_batch(kit, deps, lane):
            await pause(stop, _POLL[lane], wake)


# ---- one batch ----------------------------------------------------------------------------------------------------


async def one_batch(kit: Kit, deps: Identity, lane: Lane) -> int:
    """Lease, ask, write. Returns how many requests were taken, 0 when nothing is due."""
    token = new_id()
    now = kit.clock.now()
    until = now + timedelta(seconds=max(deps.settings.matcher_budget_seconds, _patience(deps))) + LEASE_SLACK
    async with kit.db.transaction() as tx:
        batch = await requests.lease(tx, lane, token, now=now, until=until, limit=BATCH)
    if not batch:
        return 0
    with _span(lane, batch):
        said = await _ask(deps, batch, _budget(deps, lane, batch, now))
        async with kit.db.unit(deps) as work:
            await write(work, token, batch, said)
    return len(batch)


def _patience(deps: Identity) -> float:
    """Seconds that a question may take even when the budget is used up: requests may have queued behind others."""
    return max(2.0, deps.settings.matcher_budget_seconds / 4)


def _budget(deps: Identity, lane: Lane, batch: Sequence[Request], now: datetime) -> float:
    """Seconds to wait for the matcher. A first number's budget begins with its request."""
    if lane is Lane.AGAIN:
        return deps.settings.matcher_budget_seconds
    oldest = min(request.requested_at for request in batch)
    left = deps.settings.matcher_budget_seconds - (now - oldest).total_seconds()
    return max(left, _patience(deps))


async def _ask(deps: Identity, batch: Sequence[Request], seconds: float) -> dict[str, Verification]:
    """What is to be believed of each person; documents that no household matcher knows are not sent (clause 50)."""
    vault = deps.vault
    said = {
        request.person_id: Verification.NOT_MATCHABLE
        for request in batch
        if not policy.matchable(request.document_kind)
    }
    questions = [
        Question(
            id=request.person_id,
            name=request.name,
            sex=request.sex,
            birth_date=request.birth_date,
            document_number=vault.open_document(request.person_id, request.document),
        )
        for request in batch
        if request.person_id not in said
    ]
    return said | await deps.matcher.ask(questions, seconds)


class _Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """One person's part of a batch. `before`: the number that stands; `number`: the new one, None for none."""

    request: Request
    outcome: Verification
    before: Standing
    number: str | None = None

    @property
    def person_id(self) -> str:
        return self.request.person_id

    @property
    def kind(self) -> NumberKind:
        """Of the number the person has afterwards."""
        return NumberKind(self.number[0]) if self.number else self.before.kind or NumberKind.L

    @property
    def known(self) -> Verification:
        """What is known of the person now: silence does not unsay an earlier answer, and a G was matched."""
        if self.kind is NumberKind.G:
            return Verification.MATCHED
        earlier = self.request.verification
        silent = self.outcome is Verification.UNAVAILABLE and earlier is not Verification.PENDING
        return earlier if silent else self.outcome

    @property
    def news(self) -> Issued:
        return Issued(
            person_id=self.person_id,
            registration_id=self.request.registration_id,
            kind=self.kind,
            masked=numbers.mask(self.number) if self.number else self.before.masked or "",
            verification=self.known,
        )


async def write(work: IdentityWork, token: str, batch: Sequence[Request], said: dict[str, Verification]) -> None:
    """Numbers, verifications, requests and events of a batch: a fixed number of statements, one transaction."""
    vault = work.deps.vault
    formal = {
        r.person_id: numbers.formal(vault.open_document(r.person_id, r.document))
        for r in batch
        if said[r.person_id] is Verification.MATCHED
    }
    standing = await requests.hold(
        work.tx,
        token,
        [r.person_id for r in batch],
        [vault.number_index(formal[r.person_id]) if r.person_id in formal else None for r in batch],
    )
    verdicts = [
        _Verdict(request=r, outcome=said[r.person_id], before=standing[r.person_id])
        for r in batch
        if r.person_id in standing  # the others' lease ran out, or their registration was closed meanwhile
    ]
    verdicts = await _numbered(work, verdicts, formal)
    await _write_numbers(work, verdicts)
    await _write_requests(work, verdicts)
    _tell(work, verdicts)


async def _numbered(work: IdentityWork, verdicts: Sequence[_Verdict], formal: dict[str, str]) -> list[_Verdict]:
    """The verdicts with their new numbers. Persons for whom no L serial is left are put off and left out."""
    kinds = [policy.succession(v.before.kind, v.outcome, formal_taken=v.before.taken) for v in verdicts]
    places = Tally(
        (v.request.area, v.request.birth_date) for v, kind in zip(verdicts, kinds, strict=True) if kind is NumberKind.L
    )
    following = await requests.take_serials(work.tx, places) if places else {}
    numbered, without = [], []
    for verdict, kind in zip(verdicts, kinds, strict=True):
        number = None
        if kind is NumberKind.G:
            number = formal[verdict.person_id]
        elif kind is NumberKind.L:
            place = (verdict.request.area, verdict.request.birth_date)
            serial = following[place]
            following[place] += 1
            if serial >= L_CAPACITY:
                without.append(verdict.person_id)
                continue
            number = numbers.temporary(*place, serial)
        numbered.append(msgspec.structs.replace(verdict, number=number))
    if without:
        log.error("no L serial is left for %d persons of one area and birth date: they wait", len(without))
        await requests.postpone(work.tx, without, work.now + POSTPONED)
    return numbered


async def _write_numbers(work: IdentityWork, verdicts: Sequence[_Verdict]) -> None:
    vault, now = work.deps.vault, work.now
    new = [(v.person_id, v.number) for v in verdicts if v.number]
    ended = [v.person_id for v in verdicts if v.number and v.before.kind]
    if ended:
        await requests.end_numbers(work.tx, ended, now)
    await requests.add_numbers(
        work.tx,
        [
            {
                "number_index": vault.number_index(number),
                "person_id": person_id,
                "kind": number[0],
                "number": vault.seal_number(person_id, number),
                "masked": numbers.mask(number),
                "valid_from": now,
            }
            for person_id, number in new
        ],
    )
    # Silence again and again says nothing of the person: only the first is written down.
    await requests.add_verifications(
        work.tx,
        [
            {"person_id": v.person_id, "attempt": v.request.attempts + 1, "outcome": v.outcome.value, "at": now}
            for v in verdicts
            if v.outcome is not Verification.UNAVAILABLE or v.request.verification is Verification.PENDING
        ],
    )
    for kind, count in Tally(number[0] for _, number in new).items():
        ISSUED.labels(kind).inc(count)


async def _write_requests(work: IdentityWork, verdicts: Sequence[_Verdict]) -> None:
    """Close what is settled; the rest is asked about again, at once or after a correction."""
    done = [v.person_id for v in verdicts if v.kind is NumberKind.G or v.outcome is Verification.NOT_MATCHABLE]
    settled = set(done)
    again = [
        Reschedule(
            person_id=v.person_id,
            verification=v.known,
            next_attempt_at=policy.next_check(v.outcome, v.request.attempts + 1, work.now),
        )
        for v in verdicts
        if v.person_id not in settled
    ]
    if done:
        await requests.close(work.tx, done)
    if again:
        await requests.reschedule(work.tx, again)


def _tell(work: IdentityWork, verdicts: Sequence[_Verdict]) -> None:
    """One event of a kind: a registration that waited gets its number, new or the one its person has for life; an
    upgrade; or another outcome with the number unchanged."""
    issued, upgraded, changed = [], [], []
    for verdict in verdicts:
        if verdict.request.lane is Lane.FIRST:
            issued.append(verdict.news)
        elif verdict.number:
            upgraded.append(verdict.news)
        elif verdict.known is not verdict.request.verification:
            changed.append(verdict.news)
    key = new_id()
    if issued:
        work.emit(NumbersIssued(numbers=tuple(issued), issued_at=work.now), key)
    if upgraded:
        work.emit(NumbersUpgraded(numbers=tuple(upgraded), issued_at=work.now), key)
    if changed:
        work.emit(VerificationChanged(numbers=tuple(changed), checked_at=work.now), key)


def _span(lane: Lane, batch: Sequence[Request]) -> AbstractContextManager[trace.Span]:
    """A first batch continues the trace that asked for it and links to the others'; a re-verification only links."""
    contexts = [
        propagate.extract(carrier) for carrier in {r.trace.get("traceparent", ""): r.trace for r in batch}.values()
    ]
    parent = contexts.pop(0) if lane is Lane.FIRST else None
    links = [Link(trace.get_current_span(context).get_span_context()) for context in contexts]
    return span(
        f"match {lane}", context=parent, kind=SpanKind.CONSUMER, links=links, attributes={"persons": len(batch)}
    )
