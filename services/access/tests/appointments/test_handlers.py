"""Appointing, replacing, ending: who may, what becomes of the tokens of those concerned, and who is told (clause 43)."""

from __future__ import annotations

from datetime import date
from typing import Any

import asyncpg
import msgspec
import pytest
from access_support import CITY, FAR_SCHOOL, NEIGHBOUR, PROVINCE, admin
from appointments_desk import COUNTY, OFFICER, PRINCIPAL, SCHOOL, TRAINED, Registrars, actor
from service_kit.ids import new_id
from shared_contracts.access import DemoAccount, LoadAccounts
from shared_contracts.actors import Actor, Role
from shared_contracts.appointments import AppointmentsChanged, AppointmentView
from shared_contracts.decisions import Outcome, Refused

pytestmark = [pytest.mark.integration, pytest.mark.clause("43")]
MID_YEAR = "appointment.mid_year"


def codes(reply: Any) -> list[str]:
    assert isinstance(reply, Refused), reply
    return [finding.code for finding in reply.findings]


async def events(desk: Registrars) -> list[AppointmentsChanged]:
    rows = await desk.sql("SELECT payload FROM outbox WHERE subject = 'evt.access.appointments_changed' ORDER BY seq")
    return [msgspec.json.decode(row["payload"], type=AppointmentsChanged) for row in rows]


async def roles_of(desk: Registrars, username: str) -> tuple[tuple[Role, ...], tuple[Role, ...]]:
    """What a fresh token says: roles, and those withheld."""
    found = (await desk.tokens(username)).actor
    return found.roles, found.withheld


# ---- 先培训后上岗 --------------------------------------------------------------------------------------------------------


async def test_without_an_appointment_the_role_is_withheld_and_with_one_it_is_not(desk: Registrars) -> None:
    await desk.person("li.min")
    assert await roles_of(desk, "li.min") == ((), (Role.REGISTRAR,))
    view = await desk.appoint(PRINCIPAL, "li.min")
    assert isinstance(view, AppointmentView)
    assert (view.ends_on, view.school_name, view.training) == (date(2027, 8, 31), "育才01小学", TRAINED)
    assert await roles_of(desk, "li.min") == ((Role.REGISTRAR,), ())
    desk.clock.pass_(days=(date(2027, 9, 1) - desk.clock.today()).days)
    assert (await desk.ask_withheld("li.min")) == (Role.REGISTRAR,), "a new school year, a new appointment"


async def test_an_untrained_person_is_not_appointed(desk: Registrars) -> None:
    await desk.person("li.min")
    late = msgspec.structs.replace(TRAINED, completed_on=date(2026, 11, 25))
    reply = await desk.appoint(OFFICER, "li.min", training=late, override_reason="人手不足")
    assert codes(reply) == ["appointment.untrained"], "no reason overrides it"
    assert await desk.sql("SELECT 1 FROM appointments") == []
    assert await events(desk) == []


async def test_a_live_session_gets_the_right_with_its_next_token(desk: Registrars) -> None:
    await desk.person("li.min")
    tokens = await desk.tokens("li.min")
    assert await desk.holds(tokens.access_token)
    desk.clock.pass_(seconds=5)
    await desk.appoint(PRINCIPAL, "li.min")
    desk.clock.pass_(seconds=1)
    assert not await desk.holds(tokens.access_token), "the gateway asks for another one"
    again = await desk.refresh(tokens.refresh_token)
    assert again.tokens is not None and again.tokens.actor.roles == (Role.REGISTRAR,)


@pytest.mark.parametrize(
    ("who", "kind"),
    [
        (actor(Role.PRINCIPAL, FAR_SCHOOL), "not_found"),
        (actor(Role.AUTHORITY_OFFICER, NEIGHBOUR), "not_found"),
        (actor(Role.REGISTRAR, SCHOOL), "forbidden"),
        (actor(Role.LEADER, COUNTY), "forbidden"),
        (actor(Role.AUDITOR, PROVINCE), "forbidden"),
    ],
)
async def test_who_may_not(desk: Registrars, who: Actor, kind: str) -> None:
    await desk.person("li.min")
    reply = await desk.appoint(who, "li.min")
    assert isinstance(reply, Refused) and reply.kind == kind
    made = await desk.appoint(OFFICER, "li.min")
    reply = await desk.end(who, made.id, override="因病离岗")
    assert isinstance(reply, Refused) and reply.kind == kind


