"""Whoever worked for an organisation that is no more can sign in no more (clauses 44, 45.3)."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from access.accounts import ended
from access.app import SERVICE
from access_support import COUNTY, SCHOOL, Desk, _known, admin
from service_kit.ids import new_id
from shared_contracts.access import GetAccount, SealAccount, UnsealAccount
from shared_contracts.actors import Role
from shared_contracts.organisations import OrganisationsChanged

pytestmark = [pytest.mark.integration, pytest.mark.clause("44", "45.3")]


async def told(desk: Desk, version: int, *, closed: bool) -> None:
    known = msgspec.structs.replace(_known(SCHOOL), closed=closed, version=version)
    async with desk.kit.db.unit(desk.deps) as work:
        await SERVICE.events[OrganisationsChanged](work, OrganisationsChanged(organisations=(known,)))


async def state(desk: Desk, username: str) -> Any:
    return str((await desk.ask(GetAccount(actor=admin(COUNTY), username=username))).state)


async def test_accounts_of_a_school_that_ended_are_sealed_and_signed_out(desk: Desk) -> None:
    await desk.settled("reg", SCHOOL, Role.PRINCIPAL)
    await desk.settled("wei", COUNTY)
    await desk.tokens("reg")
    await told(desk, 2, closed=True)
    assert (await state(desk, "reg"), await state(desk, "wei")) == ("sealed", "active")
    assert (await desk.sign_in("reg")).problem == "sealed"
    assert await desk.sql("SELECT 1 FROM sessions WHERE username = 'reg' AND ended_at IS NULL") == []
    (change,) = await desk.sql("SELECT by_account, reason FROM account_changes WHERE username = 'reg' AND act = 'seal'")
    assert tuple(change) == ("system:access", ended.REASON)
    await told(desk, 2, closed=True)  # the same news again
    assert len(await desk.sql("SELECT 1 FROM account_changes WHERE username = 'reg' AND act = 'seal'")) == 1


async def test_news_that_is_older_seals_nobody(desk: Desk) -> None:
    await desk.settled("reg", SCHOOL, Role.PRINCIPAL)
    await told(desk, 5, closed=False)
    await told(desk, 4, closed=True)
    assert await state(desk, "reg") == "active"


async def test_an_end_that_is_taken_back_opens_them_but_nobody_whom_somebody_sealed(desk: Desk) -> None:
    await desk.settled("reg", SCHOOL, Role.PRINCIPAL)
    await desk.settled("gone", SCHOOL, Role.PRINCIPAL)
    seal = SealAccount(command_id=new_id(), actor=admin(COUNTY), username="gone", reason="调离学籍岗位")
    assert (await desk.do(seal)).state == "sealed"
    await told(desk, 2, closed=True)
    await told(desk, 3, closed=False)
    assert (await state(desk, "reg"), await state(desk, "gone")) == ("active", "sealed")
    opened = UnsealAccount(command_id=new_id(), actor=admin(COUNTY), username="gone", reason="返回学籍岗位")
    assert (await desk.do(opened)).state == "active"
