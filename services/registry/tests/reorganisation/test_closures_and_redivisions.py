"""Schools are closed with a place for every pupil; counties are re-divided (clauses 21.3, 44)."""

from __future__ import annotations

from datetime import date

import pytest
from moving_world import (
    CITY_LEADER,
    COUNTY_LEADER,
    COUNTY_OFFICER,
    FIVE_FOUR,
    JUNIOR,
    NEIGHBOUR,
    OTHER_SCHOOL,
    PROVINCE_LEADER,
    SCHOOL,
    SECOND_JUNIOR,
    MovingWorld,
)
from moving_world import CITY_OFFICER as CITY
from registry_world import REGISTRAR, actor
from service_kit.ids import new_id
from shared_contracts.actors import Role
from shared_contracts.organisations import GetOrganisation, ListVersions
from shared_contracts.records import GetJournal, GetStudent, ListStudents, StudentView
from shared_contracts.reorganisation import (
    ClassTo,
    Closing,
    GetReorganisationReport,
    PupilTo,
    Redividing,
    Renamed,
    SchoolTo,
    UndoReorganisation,
)

pytestmark = [pytest.mark.integration, pytest.mark.clause("21.3", "44")]


def undoing(id_: str, who: object) -> UndoReorganisation:
    return UndoReorganisation(command_id=new_id(), actor=who, reorganisation_id=id_, reason="文件撤销")  # type: ignore[arg-type]


CHILD = """
INSERT INTO children (id, person_id, stage, county, origin, school_year, name, sex, birth_date, document_kind,
                      masked_document, division, sealed, state, listed_at)
VALUES ($1, 'p-' || $1, 'primary', $2, 'household', 2026, '王', '1', '2020-03-05', '1', '*', $2, '', $3, now())
"""


async def test_a_school_is_closed_and_the_county_keeps_its_archive(world: MovingWorld, small_batches: None) -> None:
    await world.pupils(SCHOOL, 1, 1, 44)
    whole = await world.pupils(OTHER_SCHOOL, 1, 1, 9)
    singly = await world.pupils(OTHER_SCHOOL, 2, 1, 3)
    await world.pupils(SCHOOL, 2, 1, 9)
    await world.pupils(SCHOOL, 2, 2, 8)
    ended = await world.pupils(OTHER_SCHOOL, 6, 1, 2, state="graduated")
    before = await world.records()
    first = Closing(school=OTHER_SCHOOL.code, keeper="230102")
    seen = (await world.preview((await world.draft(first)).id)).preview
    assert [f.code for f in seen.findings] == ["reorganisation.unplaced"] * 2
    assert [(m.class_id, m.pupils, m.to_school) for m in seen.classes] == [
        (world.key(OTHER_SCHOOL, 1, 1), 9, None),
        (world.key(OTHER_SCHOOL, 2, 1), 3, None),
    ]
    plan = Closing(
        school=OTHER_SCHOOL.code,
        keeper="230102",
        classes=(ClassTo(class_id=world.key(OTHER_SCHOOL, 1, 1), to_school=FIVE_FOUR.code),),
        pupils=(
            PupilTo(student_id=whole[0], to_school=SCHOOL.code, class_no=1),
            *(PupilTo(student_id=one, to_school=SCHOOL.code) for one in singly),
        ),
    )
    id_ = await world.approved(plan)
    assert await world.carried(id_) == "done"
    await world.whole()
    assert await world.records() == before
    rows = await world.sql(
        """SELECT s.id, s.school, k.grade, k.class_no, k.system FROM students s
           LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           LEFT JOIN classes k ON k.id = m.class_id"""
    )
    where = {row["id"]: tuple(row)[1:] for row in rows}
    assert where[whole[0]] == (SCHOOL.code, 1, 1, "6-3"), "the class was full to one place, and it is taken"
    assert {where[one] for one in whole[1:]} == {(FIVE_FOUR.code, 1, 1, "5-4")}
    assert [where[one] for one in singly] == [(SCHOOL.code, 2, number, "6-3") for number in (2, 1, 2)]
    assert {where[one] for one in ended} == {(OTHER_SCHOOL.code, None, None, None)}
    kept = await world.ask(GetStudent(actor=COUNTY_OFFICER, student_id=ended[0]))
    assert isinstance(kept, StudentView) and (kept.school_name, kept.state) == (OTHER_SCHOOL.name, "graduated")
    told = await world.ask(GetJournal(actor=COUNTY_OFFICER, student_id=ended[0]))
    assert told.entries[-1].content["keeper"] == "230102"
    report = await world.ask(GetReorganisationReport(actor=CITY_LEADER, reorganisation_id=id_))
    assert report.content[:2] == b"PK" and (await world.look(id_)).report.whole
    assert (await world.do(undoing(id_, CITY_LEADER))).state == "undoing"
    assert await world.carried(id_) == "undone"
    await world.whole()
    assert {row["school"] for row in await world.sql("SELECT school FROM students WHERE NOT live")} == {
        OTHER_SCHOOL.code
    }


