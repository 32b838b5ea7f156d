"""Tokens that do not hold are nobody's; those that do cost no question; keys are asked for when they must be, and once."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import datetime, timedelta
from typing import Any

import jwt
import pytest
from gateway import keyring as module
from gateway.keyring import AT_ONCE, Keyring, KeysMissing
from gateway_support import ACTOR, SESSION, SIGNER, Signer, StandInBus, token_state
from service_kit.bus import Unavailable
from service_kit.clock import ZONE, Clock
from shared_contracts.access import GetTokenState, Stale, TokenState
from shared_contracts.decisions import refused

NOW = datetime(2026, 9, 1, 8, 0, tzinfo=ZONE)
OTHER = Signer("k2", bytes(32))


class Watch(Clock):
    """A clock and a stopwatch that the test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def tick(self) -> float:
        return self.at.timestamp()

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def keys(stand_in: StandInBus, watch: Watch) -> Keyring:
    return Keyring(stand_in, watch, watch.tick)


def claims(**changes: Any) -> dict[str, Any]:
    return SIGNER.claims(now=NOW.timestamp(), **changes)


def signed(**changes: Any) -> str:
    return SIGNER.sign(claims(**changes))


def unsigned() -> str:
    def part(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()

    return f"{part({'alg': 'none', 'typ': 'JWT', 'kid': 'k1'})}.{part(claims())}."


def with_the_public_key_as_a_secret() -> str:
    secret = base64.urlsafe_b64decode(SIGNER.public["x"] + "=")
    return jwt.encode(claims(), secret, algorithm="HS256", headers={"kid": "k1"})


@pytest.mark.clause("45.3")
async def test_a_token_in_order_is_its_actors(keys: Keyring) -> None:
    caller = await keys.verify(signed())
    assert caller
    assert (caller.actor, caller.session) == (ACTOR, SESSION)
    assert caller.seconds_left(NOW) == 300


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "a.b.c",
        "x" * 9000,
        "\udce4.b.c",
        OTHER.sign(claims(), kid="k1"),  # another's signature under a known key's name
        signed(iss="another"),
        signed(aud="another"),
        signed(exp=None),
        signed(sub=None),
        signed(sid=None),
        signed(actor=None),
        signed(sub="another"),
        signed(actor={"account": "x"}),
        signed(actor={"account": "x", "name": "", "organisation": "", "roles": ["emperor"]}),
        signed(exp=NOW.timestamp()),
        signed(exp=NOW.timestamp() - 7200),
        signed(exp="soon"),
        jwt.encode(claims(), SIGNER.private, algorithm="EdDSA"),  # names no key
        SIGNER.sign(claims(), kid=""),
        unsigned(),
        with_the_public_key_as_a_secret(),
    ],
)
async def test_a_token_that_does_not_hold_is_nobodys(keys: Keyring, text: str) -> None:
    assert await keys.verify(signed()), "the keys are there"
    assert await keys.verify(text) is None


async def test_a_changed_token_is_not_the_remembered_one(keys: Keyring) -> None:
    text = signed()
    assert await keys.verify(text)
    head, _, signature = text.split(".")
    richer = claims(actor={"account": ACTOR.account, "name": "", "organisation": "230000", "roles": ["leader"]})
    forged = base64.urlsafe_b64encode(json.dumps(richer).encode()).rstrip(b"=").decode()
    assert await keys.verify(f"{head}.{forged}.{signature}") is None


async def test_it_holds_until_its_end_and_not_a_second_longer(keys: Keyring, watch: Watch) -> None:
    text = signed()
    assert await keys.verify(text)
    watch.move(299)
    assert await keys.verify(text)
    watch.move(1)
    assert await keys.verify(text) is None, "remembered, and over"
    assert await keys.verify(text) is None


