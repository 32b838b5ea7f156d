"""The form as of a day (clauses 14, 21.1, 21.2): nothing lost, nothing of later, nothing in the clear."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.records.custody import pass_custody
from registry.records.forms import Touched, fold
from registry.records.store import Klass
from registry_world import FAR_SCHOOL, OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, TEACHER, TODAY, World, actor
from shared_contracts.actors import Actor, Role, system
from shared_contracts.archive import GetArchive
from shared_contracts.clearing import UpdateProfile
from shared_contracts.records import GetJournal, GetStudentForm, StudentForm, StudentView

THERE = actor(Role.REGISTRAR, FAR_SCHOOL.code)
DAY = timedelta(days=1)
OLD, NEW, LAST = "13845678901", "13845678902", "13845678903"
MAIL = "home@example.cn"

# ---- the fold ----------------------------------------------------------------------------------------------------------

FIELDS = ("a", "b", "c")
FORMS = st.dictionaries(st.sampled_from(FIELDS), st.sampled_from("123"))


@pytest.mark.clause("14", "21.1")
@pytest.mark.parametrize(
    ("touched", "expected"),
    [
        ([], {"a": "3", "b": "x"}),
        ([(True, {"a": "1"}), (True, {"a": "2"})], {"a": "3", "b": "x"}),
        ([(True, {"a": "1"}), (False, {"a": "2"})], {"a": "2", "b": "x"}),
        ([(False, {"a": "1"}), (False, {"a": "2"})], {"a": "1", "b": "x"}),
        ([(False, {"a": "1", "b": None}), (False, {"a": "2"})], {"a": "1"}),  # b was empty
        ([(False, {"a": "1"}), (True, {"a": "2"})], {"a": "3", "b": "x"}),  # recorded first, holds later
        ([(False, {"c": "9"})], {"a": "3", "b": "x", "c": "9"}),  # taken away since
        ([(False, None), (False, {"a": "2"})], {"a": "2", "b": "x"}),  # erased: what the next one knows
    ],
)
def test_a_field_says_what_the_next_change_has_replaced(touched: Any, expected: dict[str, str]) -> None:
    changes = [Touched(fields=tuple(before or "a"), counts=counts, before=before) for counts, before in touched]
    assert fold({"a": "3", "b": "x"}, changes) == expected


@pytest.mark.clause("14", "21.1")
@given(st.lists(FORMS, min_size=1, max_size=8), st.data())
def test_every_form_that_ever_was_is_found_again(forms: list[dict[str, str]], data: Any) -> None:
    changes = [
        {key: before.get(key) for key in FIELDS if before.get(key) != after.get(key)}
        for before, after in itertools.pairwise(forms)
    ]
    then = data.draw(st.integers(0, len(forms) - 1))
    touched = [Touched(fields=tuple(c), counts=n < then, before=None if n < then else c) for n, c in enumerate(changes)]
    assert fold(forms[-1], touched) == forms[then]


# ---- a student ---------------------------------------------------------------------------------------------------------


async def student(world: World) -> str:
    one = await world.one()
    await world.bring_to(one, "done")
    await world.number(one)
    return one


async def update(world: World, one: str, who: Actor = REGISTRAR, **changes: str) -> None:
    (row,) = await world.sql("SELECT version FROM students WHERE id = $1", one)
    command = UpdateProfile(command_id=world.id(), actor=who, student_id=one, changes=changes, version=row["version"])
    reply = await world.do(command)
    assert isinstance(reply, StudentView), reply


async def form(world: World, one: str, on: date | None = None, who: Actor = REGISTRAR, **more: Any) -> Any:
    reply = await world.ask(GetStudentForm(actor=who, student_id=one, as_of=on, **more))
    return {item.key: item.value for item in reply.items if item.value} if isinstance(reply, StudentForm) else reply


@pytest.mark.integration
@pytest.mark.clause("14", "21.1")
async def test_the_form_of_a_day(world: World) -> None:
    one = await student(world)
    first = await form(world, one)
    world.clock.pass_(days=10)
    await update(world, one, phone=OLD, email=MAIL)
    world.clock.pass_(days=10)
    await update(world, one, phone=NEW)
    await update(world, one, phone=LAST, email="")
    second, third = TODAY + 10 * DAY, TODAY + 20 * DAY
    assert await form(world, one, TODAY) == await form(world, one, second - DAY) == first
    then = first | {"phone": OLD, "email": MAIL}
    assert await form(world, one, second) == await form(world, one, third - DAY) == then
    assert await form(world, one, third) == await form(world, one) == first | {"phone": LAST}
    assert await form(world, one, third, known_on=second) == then
    assert (await form(world, one, TODAY - DAY)).kind == "not_found"
    assert (await form(world, one, third + DAY)).kind == "invalid"
    shown = await world.ask(GetArchive(actor=REGISTRAR, student_id=one, as_of=second))
    assert (shown.form, shown.intact) == (then, True)


@pytest.mark.integration
@pytest.mark.clause("14", "45.1")
async def test_what_was_replaced_is_sealed_and_stays(world: World) -> None:
    one = await student(world)
    await update(world, one, phone=OLD)
    await update(world, one, phone=NEW)
    for table in ("journal", "form_changes", "outbox", "audit_outbox"):
        for row in await world.sql(f"SELECT t::text AS line FROM {table} t"):
            assert OLD not in row["line"] and OLD.encode().hex() not in row["line"], table
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    assert [sorted(entry.content["form"]) for entry in journal.entries[1:]] == [["digest", "fields"]] * 2
    for statement in ("UPDATE form_changes SET sealed = ''", "DELETE FROM form_changes"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.sql(statement)


@pytest.mark.integration
@pytest.mark.clause("21.1")
@pytest.mark.parametrize("harm", ["DELETE FROM form_changes", "UPDATE form_changes SET sealed = '\\x00'"])
async def test_an_archive_whose_former_values_were_tampered_with_is_not_intact(world: World, harm: str) -> None:
    one = await student(world)
    await update(world, one, phone=OLD)
    assert (await world.ask(GetArchive(actor=REGISTRAR, student_id=one))).intact
    owner = await asyncpg.connect(world.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        await owner.execute(harm)
    finally:
        await owner.close()
    assert not (await world.ask(GetArchive(actor=REGISTRAR, student_id=one))).intact


@pytest.mark.integration
@pytest.mark.clause("21.2", "3.1")
async def test_a_former_school_sees_nothing_of_later(world: World) -> None:
    one = await student(world)
    await update(world, one, phone=OLD)
    world.clock.pass_(days=10)
    left = world.clock.today()
    async with world.db.unit(world.deps) as work:
        moved = await pass_custody(work, one, FAR_SCHOOL, Klass(1, 3), actor=system("transfer"), on=left)
        assert isinstance(moved, StudentView)
    await update(world, one, THERE, phone=NEW)
    world.clock.pass_(days=10)
    await update(world, one, THERE, phone=LAST)
    assert (await form(world, one, who=THERE))["phone"] == LAST
    assert (await form(world, one, left, THERE))["phone"] == NEW
    for on in (None, TODAY, left, world.clock.today()):
        assert (await form(world, one, on))["phone"] == OLD, on
    async with world.db.unit(world.deps) as work:  # on to a third: the second never registered the pupil
        today = world.clock.today()
        await pass_custody(work, one, OTHER_SCHOOL, Klass(1, 1), actor=system("transfer"), on=today)
    third = actor(Role.REGISTRAR, OTHER_SCHOOL.code)
    await update(world, one, third, phone=OLD)
    assert (await form(world, one, who=third))["phone"] == OLD
    assert (await form(world, one, who=THERE))["phone"] == LAST
    assert (await form(world, one, left, THERE))["phone"] == NEW


@pytest.mark.integration
@pytest.mark.clause("3.1")
async def test_who_may_look_at_the_form(world: World) -> None:
    one = await student(world)
    for who in (REGISTRAR, PRINCIPAL, TEACHER, OFFICER):
        assert await form(world, one, who=who), who
    for who in (THERE, actor(Role.CLASS_TEACHER, FAR_SCHOOL.code), actor(Role.AUTHORITY_OFFICER, "230202")):
        assert (await form(world, one, who=who)).kind == "not_found"
    assert (await form(world, "nobody")).kind == "not_found"