@pytest.mark.clause("2", "11", "21.3")
async def test_a_plan_that_does_not_hold(world: MovingWorld) -> None:
    await world.pupils(SCHOOL, 1, 1, 45)
    one, two = await world.pupils(OTHER_SCHOOL, 1, 1, 2)
    key = world.key(OTHER_SCHOOL, 1, 1)

    async def found(**values: object) -> list[str]:
        plan = Closing(**{"school": OTHER_SCHOOL.code, "keeper": "230102", **values})  # type: ignore[arg-type]
        return [f.code for f in (await world.preview((await world.draft(plan)).id)).preview.findings]

    to = ClassTo(class_id=key, to_school=SCHOOL.code)
    assert await found(classes=(to,)) == []
    assert await found(classes=(to, to)) == ["reorganisation.placed_twice"]
    assert await found(classes=(to,), keeper=OTHER_SCHOOL.code) == [
        "reorganisation.into_itself",
        "reorganisation.keeper",
    ]
    assert await found(classes=(to,), keeper="230103") == ["reorganisation.keeper"]
    assert await found(classes=(to,), keeper="230100") == [], "an authority above"
    assert await found(classes=(ClassTo(class_id=key, to_school=JUNIOR.code),)) == ["reorganisation.no_such_grade"]
    assert await found(classes=(to, ClassTo(class_id="none", to_school=SCHOOL.code))) == ["reorganisation.not_here"]
    singly = PupilTo(student_id=one, to_school=SCHOOL.code, class_no=1)
    assert await found(classes=(to,), pupils=(singly,)) == ["reorganisation.class_full"]
    assert await found(classes=(to,), pupils=(PupilTo(student_id=one, to_school=SCHOOL.code, class_no=9),)) == [
        "reorganisation.no_such_class"
    ]
    assert await found(pupils=(PupilTo(student_id=two, to_school=SCHOOL.code),)) == ["reorganisation.unplaced"]


async def test_schools_go_to_another_county_with_their_open_cases(world: MovingWorld, small_batches: None) -> None:
    ids = await world.pupils(SCHOOL, 1, 1, 10)
    await world.pupils(JUNIOR, 7, 1, 2)
    opened = await world.one()
    plan = Redividing(
        schools=(SchoolTo(school=SCHOOL.code, authority="230103", division="230103"),),
        renamed=(Renamed(code="230102", name="哈尔滨市新道里区教育局"),),
    )
    id_ = await world.approved(plan, CITY, PROVINCE_LEADER)
    assert await world.carried(id_) == "done"
    await world.whole()
    record = await world.ask(GetOrganisation(actor=REGISTRAR, code=SCHOOL.code))
    assert (record.organisation.authority, record.organisation.division) == ("230103", "230103")
    assert (record.organisation.parent, record.valid_from) == ("230103", world.clock.today())
    then = await world.ask(GetOrganisation(actor=REGISTRAR, code=SCHOOL.code, on=date(2026, 3, 1)))
    assert then.organisation.authority == "230102", "what was, stays as history"
    assert (await world.ask(GetOrganisation(actor=REGISTRAR, code="230102"))).organisation.name.startswith("哈尔滨市新")
    new = actor(Role.AUTHORITY_OFFICER, "230103")
    assert (await world.get(opened, new)).id == opened, "open cases go along"
    told = await world.ask(GetJournal(actor=new, student_id=ids[0]))
    assert (told.entries[-1].kind, told.entries[-1].content["to_authority"]) == ("redivided", "230103")
    assert await world.sql("SELECT FROM student_copies") == [], "the school keeps its records"
    done = await world.look(id_, PROVINCE_LEADER)
    assert (done.total, done.moved, done.report.whole) == (10, 10, True)
    assert (await world.do(undoing(id_, PROVINCE_LEADER))).state == "undoing"
    assert await world.carried(id_) == "undone"
    await world.whole()
    record = await world.ask(GetOrganisation(actor=REGISTRAR, code=SCHOOL.code))
    assert record.organisation.authority == "230102"
    assert len((await world.ask(ListVersions(actor=REGISTRAR, code=SCHOOL.code))).versions) == 2
    assert len((await world.ask(ListStudents(actor=COUNTY_OFFICER, school=SCHOOL.code))).items) == 10