async def test_a_second_check_asks_nobody_and_verifies_nothing(
    keys: Keyring, stand_in: StandInBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = signed()
    await keys.verify(text)
    monkeypatch.setattr(module, "_read", lambda *_: pytest.fail("verified again"))
    for _ in range(100):
        assert await keys.verify(text)
    assert stand_in.key_questions == 1


@pytest.mark.clause("45.3")
async def test_an_ended_session_is_out_with_the_next_look_and_its_new_token_in(
    keys: Keyring, stand_in: StandInBus, watch: Watch
) -> None:
    before, other = signed(), signed(sid="another")
    assert await keys.verify(before)
    assert await keys.verify(other)
    changed = NOW + timedelta(seconds=10.5)
    stand_in.answer(GetTokenState, token_state(stale=(Stale(session=SESSION, before=changed),)))
    await once(keys)
    assert await keys.verify(before) is None, "it was remembered"
    assert await keys.verify(signed(iat=changed.timestamp() - 0.1)) is None, "issued a moment before"
    assert await keys.verify(signed(iat=changed.timestamp())), "the token with the new rights"
    assert await keys.verify(other), "another session is not touched"


async def once(keys: Keyring) -> None:
    """One round of the background look."""
    stop = asyncio.Event()
    running = asyncio.create_task(keys.run(stop))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    stop.set()
    await running


async def test_an_unknown_key_is_asked_for_once_however_many_come(
    keys: Keyring, stand_in: StandInBus, watch: Watch
) -> None:
    await once(keys)
    assert stand_in.key_questions == 1
    watch.move(AT_ONCE)
    stand_in.answer(GetTokenState, token_state(SIGNER, OTHER))
    new = OTHER.sign(OTHER.claims(now=NOW.timestamp()))
    callers = await asyncio.gather(*(keys.verify(new) for _ in range(50)))
    assert all(callers)
    assert stand_in.key_questions == 2


async def test_made_up_keys_do_not_become_questions(keys: Keyring, stand_in: StandInBus, watch: Watch) -> None:
    await once(keys)
    watch.move(AT_ONCE)
    made_up = [Signer(f"x{n}").sign(claims()) for n in range(50)]
    assert not any(await asyncio.gather(*(keys.verify(text) for text in made_up)))
    assert stand_in.key_questions == 2
    watch.move(AT_ONCE)
    assert await keys.verify(made_up[0]) is None
    assert stand_in.key_questions == 3, "after a while it is asked again"


async def test_a_key_that_was_taken_back_takes_its_tokens_along(keys: Keyring, stand_in: StandInBus) -> None:
    text = signed()
    assert await keys.verify(text)
    stand_in.answer(GetTokenState, token_state(OTHER))
    await once(keys)
    assert await keys.verify(text) is None


@pytest.mark.parametrize(
    "answer",
    [
        Unavailable("gone"),
        refused("unavailable", "稍后"),
        TokenState(keys={"keys": [{"kty": "x"}]}, stale=()),
        KeyError(1),
    ],
)
async def test_while_access_is_away_the_last_keys_stay(
    keys: Keyring, stand_in: StandInBus, watch: Watch, answer: Any
) -> None:
    await once(keys)
    stand_in.answer(GetTokenState, answer)
    await once(keys)
    watch.move(60)
    assert keys.ready
    assert await keys.verify(SIGNER.sign(claims())), "verified for the first time, by the key of before"
    with pytest.raises(KeysMissing):  # it may be right: nobody can say
        await keys.verify(OTHER.sign(claims()))


async def test_before_the_keys_are_there_nothing_is_said(keys: Keyring, stand_in: StandInBus) -> None:
    stand_in.answer(GetTokenState, Unavailable("not yet"))
    assert not keys.ready
    with pytest.raises(KeysMissing):
        await keys.verify(signed())
    with pytest.raises(KeysMissing):
        _ = keys.published


async def test_what_is_remembered_is_bounded_and_what_has_ended_is_dropped(
    keys: Keyring, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 5)
    texts = [signed(jti=str(n)) for n in range(20)]
    for text in texts:
        assert await keys.verify(text)
    assert len(keys._known) == 5
    assert await keys.verify(texts[0]), "forgotten, not refused"
    watch.move(301)
    await once(keys)
    assert not keys._known
