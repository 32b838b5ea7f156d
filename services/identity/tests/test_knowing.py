"""Children of age are known before anybody registers them, and are the same persons when somebody does."""

from __future__ import annotations

from typing import Any

import asyncpg
import msgspec
import pytest
from identity import matching
from identity.requests import Lane
from identity_support import OTHER_SCHOOL, REGISTRAR, SCHOOL, Desk, People
from service_kit.ids import new_id
from shared_contracts.actors import Actor, system
from shared_contracts.decisions import Refused
from shared_contracts.identity import OTHERS_NUMBER, FindPersons, KnowPersons, Member, PersonEntry
from shared_contracts.registry import Approved, RegistrationsClosed

pytestmark = pytest.mark.integration
COUNTY = "230102"


async def know(desk: Desk, *rows: PersonEntry, make: bool = True, actor: Actor | None = None) -> Any:
    return await desk.send(
        KnowPersons(
            command_id=new_id(), actor=actor or system("registry"), organisation=COUNTY, rows=tuple(rows), make=make
        )
    )


@pytest.mark.clause("5.2")
async def test_looking_makes_nobody_and_making_makes_each_once(desk: Desk, people: People) -> None:
    entries = people.entries(3)
    looked = await know(desk, *entries, make=False)
    assert [row.person_id for row in looked.rows] == [None] * 3
    assert await desk.value("SELECT count(*) FROM persons") == 0
    made = await know(desk, *entries)
    again = await know(desk, *entries)
    assert made == again
    assert len({row.person_id for row in made.rows}) == 3
    assert [row.masked_document[-2:] for row in made.rows] == [entry.document_number[-2:] for entry in entries]
    assert await desk.value("SELECT count(*) FROM record_claims") == 0
    assert [row.person_id for row in (await know(desk, *entries, make=False)).rows] == [
        row.person_id for row in made.rows
    ]


@pytest.mark.clause("5.2")
@pytest.mark.clause("15.2")
async def test_the_registration_finds_the_person_and_says_who_it_is(desk: Desk, people: People) -> None:
    entry = people.entry(1, name="王小名")
    ((listed,),) = ((await know(desk, entry)).rows,)
    mother = Member(slot=1, document_kind="1", document_number=people.number("230102", entry.birth_date, "2"))
    right = msgspec.structs.replace(entry, name="王小明", members=(mother,))
    _, staged = await desk.stage([right])
    assert (staged.rows[0].person_id, staged.rows[0].findings) == (listed.person_id, ())
    (claimed,) = await desk.enter([right])
    assert claimed.person_id == listed.person_id
    row = (await desk.rows("SELECT name, members FROM persons"))[0]
    assert row["name"] == "王小明" and row["members"] is not None
    now = (await know(desk, right)).rows[0]
    assert now.holder is not None and now.holder.school == SCHOOL
    wrong = (await know(desk, entry)).rows[0]
    assert [finding.code for finding in wrong.findings] == ["person.name_or_sex_differs"]
    assert wrong.person_id is None


@pytest.mark.clause("5.2")
async def test_a_child_of_a_list_outlives_a_registration_that_is_withdrawn(desk: Desk, people: People) -> None:
    entry, other = people.entry(1), people.entry(2)
    listed = (await know(desk, entry)).rows[0]
    first, second = await desk.enter([entry, other])
    closed = tuple(Approved(registration_id=c.registration_id, person_id=c.person_id) for c in (first, second))
    await desk.take(RegistrationsClosed(school=SCHOOL, closed=closed, reason="withdrawn"))
    assert [row["id"] for row in await desk.rows("SELECT id FROM persons")] == [listed.person_id]
    (again,) = await desk.enter([entry], school=OTHER_SCHOOL)
    assert again.person_id == listed.person_id


@pytest.mark.clause("5.2")
async def test_a_document_is_needed_and_told_which_is_wrong(desk: Desk, people: People) -> None:
    nothing = people.entry(1, document_kind="Z", document_number="")
    wrong = people.entry(2, document_number="230102202003050010")
    reply = await know(desk, nothing, wrong)
    assert [finding.code for finding in reply.rows[0].findings] == ["person.document_number"]
    assert reply.rows[1].findings and reply.rows[1].person_id is None
    assert await desk.value("SELECT count(*) FROM persons") == 0


async def test_only_a_service_may_ask(desk: Desk, people: People) -> None:
    reply = await know(desk, people.entry(), actor=REGISTRAR)
    assert isinstance(reply, Refused) and reply.kind == "forbidden"
    assert await desk.value("SELECT count(*) FROM persons") == 0


async def test_the_same_document_twice_in_one_request_is_refused(desk: Desk, people: People) -> None:
    entry = people.entry(1)
    reply = await know(desk, entry, msgspec.structs.replace(entry, row=2))
    assert isinstance(reply, Refused) and reply.kind == "invalid"


