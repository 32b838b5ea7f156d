"""Going on: refresh tokens are used once, and one that is used twice ends the session."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest
from access_support import CITY, COUNTY, Desk, admin
from service_kit.ids import new_id
from shared_contracts.access import ChangeAccount, ListSessions, SealAccount
from shared_contracts.actors import Role

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]


async def test_each_use_gives_the_next(desk: Desk):
    await desk.settled("wei")
    first = await desk.tokens("wei")
    desk.clock.pass_(minutes=4)
    second = (await desk.refresh(first.refresh_token)).tokens
    assert second and second.session == first.session
    assert second.refresh_token != first.refresh_token
    assert await desk.holds(first.access_token) and await desk.holds(second.access_token)
    desk.clock.pass_(minutes=4)
    assert (await desk.refresh(second.refresh_token)).tokens
    desk.clock.pass_(minutes=1)
    assert not await desk.holds(first.access_token)  # nine minutes old


async def test_a_used_token_ends_the_session(desk: Desk):
    await desk.settled("wei")
    first = await desk.tokens("wei")
    second = (await desk.refresh(first.refresh_token)).tokens
    assert second
    desk.clock.pass_(seconds=10)
    stolen = await desk.refresh(first.refresh_token)
    assert (stolen.problem, stolen.tokens) == ("reused", None)
    assert (await desk.refresh(second.refresh_token)).problem == "ended"
    assert not await desk.holds(first.access_token) and not await desk.holds(second.access_token)
    (session,) = await desk.sql("SELECT ended_at, end_reason FROM sessions")
    assert (session["ended_at"], session["end_reason"]) == (desk.clock.now(), "登录凭据被重复使用，可能已泄露")
    told = [(e.account, e.outcome) for e in await desk.entries() if e.act == "access.refresh_session"]
    assert told == [("wei", "done"), ("wei", "reused"), ("wei", "ended")]


async def test_a_lost_reply_may_be_asked_for_again(desk: Desk):
    await desk.settled("wei")
    first = await desk.tokens("wei")
    lost = (await desk.refresh(first.refresh_token)).tokens
    desk.clock.pass_(seconds=9)
    again = (await desk.refresh(first.refresh_token)).tokens
    assert lost and again and lost.refresh_token != again.refresh_token
    desk.clock.pass_(minutes=4)
    assert (await desk.refresh(again.refresh_token)).tokens


@pytest.mark.parametrize("thief_first", [True, False])
async def test_a_thief_within_those_seconds_is_found_at_the_next_use(desk: Desk, thief_first: bool):
    await desk.settled("wei")
    first = await desk.tokens("wei")
    one = (await desk.refresh(first.refresh_token)).tokens
    desk.clock.pass_(seconds=3)
    other = (await desk.refresh(first.refresh_token)).tokens
    assert one and other
    desk.clock.pass_(minutes=4)
    holder, replaced = (other, one) if thief_first else (one, other)
    answers = [(await desk.refresh(held.refresh_token)).problem for held in (holder, replaced)]
    assert "reused" in answers  # whichever of the two comes first
    desk.clock.pass_(seconds=11)
    assert (await desk.refresh(other.refresh_token)).problem == "ended"


async def test_a_successor_that_was_used_was_not_lost(desk: Desk):
    await desk.settled("wei")
    first = await desk.tokens("wei")
    second = (await desk.refresh(first.refresh_token)).tokens
    assert second and (await desk.refresh(second.refresh_token)).tokens
    assert (await desk.refresh(first.refresh_token)).problem == "reused"  # in the same second


async def test_many_at_once_leave_one_token_that_works(open_desk: Any):
    desk = await open_desk()
    other = await open_desk()
    await desk.settled("wei")
    first = await desk.tokens("wei")
    answers = await asyncio.gather(*(one.refresh(first.refresh_token) for one in [desk, other] * 5))
    assert all(answer.tokens for answer in answers)
    usable = await desk.sql("SELECT FROM refresh_tokens WHERE used_at IS NULL AND NOT replaced")
    assert len(usable) == 1
    (session,) = await desk.sql("SELECT ended_at, refresh_number FROM sessions")
    assert (session["ended_at"], session["refresh_number"]) == (None, 2)


@pytest.mark.parametrize("seed", range(6))
async def test_whatever_is_used_when_at_most_one_token_works(desk: Desk, seed: int):
    """Tokens of a session, used in any order at any moment, by its owner and by whoever stole some of them."""
    chance = random.Random(seed)
    await desk.settled("wei")
    held = [(await desk.tokens("wei")).refresh_token]
    ended = False
    for _ in range(25):
        desk.clock.pass_(seconds=chance.choice((0, 1, 5, 9, 11, 60)))
        answer = await desk.refresh(chance.choice((held[-1], held[-1], held[-1], chance.choice(held))))
        assert not (ended and answer.tokens)
        usable = await desk.sql("SELECT FROM refresh_tokens WHERE used_at IS NULL AND NOT replaced")
        assert len(usable) == 1
        if answer.tokens:
            held.append(answer.tokens.refresh_token)
        else:
            assert answer.problem == ("ended" if ended else "reused")
            ended = True
    (session,) = await desk.sql("SELECT ended_at FROM sessions")
    assert (session["ended_at"] is not None) is ended


async def test_a_made_up_token_tells_nothing_and_ends_nothing(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    for made_up in ("", "x", tokens.session, tokens.refresh_token + "x", tokens.access_token):
        answer = await desk.refresh(made_up)
        assert (answer.problem, answer.who) == ("ended", None)
    assert (await desk.refresh(tokens.refresh_token)).tokens


async def test_a_session_ends_idle(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    assert tokens.refresh_expires_at == desk.clock.now().replace(minute=30)
    desk.clock.pass_(minutes=29, seconds=59)
    going = (await desk.refresh(tokens.refresh_token)).tokens
    assert going
    desk.clock.pass_(minutes=30)
    assert (await desk.refresh(going.refresh_token)).problem == "ended"
    assert (await desk.ask(ListSessions(actor=going.actor))).items == ()
    assert len((await desk.ask(ListSessions(actor=going.actor, live_only=False))).items) == 1


async def test_a_session_ends_in_any_case(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    started = desk.clock.now()
    for _ in range(36 * 2 - 1):  # every ten minutes for just under twelve hours
        desk.clock.pass_(minutes=10)
        answer = await desk.refresh(tokens.refresh_token)
        assert answer.tokens
        tokens = answer.tokens
    assert tokens.refresh_expires_at == started.replace(hour=21)
    desk.clock.pass_(minutes=10)
    assert (await desk.refresh(tokens.refresh_token)).problem == "ended"


async def test_new_rights_come_with_the_next_token_and_the_old_one_dies(desk: Desk):
    await desk.settled("wei", COUNTY, Role.AUTHORITY_OFFICER)
    tokens = await desk.tokens("wei")
    desk.clock.pass_(seconds=20)
    await desk.do(
        ChangeAccount(command_id=new_id(), actor=admin(CITY), username="wei", version=1, roles=(Role.LEADER,))
    )
    assert not await desk.holds(tokens.access_token)
    answer = await desk.refresh(tokens.refresh_token)  # in the very same moment
    assert answer.tokens and answer.tokens.actor.roles == (Role.LEADER,)
    assert await desk.holds(answer.tokens.access_token)


async def test_clocks_of_two_copies_may_differ(open_desk: Any):
    """A token issued by a copy that is ahead is stale all the same when another copy takes the right away."""
    desk = await open_desk()
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    desk.clock.pass_(seconds=-2)
    await desk.do(
        ChangeAccount(command_id=new_id(), actor=admin(CITY), username="wei", version=1, roles=(Role.LEADER,))
    )
    assert not await desk.holds(tokens.access_token)
    answer = await desk.refresh(tokens.refresh_token)
    assert answer.tokens and await desk.holds(answer.tokens.access_token)


async def test_a_sealed_account_does_not_go_on(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    await desk.do(SealAccount(command_id=new_id(), actor=admin(CITY), username="wei", reason="调离"))
    assert not await desk.holds(tokens.access_token)
    assert (await desk.refresh(tokens.refresh_token)).problem == "ended"
