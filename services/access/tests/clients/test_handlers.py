"""Integration clients: made, given tokens (RFC 6749, 4.4 and 5.2), ended."""

from __future__ import annotations

import asyncio
from datetime import date
from typing import Any

import msgspec
import pytest
from access_support import CITY, COUNTY, NEIGHBOUR, PROVINCE, SCHOOL, Desk, admin, codes
from service_kit.ids import new_id
from shared_contracts.access import (
    ANONYMOUS,
    ClientGranted,
    ClientSecret,
    CreateClient,
    EndClient,
    GrantClient,
    ListClients,
    RotateClientSecret,
)
from shared_contracts.actors import Actor, Role

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]
CREATE = CreateClient(
    command_id="x",
    actor=admin(COUNTY),
    client_id="data.platform",
    name="数据平台",
    organisation=COUNTY,
    scopes=("students:read", "organisations:read"),
    expires_on=date(2027, 6, 30),
)


async def make(desk: Desk, **changes: Any) -> Any:
    return await desk.do(msgspec.structs.replace(CREATE, command_id=new_id(), **changes))


async def grant(desk: Desk, secret: str, scope: str = "", client_id: str = "data.platform") -> ClientGranted:
    command = GrantClient(command_id=new_id(), actor=ANONYMOUS, client_id=client_id, client_secret=secret, scope=scope)
    reply = await desk.do(command)
    assert isinstance(reply, ClientGranted)
    return reply


async def test_a_client_gets_tokens_with_its_scopes(desk: Desk):
    made = await make(desk)
    assert isinstance(made, ClientSecret) and made.secret not in repr(made) and len(made.secret) == 43
    granted = await grant(desk, made.secret)
    assert (granted.error, granted.expires_in, granted.scope) == ("", 300, "students:read organisations:read")
    claims = await desk.claims(granted.access_token)
    assert claims.sub == claims.sid == "client:data.platform"
    assert claims.actor == Actor(
        account="client:data.platform",
        name="数据平台",
        organisation=COUNTY,
        roles=(Role.INTEGRATION_CLIENT,),
        scopes=("students:read", "organisations:read"),
    )
    narrow = await grant(desk, made.secret, "students:read")
    assert (await desk.claims(narrow.access_token)).actor.scopes == ("students:read",)
    (view,) = (await desk.ask(ListClients(actor=admin(COUNTY)))).items
    assert view.last_used_at == desk.clock.now()


async def test_errors_of_rfc_6749(desk: Desk):
    made = await make(desk)
    assert (await grant(desk, "wrong")).error == "invalid_client"
    assert (await grant(desk, made.secret, client_id="nobody")).error == "invalid_client"
    assert (await grant(desk, "", client_id="")).error == "invalid_client"
    assert (await grant(desk, "\x00", client_id="a\x00")).error == "invalid_client"
    assert (await grant(desk, made.secret, "students:write")).error == "invalid_scope"
    assert (await grant(desk, "wrong", "students:write")).error == "invalid_client"
    told = [(e.account, e.outcome) for e in await desk.entries() if e.act == "access.grant_client"]
    who = "client:data.platform"
    assert told == [
        (who, "invalid_client"),
        ("", "invalid_client"),
        ("", "invalid_client"),
        ("", "invalid_client"),
        (who, "invalid_scope"),
        (who, "invalid_client"),
    ]


async def test_a_client_ends_after_its_last_day(desk: Desk):
    made = await make(desk, expires_on=date(2026, 11, 25))
    desk.clock.pass_(days=1)
    assert (await grant(desk, made.secret)).error == ""
    desk.clock.pass_(days=1)
    assert (await grant(desk, made.secret)).error == "invalid_client"


async def test_a_new_secret_ends_the_old_one_and_its_tokens(desk: Desk):
    made = await make(desk)
    granted = await grant(desk, made.secret)
    command = RotateClientSecret(command_id=new_id(), actor=admin(CITY), client_id="data.platform")
    rotated = await desk.do(command)
    assert rotated.secret != made.secret
    assert not await desk.holds(granted.access_token)
    assert (await grant(desk, made.secret)).error == "invalid_client"
    again = await grant(desk, rotated.secret)
    assert again.error == "" and await desk.holds(again.access_token)


