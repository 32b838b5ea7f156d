"""Children of age are known before anybody registers them, and are the same persons when somebody does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from identity_support import OTHER_SCHOOL, REGISTRAR, SCHOOL, Desk, People
from service_kit.ids import new_id
from shared_contracts.actors import Actor, system
from shared_contracts.decisions import Refused
from shared_contracts.identity import KnowPersons, Member, PersonEntry
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
