"""Checks, rounds and orders: who opens, answers and closes them, and what a kill leaves (clauses 3.4, 3.5, 48)."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from registry.inspection import checking, watching
from registry.records.custody import pass_custody
from registry.records.store import Klass
from registry_world import (
    AUTHORITY,
    CITY,
    FAR_SCHOOL,
    OFFICER,
    OTHER_SCHOOL,
    PRINCIPAL,
    REGISTRAR,
    SCHOOL,
    TEACHER,
    World,
    actor,
    codes,
)
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.inspection import (
    AnswerFinding,
    CheckSchool,
    CloseRound,
    DecideFinding,
    FindingKind,
    FindingState,
    GetFinding,
    GetRecordQuality,
    GetRound,
    ListFindings,
    ListQuality,
    ListRounds,
    ListSchoolQuality,
    OpenRound,
    RaiseFinding,
    RoundState,
)
from shared_contracts.waiting import WorkWaiting

pytestmark = pytest.mark.integration
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
FAR_OFFICER = actor(Role.AUTHORITY_OFFICER, FAR_SCHOOL.authority)
LEADER = actor(Role.LEADER, AUTHORITY)


async def student(world: World, **changes: Any) -> str:
    registration_id = await world.one(**changes)
    await world.bring_to(registration_id, "done")
    await world.number(registration_id)
    return registration_id


async def checked(world: World) -> None:
    """Everything that waits is done."""
    while await checking.step(world.db, world.deps):
        pass


async def opened(world: World, who: Any = OFFICER, **more: Any) -> Any:
    more = {"title": "秋季核查", "due_on": world.clock.today() + timedelta(days=14), **more}
    return await world.do(OpenRound(command_id=world.id(), actor=who, round_id=world.id("round"), **more))


async def order(world: World, who: Any = OFFICER, **more: Any) -> Any:
    more = {
        "school": SCHOOL.code, "kind": FindingKind.DATA_LEAKED, "detail": "名单被发到网上",
        "due_on": world.clock.today() + timedelta(days=10), **more,
    }  # fmt: skip
    return await world.do(RaiseFinding(command_id=world.id(), actor=who, finding_id=world.id("finding"), **more))


# ---- checks ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.5")
async def test_a_school_is_checked_and_its_worst_records_come_first(world: World) -> None:
    good = await student(world, name="甲")
    worse = await student(world, name="乙", birth_date=world.clock.today().replace(year=2018), class_no=2)
    asked = await world.do(CheckSchool(command_id=world.id(), actor=REGISTRAR, school=SCHOOL.code))
    assert asked.checking and asked.score is None
    again = await world.do(CheckSchool(command_id=world.id(), actor=PRINCIPAL, school=SCHOOL.code))
    assert again.checking
    assert len(await world.sql("SELECT 1 FROM school_checks")) == 1, "one check waits, whoever asked"
    await checked(world)
    (school,) = (await world.ask(ListSchoolQuality(actor=REGISTRAR))).items
    assert not school.checking and school.records == 2 and school.checked_on == world.clock.today()
    counts = {one.issue.code: one.records for one in school.issues}
    assert counts["missing.guardian"] == 2
    page = await world.ask(ListQuality(actor=REGISTRAR, school=SCHOOL.code))
    assert {row.student_id for row in page.items} == {good, worse}
    assert [row.score for row in page.items] == sorted(row.score for row in page.items)
    own = await world.ask(GetRecordQuality(actor=TEACHER, student_id=good))
    assert own.score == next(row.score for row in page.items if row.student_id == good)
    only = await world.ask(ListQuality(actor=REGISTRAR, school=SCHOOL.code, code="missing.guardian", limit=1))
    assert len(only.items) == 1 and only.next_cursor
    rest = await world.ask(
        ListQuality(actor=REGISTRAR, school=SCHOOL.code, code="missing.guardian", limit=1, cursor=only.next_cursor)
    )
    assert {only.items[0].student_id, rest.items[0].student_id} == {good, worse} and rest.next_cursor is None


@pytest.mark.clause("3.1")
async def test_who_sees_what_of_the_quality_of_records(world: World) -> None:
    first = await student(world, class_no=1)
    await student(world, class_no=2)
    await world.do(CheckSchool(command_id=world.id(), actor=OFFICER, school=SCHOOL.code))
    await checked(world)
    of_one_class = actor(Role.CLASS_TEACHER, classes=["1-01"])
    page = await world.ask(ListQuality(actor=of_one_class, school=SCHOOL.code))
    assert [row.student_id for row in page.items] == [first]
    stranger = actor(Role.REGISTRAR, OTHER_SCHOOL.code)
    assert (await world.ask(ListQuality(actor=stranger, school=SCHOOL.code))).items == ()
    assert (await world.ask(ListQuality(actor=FAR_OFFICER, school=SCHOOL.code))).items == ()
    reply = await world.ask(GetRecordQuality(actor=stranger, student_id=first))
    assert isinstance(reply, Refused) and reply.kind == "not_found"
    for who in (stranger, FAR_OFFICER):
        reply = await world.do(CheckSchool(command_id=world.id(), actor=who, school=SCHOOL.code))
        assert isinstance(reply, Refused) and reply.kind == "not_found"
    seen = (await world.ask(ListSchoolQuality(actor=CITY_OFFICER))).items
    assert [one.school for one in seen] == [SCHOOL.code, OTHER_SCHOOL.code]


@pytest.mark.clause("3.5")
async def test_a_kill_between_two_batches_loses_and_counts_nothing_twice(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "BATCH", 2)
    ids = {await student(world) for _ in range(5)}
    await world.do(CheckSchool(command_id=world.id(), actor=OFFICER, school=SCHOOL.code))
    assert await checking.step(world.db, world.deps)

    async def dies(*_: Any, **__: Any) -> None:
        raise RuntimeError("killed before its commit")

    with monkeypatch.context() as broken:
        broken.setattr(checking.store, "progress", dies)
        with pytest.raises(RuntimeError):
            await checking.step(world.db, world.deps)
    assert len(await world.sql("SELECT 1 FROM record_quality")) == 2
    await checked(world)
    rows = await world.sql("SELECT student_id FROM record_quality")
    assert {row["student_id"] for row in rows} == ids
    (check,) = await world.sql("SELECT records, points, score FROM school_checks")
    assert check["records"] == 5 and check["score"] == check["points"] // 5


@pytest.mark.clause("3.5")
async def test_two_workers_never_take_one_check(world: World) -> None:
    for _ in range(3):
        await student(world)
    await world.do(CheckSchool(command_id=world.id(), actor=OFFICER, school=SCHOOL.code))
    did = await asyncio.gather(*(checking.step(world.db, world.deps) for _ in range(4)))
    assert did.count(True) == 1
    (check,) = await world.sql("SELECT records, state FROM school_checks")
    assert (check["records"], check["state"]) == (3, "done")


@pytest.mark.clause("3.5")
async def test_who_has_left_is_not_counted_any_more(world: World) -> None:
    gone, stays = await student(world), await student(world)
    await world.do(CheckSchool(command_id=world.id(), actor=OFFICER, school=SCHOOL.code))
    await checked(world)
    async with world.db.unit(world.deps) as work:
        await pass_custody(work, gone, OTHER_SCHOOL, Klass(1, 1), actor=OFFICER, on=work.today)
    await world.do(CheckSchool(command_id=world.id(), actor=OFFICER, school=SCHOOL.code))
    await checked(world)
    assert [row["student_id"] for row in await world.sql("SELECT student_id FROM record_quality")] == [stays]


# ---- rounds ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.4")
async def test_a_round_from_its_opening_to_its_closing(world: World) -> None:
    for _ in range(2):
        await student(world)
    round_ = await opened(world)
    assert (round_.state, round_.schools, round_.checked) == (RoundState.CHECKING, 2, 0)
    reply = await world.do(CloseRound(command_id=world.id(), actor=OFFICER, round_id=round_.id, note="急"))
    assert isinstance(reply, Refused) and reply.kind == "conflict", "it is still being checked"
    await checked(world)
    round_ = await world.ask(GetRound(actor=OFFICER, round_id=round_.id))
    assert (round_.state, round_.checked, round_.records) == (RoundState.OPEN, 2, 2)
    page = await world.ask(ListFindings(actor=PRINCIPAL, round_id=round_.id))
    assert {f.school for f in page.items} == {SCHOOL.code}, "the other school has no pupils and nothing to mend"
    assert {f.records for f in page.items if f.code.startswith("missing")} == {2}
    told = [e for e in await world.events(WorkWaiting) if e.kind == "inspection_findings"]
    assert [(e.organisation, e.role, e.count) for e in told] == [(SCHOOL.code, Role.PRINCIPAL, len(page.items))]
    for finding in page.items:
        answer = AnswerFinding(command_id=world.id(), actor=PRINCIPAL, finding_id=finding.id, answer="已逐人更正")
        assert (await world.do(answer)).state is FindingState.ANSWERED
    reply = await world.do(CloseRound(command_id=world.id(), actor=OFFICER, round_id=round_.id))
    assert codes(reply) == ["round.open_findings"]
    for finding in page.items:
        decide = DecideFinding(command_id=world.id(), actor=OFFICER, finding_id=finding.id, decision="close")
        closed = await world.do(decide)
        assert [a.act for a in closed.acts] == ["raised", "answered", "closed"]
    done = await world.do(CloseRound(command_id=world.id(), actor=OFFICER, round_id=round_.id))
    assert done.state is RoundState.CLOSED and done.findings["closed"] == len(page.items)


@pytest.mark.clause("3.4")
async def test_a_round_may_end_with_a_word_on_what_is_open(world: World) -> None:
    await student(world)
    round_ = await opened(world, schools=(SCHOOL.code,))
    await checked(world)
    reply = await world.do(
        CloseRound(command_id=world.id(), actor=OFFICER, round_id=round_.id, note="余下的并入下次核查")
    )
    assert reply.state is RoundState.CLOSED
    (first, *_) = (await world.ask(ListFindings(actor=PRINCIPAL))).items
    answer = AnswerFinding(command_id=world.id(), actor=PRINCIPAL, finding_id=first.id, answer="已更正")
    assert (await world.do(answer)).state is FindingState.ANSWERED, "what is open goes on"


@pytest.mark.clause("3.4")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": "  "}, "title.missing"),
        ({"title": "核" * 61}, "title.unreadable"),
        ({"title": "核\u200b查\x07"}, "title.unreadable"),
        ({"due_on": 0}, "due_on.out_of_range"),
        ({"due_on": 367}, "due_on.out_of_range"),
    ],
)
async def test_what_is_wrong_with_a_round_is_said(world: World, changes: dict[str, Any], code: str) -> None:
    if "due_on" in changes:
        changes = {"due_on": world.clock.today() + timedelta(days=changes["due_on"])}
    reply = await opened(world, **changes)
    assert codes(reply) == [code] and reply.findings[0].cure
    assert not await world.sql("SELECT 1 FROM inspection_rounds") and not await world.sql("SELECT 1 FROM school_checks")


@pytest.mark.clause("3.4")
@pytest.mark.parametrize("days", [1, 366])
async def test_the_first_and_the_last_day_a_round_may_give(world: World, days: int) -> None:
    assert (await opened(world, due_on=world.clock.today() + timedelta(days=days))).state is RoundState.CHECKING


@pytest.mark.clause("3.1")
async def test_a_round_is_about_schools_of_the_own_reach(world: World) -> None:
    reply = await opened(world, schools=(SCHOOL.code, FAR_SCHOOL.code))
    assert isinstance(reply, Refused) and FAR_SCHOOL.code in reply.detail and SCHOOL.code not in reply.detail
    round_ = await opened(world, CITY_OFFICER)
    assert round_.schools == 2
    for who, sees in ((CITY_OFFICER, True), (OFFICER, False), (FAR_OFFICER, False)):
        reply = await world.ask(GetRound(actor=who, round_id=round_.id))
        assert isinstance(reply, Refused) is not sees
        assert bool((await world.ask(ListRounds(actor=who))).items) is sees
    await checked(world)
    reply = await world.do(CloseRound(command_id=world.id(), actor=OFFICER, round_id=round_.id))
    assert isinstance(reply, Refused) and reply.kind == "not_found"
    reply = await opened(world, LEADER)
    assert isinstance(reply, Refused) and reply.kind == "forbidden"


# ---- orders ---------------------------------------------------------------------------------------------------------


@pytest.mark.clause("48")
@pytest.mark.parametrize("kind", [kind for kind in FindingKind if kind is not FindingKind.DATA_QUALITY])
async def test_each_of_the_seven_is_ordered_answered_returned_and_closed(world: World, kind: FindingKind) -> None:
    finding = await order(world, kind=kind)
    assert (finding.state, finding.kind, finding.overdue) == (FindingState.OPEN, kind, False)
    decide = {"finding_id": finding.id, "actor": OFFICER}
    reply = await world.do(DecideFinding(command_id=world.id(), decision="close", **decide))
    assert isinstance(reply, Refused) and reply.kind == "conflict", "nobody has answered yet"
    answer = {"finding_id": finding.id, "actor": PRINCIPAL}
    assert (await world.do(AnswerFinding(command_id=world.id(), answer="已改正", **answer))).state == "answered"
    reply = await world.do(DecideFinding(command_id=world.id(), decision="return", **decide))
    assert codes(reply) == ["reason.missing"]
    back = await world.do(DecideFinding(command_id=world.id(), decision="return", reason="没有附名单", **decide))
    assert back.state is FindingState.RETURNED
    assert (await world.do(AnswerFinding(command_id=world.id(), answer="已补名单", **answer))).state == "answered"
    closed = await world.do(DecideFinding(command_id=world.id(), decision="close", **decide))
    assert [a.act for a in closed.acts] == ["raised", "answered", "returned", "answered", "closed"]
    reply = await world.do(AnswerFinding(command_id=world.id(), answer="再说一句", **answer))
    assert isinstance(reply, Refused) and reply.kind == "conflict"


@pytest.mark.clause("48")
async def test_a_day_late_is_late(world: World) -> None:
    finding = await order(world, due_on=world.clock.today() + timedelta(days=1))
    get = GetFinding(actor=PRINCIPAL, finding_id=finding.id)
    world.clock.pass_(days=1)
    assert not (await world.ask(get)).overdue
    world.clock.pass_(days=1)
    assert (await world.ask(get)).overdue


@pytest.mark.clause("48")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"kind": FindingKind.DATA_QUALITY}, "kind.not_by_hand"),
        ({"detail": ""}, "detail.missing"),
        ({"detail": "长" * 1001}, "detail.unreadable"),
    ],
)
async def test_what_is_wrong_with_an_order_is_said(world: World, changes: dict[str, Any], code: str) -> None:
    reply = await order(world, **changes)
    assert codes(reply) == [code] and reply.findings[0].cure
    assert not await world.sql("SELECT 1 FROM inspection_findings")


@pytest.mark.clause("3.1")
async def test_who_orders_answers_and_decides(world: World) -> None:
    for who in (FAR_OFFICER, actor(Role.AUTHORITY_OFFICER, "230103")):
        reply = await order(world, who)
        assert isinstance(reply, Refused) and reply.kind == "not_found"
    for who in (PRINCIPAL, REGISTRAR, LEADER):
        reply = await order(world, who)
        assert isinstance(reply, Refused) and reply.kind == "forbidden"
    finding = await order(world, CITY_OFFICER)
    other = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    reply = await world.do(AnswerFinding(command_id=world.id(), actor=other, finding_id=finding.id, answer="好"))
    assert isinstance(reply, Refused) and reply.kind == "not_found"
    await world.do(AnswerFinding(command_id=world.id(), actor=PRINCIPAL, finding_id=finding.id, answer="好"))
    reply = await world.do(DecideFinding(command_id=world.id(), actor=OFFICER, finding_id=finding.id, decision="close"))
    assert isinstance(reply, Refused) and reply.kind == "not_found", "the city has ordered it: the city decides"
    assert (await world.ask(ListFindings(actor=OFFICER))).items, "the county sees it"
    assert not (await world.ask(ListFindings(actor=other))).items


async def test_a_stale_version_changes_nothing(world: World) -> None:
    finding = await order(world)
    reply = await world.do(
        AnswerFinding(command_id=world.id(), actor=PRINCIPAL, finding_id=finding.id, answer="好", version=99)
    )
    assert isinstance(reply, Refused) and reply.kind == "conflict"
    assert (await world.ask(GetFinding(actor=PRINCIPAL, finding_id=finding.id))).state is FindingState.OPEN


async def test_of_two_officers_who_decide_at_once_one_does(world: World) -> None:
    finding = await order(world)
    await world.do(AnswerFinding(command_id=world.id(), actor=PRINCIPAL, finding_id=finding.id, answer="好"))
    replies = await asyncio.gather(
        *(
            world.do(DecideFinding(command_id=world.id(), actor=OFFICER, finding_id=finding.id, decision="close"))
            for _ in range(2)
        )
    )
    assert sorted(isinstance(reply, Refused) for reply in replies) == [False, True]


# ---- the system's own look ------------------------------------------------------------------------------------------


async def look(world: World) -> bool:
    async with world.db.unit(world.deps) as work:
        return await watching.look(work)


@pytest.mark.clause("48")
@pytest.mark.clause("15.3")
async def test_a_correction_left_alone_becomes_an_order_once_and_says_when_it_is_gone(world: World) -> None:
    pupil = await student(world)
    await world.sql("UPDATE registrations SET correction = '姓名不符' WHERE id = $1", pupil)
    days = world.deps.policy.parameters(SCHOOL.division, world.clock.today()).quality_waiting_days
    world.clock.pass_(days=days)
    assert await look(world) and not await look(world), "once a day"
    assert not (await world.ask(ListFindings(actor=PRINCIPAL))).items, "the last day is in time"
    world.clock.pass_(days=1)
    assert await look(world)
    (finding,) = (await world.ask(ListFindings(actor=PRINCIPAL))).items
    assert (finding.kind, finding.source, finding.records) == (FindingKind.CHANGE_NOT_FILED, "system", 1)
    world.clock.pass_(days=1)
    await look(world)
    assert len((await world.ask(ListFindings(actor=PRINCIPAL))).items) == 1, "found again it is the same"
    await world.sql("UPDATE registrations SET correction = NULL WHERE id = $1", pupil)
    world.clock.pass_(days=1)
    await look(world)
    seen = await world.ask(GetFinding(actor=PRINCIPAL, finding_id=finding.id))
    assert [a.act for a in seen.acts] == ["raised", "gone"] and seen.records == 0 and seen.state is FindingState.OPEN


async def test_two_copies_of_the_service_look_once(world: World) -> None:
    assert sorted(await asyncio.gather(*(look(world) for _ in range(4)))) == [False, False, False, True]


@pytest.mark.clause("13.1")
@pytest.mark.clause("5.2")
@pytest.mark.parametrize("code", sorted(watching.BY_CODE))
async def test_whatever_is_watched_becomes_an_order_in_its_own_words(
    world: World, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    """Each source is asked; here each is told what it finds, its own tests are where it stands."""

    async def three(_: Any) -> dict[str, int]:
        return {SCHOOL.code: 3, "2199999999": 1}

    watched = tuple(msgspec.structs.replace(one, source=three) for one in watching.WATCHED if one.code == code)
    monkeypatch.setattr(watching, "WATCHED", watched)
    assert await look(world)
    (finding,) = (await world.ask(ListFindings(actor=PRINCIPAL))).items
    words = watching.BY_CODE[code]
    assert (finding.title, finding.clause, finding.cure) == (words.title, words.clause, words.cure)
    assert finding.records == 3 and words.title in finding.detail
    assert len(await world.sql("SELECT 1 FROM inspection_findings")) == 1, "a school that is gone answers nothing"


async def test_what_is_watched_can_be_asked_of_an_empty_registry(world: World) -> None:
    async with world.db.unit(world.deps) as work:
        for one in watching.WATCHED:
            assert dict(await one.source(work)) == {}


async def placed(world: World, **columns: Any) -> None:
    """A child who was placed at the school this year, as the enrolment capability leaves it."""
    child, person = world.id("child"), world.id("person")
    await world.sql(
        """INSERT INTO children (id, person_id, stage, county, origin, school_year, name, sex, birth_date, document_kind,
                                 masked_document, division, sealed, state, listed_at)
           VALUES ($1, $2, 'primary', $3, 'household', 2026, '李小满', '2', '2020-03-05', '1', '23**15', $3, '', 'placed',
                   $4)""",
        child, person, AUTHORITY, world.clock.now(),
    )  # fmt: skip
    values: dict[str, Any] = {
        "id": world.id("admission"), "child_id": child, "person_id": person, "county": AUTHORITY, "school": SCHOOL.code,
        "authority": AUTHORITY, "school_year": 2026, "stage": "primary", "way": "zone", "decided_by": "李学籍主管",
        "account": OFFICER.account, "admitted_on": date(2026, 8, 20), "notice_number": world.id("notice"),
        "report_from": date(2026, 8, 30), "report_to": date(2026, 9, 1), **columns,
    }  # fmt: skip
    places = ", ".join(f"${n}" for n in range(1, len(values) + 1))
    await world.sql(f"INSERT INTO admissions ({', '.join(values)}) VALUES ({places})", *values.values())


@pytest.mark.clause("13.1")
@pytest.mark.clause("48")
async def test_a_child_who_reported_has_a_record_within_the_month_or_the_school_hears_of_it(world: World) -> None:
    await placed(world, reported_on=date(2026, 9, 1), reported_by="赵学籍")
    for day, pupils in ((date(2026, 10, 1), {}), (date(2026, 10, 31), {SCHOOL.code: 1})):
        world.clock.pass_(days=(day - world.clock.today()).days)
        async with world.db.unit(world.deps) as work:
            assert dict(await watching.records_not_made(work)) == pupils, day


@pytest.mark.clause("5.2")
@pytest.mark.clause("48")
async def test_a_school_that_objects_to_a_child_is_told_to_take_it(world: World) -> None:
    await placed(world)
    await placed(world, objection="班里坐不下", objected_by="孙校长", objected_on=date(2026, 8, 25))
    await look(world)
    (finding,) = (await world.ask(ListFindings(actor=PRINCIPAL))).items
    assert (finding.kind, finding.clause, finding.records) == (FindingKind.OTHER, "5.2", 1)


@pytest.mark.clause("22")
@pytest.mark.clause("48")
@pytest.mark.parametrize(("ground", "pupils"), [("fraud", {SCHOOL.code: 1}), ("out_of_area", {})])
async def test_a_record_cancelled_for_fraud_is_answered_for_in_the_same_school_year(
    world: World, ground: str, pupils: dict[str, int]
) -> None:
    pupil = await student(world)
    await world.sql(
        """INSERT INTO cancellations (id, student_id, school, ground, reason, proposed_by, open, outcome, before, seq)
           VALUES ('c1', $1, $3, $2, '冒名', 'o', false, 'cancelled', '{}', 1)""",
        pupil,
        ground,
        SCHOOL.code,
    )
    for days, found in ((0, pupils), (400, {})):
        world.clock.pass_(days=days)
        async with world.db.unit(world.deps) as work:
            assert dict(await watching.records_of_fraud(work)) == found
