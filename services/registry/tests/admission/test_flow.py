"""From a county's list to the first day and the record that is handed in, in order."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from admission_world import (
    COUNTY,
    LEADER,
    OFFICER,
    OTHER_OFFICER,
    OTHER_REGISTRAR,
    OTHER_SCHOOL,
    PRINCIPAL,
    PRIVATE,
    REGISTRAR,
    SCHOOL,
)
from registry.enrolment.admission import reporting
from registry_world import FAR_SCHOOL, codes
from service_kit.ids import new_id
from shared_contracts.actors import system
from shared_contracts.admission import (
    AskPostponement,
    DecidePostponement,
    EndAdmission,
    GetAdmission,
    GetAdmissionOverview,
    GetChild,
    GetPlacementRun,
    ListAdmissions,
    ListChildren,
    ListChildrenImportRows,
    ListPostponements,
    NoShows,
    ObjectToAdmission,
    PlaceChild,
    PreviewPlacement,
    PrintNotices,
    RecordReports,
    RemoveChild,
    StartPlacement,
)
from shared_contracts.decisions import Refused
from shared_contracts.guardians import FindGuardianPhones
from shared_contracts.waiting import WorkWaiting

pytestmark = pytest.mark.integration


@pytest.mark.clause("5.2")
async def test_a_list_is_looked_at_row_by_row_and_then_taken_in(world, people):
    good, young = world.child(), world.child(birth_date=date(2020, 9, 1))
    far = world.child(户籍所在县区代码="230202")
    twice = world.child() | {"身份证件号": good["身份证件号"]}
    broken = world.child(监护人电话="12")
    done = await world.listed([good, young, far, twice, broken])
    assert (done.state, done.rows, done.accepted, done.refused, done.taken) == ("done", 5, 1, 4, 1)
    rows = (await world.ask(ListChildrenImportRows(actor=OFFICER, import_id=done.id))).items
    assert [[f.code for f in row.findings] for row in rows] == [
        [], ["child.under_age"], ["child.other_household"], ["child.twice"], ["form.phone"],
    ]  # fmt: skip
    (child,) = await world.children()
    assert (child.state, child.county, child.school_year, child.address) == ("waiting", COUNTY, 2026, None)
    shown = await world.ask(GetChild(actor=OFFICER, child_id=child.id))
    assert (shown.address, shown.guardian, shown.phone) == ("道里区中央大街12号", "王大", "13800000000")
    assert len(people.by_document) == 1, "nobody is made known by a dry run, nor of a refused row"


async def test_what_the_registry_keeps_has_no_document_number_and_no_address(world):
    good = world.child()
    await world.listed([good])
    for table in ("children", "children_imports", "children_import_rows", "outbox", "audit_outbox"):
        text = str(await world.sql(f"SELECT row_to_json(t)::text AS r FROM {table} t"))
        assert good["身份证件号"] not in text
        assert "中央大街12号" not in text
        assert "13800000000" not in text


@pytest.mark.clause("5.2")
async def test_the_same_list_again_changes_nothing(world):
    rows = [world.child() for _ in range(3)]
    await world.listed(rows)
    again = await world.listed(rows)
    assert (again.known, again.accepted, again.refused) == (3, 0, 0)
    assert len(await world.children()) == 3


@pytest.mark.clause("5.2")
async def test_all_waiting_children_are_placed_by_zone_and_the_rest_is_named(world):
    await world.plan(SCHOOL, 2)
    await world.zones((SCHOOL, ["中央大街"]), (OTHER_SCHOOL, ["友谊路"]))
    streets = ["中央大街1号", "中央大街2号", "中央大街3号", "友谊路4号", "无名街5号"]
    days = [date(2019, 10, 1) + timedelta(days=n) for n in range(5)]
    await world.listed([world.child(户籍地址=s, birth_date=d) for s, d in zip(streets, days, strict=True)])
    seen = await world.ask(PreviewPlacement(actor=OFFICER))
    assert (seen.waiting, seen.placed, seen.no_zone, seen.without_place) == (5, 3, 1, 1)
    assert await world.sql("SELECT 1 FROM admissions") == []
    run = await world.place_all()
    done = await world.ask(GetPlacementRun(actor=OFFICER, run_id=run.id))
    assert (done.state, done.waiting, done.placed, done.by_hand) == ("done", 5, 3, 2)
    rows = await world.sql("SELECT school, street, way, notice_number FROM admissions ORDER BY notice_number")
    assert {(r["school"], r["street"], r["way"]) for r in rows} == {
        (SCHOOL.code, "中央大街", "zone"),
        (OTHER_SCHOOL.code, "友谊路", "zone"),
    }
    assert [r["notice_number"] for r in rows] == [f"2301022026{n:06}" for n in (1, 2, 3)]
    left = await world.children(by_hand=True)
    assert {child.by_hand for child in left} == {f"{SCHOOL.name}的学位已满", "住址不在任何学校的学区内"}
    full = next(child for child in left if "已满" in child.by_hand)
    assert full.birth_date == days[2], "the oldest go first"


@pytest.mark.clause("4.1")
@pytest.mark.parametrize(
    ("day", "open_"),
    [(date(2026, 6, 30), False), (date(2026, 7, 1), True), (date(2026, 9, 30), True), (date(2026, 10, 1), False)],
)
async def test_places_are_given_in_the_season_alone(world, day, open_):
    await world.zones((SCHOOL, ["中央大街"]))
    await world.listed([world.child()])
    (child,) = await world.children()
    world.on(day)
    run = await world.do(StartPlacement(command_id=world.id(), actor=OFFICER, run_id=new_id()))
    hand = await world.do(
        PlaceChild(command_id=world.id(), actor=OFFICER, child_id=child.id, school=SCHOOL.code, reason="统筹")
    )
    assert isinstance(run, Refused) is not open_
    assert isinstance(hand, Refused) is not open_
    if not open_:
        assert codes(run) == codes(hand) == ["season.closed"]


@pytest.mark.clause("5.2")
async def test_a_child_is_placed_by_hand_with_a_reason_and_counted(world):
    await world.plan(SCHOOL, 1)
    await world.listed([world.child(), world.child()])
    first, second = await world.children()

    async def place(child, school=SCHOOL, reason="学区外，统筹安排", who=OFFICER):
        return await world.do(
            PlaceChild(command_id=world.id(), actor=who, child_id=child.id, school=school.code, reason=reason)
        )

    assert codes(await place(first, FAR_SCHOOL)) == ["placement.elsewhere", "placement.no_plan"]
    assert codes(await place(first, PRIVATE)) == ["placement.private"]
    assert codes(await place(first, reason=" ")) == ["placement.reason"]
    assert (await place(first, who=OTHER_OFFICER)).kind == "not_found"
    done = await place(first)
    assert (done.way, done.progress, done.school, done.reason) == ("placed", "placed", SCHOOL.code, "学区外，统筹安排")
    assert codes(await place(second)) == ["placement.full"]
    assert (await place(first)).kind == "conflict"


@pytest.mark.clause("5.2")
async def test_a_school_may_object_and_nothing_changes(world):
    (admission,) = await world.placed()
    objection = ObjectToAdmission(
        command_id=world.id(), actor=PRINCIPAL, admission_id=admission["id"], reason="班额已满"
    )
    after = await world.do(objection)
    assert (after.objection, after.progress) == ("班额已满", "placed")
    again = await world.do(
        ObjectToAdmission(command_id=world.id(), actor=PRINCIPAL, admission_id=admission["id"], reason="再说一次")
    )
    assert again.kind == "conflict"
    async with world.db.unit(world.deps) as work:
        ((admission_id, finding),) = await reporting.school_objections(work, COUNTY, 2026)
    assert (admission_id, finding.clause, finding.code) == (admission["id"], "5.2", "admission.school_objects")
    page = await world.ask(ListAdmissions(actor=OFFICER, objected=True))
    assert [item.id for item in page.items] == [admission["id"]]
    other = ObjectToAdmission(command_id=world.id(), actor=OTHER_REGISTRAR, admission_id=admission["id"], reason="不收")
    assert (await world.do(other)).kind == "forbidden"


@pytest.mark.clause("5.2")
async def test_a_place_taken_back_is_free_again_and_the_child_waits(world):
    await world.plan(SCHOOL, 1)
    (admission,) = await world.placed()
    ended = await world.do(
        EndAdmission(command_id=world.id(), actor=OFFICER, admission_id=admission["id"], reason="户籍迁出")
    )
    assert (ended.progress, ended.end_reason) == ("ended", "户籍迁出")
    (child,) = await world.children()
    assert child.state == "waiting"
    assert not isinstance(await world.place_all(), Refused)
    gone = await world.do(RemoveChild(command_id=world.id(), actor=OFFICER, child_id=child.id, reason="迁出"))
    assert gone.kind == "conflict"


async def test_who_sees_what(world):
    (admission,) = await world.placed()
    for who, sees in (
        (OFFICER, True),
        (LEADER, True),
        (REGISTRAR, True),
        (OTHER_REGISTRAR, False),
        (OTHER_OFFICER, False),
    ):
        one = await world.ask(GetAdmission(actor=who, admission_id=admission["id"]))
        assert isinstance(one, Refused) is not sees
        assert len((await world.ask(ListAdmissions(actor=who))).items) == int(sees)
    assert isinstance(await world.ask(ListChildren(actor=REGISTRAR)), Refused)


# ---- the first day ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("10.1")
async def test_notices_are_printed_singly_and_for_all(world):
    await world.placed(3)
    one = (await world.sql("SELECT id FROM admissions LIMIT 1"))[0]["id"]
    single = await world.do(
        PrintNotices(command_id=world.id(), actor=REGISTRAR, print_id=new_id(), admission_ids=(one,))
    )
    assert (single.count, single.more) == (1, 0)
    assert (await world.deps.files.read(single.file.id)).startswith(b"%PDF-")
    new = await world.do(PrintNotices(command_id=world.id(), actor=OFFICER, print_id=new_id(), only_new=True))
    assert (new.count, new.more) == (2, 0)
    none = await world.do(PrintNotices(command_id=world.id(), actor=OFFICER, print_id=new_id(), only_new=True))
    assert none.kind == "conflict"
    other = await world.do(
        PrintNotices(command_id=world.id(), actor=OTHER_REGISTRAR, print_id=new_id(), admission_ids=(one,))
    )
    assert other.kind == "not_found"


async def report(world, *admissions, on, who=REGISTRAR):
    ids = tuple(row["id"] for row in admissions)
    return await world.do(RecordReports(command_id=world.id(), actor=who, admission_ids=ids, reported_on=on))


@pytest.mark.clause("10.1")
async def test_reports_are_recorded_for_many_at_once_and_once(world):
    rows = await world.placed(3)
    world.on(date(2026, 9, 1))
    assert codes(await report(world, *rows, on=date(2026, 9, 2))) == ["report.day"] * 3
    assert codes(await report(world, *rows, on=date(2026, 7, 19))) == ["report.day"] * 3
    assert (await report(world, *rows, on=date(2026, 9, 1), who=OTHER_REGISTRAR)).kind == "not_found"
    first = await report(world, rows[0], on=date(2026, 9, 1))
    assert (first.recorded, first.already) == (1, 0)
    all_ = await report(world, *rows, on=date(2026, 8, 31))
    assert (all_.recorded, all_.already) == (2, 1)
    shown = await world.ask(GetAdmission(actor=REGISTRAR, admission_id=rows[0]["id"]))
    assert (shown.progress, shown.reported_on, shown.hand_in_by) == ("reported", date(2026, 9, 1), date(2026, 10, 8))


async def ask(world, admission, *, asked_on, until, who=REGISTRAR):
    return await world.do(
        AskPostponement(
            command_id=world.id(),
            actor=who,
            postponement_id=new_id(),
            admission_id=admission["id"],
            until=until,
            reason="住院治疗",
            asked_on=asked_on,
        )
    )


@pytest.mark.clause("10.1")
@pytest.mark.parametrize(
    ("asked_on", "until", "wrong"),
    [
        (date(2026, 8, 24), date(2026, 9, 10), ["postponement.out_of_time"]),
        (date(2026, 8, 25), date(2026, 9, 15), None),
        (date(2026, 8, 31), date(2026, 9, 2), None),
        (date(2026, 9, 1), date(2026, 9, 10), ["postponement.out_of_time"]),
        (date(2026, 8, 31), date(2026, 9, 1), ["postponement.no_delay"]),
        (date(2026, 9, 2), date(2026, 9, 10), ["postponement.future", "postponement.out_of_time"]),
    ],
)
async def test_a_postponement_is_asked_for_in_the_week_before_term(world, asked_on, until, wrong):
    (row,) = await world.placed()
    world.on(date(2026, 9, 1))
    reply = await ask(world, row, asked_on=asked_on, until=until)
    if wrong:
        assert codes(reply) == wrong
    else:
        assert reply.state == "granted"
        shown = await world.ask(GetAdmission(actor=REGISTRAR, admission_id=row["id"]))
        assert (shown.progress, shown.postponed_until) == ("postponed", until)


@pytest.mark.clause("10.1")
async def test_two_weeks_are_the_school_s_and_more_is_the_authority_s(world):
    within, beyond, other = await world.placed(3)
    world.on(date(2026, 8, 31))
    day = date(2026, 8, 31)
    assert (await ask(world, within, asked_on=day, until=date(2026, 9, 15))).state == "granted"
    waits = await ask(world, beyond, asked_on=day, until=date(2026, 9, 16))
    assert waits.state == "waiting"
    assert [f.outcome for f in waits.findings] == ["needs_override"]
    shown = await world.ask(GetAdmission(actor=REGISTRAR, admission_id=beyond["id"]))
    assert shown.postponed_until is None

    def decide(postponement, who=OFFICER, decision="approve"):
        return world.do(
            DecidePostponement(
                command_id=world.id(),
                actor=who,
                postponement_id=postponement.id,
                decision=decision,
                reason="病情需要",
            )
        )

    assert (await decide(waits, REGISTRAR)).kind == "forbidden"
    assert (await decide(waits, OTHER_OFFICER)).kind == "not_found"
    assert (await decide(waits)).state == "granted"
    assert (await decide(waits)).kind == "conflict"
    no = await ask(world, other, asked_on=day, until=date(2026, 10, 1))
    assert (await decide(no, decision="reject")).state == "refused"
    page = await world.ask(ListPostponements(actor=OFFICER))
    assert [item.state for item in page.items] == ["granted", "granted", "refused"]
    granted = await world.ask(GetAdmission(actor=REGISTRAR, admission_id=beyond["id"]))
    assert granted.postponed_until == date(2026, 9, 16)


@pytest.mark.clause("10.2")
async def test_who_neither_reported_nor_postponed_is_told_once_the_day_after(world):
    came, postponed, missing = await world.placed(3)
    world.on(date(2026, 8, 31))
    await ask(world, postponed, asked_on=date(2026, 8, 31), until=date(2026, 9, 10))
    world.on(date(2026, 9, 1))
    await report(world, came, on=date(2026, 9, 1))
    await world.look()
    assert await world.events(NoShows) == [], "the first day itself is in time"
    world.on(date(2026, 9, 2))
    await world.look()
    await world.look()
    (told,) = await world.events(NoShows)
    assert [one.admission_id for one in told.children] == [missing["id"]]
    assert (told.school, told.first_day) == (SCHOOL.code, date(2026, 9, 1))
    assert told.school_name == SCHOOL.name
    asked = tuple(row["id"] for row in (came, postponed, missing))
    phones = await world.ask(FindGuardianPhones(actor=system("notifications"), admission_ids=asked))
    assert [one.of for one in phones.items] == [missing["id"]], "nobody else is called"
    assert isinstance(await world.ask(FindGuardianPhones(actor=OFFICER, admission_ids=asked)), Refused)
    world.on(date(2026, 9, 10))
    await world.look()
    assert len(await world.events(NoShows)) == 1
    world.on(date(2026, 9, 11))
    await world.look()
    assert [one.admission_id for one in (await world.events(NoShows))[1].children] == [postponed["id"]]
    shown = await world.ask(ListAdmissions(actor=OFFICER, progress="no_show"))
    assert {item.id for item in shown.items} == {missing["id"], postponed["id"]}
    late = await report(world, missing, on=date(2026, 9, 11))
    assert late.recorded == 1, "a late report is welcome"
    phones = await world.ask(FindGuardianPhones(actor=system("notifications"), admission_ids=asked))
    assert [one.of for one in phones.items] == [postponed["id"]]


@pytest.mark.clause("13.1")
async def test_the_month_runs_from_reporting_and_ends_with_the_registration(world):
    handed_in, open_ = await world.placed(2)
    world.on(date(2026, 9, 1))
    await report(world, handed_in, open_, on=date(2026, 9, 1))
    last = date(2026, 10, 8)  # 1 October begins the holidays: the next working day

    async def late():
        async with world.db.unit(world.deps) as work:
            return [one.admission_id for one in await reporting.late_registrations(work)]

    world.on(last)
    assert await late() == []
    world.on(last + timedelta(days=1))
    assert sorted(await late()) == sorted([handed_in["id"], open_["id"]])
    await world.one(person_id=handed_in["person_id"])
    assert await late() == [open_["id"]]
    numbers = (await world.ask(GetAdmissionOverview(actor=OFFICER))).items
    (school,) = [item for item in numbers if item.school == SCHOOL.code]
    assert (school.admitted, school.reported, school.handed_in, school.late) == (2, 2, 1, 1)
    page = await world.ask(ListAdmissions(actor=REGISTRAR, progress="late"))
    assert [item.id for item in page.items] == [open_["id"]]


@pytest.mark.clause("13.1")
async def test_the_school_is_reminded_before_and_told_after_each_time_once(world):
    (row,) = await world.placed()
    world.on(date(2026, 9, 1))
    await report(world, row, on=date(2026, 9, 1))

    async def told():
        await world.look()
        await world.look()
        return [e.kind for e in await world.events(WorkWaiting) if e.kind.startswith("records_")]

    for day, said in (
        (date(2026, 9, 30), []),
        (date(2026, 10, 1), ["records_due"]),
        (date(2026, 10, 6), ["records_due"]),
        (date(2026, 10, 7), ["records_due"] * 2),
        (date(2026, 10, 8), ["records_due"] * 2),
        (date(2026, 10, 9), ["records_due"] * 2 + ["records_late"]),
        (date(2026, 11, 9), ["records_due"] * 2 + ["records_late"]),
    ):
        world.on(day)
        assert await told() == said, day
