"""What falls on a school's registrars, counted for the authority above it (clause 43)."""

from __future__ import annotations

import pytest
from registry.records.workload import MOST_SCHOOLS
from registry_world import (
    AUTHORITY,
    CITY,
    FAR_SCHOOL,
    OTHER_SCHOOL,
    PROVINCE,
    REGISTRAR,
    SCHOOL,
    World,
    actor,
)
from shared_contracts.actors import Role, system
from shared_contracts.decisions import Refused
from shared_contracts.identity import Issued, NumberKind, NumbersIssued, Verification
from shared_contracts.workload import GetSchoolWorkload, SchoolWorkload

pytestmark = [pytest.mark.integration, pytest.mark.clause("43")]
ALL = (SCHOOL.code, OTHER_SCHOOL.code, FAR_SCHOOL.code)


async def _registered(world: World) -> None:
    one = await world.one()
    await world.bring_to(one, "done")
    number = Issued(
        person_id="",
        registration_id=one,
        kind=NumberKind.G,
        masked="G2**************15",
        verification=Verification.MATCHED,
    )
    await world.tell(NumbersIssued(numbers=(number,), issued_at=world.clock.now()))


async def test_pupils_and_what_is_on_its_way_are_counted(world: World) -> None:
    await _registered(world)
    await world.one()
    await world.one()
    reply = await world.ask(GetSchoolWorkload(actor=actor(Role.AUTHORITY_OFFICER, AUTHORITY), schools=ALL))
    assert reply.items == (
        SchoolWorkload(school=SCHOOL.code, pupils=1, open_registrations=2),
        SchoolWorkload(school=OTHER_SCHOOL.code, pupils=0, open_registrations=0),
    ), "the far school belongs to another authority"


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        (actor(Role.AUTHORITY_OFFICER, CITY), ALL[:2]),
        (actor(Role.LEADER, "230202"), ALL[2:]),
        (actor(Role.ACCOUNT_ADMIN, PROVINCE), ALL),
        (system("access"), ALL),
        (actor(Role.AUTHORITY_OFFICER, "230103"), ()),
    ],
)
async def test_each_authority_sees_its_own_schools(world: World, who: object, seen: tuple[str, ...]) -> None:
    reply = await world.ask(GetSchoolWorkload(actor=who, schools=(*ALL, "2123019999")))  # type: ignore[arg-type]
    assert tuple(item.school for item in reply.items) == seen


async def test_no_school_asks_and_not_for_too_many(world: World) -> None:
    refused = await world.ask(GetSchoolWorkload(actor=REGISTRAR, schools=ALL))
    assert isinstance(refused, Refused) and refused.kind == "forbidden"
    many = tuple(f"2123{n:06}" for n in range(MOST_SCHOOLS + 1))
    refused = await world.ask(GetSchoolWorkload(actor=system("access"), schools=many))
    assert isinstance(refused, Refused) and refused.kind == "too_large"
