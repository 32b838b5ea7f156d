"""Pairs: found, heard, decided, carried out, taken back (20.1, 39), across schools and counties."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest
from clearing_world import (
    BORN,
    CITY_OFFICER,
    FAR_OFFICER,
    FAR_REGISTRAR,
    LEADER,
    OFFICER,
    OTHER_REGISTRAR,
    PROVINCE_LEADER,
    PROVINCE_OFFICER,
    ClearingWorld,
)
from registry.clearing.duplicates import scanning, store
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, actor, codes
from regulation.calendar import Calendar, CalendarRow
from service_kit.bus import Unavailable
from shared_contracts.actors import Role
from shared_contracts.clearing import (
    DecideDuplicate,
    DuplicateState,
    GetDuplicate,
    GetScan,
    ListDuplicates,
    ListScans,
    OpenCorrection,
    RecordCancelled,
    ReportDuplicate,
    StartScan,
    StateDuplicate,
    UndoDuplicate,
)
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.identity import KeyFields, Member
from shared_contracts.records import GetJournal, GetStudent, ListStudents
from shared_contracts.waiting import WorkWaiting

pytestmark = pytest.mark.integration


async def compare(world: ClearingWorld) -> None:
    """Everything that has come is compared."""
    while await scanning.arrivals_step(world.kit, world.deps):
        pass


async def pair_of(world: ClearingWorld, a: str, b: str, who: Any = PROVINCE_OFFICER) -> Any:
    return await world.ask(GetDuplicate(actor=who, duplicate_id=store.pair_id(a, b)))


async def speak(world: ClearingWorld, pair: str, who: Any, position: str = "same", **more: Any) -> Any:
    values = {"text": "经核对户口簿，为同一名学生", "evidence": (await world.paper(who),)} | more
    return await world.do(
        StateDuplicate(command_id=world.id(), actor=who, duplicate_id=pair, position=position, **values)  # type: ignore[arg-type]
    )


async def decide(world: ClearingWorld, pair: str, decision: str, who: Any = OFFICER, **more: Any) -> Any:
    values = {"reason": "依据两校陈述和户籍材料"} | more
    return await world.do(
        DecideDuplicate(command_id=world.id(), actor=who, duplicate_id=pair, decision=decision, **values)  # type: ignore[arg-type]
    )


async def everybody(world: ClearingWorld) -> list[list[Any]]:
    """All records, and who is in which class."""
    return [await world.sql(f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("students", "class_memberships")]


async def undo(world: ClearingWorld, pair: str, who: Any = LEADER) -> Any:
    return await world.do(UndoDuplicate(command_id=world.id(), actor=who, duplicate_id=pair, reason="复核有误"))


async def two(world: ClearingWorld, other: Any = OTHER_SCHOOL, **kinds: str) -> tuple[str, str, str]:
    """One pupil with two records, found and heard. Returns them and the pair."""
    a = await world.registered(SCHOOL, kind=kinds.get("a", "G"))
    b = await world.registered(other, kind=kinds.get("b", "L"), document_kind="Z")
    await compare(world)
    pair = store.pair_id(a, b)
    assert not isinstance(await speak(world, pair, REGISTRAR), Refused)
    await speak(world, pair, OTHER_REGISTRAR if other is OTHER_SCHOOL else FAR_REGISTRAR)
    return a, b, pair


# ---- found --------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("20.1", "39")
async def test_a_record_that_comes_is_compared_with_the_province(world: ClearingWorld) -> None:
    a = await world.registered(SCHOOL)
    b = await world.under_way(FAR_SCHOOL, document_kind="Z")
    await world.registered(SCHOOL, name="李强")
    await compare(world)
    found = await pair_of(world, a, b)
    assert (found.state, found.alike, found.rarity, found.source) == (
        "open", 2, "全省同名同日出生2人", "registration",
    )  # fmt: skip
    assert found.authority == "230000"  # the lowest that both are under
    assert [side.registered for side in found.sides] == [side.id == a for side in found.sides]
    assert found.due_on > world.clock.today()
    page = await world.ask(ListDuplicates(actor=PROVINCE_OFFICER))
    assert len(page.items) == 1
    told = [event for event in await world.events(WorkWaiting) if event.kind == "duplicate_found"]
    assert {event.organisation for event in told} == {SCHOOL.code, FAR_SCHOOL.code}
    assert not any("王小明" in event.detail for event in told)


@pytest.mark.clause("39", "45.1")
async def test_each_school_sees_its_own_side_and_little_of_the_other(world: ClearingWorld) -> None:
    a = await world.registered(SCHOOL)
    b = await world.registered(FAR_SCHOOL, document_kind="Z")
    await compare(world)
    for who, own in ((REGISTRAR, a), (FAR_REGISTRAR, b)):
        found = await pair_of(world, a, b, who)
        mine, other = sorted(found.sides, key=lambda side: side.masked)
        assert (mine.id, mine.name, mine.masked) == (own, "王小明", False)
        assert (other.id, other.name, other.student_number, other.birth_date) == (None, "王**", None, None)
        assert other.school_name
    for who in (OFFICER, FAR_OFFICER, CITY_OFFICER, PROVINCE_OFFICER):
        found = await pair_of(world, a, b, who)
        assert [side.name for side in found.sides] == ["王小明", "王小明"]
        assert len((await world.ask(ListDuplicates(actor=who))).items) == 1
    assert isinstance(await pair_of(world, a, b, OTHER_REGISTRAR), Refused)
    assert (await world.ask(ListDuplicates(actor=OTHER_REGISTRAR))).items == ()
    assert len((await world.ask(ListDuplicates(actor=PROVINCE_OFFICER, to_decide=True))).items) == 1
    assert (await world.ask(ListDuplicates(actor=OFFICER, to_decide=True))).items == ()
    assert (await world.ask(ListDuplicates(actor=OFFICER, state=DuplicateState.MERGED))).items == ()


@pytest.mark.clause("20.1")
async def test_a_scan_finds_what_is_there_resumes_and_finds_nothing_twice(
    world: ClearingWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "BATCH", 2)
    guardian = (Member(slot=1, document_kind="1", document_number="230102198001011236"),)
    a = await world.registered(SCHOOL, members=guardian)
    b = await world.registered(OTHER_SCHOOL, birth_date=date(2020, 5, 3), members=guardian)
    for name in ("李强", "赵敏", "孙丽", "周军"):
        await world.registered(SCHOOL, name=name)
    await world.sql("DELETE FROM duplicate_arrivals")
    started = await world.do(StartScan(command_id=world.id(), actor=OFFICER, scan_id="s1", organisation="230102"))
    assert started.state == "waiting"
    second = await world.do(StartScan(command_id=world.id(), actor=OFFICER, scan_id="s2", organisation="230102"))
    assert second.id == "s1"  # one at a time
    world.bus.away = Unavailable("nobody there")
    with pytest.raises(Unavailable):
        await scanning.scan_step(world.kit, world.deps)
    assert not await scanning.scan_step(world.kit, world.deps)  # put off
    world.bus.away = None
    world.clock.pass_(seconds=200)
    assert await scanning.scan_step(world.kit, world.deps)
    shown = await world.ask(GetScan(actor=OFFICER, scan_id="s1"))
    assert (shown.state, shown.done, shown.total) == ("running", 2, 6)
    while await scanning.scan_step(world.kit, world.deps):
        pass
    shown = await world.ask(GetScan(actor=OFFICER, scan_id="s1"))
    assert (shown.state, shown.done, shown.total, shown.found) == ("done", 6, 6, 1)
    assert (await pair_of(world, a, b)).agreements == ("name", "sex", "guardian_document", "area")
    await world.do(StartScan(command_id=world.id(), actor=REGISTRAR, scan_id="s3", organisation=SCHOOL.code))
    while await scanning.scan_step(world.kit, world.deps):
        pass
    assert (await world.ask(GetScan(actor=REGISTRAR, scan_id="s3"))).found == 0
    assert len((await world.ask(ListScans(actor=OFFICER))).items) == 2
    assert [one.id for one in (await world.ask(ListScans(actor=REGISTRAR))).items] == ["s3"]
    for who, organisation, kind in (
        (REGISTRAR, "230102", "not_found"),
        (OFFICER, "230202", "not_found"),
        (PRINCIPAL, SCHOOL.code, "forbidden"),
        (OFFICER, "2123019999", "not_found"),
    ):
        refused = await world.do(
            StartScan(command_id=world.id(), actor=who, scan_id=world.id(), organisation=organisation)
        )
        assert refused.kind == kind, who
    assert (await world.ask(GetScan(actor=FAR_OFFICER, scan_id="s1"))).kind == "not_found"


# ---- heard and decided ---------------------------------------------------------------------------------------------------


@pytest.mark.clause("39")
async def test_both_schools_are_heard_or_their_time_passes(world: ClearingWorld) -> None:
    a = await world.registered(SCHOOL)
    b = await world.registered(OTHER_SCHOOL, document_kind="Z")
    await compare(world)
    pair = store.pair_id(a, b)
    assert "duplicate.not_heard" in codes(await decide(world, pair, "different"))
    assert (await speak(world, pair, REGISTRAR, text=" ")).kind == "invalid"
    assert (await speak(world, pair, FAR_REGISTRAR)).kind == "not_found"
    assert (await speak(world, pair, OFFICER)).kind == "forbidden"
    said = await speak(world, pair, REGISTRAR)
    assert (said.heard, len(said.statements), len(said.statements[0].evidence)) == (False, 1, 1)
    assert (await speak(world, pair, REGISTRAR)).kind == "conflict"
    assert (await speak(world, pair, PRINCIPAL)).kind == "conflict"  # a school speaks once
    assert (await pair_of(world, a, b, OTHER_REGISTRAR)).statements == ()  # not the other's words
    assert "duplicate.not_heard" in codes(await decide(world, pair, "different"))
    due_on = said.due_on
    world.clock.moment = world.clock.moment.replace(year=due_on.year, month=due_on.month, day=due_on.day)
    assert "duplicate.not_heard" in codes(await decide(world, pair, "different"))  # the last day is theirs
    world.clock.pass_(days=1)
    assert (await decide(world, pair, "different")).state == "different"


@pytest.mark.clause("39", "20.1")
async def test_two_pupils_never_come_back(world: ClearingWorld) -> None:
    a, b, pair = await two(world)
    for who, kind in ((REGISTRAR, "forbidden"), (LEADER, "forbidden"), (CITY_OFFICER, "not_found")):
        assert (await decide(world, pair, "different", who)).kind == kind
    done = await decide(world, pair, "different")
    assert (done.state, done.decided_by) == ("different", OFFICER.name)
    assert "duplicate.decided" in codes(await decide(world, pair, "different"))
    await store_arrive(world, a, b)
    await compare(world)
    assert (await pair_of(world, a, b)).state == "different"
    assert (await undo(world, pair)).state == "open"


@pytest.mark.clause("24.6.4", "39")
@pytest.mark.parametrize("days_off", [0, 1, 2])
async def test_a_decision_that_is_taken_back_leaves_the_last_day_of_the_calendar_of_now(
    world: ClearingWorld, days_off: int
) -> None:
    """Holidays published meanwhile move nobody's day but those that run; what runs again has the day that it would have."""
    a, b, pair = await two(world)
    was = (await pair_of(world, a, b)).due_on
    assert (await decide(world, pair, "different")).state == "different"
    off = [was - timedelta(days=n) for n in range(10) if (was - timedelta(days=n)).weekday() < 5][:days_off]
    world.deps.policy._calendar = calendar = Calendar(CalendarRow(day, working=False) for day in off)
    assert (await pair_of(world, a, b)).due_on == was
    assert (await undo(world, pair)).state == "open"
    expected = calendar.add_working_days(was, days_off).date if days_off else was
    assert (await pair_of(world, a, b)).due_on == expected


