"""Whatever goes wrong is one shape, in Chinese, without our insides."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
from gateway.problems import KINDS, in_chinese
from gateway_support import StandInBus, key, roster_view
from service_kit.bus import Unavailable, Unknown
from shared_contracts.decisions import Finding, Outcome, refused
from shared_contracts.registry import ConfirmRoster, GetRoster

FINDING = Finding(
    code="age.too_young",
    outcome=Outcome.REFUSE,
    message="未满六周岁。",
    clause="20.2",
    cure="请于下一学年办理入学。",
    fields=("birth_date",),
)


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == answer.status_code
    assert body["type"].startswith("urn:xueji:problem:")
    assert not body["title"].isascii()
    assert not body["detail"].isascii()
    return body


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        ("refused", 409),
        ("invalid", 422),
        ("forbidden", 403),
        ("not_found", 404),
        ("conflict", 409),
        ("too_large", 413),
        ("unavailable", 503),
    ],
)
async def test_a_refusal_goes_to_the_client_unchanged(
    client: httpx.AsyncClient, stand_in: StandInBus, kind: Any, status: int
) -> None:
    stand_in.answer(GetRoster, refused(kind, "说明与办法。", FINDING))
    answer = await client.get("/v1/rosters/r1")
    assert answer.status_code == status
    body = problem(answer)
    assert body["type"] == f"urn:xueji:problem:{kind}"
    assert body["detail"] == "说明与办法。"
    assert body["findings"] == [
        {
            "code": "age.too_young",
            "outcome": "refuse",
            "message": "未满六周岁。",
            "clause": "20.2",
            "cure": "请于下一学年办理入学。",
            "fields": ["birth_date"],
        }
    ]
    assert ("Retry-After" in answer.headers) == (kind == "unavailable")


async def test_no_responder_is_503_and_a_lost_answer_is_504(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(GetRoster, Unavailable("qry.registry.roster: no service answers"))
    answer = await client.get("/v1/rosters/r1")
    assert (answer.status_code, problem(answer)["type"]) == (503, "urn:xueji:problem:unavailable")
    assert int(answer.headers["Retry-After"]) > 0
    stand_in.answer(ConfirmRoster, Unknown("cmd.registry.confirm_roster: no answer in 10 s"))
    answer = await client.post("/v1/rosters/r1/confirmation", headers=key())
    body = problem(answer)
    assert (answer.status_code, body["type"]) == (504, "urn:xueji:problem:unknown_outcome")
    assert "同一个 Idempotency-Key" in body["detail"]
    stand_in.answer(GetRoster, Unknown("qry.registry.roster: no answer in 10 s"))
    answer = await client.get("/v1/rosters/r1")
    body = problem(answer)
    assert (answer.status_code, body["type"]) == (504, "urn:xueji:problem:timeout")
    assert "Idempotency-Key" not in body["detail"], "a query changes nothing"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/schema/nowhere", 404),
        ("GET", "/v1/rosters/a/b/c/d", 404),
        ("PUT", "/v1/rosters", 405),
        ("TRACE", "/v1/rosters", 405),
        ("BREW", "/v1/rosters", 405),
        ("HEAD", "/v1/rosters", 405),
        ("GET", "/v1/rosters/..%2f..%2fetc", 404),
        ("GET", "/v1/rosters/not_an_id", 422),
    ],
)
async def test_what_is_not_there_is_a_problem(client: httpx.AsyncClient, method: str, path: str, status: int) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == status, answer.text
    if method != "HEAD":
        problem(answer)
    if status == 405:
        assert {"GET", "POST"} <= set(answer.headers["Allow"].replace(",", " ").split())


@pytest.mark.parametrize(
    ("body", "status", "fields"),
    [
        (b"{", 400, None),
        (b"\xff\xfe", 400, None),
        (b"[]", 422, None),
        (b"null", 422, None),
        (b'{"decision": "approve"}', 422, None),
        (b'{"step": "nonsense", "decision": "approve"}', 422, "step"),
        (b'{"step": "school", "decision": "approve", "hurry": true}', 422, None),
        (b'{"step": "school", "decision": "approve", "reason": 5}', 422, "reason"),
        (b'{"step": "guardian", "decision": "approve", "signed_on": "3.9.2026"}', 422, "signed_on"),
        (b'{"step": "school", "decision": "approve", "reason": "' + b"x" * 501 + b'"}', 422, "reason"),
    ],
)
async def test_a_body_that_does_not_fit_says_where(
    client: httpx.AsyncClient, stand_in: StandInBus, body: bytes, status: int, fields: str | None
) -> None:
    headers = {**key(), "Content-Type": "application/json"}
    answer = await client.post("/v1/rosters/r1/decisions", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    found = problem(answer)
    if status == 422:
        assert found["findings"]
        assert all(not finding["message"].isascii() for finding in found["findings"])
    if fields:
        assert found["findings"][0]["fields"] == [fields]
    assert stand_in.asked == []


async def test_other_content_types_are_not_read(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    body = b'{"step": "school", "decision": "approve"}'
    for headers in (
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "application/msgpack"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
        {"Content-Type": ""},
    ):
        answer = await client.post("/v1/rosters/r1/decisions", content=body, headers={**key(), **headers})
        assert answer.status_code == 415, headers
        problem(answer)
    answer = await client.post("/v1/rosters", json={}, headers=key())
    assert answer.status_code == 415
    assert stand_in.asked == []


async def test_a_body_over_the_limit_is_413(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v1/registrations", json={"form": {"a": "x" * 1_100_000}}, headers=key())
    assert answer.status_code == 413
    problem(answer)

    async def endless() -> Any:
        while True:
            yield b" " * 65536

    answer = await client.post(
        "/v1/registrations", content=endless(), headers={**key(), "Content-Type": "application/json"}
    )
    assert answer.status_code == 413, "without a Content-Length too"


async def test_a_mistyped_filter_is_told_instead_of_ignored(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    for path in (
        "/v1/rosters?stat=checked",
        "/v1/students?number=G230102202003050011",
        "/v1/students?name=%E7%8E%8B%E5%B0%8F%E6%98%8E",
        "/v1/rosters?limit=1&limit=2",
        "/v1/rosters?limit=0",
        "/v1/rosters?limit=201",
        "/v1/rosters?limit=many",
        "/v1/registrations?state=nonsense",
    ):
        answer = await client.get(path)
        assert answer.status_code == 422, path
        assert problem(answer)["findings"]
    assert stand_in.asked == []


async def test_an_error_of_ours_tells_nothing_of_itself(
    client: httpx.AsyncClient, stand_in: StandInBus, caplog: pytest.LogCaptureFixture
) -> None:
    stand_in.answer(GetRoster, RuntimeError("password=hunter2 王小明 at /srv/xueji/x.py"))
    answer = await client.get("/v1/rosters/r1")
    assert answer.status_code == 500
    body = problem(answer)
    assert not [word for word in ("hunter2", "王小明", "RuntimeError", "/srv", "Traceback") if word in answer.text]
    assert body["title"] == KINDS["internal"].title
    assert [record for record in caplog.records if record.exc_info], "but it is logged"


async def test_a_reply_of_the_wrong_kind_is_an_error_of_ours(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    from shared_contracts.messages import Ok

    stand_in.answer(GetRoster, Ok())
    assert (await client.get("/v1/rosters/r1")).status_code == 500


def test_validation_messages_are_chinese() -> None:
    assert in_chinese("Object missing required field `step`") == "缺少必填字段 step"
    assert in_chinese("Expected `int` <= 200 - at `$.limit`") == "不得大于 200"
    assert in_chinese("Expected `str`, got `int`") == "类型应为 str，收到的是 int"
    assert in_chinese("something new") == "内容或格式不正确"


async def test_requests_do_not_wait_for_each_other(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    gate = asyncio.Event()

    async def slow(message: Any, timeout: float = 5.0) -> Any:
        await gate.wait()
        return roster_view()

    await client.get("/v1/sessions/current")  # the keys are there

    fast_path = await client.get("/health/live")
    stand_in.ask = slow  # type: ignore[method-assign]
    pending = asyncio.create_task(client.get("/v1/rosters/r1"))
    await asyncio.sleep(0.02)
    assert (await client.get("/health/live")).status_code == fast_path.status_code == 200
    assert not pending.done()
    gate.set()
    assert (await pending).status_code == 200
