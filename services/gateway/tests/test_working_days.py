"""The statutory calendar over HTTP: what is typed reaches the registry whole, and what is wrong never does (24.6.4)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import httpx
import pytest
from gateway_support import StandInBus, key
from service_kit.clock import ZONE
from shared_contracts.decisions import refused
from shared_contracts.working_days import (
    GetWorkingDays,
    ListNotices,
    NoticePage,
    NoticeSimulation,
    NoticeVersion,
    PublishWorkingDays,
    SimulateWorkingDays,
    WorkingDaysView,
    YearDays,
)

pytestmark = pytest.mark.clause("24.6.4")
BASE = "/v1/policy/working-days"
DAYS: dict[str, Any] = {"year": 2027, "holidays": ["2027-01-01", "2027-02-05"], "worked": ["2027-01-31"]}
NEW: dict[str, Any] = {**DAYS, "notice": "国办发明电〔2026〕8号", "title": "通知"}
SAID = YearDays(year=2027, holidays=(date(2027, 1, 1), date(2027, 2, 5)), worked=(date(2027, 1, 31),))


async def test_a_notice_goes_to_the_registry_once(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(
        PublishWorkingDays,
        NoticeVersion(
            id="n", days=SAID, version=1, notice="号", title="通知", published_at=datetime(2026, 11, 1, tzinfo=ZONE),
            published_by="某", in_force=True,
        ),
    )  # fmt: skip
    first = key()
    assert (await client.post(f"{BASE}/notices", json=NEW, headers=first)).status_code == 201
    command = stand_in.last(PublishWorkingDays)
    assert (command.days, command.replaces) == (SAID, None)
    await client.post(f"{BASE}/notices", json=NEW, headers=first)
    again = stand_in.last(PublishWorkingDays)
    assert (again.command_id, again.notice_id) == (command.command_id, command.notice_id)
    await client.post(f"{BASE}/notices", json={**NEW, "replaces": 1}, headers=key())
    assert stand_in.last(PublishWorkingDays).replaces == 1
    assert (await client.post(f"{BASE}/notices", json=NEW)).status_code in (400, 422), "no key"
    stand_in.answer(PublishWorkingDays, refused("conflict", "已发布"))
    assert (await client.post(f"{BASE}/notices", json=NEW, headers=key())).status_code == 409


async def test_reading_and_looking_first(client: httpx.AsyncClient, stand_in: StandInBus) -> None:
    stand_in.answer(
        GetWorkingDays,
        WorkingDaysView(
            year=2027, source="none", holidays=(), worked=(), working_days=261, provisional=True,
            first_day=date(2026, 11, 11), version=0,
        ),
    )  # fmt: skip
    assert (await client.get(f"{BASE}?year=2027")).json()["provisional"] is True
    assert stand_in.last(GetWorkingDays).year == 2027
    stand_in.answer(ListNotices, NoticePage(items=()))
    assert (await client.get(f"{BASE}/notices?limit=3")).json()["items"] == []
    assert stand_in.last(ListNotices).limit == 3
    stand_in.answer(
        SimulateWorkingDays,
        NoticeSimulation(
            year=2027, findings=(), added=(), removed=(), working_days_before=261, working_days_after=250, open=0, moved=0,
            moves=(),
        ),
    )  # fmt: skip
    assert (await client.post(f"{BASE}/simulations", json=DAYS, headers=key())).status_code == 200
    assert stand_in.last(SimulateWorkingDays).days == SAID
    for wrong in ("?year=1999", "?year=x", "/notices?limit=0", "/notices?year=2100"):
        assert (await client.get(BASE + wrong)).status_code == 422, wrong


@pytest.mark.parametrize(
    "wrong",
    [
        {"year": 2003},
        {"year": 2100},
        {"year": None},
        {"holidays": []},
        {"holidays": ["2027-02-30"]},
        {"holidays": ["2027-01-01"] * 121},
        {"worked": None},
        {"worked": ["1月31日"]},
        {"notice": ""},
        {"notice": "号" * 61},
        {"title": ""},
        {"title": "长" * 201},
        {"replaces": 0},
        {"more": 1},
    ],
)
async def test_what_is_wrong_goes_nowhere(
    client: httpx.AsyncClient, stand_in: StandInBus, wrong: dict[str, Any]
) -> None:
    answer = await client.post(f"{BASE}/notices", json={**NEW, **wrong}, headers=key())
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"].startswith("application/problem+json")
