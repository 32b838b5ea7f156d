"""The service as it runs: its own process, asked over NATS as the gateway asks it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import jwt
import msgspec
import nats
import pytest
import pytest_asyncio
from access_support import AUTHORITIES, COUNTY, GOOD, SCHOOLS, Desk
from kit_patience import HANGS, PatientBus
from service_kit.ids import new_id
from service_kit.origin import Origin, origin
from shared_contracts.access import ANONYMOUS, TOKEN_AUDIENCE, Claims, EndSession, GetTokenState, RefreshSession, SignIn
from shared_contracts.actors import Role, system
from shared_contracts.messages import Ok
from xueji_infra.nats_conf import inbox_prefix
from xueji_local.processes import free_port

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]


class Running:
    def __init__(self, desk: Desk, bus: PatientBus, output: Path) -> None:
        self.desk, self.bus, self.output = desk, bus, output

    async def sign_in(self, password: str = GOOD) -> Any:
        before = origin.set(Origin(address="10.1.2.3", operation="POST /v1/sessions"))
        try:
            return await self.bus.ask(SignIn(command_id="same", actor=ANONYMOUS, username="wei", password=password))
        finally:
            origin.reset(before)

    async def state(self) -> Any:
        return await self.bus.ask(GetTokenState(actor=system("gateway")))


@pytest_asyncio.fixture
async def running(service_env: Any, nats_server: Any, test_credentials: Any, tmp_path: Path) -> AsyncIterator[Running]:
    port, output = free_port(), tmp_path / "access.log"
    env = await service_env("access", XUEJI_HEALTH_PORT=str(port), XUEJI_LOG_LEVEL="DEBUG")
    desk = Desk(env)
    await desk.know(*AUTHORITIES, *SCHOOLS)
    await desk.settled("wei", COUNTY, Role.LEADER)
    client = await nats.connect(
        nats_server.url,
        user="gateway",
        password=test_credentials.nats_users["gateway"],
        inbox_prefix=inbox_prefix("gateway").encode(),
    )
    environ = {key: value for key, value in os.environ.items() if not key.startswith("XUEJI_")} | env
    with output.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "access", "serve"], env=environ, stdout=log, stderr=subprocess.STDOUT
        )
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as http:
            for _ in range(600):
                assert process.poll() is None, output.read_text()
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get("/health/ready")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
            else:
                pytest.fail(f"not ready: {output.read_text()}")
        yield Running(desk, PatientBus(client), output)
    finally:
        process.terminate()
        process.wait(HANGS)
        await client.close()
        await desk.shut()


async def test_signing_in_going_on_and_out(running: Running):
    tokens = (await running.sign_in()).tokens
    keys = {key.key_id: key for key in jwt.PyJWKSet.from_dict((await running.state()).keys).keys}
    key = keys[jwt.get_unverified_header(tokens.access_token)["kid"]]
    payload = jwt.decode(tokens.access_token, key, algorithms=["EdDSA"], audience=TOKEN_AUDIENCE)
    claims = msgspec.convert(payload, Claims)
    assert claims.actor.roles == (Role.LEADER,)
    refresh = RefreshSession(command_id=new_id(), actor=ANONYMOUS, refresh_token=tokens.refresh_token)
    following = (await running.bus.ask(refresh)).tokens
    end = EndSession(command_id=new_id(), actor=following.actor, session_id=following.session)
    assert await running.bus.ask(end) == Ok()
    (stale,) = (await running.state()).stale
    assert stale.session == tokens.session and stale.before.timestamp() > claims.iat


async def test_the_same_command_id_is_another_try_each_time(running: Running):
    """Signing in is never answered with an earlier answer. And tries are counted for the operators."""
    assert (await running.sign_in("wrong")).problem == "wrong"
    one, two = (await running.sign_in()).tokens, (await running.sign_in()).tokens
    assert one.session != two.session and one.access_token != two.access_token
    async with httpx.AsyncClient(timeout=HANGS) as http:
        told = (await http.get(f"http://127.0.0.1:{running.desk.kit.settings.health_port}/metrics")).text
    assert 'sign_ins_total{act="access.sign_in",outcome="wrong"} 1.0' in told
    assert 'sign_ins_total{act="access.sign_in",outcome="done"} 2.0' in told


@pytest.mark.clause("45.1")
async def test_what_was_done_is_in_the_audit_log_and_no_secret_anywhere(running: Running):
    tokens = (await running.sign_in()).tokens
    connection = await asyncpg.connect(running.desk.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        for _ in range(600):
            rows = await connection.fetch("SELECT a::text FROM audit_entries a")
            if any("access.sign_in" in row[0] for row in rows):
                break
            await asyncio.sleep(0.1)
        text = " ".join(row[0] for row in rows)
    finally:
        await connection.close()
    assert all(word in text for word in ("access.sign_in", "10.1.2.3", "wei", COUNTY))
    for secret in (GOOD, tokens.refresh_token, tokens.access_token):
        assert secret not in text and secret not in running.output.read_text()