async def test_a_county_is_dissolved(world: MovingWorld) -> None:
    await world.pupils(NEIGHBOUR, 1, 1, 3)
    plan = Redividing(counties={"230103": "230102"}, ended=("230103",))
    drafted = await world.draft(plan, CITY)
    seen = await world.preview(drafted.id, CITY)
    assert [one.school for one in seen.preview.schools] == [NEIGHBOUR.code]
    assert seen.preview.findings == ()
    left = await world.draft(Redividing(ended=("230103",)), CITY)
    assert [f.code for f in (await world.preview(left.id, CITY)).preview.findings] == ["reorganisation.has_below"]
    id_ = await world.approved(plan, CITY, PROVINCE_LEADER)
    assert await world.carried(id_) == "done"
    assert (await world.ask(GetOrganisation(actor=REGISTRAR, code="230103"))).closed
    assert (await world.do(undoing(id_, PROVINCE_LEADER))).state == "undoing"
    assert await world.carried(id_) == "undone"
    assert not (await world.ask(GetOrganisation(actor=REGISTRAR, code="230103"))).closed
    await world.whole()


async def test_a_county_with_children_who_wait_is_not_dissolved(world: MovingWorld) -> None:
    await world.sql(CHILD, "c", "230103", "waiting")
    plan = Redividing(counties={"230103": "230102"}, ended=("230103",))
    drafted = await world.draft(plan, CITY)
    found = (await world.preview(drafted.id, CITY)).preview.findings
    assert [finding.code for finding in found] == ["reorganisation.is_admitting"]
    await world.sql("UPDATE children SET state = 'placed'")
    assert (await world.preview(drafted.id, CITY)).preview.findings == ()


async def test_a_county_does_not_take_schools_of_another(world: MovingWorld) -> None:
    plan = Redividing(schools=(SchoolTo(school=NEIGHBOUR.code, authority="230102", division="230102"),))
    drafted = await world.draft(plan)
    found = (await world.preview(drafted.id)).preview.findings
    assert "reorganisation.out_of_reach" in [finding.code for finding in found]
    assert (await world.resolve(drafted.id, COUNTY_LEADER)).kind == "not_found"


async def test_what_holds_from_a_later_day_waits_for_it(world: MovingWorld) -> None:
    await world.pupils(JUNIOR, 7, 1, 2)
    from shared_contracts.reorganisation import Merging

    plan = Merging(ended=(JUNIOR.code,), into=SECOND_JUNIOR.code)
    id_ = await world.approved(plan, on=date(2026, 9, 12))
    async with world.working():
        import asyncio

        await asyncio.sleep(1)
    assert (await world.look(id_)).state == "approved"
    world.clock.pass_(days=2)
    assert await world.carried(id_) == "done"
    await world.whole()


@pytest.mark.clause("40", "21.3", "44")
async def test_a_school_with_an_open_correction_is_not_closed_before_it_has_ended(world: MovingWorld) -> None:
    (one,) = await world.pupils(OTHER_SCHOOL, 1, 1, 1)
    await world.sql(
        """INSERT INTO corrections (id, student_id, staging_id, before, after, fields, reason, opened_by)
           VALUES ('n', $1, 'x', '{}', '{}', '{name}', '户口簿', '王')""",
        one,
    )
    plan = Closing(
        school=OTHER_SCHOOL.code,
        keeper="230102",
        classes=(ClassTo(class_id=world.key(OTHER_SCHOOL, 1, 1), to_school=SCHOOL.code),),
    )
    (found,) = (await world.preview((await world.draft(plan)).id)).preview.findings
    assert (found.code, found.clause, bool(found.cure)) == ("reorganisation.corrections", "40", True)
    assert "1项关键信息更正没有办结" in found.message
    await world.sql("UPDATE corrections SET open = false")
    assert (await world.preview((await world.draft(plan)).id)).preview.findings == ()
