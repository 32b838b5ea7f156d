"""The own account: another password, a second factor."""

from __future__ import annotations

import asyncio
from typing import Any

import pyotp
import pytest
from access_support import BETTER, CITY, COUNTY, GOOD, Desk, admin, codes
from service_kit.ids import new_id
from shared_contracts.access import (
    ChangePassword,
    ConfirmSecondFactor,
    EnrolSecondFactor,
    GetAccount,
    RecoveryCodes,
    ResetPassword,
    ResetSecondFactor,
    SecondFactorSeed,
    Tokens,
)
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.messages import Ok

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.3")]


def change(tokens: Tokens, new: str = BETTER, current: str = GOOD) -> ChangePassword:
    return ChangePassword(command_id=new_id(), actor=tokens.actor, current=current, new=new, session=tokens.session)


def enrol(actor: Actor, password: str = GOOD, code: str = "") -> EnrolSecondFactor:
    return EnrolSecondFactor(command_id=new_id(), actor=actor, password=password, code=code)


def confirm(actor: Actor, code: str) -> ConfirmSecondFactor:
    return ConfirmSecondFactor(command_id=new_id(), actor=actor, code=code)


async def test_a_first_password_is_changed_and_then_everything_is_open(desk: Desk):
    made = await desk.create("wei")
    elsewhere, here = await desk.tokens("wei", made.password), await desk.tokens("wei", made.password)
    assert here.actor.limited == "password"
    desk.clock.pass_(seconds=30)
    assert await desk.do(change(here, current=made.password)) == Ok()
    assert (await desk.refresh(elsewhere.refresh_token)).problem == "ended"
    assert not await desk.holds(elsewhere.access_token)
    assert not await desk.holds(here.access_token)  # it said that the account is limited
    going_on = (await desk.refresh(here.refresh_token)).tokens
    assert going_on and going_on.actor.limited == ""
    assert (await desk.sign_in("wei", made.password)).problem == "wrong"
    assert (await desk.sign_in("wei", BETTER)).tokens


