"""What an index row says of a pupil beside the name (pure), and that it follows the pupil (on a real database)."""

from __future__ import annotations

import typing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.migrations import versions
from registry.registration.situation import Placement
from registry.search import candidates, facts, handlers
from registry_world import OFFICER, OTHER_SCHOOL, PROVINCE, SCHOOL, actor
from regulation.school_year import Stage
from search_world import SearchWorld
from shared_contracts.actors import Role
from shared_contracts.records import StudentState

PROVINCIAL = actor(Role.AUTHORITY_OFFICER, PROVINCE)


def test_every_stage_state_and_placement_has_a_letter_of_its_own():
    for letters, known in [
        (facts.STAGES, set(map(str, Stage))),
        (facts.STATES, set(map(str, StudentState))),
        (facts.PLACEMENTS, set(typing.get_args(Placement))),
    ]:
        assert set(letters) == known
        assert len(set(letters.values())) == len(letters)
        assert all(len(letter) == 1 and letter.isascii() and letter != facts.OTHER for letter in letters.values())


def test_the_narrow_indexes_leave_out_exactly_the_usual():
    text = Path(next(iter(versions.__path__)), "0011_search.py").read_text("utf-8")
    assert f"WHERE state <> '{facts.USUAL_STATE}'" in text
    assert f"WHERE placement <> '{facts.USUAL_PLACEMENT}'" in text
    assert "(grade, " + facts.group_of("").replace(".", "") + ")" in text


_VALUE = st.sampled_from(
    [None, "in_school", "graduated", "ordinary", "home_teaching", "primary", "junior", "what comes"]
)


@given(st.none() | st.integers(1, 9), st.none() | st.integers(1, 40), _VALUE, _VALUE, _VALUE)
def test_a_filter_leads_or_leaves_out_and_forgets_nothing(grade, class_no, stage, state, placement):
    found = facts.wanted(grade, class_no, stage, state, placement)
    own = facts.of(20261, class_no, stage or "primary", state or "in_school", placement or "ordinary")
    assert (found.grade, found.class_no) == (grade, class_no)
    assert found.stage in (None, own.stage)
    assert (found.stage is None) == (stage is None)
    for asked, usual, few, letter in [
        (state, found.state, found.few_state, own.state),
        (placement, found.placement, found.few_placement, own.placement),
    ]:
        assert [value for value in (usual, few) if value is not None] == ([] if asked is None else [letter])
    assert found.few_state != facts.USUAL_STATE
    assert found.few_placement != facts.USUAL_PLACEMENT


def test_a_class_of_each_year_and_stage_has_a_number_that_fits():
    assert facts.group(2026, "primary") == 20260
    assert facts.group(2026, "junior") == 20261
    assert facts.of(None, None, "primary", "in_school", "ordinary") == (0, 0, "p", "i", "o")


async def _says(world: SearchWorld, key: str) -> set[tuple[object, ...]]:
    """What the rows of one pupil say: of all of them the same as of its entry."""
    rows = await world.sql(
        """SELECT t.class_group, t.class_no, t.stage::text, t.state::text, t.placement::text
           FROM search_terms t JOIN search_entries e USING (n) WHERE e.student_id = $1
           UNION SELECT class_group, class_no, stage::text, state::text, placement::text
           FROM search_entries WHERE student_id = $1""",
        key,
    )
    return {tuple(row) for row in rows}


@pytest.mark.asyncio
async def test_the_index_follows_class_state_and_placement(world: SearchWorld):
    one = await world.pupil("王甲", grade=2, class_no=3)
    await world.keep_up()
    assert await _says(world, one) == {(20250, 3, "p", "i", "o")}
    await world.move(one, OTHER_SCHOOL)  # student and membership: two rows wait
    assert await world.keep_up() == 2
    assert await _says(world, one) == {(20260, 1, "p", "i", "o")}
    await world.as_owner("UPDATE students SET state = 'graduated', placement = 'home_teaching' WHERE id = $1", one)
    assert await world.keep_up() == 1
    assert await _says(world, one) == {(20260, 1, "p", "g", "h")}
    await world.sql("UPDATE class_memberships SET left_on = '2026-10-01' WHERE student_id = $1", one)
    assert await world.keep_up() == 1
    assert await _says(world, one) == {(0, 0, "p", "g", "h")}
    assert await world.names("王", state="graduated", placement="home_teaching") == ["王甲"]
    assert await world.names("王", state="graduated", placement="ordinary") == []
    assert await world.names("王", grade=1) == []


