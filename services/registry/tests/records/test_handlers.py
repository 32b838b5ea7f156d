"""Students and journals for those whose business they are; one live record a person."""

from __future__ import annotations

import asyncpg
import pytest
from registry_world import (
    AUTHORITY,
    CITY,
    OTHER_SCHOOL,
    REGISTRAR,
    World,
    actor,
)
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.identity import Issued, NumberKind, NumbersIssued, Verification
from shared_contracts.records import GetJournal, GetStudent, ListStudents

pytestmark = pytest.mark.integration


async def student(world: World, **changes) -> str:
    one = await world.one(**changes)
    await world.bring_to(one, "done")
    number = Issued(
        person_id="",
        registration_id=one,
        kind=NumberKind.G,
        masked="G2**************15",
        verification=Verification.MATCHED,
    )
    await world.tell(NumbersIssued(numbers=(number,), issued_at=world.clock.now()))
    return one


VISIBLE = [
    (REGISTRAR, True),
    (actor(Role.PRINCIPAL), True),
    (actor(Role.CLASS_TEACHER, classes=["1-01"]), True),
    (actor(Role.CLASS_TEACHER, classes=["1-02"]), False),
    (actor(Role.REGISTRAR, OTHER_SCHOOL.code), False),
    (actor(Role.AUTHORITY_OFFICER, AUTHORITY), True),
    (actor(Role.AUTHORITY_OFFICER, CITY), True),
    (actor(Role.AUTHORITY_OFFICER, "230202"), False),
    (actor(Role.OPERATOR), False),
]


@pytest.mark.clause("3.1", "21.1")
async def test_a_record_and_its_journal_are_for_those_whose_business_they_are(world):
    one = await student(world)
    for who, may in VISIBLE:
        for query in (GetStudent, GetJournal):
            reply = await world.ask(query(actor=who, student_id=one))
            assert isinstance(reply, Refused) != may, (who, query)
        page = await world.ask(ListStudents(actor=who))
        assert (not isinstance(page, Refused) and len(page.items) == 1) == may


@pytest.mark.clause("21.1")
async def test_the_journal_is_shown_with_its_chain(world):
    one = await student(world)
    shown = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    assert shown.intact
    (entry,) = shown.entries
    assert (entry.seq, entry.clause, entry.previous) == (1, "15.1", "0" * 64)
    assert len(entry.hash) == 64


async def test_students_are_found_by_class_name_and_person(world):
    first = await student(world, name="甲")
    await student(world, name="乙", class_no=2)
    (row,) = await world.sql("SELECT person_id FROM students WHERE id = $1", first)

    async def names(**more) -> list[str]:
        page = await world.ask(ListStudents(actor=REGISTRAR, **more))
        return sorted(item.name for item in page.items)

    assert await names() == ["乙", "甲"]
    assert await names(class_no=2) == ["乙"]
    assert await names(grade=1, class_no=1) == ["甲"]
    assert await names(grade=2) == []
    assert await names(person_ids=(row["person_id"],)) == ["甲"]
    assert await names(person_ids=()) == []
    assert await names(school=OTHER_SCHOOL.code) == []
    too_many = await world.ask(ListStudents(actor=REGISTRAR, person_ids=tuple(map(str, range(201)))))
    assert too_many.kind == "too_large"


async def test_students_come_page_by_page(world):
    ids = {await student(world) for _ in range(5)}
    seen, cursor = [], None
    while True:
        page = await world.ask(ListStudents(actor=REGISTRAR, limit=2, cursor=cursor))
        seen += [item.id for item in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == 5
    assert set(seen) == ids


async def test_an_unknown_student_is_not_found(world):
    assert (await world.ask(GetStudent(actor=REGISTRAR, student_id="nobody"))).kind == "not_found"
    assert (await world.ask(GetJournal(actor=REGISTRAR, student_id="nobody"))).kind == "not_found"


@pytest.mark.clause("15.2")
async def test_a_person_has_one_live_record(world):
    one = await student(world)
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.sql(
            """INSERT INTO students SELECT 'other', person_id, school, name, sex, birth_date, document_kind,
               masked_document, student_number, number_kind, verification, stage, cohort, placement, state, live,
               registered_at, version FROM students WHERE id = $1""",
            one,
        )


@pytest.mark.clause("15.2")
async def test_a_student_is_in_one_class_at_a_time(world):
    one = await student(world)
    with pytest.raises(asyncpg.UniqueViolationError):
        await world.sql(
            "INSERT INTO class_memberships (student_id, joined_on, class_id) VALUES ($1, '2026-10-01', 'k')", one
        )


@pytest.mark.clause("40", "21.1")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM students",
        "TRUNCATE students",
        "UPDATE students SET birth_date = '2019-01-01'",
        "UPDATE students SET person_id = 'x'",
        "UPDATE students SET registered_at = now()",
        "DELETE FROM class_memberships",
        "DELETE FROM former_numbers",
        "UPDATE former_numbers SET number = 'x'",
    ],
)
async def test_the_application_s_role_cannot(world, statement):
    await student(world)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)


@pytest.mark.clause("40")
@pytest.mark.parametrize("change", ["name = 'x'", "sex = '2'", "document_kind = 'Z'", "masked_document = 'x'"])
async def test_key_fields_change_by_an_approved_correction_alone(world, change):
    await student(world)
    with pytest.raises(asyncpg.RestrictViolationError):
        await world.sql(f"UPDATE students SET {change}")