async def test_an_ended_client_stays_ended(desk: Desk):
    made = await make(desk)
    granted = await grant(desk, made.secret)
    end = EndClient(command_id=new_id(), actor=admin(COUNTY), client_id="data.platform")
    assert (await desk.do(end)).ended_at == desk.clock.now()
    assert not await desk.holds(granted.access_token)
    assert (await grant(desk, made.secret)).error == "invalid_client"
    for kind in (EndClient, RotateClientSecret):
        command = kind(command_id=new_id(), actor=admin(COUNTY), client_id="data.platform")
        assert (await desk.do(command)).kind == "conflict"
    assert (await make(desk)).kind == "conflict"  # its name is not given again


async def test_what_a_client_must_be(desk: Desk):
    assert codes(await make(desk, client_id="Data")) == ["account.client_id"]
    assert codes(await make(desk, scopes=())) == ["client.scopes"]
    assert codes(await make(desk, scopes=("everything",))) == ["client.scopes"]
    assert codes(await make(desk, expires_on=date(2026, 11, 23))) == ["client.expiry"]
    assert codes(await make(desk, expires_on=date(2027, 11, 26))) == ["client.expiry"]
    assert isinstance(await make(desk, expires_on=date(2027, 11, 25)), ClientSecret)


@pytest.mark.clause("3.1")
async def test_administrators_manage_clients_of_their_subtree(desk: Desk):
    assert (await make(desk, organisation=CITY)).kind == "not_found"
    assert (await make(desk, organisation=NEIGHBOUR)).kind == "not_found"
    officer = Actor(account="x", name="", organisation=PROVINCE, roles=(Role.AUTHORITY_OFFICER,))
    assert (await make(desk, actor=officer)).kind == "forbidden"
    await make(desk, organisation=SCHOOL)
    for kind in (EndClient, RotateClientSecret):
        command = kind(command_id=new_id(), actor=admin(NEIGHBOUR), client_id="data.platform")
        assert (await desk.do(command)).kind == "not_found"

    async def seen(organisation: str) -> list[str]:
        page = await desk.ask(ListClients(actor=admin(organisation)))
        return [client.client_id for client in page.items]

    assert [await seen(code) for code in (PROVINCE, CITY, COUNTY)] == [["data.platform"]] * 3
    assert await seen(NEIGHBOUR) == []


async def test_clients_come_page_by_page(desk: Desk):
    for i in range(3):
        await make(desk, client_id=f"client{i}")
    first = await desk.ask(ListClients(actor=admin(CITY), limit=2))
    rest = await desk.ask(ListClients(actor=admin(CITY), limit=2, cursor=first.next_cursor))
    assert [[c.client_id for c in page.items] for page in (first, rest)] == [["client0", "client1"], ["client2"]]
    assert rest.next_cursor is None


async def test_many_tokens_at_once_while_the_secret_changes(open_desk: Any):
    desk = await open_desk()
    other = await open_desk()
    made = await make(desk)
    rotate = RotateClientSecret(command_id=new_id(), actor=admin(CITY), client_id="data.platform")
    copies = [desk, other] * 4
    *granted, _ = await asyncio.gather(*(grant(one, made.secret) for one in copies), desk.do(rotate))
    for answer in granted:
        assert answer.error in ("", "invalid_client")
        assert not answer.access_token or not await desk.holds(answer.access_token)


async def test_no_secret_is_stored(desk: Desk):
    made = await make(desk)
    granted = await grant(desk, made.secret)
    for table in ("clients", "commands", "audit_outbox"):
        text = str(await desk.sql(f"SELECT t::text FROM {table} t"))
        for secret in (made.secret, granted.access_token):
            assert secret not in text and secret.encode().hex() not in text
    assert await desk.sql("SELECT FROM commands") == []
