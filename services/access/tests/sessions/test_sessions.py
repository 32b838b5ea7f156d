"""Sessions listed and ended; what the gateway hears of it; signing keys over time; what is forgotten."""

from __future__ import annotations

import asyncio
from typing import Any

import jwt
import pytest
from access.sessions import keys, worker
from access_support import CITY, COUNTY, NEIGHBOUR, SCHOOL, Desk, admin
from service_kit.ids import new_id
from shared_contracts.access import ANONYMOUS, EndSession, GetTokenState, ListSessions
from shared_contracts.actors import Actor, Role
from shared_contracts.messages import Ok

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]


def end(session: str, actor: Actor) -> EndSession:
    return EndSession(command_id=new_id(), actor=actor, session_id=session)


async def test_an_account_sees_its_sessions_and_ends_one(desk: Desk):
    await desk.settled("wei")
    office, home = await desk.tokens("wei"), await desk.tokens("wei")
    page = await desk.ask(ListSessions(actor=home.actor))
    assert [session.id for session in page.items] == [home.session, office.session]
    assert page.items[0].address == "10.0.0.7"
    assert await desk.do(end(office.session, home.actor)) == Ok()
    assert not await desk.holds(office.access_token)
    assert await desk.holds(home.access_token)
    assert (await desk.refresh(office.refresh_token)).problem == "ended"
    assert [s.id for s in (await desk.ask(ListSessions(actor=home.actor))).items] == [home.session]
    (_, ended) = (await desk.ask(ListSessions(actor=home.actor, live_only=False))).items
    assert (ended.id, ended.end_reason, ended.ended_at) == (office.session, "本人退出", desk.clock.now())
    assert await desk.do(end(office.session, home.actor)) == Ok()  # once more: as it is


