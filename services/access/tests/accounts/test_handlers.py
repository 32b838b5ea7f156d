"""Account administrators: of which accounts, and what they may make of them."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from access_support import (
    CITY,
    COUNTY,
    FAR_SCHOOL,
    GOOD,
    NEIGHBOUR,
    PROVINCE,
    SCHOOL,
    Desk,
    admin,
    codes,
)
from service_kit import paging
from service_kit.ids import new_id
from shared_contracts.access import (
    AccountPage,
    AccountState,
    AccountView,
    ChangeAccount,
    CreateAccount,
    GetAccount,
    ListAccounts,
    PasswordIssued,
    ResetPassword,
    ResetSecondFactor,
    SealAccount,
    UnsealAccount,
)
from shared_contracts.actors import Actor, Role

pytestmark = pytest.mark.integration
WHY = "工作需要"


def change(username: str, actor: Actor, version: int = 1, **changes: Any) -> ChangeAccount:
    return ChangeAccount(command_id=new_id(), actor=actor, username=username, version=version, **changes)


def with_reason(kind: Any, username: str, actor: Actor, reason: str = WHY) -> Any:
    return kind(command_id=new_id(), actor=actor, username=username, reason=reason)


async def test_an_account_is_made_with_a_first_password(desk: Desk):
    made = await desk.create("yucai.zhao", SCHOOL, Role.CLASS_TEACHER, by=admin(COUNTY), classes=("1-01", "2"))
    assert isinstance(made, PasswordIssued)
    assert made.account == AccountView(
        username="yucai.zhao",
        name="某老师",
        organisation=SCHOOL,
        organisation_name="育才01小学",
        roles=(Role.CLASS_TEACHER,),
        classes=("1-01", "2"),
        state=AccountState.ACTIVE,
        must_change_password=True,
        second_factor=False,
        created_at=desk.clock.now(),
        created_by=f"admin.{COUNTY}",
        version=1,
    )
    assert made.password not in repr(made)
    assert (await desk.sign_in("yucai.zhao", made.password)).tokens
    assert await desk.ask(GetAccount(actor=admin(PROVINCE), username="yucai.zhao")) == msgspec.structs.replace(
        made.account, last_sign_in_at=desk.clock.now()
    )


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("organisation", "by", "fine"),
    [
        (SCHOOL, COUNTY, True),
        (SCHOOL, CITY, True),
        (SCHOOL, PROVINCE, True),
        (COUNTY, COUNTY, True),  # its own authority's
        (COUNTY, CITY, True),
        (SCHOOL, NEIGHBOUR, False),
        (COUNTY, NEIGHBOUR, False),
        (CITY, COUNTY, False),
        (PROVINCE, CITY, False),
        ("2123019999", COUNTY, False),
        ("239999", COUNTY, False),
    ],
)
async def test_whose_accounts_an_administrator_makes(desk: Desk, organisation: str, by: str, fine: bool):
    role = Role.PRINCIPAL if len(organisation) == 10 else Role.LEADER
    reply = await desk.create("wei", organisation, role, by=admin(by))
    assert isinstance(reply, PasswordIssued) if fine else reply.kind == "not_found"


async def test_an_organisation_that_is_not_there_or_closed_has_no_accounts(desk: Desk):
    assert (await desk.create("wei", "230110", Role.LEADER, by=admin(CITY))).kind == "refused"
    await desk.sql("UPDATE organisation_replica SET closed = true WHERE code = $1", SCHOOL)
    assert (await desk.create("wei", SCHOOL, Role.PRINCIPAL, by=admin(COUNTY))).kind == "refused"


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("role", [role for role in Role if role not in (Role.ACCOUNT_ADMIN, Role.SYSTEM)])
async def test_nobody_else_makes_or_manages_accounts(desk: Desk, role: Role):
    await desk.settled("wei", SCHOOL, Role.PRINCIPAL)
    organisation = SCHOOL if role in (Role.REGISTRAR, Role.CLASS_TEACHER, Role.PRINCIPAL) else PROVINCE
    actor = Actor(account="x", name="", organisation=organisation, roles=(role,), scopes=("students:read",))
    assert (await desk.create("x2", SCHOOL, Role.PRINCIPAL, by=actor)).kind == "forbidden"
    assert (await desk.do(change("wei", actor, roles=(Role.REGISTRAR,)))).kind == "forbidden"
    for kind in (SealAccount, UnsealAccount, ResetPassword, ResetSecondFactor):
        assert (await desk.do(with_reason(kind, "wei", actor))).kind == "forbidden"


@pytest.mark.clause("45.3")
async def test_what_an_account_must_be(desk: Desk):
    async def found(**changes: Any) -> list[str]:
        command = CreateAccount(
            command_id=new_id(),
            actor=admin(COUNTY),
            username="wei",
            name="魏建国",
            organisation=SCHOOL,
            roles=(Role.REGISTRAR,),
        )
        return codes(await desk.do(msgspec.structs.replace(command, **changes)))

    assert await found(username="Wei") == ["account.username"]
    assert await found(name=" ") == ["account.name"]
    assert await found(roles=(Role.AUTHORITY_OFFICER,)) == ["account.role_not_here"]
    assert await found(classes=("1",)) == ["account.classes_without_teacher"]
    assert await found(username="系", name="", roles=()) == ["account.username", "account.name", "account.no_role"]
    assert await desk.sql("SELECT FROM accounts") == []


@pytest.mark.clause("45.3")
async def test_a_user_name_is_never_given_again(desk: Desk):
    await desk.create("wei")
    assert (await desk.create("wei")).kind == "conflict"
    await desk.do(with_reason(SealAccount, "wei", admin(PROVINCE)))
    assert (await desk.create("wei", NEIGHBOUR, Role.LEADER)).kind == "conflict"


async def test_the_same_command_twice_is_one_account(desk: Desk):
    command = CreateAccount(
        command_id="once", actor=admin(CITY), username="wei", name="魏", organisation=COUNTY, roles=(Role.LEADER,)
    )
    assert await desk.do(command) == await desk.do(command)


@pytest.mark.clause("45.3")
async def test_a_change_needs_the_version_that_was_seen(desk: Desk):
    await desk.create("wei", SCHOOL, Role.REGISTRAR)
    changed = await desk.do(change("wei", admin(CITY), name="魏老师", roles=(Role.CLASS_TEACHER,), classes=("3-02",)))
    assert (changed.name, changed.roles, changed.classes) == ("魏老师", (Role.CLASS_TEACHER,), ("3-02",))
    assert changed.version == 2
    assert (await desk.do(change("wei", admin(CITY), version=1, name="某"))).kind == "conflict"
    kept = await desk.do(change("wei", admin(CITY), version=2, name="魏"))
    assert (kept.roles, kept.classes) == ((Role.CLASS_TEACHER,), ("3-02",))
    reply = await desk.do(change("wei", admin(CITY), version=3, roles=(Role.PRINCIPAL,)))
    assert codes(reply) == ["account.classes_without_teacher"]


@pytest.mark.clause("45.3")
async def test_nobody_raises_himself(desk: Desk):
    await desk.settled("luo", COUNTY, Role.ACCOUNT_ADMIN)
    me = (await desk.tokens("luo")).actor
    acts = [change("luo", me, roles=(Role.AUTHORITY_OFFICER,)), change("luo", me, name="另一个名字")]
    acts += [with_reason(kind, "luo", me) for kind in (SealAccount, ResetPassword, ResetSecondFactor)]
    for act in acts:
        reply = await desk.do(act)
        assert (reply.kind, codes(reply)) == ("forbidden", ["account.own"])
    assert (await desk.do(change("luo", admin(CITY), roles=(Role.LEADER,)))).roles == (Role.LEADER,)


@pytest.mark.clause("45.3")
async def test_nobody_gives_a_role_above_his_own_level(desk: Desk):
    """A role acts for its organisation: the county's administrator reaches no account of the city."""
    await desk.settled("luo", CITY, Role.ACCOUNT_ADMIN)
    await desk.settled("heping", PROVINCE, Role.AUDITOR)
    for username in ("luo", "heping"):
        for act in (
            change(username, admin(COUNTY), roles=(Role.LEADER,)),
            with_reason(ResetPassword, username, admin(COUNTY)),
        ):
            assert (await desk.do(act)).kind == "not_found"
        assert (await desk.ask(GetAccount(actor=admin(COUNTY), username=username))).kind == "not_found"


