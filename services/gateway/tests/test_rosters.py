"""Uploading a workbook as it streams, its repeat, its limits; reading, confirming, deciding, downloading."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
from gateway.edge import Edge
from gateway.upload import clean_name
from gateway_support import StandInBus, file_ref, kept_in, key, roster_view
from litestar import Litestar
from service_kit.bus import Unknown
from service_kit.files import FileStore
from shared_contracts.decisions import refused
from shared_contracts.registry import (
    ConfirmRoster,
    DecideRoster,
    DecisionDone,
    GetRoster,
    GetRosterFile,
    GetTemplate,
    ListRosterRows,
    ListRosters,
    OpenRoster,
    PrintSheets,
    RegistrationState,
    RosterFile,
    RosterPage,
    RosterRowPage,
    RosterState,
    RowState,
    Step,
    Template,
)

WORKBOOK = bytes(range(256)) * 700  # 179,200 bytes: more than one chunk of the file store


class Registry:
    """A registry that remembers the first command of each id, as the real one does."""

    def __init__(self, stand_in: StandInBus) -> None:
        self.first: dict[str, OpenRoster] = {}
        stand_in.answer(OpenRoster, self.open)
        stand_in.answer(GetRoster, self.get)

    def open(self, command: OpenRoster) -> Any:
        first = self.first.setdefault(command.command_id, command)
        if first != command:
            return refused("conflict", "这个 Idempotency-Key 已用于另一个不同的请求。")
        return roster_view(command.roster_id)

    def get(self, query: GetRoster) -> Any:
        known = any(command.roster_id == query.roster_id for command in self.first.values())
        return roster_view(query.roster_id) if known else refused("not_found", "没有这个名册。")


def workbook(content: bytes = WORKBOOK, name: str = "一年级名册.xlsx") -> dict[str, Any]:
    return {"files": {"file": (name, content, "application/vnd.ms-excel")}}


def stored(files: FileStore) -> list[Path]:
    return [path for path in kept_in(files).rglob("*") if path.is_file()]


async def test_an_upload_reaches_the_file_store_whole_and_sealed(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    Registry(stand_in)
    answer = await client.post("/v1/rosters", headers=key(), **workbook())
    assert answer.status_code == 202, answer.text
    command = stand_in.last(OpenRoster)
    assert answer.json()["id"] == command.roster_id
    assert answer.headers["Location"] == f"/v1/rosters/{command.roster_id}"
    assert answer.headers["ETag"] == '"1"'
    assert (command.file.name, command.file.size) == ("一年级名册.xlsx", len(WORKBOOK))
    assert await files.read(command.file.id) == WORKBOOK
    (path,) = stored(files)
    assert WORKBOOK[:64] not in path.read_bytes()


async def test_the_same_upload_twice_is_one_roster_and_one_file(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    registry = Registry(stand_in)
    answers = [await client.post("/v1/rosters", headers=key(), **workbook()) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == {**answers[1].json(), "created_at": answers[0].json()["created_at"]}
    assert len(registry.first) == 1
    assert len(stored(files)) == 1


async def test_another_file_under_the_same_key_is_refused_and_harms_nothing(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    Registry(stand_in)
    first = await client.post("/v1/rosters", headers=key(), **workbook())
    answer = await client.post("/v1/rosters", headers=key(), **workbook(WORKBOOK + b"x"))
    assert (first.status_code, answer.status_code) == (202, 409)
    assert await files.read(stand_in.last(OpenRoster).file.id) == WORKBOOK


async def test_a_refused_upload_leaves_nothing_behind(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    stand_in.answer(OpenRoster, refused("forbidden", "只有学籍管理员可以导入名册。"))
    answer = await client.post("/v1/rosters", headers=key(), **workbook())
    assert answer.status_code == 403
    assert stored(files) == []


async def test_an_upload_without_an_answer_keeps_its_file_for_the_repeat(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    stand_in.answer(OpenRoster, Unknown("no answer"))
    answer = await client.post("/v1/rosters", headers=key(), **workbook())
    assert answer.status_code == 504
    assert len(stored(files)) == 1
    Registry(stand_in)
    assert (await client.post("/v1/rosters", headers=key(), **workbook())).status_code == 202
    assert len(stored(files)) == 1


async def test_a_file_over_the_limit_is_refused_before_and_while_it_arrives(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    answer = await client.post("/v1/rosters", headers=key(), **workbook(bytes(300_001)))
    assert (answer.status_code, "0.3 MB" in answer.json()["detail"]) == (413, True)
    answer = await client.post("/v1/rosters", headers=key(), **workbook(bytes(2_000_000)))
    assert answer.status_code == 413

    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n'
        while True:
            yield bytes(65536)

    headers = {**key(), "Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/v1/rosters", headers=headers, content=endless())
    assert answer.status_code == 413
    assert stored(files) == []
    assert not [message for message in stand_in.asked if isinstance(message, OpenRoster)]
    Registry(stand_in)
    answer = await client.post("/v1/rosters", headers=key(), **workbook(bytes(300_000)))
    assert answer.status_code == 202, "the limit itself is allowed"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"garbage", 400),
        (b'--b\r\nContent-Disposition: form-data; name="other"; filename="a"\r\n\r\nx\r\n--b--\r\n', 422),
        (b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nno file name\r\n--b--\r\n', 422),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n\r\n--b--\r\n', 422),
        (b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut off', 400),
        (b"--b\r\n" + b"X-Many: 1\r\n" * 50 + b"\r\n", 400),
        (b"--b\r\nX-Long: " + b"1" * 5000 + b"\r\n\r\n", 400),
        (
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\none\r\n'
            b'--b\r\nContent-Disposition: form-data; name="file"; filename="b"\r\n\r\ntwo\r\n--b--\r\n',
            422,
        ),
    ],
)
async def test_a_body_that_is_not_one_file_leaves_nothing(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore, body: bytes, status: int
) -> None:
    headers = {**key(), "Content-Type": "multipart/form-data; boundary=b"}
    answer = await client.post("/v1/rosters", headers=headers, content=body)
    assert answer.status_code == status, answer.text
    assert stored(files) == []
    assert not [message for message in stand_in.asked if isinstance(message, OpenRoster)]


async def test_a_body_without_boundary_is_told_so(client: httpx.AsyncClient) -> None:
    headers = {**key(), "Content-Type": "multipart/form-data"}
    answer = await client.post("/v1/rosters", headers=headers, content=b"x")
    assert answer.status_code == 400


async def test_a_client_that_goes_away_leaves_nothing(
    app: Litestar, client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    head = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a.xlsx"\r\n\r\n' + bytes(100_000)
    events = [
        {"type": "http.request", "body": head, "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Any] = []

    async def receive() -> Any:
        return events.pop(0)

    async def send(message: Any) -> None:
        sent.append(message)

    headers = {
        "authorization": client.headers["Authorization"],
        "content-type": "multipart/form-data; boundary=b",
        "idempotency-key": "k",
        "transfer-encoding": "chunked",
        "host": "gateway",
    }
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/rosters",
        "raw_path": b"/v1/rosters",
        "query_string": b"",
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("gateway", 80),
        "state": {},
    }
    await Edge(app)(scope, receive, send)  # type: ignore[arg-type]
    assert sent[0]["status"] == 499
    assert stored(files) == []
    assert not [message for message in stand_in.asked if isinstance(message, OpenRoster)]


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("一年级.xlsx", "一年级.xlsx"),
        ("C:\\Users\\李\\名册.xlsx", "名册.xlsx"),
        ("../../etc/passwd", "passwd"),
        ("a\x00b\u202ec.xlsx", "abc.xlsx"),
        ("", "roster.xlsx"),
        ("...", "roster.xlsx"),
        ("长" * 200 + ".xlsx", "长" * 115 + ".xlsx"),
        ("𠮷䶮.xlsx", "𠮷䶮.xlsx"),
    ],
)
def test_a_file_name_is_only_a_name(given: str, kept: str) -> None:
    assert clean_name(given) == kept


async def test_lists_rows_and_their_filters_become_queries(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(ListRosters, RosterPage(items=(roster_view(),), next_cursor="n"))
    answer = await client.get("/v1/rosters?school=2301000001&cursor=c&limit=7")
    assert answer.json()["next_cursor"] == "n"
    query = stand_in.last(ListRosters)
    assert (query.school, query.cursor, query.limit) == ("2301000001", "c", 7)
    stand_in.answer(ListRosterRows, RosterRowPage(items=()))
    await client.get("/v1/rosters/r1/rows?state=refused")
    rows = stand_in.last(ListRosterRows)
    assert (rows.roster_id, rows.state, rows.cursor, rows.limit) == ("r1", RowState.REFUSED, None, 100)


@pytest.mark.clause("15.1")
async def test_confirming_deciding_and_printing_become_commands(
    client: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(ConfirmRoster, roster_view(state=RosterState.CONFIRMING, version=5))
    answer = await client.post("/v1/rosters/r1/confirmation", headers={**key(), "If-Match": '"4"'})
    assert (answer.status_code, answer.headers["ETag"]) == (202, '"5"')
    assert stand_in.last(ConfirmRoster).version == 4
    await client.post("/v1/rosters/r1/confirmation", headers=key())
    assert stand_in.last(ConfirmRoster).version is None

    stand_in.answer(DecideRoster, DecisionDone(moved=30, state=RegistrationState.GUARDIAN_CONFIRMED))
    decision = {"step": "guardian", "decision": "approve", "reason": "", "signed_on": "2026-09-03"}
    answer = await client.post("/v1/rosters/r1/decisions", json=decision, headers=key())
    assert (answer.status_code, answer.json()["moved"]) == (200, 30)
    command = stand_in.last(DecideRoster)
    assert (command.step, command.decision, command.signed_on) == (Step.GUARDIAN, "approve", date(2026, 9, 3))

    stand_in.answer(PrintSheets, roster_view(sheets_state="printing"))
    answer = await client.post("/v1/rosters/r1/confirmation-sheets", headers=key())
    assert (answer.status_code, answer.json()["sheets_state"]) == (202, "printing")


async def test_the_template_is_a_file_with_a_chinese_name(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetTemplate, Template(name="学生基本信息表.xlsx", content=b"PK", media_type="application/x"))
    answer = await client.get("/v1/rosters/template")
    assert (answer.content, answer.headers["content-type"]) == (b"PK", "application/x")
    disposition = answer.headers["content-disposition"]
    assert disposition.isascii()
    assert unquote(disposition.split("filename*=UTF-8''")[1]) == "学生基本信息表.xlsx"


async def test_the_blank_form_is_asked_for_on_paper(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetTemplate, Template(name="空白表.pdf", content=b"%PDF", media_type="application/pdf"))
    answer = await client.get("/v1/rosters/blank-form")
    assert (answer.content, answer.headers["content-type"]) == (b"%PDF", "application/pdf")
    assert stand_in.asked[-1].form == "paper"


async def test_a_file_is_given_only_where_the_roster_offers_it(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    kept = await files.put("被拒绝的行.xlsx", "application/vnd.ms-excel", WORKBOOK, 10**9)
    other = await files.put("another.xlsx", "application/vnd.ms-excel", b"secret", 10**9)
    offered = RosterFile(kind="refused_rows", name="被拒绝的行.xlsx", file=kept)
    gone = RosterFile(kind="confirmation_sheets", name="a.pdf", file=file_ref("gone", 5))
    known = {offered.file.id: offered, "gone": gone}
    stand_in.answer(GetRosterFile, lambda query: known.get(query.file_id, refused("not_found", "名册没有这个文件。")))
    answer = await client.get(f"/v1/rosters/r1/files/{kept.id}")
    assert [type(message) for message in stand_in.asked] == [GetRosterFile], "an act of its own for the audit log"
    assert answer.content == WORKBOOK
    assert answer.headers["content-length"] == str(len(WORKBOOK))
    assert answer.headers["content-type"] == "application/vnd.ms-excel"
    assert answer.headers["content-disposition"].startswith('attachment; filename="')
    assert answer.headers["cache-control"] == "no-store"
    for file_id in (other.id, "gone", "nothing"):
        assert (await client.get(f"/v1/rosters/r1/files/{file_id}")).status_code == 404
    stand_in.answer(GetRosterFile, refused("forbidden", "不是本校的名册。"))
    assert (await client.get(f"/v1/rosters/r1/files/{kept.id}")).status_code == 403


async def test_uploads_at_once_under_one_key_end_as_one(
    client: httpx.AsyncClient, stand_in: StandInBus, files: FileStore
) -> None:
    registry = Registry(stand_in)
    answers = await asyncio.gather(*(client.post("/v1/rosters", headers=key(), **workbook()) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {202}
    assert len(registry.first) == 1
    assert len(stored(files)) == 1
    assert await files.read(stand_in.last(OpenRoster).file.id) == WORKBOOK
