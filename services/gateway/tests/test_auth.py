"""No operation without an account but health, signing in and the API's description; tokens that do not hold do not."""

from __future__ import annotations

import base64
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import jwt
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from gateway import openapi
from gateway.accounts import FileAccounts, hash_password
from gateway.throttle import FIRST_WAIT, FREE, LONGEST_WAIT, Throttle
from gateway.tokens import AUDIENCE, ISSUER, Tokens
from gateway_support import PASSWORD, REGISTRAR, StandInBus, registrars, roster_view
from litestar import Litestar
from service_kit.clock import ZONE, FixedClock
from shared_contracts.actors import Role
from shared_contracts.registry import GetRoster

PUBLIC = {
    "POST /v1/sessions",
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
        answer = await anonymous.request(method, re.sub(r"\{[^}]+\}", "x1", path), headers={"Idempotency-Key": "k"})
        if f"{method} {path}" in PUBLIC:
            assert answer.status_code != 401, f"{method} {path}"
            continue
        asked.add(f"{method} {path}")
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")
        assert answer.headers["content-type"] == "application/problem+json"
    assert len(asked) >= 25
    assert stand_in.asked == []


async def test_signing_in_gives_a_token_that_opens_the_rest(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    answer = await anonymous.post("/v1/sessions", json={"username": REGISTRAR, "password": PASSWORD})
    session = answer.json()
    assert answer.status_code == 201
    assert session["token_type"] == "Bearer"
    assert session["expires_in"] == 30 * 60
    assert session["account"] == {
        "username": REGISTRAR,
        "name": "李老师",
        "organisation": "2301000001",
        "roles": ["registrar"],
        "classes": [],
    }
    headers = {"Authorization": f"Bearer {session['access_token']}"}
    current = await anonymous.get("/v1/sessions/current", headers=headers)
    assert current.json()["account"] == session["account"]
    stand_in.answer(GetRoster, roster_view())
    await anonymous.get("/v1/rosters/r1", headers=headers)
    actor = stand_in.last(GetRoster).actor
    assert (actor.account, actor.organisation, actor.roles) == (REGISTRAR, "2301000001", (Role.REGISTRAR,))


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("username", [REGISTRAR, "nobody"])
async def test_a_wrong_password_and_an_unknown_account_look_the_same(
    anonymous: httpx.AsyncClient, username: str
) -> None:
    answer = await anonymous.post("/v1/sessions", json={"username": username, "password": "wrong"})
    assert answer.status_code == 401
    problem = answer.json()
    problem.pop("trace_id", None)
    assert problem == {
        "type": "urn:xueji:problem:wrong_password",
        "title": "登录失败",
        "status": 401,
        "detail": "用户名或密码不正确。",
    }


async def test_an_unknown_account_costs_a_verification_too(
    accounts_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[str] = []

    def matches(encoded: str, password: str) -> bool:
        tried.append(encoded)
        return False

    monkeypatch.setattr("gateway.accounts._matches", matches)
    accounts = FileAccounts(accounts_file)
    await accounts.verify("nobody", "x")
    await accounts.verify(REGISTRAR, "x")
    assert len(tried) == 2
    parameters = [encoded.split("$")[1:4] for encoded in tried]
    assert parameters[0] == parameters[1] == ["argon2id", "v=19", parameters[0][2]]


@pytest.mark.clause("45.3")
async def test_guessing_is_slowed_down_and_says_for_how_long(anonymous: httpx.AsyncClient) -> None:
    for _ in range(FREE):
        answer = await anonymous.post("/v1/sessions", json={"username": REGISTRAR, "password": "guess"})
        assert answer.status_code == 401
    answer = await anonymous.post("/v1/sessions", json={"username": REGISTRAR, "password": PASSWORD})
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= FIRST_WAIT
    other = await anonymous.post("/v1/sessions", json={"username": "another", "password": "guess"})
    assert other.status_code == 401, "another account from the same address is not held up"


def test_the_wait_doubles_to_a_limit_and_is_forgiven() -> None:
    now = [0.0]
    throttle = Throttle(lambda: now[0])
    for _ in range(FREE):
        assert throttle.admit("a", "1.2.3.4") == 0
    waits = []
    for _ in range(14):
        wait = throttle.admit("a", "1.2.3.4")
        waits.append(wait)
        now[0] += wait - 0.001
        assert throttle.admit("a", "1.2.3.4") > 0
        now[0] += 0.002
        assert throttle.admit("a", "1.2.3.4") == 0
    assert waits[:3] == pytest.approx([2.0, 4.0, 8.0])
    assert waits[-1] == pytest.approx(LONGEST_WAIT)
    throttle.forgive("a", "1.2.3.4")
    assert throttle.admit("a", "1.2.3.4") == 0


def test_attempts_under_way_count_so_that_many_at_once_are_no_way_round() -> None:
    throttle = Throttle(lambda: 0.0)
    admitted = [throttle.admit("a", "1.2.3.4") == 0 for _ in range(20)]
    assert admitted.count(True) == FREE


def test_one_address_cannot_try_one_password_on_every_account() -> None:
    throttle = Throttle(lambda: 0.0)
    assert sum(throttle.admit(f"a{n}", "1.2.3.4") == 0 for n in range(200)) == 50
    assert throttle.admit("a1", "4.3.2.1") == 0


SEED = bytes(range(32))
NOW = datetime(2026, 9, 1, 8, 0, tzinfo=ZONE)


def _claims(**changes: object) -> dict[str, object]:
    claims: dict[str, object] = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "sub": REGISTRAR,
        "iat": NOW,
        "exp": NOW + timedelta(minutes=30),
        "jti": "1",
        "cred": "c",
        **changes,
    }
    return {name: value for name, value in claims.items() if value is not None}


def _signed(claims: dict[str, object], seed: bytes = SEED) -> str:
    return jwt.encode(claims, Ed25519PrivateKey.from_private_bytes(seed), algorithm="EdDSA")


def _unsigned() -> str:
    def part(value: object) -> str:
        text = json.dumps(value, default=lambda moment: int(moment.timestamp()))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(_claims())}."


def _with_secret() -> str:
    public = Ed25519PrivateKey.from_private_bytes(SEED).public_key().public_bytes_raw()
    return jwt.encode(_claims(), public, algorithm="HS256")


def test_a_token_in_order_is_read() -> None:
    tokens = Tokens(SEED, timedelta(minutes=30), FixedClock(NOW))
    token = tokens.read(_signed(_claims()))
    assert token
    assert (token.username, token.expires_at) == (REGISTRAR, NOW + timedelta(minutes=30))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        _signed(_claims(), seed=bytes(32)),
        _signed(_claims(iss="another")),
        _signed(_claims(aud="another")),
        _signed(_claims(exp=None)),
        _signed(_claims(sub=None)),
        _signed(_claims(cred=None)),
        _signed(_claims(exp=NOW)),
        _signed(_claims(exp=NOW - timedelta(hours=2))),
        _unsigned(),
        _with_secret(),
    ],
)
def test_a_token_that_does_not_hold_is_nobodys(text: str) -> None:
    assert Tokens(SEED, timedelta(minutes=30), FixedClock(NOW)).read(text) is None


