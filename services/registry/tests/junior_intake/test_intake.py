"""Primary graduates go on to junior schools: the list, its check, its approval, the move, the way back (clause 16)."""

from __future__ import annotations

from datetime import date

import pytest
from intake_world import IntakeWorld
from moving_world import (
    CITY_LEADER,
    COUNTY_LEADER,
    COUNTY_OFFICER,
    FIVE_FOUR,
    FIVE_FOUR_JUNIOR,
    JUNIOR,
    NEIGHBOUR,
    OTHER_SCHOOL,
    SCHOOL,
    SECOND_JUNIOR,
)
from registry.enrolment.plans import store as plans
from registry_world import REGISTRAR, actor, codes
from regulation.school_year import Stage
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.junior_intake import CancelJuniorIntake, UndoJuniorIntake
from shared_contracts.records import GetJournal, GetStudent, RecordsPassed
from shared_contracts.waiting import WorkWaiting

pytestmark = [pytest.mark.integration, pytest.mark.clause("16")]


async def free(world: IntakeWorld, school: str = JUNIOR.code) -> int:
    async with world.db.transaction() as tx:
        plan = await plans.in_force(tx, school, 2026, Stage.JUNIOR)
        assert plan is not None
        return await plans.free(tx, plan)


@pytest.mark.clause("16", "21.2", "4.3")
async def test_a_list_is_filled_in_checked_approved_and_carried_out(world: IntakeWorld, small_batches: None) -> None:
    going = await world.leaving(SCHOOL, 1, 10)
    others = await world.leaving(SCHOOL, 2, 3)
    graduated = await world.pupils(OTHER_SCHOOL, None, None, 4, state="graduated", cohort=2020)
    younger = await world.pupils(SCHOOL, 6, 1, 2)  # who finish it next summer
    before = [one for one, _ in await world.records()]
    blank = await world.template()
    assert set(blank.student_ids) == {*going, *others, *graduated}
    targets = dict.fromkeys((*going, *graduated), f"{JUNIOR.code}-{JUNIOR.name}")
    seen = await world.open(await world.filled(targets))
    check = seen.check
    assert (seen.state, check.rows, check.taken, check.unplaced, check.refused) == ("previewed", 17, 14, 3, 0)
    assert [(t.school, t.pupils, t.places, t.free) for t in check.targets] == [(JUNIOR.code, 14, 50, 50)]
    assert [(f.code, f.facts["unplaced"], f.facts["absent"]) for f in check.findings] == [("intake.unplaced", 3, 0)]
    assert {row.student_id for row in await world.rows(seen.id, outcome="unplaced")} == set(others)
    assert (await world.rule(seen.id)).state == "approved"
    assert await free(world) == 36, "places are taken with the approval"
    assert await world.carried(seen.id) == "done"

    await world.whole()
    assert [one for one, _ in await world.records()] == before
    rows = await world.sql("SELECT id, stage, state, live, cohort FROM students WHERE school = $1", JUNIOR.code)
    assert {row["id"] for row in rows} == {*going, *graduated}
    assert {tuple(row)[1:] for row in rows} == {("junior", "in_school", True, 2020)}
    new = actor(Role.REGISTRAR, JUNIOR.code)
    shown = await world.ask(GetStudent(actor=new, student_id=going[0]))
    assert (shown.school, shown.stage, shown.grade, shown.class_no) == (JUNIOR.code, "junior", 7, 1)
    kept = await world.ask(GetStudent(actor=REGISTRAR, student_id=going[0]))
    assert (kept.copy_as_of, kept.school, kept.grade) == (world.clock.today(), SCHOOL.code, 6)
    told = await world.ask(GetJournal(actor=new, student_id=going[0]))
    entry = told.entries[-1]
    assert (told.intact, entry.kind, entry.clause, entry.actor) == (
        True,
        "stage_continued",
        "16",
        COUNTY_LEADER.account,
    )
    assert entry.content["after"] == {"school": JUNIOR.code, "stage": "junior", "grade": 7}
    assert {row["school"] for row in await world.sql("SELECT school FROM students WHERE id = ANY($1)", younger)} == {
        SCHOOL.code
    }
    assert sum(len(event.records) for event in await world.events(RecordsPassed)) == 14
    told_to = {(e.organisation, e.kind, e.count) for e in await world.events(WorkWaiting)}
    assert (JUNIOR.code, "junior_intake_in", 14) in told_to
    assert {(SCHOOL.code, "junior_intake_out", 10), (OTHER_SCHOOL.code, "junior_intake_out", 4)} <= told_to


