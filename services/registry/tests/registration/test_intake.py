"""Admission: set-based, repeatable, one live registration a person; and what the application may not do."""

from __future__ import annotations

import asyncio

import asyncpg
import msgspec
import pytest
from registry.registration import completion
from registry_world import SCHOOL, World
from shared_contracts.decisions import Decision
from sqlalchemy.exc import IntegrityError

pytestmark = pytest.mark.integration
ABOVE = "class.above_standard"


async def count(world: World, table: str) -> int:
    return (await world.sql(f"SELECT count(*) AS n FROM {table}"))[0]["n"]


@pytest.mark.clause("15.1", "13.1")
async def test_admission_makes_registrations_cases_and_missing_classes(world):
    await world.admit(*(world.admission(class_no=n % 2 + 1) for n in range(6)))
    assert [await count(world, table) for table in ("registrations", "cases", "profiles", "classes")] == [6, 6, 6, 2]
    (first, second) = await world.sql("SELECT * FROM classes ORDER BY class_no")
    assert (first["grade"], first["cohort"], first["stage"], first["system"]) == (1, 2026, "primary", "6-3")
    assert (first["class_no"], second["class_no"]) == (1, 2)


async def test_admitting_again_makes_nothing_twice(world):
    roster = await world.roster(0)
    admissions = [world.admission(roster_id=roster) for _ in range(4)]
    await world.admit(*admissions)
    await world.admit(*admissions, world.admission(roster_id=roster))
    assert [await count(world, table) for table in ("registrations", "cases", "profiles")] == [5, 5, 5]
    async with world.db.transaction() as tx:
        assert await completion.on_the_way(tx, roster) == 5


async def test_chunks_of_two_copies_at_once_make_each_class_once(world):
    await asyncio.gather(*(world.admit(*(world.admission(class_no=c) for c in (1, 2, 3))) for _ in range(4)))
    assert await count(world, "classes") == 3


@pytest.mark.clause("15.2")
async def test_one_person_is_on_the_way_once(world):
    await world.admit(world.admission(person_id="p"))
    with pytest.raises((IntegrityError, asyncpg.UniqueViolationError)):
        await world.admit(world.admission(person_id="p"))
    assert await count(world, "registrations") == 1


async def test_the_statements_of_an_admission_do_not_grow(world):
    counts = []
    for size in (3, 3, 500):
        chunk = [world.admission(roster_id="r", class_no=n % 10 + 1) for n in range(size)]
        async with world.db.unit(world.deps) as work:
            from registry.registration.intake import admit

            raw = (await work.tx.get_raw_connection()).driver_connection
            sent: list[str] = []
            with raw.query_logger(lambda record, sent=sent: sent.append(record.query)):
                assert await admit(work, SCHOOL, chunk) == size
                await asyncio.sleep(0)
            counts.append(len(sent))
    assert counts[1] == counts[2] <= 7


async def noted(world: World) -> list[str]:
    """Of each registration in the order in which they were entered: the note on its class, or nothing."""
    rows = await world.sql(
        """SELECT d.body FROM registrations r JOIN policy_decisions d ON d.id = r.decision_id ORDER BY r.row"""
    )
    found = [msgspec.json.decode(row["body"], type=Decision).findings for row in rows]
    assert all(f.outcome == "note" and f.clause == "11" and f.cure for fs in found for f in fs if f.code == ABOVE)
    return ["".join(f.message for f in findings if f.code == ABOVE) for findings in found]


@pytest.mark.clause("11")
async def test_who_makes_a_class_larger_than_the_standard_is_admitted_with_a_note(world):
    """The forty-fifth is not noted, the forty-sixth is; nobody is refused. At most one more decision a class is written."""
    said = "一年级1班将有47人，超过小学标准班额45人"
    await world.admit(*(world.admission(roster_id="r") for _ in range(40)))
    await world.admit(*(world.admission(roster_id="r", class_no=1 if n < 7 else 2) for n in range(10)))
    assert await noted(world) == [""] * 45 + [said] * 2 + [""] * 3
    assert await count(world, "policy_decisions") == 2
    await world.admit(world.admission(roster_id="r"))
    assert (await noted(world))[-1] == said.replace("47", "48")


@pytest.mark.clause("11")
async def test_a_county_s_own_standard_counts(world, monkeypatch):
    parameters = world.deps.policy.parameters
    monkeypatch.setattr(
        world.deps.policy,
        "parameters",
        lambda division, day: msgspec.structs.replace(parameters(division, day), class_size_primary=2),
    )
    await world.admit(*(world.admission(roster_id="r") for _ in range(3)))
    assert [bool(one) for one in await noted(world)] == [False, False, True]


@pytest.mark.clause("21.1", "15.1")
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM registrations",
        "TRUNCATE registrations",
        "UPDATE registrations SET name = 'x'",
        "UPDATE registrations SET birth_date = '2019-01-01'",
        "UPDATE registrations SET person_id = 'x'",
        "UPDATE registrations SET school = 'x'",
        "DELETE FROM cases",
        "UPDATE cases SET entered_by = 'x'",
        "DELETE FROM case_decisions",
        "UPDATE case_decisions SET account = 'x'",
        "DELETE FROM profiles",
        "UPDATE policy_decisions SET body = ''",
        "DELETE FROM policy_decisions",
        "DELETE FROM roster_counts",
        "DELETE FROM classes",
        "UPDATE classes SET cohort = 2000",
        "DROP TABLE registrations",
        "ALTER TABLE registrations DISABLE TRIGGER ALL",
        "CREATE TABLE mine (x int)",
    ],
)
async def test_the_application_s_role_cannot(world, statement):
    await world.one()
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)
