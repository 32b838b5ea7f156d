"""Guardians hear once of each student and term that there is a report, and only where somebody can be reached (34.1)."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from archive_desk import ALL, EVALUATION, EXAM, FITNESS, add, item, student
from hypothesis import given
from hypothesis import strategies as st
from registry.archive import policy
from registry.archive.guardians import guardian_phone
from registry.registration.intake import form_context
from registry_world import REGISTRAR, World
from shared_contracts.actors import system
from shared_contracts.archive import EntriesAdded, Term
from shared_contracts.decisions import Refused
from shared_contracts.guardians import FindGuardianPhones, GuardianPhones

NOTIFICATIONS = system("notifications")
PHONE, OTHER = "13804510001", "13900000000"


async def told(world: World) -> list[dict[str, Any]]:
    rows = await world.sql(
        "SELECT convert_from(payload, 'UTF8') AS body FROM outbox WHERE subject = 'evt.registry.term_reports_entered'"
        " ORDER BY seq"
    )
    return [json.loads(row["body"]) for row in rows]


async def reachable(world: World, student_id: str, **form: str) -> None:
    sealed = world.deps.cipher.seal_bytes(msgspec.json.encode(form), form_context(student_id))
    await world.sql("UPDATE profiles SET form = $2 WHERE id = $1", student_id, sealed)


@pytest.mark.integration
@pytest.mark.clause("34.1")
async def test_once_a_student_and_term_whatever_is_added(world: World) -> None:
    one, two = await student(world), await student(world)
    await add(world, item(one, EXAM), item(two, EVALUATION), item(one, EVALUATION))
    await add(world, item(one, EXAM))
    (event,) = await told(world)
    assert (sorted(event["student_ids"]), event["school_year"], event["term"]) == (sorted([one, two]), 2026, "autumn")
    assert event["school"] == REGISTRAR.organisation and event["school_name"]
    assert "语文" not in str(event) and "王小明" not in str(event)
    world.clock.pass_(days=200)
    reply = await add(world, item(one, msgspec.structs.replace(EXAM, term=Term.SPRING)))
    assert isinstance(reply, EntriesAdded), reply
    assert [event["student_ids"] for event in await told(world)][1:] == [[one]]


@pytest.mark.integration
@pytest.mark.clause("34.1")
async def test_what_is_no_report_of_a_term_tells_nobody_and_neither_does_what_is_refused(world: World) -> None:
    one = await student(world)
    await add(world, *(item(one, entry) for entry in ALL if entry not in (EXAM, EVALUATION)))
    refused = await add(world, item(one, EXAM), item("nobody", FITNESS))
    assert isinstance(refused, Refused)
    assert await told(world) == []


@pytest.mark.integration
@pytest.mark.clause("34.1", "42")
async def test_numbers_are_for_services_and_of_live_records_alone(world: World) -> None:
    one, two, three = await student(world), await student(world), await student(world)
    for each in (one, three):
        await reachable(world, each, member1_guardian="1", member1_phone=PHONE)
    await reachable(world, two, member1_guardian="2", member1_phone=PHONE)
    await world.sql("UPDATE students SET live = false WHERE id = $1", three)
    query = FindGuardianPhones(actor=NOTIFICATIONS, student_ids=(one, two, three, "nobody"))
    found = await world.ask(query)
    assert isinstance(found, GuardianPhones)
    assert [(each.of, each.phone) for each in found.items] == [(one, PHONE)]
    assert isinstance(await world.ask(FindGuardianPhones(actor=REGISTRAR, student_ids=(one,))), Refused)


@pytest.mark.clause("34.1")
@pytest.mark.parametrize(("of", "said"), [(2024, False), (2025, True), (2026, True), (2027, False)])
def test_reports_of_this_school_year_and_the_last_one_are_told(of: int, said: bool) -> None:
    assert policy.is_told(of, 2026) is said


@pytest.mark.clause("34.1")
@pytest.mark.parametrize(
    ("form", "phone"),
    [
        ({"member1_guardian": "1", "member1_phone": PHONE}, PHONE),
        ({"member1_guardian": "2", "member1_phone": PHONE, "member2_guardian": "1", "member2_phone": OTHER}, OTHER),
        ({"member1_guardian": "1", "member1_phone": "0451-86410001"}, None),
        ({"member1_guardian": "1", "member1_phone": "1380451000"}, None),
        ({"member1_phone": PHONE}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_whose_number_it_is(form: dict[str, str], phone: str | None) -> None:
    assert guardian_phone(form) == phone


@pytest.mark.clause("34.1")
@given(
    form=st.fixed_dictionaries(
        {},
        optional={f"member{n}_{name}": st.sampled_from(["", "1", "2", PHONE, "110", "12345678901"])
                  for n in (1, 2) for name in ("guardian", "phone")},
    )
)  # fmt: skip
def test_nobody_but_a_guardian_is_ever_reached(form: dict[str, str]) -> None:
    phone = guardian_phone(form)
    assert phone is None or any(
        form.get(f"member{n}_guardian") == "1" and form.get(f"member{n}_phone") == phone == PHONE for n in (1, 2)
    )