async def test_the_worker_compares_whoever_comes_while_it_looks(world: ClearingWorld) -> None:
    async def compared() -> None:
        async with asyncio.timeout(60):
            while await world.sql("SELECT 1 FROM duplicate_arrivals"):
                await asyncio.sleep(0.05)

    stop = asyncio.Event()
    running = asyncio.create_task(scanning.run(world.kit, world.deps, stop))
    try:
        a = await world.registered(SCHOOL)
        await compared()
        b = await world.under_way(FAR_SCHOOL, document_kind="Z")
        await compared()
    finally:
        stop.set()
        await running
    assert (await pair_of(world, a, b)).state == "open"


@pytest.mark.clause("20.1")
async def test_arrivals_are_taken_by_whole_rows_and_a_large_one_alone(world: ClearingWorld) -> None:
    one = await world.registered(SCHOOL)
    await world.sql("DELETE FROM duplicate_arrivals")
    for size in (1, 2, 2, 5):
        await store_arrive(world, *(one if n == 0 else f"gone-{size}-{n}" for n in range(size)))
    took = []
    async with world.db.transaction() as tx:
        while rows := await store.take_arrivals(tx, 3):
            took.append(sorted(row["id"] for row in rows))
            assert [row["person_id"] is not None for row in rows if row["id"] == one] == [True]
    assert [len(ids) for ids in took] == [2, 2, 5], "the first row and the second name one record"


