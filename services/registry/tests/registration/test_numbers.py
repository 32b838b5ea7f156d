"""Numbers make students: once, set-based, with a journal; later news changes number and journal (15.1 to 15.4)."""

from __future__ import annotations

import asyncio
import logging

import pytest
from registry.records import journal, store
from registry.registration.numbers import NotYet
from registry_world import OFFICER, PRINCIPAL, REGISTRAR, SCHOOL, TEACHER, TODAY, World
from shared_contracts.identity import (
    Issued,
    NumberKind,
    NumbersIssued,
    NumbersUpgraded,
    Verification,
    VerificationChanged,
)
from shared_contracts.records import GetStudent, StudentsRegistered
from shared_contracts.registry import CorrectionsNeeded, ListRegistrations, RosterCompleted

pytestmark = pytest.mark.integration
G, L = NumberKind.G, NumberKind.L


async def approved_roster(world: World, size: int) -> tuple[str, list[str]]:
    roster = await world.roster(size)
    for step, who in (("class_teacher", TEACHER), ("principal", PRINCIPAL)):
        await world.decide(roster, step, who, roster=True)
    ids = [
        row["id"] for row in await world.sql("SELECT id FROM registrations WHERE roster_id = $1 ORDER BY row", roster)
    ]
    await world.print(*ids)
    for step, who in (("guardian", REGISTRAR), ("school", PRINCIPAL), ("authority", OFFICER)):
        await world.decide(roster, step, who, roster=True)
    return roster, ids


async def approved(world: World, **changes) -> str:
    one = await world.one(**changes)
    await world.bring_to(one, "done")
    return one


def issued(
    *ids: str, kind: NumberKind = G, verification: Verification = Verification.MATCHED, mark: str = "2"
) -> tuple:
    return tuple(
        Issued(
            person_id="",
            registration_id=one,
            kind=kind,
            masked=f"{kind}{mark}**************15",
            verification=verification,
        )
        for one in ids
    )


async def give(world: World, numbers: tuple, kind=NumbersIssued) -> None:
    when = "checked_at" if kind is VerificationChanged else "issued_at"
    await world.tell(kind(numbers=numbers, **{when: world.clock.now()}))


@pytest.mark.clause("15.1", "15.3")
async def test_a_number_makes_a_student(world):
    one = await approved(world)
    await give(world, issued(one))
    registration = await world.get(one)
    assert (registration.state, registration.student_number, registration.number_kind) == (
        "registered", "G2**************15", "G",
    )  # fmt: skip
    student = await world.ask(GetStudent(actor=REGISTRAR, student_id=one))
    assert (student.person_id, student.name, student.school_name) == (registration.person_id, "王小明", SCHOOL.name)
    assert (student.grade, student.class_no, student.cohort, student.stage) == (1, 1, 2026, "primary")
    assert (student.state, student.verification, student.former_numbers) == ("in_school", "matched", ())
    (event,) = await world.events(StudentsRegistered)
    assert [(s.student_id, s.registration_id, s.number_kind) for s in event.students] == [(one, one, "G")]
    (membership,) = await world.sql("SELECT * FROM class_memberships")
    assert (membership["student_id"], membership["joined_on"], membership["left_on"]) == (one, TODAY, None)


@pytest.mark.clause("21.1")
async def test_the_journal_begins_with_the_registration(world):
    one = await approved(world)
    await give(world, issued(one))
    async with world.db.transaction() as tx:
        (entry,) = await store.journal_of(tx, one)
    assert journal.intact([entry])
    assert (entry.seq, entry.kind, entry.clause, entry.legal_date) == (1, "registered", "15.1", TODAY)
    assert entry.content["number_kind"] == "G"
    assert entry.content["grade"] == 1


@pytest.mark.clause("15.2")
async def test_the_same_news_twice_makes_one_student(world):
    one = await approved(world)
    await give(world, issued(one))
    await give(world, issued(one))
    await asyncio.gather(*(give(world, issued(one)) for _ in range(4)))
    assert len(await world.sql("SELECT 1 FROM students")) == 1
    assert len(await world.sql("SELECT 1 FROM journal")) == 1
    assert len(await world.events(StudentsRegistered)) == 1