@pytest.mark.parametrize("who", [PRINCIPAL, OFFICER, actor(Role.AUTHORITY_OFFICER, CITY), admin(COUNTY)])
async def test_the_first_one_is_appointed_by_school_or_authority(desk: Registrars, who: Actor) -> None:
    await desk.person("li.min")
    assert isinstance(await desk.appoint(who, "li.min"), AppointmentView)


async def test_an_account_of_another_school_or_without_the_role_is_none(desk: Registrars) -> None:
    await desk.person("far.away", FAR_SCHOOL)
    await desk.person("a.teacher", SCHOOL, Role.PRINCIPAL)
    for username, code in (("far.away", "no_account"), ("nobody", "no_account"), ("a.teacher", "not_registrar")):
        assert codes(await desk.appoint(PRINCIPAL, username)) == [f"appointment.{code}"]


async def test_a_school_that_nobody_has_announced_is_not_there(desk: Registrars) -> None:
    reply = await desk.appoint(actor(Role.PRINCIPAL, "2123019999"), "li.min", school="2123019999")
    assert isinstance(reply, Refused) and reply.kind == "not_found"


async def test_the_same_person_twice_and_the_same_appointment_again(desk: Registrars) -> None:
    await desk.person("li.min")
    made = await desk.appoint(PRINCIPAL, "li.min")
    assert codes(await desk.appoint(PRINCIPAL, "li.min")) == ["appointment.twice"]
    await desk.person("wang.fang")
    reply = await desk.appoint(PRINCIPAL, "wang.fang", appointment_id=made.id)
    assert isinstance(reply, Refused) and reply.kind == "conflict"


# ---- 学年中途原则上不更换 -----------------------------------------------------------------------------------------------


async def test_several_registrars_at_one_school_are_no_replacement(desk: Registrars) -> None:
    for name in ("li.min", "wang.fang"):
        await desk.person(name)
        assert isinstance(await desk.appoint(PRINCIPAL, name), AppointmentView)
    assert [e.change for e in await events(desk)] == ["appointed", "appointed"]


async def test_replacing_in_mid_year_needs_the_authority_and_its_reason(desk: Registrars) -> None:
    for name in ("li.min", "wang.fang"):
        await desk.person(name)
    first = await desk.appoint(PRINCIPAL, "li.min", begins_on=date(2026, 9, 1))
    for who, reason in ((PRINCIPAL, "因病离岗"), (OFFICER, ""), (admin(COUNTY), "因病离岗")):
        reply = await desk.appoint(who, "wang.fang", replaces=first.id, override_reason=reason)
        assert codes(reply) == [MID_YEAR]
        assert reply.findings[0].outcome is Outcome.NEEDS_OVERRIDE and reply.findings[0].cure
    view = await desk.appoint(OFFICER, "wang.fang", replaces=first.id, override_reason="因病离岗")
    assert isinstance(view, AppointmentView)
    assert (view.replaces, view.override_reason) == (first.id, "因病离岗")
    assert await roles_of(desk, "li.min") == ((), (Role.REGISTRAR,))
    assert await roles_of(desk, "wang.fang") == ((Role.REGISTRAR,), ())
    (row,) = await desk.sql("SELECT * FROM appointments WHERE id = $1", first.id)
    assert (row["ended_on"], row["ended_by"], row["end_override_reason"]) == (
        date(2026, 11, 24), OFFICER.account, "因病离岗",
    )  # fmt: skip
    told = (await events(desk))[-1]
    assert (told.change, told.username, told.school, told.authority) == ("replaced", "wang.fang", SCHOOL, COUNTY)
    assert codes(await desk.appoint(OFFICER, "li.min", replaces=first.id)) == ["appointment.replaces_over"]


async def test_a_reason_that_nobody_needs_is_not_kept(desk: Registrars) -> None:
    await desk.person("li.min")
    assert (await desk.appoint(OFFICER, "li.min", override_reason="没有必要的原因")).override_reason == ""


