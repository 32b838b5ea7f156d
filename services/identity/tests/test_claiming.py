from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import msgspec
import pytest
from identity_support import OTHER_SCHOOL, SCHOOL, Desk, OpenDesk, People
from service_kit.ids import new_id
from service_kit.work import Work
from shared_contracts.decisions import Refused

pytestmark = pytest.mark.integration


async def test_claims_make_persons(desk: Desk, people: People) -> None:
    entries = people.entries(3)
    claimed = await desk.enter(entries)
    assert [item.row for item in claimed] == [1, 2, 3]
    rows = await desk.rows("SELECT * FROM persons ORDER BY name")
    assert sorted(row["name"] for row in rows) == sorted(entry.name for entry in entries)
    assert {row["id"] for row in rows} == {item.person_id for item in claimed}
    for row in rows:
        number = desk.deps.vault.open_document(row["id"], row["document"])
        (entry,) = [entry for entry in entries if entry.document_number == number]
        assert (row["name"], row["sex"], row["birth_date"]) == (entry.name, entry.sex, entry.birth_date)
        assert number not in str(dict(row))


@pytest.mark.clause("15.2")
async def test_two_schools_at_the_same_instant(desk: Desk, people: People) -> None:
    """Exactly one wins, the other gets the winner as the reason; round after round."""
    winners = set()
    for _ in range(15):
        entry = people.entry()
        intakes = {school: (await desk.stage([entry], school=school))[0] for school in (SCHOOL, OTHER_SCHOOL)}
        replies = await asyncio.gather(*(desk.claim(intake, [1], school=s) for s, intake in intakes.items()))
        results = [reply.claims[0] for reply in replies]
        won = [item for item in results if item.person_id]
        lost = [item for item in results if item.holder]
        assert (len(won), len(lost)) == (1, 1)
        assert lost[0].holder.person_id == won[0].person_id
        assert lost[0].holder.registration_id == won[0].registration_id
        winners.add(lost[0].holder.school)
        assert winners <= {SCHOOL, OTHER_SCHOOL}
    assert await desk.value("SELECT count(*) FROM persons") == 15
    assert await desk.value("SELECT count(*) FROM record_claims") == 15


@pytest.mark.clause("15.2")
async def test_a_hundred_claims_on_one_person_at_once(desk: Desk, people: People) -> None:
    entry = people.entry()
    schools = [f"21230200{i:02d}" for i in range(100)]
    intakes = [(await desk.stage([entry], school=school))[0] for school in schools]
    replies = await asyncio.gather(
        *(desk.claim(intake, [1], school=school) for intake, school in zip(intakes, schools, strict=True))
    )
    results = [reply.claims[0] for reply in replies]
    (won,) = [item for item in results if item.person_id]
    holders = {item.holder.registration_id for item in results if item.holder}
    assert holders == {won.registration_id}
    assert sum(item.holder is not None for item in results) == 99
    assert await desk.value("SELECT count(*) FROM persons") == 1


@pytest.mark.clause("15.2")
async def test_overlapping_chunks_in_any_order_neither_deadlock_nor_double(desk: Desk, people: People) -> None:
    """Eight schools claim the same 60 pupils in shuffled rows: each pupil ends with one school, all answers agree."""
    entries = people.entries(60)
    shuffle = random.Random(7)
    jobs = []
    for i in range(8):
        school = f"21230300{i:02d}"
        rows = list(range(1, 61))
        shuffle.shuffle(rows)
        mixed = [msgspec.structs.replace(entry, row=row) for entry, row in zip(entries, rows, strict=True)]
        intake, _ = await desk.stage(mixed, school=school)
        jobs.append((school, intake, mixed))
    replies = await asyncio.gather(
        *(desk.claim(intake, [entry.row for entry in mixed], school=school) for school, intake, mixed in jobs)
    )
    owners: dict[str, str] = {}
    told: dict[str, set[str]] = {}
    for (school, _, mixed), reply in zip(jobs, replies, strict=True):
        assert not isinstance(reply, Refused)
        for entry, item in zip(mixed, reply.claims, strict=True):
            if item.person_id:
                assert entry.document_number not in owners
                owners[entry.document_number] = school
            else:
                told.setdefault(entry.document_number, set()).add(item.holder.school)
    assert len(owners) == 60
    assert all(told[number] == {owners[number]} for number in owners)