@pytest.mark.asyncio
async def test_a_class_that_is_joined_later_is_told_and_the_first_one_is_not_told_twice(world: SearchWorld):
    one = await world.pupil("王甲")
    assert len(await world.sql("SELECT * FROM search_pending")) == 1
    await world.keep_up()
    await world.sql("UPDATE class_memberships SET left_on = '2026-09-01' WHERE student_id = $1", one)
    await world.keep_up()
    assert await world.names("王", class_no=1) == []
    await world.sql(
        """INSERT INTO class_memberships (student_id, joined_on, class_id)
           SELECT student_id, '2026-10-01', class_id FROM class_memberships WHERE student_id = $1""",
        one,
    )
    assert await world.keep_up() == 1
    assert await world.names("王", class_no=1) == ["王甲"]


@pytest.mark.asyncio
async def test_a_promotion_touches_no_pupil_and_is_seen_at_once(world: SearchWorld):
    await world.pupil("王甲", grade=1)
    await world.keep_up()
    await world.sql("UPDATE classes SET grade = grade + 1")
    assert await world.sql("SELECT * FROM search_pending") == []
    for who in (OFFICER, PROVINCIAL):
        assert await world.names("王", who, grade=2) == ["王甲"]
        assert await world.names("王", who, grade=1) == []


@pytest.mark.asyncio
async def test_classes_of_one_grade_of_several_years_are_all_asked(world: SearchWorld):
    for grade, name in [(1, "王甲"), (2, "王乙"), (3, "王丙")]:
        await world.pupil(name, grade=grade)
    await world.keep_up()
    await world.sql("UPDATE classes SET grade = grade + 1 WHERE grade = 2")  # two years stand in grade 3 now
    for who in (OFFICER, PROVINCIAL):
        assert await world.names("王", who, grade=3) == ["王丙", "王乙"]


@pytest.mark.asyncio
async def test_a_state_without_a_letter_is_found_and_told_from_others(world: SearchWorld, monkeypatch):
    for state in ("graduated", "completed"):
        monkeypatch.delitem(facts.STATES, state)
    for name, state in [("王甲", "in_school"), ("王乙", "graduated"), ("王丙", "completed")]:
        await world.pupil(name, state=state)
    await world.keep_up()
    assert await world.names("王", state="graduated") == ["王乙"]
    assert await world.names("王", PROVINCIAL, state="completed") == ["王丙"]
    assert await world.names("王", state="in_school") == ["王甲"]


@pytest.mark.asyncio
async def test_one_request_looks_at_no_more_rows_than_it_may_and_the_next_one_goes_on(world: SearchWorld, monkeypatch):
    for n in range(9):
        await world.pupil(f"王{'甲乙丙丁戊己庚辛壬'[n]}", OTHER_SCHOOL if n % 2 else SCHOOL, grade=2 if n == 7 else 1)
    await world.keep_up()
    monkeypatch.setattr(handlers, "MOST_EXAMINED", 3)
    for who in (OFFICER, PROVINCIAL):
        pages, cursor, names = 0, None, []
        while True:
            page = await world.ask(handlers.SearchStudents(actor=who, text="王", grade=2, cursor=cursor))
            names += [one.name for one in page.items]
            pages, cursor = pages + 1, page.next_cursor
            assert page.examined <= 3
            if cursor is None:
                break
        assert names == ["王辛"]
        assert pages == 3  # nine rows, and the third page knows that it is the last


@pytest.mark.asyncio
async def test_few_lead_through_an_index_of_their_own(world: SearchWorld):
    """Whatever the table's size: no row of an ordinary pupil is looked at."""
    for n in range(6):
        await world.pupil(f"王{n}", placement="home_teaching" if n == 3 else "ordinary")
    await world.keep_up()
    async with world.db.transaction() as tx:
        wanted = facts.wanted(None, None, None, None, "home_teaching")
        search = candidates.Search(candidates.Stretch("", "\U0010ffff"), "王", False, wanted)
        (found,) = await candidates.of_authorities(tx, search, candidates.START, window=100, most=10)
    assert (found.looked, found.fits) == (1, True)
