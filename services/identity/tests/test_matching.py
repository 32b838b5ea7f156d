"""Approved registrations become numbers, and L becomes G; on the real database and the real matcher."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity import matching, requests
from identity.matcher import Question
from identity.policy import NOT_FOUND_PAUSE
from identity.requests import Lane
from identity_support import OTHER_SCHOOL, REGISTRAR, Desk, OpenDesk, People, TheMatcher, number, run
from prometheus_client import REGISTRY
from regulation.documents import L_CAPACITY, read_resident
from service_kit.ids import new_id
from service_kit.work import Work
from shared_contracts.actors import system
from shared_contracts.identity import (
    Claimed,
    FindPersons,
    NumberKind,
    NumbersIssued,
    NumbersUpgraded,
    RevealDocuments,
    Verification,
    VerificationChanged,
)

pytestmark = pytest.mark.integration
V = Verification
G, L = NumberKind.G, NumberKind.L


async def issued(desk: Desk, kind: type[Any] = NumbersIssued) -> dict[str, Any]:
    """Numbers told of in events of a kind, by person; nobody is told of twice."""
    told = [item for event in await desk.events(kind) for item in event.numbers]
    assert len({item.person_id for item in told}) == len(told)
    return {item.person_id: item for item in told}


async def full_numbers(desk: Desk, claimed: list[Claimed]) -> list[str]:
    reply = await desk.send(
        RevealDocuments(
            command_id=new_id(),
            actor=system("registry"),
            person_ids=tuple(item.person_id or "" for item in claimed),
            purpose="核对学籍号",
        )
    )
    return [person.student_number or "" for person in reply.persons]


@pytest.mark.clause("15.3")
async def test_each_outcome_gives_its_number_and_is_told_apart(desk: Desk, matcher: TheMatcher, people: People) -> None:
    entries = people.entries(5)
    entries += [people.entry(6, document_kind="A", document_number="E12345678")]
    entries += [people.entry(7, document_kind="Z", document_number="")]
    matcher.knows(entries[:1])
    matcher.knows(entries[1:2], name="别的名字")
    matcher.knows(entries[2:3], sex="1" if entries[2].sex == "2" else "2")
    matcher.knows(entries[3:4], birth_date="2001-01-01")
    claimed = await number(desk, entries)
    told = await issued(desk)
    expected = [
        (G, V.MATCHED),
        (L, V.NAME_MISMATCH),
        (L, V.SEX_MISMATCH),
        (L, V.BIRTH_DATE_MISMATCH),
        (L, V.NOT_FOUND),
        (L, V.NOT_MATCHABLE),
        (L, V.NOT_MATCHABLE),
    ]
    assert [(told[c.person_id].kind, told[c.person_id].verification) for c in claimed] == expected
    assert [told[c.person_id].registration_id for c in claimed] == [c.registration_id for c in claimed]
    numbers = await full_numbers(desk, claimed)
    assert numbers[0] == "G" + entries[0].document_number
    for full, entry, claim in zip(numbers[1:], entries[1:], claimed[1:], strict=True):
        assert full[:15] == f"L{entry.area}{entry.birth_date:%Y%m%d}"
        assert read_resident(full[1:]) is None
        assert told[claim.person_id].masked == f"L{full[1:3]}{'*' * 14}{full[-2:]}"
    written = await desk.rows("SELECT person_id, outcome FROM verifications")
    assert Counter(row["outcome"] for row in written) == Counter(v.value for _, v in expected)


@pytest.mark.clause("50")
async def test_foreign_documents_are_never_sent(open_desk: OpenDesk, people: People) -> None:
    desk = await open_desk(matcher_url="http://127.0.0.1:1")
    claimed = await number(desk, [people.entry(document_kind="8", document_number="12345678")])
    told = await issued(desk)
    assert told[claimed[0].person_id].verification is V.NOT_MATCHABLE
    assert await desk.value("SELECT count(*) FROM number_requests") == 0


@pytest.mark.clause("15.3")
@pytest.mark.clause("15.4")
async def test_a_silent_matcher_gives_an_l_that_becomes_a_g(
    open_desk: OpenDesk, matcher: TheMatcher, people: People
) -> None:
    desk = await open_desk(matcher_budget_seconds=1.0, matcher_breaker_seconds=0.5)
    entries = people.entries(3)
    matcher.knows(entries)
    matcher.faults(status=500)
    claimed = await number(desk, entries)
    told = await issued(desk)
    assert {(item.kind, item.verification) for item in told.values()} == {(L, V.UNAVAILABLE)}
    temporary = await full_numbers(desk, claimed)

    matcher.faults()
    assert await run(desk, Lane.AGAIN) == 0  # not before its time
    desk.clock.move(timedelta(seconds=30))
    desk.patience(30)  # so long that the breaker half-opens and a busy machine answers
    assert await run(desk, Lane.AGAIN) == 3
    upgraded = await issued(desk, NumbersUpgraded)
    assert {(item.kind, item.verification) for item in upgraded.values()} == {(G, V.MATCHED)}
    assert [upgraded[c.person_id].registration_id for c in claimed] == [c.registration_id for c in claimed]
    formal = await full_numbers(desk, claimed)
    assert formal == ["G" + entry.document_number for entry in entries]
    for old, new, claim in zip(temporary, formal, claimed, strict=True):
        for typed in (old, new):
            found = await desk.ask(FindPersons(actor=REGISTRAR, number=typed))
            assert found.person_ids == (claim.person_id,)
    rows = await desk.rows("SELECT kind, valid_from, valid_to FROM student_numbers")
    assert Counter((row["kind"], row["valid_to"] is None) for row in rows) == {("G", True): 3, ("L", False): 3}
    assert {row["valid_to"] for row in rows if row["kind"] == "L"} == {
        row["valid_from"] for row in rows if row["kind"] == "G"
    }
    assert await desk.value("SELECT count(*) FROM number_requests") == 0
    assert await desk.events(VerificationChanged) == []


@pytest.mark.clause("15.3")
async def test_a_registration_never_waits_longer_than_the_budget(
    open_desk: OpenDesk, matcher: TheMatcher, people: People
) -> None:
    desk = await open_desk(matcher_budget_seconds=1.0, matcher_timeout_seconds=120)
    matcher.faults(delay_ms=120_000)
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await number(desk, people.entries(2))
    assert loop.time() - begun < 15  # less than the matcher takes and than one question may
    assert {item.verification for item in (await issued(desk)).values()} == {V.UNAVAILABLE}


async def test_silence_is_asked_again_less_and_less_often(
    open_desk: OpenDesk, matcher: TheMatcher, people: People
) -> None:
    desk = await open_desk(matcher_budget_seconds=0.5, matcher_breaker_failures=1000)
    matcher.faults(status=401)
    await number(desk, people.entries(1))
    pauses = []
    for _ in range(3):
        due = await desk.value("SELECT next_attempt_at FROM number_requests")
        pauses.append((due - desk.clock.now()).total_seconds())
        desk.clock.move(due - desk.clock.now())
        assert await run(desk, Lane.AGAIN) == 1
    assert pauses == [30, 60, 120]
    assert await desk.value("SELECT count(*) FROM verifications") == 1  # silence is written down once
    assert await desk.events(VerificationChanged) == []


@pytest.mark.clause("15.3")
async def test_not_found_is_asked_again_the_next_day(desk: Desk, matcher: TheMatcher, people: People) -> None:
    entries = people.entries(2)
    claimed = await number(desk, entries)
    desk.clock.move(NOT_FOUND_PAUSE - timedelta(seconds=1))
    assert await run(desk, Lane.AGAIN) == 0
    desk.clock.move(timedelta(seconds=1))
    matcher.knows(entries[:1])
    matcher.knows(entries[1:], name="别的名字")
    assert await run(desk, Lane.AGAIN) == 2
    assert list(await issued(desk, NumbersUpgraded)) == [claimed[0].person_id]
    changed = await issued(desk, VerificationChanged)
    item = changed[claimed[1].person_id]
    assert (item.kind, item.verification) == (L, V.NAME_MISMATCH)
    assert item.masked == (await issued(desk))[claimed[1].person_id].masked


@pytest.mark.clause("15.3")
async def test_a_mismatch_waits_for_a_correction(desk: Desk, matcher: TheMatcher, people: People) -> None:
    entries = people.entries(1)
    matcher.knows(entries, name="别的名字")
    await number(desk, entries)
    desk.clock.move(timedelta(days=400))
    assert await run(desk, Lane.AGAIN) == 0
    (row,) = await desk.rows("SELECT verification, next_attempt_at FROM number_requests")
    assert tuple(row) == ("name_mismatch", None)


async def test_silence_does_not_unsay_an_earlier_answer(
    open_desk: OpenDesk, matcher: TheMatcher, people: People
) -> None:
    desk = await open_desk()
    await number(desk, people.entries(1))
    desk.clock.move(NOT_FOUND_PAUSE)
    matcher.faults(status=500)
    desk.patience(0.5)
    assert await run(desk, Lane.AGAIN) == 1
    assert await desk.value("SELECT verification FROM number_requests") == "not_found"
    assert await desk.events(VerificationChanged) == []


async def test_a_thousand_and_more_in_batches(open_desk: OpenDesk, matcher: TheMatcher, people: People) -> None:
    """Three copies side by side: nobody is numbered twice, nobody forgotten, no event has more than 500."""
    desks = [await open_desk() for _ in range(3)]
    entries = people.entries(1200)
    matcher.knows(entries[:900])
    for start in range(0, 1200, 400):
        part = [msgspec.structs.replace(e, row=i) for i, e in enumerate(entries[start : start + 400])]
        await desks[0].approve(await desks[0].enter(part))
    taken = await asyncio.gather(*(run(desk, Lane.FIRST) for desk in desks))
    assert sum(taken) == 1200
    told = await issued(desks[0])
    assert Counter(item.kind for item in told.values()) == {G: 900, L: 300}
    assert max(len(event.numbers) for event in await desks[0].events(NumbersIssued)) <= 500
    assert await desks[0].value("SELECT count(DISTINCT number_index) FROM student_numbers") == 1200


class _Killed(BaseException):
    """Stands for SIGKILL between the matcher's answer and the commit (the process itself is killed in test_service)."""