async def test_a_new_password_must_be_good_and_new(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    for new, found in (
        ("short", "password.too_short"),
        ("qwertyuiop", "password.weak"),
        ("wei-k7mq2vxp9r", "password.own_words"),
    ):
        reply = await desk.do(change(tokens, new))
        assert (reply.kind, codes(reply)) == ("refused", [found])
    assert (await desk.do(change(tokens, GOOD))).kind == "refused"
    assert (await desk.sign_in("wei")).tokens


async def test_passwords_are_not_guessed_in_an_open_session(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    for _ in range(3):
        assert (await desk.do(change(tokens, current="wrong"))).kind == "forbidden"
    for _ in range(2):
        assert (await desk.do(enrol(tokens.actor, "wrong"))).kind == "forbidden"
    right = await desk.do(change(tokens))
    assert right.kind == "forbidden" and "30秒" in right.detail
    assert (await desk.sign_in("wei")).problem == "locked"
    desk.clock.pass_(seconds=30)
    assert await desk.do(change(tokens)) == Ok()


async def test_guessing_inside_and_at_the_door_at_once_is_counted_and_hangs_nobody(open_desk: Any):
    """Both count the same name; the door locks the count first and the account then, an open session the account."""
    desk = await open_desk()
    other = await open_desk()
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    reset = ResetPassword(command_id=new_id(), actor=admin(CITY), username="wei", reason="忘记密码")
    async with asyncio.timeout(30):
        await asyncio.gather(
            *(one.do(change(tokens, current="wrong")) for one in [desk, other] * 3),
            *(one.sign_in("wei", "wrong") for one in [desk, other] * 3),
        )
        (counted,) = await desk.sql("SELECT failures FROM sign_in_failures")
        assert 5 <= counted["failures"] <= 12
        desk.clock.pass_(hours=1)
        await asyncio.gather(
            desk.do(change(tokens)),
            other.sign_in("wei"),
            desk.do(reset),
            *(one.sign_in("wei", "x") for one in [desk, other]),
        )


async def test_whoever_has_no_account_has_nothing_of_his_own(desk: Desk):
    client = Actor(account="client:x", name="", organisation=COUNTY, roles=(Role.INTEGRATION_CLIENT,))
    nobody = Actor(account="", name="", organisation="", roles=())
    assert (await desk.do(enrol(client))).kind == "not_found"
    assert (await desk.do(enrol(nobody))).kind in ("forbidden", "not_found")


async def test_a_second_factor_counts_once_a_code_confirms_it(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    assert (await desk.do(confirm(tokens.actor, "123456"))).kind == "conflict"
    forgotten = await desk.do(enrol(tokens.actor))
    seed = await desk.do(enrol(tokens.actor))
    assert isinstance(seed, SecondFactorSeed) and seed.secret != forgotten.secret
    assert seed.uri.startswith("otpauth://totp/") and f"secret={seed.secret}" in seed.uri
    assert seed.picture.startswith("<svg") and len(seed.secret) == 32
    assert seed.secret not in repr(seed)
    now = desk.clock.now()
    assert (await desk.do(confirm(tokens.actor, pyotp.TOTP(forgotten.secret).at(now)))).kind == "refused"
    assert (await desk.sign_in("wei")).tokens  # not asked for yet
    desk.clock.pass_(seconds=40)
    done = await desk.do(confirm(tokens.actor, pyotp.TOTP(seed.secret).at(desk.clock.now())))
    assert isinstance(done, RecoveryCodes) and len(done.codes) == 10
    assert not await desk.holds(tokens.access_token)
    assert (await desk.sign_in("wei")).problem == "code"
    assert (await desk.ask(GetAccount(actor=admin(COUNTY), username="wei"))).second_factor


async def test_a_second_factor_in_use_is_replaced_only_with_a_code_of_it(desk: Desk):
    await desk.settled("wei")
    actor = (await desk.tokens("wei")).actor
    old = pyotp.TOTP((await desk.do(enrol(actor))).secret)
    codes_ = (await desk.do(confirm(actor, old.at(desk.clock.now())))).codes
    desk.clock.pass_(minutes=1)
    assert (await desk.do(enrol(actor))).kind == "forbidden"
    wrong = f"{(int(old.at(desk.clock.now())) + 7) % 1_000_000:06}"
    for _ in range(4):
        assert (await desk.do(enrol(actor, code=wrong))).kind == "forbidden"
    locked = await desk.do(enrol(actor, code=old.at(desk.clock.now())))
    assert isinstance(locked, Refused) and "秒后" in locked.detail
    desk.clock.pass_(minutes=1)
    replaced = await desk.do(enrol(actor, code=old.at(desk.clock.now())))
    assert isinstance(replaced, SecondFactorSeed)
    assert (await desk.do(enrol(actor, code=old.at(desk.clock.now())))).kind == "forbidden"  # used up
    desk.clock.pass_(minutes=1)
    assert isinstance(await desk.do(enrol(actor, code=codes_[0])), SecondFactorSeed)
    assert (await desk.do(enrol(actor, code=codes_[0]))).kind == "forbidden"


async def test_an_administrator_takes_a_lost_second_factor_away(desk: Desk):
    await desk.settled("wei")
    actor = (await desk.tokens("wei")).actor
    reset = ResetSecondFactor(command_id=new_id(), actor=admin(CITY), username="wei", reason="手机丢失")
    assert (await desk.do(reset)).kind == "conflict"  # there is none
    seed = await desk.do(enrol(actor))
    codes_ = (await desk.do(confirm(actor, pyotp.TOTP(seed.secret).at(desk.clock.now())))).codes
    assert not (await desk.do(reset)).second_factor
    assert (await desk.sign_in("wei")).tokens
    assert await desk.sql("SELECT FROM recovery_codes") == []
    assert len(codes_) == 10
