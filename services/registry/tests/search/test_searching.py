"""Searching on a real database: who is found, who is not, page by page, and what the worker keeps."""

from __future__ import annotations

import asyncio
import random

import msgspec
import pytest
from registry.clearing import merging
from registry.records import tables
from registry.search import handlers, store, worker
from registry_world import (
    AUTHORITY,
    CITY,
    FAR_SCHOOL,
    OFFICER,
    OTHER_SCHOOL,
    PROVINCE,
    REGISTRAR,
    SCHOOL,
    actor,
)
from search_world import SearchWorld
from service_kit.database import driver
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.search import Matched, SearchStudents
from sqlalchemy.dialects import postgresql

pytestmark = pytest.mark.asyncio

PROVINCIAL = actor(Role.AUTHORITY_OFFICER, PROVINCE)
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)
TEACHER = actor(Role.CLASS_TEACHER, classes=["1-02"])
CLIENT = msgspec.structs.replace(actor(Role.INTEGRATION_CLIENT, AUTHORITY), scopes=("students:read",))


async def test_a_pupil_is_found_by_name_pinyin_initials_and_told_why(world: SearchWorld):
    await world.pupil("单小明", former=("单红",))
    await world.keep_up()
    for text, why, former in [
        ("单小明", Matched.NAME, None),
        ("小明", Matched.NAME, None),
        ("shan xiao", Matched.PINYIN, None),
        ("sxm", Matched.INITIALS, None),
        ("单红", Matched.FORMER_NAME, "单红"),
        ("shanhong", Matched.FORMER_NAME, "单红"),
    ]:
        (found,) = await world.search(text)
        assert (found.name, found.matched, found.former_name) == ("单小明", why, former)


@pytest.mark.clause("3.1")
async def test_everybody_finds_those_within_reach_and_nobody_else(world: SearchWorld):
    await world.pupil("王甲")
    await world.pupil("王乙", class_no=2)
    await world.pupil("王丙", OTHER_SCHOOL)
    await world.pupil("王丁", FAR_SCHOOL)
    await world.keep_up()
    assert await world.names("王", PROVINCIAL) == ["王丁", "王丙", "王乙", "王甲"]
    for who in (CITY_OFFICER, OFFICER, CLIENT):
        assert await world.names("王", who) == ["王丙", "王乙", "王甲"]
    assert await world.names("王", REGISTRAR) == ["王乙", "王甲"]
    assert await world.names("王", TEACHER) == ["王乙"]
    assert await world.names("王丁", OFFICER) == []
    assert await world.names("王", OFFICER, school=FAR_SCHOOL.code) == []
    nobody = await world.ask(SearchStudents(actor=actor(Role.AUDITOR, PROVINCE), text="王"))
    assert isinstance(nobody, Refused)
    assert nobody.kind == "forbidden"


async def test_filters_narrow_a_search(world: SearchWorld):
    await world.pupil("王甲")
    await world.pupil("王乙", class_no=2, state="cancelled")
    await world.pupil("王丙", OTHER_SCHOOL, placement="home_teaching")
    await world.pupil("王戊", grade=2)
    await world.keep_up()
    for more, found in [
        ({"class_no": 2}, ["王乙"]),
        ({"grade": 2}, ["王戊"]),
        ({"school": OTHER_SCHOOL.code}, ["王丙"]),
        ({"state": "cancelled"}, ["王乙"]),
        ({"placement": "home_teaching"}, ["王丙"]),
        ({"stage": "junior"}, []),
        ({"grade": 1, "class_no": 1, "school": SCHOOL.code}, ["王甲"]),
    ]:
        assert await world.names("王", **more) == found
        assert await world.names("王", PROVINCIAL, **more) == found


@pytest.mark.clause("15.4")
async def test_a_person_found_by_a_number_is_shown_whatever_the_index_knows(world: SearchWorld):
    one = await world.pupil("王甲", person_id="p1", live=False)
    await world.pupil("李乙", person_id="p2")
    (found,) = await world.search(person_ids=("p1",))
    assert (found.id, found.matched) == (one, Matched.NUMBER)
    assert await world.names(person_ids=("p1", "p2")) == ["李乙", "王甲"]
    assert await world.names("李", person_ids=("p1", "p2")) == ["李乙"]
    assert await world.names(person_ids=()) == []
    too_many = await world.ask(SearchStudents(actor=OFFICER, person_ids=tuple(map(str, range(201)))))
    assert too_many.kind == "too_large"