async def test_a_list_by_rule_and_the_way_back(world: IntakeWorld, small_batches: None) -> None:
    await world.leaving(SCHOOL, 1, 9)
    await world.pupils(OTHER_SCHOOL, None, None, 2, state="graduated", cohort=2020)
    five = await world.leaving(FIVE_FOUR, 1, 3)
    state = "SELECT id, school, stage, state, live FROM students ORDER BY id"
    member = "SELECT student_id, class_id, joined_on FROM class_memberships WHERE left_on IS NULL ORDER BY 1"
    before = (await world.sql(state), await world.sql(member))
    seen = await world.build((SCHOOL, JUNIOR), (FIVE_FOUR, FIVE_FOUR_JUNIOR))
    assert (seen.check.taken, seen.check.unplaced) == (12, 2)
    assert (await world.rule(seen.id)).state == "approved"
    assert await world.carried(seen.id) == "done"
    (row, *_) = await world.sql("SELECT school, stage FROM students WHERE id = $1", five[0])
    assert tuple(row) == (FIVE_FOUR_JUNIOR.code, "junior")
    undo = UndoJuniorIntake(command_id=new_id(), actor=COUNTY_LEADER, intake_id=seen.id, reason="名单有误")
    assert (await world.do(undo)).state == "undoing"
    assert await world.carried(seen.id) == "undone"
    await world.whole()
    assert (await world.sql(state), await world.sql(member)) == before
    assert await free(world) == 50
    again = await world.build((SCHOOL, SECOND_JUNIOR))
    assert again.check.taken == 9
    assert (await world.rule(again.id)).state == "approved"
    assert await world.carried(again.id) == "done"


@pytest.mark.clause("4.3")
async def test_never_one_over_the_plan(world: IntakeWorld) -> None:
    await world.leaving(SCHOOL, 1, 46)
    await world.plan(JUNIOR, 45)
    seen = await world.build((SCHOOL, JUNIOR))
    assert [f.code for f in seen.check.findings] == ["intake.no_places"]
    assert codes(await world.rule(seen.id)) == ["intake.no_places"]
    await world.plan(JUNIOR, 46)
    assert (await world.rule(seen.id)).state == "approved", "looked at once more when it is approved"
    assert await free(world) == 0
    cancel = CancelJuniorIntake(command_id=new_id(), actor=COUNTY_OFFICER, intake_id=seen.id, reason="重新分配")
    assert (await world.do(cancel)).state == "cancelled"
    assert await free(world) == 46
    await world.sql("UPDATE enrolment_plans SET state = 'in_force', places = 0 WHERE school = $1", JUNIOR.code)
    assert [f.code for f in (await world.build((SCHOOL, JUNIOR))).check.findings] == ["intake.no_places"]


async def test_each_fault_of_a_row_is_told(world: IntakeWorld) -> None:
    one, two, three = await world.leaving(SCHOOL, 1, 3)
    (younger,) = await world.pupils(SCHOOL, 5, 1, 1)
    (theirs,) = await world.leaving(NEIGHBOUR, 1, 1)
    (old,) = await world.pupils(SCHOOL, None, None, 1, state="graduated", cohort=2019)
    import xlsxwriter

    async def judged(*rows: tuple[str, str, str]) -> list[list[str]]:
        import io

        out = io.BytesIO()
        with xlsxwriter.Workbook(out) as book:
            sheet = book.add_worksheet("初中招生名单")
            sheet.write_row(0, 0, ["学生姓名", "毕业小学", "班级", "学籍号", "目标初中", "记录标识"])
            for n, (name, target, record) in enumerate(rows, start=1):
                sheet.write_row(n, 0, [name, "", "", "", target, record])
        seen = await world.open(out.getvalue())
        assert not isinstance(seen, Refused), seen
        found = await world.rows(seen.id)
        assert all(f.clause and f.cure and f.fields for row in found for f in row.findings)
        return [[f.code for f in row.findings] for row in found]

    to = JUNIOR.code
    assert await judged(
        ("", to, one), ("", "", two), ("", to, "nobody"), ("", to, one), ("张三", to, three), ("", to, younger),
        ("", to, theirs), ("", to, old),
    ) == [
        [], [], ["intake.unknown"], ["intake.twice"], ["intake.another_name"], ["intake.no_graduate"],
        ["intake.out_of_reach"], ["intake.no_graduate"],
    ]  # fmt: skip
    assert await judged(("", "某某中学", one), ("", OTHER_SCHOOL.code, two), ("", FIVE_FOUR_JUNIOR.code, three)) == [
        ["intake.no_such_school"],
        ["intake.no_junior_stage"],
        ["intake.another_system"],
    ]
    await world.sql("UPDATE organisations SET division = '230103', authority = '230103' WHERE code = $1", to)
    assert await judged(("", to, one)) == [["intake.target_elsewhere"]]


