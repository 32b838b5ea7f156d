"""A record leaves for another province by an approved transfer and by nothing else (15.2, 21.2, 24.5.1)."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from kit_waiting import waits_for_a_lock
from moving_world import MovingWorld
from registry.registration import persons
from registry.rosters.findings import held
from registry_world import OTHER_SCHOOL, PROVINCE, SCHOOL, actor
from service_kit.database import driver
from shared_contracts.actors import Role, system
from shared_contracts.archive import ArchiveView, GetArchive
from shared_contracts.decisions import Outcome
from shared_contracts.holds import ChangeApplied, ChangeFailed, GrantHold
from shared_contracts.identity import Claimed, Holder
from shared_contracts.outside_transfers import OutwardApproved
from shared_contracts.records import CustodyPassed, GetStudent, StudentView
from shared_contracts.registry import RowState
from shared_contracts.transfer import TransferApproved

OFFICE = actor(Role.AUTHORITY_OFFICER, PROVINCE, "province.officer")
REGISTRAR = actor(Role.REGISTRAR, SCHOOL.code, "registrar")


def approved(student: str, case: str = "t-1", seq: int = 2, **changes: Any) -> OutwardApproved:
    values: dict[str, Any] = {
        "transfer_id": case, "seq": seq, "student_id": student, "from_school": SCHOOL.code, "grade": 3,
        "division": "330106", "school": "杭州市西湖区文一街小学", "actor": "county.officer", "number": "ZX20260000000001",
        **changes,
    }  # fmt: skip
    return OutwardApproved(**values)


async def hold(world: MovingWorld, student: str, case: str = "t-1") -> None:
    await world.do(
        GrantHold(
            command_id=world.id("command"), actor=system("transfer"), case_id=case, kind="transfer", seq=1,
            student_id=student, organisation=PROVINCE,
        )
    )  # fmt: skip


@pytest.mark.integration
@pytest.mark.clause("21.2", "24.5.1")
async def test_the_province_office_keeps_it_and_the_school_a_copy(world: MovingWorld) -> None:
    one, *_ = await world.pupils(SCHOOL, 3, 1, 2)
    await hold(world, one)
    await world.tell(approved(one))
    await world.tell(approved(one))
    (told,) = await world.events(ChangeApplied)
    assert (told.case_id, told.school, told.class_no) == ("t-1", PROVINCE, None)
    (passed,) = await world.events(CustodyPassed)
    assert (passed.registration_id, passed.to_school) == (one, PROVINCE)
    kept = await world.ask(GetStudent(actor=OFFICE, student_id=one))
    assert isinstance(kept, StudentView)
    assert (kept.state, kept.grade, kept.copy_as_of) == ("transferred_out", None, None)
    copy = await world.ask(GetStudent(actor=REGISTRAR, student_id=one))
    assert (copy.state, copy.grade, copy.copy_as_of) == ("in_school", 3, world.clock.today())
    archive = await world.ask(GetArchive(actor=OFFICE, student_id=one))
    assert isinstance(archive, ArchiveView) and archive.intact
    assert await world.sql("SELECT FROM archive_handovers") == [], "no receipt of ours reaches where the paper goes"
    await world.whole()


@pytest.mark.integration
@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"from_school": "2123010999"}, "change.moved_meanwhile"),
        ({"case": "t-2"}, "change.no_record"),
        ({"student": "nobody"}, "change.no_record"),
    ],
)
async def test_what_stands_in_the_way_is_told_and_nothing_changes(
    world: MovingWorld, changes: dict[str, Any], code: str
) -> None:
    one, *_ = await world.pupils(SCHOOL, 3, 1, 2)
    await hold(world, one)
    await world.tell(approved(**{"student": one, **changes}))
    (told,) = await world.events(ChangeFailed)
    assert told.findings[0].code == code
    (row,) = await world.sql("SELECT live, school FROM students WHERE id = $1", one)
    assert tuple(row) == (True, SCHOOL.code)


@pytest.mark.integration
@pytest.mark.clause("21.1", "24.5.1")
@pytest.mark.parametrize("outward", [True, False])
async def test_a_record_that_ends_while_it_is_looked_at_goes_nowhere(world: MovingWorld, outward: bool) -> None:
    """Whoever ends it holds the student, not the case: what is judged is the record as it is under lock."""
    one, *_ = await world.pupils(SCHOOL, 3, 1, 2)
    await world.pupils(OTHER_SCHOOL, 3, 1, 1)
    await hold(world, one)
    event = approved(one) if outward else TransferApproved(
        transfer_id="t-1", seq=2, student_id=one, from_school=SCHOOL.code, to_school=OTHER_SCHOOL.code, grade=3, over=False,
        record_moves=True, actor="x", number="ZX1",
    )  # fmt: skip
    async with world.db.transaction() as tx:
        connection = await driver(tx)
        await connection.execute("UPDATE students SET state = 'graduated', live = false WHERE id = $1", one)
        telling = asyncio.create_task(world.tell(event))
        await waits_for_a_lock(world.sql, telling)
    await telling
    (told,) = await world.events(ChangeFailed)
    assert [found.code for found in told.findings] == ["change.record_ended"]
    (row,) = await world.sql("SELECT state, school FROM students WHERE id = $1", one)
    assert tuple(row) == ("graduated", SCHOOL.code)


@pytest.mark.integration
@pytest.mark.clause("24.5.1")
async def test_the_database_lets_no_record_leave_without_a_transfer(world: MovingWorld) -> None:
    one, two = await world.pupils(SCHOOL, 3, 1, 2)
    leave = "UPDATE students SET state = 'transferred_out', live = $2 WHERE id = $1"
    with pytest.raises(asyncpg.RestrictViolationError, match=r"24\.5\.1"):
        await world.sql(leave, one, False)
    await hold(world, two)
    with pytest.raises(asyncpg.RestrictViolationError, match=r"24\.5\.1"):
        await world.sql(leave, two, True)
    await world.sql(leave, two, False)


@pytest.mark.clause("15.2")
@pytest.mark.parametrize(
    ("school", "code"), [(PROVINCE, "roster.transferred_out"), ("1", "roster.registered_elsewhere")]
)
def test_who_has_left_is_not_registered_anew(school: str, code: str) -> None:
    holder = Holder(person_id="p", registration_id="r-1", school=school)
    state, (found,) = held(holder, SCHOOL.code, {})
    assert (state, found.code, found.outcome) == (RowState.REFUSED, code, Outcome.REFUSE)
    claimed = Claimed(row=1, registration_id="r-2", holder=holder)
    assert [one.code for one in persons.against(claimed, "r-2", SCHOOL.code, {})] == [code]