async def test_the_same_news_at_once_makes_one_student(world):
    roster, ids = await approved_roster(world, 30)
    await asyncio.gather(*(give(world, issued(*ids)) for _ in range(4)))
    assert len(await world.sql("SELECT 1 FROM students")) == 30
    assert len(await world.sql("SELECT 1 FROM journal")) == 30
    assert [event.roster_id for event in await world.events(RosterCompleted)] == [roster]


async def test_a_number_for_what_is_not_approved_changes_nothing_and_is_told(world, caplog):
    waiting, done = await world.one(), await approved(world)
    with caplog.at_level(logging.ERROR):
        await give(world, issued(waiting, done, "nobody"))
    assert "2 registrations" in caplog.text
    assert (await world.get(waiting)).state == "entered"
    assert (await world.get(done)).state == "registered"


async def test_a_batch_costs_the_same_statements_whatever_its_size(world):
    _, ids = await approved_roster(world, 520)
    counts = []
    for chunk in (ids[:5], ids[5:10], ids[10:510]):
        async with world.db.unit(world.deps) as work:
            raw = (await work.tx.get_raw_connection()).driver_connection
            sent: list[str] = []
            with raw.query_logger(lambda record, sent=sent: sent.append(record.query)):
                from registry.app import SERVICE

                news = NumbersIssued(numbers=issued(*chunk), issued_at=world.clock.now())
                await SERVICE.events[NumbersIssued](work, news)
                await asyncio.sleep(0)
            counts.append(len(sent))
    assert counts[1] == counts[2] <= 6


# ---- completion ---------------------------------------------------------------------------------------------


async def roster_state(world: World, roster: str) -> str:
    return (await world.sql("SELECT state FROM rosters WHERE id = $1", roster))[0]["state"]


async def test_the_last_number_completes_the_roster_once(world):
    roster, ids = await approved_roster(world, 7)
    assert await roster_state(world, roster) == "issuing"
    await give(world, issued(*ids[:4]))
    assert await roster_state(world, roster) == "issuing"
    assert not await world.events(RosterCompleted)
    await give(world, issued(*ids[4:], kind=L, verification=Verification.NOT_FOUND))
    assert await roster_state(world, roster) == "completed"
    (event,) = await world.events(RosterCompleted)
    assert (event.numbers, event.totals.valid) == ({"G": 4, "L": 3}, 7)
    await give(world, issued(*ids))
    assert len(await world.events(RosterCompleted)) == 1


async def test_batches_at_once_complete_the_roster_exactly_once(world):
    roster, ids = await approved_roster(world, 40)
    await asyncio.gather(*(give(world, issued(*ids[n : n + 5])) for n in range(0, 40, 5)))
    assert await roster_state(world, roster) == "completed"
    assert len(await world.events(RosterCompleted)) == 1
    (left,) = await world.sql("SELECT on_the_way FROM roster_counts")
    assert left["on_the_way"] == 0


async def test_what_is_rejected_or_withdrawn_counts_as_ended(world):
    from shared_contracts.registry import WithdrawRegistration

    roster = await world.roster(3)
    ids = [row["id"] for row in await world.sql("SELECT id FROM registrations")]
    await world.decide(ids[0], "class_teacher", TEACHER, "reject", reason="不属于本校")
    withdraw = WithdrawRegistration(command_id="w", actor=REGISTRAR, registration_id=ids[1], reason="重复录入")
    await world.do(withdraw)
    assert await roster_state(world, roster) == "in_approval"
    await world.bring_to(ids[2], "done")
    assert await roster_state(world, roster) == "issuing"
    await give(world, issued(ids[2]))
    assert await roster_state(world, roster) == "completed"


