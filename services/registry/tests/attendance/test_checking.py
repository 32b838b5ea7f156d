"""A class as it sits against the records: dry first, kept then, a finding where somebody belongs elsewhere (24.6.1, 48.4)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from attendance_desk import check, number, pupil, seated, standings
from registry.inspection import watching
from registry.records.custody import pass_custody
from registry.records.store import Klass
from registry_world import (
    FAR_SCHOOL,
    OFFICER,
    OTHER_SCHOOL,
    PRINCIPAL,
    REGISTRAR,
    SCHOOL,
    TEACHER,
    World,
    actor,
)
from service_kit.bus import Unavailable
from shared_contracts.actors import Role, system
from shared_contracts.attendance import GetAttendanceCheck, ListAttendanceChecks, Seated
from shared_contracts.decisions import Refused
from shared_contracts.inspection import FindingKind, ListFindings
from shared_contracts.records import StudentView
from shared_contracts.waiting import WorkWaiting

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.6.1", "48")]
FAR_OFFICER = actor(Role.AUTHORITY_OFFICER, FAR_SCHOOL.authority)


async def findings(world: World) -> list[Any]:
    page = await world.ask(ListFindings(actor=OFFICER, school=SCHOOL.code, kind=FindingKind.NOT_TRANSFERRED))
    return list(page.items)


async def a_class(world: World) -> dict[str, str]:
    """1 and 2 are of the class, 3 of another, 4 on the way; 5 is another school's, 6 nobody's."""
    return {
        "here": await pupil(world, 1),
        "absent": await pupil(world, 2),
        "other": await pupil(world, 3, class_no=2),
        "under_way": await pupil(world, 4, recorded=False),
        "elsewhere": await pupil(world, 5, OTHER_SCHOOL),
    }


async def test_each_is_told_where_he_belongs_and_nothing_of_another_school(world: World) -> None:
    ids = await a_class(world)
    found = await check(world, *seated(1, 3, 4, 5, 6), Seated(name="错", document_number="12"), dry_run=True)
    assert standings(found) == {
        "学生1": "here", "学生3": "other_class", "学生4": "under_way", "学生5": "elsewhere", "学生6": "unknown",
        "错": "unclear", "学生2": "absent",
    }  # fmt: skip
    assert found.counts == dict.fromkeys(
        ("here", "other_class", "under_way", "elsewhere", "unknown", "unclear", "absent"), 1
    )
    by_name = {row.name: row for row in found.rows}
    assert by_name["学生2"].row == 0 and by_name["学生2"].student_id == ids["absent"]
    there = by_name["学生5"]
    assert (there.student_id, there.grade, there.class_no) == (None, None, None)
    assert [(f.clause, f.code, f.outcome.value) for f in there.findings] == [
        ("24.6.1", "attendance.elsewhere", "refuse")
    ]
    told = str(msgspec.to_builtins(there))
    assert OTHER_SCHOOL.name not in told and OTHER_SCHOOL.code not in told
    assert by_name["学生3"].findings[0].message == "学籍在本校一年级2班"
    # dry: nothing is kept and nobody is told
    assert not found.kept
    assert await world.sql("SELECT 1 FROM attendance_checks") == []
    assert await findings(world) == [] and await world.events(WorkWaiting) == []


async def test_a_kept_check_is_a_finding_until_the_record_has_come(world: World) -> None:
    ids = await a_class(world)
    found = await check(world, *seated(1, 2, 5))
    (order,) = await findings(world)
    assert (order.code, order.clause, order.records, order.state) == ("attendance.elsewhere", "24.6.1", 1, "open")
    assert found.kept and "absent" not in found.counts
    assert (await world.ask(GetAttendanceCheck(actor=PRINCIPAL, check_id=found.id))).rows == found.rows
    # looked at again the next day: still one; then the record comes, and it is gone
    world.clock.pass_(days=1)
    async with world.db.unit(world.deps) as work:
        assert await watching.look(work)
    assert [one.records for one in await findings(world)] == [1]
    async with world.db.unit(world.deps) as work:
        moved = await pass_custody(work, ids["elsewhere"], SCHOOL, Klass(1, 1), actor=system("transfer"), on=work.today)
        assert isinstance(moved, StudentView)
    world.clock.pass_(days=1)
    async with world.db.unit(world.deps) as work:
        assert await watching.look(work)
    (gone,) = await findings(world)
    assert (gone.id, gone.records, gone.state) == (order.id, 0, "open"), "an order does not vanish by itself"


async def test_the_last_check_of_a_class_counts(world: World) -> None:
    await a_class(world)
    first = await check(world, *seated(1, 5))
    assert [one.records for one in await findings(world)] == [1]
    told = [one for one in await world.events(WorkWaiting) if one.kind == "attendance_absent"]
    assert [(one.organisation, one.count) for one in told] == [(SCHOOL.code, 1)]
    world.clock.pass_(minutes=1)
    second = await check(world, *seated(1, 2), who=OFFICER)
    assert [one.records for one in await findings(world)] == [0]
    page = await world.ask(ListAttendanceChecks(actor=REGISTRAR))
    assert [(one.id, one.superseded, one.rows) for one in page.items] == [(second.id, False, ()), (first.id, True, ())]
    part = await world.ask(ListAttendanceChecks(actor=REGISTRAR, limit=1))
    rest = await world.ask(ListAttendanceChecks(actor=REGISTRAR, limit=1, cursor=part.next_cursor))
    assert {one.id for one in (*part.items, *rest.items)} == {first.id, second.id}


@pytest.mark.clause("24.4")
async def test_who_learns_here_by_clause_24_4_is_none(world: World) -> None:
    ids = await a_class(world)
    for key, school in (("elsewhere", SCHOOL.code), ("absent", OTHER_SCHOOL.code)):
        await world.sql(
            "INSERT INTO study_places (student_id, since, school, case_id) VALUES ($1, $2, $3, 'c')",
            ids[key],
            world.clock.today(),
            school,
        )
    found = await check(world, *seated(1, 5))
    assert standings(found) == {"学生1": "here", "学生5": "studies_here"}, (
        "and who learns elsewhere is not missing here"
    )
    assert await findings(world) == []


async def test_no_number_is_kept(world: World) -> None:
    await a_class(world)
    await check(world, *seated(1, 5, 6))
    tables = await world.sql("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    for table in (row["tablename"] for row in tables if row["tablename"] != "alembic_version"):
        for row in await world.sql(f'SELECT t::text AS line FROM "{table}" t'):
            for serial in (1, 5, 6):
                assert number(serial) not in row["line"], table
                assert number(serial).encode().hex() not in row["line"], table
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql("DELETE FROM attendance_rows")


async def test_who_may_and_what_is_wrong(world: World) -> None:
    await a_class(world)
    rows = seated(1, 2)
    assert (await check(world, *rows, who=TEACHER)).kind == "forbidden"
    for who in (FAR_OFFICER, actor(Role.REGISTRAR, OTHER_SCHOOL.code)):
        assert (await check(world, *rows, who=who)).kind == "not_found"
    assert (await check(world, *rows, class_no=9)).kind == "not_found"
    assert (await check(world, *rows, school="2123019999")).kind == "not_found"
    kept = await check(world, *rows, check_id="mine")
    assert (await check(world, *rows, check_id="mine")).kind == "conflict"
    assert (await world.ask(GetAttendanceCheck(actor=FAR_OFFICER, check_id=kept.id))).kind == "not_found"
    assert (await world.ask(GetAttendanceCheck(actor=OFFICER, check_id=kept.id))).id == kept.id
    assert (await world.ask(GetAttendanceCheck(actor=OFFICER, check_id="none"))).kind == "not_found"
    assert (await world.ask(ListAttendanceChecks(actor=FAR_OFFICER))).items == ()
    assert (await world.ask(ListAttendanceChecks(actor=OFFICER, cursor="x"))).kind == "invalid"
    world.deps.bus.away = Unavailable("nobody")  # type: ignore[attr-defined]
    assert (await check(world, *rows)).kind == "unavailable"


async def test_two_at_once_leave_one_that_counts(world: World) -> None:
    await a_class(world)
    replies = await asyncio.gather(*(check(world, *seated(1, 5)) for _ in range(4)))
    assert not any(isinstance(reply, Refused) for reply in replies)
    (row,) = await world.sql("SELECT count(*) FILTER (WHERE latest) AS latest, count(*) AS n FROM attendance_checks")
    assert tuple(row) == (1, 4)
    assert [one.records for one in await findings(world)] == [1]


async def test_last_year_s_checks_are_forgotten_by_the_inspection(world: World) -> None:
    await a_class(world)
    await check(world, *seated(1, 5))
    world.clock.moment += timedelta(days=360)
    async with world.db.unit(world.deps) as work:
        assert await watching.seated_elsewhere(work) == {}
