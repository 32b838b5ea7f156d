"""Demonstration accounts: the same again changes nothing, and none of it in production."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from access_support import BETTER, COUNTY, GOOD, NEIGHBOUR, OPERATOR, PROVINCE, SCHOOL, Desk, admin, codes
from service_kit.ids import new_id
from shared_contracts.access import ANONYMOUS, DemoAccount, DemoClient, GrantClient, LoadAccounts
from shared_contracts.actors import Actor, Role
from shared_contracts.messages import Ok

pytestmark = pytest.mark.integration
SECRET = "k7mq2vxp9rtw4z"
REGISTRAR = DemoAccount(
    username="yucai.registrar",
    password=GOOD,
    name="李敏",
    organisation=SCHOOL,
    roles=(Role.REGISTRAR,),
    training="学籍管理员岗前培训",
)
TEACHER = DemoAccount(
    username="yucai.teacher",
    password=GOOD,
    name="王秀兰",
    organisation=SCHOOL,
    roles=(Role.CLASS_TEACHER,),
    classes=("1", "2-01"),
)
CLIENT = DemoClient(
    client_id="nangang.client",
    secret=SECRET,
    name="数据平台",
    organisation=COUNTY,
    scopes=("students:read",),
    expires_on=date(2027, 11, 24),
)


def load(*accounts: DemoAccount, clients: tuple[DemoClient, ...] = (), actor: Actor = OPERATOR) -> LoadAccounts:
    return LoadAccounts(command_id=new_id(), actor=actor, accounts=accounts, clients=clients)


async def rows(desk: Desk) -> list[Any]:
    kept = "SELECT a.*, xmin FROM accounts a ORDER BY username"
    return [*await desk.sql(kept), *await desk.sql("SELECT c.*, xmin FROM clients c")]


@pytest.mark.clause("43", "45.3")
async def test_they_sign_in_at_once_and_the_registrar_is_appointed(desk: Desk):
    assert await desk.do(load(REGISTRAR, TEACHER)) == Ok()
    registrar, teacher = (await desk.tokens("yucai.registrar")).actor, (await desk.tokens("yucai.teacher")).actor
    assert (registrar.roles, registrar.withheld, registrar.limited) == ((Role.REGISTRAR,), (), "")
    assert (teacher.roles, teacher.classes, teacher.limited) == ((Role.CLASS_TEACHER,), ("1", "2-01"), "")
    desk.clock.pass_(days=300)  # the next school year: appointed anew
    assert (await desk.tokens("yucai.registrar")).actor.withheld == (Role.REGISTRAR,)


async def test_the_same_again_changes_nothing(desk: Desk):
    await desk.do(load(REGISTRAR, TEACHER, clients=(CLIENT,)))
    before = await rows(desk)
    desk.clock.pass_(days=1)
    assert await desk.do(load(REGISTRAR, TEACHER, clients=(CLIENT,))) == Ok()
    assert await rows(desk) == before
    assert len(await desk.sql("SELECT FROM appointments")) == 1


async def test_what_differs_is_brought_up_to_date(desk: Desk):
    await desk.do(load(REGISTRAR, TEACHER))
    changed = msgspec.structs.replace(TEACHER, name="王老师", classes=("3",), password=BETTER)
    assert await desk.do(load(REGISTRAR, changed)) == Ok()
    actor = (await desk.tokens("yucai.teacher", BETTER)).actor
    assert (actor.name, actor.classes) == ("王老师", ("3",))
    moved = msgspec.structs.replace(TEACHER, organisation=NEIGHBOUR, roles=(Role.LEADER,), classes=())
    assert (await desk.do(load(moved))).kind == "conflict"


async def test_a_demonstration_that_was_left_alone_works_again(desk: Desk):
    await desk.do(load(TEACHER))
    desk.clock.pass_(days=200)
    assert (await desk.tokens("yucai.teacher")).actor.limited == "password"
    assert await desk.do(load(TEACHER)) == Ok()
    assert (await desk.tokens("yucai.teacher")).actor.limited == ""


@pytest.mark.clause("45.3")
async def test_not_in_production_and_by_nobody_but_the_operator(open_desk: Any):
    desk = await open_desk(env="production", second_factor="none")
    assert (await desk.do(load(TEACHER))).kind == "forbidden"
    development = await open_desk()
    for actor in (admin(PROVINCE), ANONYMOUS):
        assert (await development.do(load(TEACHER, actor=actor))).kind == "forbidden"
    assert await rows(desk) == []


@pytest.mark.clause("45.3")
async def test_they_follow_the_rules_of_all_accounts(desk: Desk):
    weak = msgspec.structs.replace(TEACHER, password="1234567890")
    wrong = msgspec.structs.replace(REGISTRAR, roles=(Role.LEADER,))
    assert codes(await desk.do(load(weak, wrong))) == ["password.weak", "account.role_not_here"]
    assert await rows(desk) == []


async def test_an_organisation_that_has_not_arrived_yet_is_waited_for(desk: Desk):
    await desk.sql("DELETE FROM organisation_replica WHERE code = $1", SCHOOL)
    assert (await desk.do(load(TEACHER))).kind == "unavailable"
    await desk.know(SCHOOL)
    assert await desk.do(load(TEACHER)) == Ok()


async def test_a_client_gets_tokens_with_its_secret(desk: Desk):
    await desk.do(load(clients=(CLIENT,)))

    async def grant(secret: str) -> str:
        command = GrantClient(command_id=new_id(), actor=ANONYMOUS, client_id="nangang.client", client_secret=secret)
        return str((await desk.do(command)).error)

    assert await grant(SECRET) == ""
    another = msgspec.structs.replace(CLIENT, secret="w4z-another-secret")
    assert await desk.do(load(clients=(another,))) == Ok()
    assert [await grant(SECRET), await grant("w4z-another-secret")] == ["invalid_client", ""]
    elsewhere = msgspec.structs.replace(CLIENT, organisation=NEIGHBOUR)
    assert (await desk.do(load(clients=(elsewhere,)))).kind == "conflict"