@pytest.mark.clause("15.4", "22")
async def test_living_and_ended_records_of_a_person_are_each_found_by_their_index(world: SearchWorld):
    """No index has both: a statement that asks for neither alone would read every pupil."""
    named = merging.found_by(tables.students, ["p1", "p2"])
    plan = str(named.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))
    async with world.db.transaction() as tx:
        connection = await driver(tx)
        await connection.execute("SET LOCAL enable_seqscan = off")  # tables this small are read whole otherwise
        lines = [row[0] for row in await connection.fetch(f"EXPLAIN {plan}")]
    used = " ".join(lines)
    assert "students_one_a_person" in used and "students_not_live" in used
    assert "Seq Scan on students" not in used, used


@pytest.mark.parametrize(
    "query",
    [{}, {"text": ""}, {"text": "%"}, {"text": "a"}, {"text": "\x00"}, {"text": "王", "cursor": "x"},
     {"text": "王", "cursor": "WyJhIiwiYiIsLTFd"}],
)  # fmt: skip
async def test_what_cannot_be_answered_is_refused_with_a_cure(world: SearchWorld, query):
    reply = await world.ask(SearchStudents(actor=OFFICER, **query))
    assert reply.kind == "invalid"
    assert reply.detail.endswith("。")


@pytest.mark.parametrize("text", ["王%", "%王", "王_", "王\\", "王'--", "王\x00", "*王*"])
async def test_wildcards_find_no_more_than_what_stands_beside_them(world: SearchWorld, text):
    await world.pupil("王甲")
    await world.pupil("李乙")
    await world.keep_up()
    assert await world.names(text) == ["王甲"]


async def test_pages_follow_one_another_without_gap_or_repeat(world: SearchWorld, monkeypatch):
    monkeypatch.setattr(handlers, "MOST_EXAMINED", 4)
    ids = {
        await world.pupil(f"王小{'甲乙丙丁'[n % 4]}", OTHER_SCHOOL if n % 3 else SCHOOL, grade=1 + n % 2)
        for n in range(15)
    }
    await world.keep_up()
    for who, school in ((PROVINCIAL, None), (OFFICER, None), (OFFICER, SCHOOL.code)):
        for limit in (1, 2, 3, 50):
            found = [one.id for one in await world.search("小", who, limit=limit, school=school)]
            assert len(found) == len(set(found)) == (5 if school else 15)
            assert set(found) <= ids
    assert len(await world.search("小", grade=2)) == 7  # more looked at than one request may


async def test_a_pupil_of_several_fitting_terms_is_shown_once(world: SearchWorld):
    await world.pupil("明明明", former=("小明",))
    await world.keep_up()
    for who in (PROVINCIAL, REGISTRAR):
        assert await world.names("明", who) == ["明明明"]


async def test_the_index_follows_names_schools_and_authorities(world: SearchWorld):
    one = await world.pupil("王甲")
    assert await world.names("王甲") == []  # not yet
    assert await world.keep_up() == 1
    assert await world.names("王甲") == ["王甲"]
    await world.rename(one, "王甲", "赵甲")
    assert await world.names("赵甲") == []
    await world.keep_up()
    assert await world.names("赵甲") == ["赵甲"]
    assert await world.names("王甲") == ["赵甲"]
    assert await world.names("王甲", exact=True) == ["赵甲"]
    await world.move(one, FAR_SCHOOL)
    assert await world.names("赵甲") == []  # the record decides, whatever the index still says
    await world.keep_up()
    assert await world.names("赵甲") == []
    assert await world.names("赵甲", actor(Role.AUTHORITY_OFFICER, FAR_SCHOOL.authority)) == ["赵甲"]
    assert await world.keep_up() == 0
    moved = msgspec.structs.replace(FAR_SCHOOL, authority=AUTHORITY)
    await world.sql(
        "UPDATE organisations SET authority = $2 WHERE code = $1 AND valid_to IS NULL", moved.code, moved.authority
    )
    assert await world.keep_up() == 1
    assert await world.names("赵甲") == ["赵甲"]
    rows = await world.sql("SELECT term FROM search_terms")
    assert len(rows) == len({row["term"] for row in rows})  # nothing of before is left


async def test_a_change_of_something_else_asks_nothing_of_the_index(world: SearchWorld):
    one = await world.pupil("王甲")
    await world.keep_up()
    await world.sql("UPDATE students SET student_number = 'G1', version = version + 1 WHERE id = $1", one)
    await world.sql("UPDATE organisations SET locality = 'town'")
    assert await world.sql("SELECT * FROM search_pending") == []