async def store_arrive(world: ClearingWorld, *ids: str) -> None:
    async with world.db.transaction() as tx:
        await store.arrive(tx, ids, world.clock.now())


@pytest.mark.clause("39", "15.4")
async def test_what_is_wrong_with_a_decision(world: ClearingWorld) -> None:
    a, b, pair = await two(world)
    assert "duplicate.record_missing" in codes(await decide(world, pair, "cancel"))
    assert "duplicate.record_missing" in codes(await decide(world, pair, "correct", record_id="nobody"))
    assert "duplicate.formal_number_lost" in codes(await decide(world, pair, "cancel", record_id=b))
    assert (await decide(world, pair, "cancel", record_id=a, reason="")).kind == "invalid"
    assert (await decide(world, pair, "different", version=9)).kind == "conflict"
    assert (await decide(world, "nobody", "different")).kind == "not_found"
    assert (await pair_of(world, a, b)).state == "open"


@pytest.mark.clause("39", "22", "15.4", "21.1")
async def test_one_is_kept_and_the_other_read_under_it(world: ClearingWorld) -> None:
    a, b, pair = await two(world)
    number = (await world.student(b))["student_number"]
    journal_b = await world.kinds(b)
    decided = await decide(world, pair, "cancel", record_id=a)
    assert (decided.state, decided.record_id) == ("cancelling", a)
    assert (await world.student(b))["live"]  # the leader decides
    done = await world.decide_cancellation(decided.cancellation_id)
    assert (done.state, done.kept_id, done.ground) == ("cancelled", a, "dual_record")
    assert (await pair_of(world, a, b)).state == "merged"
    (told,) = await world.events(RecordCancelled)
    assert (told.student_id, told.kept_id) == (b, a)
    await world.carry()
    assert list((await world.holders()).values()) == [a]

    kept = await world.ask(GetStudent(actor=REGISTRAR, student_id=a))
    assert (kept.merged_ids, number in kept.former_numbers) == ((b,), True)
    under = await world.ask(GetStudent(actor=REGISTRAR, student_id=b))  # the school of the kept record reads it
    assert (under.id, under.kept_id, under.state) == (b, a, "cancelled")
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=b))
    assert [entry.kind for entry in journal.entries][: len(journal_b)] == journal_b
    assert journal.intact
    assert isinstance(await world.ask(GetStudent(actor=OTHER_REGISTRAR, student_id=b)), Refused)
    person = (await world.student(b))["person_id"]
    found = await world.ask(ListStudents(actor=REGISTRAR, person_ids=(person,)))
    assert [one.id for one in found.items] == [a]  # an old number still finds the pupil
    filed = await world.sql("SELECT student_id, count(*) AS n FROM evidence_filings GROUP BY 1 ORDER BY 1")
    assert {row["student_id"]: row["n"] for row in filed} == {a: 2, b: 2}  # what both schools said
    assert (await world.kinds(a))[-1] == "merged"


