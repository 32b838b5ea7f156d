"""The first account administrator, as an operator makes it: `python -m access first-admin`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest
from access_support import COUNTY, Desk, admin
from service_kit.ids import new_id
from shared_contracts.access import CreateAccount, SealAccount
from shared_contracts.actors import Role

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]


def run(desk: Desk, *arguments: str) -> subprocess.CompletedProcess[str]:
    environ = {key: value for key, value in os.environ.items() if not key.startswith("XUEJI_")} | desk.env
    command = [sys.executable, "-m", "access", *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def password_in(output: str) -> str:
    (found,) = re.findall(r"[a-z2-9]{14}$", output.strip())
    return str(found)


async def test_the_first_administrator_signs_in_and_makes_the_next_account(desk: Desk):
    done = run(desk, "first-admin", "--username", "province.admin", "--name", "罗文")
    assert done.returncode == 0, done.stderr
    tokens = await desk.tokens("province.admin", password_in(done.stdout))
    assert (tokens.actor.roles, tokens.actor.organisation) == ((Role.ACCOUNT_ADMIN,), "230000")
    assert tokens.actor.limited == "password"
    create = CreateAccount(
        command_id=new_id(),
        actor=tokens.actor,
        username="wei",
        name="魏建国",
        organisation=COUNTY,
        roles=(Role.ACCOUNT_ADMIN,),
    )
    assert (await desk.do(create)).kind == "forbidden"  # the own password first
    (entry, *_) = await desk.entries()
    assert (entry.act, entry.account, entry.objects) == ("access.create_account", "operator", ("province.admin",))


async def test_there_is_only_one_first(desk: Desk):
    await desk.create("wei")
    again = run(desk, "first-admin", "--username", "province.admin", "--name", "罗文")
    assert again.returncode != 0 and "reset-admin" in again.stderr and again.stdout == ""
    assert len(await desk.sql("SELECT FROM accounts")) == 1


@pytest.mark.parametrize(
    ("username", "organisation", "said"),
    [("Admin", "230000", "小写字母"), ("admin", "2123010001", "行政区划"), ("admin", "999999", "行政区划")],
)
async def test_what_cannot_be_is_said(desk: Desk, username: str, organisation: str, said: str):
    done = run(desk, "first-admin", "--username", username, "--name", "罗文", "--organisation", organisation)
    assert done.returncode != 0 and said in done.stderr
    assert await desk.sql("SELECT FROM accounts") == []


async def test_an_administrator_who_cannot_get_in_is_let_in(desk: Desk):
    await desk.settled("luo", COUNTY, Role.ACCOUNT_ADMIN)
    await desk.settled("wei")
    session = await desk.tokens("luo")
    seal = SealAccount(command_id=new_id(), actor=admin("230000"), username="luo", reason="误操作")
    await desk.do(seal)
    for _ in range(5):
        await desk.sign_in("luo", "wrong")
    officer = run(desk, "reset-admin", "--username", "wei", "--reason", "试试")
    assert officer.returncode != 0 and "账号管理员" in officer.stderr
    done = run(desk, "reset-admin", "--username", "luo", "--reason", "全部管理员无法登录")
    assert done.returncode == 0, done.stderr
    assert (await desk.tokens("luo", password_in(done.stdout))).actor.limited == "password"
    assert (await desk.refresh(session.refresh_token)).problem == "ended"
    (change,) = await desk.sql("SELECT by_account, reason FROM account_changes WHERE act = 'reset_admin'")
    assert tuple(change) == ("operator", "全部管理员无法登录")


async def test_the_words_of_every_service_are_still_there(desk: Desk):
    assert run(desk, "migrate").stdout.startswith("access: 00")
    assert run(desk).returncode == 2
    helped: Any = run(desk, "--help").stdout
    assert all(word in helped for word in ("serve", "migrate", "first-admin", "reset-admin"))
