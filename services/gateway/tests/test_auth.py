"""No operation without an account but health, signing in and the API's description; every request says where it is from."""

from __future__ import annotations

import re

import httpx
import pytest
from gateway import openapi
from gateway.app import make_app
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from gateway_support import ACTOR, SESSION, SIGNER, StandInBus, key, roster_view, running
from litestar import Litestar
from service_kit.bus import Unavailable
from service_kit.clock import Clock
from service_kit.files import FileStore
from service_kit.origin import NOWHERE, Origin, origin
from shared_contracts.access import GetTokenState, SignIn, SignInAnswer
from shared_contracts.registry import ConfirmRoster, GetRoster

PUBLIC = {
    "POST /v1/sessions",
    "POST /v1/sessions/refresh",
    "POST /oauth/token",
    "GET /.well-known/jwks.json",
    "GET /v1/class-assignments/published/{assignment_number}",  # what parents recompute
    "GET /v1/transfer-rounds/published/{round_number}",  # the same
    "POST /v1/transfers/tracking",  # a guardian's, by number and digits
    "GET /health/live",
    "GET /health/ready",
    "GET /metrics",
    "GET /schema",
    "GET /schema/openapi.json",
    "GET /schema/{path}",  # Litestar's own 404
    "GET /",
    "GET /console/{name}",
}


async def test_every_operation_but_the_public_ones_asks_for_an_account(
    app: Litestar, anonymous: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    asked = set()
    for path, method, _ in openapi.operations(app):
        if f"{method} {path}" in PUBLIC:
            continue
        address = re.sub(r"\{[^}]+\}", "x1", path.replace("{year}", "2026"))
        answer = await anonymous.request(method, address, headers={"Idempotency-Key": "k"})
        asked.add(f"{method} {path}")
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    assert len(asked) >= 45
    assert {f"{method} {path}" for path, method, _ in openapi.operations(app)} - asked == PUBLIC
    assert stand_in.asked == []


async def test_only_a_bearer_token_signs_in(client: httpx.AsyncClient, token: str) -> None:
    for header in (f"Basic {token}", token, "Bearer", f"Bearer {token}x", "Bearer a b c"):
        answer = await client.get("/v1/sessions/current", headers={"Authorization": header})
        assert answer.status_code == 401, header
    assert (await client.get("/v1/sessions/current", headers={"Authorization": f"bearer  {token}"})).status_code == 200


async def test_the_actor_of_the_token_is_the_actor_of_the_question(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(GetRoster, roster_view())
    await client.get("/v1/rosters/r1")
    assert stand_in.last(GetRoster).actor == ACTOR


async def test_without_keys_it_is_503_and_not_a_lost_login(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetTokenState, Unavailable("not yet"))
    assert (await client.get("/health/ready")).json()["checks"]["keys"] != "ok"
    answer = await client.get("/v1/sessions/current")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
    assert (await client.get("/.well-known/jwks.json")).status_code == 503


async def test_the_public_keys_are_published(client: httpx.AsyncClient) -> None:
    await client.get("/v1/sessions/current")
    answer = await client.get("/.well-known/jwks.json", headers={"Authorization": ""})
    assert answer.json() == {"keys": [SIGNER.public]}
    assert answer.headers["content-type"] == "application/jwk-set+json"
    assert "max-age" in answer.headers["cache-control"]


@pytest.mark.clause("45.1")
async def test_every_question_says_where_it_comes_from(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetRoster, roster_view())
    await client.get("/v1/rosters/r1")
    await client.post("/v1/rosters/r2/confirmation", headers=key())
    stand_in.answer(SignIn, SignInAnswer(problem="wrong"))
    credentials = {"username": "a", "password": "b"}
    await client.post("/v1/sessions", json=credentials)
    assert [type(message) for message in stand_in.asked] == [GetRoster, ConfirmRoster, SignIn]
    assert stand_in.origins == [
        Origin(address="127.0.0.1", session=SESSION, operation="GET /v1/rosters/{roster_id}"),
        Origin(address="127.0.0.1", session=SESSION, operation="POST /v1/rosters/{roster_id}/confirmation"),
        Origin(address="127.0.0.1", session="", operation="POST /v1/sessions"),
    ]
    assert origin.get() is NOWHERE, "it ends with its request"


@pytest.mark.clause("45.1")
async def test_the_address_is_the_clients_where_a_known_proxy_says_so(
    settings: GatewaySettings, stand_in: StandInBus, files: FileStore
) -> None:
    from granian.utils.proxies import wrap_asgi_with_proxy_headers

    stand_in.answer(GetRoster, roster_view())
    app = make_app(settings, bus=stand_in, files=files, clock=Clock())
    headers = {"Authorization": f"Bearer {SIGNER.token()}", "X-Forwarded-For": "10.7.8.9"}
    for trusted, address in (("127.0.0.1", "10.7.8.9"), ("192.0.2.1", "127.0.0.1")):
        edge = wrap_asgi_with_proxy_headers(Edge(app), trusted_hosts=[trusted])
        transport = httpx.ASGITransport(app=edge)
        async with running(app), httpx.AsyncClient(transport=transport, base_url="http://g", headers=headers) as http:
            assert (await http.get("/v1/rosters/r1")).status_code == 200
        assert stand_in.origins[-1].address == address