@pytest.mark.clause("40")
async def test_nothing_is_changed_of_a_person_who_has_a_number(desk: Desk, people: People) -> None:
    entry = people.entry(1)
    (listed,) = (await know(desk, entry)).rows
    await desk.rows("INSERT INTO student_numbers VALUES ('\\x01', $1, 'L', '\\x01', 'L1', now())", listed.person_id)
    await desk.rows(
        "SELECT establish_persons(ARRAY[$1], ARRAY['别人'], ARRAY['1'], ARRAY['230102'], ARRAY['{1}'])",
        listed.person_id,
    )
    assert await desk.value("SELECT name FROM persons") == entry.name


THERE = "L330106201803050001"


async def owners(desk: Desk, number: str) -> tuple[str, ...]:
    found = await desk.ask(FindPersons(actor=REGISTRAR, number=number))
    return tuple(found.person_ids)


@pytest.mark.clause("15.2")
@pytest.mark.clause("20.1")
@pytest.mark.parametrize("kind", ["L", "J"])
async def test_a_number_of_another_province_finds_its_person_once_there_is_one_of_ours(
    desk: Desk, people: People, kind: str
) -> None:
    entry = people.entry(1, former_number=f"{kind.lower()} 330106 20180305 0001")
    number = f"{kind}{THERE[1:]}"
    looked = (await know(desk, entry, make=False)).rows[0]
    assert (looked.person_id, await desk.value("SELECT count(*) FROM elsewhere_numbers")) == (None, 0)
    known = (await know(desk, entry)).rows[0]
    assert (await know(desk, entry)).rows == (known,), "told twice is told once"
    assert await owners(desk, number) == (), "an application that comes to nothing finds nobody"
    await desk.approve(await desk.enter([entry]))
    await matching.one_batch(desk.kit, desk.deps, Lane.FIRST)
    assert await owners(desk, number) == (known.person_id,)
    kept = (await desk.rows("SELECT kind, masked, number FROM elsewhere_numbers"))[0]
    assert (kept["kind"], kept["masked"][:1]) == (kind, kind)
    assert b"330106" not in kept["number"] and "20180305" not in kept["masked"]
    ours = await desk.rows("SELECT FROM student_numbers WHERE person_id = $1", known.person_id)
    assert len(ours) == 1, "the number of the other province is not one of ours"


@pytest.mark.clause("15.2")
@pytest.mark.clause("20.1")
async def test_who_is_found_by_a_number_is_not_made_a_second_time_under_another_document(
    desk: Desk, people: People
) -> None:
    first = people.entry(1, former_number=THERE)
    second = people.entry(2, former_number=THERE)
    await know(desk, first)
    assert (await know(desk, second)).rows[0].findings == (), "nobody has come yet: it keeps nobody else out"
    await desk.approve(await desk.enter([first]))
    await matching.one_batch(desk.kit, desk.deps, Lane.FIRST)
    assert (await know(desk, first)).rows[0].findings == ()
    third = people.entry(3, former_number=THERE)
    for make in (False, True):
        refused = (await know(desk, third, make=make)).rows[0]
        assert [(one.code, one.fields) for one in refused.findings] == [(OTHERS_NUMBER, ("former_number",))]
        assert refused.person_id is None
    assert await desk.value("SELECT count(*) FROM persons") == 2, "the third was made by nobody"
    ours = await desk.rows("SELECT person_id, number FROM student_numbers")
    number = desk.deps.vault.open_number(ours[0]["person_id"], ours[0]["number"])
    again = (await know(desk, people.entry(4, former_number=number))).rows[0]
    assert [one.code for one in again.findings] == [OTHERS_NUMBER], "nor by a number of ours: who had left comes back"


@pytest.mark.clause("15.2")
async def test_of_who_has_no_number_yet_what_is_told_last_stands(desk: Desk, people: People) -> None:
    entry = people.entry(1, former_number=THERE)
    await know(desk, entry)
    other = THERE[:-1] + "2"
    await know(desk, msgspec.structs.replace(entry, former_number=other))
    await know(desk, msgspec.structs.replace(entry, former_number="L12"))  # none: says nothing
    await desk.approve(await desk.enter([entry]))
    await matching.one_batch(desk.kit, desk.deps, Lane.FIRST)
    assert (len(await owners(desk, THERE)), len(await owners(desk, other))) == (0, 1)
    third = THERE[:-1] + "3"
    await know(desk, msgspec.structs.replace(entry, former_number=third))
    assert len(await owners(desk, other)) == len(await owners(desk, third)) == 1, "of a numbered person all stay"
    for role in (await desk.app(), await desk.owner()):
        for statement in ("DELETE FROM %s", "TRUNCATE %s", "UPDATE %s SET kind = 'J'"):
            with pytest.raises((asyncpg.InsufficientPrivilegeError, asyncpg.RestrictViolationError)):
                await role.execute(statement % "elsewhere_numbers")
        await role.close()