@pytest.mark.clause("39", "22")
async def test_taken_back_exactly_while_nothing_happened(world: ClearingWorld) -> None:
    a, b, pair = await two(world)
    before = await everybody(world)
    decided = await decide(world, pair, "cancel", record_id=a)
    await world.decide_cancellation(decided.cancellation_id)
    await world.carry()
    for who, kind in ((OFFICER, "forbidden"), (actor(Role.LEADER, "230202"), "not_found")):
        assert (await undo(world, pair, who)).kind == kind
    assert not isinstance(await undo(world, pair), Refused)
    await world.carry()
    after = await everybody(world)
    drop = ("version",)
    assert [{k: v for k, v in row.items() if k not in drop} for row in after[0]] == [
        {k: v for k, v in row.items() if k not in drop} for row in before[0]
    ]
    assert after[1] == before[1]
    assert (await pair_of(world, a, b)).state == "open"
    assert len(await world.holders()) == 2
    kept = await world.ask(GetStudent(actor=REGISTRAR, student_id=a))
    assert (kept.merged_ids, kept.former_numbers) == ((), ())
    assert (await world.kinds(a))[-1] == "merge_undone"
    assert not isinstance(await world.ask(GetStudent(actor=OTHER_REGISTRAR, student_id=b)), Refused)
    again = await decide(world, pair, "cancel", record_id=a)
    assert again.state == "cancelling"


@pytest.mark.clause("39", "22")
async def test_rejected_by_the_leader_it_waits_again(world: ClearingWorld) -> None:
    a, b, pair = await two(world)
    decided = await decide(world, pair, "cancel", record_id=a)
    await world.decide_cancellation(decided.cancellation_id, decision="reject", reason="再核对")
    found = await pair_of(world, a, b)
    assert (found.state, found.decided_by, found.record_id) == ("open", None, None)


