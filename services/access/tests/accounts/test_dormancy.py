"""Accounts that nobody uses are sealed by themselves."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from access.accounts import worker
from access_support import CITY, COUNTY, Desk, admin
from service_kit.ids import new_id
from shared_contracts.access import GetAccount, UnsealAccount
from shared_contracts.actors import Role

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]


async def state(desk: Desk, username: str) -> str:
    return str((await desk.ask(GetAccount(actor=admin(COUNTY), username=username))).state)


async def test_an_account_is_sealed_after_half_a_year_without_use(desk: Desk):
    await desk.settled("used")
    await desk.settled("never")
    desk.clock.pass_(days=100)
    await desk.tokens("used")
    desk.clock.pass_(days=80)
    assert await worker.seal_dormant(desk.kit, desk.deps) == 0
    desk.clock.pass_(days=1)
    assert await worker.seal_dormant(desk.kit, desk.deps) == 1
    assert (await state(desk, "never"), await state(desk, "used")) == ("dormant", "active")
    assert (await desk.sign_in("never")).problem == "sealed"
    desk.clock.pass_(days=99)
    assert await worker.seal_dormant(desk.kit, desk.deps) == 0
    desk.clock.pass_(days=1)
    assert await worker.seal_dormant(desk.kit, desk.deps) == 1
    (change,) = await desk.sql(
        "SELECT by_account, reason FROM account_changes WHERE username = 'used' AND act = 'dormant'"
    )
    assert tuple(change) == ("system:access", worker.REASON)


async def test_an_administrator_opens_it_and_the_days_begin_anew(desk: Desk):
    await desk.settled("wei")
    desk.clock.pass_(days=181)
    assert await worker.seal_dormant(desk.kit, desk.deps) == 1
    opened = UnsealAccount(command_id=new_id(), actor=admin(CITY), username="wei", reason="返岗")
    assert (await desk.do(opened)).state == "active"
    desk.clock.pass_(days=180)
    assert await worker.seal_dormant(desk.kit, desk.deps) == 0
    desk.clock.pass_(days=1)
    assert await worker.seal_dormant(desk.kit, desk.deps) == 1


async def test_two_copies_and_many_accounts(open_desk: Any, monkeypatch: pytest.MonkeyPatch):
    desk = await open_desk()
    other = await open_desk()
    for i in range(7):
        await desk.create(f"wei{i}", COUNTY, Role.LEADER)
    monkeypatch.setattr(worker, "AT_ONCE", 2)
    desk.clock.pass_(days=181)
    counts = await asyncio.gather(*(worker.seal_dormant(one.kit, one.deps) for one in (desk, other)))
    await worker.seal_dormant(desk.kit, desk.deps)
    assert len(await desk.sql("SELECT FROM accounts WHERE seal = 'dormant'")) == 7 >= sum(counts)
    assert len(await desk.sql("SELECT FROM account_changes WHERE act = 'dormant'")) == 7
