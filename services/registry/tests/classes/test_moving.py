"""A pupil moves to another class of the same grade, and nowhere else (clauses 11, 24.6.1, 25.5, 41)."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import asyncpg
import msgspec
import pytest
import registry_pupils as pupils
import sqlalchemy as sa
from classes_world import ClassesWorld
from hypothesis import given
from hypothesis import strategies as st
from registry.classes import policy
from registry.registration.intake import form_context
from registry_world import FAR_SCHOOL, OFFICER, OTHER_SCHOOL, REGISTRAR, SCHOOL, TEACHER, actor, codes
from shared_contracts import registry as contract
from shared_contracts.actors import Role
from shared_contracts.classes import AssignmentState, ClassMove, ListClassMoves, MovePupil
from shared_contracts.decisions import Outcome, Refused
from shared_contracts.messages import members
from shared_contracts.records import GetJournal, GetStudent
from shared_contracts.registry import CorrectRegistration

integration = pytest.mark.integration


def no(reply: Any, kind: str) -> Refused:
    assert isinstance(reply, Refused), reply
    assert reply.kind == kind, reply
    return reply


# ---- moving ----------------------------------------------------------------------------------------------------------


@integration
@pytest.mark.clause("41")
async def test_a_student_moves_with_a_reason_and_an_entry(world: ClassesWorld) -> None:
    (one,) = await world.students(1, 0)
    await world.grade(1, 0, class_no=2)
    world.clock.pass_(days=3)
    moved = await world.move(one, await world.class_id(2))
    assert isinstance(moved, ClassMove)
    assert (moved.from_class, moved.to_class, moved.moved_on) == (1, 2, date(2026, 9, 13))
    student = await world.ask(GetStudent(actor=REGISTRAR, student_id=one))
    assert (student.grade, student.class_no) == (1, 2)
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    entry = journal.entries[-1]
    assert journal.intact and entry.kind == "class_moved"
    assert (entry.content["before"], entry.content["after"]) == ({"class_no": 1}, {"class_no": 2})
    assert entry.content["reason"] == moved.reason
    rows = await world.sql("SELECT joined_on, left_on FROM class_memberships WHERE student_id = $1 ORDER BY 1", one)
    assert [tuple(row) for row in rows] == [(date(2026, 9, 10), date(2026, 9, 13)), (date(2026, 9, 13), None)]
    page = await world.ask(ListClassMoves(actor=OFFICER))
    assert page.items == (moved,)


@integration
async def test_there_and_back_on_one_day_leaves_one_membership(world: ClassesWorld) -> None:
    (one,) = await world.students(1, 0)
    await world.grade(1, 0, class_no=2)
    world.clock.pass_(days=1)
    await world.move(one, await world.class_id(2))
    await world.move(one, await world.class_id(1))
    rows = await world.sql(
        "SELECT class_id, left_on FROM class_memberships WHERE student_id = $1 ORDER BY joined_on", one
    )
    assert [row["left_on"] for row in rows] == [date(2026, 9, 11), None]
    assert {row["class_id"] for row in rows} == {await world.class_id(1)}


@integration
async def test_of_a_registration_the_class_that_the_record_begins_in(world: ClassesWorld) -> None:
    (one,) = await world.grade(1, 0)
    await world.grade(1, 0, class_no=2)
    await world.move(one, await world.class_id(2))
    assert (await world.get(one)).class_no == 2
    await world.sql("UPDATE cases SET status = 'approved', step = NULL, due_on = NULL WHERE id = $1", one)
    await world.number(one)
    assert (await world.ask(GetStudent(actor=REGISTRAR, student_id=one))).class_no == 2


@integration
@pytest.mark.clause("11")
@pytest.mark.parametrize(("there", "fits"), [(44, True), (45, False)])
async def test_a_move_pushes_no_class_above_the_standard(world: ClassesWorld, there: int, fits: bool) -> None:
    (one,) = await world.students(1, 0)
    await world.grade(there, 0, class_no=2)
    reply = await world.move(one, await world.class_id(2))
    if fits:
        assert isinstance(reply, ClassMove)
    else:
        assert codes(reply) == ["class.full"]
        assert reply.findings[0].facts["size"] == 46


@integration
@pytest.mark.clause("11")
async def test_two_moves_into_the_last_place_are_one(world: ClassesWorld) -> None:
    """Both look at 44 at the same time; the second one waits and is told that the class is full."""
    ids = await world.students(6, 0)
    await world.grade(44, 0, class_no=2)
    target = await world.class_id(2)
    replies = await asyncio.gather(*(world.move(one, target) for one in ids))
    assert sum(isinstance(reply, ClassMove) for reply in replies) == 1
    assert all(codes(reply) == ["class.full"] for reply in replies if isinstance(reply, Refused))


@integration
@pytest.mark.clause("24.6.1")
async def test_only_into_a_class_of_the_school_that_keeps_the_record(world: ClassesWorld) -> None:
    (one,) = await world.students(1, 0)
    await world.grade(1, 0, class_no=2, school=OTHER_SCHOOL)
    reply = await world.move(one, await world.class_id(2, school=OTHER_SCHOOL.code))
    assert codes(reply) == ["class.other_school"]
    assert reply.findings[0].clause == "24.6.1"
    foreign = actor(Role.PRINCIPAL, OTHER_SCHOOL.code)
    no(await world.move(one, await world.class_id(2, school=OTHER_SCHOOL.code), foreign), "not_found")


@integration
@pytest.mark.clause("25.5")
@pytest.mark.clause("41")
async def test_only_into_a_class_of_the_same_grade(world: ClassesWorld) -> None:
    (second,) = await world.students(1, 0, grade=2, birth_date=world.birth(7))
    (first,) = await world.students(1, 0)
    down = await world.move(second, await world.class_id(1, grade=1))
    assert [(found.clause, found.code) for found in down.findings] == [("25.5", "class.other_grade")]
    up = await world.move(first, await world.class_id(1, grade=2))
    assert [(found.clause, found.code) for found in up.findings] == [("41", "class.other_grade")]


@integration
async def test_what_is_no_move(world: ClassesWorld) -> None:
    (one,) = await world.students(1, 0)
    await world.grade(1, 0, class_no=2)
    own, other = await world.class_id(1), await world.class_id(2)
    no(await world.move(one, own), "conflict")
    no(await world.move("nobody", other), "not_found")
    no(await world.move(one, "no-class"), "not_found")
    for who in (REGISTRAR, TEACHER, OFFICER):
        no(await world.move(one, other, who), "forbidden")
    await world.owned("UPDATE students SET live = false WHERE id = $1", one)
    no(await world.move(one, other), "not_found")


# ---- moves and assignments -----------------------------------------------------------------------------------------------


@integration
@pytest.mark.clause("17")
async def test_nobody_on_a_closed_list_is_moved_before_it_is_applied(world: ClassesWorld) -> None:
    ids = await world.students(3, 3)
    await world.grade(1, 0, class_no=2)
    drawn = await world.drawn()
    other = await world.class_id(2)
    where = (await world.classes_of(ids[0]))[ids[0]]
    assert where == 1
    reply = no(await world.move(ids[0], other), "conflict")
    assert drawn.number in reply.detail
    await world.apply(drawn)
    present = (await world.classes_of(ids[0]))[ids[0]]
    assert isinstance(await world.move(ids[0], await world.class_id(3 - present)), ClassMove)


@integration
@pytest.mark.clause("17")
async def test_a_move_while_a_list_is_being_closed_comes_before_or_after_it(world: ClassesWorld) -> None:
    ids = await world.students(6, 6)
    await world.grade(1, 0, class_no=2)
    draft = await world.draft()
    other = await world.class_id(2)
    results = await asyncio.gather(world.commit(draft), *(world.move(one, other) for one in ids))
    closed, moves = results[0], results[1:]
    assert closed.state is AssignmentState.COMMITTED
    for one, move in zip(ids, moves, strict=True):
        assert (await world.classes_of(one))[one] == (2 if isinstance(move, ClassMove) else 1)
    assert all(isinstance(move, ClassMove) or "封存" in move.detail for move in moves)


@integration
@pytest.mark.clause("17")
async def test_of_assignments_begun_at_once_one_is(world: ClassesWorld) -> None:
    await world.grade(3, 3)
    replies = await asyncio.gather(*(world.draft() for _ in range(5)))
    assert sum(not isinstance(reply, Refused) for reply in replies) == 1
    assert all(reply.kind == "conflict" for reply in replies if isinstance(reply, Refused))


@integration
@pytest.mark.clause("17")
async def test_of_draws_and_applications_at_once_one_is(world: ClassesWorld) -> None:
    await world.students(6, 6)
    closed = await world.committed()
    world.clock.pass_(hours=24)
    replies = await asyncio.gather(*(world.draw(closed, value=f"{n}{n}{n}{n}") for n in range(4)))
    (drawn,) = [reply for reply in replies if not isinstance(reply, Refused)]
    done = await asyncio.gather(*(world.apply(drawn) for _ in range(4)))
    assert sum(not isinstance(reply, Refused) for reply in done) == 1
    ((entries,),) = await world.sql("SELECT count(*) FROM journal WHERE kind = 'class_assigned'")
    assert entries == 12


@integration
@pytest.mark.clause("17")
async def test_a_correction_neither_takes_the_class_back_nor_chooses_another(world: ClassesWorld) -> None:
    """The form was filled in with a provisional class; what was drawn since stays."""
    ids = await world.grade(4, 4)
    entry = pupils.check().entry
    assert entry is not None
    blob = world.deps.cipher.seal_bytes(msgspec.json.encode(entry.form), form_context(ids[0]))
    await world.sql("UPDATE profiles SET form = $2 WHERE id = $1", ids[0], blob)
    await world.apply(await world.drawn(11, 12))
    drawn = (await world.classes_of(ids[0]))[ids[0]]
    assert drawn in (11, 12)
    await world.decide(ids[0], "class_teacher", TEACHER, "return", reason="请核对电话")

    async def correct(**changes: str) -> Any:
        version = (await world.get(ids[0])).version
        command = CorrectRegistration(
            command_id=world.id(), actor=REGISTRAR, registration_id=ids[0], changes=changes, version=version
        )
        return await world.do(command)

    assert "一键分班" in no(await correct(class_no="3"), "refused").detail
    corrected = await correct(phone="13945009999")
    assert (corrected.state, corrected.class_no) == ("entered", drawn)


# ---- the database says so too --------------------------------------------------------------------------------------------


@integration
@pytest.mark.clause("24.6.1")
async def test_the_database_lets_no_student_into_a_class_of_another_school(world: ClassesWorld) -> None:
    (one,) = await world.students(1, 0)
    await world.grade(1, 0, school=FAR_SCHOOL)
    far = await world.class_id(1, school=FAR_SCHOOL.code)
    with pytest.raises(sa.exc.IntegrityError, match=r"24\.6\.1"):
        await world.sql("UPDATE class_memberships SET class_id = $2 WHERE student_id = $1", one, far)
    with pytest.raises(asyncpg.RestrictViolationError, match=r"24\.6\.1"):
        await world.owned("UPDATE students SET school = $2 WHERE id = $1", one, FAR_SCHOOL.code)
    with pytest.raises(asyncpg.RestrictViolationError, match=r"24\.6\.1"):
        await world.sql(
            """WITH left_ AS (UPDATE class_memberships SET left_on = '2026-09-11' WHERE student_id = $1 RETURNING 1)
               INSERT INTO class_memberships (student_id, joined_on, class_id)
               SELECT $1, '2026-09-11', $2 FROM left_""",
            one,
            far,
        )


@integration
@pytest.mark.clause("25.5")
@pytest.mark.clause("41")
@pytest.mark.parametrize(("grade", "allowed"), [(3, True), (1, False), (4, False)])
async def test_the_database_raises_a_grade_by_one_and_never_lowers_it(
    world: ClassesWorld, grade: int, allowed: bool
) -> None:
    await world.grade(1, 0, grade=2, birth_date=world.birth(7))
    change = world.sql("UPDATE classes SET grade = $1", grade)
    if allowed:
        await change
    else:
        with pytest.raises(asyncpg.RestrictViolationError, match=r"25\.5"):
            await change


# ---- no operation has a grade for a student --------------------------------------------------------------------------------

ENTRANCE = {"registry.enter_registration", "registry.correct_registration"}
"""Where a registration says the grade that the record begins in: in its form."""
OF_A_CLASS = {"registry.create_class", "registry.open_assignment"}
"""A grade of classes, not of a pupil."""
OF_STUDENTS = ("student_id", "student_ids", "pupil_id", "record_id", "record_ids")


@pytest.mark.clause("25.5")
@pytest.mark.clause("41")
def test_no_command_sets_the_grade_of_a_student() -> None:
    """Whatever names a student has no grade beside it, but the registration at the entrance."""
    looked_at = 0
    for command in members(contract.Commands):
        word = command.__struct_config__.tag
        names = {name for _, name, _ in walk(command)}
        looked_at += 1
        if word in ENTRANCE | OF_A_CLASS:
            continue
        if names & set(OF_STUDENTS):
            assert not names & {"grade", "new_grade", "to_grade", "cohort"}, word
    assert looked_at > 25


def walk(kind: type, seen: frozenset[type] = frozenset()) -> list[tuple[type, str, Any]]:
    """Every field of a message and of what is in it."""
    found = []
    if kind in seen or not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return found
    for field in msgspec.structs.fields(kind):
        found.append((kind, field.name, field.type))
        for inner in inside(field.type):
            found += walk(inner, seen | {kind})
    return found


def inside(annotation: Any) -> list[type]:
    arguments = getattr(annotation, "__args__", ())
    return [one for part in arguments for one in inside(part)] if arguments else [annotation]


@pytest.mark.clause("25.5")
@pytest.mark.clause("41")
@given(
    st.tuples(st.integers(1, 9), st.integers(2017, 2026)),
    st.tuples(st.integers(1, 9), st.integers(2017, 2026)),
)
def test_a_move_never_changes_the_grade(own: tuple[int, int], of_class: tuple[int, int]) -> None:
    found = policy.same_grade(own, of_class)
    assert (found.outcome is Outcome.PASS) == (own == of_class)


@pytest.mark.clause("24.6.1")
@given(st.sampled_from([SCHOOL.code, OTHER_SCHOOL.code]), st.sampled_from([SCHOOL.code, OTHER_SCHOOL.code]))
def test_a_pupil_is_placed_only_where_the_record_is(own: str, of_class: str) -> None:
    assert (policy.same_school(own, of_class).outcome is Outcome.PASS) == (own == of_class)


def test_a_move_names_a_class_and_nothing_else_of_the_pupil() -> None:
    assert set(MovePupil.__struct_fields__) == {"command_id", "actor", "move_id", "pupil_id", "class_id", "reason"}
