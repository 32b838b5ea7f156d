"""The token endpoint speaks RFC 6749: its forms, its errors, its headers."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest
from gateway.throttle import FREE
from gateway_support import SIGNER, StandInBus
from service_kit.bus import Unavailable, Unknown
from shared_contracts.access import ClientGranted, GrantClient
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import refused
from shared_contracts.records import ListStudents, StudentPage

SECRET = "s3cret-秘"
FORM = {"grant_type": "client_credentials"}
GRANTED = ClientGranted(access_token="a.b.c", expires_in=300, scope="students:read")


def basic(name: str, secret: str) -> dict[str, str]:
    from urllib.parse import quote_plus

    pair = f"{quote_plus(name)}:{quote_plus(secret)}"
    return {"Authorization": "Basic " + base64.b64encode(pair.encode()).decode()}


async def ask(http: httpx.AsyncClient, form: Any, headers: dict[str, str] | None = None) -> httpx.Response:
    answer = await http.post("/oauth/token", data=form, headers=headers)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["content-type"].startswith("application/json")
    return answer


@pytest.mark.clause("45.3")
async def test_a_client_gets_a_token_by_basic_or_by_body(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GrantClient, GRANTED)
    for form, headers in (
        ({**FORM, "scope": "students:read"}, basic("市:平台", SECRET)),
        ({**FORM, "scope": "students:read", "client_id": "市:平台", "client_secret": SECRET}, None),
    ):
        answer = await ask(anonymous, form, headers)
        assert answer.status_code == 200
        assert answer.json() == {
            "access_token": "a.b.c",
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "students:read",
        }
        assert answer.headers["Pragma"] == "no-cache"
        command = stand_in.last(GrantClient)
        assert (command.client_id, command.client_secret, command.scope) == ("市:平台", SECRET, "students:read")
        assert SECRET not in repr(command)


@pytest.mark.parametrize(
    ("form", "headers", "status", "error"),
    [
        ({}, basic("c", SECRET), 400, "invalid_request"),
        ({"grant_type": ""}, basic("c", SECRET), 400, "invalid_request"),
        ({"grant_type": "password"}, basic("c", SECRET), 400, "unsupported_grant_type"),
        ({"grant_type": ["client_credentials", "client_credentials"]}, basic("c", SECRET), 400, "invalid_request"),
        ({**FORM, "scope": ["a", "b"]}, basic("c", SECRET), 400, "invalid_request"),
        ({**FORM, "client_id": "c", "client_secret": SECRET}, basic("c", SECRET), 400, "invalid_request"),
        ({**FORM, "client_id": "other"}, basic("c", SECRET), 400, "invalid_request"),
        (FORM, None, 401, "invalid_client"),
        ({**FORM, "client_id": "c"}, None, 401, "invalid_client"),
        (FORM, {"Authorization": "Basic !!!"}, 401, "invalid_client"),
        (FORM, {"Authorization": "Basic " + base64.b64encode(b"nocolon").decode()}, 401, "invalid_client"),
        (FORM, {"Authorization": "Bearer a.b.c"}, 401, "invalid_client"),
    ],
)
async def test_what_is_wrong_with_the_request_is_said_in_the_rfcs_words(
    anonymous: httpx.AsyncClient,
    stand_in: StandInBus,
    form: Any,
    headers: dict[str, str] | None,
    status: int,
    error: str,
) -> None:
    answer = await ask(anonymous, form, headers)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"].isascii()
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert stand_in.asked == []


@pytest.mark.parametrize(
    ("reply", "status", "error"),
    [
        (ClientGranted(error="invalid_client"), 401, "invalid_client"),
        (ClientGranted(error="invalid_scope"), 400, "invalid_scope"),
        (Unavailable("gone"), 503, "temporarily_unavailable"),
        (Unknown("late"), 503, "temporarily_unavailable"),
        (refused("unavailable", "稍后"), 503, "temporarily_unavailable"),
        (RuntimeError(SECRET), 500, "server_error"),
    ],
)
async def test_what_access_says_is_said_in_the_rfcs_words(
    anonymous: httpx.AsyncClient, stand_in: StandInBus, reply: Any, status: int, error: str
) -> None:
    stand_in.answer(GrantClient, reply)
    answer = await ask(anonymous, FORM, basic("c", SECRET))
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert SECRET not in answer.text


async def test_another_content_type_is_an_invalid_request(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    answer = await anonymous.post("/oauth/token", json=FORM, headers=basic("c", SECRET))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    answer = await anonymous.post(
        "/oauth/token",
        content=b"grant_type=client_credentials&x=\xff",
        headers={"Content-Type": "application/x-www-form-urlencoded", **basic("c", SECRET)},
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert stand_in.asked == []


async def test_guessing_secrets_gets_slower(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GrantClient, ClientGranted(error="invalid_client"))
    for _ in range(FREE):
        assert (await ask(anonymous, FORM, basic("c", "guess"))).status_code == 401
    answer = await ask(anonymous, FORM, basic("c", SECRET))
    assert (answer.status_code, answer.json()["error"]) == (429, "temporarily_unavailable")
    assert int(answer.headers["Retry-After"]) >= 1


async def test_a_clients_token_opens_the_api(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:

    actor = Actor(
        account="city-platform",
        name="市平台",
        organisation="230100",
        roles=(Role.INTEGRATION_CLIENT,),
        scopes=("students:read",),
    )
    token = SIGNER.token(actor, sid="client:city-platform")
    stand_in.answer(ListStudents, StudentPage(items=()))
    answer = await anonymous.get("/v1/students", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200
    assert stand_in.last(ListStudents).actor == actor
    assert stand_in.origins[-1].session == "client:city-platform"
