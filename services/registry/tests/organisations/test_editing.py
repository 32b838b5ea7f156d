"""Changing one organisation, from a day on: what is possible, who may, what is announced."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
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
    actor,
    codes,
    view,
)
from service_kit.ids import new_id
from shared_contracts.actors import Actor, Role, system
from shared_contracts.decisions import Refused
from shared_contracts.organisations import (
    ChangeSupervision,
    CloseOrganisation,
    CreateOrganisation,
    GetOrganisation,
    ListKnownOrganisations,
    ListOrganisations,
    ListVersions,
    LoadOrganisations,
    OrganisationRecord,
    OrganisationsChanged,
    OrganisationView,
    RenameOrganisation,
    ReviseOrganisation,
)

pytestmark = pytest.mark.integration
NEAR = "230103"
COUNTY, NEIGHBOUR, CITY_OFFICER, PROVINCIAL = (
    actor(Role.AUTHORITY_OFFICER, code) for code in (AUTHORITY, NEAR, CITY, PROVINCE)
)
NEW = msgspec.structs.replace(view(SCHOOL), code="2123010077", name="哈尔滨市道里区新建小学")
BEIJING = OrganisationView(
    code="110108", name="北京市海淀区教育委员会", kind="external", parent=None, authority=None, division="110108"
)
YESTERDAY = date(2026, 9, 9)


@pytest.fixture
async def world(world: World) -> World:
    """Authorities and schools, loaded a while ago and announced."""
    await world.load(SCHOOL, OTHER_SCHOOL)
    near = OrganisationView(code=NEAR, name="南岗区教育局", kind="county", parent=CITY, authority=CITY, division=NEAR)
    await send(world, LoadOrganisations, OPERATOR, organisations=(near,), valid_from=date(2020, 1, 1))
    return world


async def send(world: World, kind: type[Any], who: Actor, **values: Any) -> Any:
    return await world.do(kind(command_id=new_id(), actor=who, **values))


async def rename(world: World, who: Actor = COUNTY, **values: Any) -> Any:
    return await send(
        world,
        RenameOrganisation,
        who,
        **({"code": SCHOOL.code, "name": "新名小学", "effective_from": YESTERDAY} | values),
    )


async def supervise(world: World, who: Actor = CITY_OFFICER, **values: Any) -> Any:
    return await send(
        world,
        ChangeSupervision,
        who,
        **(
            {
                "code": SCHOOL.code,
                "authority": NEAR,
                "division": NEAR,
                "reason": "哈政发〔2026〕12号",
                "effective_from": TODAY,
            }
            | values
        ),
    )


async def create(world: World, who: Actor = COUNTY, organisation: OrganisationView = NEW, **more: Any) -> Any:
    return await send(
        world, CreateOrganisation, who, **({"organisation": organisation, "effective_from": TODAY} | more)
    )


async def close(world: World, who: Actor = COUNTY, **values: Any) -> Any:
    return await send(world, CloseOrganisation, who, **({"code": SCHOOL.code, "effective_from": TODAY} | values))


async def on(world: World, code: str, day: date | None = None) -> Any:
    return await world.ask(GetOrganisation(actor=REGISTRAR, code=code, on=day))


async def announced(world: World) -> list[tuple[str, str | None, int, bool]]:
    return [
        (one.code, one.authority, one.version, one.closed)
        for event in await world.events(OrganisationsChanged)
        for one in event.organisations
    ]


# ---- each change ------------------------------------------------------------------------------------------------------


@pytest.mark.clause("44")
async def test_a_school_is_founded(world: World) -> None:
    record = await create(world)
    assert isinstance(record, OrganisationRecord)
    assert (record.organisation, record.valid_from, record.valid_to, record.version) == (NEW, TODAY, None, 1)
    assert (await announced(world))[-1] == (NEW.code, AUTHORITY, 1, False)
    assert (await on(world, NEW.code, YESTERDAY)).kind == "not_found"
    again = await create(world)
    assert again.kind == "conflict"


@pytest.mark.clause("44")
async def test_a_name_changes_from_a_day_on(world: World) -> None:
    record = await rename(world)
    assert (record.organisation.name, record.valid_from, record.version) == ("新名小学", YESTERDAY, 2)
    assert (await on(world, SCHOOL.code, date(2026, 9, 8))).organisation.name == SCHOOL.name
    assert (await on(world, SCHOOL.code, YESTERDAY)).organisation.name == "新名小学"
    assert (await announced(world))[-1] == (SCHOOL.code, AUTHORITY, 2, False)


@pytest.mark.clause("44")
async def test_which_county_was_this_school_under(world: World) -> None:
    await supervise(world)
    (told,) = (await world.events(OrganisationsChanged))[-1].organisations
    assert (told.authority, told.former_authority) == (NEAR, AUTHORITY)
    before, after = await on(world, SCHOOL.code, YESTERDAY), await on(world, SCHOOL.code, TODAY)
    assert (before.organisation.authority, before.organisation.parent) == (AUTHORITY, AUTHORITY)
    assert (after.organisation.authority, after.organisation.parent, after.organisation.division) == (NEAR, NEAR, NEAR)
    assert (before.valid_to, before.version, before.closed) == (TODAY, 2, False), "the version is that of the present"
    history = await world.ask(ListVersions(actor=REGISTRAR, code=SCHOOL.code))
    assert [(v.valid_from, v.valid_to, v.organisation.authority) for v in history.versions] == [
        (date(2020, 1, 1), TODAY, AUTHORITY),
        (TODAY, None, NEAR),
    ]


async def test_a_school_may_be_managed_by_the_city_directly(world: World) -> None:
    record = await supervise(world, authority=CITY, division=None)
    assert (record.organisation.authority, record.organisation.division) == (CITY, SCHOOL.division)


@pytest.mark.clause("2", "44")
async def test_the_dated_rest(world: World) -> None:
    record = await send(
        world, ReviseOrganisation, COUNTY, code=SCHOOL.code, effective_from=TODAY, system="5-4", locality="town"
    )
    assert (record.organisation.system, record.organisation.locality) == ("5-4", "town")
    assert (await on(world, SCHOOL.code, YESTERDAY)).organisation.system == "6-3"


@pytest.mark.clause("44")
async def test_an_end_is_for_ever(world: World) -> None:
    record = await close(world)
    assert (record.closed, record.valid_to, record.version) == (True, TODAY, 2)
    assert (await announced(world))[-1] == (SCHOOL.code, AUTHORITY, 2, True)
    assert (await on(world, SCHOOL.code, YESTERDAY)).organisation == view(SCHOOL)
    assert (await on(world, SCHOOL.code, TODAY)).kind == "not_found"
    assert (await on(world, SCHOOL.code)).closed, "asked without a day: as it was last"
    assert (await rename(world)).kind == "conflict"
    assert codes(await create(world, organisation=view(SCHOOL))) == ["organisation.code_reused"]
    listed = await world.ask(ListOrganisations(actor=REGISTRAR, kind="school"))
    assert [item.code for item in listed.items] == [OTHER_SCHOOL.code]
    listed = await world.ask(ListOrganisations(actor=REGISTRAR, kind="school", on=YESTERDAY))
    assert [item.code for item in listed.items] == [SCHOOL.code, OTHER_SCHOOL.code]


@pytest.mark.clause("44")
@pytest.mark.parametrize(
    ("step", "found"),
    [("class_teacher", ["organisation.has_cases"]), ("done", ["organisation.has_cases"])],
)
async def test_a_school_with_pupils_on_the_way_does_not_end(world: World, step: str, found: list[str]) -> None:
    await world.bring_to(await world.one(), step)
    reply = await close(world)
    assert codes(reply) == found
    assert reply.findings[0].clause == "44"


@pytest.mark.clause("44")
async def test_a_school_with_students_or_an_authority_with_schools_does_not_end(world: World) -> None:
    one = await world.one()
    await world.bring_to(one, "done")
    await world.number(one)
    assert codes(await close(world)) == ["organisation.has_students"]
    assert codes(await close(world, CITY_OFFICER, code=AUTHORITY)) == ["organisation.has_below"]
    assert (await close(world, CITY_OFFICER, code=NEAR)).closed, "the one without schools does"


@pytest.mark.clause("44")
@pytest.mark.parametrize(("state", "ends"), [("waiting", False), ("placed", True)])
async def test_a_county_does_not_end_while_a_child_waits_for_a_place(world: World, state: str, ends: bool) -> None:
    await world.sql(
        """INSERT INTO children (id, person_id, stage, county, origin, school_year, name, sex, birth_date, document_kind,
                                 masked_document, division, sealed, state, listed_at)
           VALUES ('c', 'p', 'primary', $1, 'household', 2026, '王', '1', '2020-03-05', '1', '*', $1, '', $2, now())""",
        NEAR,
        state,
    )
    reply = await close(world, CITY_OFFICER, code=NEAR)
    assert reply.closed if ends else codes(reply) == ["organisation.is_admitting"]


@pytest.mark.clause("44")
async def test_it_does_not_end_before_it_began_or_changed(world: World) -> None:
    await rename(world)
    assert codes(await close(world, effective_from=YESTERDAY)) == ["organisation.too_early"]
    assert (await close(world)).closed


# ---- days, versions, nonsense -------------------------------------------------------------------------------------------


@pytest.mark.clause("44")
@pytest.mark.parametrize("act", [rename, supervise, create, close])
async def test_a_change_is_entered_when_it_has_come(world: World, act: Any) -> None:
    reply = await act(world, effective_from=date(2026, 9, 11))
    assert (reply.kind, codes(reply)) == ("invalid", ["organisation.not_yet"])
    assert not isinstance(await act(world, effective_from=TODAY), Refused)


@pytest.mark.clause("44")
async def test_the_past_is_not_rewritten(world: World) -> None:
    await rename(world)
    reply = await rename(world, name="再改名小学", effective_from=date(2026, 9, 8))
    assert codes(reply) == ["organisation.too_early"]
    assert (await rename(world, name="再改名小学")).version == 3, "on the same day it is corrected in place"
    assert len((await world.ask(ListVersions(actor=REGISTRAR, code=SCHOOL.code))).versions) == 2


async def test_who_acts_on_an_older_version_is_told(world: World) -> None:
    assert (await rename(world, version=1)).version == 2
    reply = await rename(world, name="另一个名称", version=1)
    assert reply.kind == "conflict"
    assert "版本2" in reply.detail
    assert (await rename(world, name="另一个名称", version=2)).version == 3


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"authority": "230200"}, "not_found"),  # not in the city officer's reach
        ({"authority": NEAR, "division": None}, "refused"),  # the school still lies in the other county
        ({"authority": AUTHORITY, "division": None}, "conflict"),
        ({"reason": " "}, "invalid"),
        ({"reason": "文件\x00"}, "invalid"),
        ({"code": AUTHORITY}, "invalid"),
        ({"code": "2123019999"}, "not_found"),
    ],
)
async def test_a_supervision_that_cannot_be(world: World, values: dict[str, Any], kind: str) -> None:
    assert (await supervise(world, **values)).kind == kind


async def test_a_revision_of_nothing(world: World) -> None:
    assert (await send(world, ReviseOrganisation, COUNTY, code=SCHOOL.code, effective_from=TODAY)).kind == "invalid"
    assert (await rename(world, name=SCHOOL.name)).kind == "conflict"
    assert codes(await rename(world, name=" ")) == ["organisation.name"]


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"code": "230102", "division": "230102"}, ["organisation.kind_changed", "organisation.division"]),
        ({"code": "990108", "division": "990108"}, ["organisation.division"]),
        ({"division": "110000"}, ["organisation.division"]),
        ({"parent": PROVINCE}, ["organisation.parent"]),
    ],
)
async def test_an_organisation_of_another_province_that_cannot_be(
    world: World, changes: dict[str, Any], found: list[str]
) -> None:
    reply = await create(world, PROVINCIAL, msgspec.structs.replace(BEIJING, **changes))
    assert sorted(codes(reply)) == sorted(found)


async def test_organisations_of_other_provinces_are_nobody_s_superior(world: World) -> None:
    assert (await create(world, PROVINCIAL, BEIJING)).version == 1
    reply = await create(world, PROVINCIAL, msgspec.structs.replace(NEW, parent=BEIJING.code))
    assert codes(reply) == ["organisation.parent"]


# ---- who may ------------------------------------------------------------------------------------------------------------


@pytest.mark.clause("3.1")
async def test_an_authority_decides_about_its_own_subtree(world: World) -> None:
    neighbour, registrar, leader = NEIGHBOUR, REGISTRAR, actor(Role.LEADER, AUTHORITY)
    cases = [
        (rename, {}, (COUNTY, CITY_OFFICER, PROVINCIAL, OPERATOR), (neighbour, registrar, leader)),
        (rename, {"code": AUTHORITY}, (CITY_OFFICER,), (COUNTY, neighbour)),
        (rename, {"code": CITY}, (PROVINCIAL,), (COUNTY, CITY_OFFICER)),
        (rename, {"code": PROVINCE}, (OPERATOR,), (CITY_OFFICER, PROVINCIAL)),
        (supervise, {}, (CITY_OFFICER,), (COUNTY, neighbour)),  # nobody gives away or takes alone
        (close, {"code": OTHER_SCHOOL.code}, (COUNTY,), (neighbour, leader)),
        (create, {"organisation": BEIJING}, (PROVINCIAL,), (COUNTY, CITY_OFFICER)),
    ]
    for act, values, may, may_not in cases:
        for who in may_not:
            reply = await act(world, who, **values)
            assert isinstance(reply, Refused), (act, who)
            assert reply.kind in ("not_found", "forbidden")
        for number, who in enumerate(may):
            more = {"name": f"名称{number}"} if act is rename else {}
            assert not isinstance(await act(world, who, **values, **more), Refused), (act, values, who)


async def test_a_school_is_founded_under_the_own_authority_alone(world: World) -> None:
    far = msgspec.structs.replace(NEW, authority=NEAR, parent=NEAR, division=NEAR)
    assert (await create(world, COUNTY, far)).kind == "not_found"
    assert (await create(world, COUNTY, msgspec.structs.replace(NEW, parent=NEAR))).kind == "refused"
    assert not isinstance(await create(world, NEIGHBOUR, far), Refused)


# ---- looking, and telling others ----------------------------------------------------------------------------------------


async def test_names_are_looked_for(world: World) -> None:
    async def found(q: str, **more: Any) -> list[str]:
        page = await world.ask(ListOrganisations(actor=REGISTRAR, q=q, **more))
        return [item.code for item in page.items]

    assert await found("测试小学") == [SCHOOL.code]
    assert await found("道里区", kind="school") == [SCHOOL.code, OTHER_SCHOOL.code]
    assert await found("%") == []
    assert await found("_") == []
    assert (await world.ask(ListOrganisations(actor=REGISTRAR, q="小\x00学"))).kind == "invalid"
    await rename(world)
    assert await found("新名", on=date(2026, 9, 8)) == []
    assert await found("新名", on=TODAY) == [SCHOOL.code]


async def test_loading_announces_what_changed_in_portions(world: World) -> None:
    before = len(await announced(world))
    many = tuple(msgspec.structs.replace(NEW, code=f"21230{n:05d}") for n in range(20_000, 20_700))
    await send(world, LoadOrganisations, OPERATOR, organisations=(*many, view(SCHOOL)), valid_from=TODAY)
    sizes = [len(event.organisations) for event in await world.events(OrganisationsChanged)]
    assert sizes[-2:] == [500, 200]
    assert len(await announced(world)) == before + 700, "what is as it was is not announced"


async def test_a_replica_gets_everything_there_ever_was(world: World) -> None:
    await close(world)
    service, seen, after = system("identity"), [], None
    while True:
        page = await world.ask(ListKnownOrganisations(actor=service, after=after, limit=3))
        seen += [(one.code, one.closed, one.version) for one in page.organisations]
        if (after := page.after) is None:
            break
    rows = await world.sql("SELECT DISTINCT code FROM organisations ORDER BY code")
    assert [code for code, _, _ in seen] == [row["code"] for row in rows]
    assert (SCHOOL.code, True, 2) in seen
    for who in (OPERATOR, PROVINCIAL, REGISTRAR):
        assert isinstance(await world.ask(ListKnownOrganisations(actor=who)), Refused)
