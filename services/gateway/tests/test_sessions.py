"""Signing in, going on, signing out; the refresh token in a body or in a cookie that only our own pages can use."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import msgspec
import pytest
from gateway.app import make_app
from gateway.edge import Edge
from gateway.settings import GatewaySettings
from gateway.throttle import FIRST_WAIT, FREE, LONGEST_WAIT, Throttle
from gateway_support import PASSWORD, REGISTRAR, SESSION, StandInBus, key, running, tokens
from service_kit.clock import Clock
from service_kit.files import FileStore
from shared_contracts.access import (
    ChangePassword,
    ConfirmSecondFactor,
    EndSession,
    EnrolSecondFactor,
    ListSessions,
    RecoveryCodes,
    RefreshSession,
    SecondFactorSeed,
    SessionPage,
    SessionView,
    SignIn,
    SignInAnswer,
)
from shared_contracts.messages import Ok

CREDENTIALS = {"username": REGISTRAR, "password": PASSWORD}
OURS = {"Sec-Fetch-Site": "same-origin", "Origin": "http://gateway"}


async def sign_in(http: httpx.AsyncClient, **more: Any) -> httpx.Response:
    return await http.post("/v1/sessions", json={**CREDENTIALS, **more})


async def test_signing_in_gives_a_token_that_opens_the_rest(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SignIn, tokens())
    answer = await anonymous.post("/v1/sessions", json=CREDENTIALS, headers={"User-Agent": "Browser " + "x" * 500})
    session = answer.json()
    assert (answer.status_code, answer.headers["Location"]) == (201, "/v1/sessions/current")
    assert answer.headers["Cache-Control"] == "no-store"
    assert (session["id"], session["token_type"], session["expires_in"]) == (SESSION, "Bearer", 300)
    assert session["refresh_token"] == "r-next"
    assert "set-cookie" not in answer.headers, "an API client keeps its token itself"
    assert session["account"] == {
        "username": REGISTRAR,
        "name": "李老师",
        "organisation": "2301000001",
        "roles": ["registrar"],
        "classes": [],
        "withheld": [],
        "limited": "",
    }
    asked = stand_in.last(SignIn)
    assert (asked.username, asked.password, asked.code) == (REGISTRAR, PASSWORD, "")
    assert asked.agent.startswith("Browser")
    assert len(asked.agent) == 200
    current = await anonymous.get(
        "/v1/sessions/current", headers={"Authorization": f"Bearer {session['access_token']}"}
    )
    assert current.json()["account"] == session["account"]
    assert current.json()["id"] == SESSION


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("answer", "status", "kind", "retry"),
    [
        (SignInAnswer(problem="wrong"), 401, "wrong_password", None),
        (SignInAnswer(problem="wrong", wait=8), 401, "wrong_password", "8"),
        (SignInAnswer(problem="locked", wait=30), 429, "too_many_attempts", "30"),
        (SignInAnswer(problem="code"), 401, "second_factor_required", None),
        (SignInAnswer(problem="sealed"), 403, "account_sealed", None),
        (SignInAnswer(problem="expired"), 403, "password_expired", None),
    ],
)
async def test_why_not_is_told_by_a_name_that_clients_know(
    anonymous: httpx.AsyncClient, stand_in: StandInBus, answer: SignInAnswer, status: int, kind: str, retry: str | None
) -> None:
    stand_in.answer(SignIn, answer)
    reply = await sign_in(anonymous)
    assert (reply.status_code, reply.json()["type"]) == (status, f"urn:xueji:problem:{kind}")
    assert reply.headers.get("Retry-After") == retry
    assert REGISTRAR not in reply.text
    assert ("WWW-Authenticate" in reply.headers) == (status == 401)


async def test_the_second_factors_code_goes_along(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SignIn, lambda command: tokens() if command.code == "123456" else SignInAnswer(problem="code"))
    assert (await sign_in(anonymous)).status_code == 401
    assert (await sign_in(anonymous, code=" 123456 ")).status_code == 201


@pytest.mark.clause("45.3")
async def test_who_guesses_from_one_address_has_to_wait(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SignIn, SignInAnswer(problem="wrong"))
    for number in range(FREE):
        answer = await anonymous.post("/v1/sessions", json={"username": f"a{number}", "password": "guess"})
        assert answer.status_code == 401
    asked = len(stand_in.asked)
    answer = await sign_in(anonymous)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= FIRST_WAIT
    assert len(stand_in.asked) == asked, "access is not even asked"


async def test_right_passwords_are_no_guesses(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SignIn, tokens())
    for _ in range(FREE + 5):
        assert (await sign_in(anonymous)).status_code == 201


def test_the_wait_doubles_to_a_limit_and_is_forgotten() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    assert sum(throttle.admit("1.2.3.4") == 0 for _ in range(200)) == FREE, "many at once are no way round"
    assert throttle.admit("4.3.2.1") == 0, "another address is not held up"
    waits = []
    for _ in range(14):
        wait = throttle.admit("1.2.3.4")
        waits.append(wait)
        now[0] += wait - 0.001
        assert throttle.admit("1.2.3.4") > 0
        now[0] += 0.002
        assert throttle.admit("1.2.3.4") == 0
    assert waits[:3] == pytest.approx([2.0, 4.0, 8.0])
    assert waits[-1] == pytest.approx(LONGEST_WAIT)
    now[0] += 3601
    assert throttle.admit("1.2.3.4") == 0


# ---- going on -------------------------------------------------------------------------------------------------------


async def test_a_refresh_token_of_the_body_gives_the_next_one(
    anonymous: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(RefreshSession, tokens())
    answer = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": "r-1"})
    assert (answer.status_code, answer.json()["refresh_token"]) == (200, "r-next")
    assert stand_in.last(RefreshSession).refresh_token == "r-1"
    assert "set-cookie" not in answer.headers
    for problem, kind in (("reused", "session_reused"), ("ended", "session_ended")):
        stand_in.answer(RefreshSession, SignInAnswer(problem=problem))  # type: ignore[arg-type]
        answer = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": "r-1"})
        assert (answer.status_code, answer.json()["type"]) == (401, f"urn:xueji:problem:{kind}")
        assert "r-1" not in answer.text


@pytest.mark.clause("45.3")
async def test_the_consoles_refresh_token_is_in_a_cookie_that_no_script_reads(
    anonymous: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(SignIn, tokens())
    answer = await sign_in(anonymous, refresh="cookie")
    assert answer.json()["refresh_token"] is None
    parts = [part.strip().lower() for part in answer.headers["set-cookie"].split(";")]
    assert parts[0].partition("=")[2].strip('"') == "r-next"
    assert {"httponly", "samesite=strict", "path=/v1/sessions"} <= set(parts)
    assert "r-next" not in answer.text

    stand_in.answer(RefreshSession, tokens())
    answer = await anonymous.post("/v1/sessions/refresh", json={}, headers=OURS)
    assert answer.status_code == 200
    assert stand_in.last(RefreshSession).refresh_token == "r-next"
    assert answer.json()["refresh_token"] is None
    assert "r-next" in answer.headers["set-cookie"]


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://gateway"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://sister.gateway"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
    ],
)
async def test_another_page_cannot_use_the_cookie(
    anonymous: httpx.AsyncClient, stand_in: StandInBus, headers: dict[str, str]
) -> None:
    stand_in.answer(SignIn, tokens())
    stand_in.answer(RefreshSession, tokens())
    await sign_in(anonymous, refresh="cookie")
    answer = await anonymous.post("/v1/sessions/refresh", json={}, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:xueji:problem:cross_site")
    form = await anonymous.post("/v1/sessions/refresh", data={"a": "b"}, headers=OURS)
    assert form.status_code == 415, "what a form can send is not read"
    assert not [message for message in stand_in.asked if isinstance(message, RefreshSession)]


async def test_a_cookie_that_is_worth_nothing_any_more_is_taken_back(
    anonymous: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(SignIn, tokens())
    await sign_in(anonymous, refresh="cookie")
    stand_in.answer(RefreshSession, SignInAnswer(problem="ended"))
    answer = await anonymous.post("/v1/sessions/refresh", json={}, headers=OURS)
    assert answer.status_code == 401
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert not anonymous.cookies


async def test_over_plain_http_the_origin_is_enough(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(SignIn, tokens())
    stand_in.answer(RefreshSession, tokens())
    await sign_in(anonymous, refresh="cookie")
    answer = await anonymous.post("/v1/sessions/refresh", json={}, headers={"Origin": "http://gateway"})
    assert answer.status_code == 200


async def test_without_any_token_there_is_nothing_to_go_on_with(
    anonymous: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    answer = await anonymous.post("/v1/sessions/refresh", json={}, headers=OURS)
    assert (answer.status_code, answer.json()["type"]) == (401, "urn:xueji:problem:session_ended")
    assert stand_in.asked == []


@pytest.fixture
async def production(
    settings: GatewaySettings, stand_in: StandInBus, files: FileStore
) -> AsyncIterator[httpx.AsyncClient]:
    changed = msgspec.structs.replace(settings, env="production")
    app = make_app(changed, bus=stand_in, files=files, clock=Clock())
    transport = httpx.ASGITransport(app=Edge(app, production=True))  # type: ignore[arg-type]
    async with running(app), httpx.AsyncClient(transport=transport, base_url="https://gateway") as http:
        yield http


async def test_in_production_the_cookie_goes_over_tls_alone(
    production: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(SignIn, tokens())
    cookie = (await sign_in(production, refresh="cookie")).headers["set-cookie"]
    assert cookie.startswith("__Secure-xueji-refresh=")
    assert "secure" in [part.strip().lower() for part in cookie.split(";")]


async def test_signing_out_ends_the_session_and_clears_the_cookie(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(EndSession, Ok())
    answer = await client.delete("/v1/sessions/current")
    assert (answer.status_code, answer.content) == (204, b"")
    assert stand_in.last(EndSession).session_id == SESSION
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    other = await client.delete("/v1/sessions/another-1")
    assert other.status_code == 204
    assert stand_in.last(EndSession).session_id == "another-1"
    assert "set-cookie" not in other.headers


async def test_sessions_are_listed(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    now = Clock().now()
    view = SessionView(
        id="s1",
        username=REGISTRAR,
        address="10.0.0.1",
        agent="Firefox",
        started_at=now,
        seen_at=now,
        expires_at=now + timedelta(hours=10),
    )
    stand_in.answer(ListSessions, SessionPage(items=(view,)))
    assert (await client.get("/v1/sessions")).json()["items"][0]["agent"] == "Firefox"
    query = stand_in.last(ListSessions)
    assert (query.username, query.live_only) == (None, True)
    await client.get("/v1/sessions?username=230100.officer&live=false")
    query = stand_in.last(ListSessions)
    assert (query.username, query.live_only) == ("230100.officer", False)


# ---- password and second factor -------------------------------------------------------------------------------------


async def test_the_own_password_is_changed(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(ChangePassword, Ok())
    body = {"current": PASSWORD, "new": "another-long-one"}
    answer = await client.put("/v1/sessions/current/password", json=body)
    assert (answer.status_code, answer.content) == (204, b"")
    command = stand_in.last(ChangePassword)
    assert (command.current, command.new, command.session) == (PASSWORD, "another-long-one", SESSION)
    await client.put("/v1/sessions/current/password", json=body)
    assert stand_in.last(ChangePassword).command_id != command.command_id, "a second try is a try of its own"


async def test_a_second_factor_is_bound_and_confirmed(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(EnrolSecondFactor, SecondFactorSeed(secret="ABC", uri="otpauth://totp/x", picture="<svg/>"))
    answer = await client.post("/v1/sessions/current/second-factor", json={"password": PASSWORD}, headers=key())
    assert (answer.status_code, answer.json()["uri"]) == (201, "otpauth://totp/x")
    assert stand_in.last(EnrolSecondFactor).password == PASSWORD
    stand_in.answer(ConfirmSecondFactor, RecoveryCodes(codes=("a", "b")))
    path = "/v1/sessions/current/second-factor/confirmation"
    answer = await client.post(path, json={"code": " 123 456 "}, headers=key())
    assert (answer.status_code, answer.json()["codes"]) == (200, ["a", "b"])
    assert stand_in.last(ConfirmSecondFactor).code == "123456"
    assert (await client.post(path, json={"code": "12345x"}, headers=key())).status_code == 422
