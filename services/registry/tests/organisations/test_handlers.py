"""Loading and listing organisations: all or nothing, dated, idempotent, and codes for one thing only."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from registry.organisations import store
from registry_world import (
    AUTHORITY,
    CITY,
    OPERATOR,
    OTHER_SCHOOL,
    PROVINCE,
    REGISTRAR,
    SCHOOL,
    TODAY,
    World,
    authorities,
    codes,
    view,
)
from shared_contracts.decisions import Refused
from shared_contracts.messages import Ok
from shared_contracts.registry import ListOrganisations, LoadOrganisations, OrganisationView

pytestmark = pytest.mark.integration
BASE = authorities(PROVINCE, CITY, AUTHORITY)
VIEW = view(SCHOOL)
FROM = date(2020, 1, 1)


async def load(world: World, *views: OrganisationView, valid_from: date = FROM, actor=OPERATOR) -> Any:
    command = LoadOrganisations(command_id=world.id(), actor=actor, organisations=tuple(views), valid_from=valid_from)
    return await world.do(command)


async def facts(world: World, code: str = SCHOOL.code, on: date | None = None):
    async with world.db.transaction() as tx:
        return await store.school(tx, code, on)


async def versions(world: World) -> int:
    return (await world.sql("SELECT count(*) AS n FROM organisations"))[0]["n"]


async def test_schools_and_their_authorities_are_loaded_together(world):
    assert await load(world, VIEW, *BASE) == Ok()
    assert await facts(world) == SCHOOL
    async with world.db.transaction() as tx:
        assert await store.authority_of(tx, SCHOOL.code) == AUTHORITY
        assert await store.authority_of(tx, AUTHORITY) == CITY
        assert await store.supervised(tx, AUTHORITY) == [SCHOOL.code]
        assert await store.school(tx, AUTHORITY) is None


async def test_the_same_again_changes_nothing(world):
    await load(world, VIEW, *BASE)
    before = await world.sql("SELECT * FROM organisations ORDER BY code")
    assert await load(world, VIEW, *BASE, valid_from=TODAY) == Ok()
    assert await world.sql("SELECT * FROM organisations ORDER BY code") == before


@pytest.mark.clause("44")
async def test_a_change_is_a_version_from_its_day_on(world):
    await load(world, VIEW, *BASE)
    renamed = msgspec.structs.replace(VIEW, name="新名小学", accepts_international=True)
    assert await load(world, renamed, valid_from=date(2025, 9, 1)) == Ok()
    assert (await facts(world)).name == "新名小学"
    assert (await facts(world, on=date(2025, 8, 31))).name == SCHOOL.name
    assert (await facts(world, on=date(2025, 9, 1))).name == "新名小学"
    assert await facts(world, on=date(2019, 12, 31)) is None


async def test_a_version_of_the_same_day_is_corrected_in_place(world):
    await load(world, VIEW, *BASE)
    await load(world, msgspec.structs.replace(VIEW, name="改正小学"))
    assert (await facts(world)).name == "改正小学"
    assert await versions(world) == 4


@pytest.mark.clause("44")
async def test_the_past_is_not_rewritten_and_the_future_not_begun(world):
    await load(world, VIEW, *BASE)
    renamed = msgspec.structs.replace(VIEW, name="新名小学")
    assert (await load(world, renamed, valid_from=date(2019, 1, 1))).kind == "conflict"
    assert (await load(world, renamed, valid_from=date(2026, 9, 11))).kind == "invalid"
    assert (await facts(world)).name == SCHOOL.name


@pytest.mark.clause("44")
async def test_a_code_is_never_reused(world):
    await load(world, VIEW, *BASE)
    await world.sql("UPDATE organisations SET valid_to = '2026-07-01' WHERE code = $1", SCHOOL.code)
    assert codes(await load(world, VIEW, valid_from=TODAY)) == ["organisation.code_reused"]


@pytest.mark.clause("44", "2")
async def test_a_code_keeps_its_type(world):
    junior = msgspec.structs.replace(VIEW, code="3123010001", school_type="311", stages=("junior",))
    await load(world, junior, *BASE)
    nine_years = msgspec.structs.replace(junior, school_type="312", stages=("primary", "junior"))
    assert codes(await load(world, nine_years, valid_from=TODAY)) == ["organisation.kind_changed"]


@pytest.mark.clause("2", "3.1")
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"code": "212301000"}, ["school_code.digits"]),
        ({"code": "3123010001"}, ["school_code.type_differs"]),
        ({"code": "1123010001"}, ["school_code.not_compulsory"]),
        ({"school_type": "342"}, ["organisation.school_type"]),
        ({"school_type": None}, ["organisation.school_type"]),
        ({"stages": ("junior",)}, ["organisation.stages"]),
        ({"stages": ()}, ["organisation.stages"]),
        ({"system": "6-4"}, ["organisation.system"]),
        ({"ownership": None}, ["organisation.ownership"]),
        ({"locality": "village"}, ["organisation.locality"]),
        ({"division": "239999"}, ["organisation.division", "organisation.authority"]),
        ({"division": "230100"}, ["organisation.division", "organisation.authority"]),
        ({"authority": "230200"}, ["organisation.authority"]),
        ({"authority": None}, ["organisation.authority"]),
        ({"parent": "2123010002"}, ["organisation.parent"]),
        ({"name": " "}, ["organisation.name"]),
        ({"name": "小学\x00"}, ["organisation.name"]),
        ({"name": "长" * 101}, ["organisation.name"]),
    ],
)
async def test_a_school_that_cannot_be(world, changes, found):
    await load(world, *BASE)
    reply = await load(world, msgspec.structs.replace(VIEW, **changes), view(OTHER_SCHOOL))
    assert codes(reply) == found
    assert all(finding.cure for finding in reply.findings)
    assert await versions(world) == 3  # nor the good one beside it


async def test_a_directly_managed_school_has_city_or_province_for_its_authority(world):
    await load(world, *BASE)
    for authority in (CITY, PROVINCE):
        managed = msgspec.structs.replace(VIEW, authority=authority, parent=authority)
        assert await load(world, managed) == Ok()
        assert (await facts(world)).authority == authority


async def test_special_schools_may_carry_one_stage(world):
    special = msgspec.structs.replace(VIEW, code="5123010001", school_type="514", stages=("primary",))
    assert await load(world, special, *BASE) == Ok()
    for stages in (("primary", "primary"), ("junior", "primary"), ()):
        wrong = msgspec.structs.replace(special, code="5123010002", stages=stages)
        assert codes(await load(world, wrong)) == ["organisation.stages"]


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"kind": "city"}, ["organisation.division", "organisation.parent"]),
        ({"code": "239901", "division": "239901"}, ["organisation.division", "organisation.parent"]),
        ({"division": "230103"}, ["organisation.division"]),
        ({"parent": None}, ["organisation.parent"]),
        ({"parent": PROVINCE}, ["organisation.parent"]),
    ],
)
async def test_an_authority_that_cannot_be(world, changes, found):
    *above, county = BASE
    await load(world, *above)
    assert codes(await load(world, msgspec.structs.replace(county, **changes))) == found


async def test_only_operators_load(world):
    reply = await load(world, *BASE, actor=REGISTRAR)
    assert isinstance(reply, Refused)
    assert reply.kind == "forbidden"


async def test_one_code_twice_in_one_load_is_refused(world):
    assert (await load(world, *BASE, BASE[0])).kind == "invalid"


async def test_pages_follow_each_other_in_the_order_of_codes(world):
    await load(world, *BASE, VIEW, view(OTHER_SCHOOL))

    async def page(cursor: str | None, **more: Any):
        return await world.ask(ListOrganisations(actor=REGISTRAR, cursor=cursor, limit=2, **more))

    first = await page(None)
    second = await page(first.next_cursor)
    third = await page(second.next_cursor)
    assert third.next_cursor is None
    seen = [item.code for part in (first, second, third) for item in part.items]
    assert seen == [SCHOOL.code, OTHER_SCHOOL.code, PROVINCE, CITY, AUTHORITY]
    assert [item.code for item in (await page(None, parent=AUTHORITY)).items] == [SCHOOL.code, OTHER_SCHOOL.code]
    assert [item.code for item in (await page(None, kind="county")).items] == [AUTHORITY]
    assert (await page("garbage")).kind == "invalid"


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM organisations",
        "TRUNCATE organisations",
        "UPDATE organisations SET code = '1'",
        "UPDATE organisations SET school_type = '311'",
    ],
)
async def test_the_application_can_change_no_code_and_delete_nothing(world, statement):
    import asyncpg

    await load(world, *BASE)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await world.sql(statement)
