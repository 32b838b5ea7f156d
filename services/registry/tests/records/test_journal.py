"""The chain of hashes: whatever is changed, left out, moved or added is seen; what Article 38 erases is not missed."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

import asyncpg
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.records import journal, store
from registry.records.journal import GENESIS, Entry, intact

WHEN = datetime(2026, 9, 10, 10, 0, 0, 123456, tzinfo=ZoneInfo("Asia/Shanghai"))

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["甲", "b", "c"]), inner, max_size=3),
    max_leaves=6,
)
CONTENT = st.dictionaries(st.sampled_from(["grade", "班级", "number", "z"]), VALUES, max_size=4)


def chain(contents: list[dict], student: str = "s") -> list[Entry]:
    entries: list[Entry] = []
    for content in contents:
        after = (entries[-1].seq, entries[-1].hash) if entries else (0, GENESIS)
        entries.append(
            journal.entry(
                student, after, kind="registered", clause="15.1", legal_date=date(2026, 9, 10), recorded_at=WHEN,
                actor="a", content=content,
            )
        )  # fmt: skip
    return entries


@pytest.mark.clause("21.1")
@given(st.lists(CONTENT, max_size=5))
def test_an_untouched_chain_is_whole(contents):
    assert intact(chain(contents))


@pytest.mark.clause("21.1")
@given(st.lists(CONTENT, min_size=2, max_size=5), st.data())
def test_any_change_breaks_it(contents, data):
    entries = chain(contents)
    at = data.draw(st.integers(0, len(entries) - 1))
    name, value = data.draw(
        st.sampled_from(
            [
                ("content", {"other": 1}), ("kind", "other"), ("clause", None), ("legal_date", date(2020, 1, 1)),
                ("recorded_at", WHEN.replace(microsecond=1)), ("actor", "b"), ("student_id", "t"), ("seq", 99),
                ("salt", b"x" * 16), ("digest", b"x" * 32), ("previous", b"x" * 32), ("hash", b"x" * 32),
            ]
        )
    )  # fmt: skip
    entries[at] = msgspec.structs.replace(entries[at], **{name: value})
    assert not intact(entries)


@pytest.mark.clause("21.1")
@given(st.lists(CONTENT, min_size=2, max_size=5), st.data())
def test_nothing_is_left_out_or_moved(contents, data):
    entries = chain(contents)
    at = data.draw(st.integers(0, len(entries) - 2))
    assert not intact([*entries[:at], *entries[at + 1 :]])
    assert not intact([*entries[:at], entries[at + 1], entries[at], *entries[at + 2 :]])


@pytest.mark.clause("21.1")
def test_an_erased_entry_leaves_the_chain_whole_and_tells_nothing():
    entries = chain([{"name": "王小明"}, {"grade": 2}])
    erased = msgspec.structs.replace(entries[0], content=None, salt=None)
    assert intact([erased, entries[1]])
    # Without the salt a guess at the content cannot be tried out.
    again = chain([{"name": "王小明"}])[0]
    assert again.digest != entries[0].digest


# ---- in the database ----------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.clause("21.1")
async def test_what_comes_back_from_the_database_is_what_was_sealed(world):
    contents = [{"班级": 1, "list": [1, "二", None, {"z": True, "a": False}], "大": 2**53}, {}, {"b": '\u2028"\\'}]
    entries = chain(contents)
    async with world.db.transaction() as tx:
        await store.append(tx, entries)
    async with world.db.transaction() as tx:
        stored = await store.journal_of(tx, "s")
    assert [entry.content for entry in stored] == contents
    assert intact(stored)


@pytest.mark.integration
@pytest.mark.clause("21.1")
async def test_two_entries_of_one_number_cannot_be(world):
    entries = chain([{}])
    async with world.db.transaction() as tx:
        await store.append(tx, entries)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with world.db.transaction() as tx:
            await store.append(tx, chain([{"other": 1}]))


@pytest.mark.integration
@pytest.mark.clause("21.1")
@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE journal SET actor = 'x'",
        "UPDATE journal SET content = NULL, salt = NULL",
        "DELETE FROM journal",
        "TRUNCATE journal",
    ],
)
async def test_the_application_can_neither_change_nor_remove_an_entry(world, statement):
    async with world.db.transaction() as tx:
        await store.append(tx, chain([{}]))
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)


@pytest.mark.integration
@pytest.mark.clause("21.1")
async def test_the_owner_can_only_empty_an_entry(world):
    async with world.db.transaction() as tx:
        await store.append(tx, chain([{"a": 1}, {"b": 2}]))
    owner = await asyncpg.connect(world.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        for statement in (
            "UPDATE journal SET actor = 'x'",
            "UPDATE journal SET content = '{}'",
            "DELETE FROM journal",
            "TRUNCATE journal",
            "UPDATE journal SET content = NULL, salt = NULL, clause = 'x'",
        ):
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(statement)
        await owner.execute("UPDATE journal SET content = NULL, salt = NULL WHERE seq = 1")
    finally:
        await owner.close()
    async with world.db.transaction() as tx:
        assert intact(await store.journal_of(tx, "s"))