def test_a_token_holds_until_its_end_and_not_a_second_longer() -> None:
    text = _signed(_claims())
    end = NOW + timedelta(minutes=30)
    assert Tokens(SEED, timedelta(minutes=30), FixedClock(end - timedelta(seconds=1))).read(text)
    assert Tokens(SEED, timedelta(minutes=30), FixedClock(end)).read(text) is None


async def test_a_changed_password_a_lost_role_and_a_removed_account_work_at_once(
    client: httpx.AsyncClient, accounts_file: Path, password_hash: str
) -> None:
    (account,) = registrars(password_hash)

    def write(*accounts: object) -> None:
        accounts_file.write_bytes(msgspec.json.encode(accounts))

    write(msgspec.structs.replace(account, roles=(Role.CLASS_TEACHER,)))
    answer = await client.get("/v1/sessions/current")
    assert answer.json()["account"]["roles"] == ["class_teacher"]
    write(msgspec.structs.replace(account, password_hash=hash_password("another")))
    assert (await client.get("/v1/sessions/current")).status_code == 401
    write()
    assert (await client.get("/v1/sessions/current")).status_code == 401


async def test_only_a_bearer_token_signs_in(client: httpx.AsyncClient) -> None:
    token = client.headers["Authorization"].removeprefix("Bearer ")
    for header in (f"Basic {token}", token, "Bearer", f"Bearer {token}x"):
        answer = await client.get("/v1/sessions/current", headers={"Authorization": header})
        assert answer.status_code == 401, header
    assert (await client.get("/v1/sessions/current")).status_code == 200
