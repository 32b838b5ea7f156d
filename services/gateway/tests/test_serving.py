"""`python -m gateway serve`: the real server, its workers and its end."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import msgspec
import pytest
from gateway_support import PASSWORD, REGISTRAR, key, roster_view, token_state, tokens
from nats.aio.client import Client
from nats.aio.msg import Msg
from service_kit.codec import encode
from service_kit.files import FileStore
from shared_contracts.access import SignIn, SignInAnswer
from shared_contracts.decisions import refused
from shared_contracts.registry import OpenRoster, Progress, RosterState
from xueji_local.processes import free_port

pytestmark = pytest.mark.integration
ServiceEnv = Callable[..., Awaitable[dict[str, str]]]


@contextlib.asynccontextmanager
async def serving(environment: dict[str, str]) -> AsyncIterator[tuple[str, subprocess.Popen[str]]]:
    """The process and its address, once it is ready: it has the keys, which this process tells it."""
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "serve"],
        env={"PATH": os.environ["PATH"], **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    base = f"http://127.0.0.1:{environment['XUEJI_HTTP_PORT']}"
    try:
        async with httpx.AsyncClient() as http:
            for _ in range(600):
                assert process.poll() is None, process.stdout and process.stdout.read()
                with contextlib.suppress(httpx.HTTPError):
                    if (await http.get(f"{base}/health/ready")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
            else:
                pytest.fail("not ready in 60 s")
        yield base, process
    finally:
        if process.poll() is None:
            process.terminate()
        await asyncio.to_thread(process.communicate, timeout=60)


@pytest.fixture
async def access(service_env: ServiceEnv, nats_admin: Client) -> Client:
    """Answers as access would, which tells the keys and knows one password."""

    async def keys(message: Msg) -> None:
        await message.respond(encode(token_state()))

    async def sign_in(message: Msg) -> None:
        command = msgspec.json.decode(message.data, type=SignIn)
        right = (command.username, command.password) == (REGISTRAR, PASSWORD)
        await message.respond(encode(tokens() if right else SignInAnswer(problem="wrong")))

    await nats_admin.subscribe("qry.access.token_state", cb=keys)
    await nats_admin.subscribe("cmd.access.sign_in", cb=sign_in)
    await nats_admin.flush()
    return nats_admin


@pytest.fixture
async def environment(service_env: ServiceEnv, access: Client) -> dict[str, str]:
    return await service_env(
        "gateway",
        XUEJI_HTTP_PORT=str(free_port()),
        XUEJI_HTTP_WORKERS="2",
        XUEJI_MAX_UPLOAD_BYTES="3000000",
    )


@pytest.fixture
async def registry(nats_admin: Client) -> Client:
    """Answers as a registry would: a roster that moves on each time it is asked for."""
    opened: list[OpenRoster] = []
    asked = 0

    async def open_roster(message: Msg) -> None:
        command = msgspec.json.decode(message.data, type=OpenRoster)
        opened.append(command)
        await message.respond(encode(roster_view(command.roster_id)))

    async def get_roster(message: Msg) -> None:
        nonlocal asked
        if not opened:
            await message.respond(encode(refused("not_found", "没有这个名册。")))
            return
        asked += 1
        state = RosterState.CHECKED if asked > 3 else RosterState.CHECKING
        progress = Progress(done=min(asked, 4) * 100, total=400)
        await message.respond(encode(roster_view(opened[0].roster_id, state, progress=progress)))

    await nats_admin.subscribe("cmd.registry.open_roster", cb=open_roster)
    await nats_admin.subscribe("qry.registry.roster", cb=get_roster)
    await nats_admin.flush()
    return nats_admin


async def test_the_main_job_over_a_real_socket(environment: dict[str, str], registry: Client, tmp_path: Path) -> None:
    async with serving(environment) as (base, process):
        async with httpx.AsyncClient(base_url=base, timeout=60) as http:
            answer = await http.post("/v1/sessions", json={"username": REGISTRAR, "password": PASSWORD})
            assert answer.status_code == 201
            http.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"

            content = os.urandom(2_500_000)
            answer = await http.post("/v1/rosters", headers=key(), files={"file": ("名册.xlsx", content)})
            assert answer.status_code == 202, answer.text
            roster_id = answer.json()["id"]
            store = FileStore(Path(environment["XUEJI_FILES_DIR"]), _key(environment))
            (kept,) = [path for path in Path(environment["XUEJI_FILES_DIR"]).rglob("*") if path.is_file()]
            assert await store.read(kept.name) == content

            seen = []
            async with http.stream("GET", f"/v1/rosters/{roster_id}/events?until=checked") as stream:
                async for line in stream.aiter_lines():
                    if line.startswith("event:"):
                        seen.append(line.partition(": ")[2])
            assert seen[-1] == "end"
            assert seen.count("progress") >= 3

            with contextlib.suppress(httpx.HTTPError):  # the server may close before all is sent
                too_large = await http.post(
                    "/v1/rosters", headers=key("2"), files={"file": ("a.xlsx", bytes(4_000_000))}
                )
                assert too_large.status_code == 413

            await asyncio.gather(*(http.get("/health/live") for _ in range(40)))
            counted = (await http.get("/metrics")).text
            lines = [
                line for line in counted.splitlines() if 'route="/health/live"' in line and "requests_total" in line
            ]
            assert sum(float(line.rsplit(" ", 1)[1]) for line in lines) >= 40, "both workers' counts"
            assert (await http.get("/")).headers["content-type"].startswith("text/html")
        process.terminate()
        output, _ = await asyncio.to_thread(process.communicate, timeout=60)
    assert process.returncode == 0, output
    logged = [msgspec.json.decode(line) for line in output.splitlines() if line.startswith("{")]
    assert [line for line in logged if line.get("route") == "/v1/rosters" and line.get("status") == 202]
    assert PASSWORD not in output
    assert "名册.xlsx" not in output


def _key(environment: dict[str, str]) -> bytes:
    import base64

    return base64.b64decode(environment["XUEJI_FILES_KEY"])


async def test_an_open_stream_does_not_hold_up_the_end(environment: dict[str, str], nats_admin: Client) -> None:
    async def same(message: Msg) -> None:
        await message.respond(encode(roster_view("r9", RosterState.CHECKING)))

    await nats_admin.subscribe("qry.registry.roster", cb=same)
    await nats_admin.flush()
    environment["XUEJI_HTTP_WORKERS"] = "1"
    async with serving(environment) as (base, process), httpx.AsyncClient(base_url=base, timeout=60) as http:
        answer = await http.post("/v1/sessions", json={"username": REGISTRAR, "password": PASSWORD})
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        with contextlib.suppress(httpx.RemoteProtocolError):
            async with http.stream("GET", "/v1/rosters/r9/events", headers=headers) as stream:
                lines = stream.aiter_lines()
                while not (await anext(lines)).startswith("event: progress"):
                    pass
                began = time.monotonic()
                process.send_signal(signal.SIGTERM)
                async for _ in lines:
                    pass
        await asyncio.to_thread(process.wait, 15)
        assert time.monotonic() - began < 5  # its workers would be killed after ten


async def test_a_killed_server_takes_its_workers_along(environment: dict[str, str]) -> None:
    environment["XUEJI_HTTP_WORKERS"] = "1"
    async with serving(environment) as (base, process):
        process.kill()
        await asyncio.to_thread(process.wait, 60)
        async with asyncio.timeout(60), httpx.AsyncClient(base_url=base) as http:
            with contextlib.suppress(httpx.ConnectError):  # nobody listens any more; any other error says less
                while True:
                    with contextlib.suppress(httpx.ReadError, httpx.RemoteProtocolError, httpx.TimeoutException):
                        await http.get("/health/live")
                    await asyncio.sleep(0.2)
    async with serving(environment):
        pass  # the port is free again


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"XUEJI_HTTP_PORT": "many"}, "XUEJI_HTTP_PORT"),
        ({"XUEJI_FILES_KEY": ""}, "XUEJI_FILES_KEY"),
    ],
)
async def test_a_wrong_setting_is_said_and_ends_it(
    environment: dict[str, str], change: dict[str, str], said: str
) -> None:
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "gateway", "serve"],
        env={"PATH": os.environ["PATH"], **environment, **change},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr
