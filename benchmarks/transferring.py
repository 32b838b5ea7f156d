"""Whole transfers over HTTP, several at a time: the receiving school applies, three others approve, the record moves.

Papers are handed in and pupils registered beforehand. A client has one transfer after the other: it goes on when the record
has moved, which an observer's own connection sees (asking over HTTP would be work for the system).
"""

from __future__ import annotations

import asyncio
import os
import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import msgspec
from hops import Case
from python_calamine import CalamineWorkbook
from system import NotMeasured, System
from xueji_infra.databases import database_name
from xueji_local.demo_client import PASSING, Account
from xueji_local.generator import CLASS_SIZE

FROM, TO = "xinchun", "shanhe"
APPLY = f"{TO}.registrar"
STEPS = (
    ("receiving_authority", "wuchang.officer"),
    ("releasing_school", f"{FROM}.principal"),
    ("releasing_authority", "nangang.officer"),
)
PAPER = b"%PDF-1.4\n1 0 obj << >> endobj\n%%EOF\n"
FIRST_CLASS = 60
"""Of the receiving school: numbers that no roster has used."""
PATIENCE = 60.0
_PAUSES = (0.2, 0.5, 1.0, 2.0)
_LOOK = 0.005
_SENT = {True: "01", False: "00"}


class Pupil(msgspec.Struct, frozen=True):
    name: str
    number: str


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """`moved`: seconds from the application to the moved record, for each transfer."""

    seconds: float
    cases: tuple[Case, ...]
    moved: tuple[float, ...]

    @property
    def rate(self) -> float:
        """Complete transfers a second."""
        return len(self.cases) / self.seconds


def registered(system: System, rows: int) -> list[Pupil]:
    """New pupils of the releasing school, with records and numbers."""
    desk, path = system.prepare(rows)
    try:
        system.walk(desk, path, rows)
    finally:
        desk.close()
    return _pupils(path)


def _pupils(path: Path) -> list[Pupil]:
    lines = CalamineWorkbook.from_path(str(path)).get_sheet_by_index(0).to_python()
    head = next(n for n, line in enumerate(lines) if "身份证件号" in line)
    name, number = lines[head].index("姓名"), lines[head].index("身份证件号")
    return [Pupil(str(line[name]), str(line[number])) for line in lines[head + 1 :] if line[name]]