@pytest.mark.clause("45.3")
@pytest.mark.parametrize("kind", [SealAccount, UnsealAccount, ResetPassword, ResetSecondFactor])
async def test_a_neighbour_is_told_that_there_is_no_such_account(desk: Desk, kind: Any):
    await desk.settled("wei", SCHOOL, Role.PRINCIPAL)
    there = await desk.do(with_reason(kind, "wei", admin(NEIGHBOUR)))
    nowhere = await desk.do(with_reason(kind, "niemand", admin(NEIGHBOUR)))
    assert there == nowhere and there.kind == "not_found"


@pytest.mark.clause("45.3")
async def test_sealing_ends_sessions_and_opening_brings_none_back(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    assert (await desk.do(with_reason(SealAccount, "wei", admin(CITY), "  "))).kind == "invalid"
    assert (await desk.do(with_reason(UnsealAccount, "wei", admin(CITY)))).kind == "conflict"
    sealed = await desk.do(with_reason(SealAccount, "wei", admin(CITY)))
    assert (sealed.state, sealed.sealed_reason) == ("sealed", WHY)
    assert not await desk.holds(tokens.access_token)
    assert (await desk.do(with_reason(SealAccount, "wei", admin(CITY)))).kind == "conflict"
    opened = await desk.do(with_reason(UnsealAccount, "wei", admin(CITY)))
    assert (opened.state, opened.sealed_reason) == ("active", "")
    assert (await desk.refresh(tokens.refresh_token)).problem == "ended"
    assert (await desk.sign_in("wei")).tokens


@pytest.mark.clause("45.3")
async def test_a_reset_opens_a_lock_and_ends_sessions(desk: Desk):
    await desk.settled("wei")
    tokens = await desk.tokens("wei")
    for _ in range(5):
        await desk.sign_in("wei", "wrong")
    assert (await desk.sign_in("wei")).problem == "locked"
    neighbours = await desk.do(with_reason(ResetPassword, "wei", admin(NEIGHBOUR)))
    assert neighbours.kind == "not_found"
    assert (await desk.sign_in("wei")).problem == "locked"  # and nothing of it stays
    issued = await desk.do(with_reason(ResetPassword, "wei", admin(CITY)))
    assert issued.account.must_change_password and issued.account.state == "active"
    assert (await desk.sign_in("wei", GOOD)).problem == "wrong"
    assert (await desk.tokens("wei", issued.password)).actor.limited == "password"
    assert not await desk.holds(tokens.access_token)


@pytest.mark.clause("45.3")
async def test_who_changed_what_and_why_is_kept(desk: Desk):
    await desk.create("wei", SCHOOL, Role.REGISTRAR, by=admin(COUNTY))
    await desk.do(change("wei", admin(CITY), roles=(Role.PRINCIPAL,)))
    await desk.do(with_reason(SealAccount, "wei", admin(CITY), "调离"))
    rows = await desk.sql("SELECT act, by_account, reason, roles FROM account_changes ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("create", f"admin.{COUNTY}", "", ["registrar"]),
        ("change", f"admin.{CITY}", "", ["principal"]),
        ("seal", f"admin.{CITY}", "调离", ["principal"]),
    ]
    told = [(entry.act, entry.objects) for entry in await desk.entries()]
    assert told == [(f"access.{act}", ("wei",)) for act in ("create_account", "change_account", "seal_account")]


# ---- looking --------------------------------------------------------------------------------------------------------


async def listed(desk: Desk, of: str, as_role: Role = Role.ACCOUNT_ADMIN, **filters: Any) -> list[str]:
    actor = Actor(account="x", name="", organisation=of, roles=(as_role,))
    found: list[str] = []
    cursor = None
    while True:
        page = await desk.ask(ListAccounts(actor=actor, limit=2, cursor=cursor, **filters))
        found += [account.username for account in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found


@pytest.mark.clause("3.1")
async def test_a_list_reaches_as_far_as_its_authority(desk: Desk):
    await desk.create("city.luo", CITY, Role.ACCOUNT_ADMIN)
    await desk.create("county.wei", COUNTY)
    await desk.create("far.gao", NEIGHBOUR)
    await desk.create("far.li", FAR_SCHOOL, Role.PRINCIPAL)
    await desk.create("school.ma", SCHOOL, Role.CLASS_TEACHER, classes=("1",))
    await desk.create("school.zhao", SCHOOL, Role.REGISTRAR)
    everybody = ["city.luo", "county.wei", "far.gao", "far.li", "school.ma", "school.zhao"]
    assert await listed(desk, PROVINCE) == await listed(desk, CITY) == everybody
    assert await listed(desk, COUNTY, Role.AUDITOR) == ["county.wei", "school.ma", "school.zhao"]
    assert await listed(desk, NEIGHBOUR) == ["far.gao", "far.li"]
    assert await listed(desk, COUNTY, organisation=FAR_SCHOOL) == []
    assert await listed(desk, PROVINCE, organisation=SCHOOL) == ["school.ma", "school.zhao"]
    assert await listed(desk, PROVINCE, role=Role.REGISTRAR) == ["school.zhao"]
    assert await listed(desk, PROVINCE, name="ZHAO") == ["school.zhao"]
    assert await listed(desk, PROVINCE, name="某老") == everybody
    assert await listed(desk, PROVINCE, name="%") == []


async def test_characters_that_the_database_does_not_take_are_refused(desk: Desk):
    assert (await desk.ask(ListAccounts(actor=admin(CITY), name="a\x00"))).kind == "invalid"
    assert (await desk.ask(ListAccounts(actor=admin(CITY), cursor=paging.encode("a\x00")))).kind == "invalid"
    assert isinstance(await desk.ask(ListAccounts(actor=admin(CITY), cursor=paging.encode("a"))), AccountPage)


async def test_lists_by_state(desk: Desk):
    for username in ("active", "locked", "sealed"):
        await desk.settled(username)
    for _ in range(5):
        await desk.sign_in("locked", "wrong")
    await desk.do(with_reason(SealAccount, "sealed", admin(CITY)))
    for state in ("active", "locked", "sealed"):
        assert await listed(desk, PROVINCE, state=AccountState(state)) == [state]
    assert await listed(desk, PROVINCE, state=AccountState.DORMANT) == []
    desk.clock.pass_(minutes=1)
    assert await listed(desk, PROVINCE, state=AccountState.ACTIVE) == ["active", "locked"]


async def test_a_principal_sees_his_own_account_and_no_list(desk: Desk):
    await desk.settled("mali", SCHOOL, Role.PRINCIPAL)
    await desk.settled("zhao", SCHOOL, Role.REGISTRAR)
    actor = (await desk.tokens("mali")).actor
    assert (await desk.ask(GetAccount(actor=actor, username="mali"))).username == "mali"
    assert (await desk.ask(GetAccount(actor=actor, username="zhao"))).kind == "not_found"
    assert (await desk.ask(ListAccounts(actor=actor))).kind == "forbidden"


@pytest.mark.clause("43")
async def test_a_view_says_which_role_waits_for_its_appointment(desk: Desk):
    made = await desk.create("zhao", SCHOOL, Role.REGISTRAR)
    assert (made.account.roles, made.account.withheld) == ((Role.REGISTRAR,), (Role.REGISTRAR,))