async def test_all_are_asked_for_again_and_nothing_changes(world: SearchWorld):
    for n in range(7):
        await world.pupil(f"王{n}")
    await world.keep_up()
    before = await world.sql("SELECT * FROM search_terms ORDER BY 1, 2, 3")
    async with world.db.transaction() as tx:
        assert await store.ask_all(tx) == 7
    assert await world.keep_up() == 7
    assert await world.sql("SELECT * FROM search_terms ORDER BY 1, 2, 3") == before


async def test_two_workers_do_not_work_at_once(world: SearchWorld):
    await world.pupil("王甲")
    async with world.db.transaction() as first:
        assert await store.keep_up(first) == 1
        async with world.db.transaction() as second:
            assert await store.keep_up(second) == 0


async def test_what_is_found_is_what_a_look_at_every_pupil_finds(world: SearchWorld):
    """The same set, for random people and queries of every kind, over every reach."""
    chance = random.Random(5)
    readings = {"王": "wang", "李": "li", "单": "shan", "明": "ming", "小": "xiao", "红": "hong", "安": "an"}
    given = list(readings)[3:]
    people = []
    for _ in range(60):
        names = [chance.choice("王李单") + "".join(chance.choices(given, k=chance.randint(1, 2))) for _ in range(2)]
        former = names[1:] if chance.random() < 0.2 and names[0] != names[1] else []
        school = chance.choice([SCHOOL, OTHER_SCHOOL, FAR_SCHOOL])
        grade = chance.randint(1, 2)
        key = await world.pupil(names[0], school, former=tuple(former), grade=grade)
        people.append((key, [names[0], *former], school, grade))
    await world.keep_up()

    def naive(text: str, names: list[str]) -> bool:
        sounds = [[readings[c] for c in name] for name in names]
        return any(text in name for name in names) or any(
            "".join(sound).startswith(text) or "".join(s[0] for s in sound).startswith(text) for sound in sounds
        )

    queries = {"王", "小", "明红", "王小", "李安", "wa", "wang", "lix", "lm", "shanx", "sx", "wx", "sh", "xi", "红小安"}
    for text in sorted(queries):
        for who, sees in [
            (PROVINCIAL, lambda s: True),
            (CITY_OFFICER, lambda s: s.code != FAR_SCHOOL.code),
            (REGISTRAR, lambda s: s.code == SCHOOL.code),
        ]:
            for grade in (None, 2):
                expected = {
                    key
                    for key, names, school, of in people
                    if sees(school) and naive(text, names) and grade in (None, of)
                }
                found = [one.id for one in await world.search(text, who, grade=grade, limit=chance.randint(1, 30))]
                assert len(found) == len(set(found))
                assert set(found) == expected, (text, who.organisation, grade)


async def test_a_new_student_waits_for_the_index_within_the_same_transaction(world: SearchWorld):
    one = await world.one(name="欧阳小明")
    await world.bring_to(one, "done")
    await world.number(one)
    assert [row["student_ids"] for row in await world.sql("SELECT student_ids FROM search_pending")] == [[one]]
    await world.keep_up()
    (found,) = await world.search("ouyang", REGISTRAR)
    assert found.id == one


async def test_a_batch_takes_whole_rows_and_a_large_one_alone(world: SearchWorld, monkeypatch: pytest.MonkeyPatch):
    one = await world.pupil("王甲")
    await world.keep_up()
    monkeypatch.setattr(store, "BATCH", 3)
    for size in (1, 2, 2, 5, 1):
        await world.sql("INSERT INTO search_pending (student_ids) VALUES ($1)", [one] * size)
    took = []
    async with world.db.transaction() as tx:
        while done := await store.keep_up(tx):
            took.append(done)
    assert took == [3, 2, 5, 1]


async def test_the_worker_follows_whoever_comes_while_it_looks(world: SearchWorld):
    stop = asyncio.Event()
    running = asyncio.create_task(worker.run(world.kit, world.deps, stop))
    try:
        for name in ("王甲", "王乙"):
            await world.pupil(name)
            async with asyncio.timeout(60):
                while await world.sql("SELECT 1 FROM search_pending"):
                    await asyncio.sleep(0.05)
    finally:
        stop.set()
        await running
    assert await world.names("王") == ["王乙", "王甲"]
