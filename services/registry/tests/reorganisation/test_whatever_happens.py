"""Whatever the schools look like and wherever the worker breaks off: no record is lost, doubled or in two schools (21.3)."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from moving_world import CITY_LEADER, OTHER_SCHOOL, SCHOOL, MovingWorld
from registry.app import MOVERS
from registry.moving import batches, store
from registry.organisations.store import put_versions
from registry.records import custody
from registry.reorganisation import carrying
from registry_world import view
from service_kit.ids import new_id
from shared_contracts.reorganisation import Merging, UndoReorganisation

pytestmark = [pytest.mark.integration, pytest.mark.clause("21.3")]
_codes = itertools.count(70_000)
_classes = st.lists(
    st.tuples(st.integers(1, 6), st.integers(1, 3), st.integers(1, 9)), max_size=5, unique_by=lambda c: c[:2]
)
_PLACES: tuple[tuple[Any, str], ...] = (
    (store, "mine"), (store, "moved"), (store, "freeze"), (custody, "_leave_copies"), (custody, "_move"),
    (batches, "_restore"), (carrying, "reconcile"), (carrying, "tell"),
)  # fmt: skip
_kills = st.lists(st.tuples(st.integers(0, len(_PLACES) - 1), st.booleans(), st.integers(1, 5)), max_size=4)


class Killed(BaseException):
    """Stands for a kill: no handler of ours catches it, and its transaction is rolled back."""


@contextlib.contextmanager
def breaking(place: int, before: bool, nth: int) -> Iterator[None]:
    module, name = _PLACES[place]
    original: Callable[..., Awaitable[Any]] = getattr(module, name)
    calls = 0

    async def wrapped(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == nth and before:
            raise Killed
        result = await original(*args, **kwargs)
        if calls == nth:
            raise Killed
        return result

    setattr(module, name, wrapped)
    try:
        yield
    finally:
        setattr(module, name, original)


async def carried(world: MovingWorld, id_: str, kills: Sequence[tuple[int, bool, int]]) -> str:
    """Killed here and there, and carried out in the end."""
    for kill in kills:
        with breaking(*kill):
            stop = asyncio.Event()
            task = asyncio.create_task(MOVERS.run(world.kit, world.deps, stop))
            with contextlib.suppress(Killed, TimeoutError):
                await asyncio.wait_for(asyncio.shield(task), 0.4)
            stop.set()
            with contextlib.suppress(Killed):
                await task
        await world.sql("UPDATE operations SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL")
        await consistent(world)
    return await world.carried(id_)


async def consistent(world: MovingWorld) -> None:
    """At every moment: in one class at most, and that of the own school; a live record at a school that is there."""
    assert not await world.sql(
        """SELECT FROM students s JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
           JOIN classes k ON k.id = m.class_id GROUP BY s.id, s.school
           HAVING count(*) > 1 OR bool_or(k.school <> s.school)"""
    )
    assert not await world.sql(
        """SELECT FROM students s WHERE s.live AND NOT EXISTS (
               SELECT FROM organisations o WHERE o.code = s.school AND o.valid_to IS NULL)"""
    )


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(here=_classes, there=_classes, ended=st.integers(0, 3), classless=st.integers(0, 2), kills=_kills, back=_kills)
async def test_a_merger_and_its_undo(
    world: MovingWorld,
    small_batches: None,
    here: list[tuple[int, int, int]],
    there: list[tuple[int, int, int]],
    ended: int,
    classless: int,
    kills: list[tuple[int, bool, int]],
    back: list[tuple[int, bool, int]],
) -> None:
    into, from_ = (msgspec.structs.replace(school, code=f"21231{next(_codes)}") for school in (SCHOOL, OTHER_SCHOOL))
    async with world.db.transaction() as tx:
        await put_versions(tx, [view(into), view(from_)], date(2020, 1, 1))
    for school, classes in ((into, here), (from_, there)):
        for grade, number, pupils in classes:
            await world.pupils(school, grade, number, pupils)
    await world.pupils(from_, None, None, classless)
    await world.pupils(from_, 6, 1, ended, state="graduated")
    state = "SELECT id, school, stage, state, live FROM students ORDER BY id"
    member = "SELECT student_id, class_id, joined_on FROM class_memberships WHERE left_on IS NULL ORDER BY 1"
    before, records = (await world.sql(state), await world.sql(member)), await world.records()
    sizes = sorted(pupils for _, _, pupils in (*here, *there))
    total = sum(pupils for _, _, pupils in there) + ended + classless

    id_ = await world.approved(Merging(ended=(from_.code,), into=into.code))
    assert await carried(world, id_, kills) == "done"
    await world.whole()
    assert await world.records() == records
    assert not await world.sql("SELECT FROM students WHERE school = $1", from_.code)
    counted = await world.sql(
        """SELECT count(*) AS n FROM class_memberships m JOIN classes k ON k.id = m.class_id
           WHERE m.left_on IS NULL AND k.school = $1 GROUP BY k.id""",
        into.code,
    )
    assert sorted(row["n"] for row in counted) == sizes, "classes stay together"
    copies = await world.sql("SELECT count(*) AS n FROM student_copies WHERE school = $1", from_.code)
    assert copies[0]["n"] == total, "one copy a move"

    undo = UndoReorganisation(command_id=new_id(), actor=CITY_LEADER, reorganisation_id=id_, reason="文件撤销")
    assert (await world.do(undo)).state == "undoing"
    assert await carried(world, id_, back) == "undone"
    await world.whole()
    assert (await world.sql(state), await world.sql(member)) == before