@pytest.mark.clause("15.2")
async def test_a_repeat_gets_the_same_answer(desk: Desk, people: People) -> None:
    """By the same command id (the stored reply), by another one (after a lost reply), and both at the same time."""
    intake, _ = await desk.stage(people.entries(5))
    rows, registrations = [1, 2, 3, 4, 5], [new_id() for _ in range(5)]
    first = await desk.claim(intake, rows, registrations=registrations, command_id="chunk-1")
    again = await desk.claim(intake, rows, registrations=registrations, command_id="chunk-1")
    other, third = await asyncio.gather(
        desk.claim(intake, rows, registrations=registrations),
        desk.claim(intake, rows, registrations=registrations),
    )
    assert first == again == other == third
    assert all(item.person_id for item in first.claims)
    assert await desk.value("SELECT count(*) FROM persons") == 5


@pytest.mark.clause("15.2")
async def test_the_same_claims_at_the_same_time(desk: Desk, people: People) -> None:
    intake, _ = await desk.stage(people.entries(20))
    rows, registrations = list(range(1, 21)), [new_id() for _ in range(20)]
    replies = await asyncio.gather(*(desk.claim(intake, rows, registrations=registrations) for _ in range(6)))
    assert all(reply == replies[0] for reply in replies)
    assert all(item.person_id for item in replies[0].claims)
    assert await desk.value("SELECT count(*) FROM persons") == 20


class _Killed(BaseException):
    """Stands for SIGKILL: nobody catches it and the transaction is never committed."""


