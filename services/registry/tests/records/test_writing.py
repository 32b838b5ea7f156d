"""Whoever changes students writes their journals through one door: chained, in one order, all or nothing."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import msgspec
import pytest
from registry.records import kinds
from registry.records.journal import entry, intact
from registry.records.kinds import changed
from registry.records.store import append, journal_of
from registry.records.writing import Change, record
from registry_world import OFFICER, REGISTRAR, TODAY, World
from shared_contracts.records import GetJournal

pytestmark = pytest.mark.integration


async def student(world: World) -> str:
    one = await world.one()
    await world.bring_to(one, "done")
    await world.number(one)
    return one


def change(student_id: str, **more: Any) -> Change:
    values: dict[str, Any] = {
        "kind": "corrected",
        "clause": "39",
        "legal_date": TODAY,
        "content": changed({"name": "王小名"}, {"name": "王小明"}, case_id="c1"),
        "actor": OFFICER,
    }
    return Change(student_id=student_id, **(values | more))


async def write(world: World, *changes: Change) -> None:
    async with world.db.unit(world.deps) as work:
        await record(work, changes)


@pytest.mark.clause("21.1")
async def test_entries_continue_the_chains_of_their_students(world: World) -> None:
    one, two = await student(world), await student(world)
    await write(world, change(two), change(one), change(two, kind="class_moved", actor=None))
    async with world.db.transaction() as tx:
        first, second = await journal_of(tx, one), await journal_of(tx, two)
    assert intact(first)
    assert intact(second)
    assert [entry.kind for entry in first] == ["registered", "corrected"]
    assert [(entry.kind, entry.actor) for entry in second[1:]] == [
        ("corrected", OFFICER.account),
        ("class_moved", "system:registry"),
    ]
    shown = await world.ask(GetJournal(actor=REGISTRAR, student_id=one))
    assert [entry.title for entry in shown.entries] == ["建立学籍", "学籍信息更正"]
    assert shown.entries[1].content == {"before": {"name": "王小名"}, "after": {"name": "王小明"}, "case_id": "c1"}


@pytest.mark.clause("21.1")
async def test_two_writers_at_once_make_one_chain(world: World) -> None:
    ids = [await student(world) for _ in range(3)]
    await asyncio.gather(*(write(world, *map(change, order)) for order in (ids, ids[::-1], ids)))
    for one in ids:
        async with world.db.transaction() as tx:
            entries = await journal_of(tx, one)
        assert [entry.seq for entry in entries] == [1, 2, 3, 4]
        assert intact(entries)


@pytest.mark.clause("21.1")
@pytest.mark.parametrize(
    ("wrong", "error"),
    [({"kind": "whatever"}, ValueError), ({"student_id": "nobody"}, LookupError)],
)
async def test_a_change_that_cannot_be_written_writes_none(world: World, wrong: dict[str, Any], error: type) -> None:
    one = await student(world)
    with pytest.raises(error):
        await write(world, change(one), change(**({"student_id": one} | wrong)))
    assert len(await world.sql("SELECT 1 FROM journal")) == 1


@pytest.mark.clause("21.1")
@pytest.mark.parametrize(
    "wrong",
    [{"previous": b"x" * 32}, {"seq": 4}, {"seq": 3, "previous": b"x" * 32}, {"student_id": "nobody"}],
)
async def test_the_database_refuses_what_does_not_follow(world: World, wrong: dict[str, Any]) -> None:
    one = await student(world)
    await write(world, change(one))
    async with world.db.transaction() as tx:
        last = (await journal_of(tx, one))[-1]
    values: dict[str, Any] = {
        "kind": "corrected",
        "clause": "39",
        "legal_date": TODAY,
        "recorded_at": world.clock.now(),
    }
    made = entry(one, (last.seq, last.hash), actor="a", content={}, **values)
    with pytest.raises(asyncpg.RestrictViolationError):
        async with world.db.transaction() as tx:
            await append(tx, [msgspec.structs.replace(made, **wrong)])
    async with world.db.transaction() as tx:
        after = entry(one, (made.seq, made.hash), actor="a", content={}, **values)
        await append(tx, [made, after])  # two of one chain in one statement
        assert intact(await journal_of(tx, one))


async def test_nothing_to_write_is_nothing(world: World) -> None:
    await write(world)


@pytest.mark.clause("21.1")
def test_a_change_says_what_was_and_what_is() -> None:
    assert changed({"grade": 1, "class_no": 2}, {"grade": 1, "class_no": 3}, case_id="c") == {
        "case_id": "c",
        "before": {"class_no": 2},
        "after": {"class_no": 3},
    }
    with pytest.raises(ValueError, match="different things"):
        changed({"grade": 1}, {"class_no": 3})


def test_every_kind_has_a_chinese_title() -> None:
    assert all(title and not title.isascii() for title in kinds.TITLES.values())
    assert kinds.title("tomorrow") == "tomorrow"