async def test_a_roster_that_is_still_being_confirmed_is_not_complete(world):
    roster = await world.roster(1, state="confirming")
    (row,) = await world.sql("SELECT id FROM registrations")
    await world.decide(row["id"], "class_teacher", TEACHER, "reject", reason="不属于本校")
    assert await roster_state(world, roster) == "confirming"
    assert not await world.events(RosterCompleted)
    from registry.registration import completion

    async with world.db.unit(world.deps) as work:
        from service_kit.database import execute

        await execute(work.tx, "UPDATE rosters SET state = 'in_approval'")
        await completion.confirmed(work, roster)
    assert await roster_state(world, roster) == "completed"
    assert len(await world.events(RosterCompleted)) == 1


# ---- later news ---------------------------------------------------------------------------------------------


@pytest.mark.clause("15.4")
async def test_an_l_becomes_a_g_and_stays_as_a_former_number(world):
    one = await approved(world)
    await give(world, issued(one, kind=L, verification=Verification.UNAVAILABLE))
    before = await world.ask(GetStudent(actor=REGISTRAR, student_id=one))
    await give(world, issued(one), NumbersUpgraded)
    student = await world.ask(GetStudent(actor=REGISTRAR, student_id=one))
    assert (student.student_number, student.number_kind, student.verification) == ("G2**************15", "G", "matched")
    assert student.former_numbers == ("L2**************15",)
    assert student.version == before.version + 1
    registration = await world.get(one)
    assert (registration.student_number, registration.verification) == ("G2**************15", "matched")
    async with world.db.transaction() as tx:
        entries = await store.journal_of(tx, one)
    assert journal.intact(entries)
    assert [(entry.seq, entry.kind, entry.clause) for entry in entries] == [
        (1, "registered", "15.1"), (2, "number_upgraded", "15.4"),
    ]  # fmt: skip
    assert entries[1].content["former_number"] == "L2**************15"


@pytest.mark.clause("15.4")
async def test_an_upgrade_twice_or_at_once_is_written_once(world):
    one = await approved(world)
    await give(world, issued(one, kind=L, verification=Verification.NOT_FOUND))
    await asyncio.gather(*(give(world, issued(one), NumbersUpgraded) for _ in range(4)))
    assert len(await world.sql("SELECT 1 FROM journal")) == 2
    assert len(await world.sql("SELECT 1 FROM former_numbers")) == 1


async def test_an_upgrade_before_the_first_number_is_tried_again_later(world):
    one = await approved(world)
    with pytest.raises(NotYet):
        await give(world, issued(one), NumbersUpgraded)
    await give(world, issued(one, kind=L, verification=Verification.NOT_FOUND))
    await give(world, issued(one), NumbersUpgraded)
    assert (await world.get(one)).number_kind == "G"


@pytest.mark.clause("15.3")
@pytest.mark.parametrize(
    ("verification", "word"),
    [
        (Verification.NAME_MISMATCH, "姓名"),
        (Verification.SEX_MISMATCH, "性别"),
        (Verification.BIRTH_DATE_MISMATCH, "出生日期"),
        (Verification.NOT_FOUND, None),
        (Verification.NOT_MATCHABLE, None),
        (Verification.UNAVAILABLE, None),
    ],
)
async def test_a_mismatch_is_for_the_school_to_clear_up(world, verification, word):
    one = await approved(world)
    await give(world, issued(one, kind=L, verification=verification))
    correction = (await world.get(one)).correction
    needed = await world.events(CorrectionsNeeded)
    if word is None:
        assert (correction, needed) == (None, [])
        return
    assert word in correction
    assert [(event.school, event.registrations) for event in needed] == [(SCHOOL.code, ((one, verification),))]
    page = await world.ask(ListRegistrations(actor=REGISTRAR, to_correct=True))
    assert [item.id for item in page.items] == [one]


@pytest.mark.clause("15.3")
async def test_a_later_mismatch_is_told_and_a_later_match_clears_it(world):
    one = await approved(world)
    await give(world, issued(one, kind=L, verification=Verification.UNAVAILABLE))
    changed = issued(one, kind=L, verification=Verification.NAME_MISMATCH)
    await give(world, changed, VerificationChanged)
    await give(world, changed, VerificationChanged)
    assert "姓名" in (await world.get(one)).correction
    assert len(await world.events(CorrectionsNeeded)) == 1
    await give(world, issued(one), NumbersUpgraded)
    assert (await world.get(one)).correction is None