async def test_a_claim_killed_before_its_commit_leaves_nothing_and_can_be_repeated(
    desk: Desk, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    intake, _ = await desk.stage(people.entries(3))
    registrations = [new_id() for _ in range(3)]
    flush = Work.flush

    async def killed(_: object) -> None:
        raise _Killed

    monkeypatch.setattr(Work, "flush", killed)
    with pytest.raises(_Killed):
        await desk.claim(intake, [1, 2, 3], registrations=registrations, command_id="c")
    monkeypatch.setattr(Work, "flush", flush)
    assert await desk.value("SELECT count(*) FROM persons") == 0
    assert await desk.value("SELECT count(*) FROM commands WHERE command_id = 'c'") == 0
    reply = await desk.claim(intake, [1, 2, 3], registrations=registrations, command_id="c")
    assert all(item.person_id for item in reply.claims)


async def test_a_document_twice_in_one_chunk(desk: Desk, people: People) -> None:
    entry = people.entry(1)
    twin = msgspec.structs.replace(entry, row=2)
    first, second = await desk.enter([entry, twin])
    assert first.person_id
    assert second.person_id is None
    assert second.holder.registration_id == first.registration_id
    assert await desk.value("SELECT count(*) FROM persons") == 1


async def test_pupils_without_any_document(desk: Desk, people: People) -> None:
    """In one school the same pupil once, however often the roster comes; in another school a likely duplicate."""
    entry = people.entry(document_kind="Z", document_number="")
    (first,) = await desk.enter([entry])
    assert first.person_id
    assert first.masked_document == ""
    (again,) = await desk.enter([entry])
    assert again.holder.registration_id == first.registration_id
    _, reply = await desk.stage([entry], school=OTHER_SCHOOL)
    assert reply.rows[0].holder is None
    assert [item.person_id for item in reply.rows[0].likely] == [first.person_id]
    (elsewhere,) = await desk.enter([entry], school=OTHER_SCHOOL)
    assert elsewhere.person_id not in (None, first.person_id)


async def test_withdrawn_claims_are_let_go_of(desk: Desk, people: People) -> None:
    """The person is forgotten with the claim, so that a wrong birth date of a passport can be put right."""
    entry = people.entry(document_kind="A", document_number="E12345678")
    claimed = await desk.enter([entry])
    await desk.close(claimed)
    assert await desk.value("SELECT count(*) FROM persons") == 0
    history = await desk.rows("SELECT * FROM released_claims")
    assert [(row["registration_id"], row["school"], row["reason"]) for row in history] == [
        (claimed[0].registration_id, SCHOOL, "withdrawn")
    ]
    right = msgspec.structs.replace(entry, birth_date=entry.birth_date + timedelta(days=1))
    (anew,) = await desk.enter([right], school=OTHER_SCHOOL)
    assert anew.person_id not in (None, claimed[0].person_id)
    await desk.close(claimed)  # the event once more: the new claim is nobody's business
    assert await desk.value("SELECT count(*) FROM record_claims") == 1


async def test_letting_go_while_another_school_claims(desk: Desk, people: People) -> None:
    """Whatever comes first, the answer is one of two: held by the first school, or claimed by the second."""
    outcomes = set()
    for _ in range(12):
        entry = people.entry()
        claimed = await desk.enter([entry])
        intake, _ = await desk.stage([entry], school=OTHER_SCHOOL)
        _, reply = await asyncio.gather(desk.close(claimed), desk.claim(intake, [1], school=OTHER_SCHOOL))
        (item,) = reply.claims
        if item.person_id:
            assert await desk.value("SELECT school FROM record_claims WHERE person_id = $1", item.person_id) == (
                OTHER_SCHOOL
            )
            outcomes.add("claimed")
        else:
            assert item.holder.school == SCHOOL
            outcomes.add("held")
    assert outcomes <= {"claimed", "held"}
    live = await desk.value("SELECT count(*) FROM persons")
    assert live == await desk.value("SELECT count(*) FROM record_claims")  # nobody is left without a claim


@pytest.mark.clause("40")
async def test_an_established_person_registered_anew_keeps_his_birth_date(desk: Desk, people: People) -> None:
    """A claim that was ended by hand (later issues end them by cancellation): the record's facts still stand."""
    entry = people.entry(document_kind="A", document_number="E12345678")
    (claimed,) = await desk.enter([entry])
    await desk.rows("DELETE FROM record_claims")
    wrong = msgspec.structs.replace(entry, birth_date=entry.birth_date + timedelta(days=1))
    intake, staged = await desk.stage([wrong], school=OTHER_SCHOOL)
    assert [f.code for f in staged.rows[0].findings] == ["person.birth_date_differs"]
    (refused,) = (await desk.claim(intake, [1], school=OTHER_SCHOOL)).claims
    assert [f.clause for f in refused.findings] == ["40"]
    assert refused.person_id is None
    (right,) = await desk.enter([entry], school=OTHER_SCHOOL)
    assert right.person_id == claimed.person_id


async def test_good_rows_are_claimed_beside_bad_ones(desk: Desk, people: People) -> None:
    good, bad = people.entry(1), msgspec.structs.replace(people.entry(2), area="23")
    held = people.entry(3)
    await desk.enter([held], school=OTHER_SCHOOL)
    results = await desk.enter([good, bad, held])
    assert results[0].person_id
    assert [f.code for f in results[1].findings] == ["person.area"]
    assert results[2].holder.school == OTHER_SCHOOL


@pytest.mark.parametrize("school", [SCHOOL, OTHER_SCHOOL])
async def test_a_registration_holds_one_person(desk: Desk, people: People, school: str) -> None:
    """The same registration for another pupil is the caller's mistake: it gets the pupil it has, or a refusal."""
    intake, _ = await desk.stage(people.entries(1))
    (first,) = (await desk.claim(intake, [1], registrations=["r1"])).claims
    other, _ = await desk.stage([people.entry(5)], school=school)
    reply = await desk.claim(other, [5], school=school, registrations=["r1"])
    if school == SCHOOL:
        assert reply.claims[0].person_id == first.person_id
    else:
        assert isinstance(reply, Refused)
    assert await desk.value("SELECT count(*) FROM persons") == 1


async def test_one_registration_for_two_pupils_at_the_same_time_keeps_one(desk: Desk, people: People) -> None:
    intakes = [(await desk.stage([people.entry()]))[0] for _ in range(2)]
    replies = await asyncio.gather(
        *(desk.claim(intake, [1], registrations=["r1"]) for intake in intakes), return_exceptions=True
    )
    good = [reply for reply in replies if not isinstance(reply, BaseException)]
    assert good
    assert await desk.value("SELECT count(*) FROM persons") == 1
    assert await desk.value("SELECT count(*) FROM record_claims") == 1


async def test_the_same_registration_twice_in_one_command(desk: Desk, people: People) -> None:
    intake, _ = await desk.stage(people.entries(2))
    reply = await desk.claim(intake, [1, 2], registrations=["r", "r"])
    assert isinstance(reply, Refused)
    assert reply.kind == "invalid"


async def test_rows_that_were_never_staged(desk: Desk, people: People) -> None:
    intake, _ = await desk.stage(people.entries(2))
    reply = await desk.claim(intake, [1, 2, 9])
    assert isinstance(reply, Refused)
    assert "第 9 行" in reply.detail
    assert await desk.value("SELECT count(*) FROM persons") == 0


async def test_two_copies_of_the_service(open_desk: OpenDesk, people: People) -> None:
    one, two = await open_desk(), await open_desk()
    entries = people.entries(30)
    intake_one, _ = await one.stage(entries)
    intake_two, _ = await two.stage(entries, school=OTHER_SCHOOL)
    rows = [entry.row for entry in entries]
    a, b = await asyncio.gather(one.claim(intake_one, rows), two.claim(intake_two, rows, school=OTHER_SCHOOL))
    for x, y in zip(a.claims, b.claims, strict=True):
        assert (x.person_id is None) != (y.person_id is None)