class Clients:
    """Several at once, all with the accounts of the demonstration."""

    def __init__(self, system: System) -> None:
        self._http = httpx.AsyncClient(base_url=system.file.gateway, timeout=60, trust_env=False)
        self._accounts = {account.username: account for account in system.file.accounts}
        self._tokens: dict[str, str] = {}
        self._url = system.servers.postgres_url(database_name("transfer"))
        self._waiting: dict[str, asyncio.Future[str]] = {}

    async def __aenter__(self) -> Clients:
        for username in (APPLY, *(who for _, who in STEPS)):
            self._tokens[username] = await self._sign_in(self._accounts[username])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def _sign_in(self, account: Account) -> str:
        body = {"username": account.username, "password": account.password}
        answer = await self._http.post("/v1/sessions", json=body)
        return str(_taken(answer)["access_token"])

    async def make_room(self, pupils: int) -> None:
        """Classes at the receiving school, with a place for each."""
        for number in range(-(-pupils // CLASS_SIZE)):
            body = {"grade": 1, "class_no": FIRST_CLASS - number}
            answer = await self._http.post("/v1/classes", json=body, headers=self._headers(APPLY))
            if answer.status_code not in (200, 201):
                raise NotMeasured(f"no class for the transfers: {answer.text[:300]}")

    async def papers(self, count: int) -> list[str]:
        """Ids of evidence files that nobody has used yet."""
        found = []
        for _ in range(count):
            files = {"file": ("证明.pdf", PAPER, "application/pdf")}
            answer = await self._http.post("/v1/evidence-files", files=files, headers=self._headers(APPLY))
            found.append(str(_taken(answer)["id"]))
        return found

    # ---- a round ------------------------------------------------------------------------------------------------------

    async def run(self, pupils: Sequence[Pupil], *, clients: int, traced: bool) -> Round:
        papers = await self.papers(len(pupils))
        left = iter(zip(pupils, papers, strict=True))
        cases: list[Case] = []
        moved: list[float] = []

        async def one_after_the_other() -> None:
            for pupil, paper in left:
                begun = time.perf_counter()
                cases.append(await self._transfer(pupil, paper, traced=traced))
                moved.append(time.perf_counter() - begun)

        observer = asyncio.create_task(self._observe())
        begun = time.perf_counter()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(clients):
                    group.create_task(one_after_the_other())
            seconds = time.perf_counter() - begun
        except BaseExceptionGroup as group:  # of one client or of several: the first says why
            raise group.exceptions[0] from None
        finally:
            observer.cancel()
        return Round(seconds=seconds, cases=tuple(cases), moved=tuple(moved))

    async def _transfer(self, pupil: Pupil, paper: str, *, traced: bool) -> Case:
        trace = os.urandom(16).hex()
        asked: list[tuple[str, int, int]] = []

        async def ask(what: str, who: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
            headers = {**self._headers(who), "traceparent": f"00-{trace}-{secrets.token_hex(8)}-{_SENT[traced]}"}
            begun = time.time_ns()
            for pause in (*_PAUSES, None):  # what passes is waited for, as every client does; the same key, so once
                answer = await self._http.post(path, json=body, headers=headers)
                if answer.status_code not in PASSING or pause is None:
                    break
                await asyncio.sleep(pause)
            asked.append((what, begun, time.time_ns()))
            return _taken(answer)

        application = {
            "name": pupil.name,
            "number": pupil.number,
            "ground": "residence_changed",
            "residence": {"division": "230184", "address": "五常市山河镇振兴街12号"},
            "guardian": "王家长",
            "phone": "13804510001",
            "evidence": [{"evidence_id": paper, "kind": "residence"}],
            "exception": "全家随父母工作迁居，现居住地不在原校服务范围",
        }
        opened = await ask("application", APPLY, "/v1/transfers", application)
        if not opened["seat"]:
            raise NotMeasured("the receiving school had no place")
        for step, who in STEPS:
            body = {"step": step, "decision": "approve"}
            if step == "receiving_authority":
                body |= {"override": True, "reason": "情况属实，同意"}
            await ask(step, who, f"/v1/transfers/{opened['id']}/decisions", body)
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting[opened["id"]] = future
        try:
            outcome = await asyncio.wait_for(future, PATIENCE)
        except TimeoutError:
            raise NotMeasured(f"a record did not move in {PATIENCE:.0f} s") from None
        finally:
            del self._waiting[opened["id"]]
        if outcome != "moved":
            raise NotMeasured(f"a transfer ended as {outcome}")
        return Case(trace_id=trace, requests=tuple(asked))

    def _headers(self, username: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._tokens[username]}", "Idempotency-Key": secrets.token_hex(16)}

    async def _observe(self) -> None:
        connection = await asyncpg.connect(self._url)
        query = "SELECT id, outcome FROM transfers WHERE id = ANY($1::text[]) AND outcome <> 'moving'"
        while True:
            if waiting := list(self._waiting):
                for row in await connection.fetch(query, waiting):
                    future = self._waiting.get(row["id"])
                    if future is not None and not future.done():
                        future.set_result(row["outcome"])
            await asyncio.sleep(_LOOK)


def _taken(answer: httpx.Response) -> dict[str, Any]:
    if not answer.is_success:
        raise NotMeasured(
            f"{answer.request.method} {answer.request.url.path}: {answer.status_code} {answer.text[:500]}"
        )
    found: dict[str, Any] = answer.json()
    return found