async def test_sessions_come_page_by_page(desk: Desk):
    await desk.settled("wei")
    made = [(await desk.tokens("wei")) for _ in range(5)]
    actor, cursor, seen = made[0].actor, None, []
    while True:
        page = await desk.ask(ListSessions(actor=actor, limit=2, cursor=cursor))
        seen += [session.id for session in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [tokens.session for tokens in reversed(made)]
    assert (await desk.ask(ListSessions(actor=actor, cursor="nonsense"))).kind == "invalid"


async def test_administrators_of_the_subtree_end_sessions_and_nobody_else(desk: Desk):
    await desk.settled("wei", SCHOOL, Role.PRINCIPAL)
    await desk.settled("zhao", SCHOOL, Role.PRINCIPAL)
    tokens, colleague = await desk.tokens("wei"), (await desk.tokens("zhao")).actor
    for stranger in (colleague, admin(NEIGHBOUR)):
        assert (await desk.do(end(tokens.session, stranger))).kind == "not_found"
        assert (await desk.ask(ListSessions(actor=stranger, username="wei"))).kind == "not_found"
    assert (await desk.do(end(new_id(), admin(CITY)))).kind == "not_found"
    assert len((await desk.ask(ListSessions(actor=admin(COUNTY), username="wei"))).items) == 1
    assert await desk.do(end(tokens.session, admin(COUNTY))) == Ok()
    assert not await desk.holds(tokens.access_token)


async def test_a_limited_administrator_has_only_what_is_his_own(open_desk: Any):
    desk = await open_desk(second_factor="all")
    await desk.settled("luo", COUNTY, Role.ACCOUNT_ADMIN)
    await desk.settled("wei")
    mine, other = await desk.tokens("luo"), await desk.tokens("wei")
    assert mine.actor.limited == "second_factor"
    assert (await desk.do(end(other.session, mine.actor))).kind == "not_found"
    assert (await desk.ask(ListSessions(actor=mine.actor, username="wei"))).kind == "not_found"
    assert await desk.do(end(mine.session, mine.actor)) == Ok()


async def test_the_list_of_stale_sessions_is_as_long_as_a_token_lives(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    assert (await desk.state()).stale == ()
    await desk.do(end(tokens.session, tokens.actor))
    (stale,) = (await desk.state()).stale
    assert stale.session == tokens.session and stale.before > desk.clock.now()
    desk.clock.pass_(minutes=9)
    assert len((await desk.state()).stale) == 1
    desk.clock.pass_(minutes=2)
    assert (await desk.state()).stale == ()


async def test_whoever_has_not_signed_in_may_ask_for_keys(desk: Desk):
    await desk.settled("wei")
    await desk.tokens("wei")
    state = await desk.ask(GetTokenState(actor=ANONYMOUS))
    (key,) = state.keys["keys"]
    assert {name: key[name] for name in ("kty", "crv", "alg", "use")} == {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
    }
    assert "d" not in key  # the private part


# ---- keys -------------------------------------------------------------------------------------------------------------


async def kids(desk: Desk) -> list[str]:
    return [key["kid"] for key in (await desk.state()).keys["keys"]]


def kid(token: str) -> str:
    return str(jwt.get_unverified_header(token)["kid"])


async def test_keys_turn_while_tokens_go_on(desk: Desk):
    await desk.settled("wei")
    await worker.turn(desk.kit, desk.deps)
    (first,) = await kids(desk)
    old = await desk.tokens("wei")
    assert kid(old.access_token) == first
    desk.clock.pass_(days=30, minutes=-61)
    await worker.turn(desk.kit, desk.deps)
    assert await kids(desk) == [first]
    desk.clock.pass_(minutes=1)
    await worker.turn(desk.kit, desk.deps)
    _, second = await kids(desk)
    assert kid((await desk.tokens("wei")).access_token) == first  # published, not in use
    desk.clock.pass_(minutes=59, seconds=59)
    last_of_first = await desk.tokens("wei")
    assert kid(last_of_first.access_token) == first
    desk.clock.pass_(seconds=1)
    fresh = await desk.tokens("wei")
    assert kid(fresh.access_token) == second
    for _ in range(4):
        desk.clock.pass_(minutes=1)
        await worker.turn(desk.kit, desk.deps)
        assert await desk.holds(last_of_first.access_token)
    desk.clock.pass_(minutes=6)
    await worker.turn(desk.kit, desk.deps)
    assert await kids(desk) == [second]
    with pytest.raises(KeyError):
        await desk.claims(last_of_first.access_token)  # it was dead already
    assert await desk.sql("SELECT FROM signing_keys WHERE kid = $1", first) == []


async def test_two_copies_make_one_key(open_desk: Any):
    desk = await open_desk()
    other = await open_desk()
    await asyncio.gather(*(worker.turn(one.kit, one.deps) for one in (desk, other, desk, other)))
    assert len(await kids(desk)) == 1


async def test_a_key_opens_only_in_its_own_row(desk: Desk):
    async with desk.db.transaction() as tx:
        await keys.turn(tx, desk.deps.cipher, desk.deps.settings, desk.clock.now())
    (row,) = await desk.sql("SELECT kid, private, public FROM signing_keys")
    opened = desk.deps.cipher.open_bytes(row["private"], f"signing_keys.private:{row['kid']}".encode())
    assert len(opened) == 32 and opened not in row["private"]


# ---- forgetting ---------------------------------------------------------------------------------------------------------


async def test_what_is_over_is_forgotten(desk: Desk):
    await desk.settled("wei")
    await desk.tokens("wei")
    await desk.sign_in("nobody", "wrong")
    await worker.tidy(desk.kit)
    counted = (
        "SELECT (SELECT count(*) FROM sessions), (SELECT count(*) FROM refresh_tokens), count(*) FROM sign_in_failures"
    )
    assert tuple((await desk.sql(counted))[0]) == (1, 1, 1)
    desk.clock.pass_(hours=25)
    await worker.tidy(desk.kit)
    assert tuple((await desk.sql(counted))[0]) == (1, 1, 0)
    desk.clock.pass_(hours=12)
    await worker.tidy(desk.kit)
    assert tuple((await desk.sql(counted))[0]) == (1, 0, 0)
    desk.clock.pass_(days=180)
    await worker.tidy(desk.kit)
    assert tuple((await desk.sql(counted))[0]) == (0, 0, 0)
