"""Policy parameters over HTTP: what is asked reaches the registry as it was typed, and what is wrong never does."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import httpx
import pytest
from gateway_support import StandInBus, key
from service_kit.clock import ZONE
from shared_contracts.decisions import Finding, Outcome, refused
from shared_contracts.policy import (
    DecideFiling,
    Filing,
    FilingPage,
    GetPolicy,
    GetSchoolCalendar,
    ListFilings,
    ListPolicyValues,
    PolicyValue,
    PolicyValuePage,
    PolicyView,
    PublishValue,
    SchoolCalendar,
    SimulateValue,
    Simulation,
    WithdrawValue,
)

NOW = datetime(2026, 9, 10, tzinfo=ZONE)
VALUE = PolicyValue(
    id="v1",
    key="class_size_primary",
    title="小学标准班额",
    unit="人",
    kind="number",
    clause="11",
    division="230102",
    division_name="黑龙江省哈尔滨市道里区",
    valid_from=date(2026, 10, 1),
    value=40,
    low=None,
    high=None,
    basis="哈教规〔2026〕3号",
    published_at=NOW,
    published_by="某",
    standing="future",
    filing="waiting",
)
FILING = Filing(id="v1", value=VALUE, state="waiting", filed_at=NOW, version=1)
NEW: dict[str, Any] = {
    "key": "class_size_primary",
    "value": 40,
    "valid_from": "2026-10-01",
    "basis": "哈教规〔2026〕3号",
}


@pytest.mark.clause("49")
async def test_what_holds_in_a_division_on_a_day(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    view = PolicyView(
        division="230102",
        division_name="道里区",
        on=date(2026, 10, 1),
        version="230000@2006-09-01",
        first_day=date(2026, 9, 11),
        parameters=(),
    )
    stand_in.answer(GetPolicy, view)
    answer = await client.get("/v1/policy/parameters?division=230102&on=2026-10-01")
    assert (answer.status_code, answer.json()["version"]) == (200, "230000@2006-09-01")
    assert (stand_in.last(GetPolicy).division, stand_in.last(GetPolicy).on) == ("230102", date(2026, 10, 1))
    for wrong in ("division=2301", "division=x", "on=1.10.2026"):
        assert (await client.get(f"/v1/policy/parameters?{wrong}")).status_code == 422, wrong


async def test_history_filings_and_calendar(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(ListPolicyValues, PolicyValuePage(items=(VALUE,), next_cursor="c"))
    answer = await client.get("/v1/policy/values?key=class_size_primary&division=230102&limit=1")
    assert answer.json()["items"][0]["standing"] == "future"
    assert (stand_in.last(ListPolicyValues).key, stand_in.last(ListPolicyValues).limit) == ("class_size_primary", 1)
    stand_in.answer(ListFilings, FilingPage(items=(FILING,)))
    assert (await client.get("/v1/policy/filings?state=waiting")).json()["items"][0]["id"] == "v1"
    stand_in.answer(
        GetSchoolCalendar,
        SchoolCalendar(
            division="230102",
            division_name="道里区",
            school_year=2026,
            autumn_first=date(2026, 9, 1),
            autumn_last=date(2027, 1, 15),
            spring_first=date(2027, 3, 1),
            spring_last=date(2027, 7, 15),
            enrolment_first=date(2026, 7, 1),
            enrolment_last=date(2026, 9, 30),
        ),
    )
    assert (await client.get("/v1/policy/calendar?school_year=2026")).json()["autumn_first"] == "2026-09-01"
    for wrong in ("filings?state=x", "calendar?school_year=2005", "calendar?school_year=2100", "values?key=A&limit=0"):
        assert (await client.get(f"/v1/policy/{wrong}")).status_code == 422, wrong


@pytest.mark.clause("49")
async def test_publishing(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(PublishValue, VALUE)
    first = key()
    assert (await client.post("/v1/policy/values", json=NEW, headers=first)).status_code == 201
    command = stand_in.last(PublishValue)
    assert (command.key, command.value, command.valid_from, command.low) == (
        "class_size_primary",
        40,
        date(2026, 10, 1),
        None,
    )
    await client.post("/v1/policy/values", json=NEW, headers=first)
    again = stand_in.last(PublishValue)
    assert (again.command_id, again.value_id) == (command.command_id, command.value_id), "a repeat names the same value"
    await client.post("/v1/policy/values", json=NEW | {"key": "enrolment_to", "value": "09-20"}, headers=key())
    assert stand_in.last(PublishValue).value == "09-20"
    assert (await client.post("/v1/policy/values", json=NEW)).status_code in (400, 422), "no key"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key": "Class Size"},
        {"key": ""},
        {"value": -1},
        {"value": 10_000_001},
        {"value": 4.5},
        {"value": True},
        {"value": "9月1日"},
        {"value": None},
        {"valid_from": "2026-02-30"},
        {"valid_from": None},
        {"basis": ""},
        {"basis": "文" * 201},
        {"low": -1},
        {"high": "x"},
        {"division": "230102"},
    ],
)
async def test_each_wrong_field_of_a_value(
    client: httpx.AsyncClient, stand_in: StandInBus, wrong: dict[str, Any]
) -> None:
    answer = await client.post("/v1/policy/values", json=NEW | wrong, headers=key())
    assert answer.status_code == 422, answer.text
    assert next(iter(wrong)) in answer.text


async def test_a_refusal_says_bounds_and_whose(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    found = Finding(
        code="policy.outside_bounds",
        outcome=Outcome.REFUSE,
        message="超出黑龙江省规定的范围：1至45人",
        clause="49",
        cure="在1至45人之间设定",
    )
    stand_in.answer(PublishValue, refused("refused", "不能发布", found))
    answer = await client.post("/v1/policy/values", json=NEW | {"value": 46}, headers=key())
    assert (answer.status_code, answer.json()["findings"][0]["clause"]) == (409, "49")


async def test_withdrawal_and_decision(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(WithdrawValue, VALUE)
    answer = await client.post("/v1/policy/values/v1/withdrawal", json={"reason": "文号有误"}, headers=key())
    assert (answer.status_code, stand_in.last(WithdrawValue).value_id) == (200, "v1")
    assert (await client.post("/v1/policy/values/v1/withdrawal", json={}, headers=key())).status_code == 422
    stand_in.answer(DecideFiling, FILING)
    path, body = "/v1/policy/filings/v1/decisions", {"decision": "return", "reason": "不符"}
    answer = await client.post(path, json=body, headers={**key(), "If-Match": '"1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"1"')
    command = stand_in.last(DecideFiling)
    assert (command.decision, command.reason, command.version) == ("return", "不符", 1)
    for wrong in ({"decision": "approve"}, {}, {"decision": "return", "more": 1}, {"decision": "return", "reason": 1}):
        assert (await client.post(path, json=wrong, headers=key())).status_code == 422, wrong


async def test_a_simulation(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(
        SimulateValue,
        Simulation(
            key="class_size_primary",
            title="小学标准班额",
            value=40,
            valid_from=date(2026, 10, 1),
            titles=(),
            findings=(),
            totals=(),
            counties=(),
            not_touched=(),
            schools=(),
        ),
    )
    body = {"key": "class_size_primary", "value": 40, "division": "230100", "limit": 10}
    answer = await client.post("/v1/policy/simulations", json=body, headers=key())
    assert (answer.status_code, answer.json()["schools"]) == (200, [])
    asked = stand_in.last(SimulateValue)
    assert (asked.value, asked.division, asked.limit, asked.valid_from) == (40, "230100", 10, None)
    for wrong in ({"limit": 0}, {"limit": 201}, {"division": "2301"}, {"value": "x"}, {"basis": "x"}):
        answer = await client.post("/v1/policy/simulations", json=body | wrong, headers=key())
        assert answer.status_code == 422, wrong