@pytest.mark.clause("4.1")
@pytest.mark.parametrize(
    ("day", "inside"),
    [(date(2026, 6, 30), False), (date(2026, 7, 1), True), (date(2026, 9, 30), True), (date(2026, 10, 1), False)],
)
async def test_in_the_enrolment_window_alone(world: IntakeWorld, day: date, inside: bool) -> None:
    await world.leaving(SCHOOL, 1, 2, joined=date(2026, 3, 1))
    world.clock.moment = world.clock.moment.replace(month=day.month, day=day.day)
    seen = await world.build((SCHOOL, JUNIOR))
    assert [f.code for f in seen.check.findings] == ([] if inside else ["intake.out_of_window"])
    assert isinstance(await world.rule(seen.id), Refused) != inside


async def test_who_may(world: IntakeWorld) -> None:
    await world.leaving(SCHOOL, 1, 2)
    assert (await world.build((SCHOOL, JUNIOR), who=REGISTRAR)).kind == "forbidden"
    seen = await world.build((SCHOOL, JUNIOR))
    for who, kind in ((COUNTY_OFFICER, "forbidden"), (CITY_LEADER, "not_found")):
        assert (await world.rule(seen.id, who)).kind == kind
    both = actor(Role.LEADER, "230102", COUNTY_OFFICER.account)
    assert codes(await world.rule(seen.id, both)) == ["operation.same_person"]
    neighbour = actor(Role.AUTHORITY_OFFICER, "230103")
    assert (await world.list(seen.id, neighbour)).kind == "not_found"
    assert (await world.list(seen.id, CITY_LEADER)).id == seen.id


async def test_a_pupil_who_changes_after_the_check_stops_the_list_before_anything_moves(world: IntakeWorld) -> None:
    ids = await world.leaving(SCHOOL, 1, 3)
    seen = await world.build((SCHOOL, JUNIOR))
    assert (await world.rule(seen.id)).state == "approved"
    await world.sql("UPDATE students SET state = 'completed', live = false WHERE id = $1", ids[0])
    assert await world.carried(seen.id) == "failed"
    assert [f.code for f in (await world.list(seen.id)).findings] == ["intake.no_graduate"]
    assert await world.sql("SELECT FROM record_moves") == []
    again = await world.build((SCHOOL, JUNIOR))
    assert again.check.taken == 0, "they are in a list that waits"


async def test_somebody_who_waits_to_be_moved_is_not_changed_by_others(world: IntakeWorld) -> None:
    (one, *_) = await world.leaving(SCHOOL, 1, 2)
    await world.sql(
        """INSERT INTO record_moves (operation_id, student_id, from_school, from_stage, from_state, from_live,
                                     to_school, to_stage) VALUES ('x', $1, 'a', 'b', 'c', true, 'd', 'e')""",
        one,
    )
    for statement in (
        "UPDATE students SET school = school || '' , stage = 'junior' WHERE id = $1",
        "UPDATE class_memberships SET left_on = '2026-09-20' WHERE student_id = $1",
    ):
        with pytest.raises(Exception, match="学籍移交"):
            await world.sql(statement, one)
    await world.sql("UPDATE students SET student_number = student_number WHERE id = $1", one)