@pytest.mark.clause("39", "3.1")
async def test_across_counties_the_lowest_common_authority_decides(world: ClearingWorld) -> None:
    a, _, pair = await two(world, FAR_SCHOOL)
    for who in (OFFICER, FAR_OFFICER, CITY_OFFICER):
        assert (await decide(world, pair, "cancel", who, record_id=a)).kind == "not_found"
    decided = await decide(world, pair, "cancel", PROVINCE_OFFICER, record_id=a)
    assert (await world.decide_cancellation(decided.cancellation_id, LEADER)).kind == "not_found"
    done = await world.decide_cancellation(decided.cancellation_id, PROVINCE_LEADER)
    assert done.state == "cancelled"
    await world.carry()
    assert not isinstance(await undo(world, pair, PROVINCE_LEADER), Refused)


@pytest.mark.clause("39", "40")
async def test_one_is_corrected(world: ClearingWorld) -> None:
    a, b, pair = await two(world)
    decided = await decide(world, pair, "correct", record_id=b)
    assert (decided.state, decided.record_id) == ("correcting", b)

    async def ask() -> Any:
        return await world.do(
            OpenCorrection(
                command_id=world.id(), actor=OTHER_REGISTRAR, correction_id=world.id("correction"), student_id=b,
                values=KeyFields(name="王小敏"), reason="录入有误", evidence=(await world.paper(OTHER_REGISTRAR),),
            )
        )  # fmt: skip

    opened = await ask()
    assert opened.duplicate_id == pair
    assert (await undo(world, pair)).kind == "conflict"  # it is being corrected
    principal = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    await world.decide_correction(opened.id, "principal", "reject", reason="不对", who=principal)
    assert (await pair_of(world, a, b)).state == "open"
    await decide(world, pair, "correct", record_id=b)
    opened = await ask()
    await world.decide_correction(opened.id, "principal", who=principal)
    await world.decide_correction(opened.id, "authority")
    await world.carry()
    assert (await pair_of(world, a, b)).state == "corrected"
    assert (await world.student(b))["name"] == "王小敏"


@pytest.mark.clause("20.1", "39")
async def test_people_report_what_no_search_finds(world: ClearingWorld) -> None:
    a = await world.registered(SCHOOL)
    b = await world.registered(OTHER_SCHOOL, name="李强", birth_date=BORN + timedelta(days=300))

    async def report(who: Any, *ids: str, reason: str = "家长反映") -> Any:
        return await world.do(
            ReportDuplicate(command_id=world.id(), actor=who, record_ids=ids, reason=reason)  # type: ignore[arg-type]
        )

    assert (await report(REGISTRAR, a, b)).kind == "not_found"  # not both its own
    assert (await report(OFFICER, a, a)).kind == "invalid"
    assert (await report(OFFICER, a, b, reason="")).kind == "invalid"
    assert (await report(LEADER, a, b)).kind == "forbidden"
    made = await report(OFFICER, b, a)
    assert (made.source, made.reasons[0]) == ("report", "人工登记：家长反映")
    assert (await report(OFFICER, a, b)).id == made.id
    assert len(await world.sql("SELECT 1 FROM duplicate_pairs")) == 1


@pytest.mark.clause("39")
async def test_two_officers_decide_one_pair_at_once(world: ClearingWorld) -> None:
    a, b, pair = await two(world)
    second = actor(Role.AUTHORITY_OFFICER, "230102", "another.officer")
    replies = await asyncio.gather(decide(world, pair, "cancel", record_id=a), decide(world, pair, "different", second))
    assert sum(not isinstance(reply, Refused) for reply in replies) == 1
    state = (await pair_of(world, a, b)).state
    assert state == ("cancelling" if not isinstance(replies[0], Refused) else "different")
    assert len(await world.sql("SELECT 1 FROM cancellations")) == (state == "cancelling")


@pytest.mark.clause("39")
async def test_a_registration_under_way_is_not_cancelled(world: ClearingWorld) -> None:
    a = await world.registered(SCHOOL, kind="G")
    b = await world.under_way(OTHER_SCHOOL, document_kind="Z")
    await compare(world)
    pair = store.pair_id(a, b)
    await speak(world, pair, REGISTRAR, evidence=())
    await speak(world, pair, OTHER_REGISTRAR, evidence=())
    assert "duplicate.other_not_there" in codes(await decide(world, pair, "cancel", record_id=a))
    assert "duplicate.record_not_there" in codes(await decide(world, pair, "correct", record_id=b))
    bad = await world.do(
        StateDuplicate(
            command_id=world.id(), actor=REGISTRAR, duplicate_id=pair, position="same", text="再次",
            evidence=(EvidenceGiven(evidence_id="nothing"),),
        )
    )  # fmt: skip
    assert isinstance(bad, Refused)
