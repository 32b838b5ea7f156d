"""A synthetic province: what is planned, what is loaded, and that the checker sees what is not as it must be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any

import asyncpg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.organisations.store import put_versions
from service_kit import settings
from service_kit.clock import Clock
from service_kit.database import Database
from xueji_local import province
from xueji_local.seeding import checking, loading, plan
from xueji_local.seeding.checking import Inconsistent
from xueji_local.seeding.loading import Refusal, Target

STUDENTS, SEED, TODAY = 2_000, 20260901, date(2026, 11, 28)


def silent(what: str, done: int, total: int) -> None:
    assert done <= total, what


# ---- the plan -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("students", [9, 2_000, 200_000])
def test_each_pupil_has_a_place_and_no_class_is_too_large(students: int) -> None:
    classes = [one for grade in plan.GRADES for one in plan.classes(students, grade)]
    assert sum(one.pupils for one in classes) == students
    assert all(0 < one.pupils <= plan.CLASS_SIZE for one in classes)
    assert all(one.school.carries(one.grade) for one in classes)
    assert len({(one.school.view.code, one.grade, one.class_no) for one in classes}) == len(classes)
    assert {one.school.view.code for one in classes} <= {one.view.code for one in plan.schools(students)}


def test_two_million_sit_in_about_three_thousand_schools_of_all_kinds() -> None:
    schools = plan.schools(2_000_000)
    assert 2_800 < len(schools) < 3_400
    kinds = Counter(one.view.school_type for one in schools)
    assert {"211", "218", "311", "312", "341", "345", "513"} <= set(kinds)
    assert {one.view.system for one in schools} == {"6-3", "5-4"}
    assert {one.view.ownership for one in schools} == {"public", "private"}
    assert any(one.view.authority != one.county for one in schools)  # managed by the city
    counties = [sum(by) for by in plan.pupils_by_county(2_000_000).values()]
    assert max(counties) > 5 * min(counties)


@given(st.integers(0, 10_000), st.lists(st.floats(0.01, 100), min_size=1, max_size=40))
def test_shares_are_whole_and_add_up(total: int, weights: list[float]) -> None:
    found = plan.shares(total, weights)
    assert sum(found) == total
    assert all(abs(one - total * weight / sum(weights)) < 1 + 1e-6 for one, weight in zip(found, weights, strict=True))


# ---- loading ------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def target(service_env: Callable[..., Any]) -> Target:
    return Target(registry=await service_env("registry"), identity=await service_env("identity"))


async def schools(target: Target) -> None:
    db = Database.from_settings(settings.load(target.registry), Clock(), "seeding-test")
    async with db.transaction() as tx:
        views = [view for view in province.organisations() if view.kind != "school"]
        await put_versions(tx, [*views, *(one for part in loading.organisations(STUDENTS) for one in part)], TODAY)
    await db.close()


async def test_a_province_is_loaded_proved_and_not_loaded_twice(target: Target) -> None:
    await loading.refuse(target, STUDENTS)
    await schools(target)
    await loading.load(target, STUDENTS, today=TODAY, seed=SEED, workers=2, progress=silent)
    done = await checking.check(target, STUDENTS, silent)
    assert done["sample"] >= checking.SAMPLE / 2
    registry = await asyncpg.connect(target.owner_url("registry"))
    try:
        names = await registry.fetch("SELECT name, count(*) AS c FROM students GROUP BY 1 HAVING count(*) > 1")
        assert names  # two pupils of one name occur
        made = await registry.fetchval("SELECT count(*) FROM pg_indexes WHERE indexname = 'students_one_a_person'")
        assert made == 1
        next_n = await registry.fetchval(
            """INSERT INTO search_entries (student_id, school, authority, terms,
                                           class_group, class_no, stage, state, placement)
               VALUES ('x', 's', 'a', '', 0, 0, 'p', 'i', 'o') RETURNING n"""
        )
        assert next_n == await registry.fetchval("SELECT max(n) FROM search_entries")
        await registry.execute("DELETE FROM search_entries WHERE student_id = 'x'")
    finally:
        await registry.close()
    with pytest.raises(Refusal, match="make reset"):
        await loading.refuse(target, STUDENTS)
    await _what_is_broken_is_seen(target)


async def _what_is_broken_is_seen(target: Target) -> None:
    """One thing after the other; what was broken before stays so."""
    registry = await asyncpg.connect(target.owner_url("registry"))
    identity = await asyncpg.connect(target.owner_url("identity"))
    student = await registry.fetchval("SELECT student_id FROM former_numbers LIMIT 1")
    for connection, breaking, says in [
        (registry, "UPDATE students SET student_number = 'G0' WHERE id = $1", "approved, with a form"),
        (registry, "UPDATE search_entries SET class_no = class_no + 1 WHERE student_id = $1", "of which class a pupil is"),
        (registry, "DELETE FROM class_memberships WHERE student_id = $1", "one present class"),
        (registry, "DELETE FROM search_terms WHERE n = (SELECT n FROM search_entries WHERE student_id = $1)",
         "each term of an entry"),
        (identity, "DELETE FROM record_claims WHERE registration_id = $1", "a claim a person"),
    ]:  # fmt: skip
        await connection.execute(breaking, student)
        with pytest.raises(Inconsistent, match=says):
            await checking.check(target, STUDENTS, silent)
    await registry.close()
    await identity.close()


@pytest.mark.parametrize(("students", "word"), [(8, "9 to"), (loading.MOST + 1, "9 to")])
async def test_impossible_sizes_are_refused(target: Target, students: int, word: str) -> None:
    with pytest.raises(Refusal, match=word):
        await loading.refuse(target, students)


async def test_it_is_refused_in_production(target: Target, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XUEJI_ENV", "production")
    with pytest.raises(Refusal, match="production"):
        await loading.refuse(target, STUDENTS)