async def test_at_the_turn_of_the_year_the_principal_changes_the_registrar(desk: Registrars) -> None:
    for name in ("li.min", "wang.fang"):
        await desk.person(name)
    first = await desk.appoint(PRINCIPAL, "li.min")
    desk.clock.pass_(days=(date(2027, 8, 20) - desk.clock.today()).days)
    renewed = await desk.appoint(PRINCIPAL, "li.min", school_year=2027, begins_on=date(2027, 9, 1))
    assert isinstance(renewed, AppointmentView), "a renewal needs nobody else"
    other = await desk.appoint(
        PRINCIPAL, "wang.fang", school_year=2027, begins_on=date(2027, 9, 1), replaces=renewed.id
    )
    assert isinstance(other, AppointmentView) and other.override_reason == ""
    assert await desk.ask_withheld("li.min") == (), "until the old school year ends"
    assert await desk.ask_withheld("wang.fang") == (Role.REGISTRAR,), "not before the new one begins"
    desk.clock.pass_(days=12)
    assert await desk.ask_withheld("li.min") == (Role.REGISTRAR,)
    assert await desk.ask_withheld("wang.fang") == ()
    (row,) = await desk.sql("SELECT ended_on FROM appointments WHERE id = $1", first.id)
    assert row["ended_on"] is None, "it ended with its school year"


async def test_replacing_the_old_years_registrar_from_the_new_year_on_does_not_end_it_early(desk: Registrars) -> None:
    for name in ("li.min", "wang.fang"):
        await desk.person(name)
    first = await desk.appoint(PRINCIPAL, "li.min")
    view = await desk.appoint(PRINCIPAL, "wang.fang", school_year=2027, begins_on=date(2027, 9, 1), replaces=first.id)
    assert isinstance(view, AppointmentView) and view.replaces == first.id
    assert await desk.ask_withheld("li.min") == ()


async def test_ending_one_in_mid_year(desk: Registrars) -> None:
    await desk.person("li.min")
    made = await desk.appoint(PRINCIPAL, "li.min", begins_on=date(2026, 9, 1))
    assert codes(await desk.end(PRINCIPAL, made.id)) == [MID_YEAR]
    assert codes(await desk.end(OFFICER, made.id)) == [MID_YEAR]
    reply = await desk.end(OFFICER, made.id, reason="  ", override="因病离岗")
    assert isinstance(reply, Refused) and reply.kind == "invalid"
    ended = await desk.end(OFFICER, made.id, override="因病离岗")
    assert isinstance(ended, AppointmentView)
    assert (ended.ended_on, ended.end_reason) == (date(2026, 11, 24), "调离")
    assert await roles_of(desk, "li.min") == ((), (Role.REGISTRAR,))
    assert [e.change for e in await events(desk)] == ["appointed", "ended"]
    assert codes(await desk.end(OFFICER, made.id, override="因病离岗")) == ["appointment.over"]
    missing = await desk.end(OFFICER, new_id())
    assert isinstance(missing, Refused) and missing.kind == "not_found"


async def test_one_that_has_not_begun_is_taken_back_by_the_school(desk: Registrars) -> None:
    await desk.person("li.min")
    made = await desk.appoint(PRINCIPAL, "li.min", begins_on=date(2026, 12, 1))
    assert await desk.ask_withheld("li.min") == (Role.REGISTRAR,)
    ended = await desk.end(PRINCIPAL, made.id)
    assert isinstance(ended, AppointmentView) and ended.ended_on == date(2026, 12, 1)
    desk.clock.pass_(days=10)
    assert await desk.ask_withheld("li.min") == (Role.REGISTRAR,), "in force on no day"


# ---- lists ----------------------------------------------------------------------------------------------------------


