"""Signing in: right, wrong, too often, sealed, expired, with a second factor."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from datetime import timedelta
from typing import Any

import pyotp
import pytest
from access.accounts.passwords import AT_ONCE, MOST_ADMITTED, Hasher
from access_support import CITY, COUNTY, GOOD, SCHOOL, Desk, admin
from service_kit.ids import new_id
from shared_contracts.access import (
    ConfirmSecondFactor,
    EnrolSecondFactor,
    GetAccount,
    ResetPassword,
    SealAccount,
    SignInAnswer,
)
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused

pytestmark = pytest.mark.integration


async def test_the_right_password_gives_a_session(desk: Desk):
    await desk.settled("wei", COUNTY, Role.AUTHORITY_OFFICER)
    tokens = await desk.tokens(" WEI ")
    claims = await desk.claims(tokens.access_token)
    assert claims.sub == claims.actor.account == "wei"
    assert (claims.actor.organisation, claims.actor.roles) == (COUNTY, (Role.AUTHORITY_OFFICER,))
    assert claims.sid == tokens.session and claims.actor == tokens.actor
    assert (claims.exp - claims.iat, tokens.expires_in) == (300, 300)
    assert claims.iat == desk.clock.now().timestamp()
    (session,) = await desk.sql("SELECT * FROM sessions")
    assert (session["address"], session["agent"], session["username"]) == ("10.0.0.7", "Firefox", "wei")
    view = await desk.ask(GetAccount(actor=admin(COUNTY), username="wei"))
    assert view.last_sign_in_at == desk.clock.now()


async def test_a_wrong_name_and_a_wrong_password_are_answered_alike(desk: Desk):
    await desk.settled("wei")
    wrong, nobody = await desk.sign_in("wei", "not his password"), await desk.sign_in("niemand", "not his password")
    assert (wrong.problem, wrong.wait, wrong.tokens) == (nobody.problem, nobody.wait, None) == ("wrong", 0, None)
    assert wrong.who is not None and wrong.who.account == "wei"  # for the audit log alone
    assert nobody.who is None


@pytest.mark.parametrize("name", ["", "a\x00", "魏" * 100, "' OR 1=1", "client:x"])
async def test_a_name_that_nobody_can_have_is_wrong_too(desk: Desk, name: str):
    answer = await desk.sign_in(name, "\x00")
    assert (answer.problem, answer.wait, answer.who) == ("wrong", 0, None)


async def test_a_name_that_nobody_has_costs_a_hash_too(desk: Desk, monkeypatch: pytest.MonkeyPatch):
    checked: list[str] = []
    original = Hasher._matches

    def counted(self: Hasher, encoded: str, password: str) -> bool:
        checked.append(encoded)
        return original(self, encoded, password)

    monkeypatch.setattr(Hasher, "_matches", counted)
    await desk.sign_in("niemand")
    await desk.sign_in("niemand")
    (first, second) = checked
    assert first == second and first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


@pytest.mark.clause("45.3")
async def test_the_wait_grows_with_each_failure_and_ends_by_itself(desk: Desk):
    await desk.settled("wei")
    for _ in range(4):
        assert (await desk.sign_in("wei", "wrong")).wait == 0
    for seconds in (30, 60, 120):
        failed = await desk.sign_in("wei", "wrong")
        assert (failed.problem, failed.wait) == ("wrong", seconds)
        locked = await desk.sign_in("wei")  # with the right one
        assert (locked.problem, locked.wait, locked.tokens) == ("locked", seconds, None)
        desk.clock.pass_(seconds=seconds - 1)
        assert (await desk.sign_in("wei")).problem == "locked"
        view = await desk.ask(GetAccount(actor=admin(COUNTY), username="wei"))
        assert (view.state, view.locked_until) == ("locked", desk.clock.now() + timedelta(seconds=1))
        desk.clock.pass_(seconds=1)
    assert (await desk.sign_in("wei")).tokens
    assert (await desk.sign_in("wei", "wrong")).wait == 0  # counted anew
    assert (await desk.ask(GetAccount(actor=admin(COUNTY), username="wei"))).state == "active"


@pytest.mark.clause("45.3")
async def test_a_name_that_nobody_has_is_locked_as_well(desk: Desk):
    for _ in range(5):
        await desk.sign_in("niemand", "wrong")
    assert (await desk.sign_in("niemand")).problem == "locked"
    rows = await desk.sql("SELECT * FROM sign_in_failures")
    assert len(rows) == 1 and "niemand" not in str(rows)


@pytest.mark.clause("45.3")
async def test_twenty_tries_at_once_are_counted_as_twenty(open_desk: Any):
    desk = await open_desk()
    other = await open_desk()  # a second copy of the service
    await desk.settled("wei")
    copies = [desk, other] * 6
    answers = await asyncio.gather(*(one.sign_in("wei", "wrong") for one in copies))
    looked_at = [a for a in answers if isinstance(a, SignInAnswer) and a.problem == "wrong"]
    assert len(looked_at) == 5  # the fifth closes the door for those behind it
    assert {a.problem for a in answers if isinstance(a, SignInAnswer)} == {"wrong", "locked"}


async def test_whoever_comes_when_the_house_is_full_is_asked_to_come_again(desk: Desk):
    await desk.settled("wei")
    with contextlib.ExitStack() as house:
        for _ in range(MOST_ADMITTED):
            house.enter_context(desk.deps.hasher.admit())
        full = await desk.sign_in("wei")
        assert isinstance(full, Refused) and full.kind == "unavailable"
    assert (await desk.sign_in("wei")).tokens
    assert AT_ONCE < MOST_ADMITTED < desk.kit.settings.database_pool + 4


@pytest.mark.clause("45.3")
async def test_a_sealed_account_is_told_only_to_its_owner(desk: Desk):
    await desk.settled("wei")
    await desk.do(SealAccount(command_id=new_id(), actor=admin(CITY), username="wei", reason="调离"))
    assert (await desk.sign_in("wei")).problem == "sealed"
    assert (await desk.sign_in("wei", "wrong")).problem == "wrong"


@pytest.mark.clause("45.3")
async def test_a_first_password_must_be_changed_and_in_time(desk: Desk):
    made = await desk.create("wei")
    tokens = await desk.tokens("wei", made.password)
    assert tokens.actor.limited == "password"
    desk.clock.pass_(days=14)
    assert (await desk.sign_in("wei", made.password)).tokens
    desk.clock.pass_(days=1)
    assert (await desk.sign_in("wei", made.password)).problem == "expired"
    again = await desk.do(ResetPassword(command_id=new_id(), actor=admin(CITY), username="wei", reason="未及时登录"))
    assert (await desk.sign_in("wei", made.password)).problem == "wrong"
    assert (await desk.tokens("wei", again.password)).actor.limited == "password"


@pytest.mark.clause("45.3")
async def test_an_old_password_must_be_changed(desk: Desk):
    await desk.settled("wei")
    desk.clock.pass_(days=180)
    assert (await desk.tokens("wei")).actor.limited == ""
    desk.clock.pass_(days=1)
    assert (await desk.tokens("wei")).actor.limited == "password"


@pytest.mark.clause("43")
async def test_a_registrar_without_an_appointment_waits(desk: Desk):
    await desk.settled("zhao", SCHOOL, Role.REGISTRAR, Role.CLASS_TEACHER)
    actor = (await desk.tokens("zhao")).actor
    assert (actor.roles, actor.withheld) == ((Role.CLASS_TEACHER,), (Role.REGISTRAR,))


async def test_a_hash_with_older_costs_is_made_anew(open_desk: Any):
    desk = await open_desk()
    await desk.settled("wei")
    (before,) = await desk.sql("SELECT password_hash FROM accounts WHERE username = 'wei'")
    stronger = await open_desk(password_memory_kib=20_000)
    assert (await stronger.sign_in("wei")).tokens
    (after,) = await desk.sql("SELECT password_hash FROM accounts WHERE username = 'wei'")
    assert "m=19456" in before["password_hash"] and "m=20000" in after["password_hash"]
    assert (await desk.sign_in("wei")).tokens


# ---- the second factor ----------------------------------------------------------------------------------------------


async def enrol(desk: Desk, username: str) -> tuple[pyotp.TOTP, tuple[str, ...]]:
    """A second factor with its recovery codes."""
    actor = (await desk.tokens(username)).actor
    seed = await desk.do(EnrolSecondFactor(command_id=new_id(), actor=actor, password=GOOD))
    totp = pyotp.TOTP(seed.secret)
    code = totp.at(desk.clock.now())
    confirmed = await desk.do(ConfirmSecondFactor(command_id=new_id(), actor=actor, code=code))
    return totp, confirmed.codes


@pytest.mark.clause("45.3")
async def test_a_code_opens_once(desk: Desk):
    await desk.settled("wei")
    totp, _ = await enrol(desk, "wei")
    assert (await desk.sign_in("wei")).problem == "code"
    assert (await desk.sign_in("wei", "wrong")).problem == "wrong"  # and nothing of a code
    assert (await desk.sign_in("wei", GOOD, totp.at(desk.clock.now()))).problem == "wrong"  # it confirmed: used up
    desk.clock.pass_(seconds=30)
    code = totp.at(desk.clock.now())
    assert (await desk.sign_in("wei", GOOD, f" {code[:3]} {code[3:]} ")).tokens
    assert (await desk.sign_in("wei", GOOD, code)).problem == "wrong"
    desk.clock.pass_(seconds=30)
    assert (await desk.sign_in("wei", GOOD, code)).problem == "wrong"  # an older step than the one used


@pytest.mark.clause("45.3")
async def test_two_who_show_the_same_code_at_once_are_one(open_desk: Any):
    desk = await open_desk()
    other = await open_desk()
    await desk.settled("wei")
    totp, _ = await enrol(desk, "wei")
    desk.clock.pass_(seconds=60)
    code = totp.at(desk.clock.now())
    answers = await asyncio.gather(*(one.sign_in("wei", GOOD, code) for one in (desk, other, desk)))
    assert sorted(a.problem or "in" for a in answers) == ["in", "wrong", "wrong"]


@pytest.mark.clause("45.3")
async def test_a_telephone_may_be_half_a_minute_off_and_no_more(desk: Desk):
    await desk.settled("wei")
    totp, _ = await enrol(desk, "wei")
    desk.clock.pass_(minutes=10)
    for steps, fine in ((-2, False), (2, False), (-1, True), (1, True)):
        code = totp.at(desk.clock.now() + timedelta(seconds=30 * steps))
        assert bool((await desk.sign_in("wei", GOOD, code)).tokens) is fine
        desk.clock.pass_(minutes=10)


@pytest.mark.clause("45.3")
async def test_guessing_codes_is_guessing(desk: Desk):
    await desk.settled("wei")
    totp, _ = await enrol(desk, "wei")
    desk.clock.pass_(minutes=1)
    wrong = f"{(int(totp.at(desk.clock.now())) + 7) % 1_000_000:06}"
    waits = [(await desk.sign_in("wei", GOOD, wrong)).wait for _ in range(5)]
    assert waits == [0, 0, 0, 0, 30]
    assert (await desk.sign_in("wei", GOOD, totp.at(desk.clock.now()))).problem == "locked"


@pytest.mark.clause("45.3")
async def test_a_recovery_code_opens_once(desk: Desk):
    await desk.settled("wei")
    _, codes = await enrol(desk, "wei")
    assert len(set(codes)) == 10 and all(re.fullmatch(r"(\w{4}-){3}\w{4}", code) for code in codes)
    assert (await desk.sign_in("wei", GOOD, codes[3].upper())).tokens
    assert (await desk.sign_in("wei", GOOD, codes[3])).problem == "wrong"
    assert (await desk.sign_in("wei", GOOD, codes[4].replace("-", ""))).tokens
    assert (await desk.sign_in("wei", GOOD, "aaaa-aaaa-aaaa-aaaa")).problem == "wrong"


@pytest.mark.clause("45.3")
async def test_who_must_have_a_second_factor_does_nothing_before(open_desk: Any):
    desk = await open_desk(second_factor="authorities")
    await desk.settled("wei")
    await desk.settled("zhao", SCHOOL, Role.PRINCIPAL)
    assert (await desk.tokens("wei")).actor.limited == "second_factor"
    assert (await desk.tokens("zhao")).actor.limited == ""
    totp, _ = await enrol(desk, "wei")
    desk.clock.pass_(minutes=1)
    assert (await desk.tokens("wei", GOOD, totp.at(desk.clock.now()))).actor.limited == ""


# ---- what is kept and what is told ------------------------------------------------------------------------------------


@pytest.mark.clause("45.1", "45.3")
async def test_the_audit_log_knows_who_tried_and_how_it_went(desk: Desk):
    await desk.settled("wei")
    await desk.sign_in("wei", "wrong")
    await desk.sign_in("my-password-in-the-wrong-field", "wrong")
    await desk.sign_in("wei")
    told = [
        (e.account, e.organisation, e.outcome, e.objects) for e in await desk.entries() if e.act == "access.sign_in"
    ]
    assert told == [("wei", COUNTY, "wrong", ()), ("", "", "wrong", ()), ("wei", COUNTY, "done", ())]
    assert "my-password" not in str(await desk.sql("SELECT convert_from(payload, 'UTF8') FROM audit_outbox"))


@pytest.mark.clause("45.3")
async def test_no_secret_is_stored_or_logged(desk: Desk, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    await desk.settled("wei")
    totp, codes = await enrol(desk, "wei")
    desk.clock.pass_(minutes=1)
    tokens = await desk.tokens("wei", GOOD, totp.at(desk.clock.now()))
    secrets = [GOOD, totp.secret, codes[0], tokens.refresh_token, tokens.access_token]
    tables = [row["t"] for row in await desk.sql("SELECT tablename AS t FROM pg_tables WHERE schemaname = 'public'")]
    assert {"accounts", "sessions", "refresh_tokens", "commands", "signing_keys", "audit_outbox"} <= set(tables)
    for table in tables:
        rows = await desk.sql(f"SELECT t::text FROM {table} t")
        text = " ".join(row[0] for row in rows)
        for secret in secrets:
            assert secret not in text and secret.encode().hex() not in text, table
    assert not any(secret in caplog.text for secret in secrets)
    assert await desk.sql("SELECT FROM commands WHERE kind IN ('access.sign_in', 'access.enrol_second_factor')") == []
    assert not any(secret in repr(tokens) for secret in secrets)
