"""Each POST but those that need no account carries a key; the same key is the same command, another is another."""

from __future__ import annotations

import re

import httpx
import pytest
from gateway import openapi
from gateway.auth import PUBLIC
from gateway.guards import CONSUMES
from gateway.idempotency import repeatable, thing_id
from gateway_support import REGISTRAR, StandInBus, key, registration_view, roster_view
from litestar import Litestar
from shared_contracts.actors import Actor, Role
from shared_contracts.registry import (
    CancelRoster,
    ConfirmRoster,
    CorrectRegistration,
    DecideRoster,
    DecisionDone,
    EnterRegistration,
    RegistrationState,
)

ACTOR = Actor(account=REGISTRAR, name="", organisation="", roles=(Role.REGISTRAR,))


async def test_each_post_but_signing_in_needs_a_key(
    app: Litestar, client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    public = {path for path, _, handler in openapi.operations(app) if handler.opt.get(PUBLIC)}
    posts = {
        path: handler.opt[CONSUMES]
        for path, method, handler in openapi.operations(app)
        if method == "POST" and path not in public
    }
    assert public >= {"/v1/sessions", "/v1/sessions/refresh", "/oauth/token"}
    assert len(posts) >= 24
    for path, consumed in posts.items():
        multipart = consumed == "multipart/form-data"
        body = {"files": {"file": ("a.xlsx", b"x")}} if multipart else {"json": _body(path)}
        answer = await client.post(re.sub(r"\{[^}]+\}", "x1", path), **body)  # type: ignore[arg-type]
        assert answer.status_code == 422, f"{path}: {answer.text}"
        assert answer.json()["findings"][0]["fields"] == ["Idempotency-Key"], path
    assert stand_in.asked == []


def _body(path: str) -> object:
    return {
        "/v1/registrations": {"form": {"name": "x"}},
        "/v1/registrations/prechecks": {"form": {"name": "x"}},
        "/v1/students/searches": {"number": "1234567"},
        "/v1/notices/read": {"notice_ids": ["n1"]},
        "/v1/sessions/current/second-factor": {"password": "x"},
        "/v1/sessions/current/second-factor/confirmation": {"code": "123456"},
        "/v1/accounts": {"username": "x", "name": "x", "organisation": "230100", "roles": ["auditor"]},
        "/v1/clients": {
            "client_id": "x",
            "name": "x",
            "organisation": "230100",
            "scopes": ["students:read"],
            "expires_on": "2027-08-31",
        },
        "/v1/appointments": {
            "username": "x",
            "school": "2301000001",
            "school_year": 2026,
            "training": {"title": "x", "organiser": "x", "completed_on": "2026-08-20"},
            "begins_on": "2026-09-01",
        },
        "/v1/audit/alerts/{alert_id}/handling": {"conclusion": "x"},
        "/v1/incidents": {"happened_on": "2026-09-01", "title": "x", "description": "x", "measures": "x"},
    }.get(path, {"step": "school", "decision": "approve"} if path.endswith("decisions") else {"reason": "x"})


@pytest.mark.parametrize("text", ["", " ", "x" * 201, "two words", "ключ", "a\tb"])
async def test_a_key_is_visible_ascii_of_at_most_200(
    client: httpx.AsyncClient, stand_in: StandInBus, text: str
) -> None:
    stand_in.answer(ConfirmRoster, roster_view())
    headers = [(b"Idempotency-Key", text.encode())]
    answer = await client.post("/v1/rosters/r1/confirmation", headers=headers)
    assert answer.status_code == 422, text
    assert stand_in.asked == []
    longest = await client.post("/v1/rosters/r1/confirmation", headers=key("x" * 200))
    assert longest.status_code == 202


async def test_the_same_key_is_the_same_command_and_another_place_another(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(ConfirmRoster, roster_view())
    stand_in.answer(DecideRoster, DecisionDone(moved=1, state=RegistrationState.SCHOOL_APPROVED))

    async def command_id(path: str, idempotency_key: str) -> str:
        body = {"step": "school", "decision": "approve"} if path.endswith("decisions") else None
        answer = await client.post(path, json=body, headers=key(idempotency_key))
        assert answer.status_code in (200, 202)
        return stand_in.asked[-1].command_id  # type: ignore[union-attr]

    first = await command_id("/v1/rosters/r1/confirmation", "a")
    assert await command_id("/v1/rosters/r1/confirmation", "a") == first
    others = [
        await command_id("/v1/rosters/r1/confirmation", "b"),
        await command_id("/v1/rosters/r2/confirmation", "a"),
        await command_id("/v1/rosters/r1/decisions", "a"),
    ]
    assert len({first, *others}) == 4


async def test_a_new_thing_is_named_by_its_command(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(EnterRegistration, lambda command: registration_view(command.registration_id))
    answers = [
        await client.post("/v1/registrations", json={"form": {"name": "王小明"}}, headers=key(k))
        for k in ("a", "a", "b")
    ]
    ids = [answer.json()["id"] for answer in answers]
    assert ids[0] == ids[1] != ids[2]
    assert answers[0].headers["Location"] == f"/v1/registrations/{ids[0]}"
    assert answers[0].status_code == 201


def test_two_accounts_with_one_key_do_not_meet() -> None:
    other = Actor(account="another", name="", organisation="", roles=(Role.REGISTRAR,))
    assert thing_id(ACTOR, "roster", "c") != thing_id(other, "roster", "c")
    assert thing_id(ACTOR, "roster", "c") != thing_id(ACTOR, "registration", "c")
    assert repeatable(ACTOR, "cancel", "r1") != repeatable(other, "cancel", "r1")


async def test_edits_name_their_version_and_need_no_key(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(CorrectRegistration, registration_view(version=4))

    async def correct(if_match: str | None, **changes: str) -> httpx.Response:
        headers = {} if if_match is None else {"If-Match": if_match}
        return await client.patch("/v1/registrations/g1", json={"changes": changes}, headers=headers)

    answer = await correct('"3"', phone="13800000000")
    assert answer.status_code == 200
    assert answer.headers["ETag"] == '"4"'
    first = stand_in.last(CorrectRegistration)
    assert (first.version, first.changes) == (3, {"phone": "13800000000"})
    await correct('"3"', phone="13800000000")
    assert stand_in.last(CorrectRegistration).command_id == first.command_id
    await correct('"4"', phone="13800000000")
    assert stand_in.last(CorrectRegistration).command_id != first.command_id
    await correct('"3"', phone="13800000001")
    assert stand_in.last(CorrectRegistration).command_id != first.command_id

    missing = await correct(None, phone="1")
    assert (missing.status_code, missing.json()["type"]) == (428, "urn:xueji:problem:precondition_required")
    for wrong in ("3", '"x"', 'W/"3"', "*", '"-1"'):
        assert (await correct(wrong, phone="1")).status_code == 422, wrong


async def test_cancelling_twice_is_one_command(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(CancelRoster, roster_view())
    for _ in range(2):
        assert (await client.delete("/v1/rosters/r1")).status_code == 200
    assert len({message.command_id for message in stand_in.asked}) == 1  # type: ignore[union-attr]
