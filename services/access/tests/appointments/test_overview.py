"""What an authority sees of its schools: who is registrar, who is missing, what there is to do (clauses 3.1, 43)."""

from __future__ import annotations

import pytest
from access_support import CITY, FAR_SCHOOL, NEIGHBOUR, PROVINCE
from appointments_desk import COUNTY, OFFICER, PRINCIPAL, SCHOOL, Registrars, actor
from shared_contracts.actors import Role

pytestmark = [pytest.mark.integration, pytest.mark.clause("43", "3.1")]


async def test_registrars_in_force_and_what_falls_on_each(desk: Registrars) -> None:
    for name in ("li.min", "wang.fang"):
        await desk.person(name)
        await desk.appoint(PRINCIPAL, name)
    desk.registry.counts = {SCHOOL: (901, 7), FAR_SCHOOL: (400, 0)}
    (item,) = (await desk.overview(OFFICER)).items
    assert (item.school, item.authority, item.trained) == (SCHOOL, COUNTY, True)
    assert item.registrars == ("某老师", "某老师")
    assert (item.pupils, item.open_registrations) == (451, 4), "of two registrars each, rounded up"
    assert desk.registry.asked[-1].schools == (SCHOOL,) and desk.registry.asked[-1].actor == OFFICER


async def test_a_school_without_one_is_shown_and_can_be_asked_for(desk: Registrars) -> None:
    await desk.person("li.min")
    await desk.appoint(PRINCIPAL, "li.min")
    desk.registry.counts = {SCHOOL: (10, 1), FAR_SCHOOL: (400, 3)}
    province = actor(Role.LEADER, PROVINCE)
    assert [(one.school, one.trained) for one in (await desk.overview(province)).items] == [
        (SCHOOL, True), (FAR_SCHOOL, False),
    ]  # fmt: skip
    (missing,) = (await desk.overview(province, untrained_only=True)).items
    assert (missing.school, missing.registrars, missing.pupils, missing.open_registrations) == (FAR_SCHOOL, (), 400, 3)
    desk.clock.pass_(days=300)
    assert len((await desk.overview(province, untrained_only=True)).items) == 2, "appointments end with the year"


async def test_one_who_cannot_sign_in_or_is_no_registrar_any_more_is_none(desk: Registrars) -> None:
    for name in ("li.min", "wang.fang"):
        await desk.person(name)
        await desk.appoint(PRINCIPAL, name)
    await desk.sql("UPDATE accounts SET seal = 'dormant' WHERE username = 'li.min'")
    (item,) = (await desk.overview(OFFICER)).items
    assert len(item.registrars) == 1 and item.trained
    await desk.sql("UPDATE accounts SET roles = '{principal}' WHERE username = 'wang.fang'")
    (item,) = (await desk.overview(OFFICER, untrained_only=True)).items
    assert (item.school, item.registrars, item.trained) == (SCHOOL, (), False)


@pytest.mark.parametrize("trouble", ["away", "refuses"])
async def test_without_the_registry_the_rest_is_shown(desk: Registrars, trouble: str) -> None:
    setattr(desk.registry, trouble, True)
    (item,) = (await desk.overview(OFFICER)).items
    assert (item.school, item.pupils, item.open_registrations) == (SCHOOL, None, None)


async def test_a_school_that_the_registry_does_not_know_has_no_numbers(desk: Registrars) -> None:
    (item,) = (await desk.overview(OFFICER)).items
    assert item.pupils is None


async def test_each_authority_sees_its_own_schools(desk: Registrars) -> None:
    for who, schools in (
        (OFFICER, [SCHOOL]),
        (actor(Role.AUTHORITY_OFFICER, NEIGHBOUR), [FAR_SCHOOL]),
        (actor(Role.ACCOUNT_ADMIN, CITY), [SCHOOL, FAR_SCHOOL]),
        (actor(Role.AUTHORITY_OFFICER, "230202"), []),
    ):
        assert [one.school for one in (await desk.overview(who)).items] == schools
    assert len(desk.registry.asked) == 3, "for no school nobody is asked"


async def test_a_closed_school_is_not_among_them(desk: Registrars) -> None:
    await desk.sql("UPDATE organisation_replica SET closed = true WHERE code = $1", SCHOOL)
    assert (await desk.overview(OFFICER)).items == ()
    await desk.person("li.min", FAR_SCHOOL)
    reply = await desk.appoint(OFFICER, "li.min")
    assert reply.findings[0].code == "appointment.school_closed"


async def test_pages_follow_each_other(desk: Registrars) -> None:
    province = actor(Role.AUTHORITY_OFFICER, PROVINCE)
    first = await desk.overview(province, limit=1)
    second = await desk.overview(province, limit=1, cursor=first.next_cursor)
    assert [one.school for page in (first, second) for one in page.items] == [SCHOOL, FAR_SCHOOL]
    assert second.next_cursor is None