async def test_each_sees_the_appointments_of_its_own(desk: Registrars) -> None:
    await desk.person("li.min")
    await desk.person("far.away", FAR_SCHOOL)
    await desk.appoint(PRINCIPAL, "li.min")
    await desk.appoint(actor(Role.PRINCIPAL, FAR_SCHOOL), "far.away", school=FAR_SCHOOL)

    async def seen(who: Actor, **query: Any) -> list[str]:
        return [one.username for one in (await desk.listed(who, **query)).items]

    assert await seen(PRINCIPAL) == ["li.min"]
    assert await seen(actor(Role.REGISTRAR, SCHOOL)) == ["li.min"]
    assert await seen(OFFICER) == ["li.min"]
    assert await seen(actor(Role.LEADER, NEIGHBOUR)) == ["far.away"]
    assert await seen(admin(PROVINCE)) == ["li.min", "far.away"]
    assert await seen(OFFICER, school=FAR_SCHOOL) == [], "not by a filter either"
    assert await seen(OFFICER, school_year=2025) == []
    assert await seen(OFFICER, school_year=2026, in_force=True) == ["li.min"]
    desk.clock.pass_(days=300)
    assert await seen(OFFICER, in_force=True) == [] and await seen(OFFICER) == ["li.min"]


async def test_pages_follow_each_other(desk: Registrars) -> None:
    names = ["a.one", "b.two", "c.three"]
    for number, name in enumerate(names):
        await desk.person(name)
        await desk.appoint(PRINCIPAL, name, begins_on=date(2026, 10, 1 + number // 2))
    found, cursor = [], None
    while True:
        page = await desk.listed(OFFICER, limit=1, cursor=cursor)
        found += [one.username for one in page.items]
        if (cursor := page.next_cursor) is None:
            break
    assert found[0] == "c.three" and sorted(found) == names


# ---- the database itself --------------------------------------------------------------------------------------------


async def test_the_database_keeps_the_laws_order_and_what_was_written(desk: Registrars) -> None:
    await desk.person("li.min")
    made = await desk.appoint(PRINCIPAL, "li.min", begins_on=date(2026, 9, 1))
    await desk.end(OFFICER, made.id, override="因病离岗")
    app = await asyncpg.connect(desk.env["XUEJI_DATABASE_URL"])
    owner = await asyncpg.connect(desk.env["XUEJI_MIGRATION_DATABASE_URL"])
    try:
        for statement in ("UPDATE appointments SET begins_on = begins_on - 1", "DELETE FROM appointments"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await app.execute(statement)
        with pytest.raises(asyncpg.RestrictViolationError):
            await app.execute("UPDATE appointments SET ended_on = NULL, ended_by = NULL, ended_at = NULL")
        for statement in ("DELETE FROM appointments", "TRUNCATE appointments"):
            with pytest.raises(asyncpg.RestrictViolationError):
                await owner.execute(statement)
        columns = (
            "id, username, name, school, school_year, training_title, training_organiser, training_completed_on,"
            " training_certificate, begins_on, ends_on, appointed_by, appointed_at, override_reason"
        )
        copy = columns.replace("id,", "'x',", 1).replace("training_completed_on", "begins_on + 1")
        with pytest.raises(asyncpg.CheckViolationError, match="trained_before_appointed"):
            await app.execute(f"INSERT INTO appointments ({columns}) SELECT {copy} FROM appointments")
    finally:
        await app.close()
        await owner.close()


# ---- demonstration --------------------------------------------------------------------------------------------------


async def test_a_demonstrations_registrar_may_act_at_once_and_again_next_year(desk: Registrars) -> None:
    operator = Actor(account="operator", name="运维", organisation=PROVINCE, roles=(Role.OPERATOR,))
    demo = DemoAccount(
        username="demo.registrar",
        password="velvet.teapot/9.marsh",
        name="李敏",
        organisation=SCHOOL,
        roles=(Role.REGISTRAR,),
        training="学籍管理员岗前培训",
    )
    for _ in range(2):
        await desk.do(LoadAccounts(command_id=new_id(), actor=operator, accounts=(demo,)))
    (row,) = await desk.sql("SELECT begins_on, ends_on, training_completed_on FROM appointments")
    assert (row["begins_on"], row["ends_on"]) == (date(2026, 9, 1), date(2027, 8, 31))
    assert row["training_completed_on"] < row["begins_on"]
    assert await desk.ask_withheld("demo.registrar") == ()
    desk.clock.pass_(days=365)
    assert await desk.ask_withheld("demo.registrar") == (Role.REGISTRAR,)
    await desk.do(LoadAccounts(command_id=new_id(), actor=operator, accounts=(demo,)))
    assert await desk.ask_withheld("demo.registrar") == ()
