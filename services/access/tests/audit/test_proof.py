"""Entries come over the bus from every service; whoever has the terminal proves that they are all there."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from access.app import SERVICE
from access.audit import cli
from access.audit.chain import Signer
from audit_desk import Desk, make_desk
from nats.aio.client import Client
from service_kit import settings
from service_kit.cli import CannotDo
from service_kit.clock import ZONE
from service_kit.codec import encode
from shared_contracts.audit import Audited
from shared_contracts.messages import subject

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.1")]

SENT = 60


class Running:
    """The service with entries from two services kept; its desk looks at its database."""

    def __init__(self, desk: Desk, client: Client, env: dict[str, str]) -> None:
        self.desk, self.client, self.env = desk, client, env

    async def publish(self, entries: list[Audited]) -> None:
        js = self.client.jetstream()
        for one in entries:
            await js.publish(
                f"{subject(Audited)}.{one.service}", encode(one), headers={"ce-id": one.id, "Nats-Msg-Id": one.id}
            )

    async def wait_kept(self, count: int) -> None:
        async with asyncio.timeout(20):
            while await self.desk.value("SELECT count(*) FROM audit_entries") < count:
                await asyncio.sleep(0.05)

    async def prove(self, *arguments: str, env: dict[str, str] | None = None) -> tuple[int, str]:
        """`python -m access audit-verify`: its exit code and what it said."""
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "access", "audit-verify", *arguments,
            env={**os.environ, **(env or self.env)}, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        said, _ = await process.communicate()
        return process.returncode or 0, said.decode()


@pytest_asyncio.fixture
async def running(
    service_env: Any, postgres_server: Any, nats_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Running]:
    env = await service_env("access")
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    desk = make_desk(env, postgres_server.url())
    desk.clock._moment = datetime.now(ZONE)
    stop, started = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(SERVICE.serve(settings.load(env), stop, started))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
    if task.done():
        task.result()
    made = Running(desk, nats_admin, env)
    try:
        entries = [desk.entry(service=("registry", "identity")[n % 2]) for n in range(SENT)]
        await made.publish([*entries, entries[0]])
        await made.wait_kept(SENT)
        yield made
    finally:
        stop.set()
        await task
        await desk.shut()


async def test_an_intact_log(running: Running, tmp_path: Path) -> None:
    code, said = await running.prove()
    assert code == 0, said
    assert f"{SENT} 条" in said and "审计记录完整" in said and "最近60条与总线比对" in said
    jwk = running.desk.signer.jwk
    assert json.dumps(jwk, separators=(",", ":"))[1:-1] in said.replace(" ", "")
    mine = tmp_path / "key.json"
    mine.write_text(json.dumps({"keys": [jwk]}))
    without = {**running.env, "XUEJI_AUDIT_KEY": ""}
    code, said = await running.prove("--public-key", str(mine), "--since", "2026-01-01", env=without)
    assert code == 0, said
    assert (await running.prove("--until", "2026-01-01"))[1].startswith("0天")


async def test_a_tail_that_was_cut_off_is_found_by_the_bus(running: Running) -> None:
    async with running.desk.tampering() as sql:
        gone = await sql.fetch("DELETE FROM audit_entries WHERE number > $1 RETURNING id", SENT - 3)
        await sql.execute("DELETE FROM audit_objects WHERE number > $1", SENT - 3)
        await sql.execute("DELETE FROM inbox")
    code, said = await running.prove()
    assert code == 1
    for row in gone:
        assert f"总线上已收下的审计消息{row['id']}不在记录中" in said
    assert said.count("不在记录中") == 3
    assert (await running.prove("--tail", "0"))[0] == 0, "the database alone cannot know"
    assert (await running.prove("--tail", "2"))[1].count("不在记录中") == 2


async def test_a_changed_row_is_named(running: Running) -> None:
    async with running.desk.tampering() as sql:
        await sql.execute("UPDATE audit_entries SET account = 'somebody' WHERE number = 17")
    code, said = await running.prove()
    today = await running.desk.value("SELECT day FROM audit_entries LIMIT 1")
    assert code == 1
    assert f"{today} 第17号的内容与其校验值不符" in said


async def test_a_root_that_was_noted_earlier(running: Running) -> None:
    running.desk.clock.move(timedelta(days=2))
    await running.desk.close()
    roots = [row["root"].hex() for row in await running.desk.rows("SELECT root FROM audit_days ORDER BY day")]
    code, said = await running.prove("--root", roots[0].upper())
    assert code == 0, said
    assert f"最近一日的根 {roots[-1]}" in said
    other = "ab" * 32
    code, said = await running.prove("--root", other)
    assert code == 1 and f"根{other}不在已签名的各日之中" in said


@pytest.mark.parametrize(
    "content",
    ["", "[]", "{}", '{"keys": []}', '{"kty": "RSA"}', '{"kty":"OKP","crv":"Ed25519","x":"AA"}', '{"keys": [1]}', None],
)
def test_a_key_that_is_none(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "key.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(CannotDo, match=str(file)):
        cli.keys_of(file)


async def test_another_key_vouches_for_nothing(running: Running, tmp_path: Path) -> None:
    running.desk.clock.move(timedelta(days=1))
    await running.desk.close()
    file = tmp_path / "key.json"
    file.write_text(json.dumps(Signer(b"o" * 32).jwk))
    code, said = await running.prove("--public-key", str(file))
    assert code == 1 and "不是所给的公钥" in said