async def test_killed_between_answer_and_commit_it_is_simply_done_again(
    open_desk: OpenDesk, matcher: TheMatcher, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, other = await open_desk(), await open_desk()
    entries = people.entries(4)
    matcher.knows(entries[:2])
    claimed = await desk.enter(entries)
    await desk.approve(claimed)
    flush = Work.flush

    async def killed(_: object) -> None:
        raise _Killed

    monkeypatch.setattr(Work, "flush", killed)
    with pytest.raises(_Killed):
        await run(desk, Lane.FIRST)
    monkeypatch.setattr(Work, "flush", flush)
    for table in ("student_numbers", "verifications", "l_serials", "outbox"):
        assert await desk.value(f"SELECT count(*) FROM {table}") == 0
    assert await run(other, Lane.FIRST) == 0  # the lease is still out
    other.clock.move(timedelta(seconds=60))
    assert await run(other, Lane.FIRST) == 4
    assert len(await issued(desk)) == 4


async def test_a_lease_that_ran_out_writes_nothing(open_desk: OpenDesk, matcher: TheMatcher, people: People) -> None:
    """A copy that was away too long finds its requests done by another and adds nothing."""
    slow, quick = await open_desk(), await open_desk()
    entries = people.entries(3)
    matcher.knows(entries)
    await slow.approve(await slow.enter(entries))
    now = slow.clock.now()
    async with slow.kit.db.transaction() as tx:
        batch = await requests.lease(tx, Lane.FIRST, "slow", now=now, until=now + timedelta(seconds=1), limit=500)
    assert len(batch) == 3
    quick.clock.move(timedelta(seconds=2))
    assert await run(quick, Lane.FIRST) == 3
    async with slow.kit.db.unit(slow.deps) as work:
        await matching.write(work, "slow", batch, {r.person_id: V.NOT_FOUND for r in batch})
    assert {item.kind for item in (await issued(slow)).values()} == {G}
    assert await slow.value("SELECT count(*) FROM student_numbers") == 3


async def test_an_approval_delivered_twice_issues_one_number(desk: Desk, matcher: TheMatcher, people: People) -> None:
    claimed = await desk.enter(people.entries(2))
    await desk.approve(claimed)
    await desk.approve(claimed)
    assert await run(desk, Lane.FIRST) == 2
    assert len(await issued(desk)) == 2
    assert await desk.value("SELECT count(*) FROM student_numbers") == 2


@pytest.mark.clause("15.4")
async def test_an_approval_after_the_number_repeats_the_number(desk: Desk, matcher: TheMatcher, people: People) -> None:
    """A person keeps his number for life: a second registration (after a cancellation) is told the same one."""
    entries = people.entries(2)
    matcher.knows(entries[:1])
    claimed = await number(desk, entries)
    before = await full_numbers(desk, claimed)
    await desk.rows("DELETE FROM record_claims")
    anew = await number(desk, entries, school=OTHER_SCHOOL)
    assert [a.person_id for a in anew] == [c.person_id for c in claimed]
    assert await full_numbers(desk, anew) == before
    first, second = await desk.events(NumbersIssued)
    assert {(i.person_id, i.kind, i.masked, i.verification) for i in first.numbers} == {
        (i.person_id, i.kind, i.masked, i.verification) for i in second.numbers
    }
    assert {i.registration_id for i in second.numbers} == {a.registration_id for a in anew}


@pytest.mark.clause("15.4")
async def test_a_g_that_was_somebody_elses_is_never_given_again(
    desk: Desk, matcher: TheMatcher, people: People
) -> None:
    entry, victim = people.entries(2)
    matcher.knows([entry])
    (other,) = await number(desk, [victim])
    connection = await desk.app()
    await connection.execute("UPDATE student_numbers SET valid_to = now()")
    await connection.execute(
        "INSERT INTO student_numbers VALUES ($1, $2, 'G', '\\x00', 'G', now())",
        desk.deps.vault.number_index("G" + entry.document_number),
        other.person_id,
    )
    await connection.close()
    (claimed,) = await number(desk, [entry])
    told = (await desk.events(NumbersIssued))[-1].numbers[0]
    assert (told.person_id, told.kind) == (claimed.person_id, L)


async def test_a_registration_closed_while_the_matcher_thinks_gets_no_number(
    desk: Desk, matcher: TheMatcher, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = people.entries(2)
    matcher.knows(entries)
    claimed = await desk.enter(entries)
    await desk.approve(claimed)
    answers = desk.deps.matcher.ask

    async def closed_meanwhile(asked: Sequence[Question], seconds: float) -> dict[str, Verification]:
        found = await answers(asked, seconds)
        await desk.close(claimed[:1])
        return found

    monkeypatch.setattr(desk.deps.matcher, "ask", closed_meanwhile)
    assert await run(desk, Lane.FIRST) == 2
    assert list(await issued(desk)) == [claimed[1].person_id]
    assert await desk.value("SELECT count(*) FROM persons") == 1


async def test_a_registration_closed_after_its_number_keeps_its_claim(
    desk: Desk, matcher: TheMatcher, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    claimed = await number(desk, people.entries(1))
    await desk.close(claimed)
    assert await desk.value("SELECT count(*) FROM record_claims") == 1
    assert claimed[0].registration_id in caplog.text


async def test_an_approval_without_a_claim_is_told_to_operators(
    desk: Desk, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    claimed = await desk.enter(people.entries(2))
    await desk.close(claimed[:1])
    await desk.approve(claimed)
    assert "1 of 2 approved" in caplog.text
    assert await desk.value("SELECT count(*) FROM number_requests") == 1


async def test_no_transaction_is_open_while_the_matcher_thinks(
    desk: Desk, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked in that moment itself, by a connection of its own."""
    await desk.approve(await desk.enter(people.entries(1)))
    answers, seen = desk.deps.matcher.ask, []

    async def looked_at(asked: Sequence[Question], seconds: float) -> dict[str, Verification]:
        rows = await desk.rows(
            "SELECT state, (SELECT count(*) FROM number_requests WHERE lease IS NOT NULL) AS leased FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'xueji-identity'"
        )
        seen.extend((row["state"], row["leased"]) for row in rows)
        return await answers(asked, seconds)

    monkeypatch.setattr(desk.deps.matcher, "ask", looked_at)
    assert await run(desk, Lane.FIRST) == 1
    assert set(seen) == {("idle", 1)}


async def test_round_trips_do_not_grow_with_the_rows(desk: Desk, matcher: TheMatcher, people: People) -> None:
    def trips() -> float:
        return REGISTRY.get_sample_value("db_round_trips_total") or 0

    async def cost(count: int) -> dict[str, float]:
        entries = people.entries(count)
        matcher.knows(entries[: count // 2])
        entries[-1] = people.entry(count, document_kind="Z", document_number="")
        spent, mark = {}, trips()

        def lap(name: str) -> None:
            nonlocal mark
            spent[name], mark = trips() - mark, trips()

        intake, _ = await desk.stage(entries)
        lap("stage")
        reply = await desk.claim(intake, [entry.row for entry in entries])
        lap("claim")
        await desk.approve(reply.claims)
        lap("approve")
        assert await matching.one_batch(desk.kit, desk.deps, Lane.FIRST) == count
        lap("number")
        return spent

    await cost(4)  # connections, caches
    small, large = await cost(4), await cost(400)
    assert small == large
    assert large == {"stage": 9, "claim": 9, "approve": 3, "number": 12}


# ---- temporary numbers --------------------------------------------------------------------------------------------


@pytest.mark.clause("15.3")
async def test_serials_of_one_birth_date_under_concurrency(
    open_desk: OpenDesk, matcher: TheMatcher, people: People
) -> None:
    """Four copies number 400 pupils of one area and one birth date at once: 400 different numbers."""
    desks = [await open_desk() for _ in range(4)]
    entries = [
        people.entry(i, birth_date=date(2020, 2, 29), area="230102", document_kind="8", document_number=f"{i:08d}")
        for i in range(400)
    ]
    await desks[0].approve(await desks[0].enter(entries))
    desks_limit = matching.BATCH
    matching.BATCH = 50
    try:
        await asyncio.gather(*(run(desk, Lane.FIRST) for desk in desks))
    finally:
        matching.BATCH = desks_limit
    assert await desks[0].value("SELECT count(DISTINCT number_index) FROM student_numbers WHERE kind = 'L'") == 400
    assert await desks[0].value("SELECT used FROM l_serials") == 400


async def test_when_no_serial_is_left_the_others_get_theirs(
    desk: Desk, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    full = people.entry(1, birth_date=date(2020, 1, 1), area="230102", document_kind="A", document_number="E1234567")
    other = people.entry(2, birth_date=date(2020, 1, 2), area="230102", document_kind="A", document_number="E1234568")
    await desk.rows("INSERT INTO l_serials VALUES ('230102', '2020-01-01', $1)", L_CAPACITY)
    claimed = await number(desk, [full, other])
    assert list(await issued(desk)) == [claimed[1].person_id]
    assert "no L serial is left for 1 persons" in caplog.text
    (row,) = await desk.rows("SELECT lane, attempts FROM number_requests")
    assert tuple(row) == ("first", 1)


PLACES = [("230102", date(2020, 1, 1)), ("230102", date(2020, 1, 2)), ("230103", date(2020, 1, 1))]
TAKES = st.lists(st.dictionaries(st.sampled_from(PLACES), st.integers(1, 40), min_size=1), min_size=1, max_size=8)


async def test_serials_are_handed_out_once(desk: Desk) -> None:
    """Whatever is taken at the same time: every serial from 0 up, each exactly once."""
    loop = asyncio.get_running_loop()

    async def take(wanted: dict[tuple[str, date], int]) -> list[tuple[tuple[str, date], int]]:
        async with desk.kit.db.transaction() as tx:
            first = await requests.take_serials(tx, wanted)
        return [(place, first[place] + i) for place, count in wanted.items() for i in range(count)]

    async def one_case(takes: list[dict[tuple[str, date], int]]) -> None:
        await desk.rows("DELETE FROM l_serials")
        got = [serial for part in await asyncio.gather(*(take(wanted) for wanted in takes)) for serial in part]
        for place in PLACES:
            serials = sorted(serial for where, serial in got if where == place)
            assert serials == list(range(sum(wanted.get(place, 0) for wanted in takes)))

    @given(TAKES)
    @settings(max_examples=40, deadline=None)
    def cases(takes: list[dict[tuple[str, date], int]]) -> None:
        asyncio.run_coroutine_threadsafe(one_case(takes), loop).result(60)

    await asyncio.to_thread(cases)
