"""Full numbers over HTTP (clauses 45.1, 45.3): the registry is asked first, the purpose holds no number."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx
import pytest
from gateway_support import ACTOR, StandInBus, key
from service_kit.clock import Clock
from shared_contracts.decisions import refused
from shared_contracts.identity import NumberKind, RevealDocuments, Revealed, RevealedDocuments, Verification
from shared_contracts.records import GetStudent, StudentView

pytestmark = pytest.mark.clause("45.1")
NUMBER = "230102202003050012"


def student(**more: Any) -> StudentView:
    values: dict[str, Any] = {
        "id": "s1",
        "person_id": "p1",
        "school": ACTOR.organisation,
        "school_name": "第一小学",
        "name": "王小明",
        "sex": "1",
        "birth_date": date(2020, 3, 5),
        "masked_document": "230102********0012",
        "student_number": "G2301**********0012",
        "number_kind": NumberKind.G,
        "former_numbers": (),
        "verification": Verification.MATCHED,
        "stage": "primary",
        "grade": 1,
        "class_no": 1,
        "cohort": 2026,
        "placement": "ordinary",
        "state": "in_school",
        "registered_at": Clock().now(),
        "version": 1,
        **more,
    }
    return StudentView(**values)


@pytest.fixture
def identity(stand_in: StandInBus) -> StandInBus:
    stand_in.answer(GetStudent, student())
    person = Revealed(person_id="p1", document_number=NUMBER, student_number="G" + NUMBER, members=((1, "family"),))
    stand_in.answer(RevealDocuments, RevealedDocuments(persons=(person,)))
    return stand_in


async def reveal(client: httpx.AsyncClient, purpose: Any = "办理升学材料", **headers: str) -> httpx.Response:
    return await client.post("/v1/students/s1/reveal", json={"purpose": purpose}, headers=headers or key())


@pytest.mark.clause("45.3")
async def test_with_a_purpose_both_numbers_and_no_more(client: httpx.AsyncClient, identity: StandInBus) -> None:
    reply = await reveal(client)
    assert reply.status_code == 200, reply.text
    assert reply.json() == {"student_id": "s1", "document_number": NUMBER, "student_number": "G" + NUMBER}
    assert reply.headers["cache-control"] == "no-store"
    assert [type(message) for message in identity.asked] == [GetStudent, RevealDocuments]
    command = identity.last(RevealDocuments)
    assert (command.person_ids, command.purpose, command.actor) == (("p1",), "办理升学材料", ACTOR)


@pytest.mark.parametrize(
    "purpose",
    ["升学", "", None, "核" * 201, f"查{NUMBER}的材料", "查123456的材料", "查\n123456", "查１２３４５６的材料"],
)
async def test_a_purpose_is_a_sentence_without_a_number(
    client: httpx.AsyncClient, identity: StandInBus, purpose: Any
) -> None:
    reply = await reveal(client, purpose)
    assert reply.status_code == 422
    assert identity.asked == []
    assert NUMBER not in reply.text


@pytest.mark.parametrize("purpose", ["办理升学", "核" * 200, "核对12345号材料"])
async def test_purposes_at_the_edge(client: httpx.AsyncClient, identity: StandInBus, purpose: str) -> None:
    assert (await reveal(client, purpose)).status_code == 200


async def test_whoever_may_not_see_the_pupil_sees_no_number(client: httpx.AsyncClient, identity: StandInBus) -> None:
    identity.answer(GetStudent, refused("not_found", "没有这名学生"))
    assert (await reveal(client)).status_code == 404
    assert [type(message) for message in identity.asked] == [GetStudent]


async def test_a_former_school_keeps_a_copy_without_numbers(client: httpx.AsyncClient, identity: StandInBus) -> None:
    identity.answer(GetStudent, student(copy_as_of=date(2026, 10, 1)))
    assert (await reveal(client)).status_code == 403
    assert [type(message) for message in identity.asked] == [GetStudent]


async def test_identity_has_the_last_word(client: httpx.AsyncClient, identity: StandInBus) -> None:
    identity.answer(RevealDocuments, refused("forbidden", "不可以"))
    assert (await reveal(client)).status_code == 403


async def test_a_showing_needs_a_key_and_a_repeat_is_the_same_one(
    client: httpx.AsyncClient, identity: StandInBus
) -> None:
    assert (await client.post("/v1/students/s1/reveal", json={"purpose": "办理升学材料"})).status_code == 422
    await reveal(client)
    await reveal(client)
    first, second = (message for message in identity.asked if isinstance(message, RevealDocuments))
    assert first == second
