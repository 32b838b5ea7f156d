"""`make up` with the services as they are: what a person gets who starts it for the first and for the second time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from xueji_local.processes import wait_until
from xueji_local.programs import SERVICES
from xueji_local.province import organisations
from xueji_local.testing import scratch

pytestmark = [pytest.mark.integration, pytest.mark.slow, pytest.mark.timeout(1800)]
HANGS = 600.0
"""Seconds after which something does not come any more, on the slowest machine."""


class Real:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("XUEJI_")}
        # A port of its own: somebody may run a stack on this machine. A small population: it is not what is tested.
        self.env |= {"XUEJI_HOME": str(home), "XUEJI_GATEWAY_PORT": "0", "XUEJI_MATCHER_SIZE": "2000"}

    def act(self, act: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "xueji_local", act], env=self.env, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=HANGS, check=False,
        )  # fmt: skip

    @property
    def stack(self) -> Any:
        return json.loads((self.home / "stack.json").read_text())

    def variable(self, service: str, name: str) -> str:
        script = f'set -a; . "{self.home}/env/{service}.env"; printf %s "${name}"'
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=True).stdout


@pytest.fixture(scope="module")
def real() -> Iterator[Real]:
    with scratch() as folder:
        made = Real(folder / ".xueji")
        done = made.act("up")
        assert done.returncode == 0, done.stdout
        yield made
        assert made.act("down").returncode == 0


def test_all_are_healthy(real: Real) -> None:
    assert set(real.stack["health"]) == set(SERVICES)
    for url in real.stack["health"].values():
        for path in ("/health/live", "/health/ready", "/metrics"):
            assert httpx.get(url + path, trust_env=False, timeout=HANGS).status_code == 200, url + path
    well = wait_until(lambda: real.act("status").returncode == 0, lambda: True, HANGS, step=0.5)
    assert well, "somebody does not answer within seconds"


def test_every_demonstration_account_can_sign_in(real: Real) -> None:
    with httpx.Client(base_url=real.stack["gateway"], trust_env=False, timeout=HANGS) as client:
        for account in real.stack["accounts"]:
            body = {"username": account["username"], "password": account["password"]}
            answer = client.post("/v1/sessions", json=body)
            assert answer.status_code == 201, account["username"]
            signed_in = answer.json()["account"]
            assert signed_in["roles"] == [account["role"]], "a registrar has an appointment, nobody has to wait"
            assert (signed_in["withheld"], signed_in["limited"]) == ([], "")
        wrong = {"username": real.stack["accounts"][0]["username"], "password": "wrong"}
        assert client.post("/v1/sessions", json=wrong).status_code == 401


def test_the_demonstration_client_gets_a_token_that_counts(real: Real) -> None:
    (other,) = real.stack["clients"]
    with httpx.Client(base_url=real.stack["gateway"], trust_env=False, timeout=HANGS) as client:
        wanted = {"grant_type": "client_credentials"}
        answer = client.post("/oauth/token", data=wanted, auth=(other["client_id"], other["client_secret"]))
        assert answer.status_code == 200, answer.text
        assert set(answer.json()["scope"].split()) == set(other["scopes"])
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        assert client.get("/v1/students", headers=headers).status_code == 200
        assert client.get("/v1/accounts", headers=headers).status_code == 403


def test_the_authority_sees_its_registrars_and_their_workload(real: Real) -> None:
    officer = next(a for a in real.stack["accounts"] if a["username"] == "nangang.officer")
    with httpx.Client(base_url=real.stack["gateway"], trust_env=False, timeout=HANGS) as client:
        body = {"username": officer["username"], "password": officer["password"]}
        token = client.post("/v1/sessions", json=body).json()["access_token"]

        def shown() -> dict[str, Any]:
            answer = client.get("/v1/registrars", headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            return {item["school"]: item for item in answer.json()["items"]}

        def counted() -> bool:
            """Whoever asks is not kept waiting for the registry's numbers, and asks again."""
            return all(item["pupils"] is not None for item in shown().values())

        assert wait_until(counted, lambda: True, HANGS, step=0.5), "the registry has not counted"
        schools = shown()
        staffed = {a["organisation"]: a["name"] for a in real.stack["accounts"] if a["role"] == "registrar"}
        for code, item in schools.items():
            named = [staffed[code]] if code in staffed else []
            assert item["trained"] == bool(named) and item["registrars"] == named
            assert (item["pupils"], item["open_registrations"]) == (0, 0), "the registry has counted"


async def test_the_province_is_loaded(real: Real) -> None:
    client = await asyncpg.connect(real.variable("registry", "XUEJI_DATABASE_URL"))
    codes = {row["code"] for row in await client.fetch("SELECT code FROM organisations WHERE valid_to IS NULL")}
    await client.close()
    assert codes == {organisation.code for organisation in organisations()}


@pytest.mark.parametrize("other", ["xueji_registry", "xueji_notifications", "xueji_access", "postgres", "template1"])
async def test_identitys_roles_enter_no_other_database(real: Real, other: str) -> None:
    for name in ("XUEJI_DATABASE_URL", "XUEJI_MIGRATION_DATABASE_URL"):
        url = real.variable("identity", name)
        client = await asyncpg.connect(url)
        await client.close()
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await asyncpg.connect(url.replace("/xueji_identity", f"/{other}"))


async def test_the_second_start_changes_nothing(real: Real) -> None:
    before = real.stack
    url = real.variable("registry", "XUEJI_DATABASE_URL")
    assert real.act("down").returncode == 0
    done = real.act("up")
    assert done.returncode == 0, done.stdout
    assert real.stack["accounts"] == before["accounts"] and real.stack["matcher"] == before["matcher"]
    client = await asyncpg.connect(url)
    assert await client.fetchval("SELECT count(*) FROM organisations") == len(organisations())
    await client.close()


def test_dead_letters_are_listed_with_the_operators_env_file(real: Real) -> None:
    script = f'set -a; . "{real.home}/env/operator.env"; exec {sys.executable} -m service_kit.deadletters list'
    done = subprocess.run(["sh", "-c", script], env=real.env, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "0 dead letters\n"), done.stderr
