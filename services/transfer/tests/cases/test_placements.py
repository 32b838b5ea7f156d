"""Between special and ordinary schools: with the record goes how the pupil is placed, without it nothing but the place of
study changes (24.4)."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from moving_world import MovingWorld
from registry.organisations.store import put_versions
from registry_world import OTHER_SCHOOL, SCHOOL, actor, view
from shared_contracts.actors import Role
from shared_contracts.evidence import EvidenceKind
from shared_contracts.transfer import Ground, RerouteTransfer, TransferState, TransferView
from transfer_world import OFFICER, REGISTRAR, RELEASING, TransferWorld

pytestmark = pytest.mark.integration
SPECIAL = msgspec.structs.replace(SCHOOL, code="5123010001", name="哈尔滨市道里区特殊教育学校", school_type="513")
SPECIAL_REGISTRAR = actor(Role.REGISTRAR, SPECIAL.code, "special.registrar")
SPECIAL_PRINCIPAL = actor(Role.PRINCIPAL, SPECIAL.code, "special.principal")


async def prepared(world: TransferWorld) -> None:
    async with world.registry.db.transaction() as tx:
        await put_versions(tx, [view(SPECIAL)], date(2020, 1, 1))
    await world.know([view(SPECIAL)])


async def placed(registry: MovingWorld, student: str, placement: str) -> str:
    await registry.sql("UPDATE students SET placement = $2 WHERE id = $1", student, placement)
    return student


async def opened(world: TransferWorld, student: str, who: Any, **changes: Any) -> TransferView:
    papers = await world.papers(EvidenceKind.TRANSFER_APPLICATION, organisation=who.organisation)
    found = await world.open(student, who=who, ground=Ground.SPECIAL_EDUCATION, evidence=papers, **changes)
    assert isinstance(found, TransferView), found
    return found


async def as_it_is(registry: MovingWorld, student: str) -> tuple[str, str]:
    (row,) = await registry.sql("SELECT school, placement FROM students WHERE id = $1", student)
    return row["school"], row["placement"]


async def last_entry(registry: MovingWorld, student: str) -> tuple[str, dict[str, Any]]:
    (row,) = await registry.sql(
        "SELECT kind, content::text AS content FROM journal WHERE student_id = $1 ORDER BY seq DESC LIMIT 1", student
    )
    return row["kind"], msgspec.json.decode(row["content"])


@pytest.mark.clause("17", "24.4")
@pytest.mark.parametrize(
    ("here", "there", "was", "becomes"),
    [(SPECIAL, OTHER_SCHOOL, "special_school", "mainstreamed"), (SCHOOL, SPECIAL, "mainstreamed", "special_school")],
)
async def test_with_the_record_the_placement_becomes_that_of_the_new_school(
    world: TransferWorld, registry: MovingWorld, here: Any, there: Any, was: str, becomes: str
) -> None:
    await prepared(world)
    await registry.pupils(there, 3, 1, 10)
    (one,) = await registry.pupils(here, 3, 1, 1)
    await placed(registry, one, was)
    case = await opened(world, one, REGISTRAR if there is OTHER_SCHOOL else SPECIAL_REGISTRAR)
    assert case.placement == becomes
    assert "placement.there" in {finding.code for finding in case.findings}
    await through(world, case.id, here)
    await world.carry()
    assert await as_it_is(registry, one) == (there.code, becomes)
    kind, content = await last_entry(registry, one)
    assert (kind, content["before"]["placement"], content["after"]["placement"]) == ("transferred", was, becomes)
    await registry.whole()


@pytest.mark.clause("24.4")
@pytest.mark.parametrize(
    ("here", "there", "was"), [(SPECIAL, OTHER_SCHOOL, "special_school"), (SCHOOL, SPECIAL, "mainstreamed")]
)
async def test_without_the_record_only_the_place_of_study_changes(
    world: TransferWorld, registry: MovingWorld, here: Any, there: Any, was: str
) -> None:
    await prepared(world)
    await registry.pupils(there, 3, 1, 10)
    (one,) = await registry.pupils(here, 3, 1, 1)
    await placed(registry, one, was)
    who = REGISTRAR if there is OTHER_SCHOOL else SPECIAL_REGISTRAR
    case = await opened(world, one, who, record_moves=False)
    assert (case.placement, case.without_record) == ("", True)
    assert "placement.there" not in {finding.code for finding in case.findings}
    await through(world, case.id, here)
    await world.carry()
    assert await as_it_is(registry, one) == (here.code, was)
    kind, content = await last_entry(registry, one)
    assert kind == "study_elsewhere" and "after" not in content
    (place,) = await registry.sql("SELECT school FROM study_places WHERE student_id = $1 AND until IS NULL", one)
    assert place["school"] == there.code


@pytest.mark.clause("24.4")
async def test_between_ordinary_schools_nobody_is_placed_otherwise(world: TransferWorld, registry: MovingWorld) -> None:
    await registry.pupils(OTHER_SCHOOL, 3, 1, 10)
    (one,) = await registry.pupils(RELEASING, 3, 1, 1)
    await placed(registry, one, "mainstreamed")
    case = await world.open(one)
    assert isinstance(case, TransferView) and case.placement == ""
    await world.through(case.id)
    await world.carry()
    assert await as_it_is(registry, one) == (OTHER_SCHOOL.code, "mainstreamed")
    _, content = await last_entry(registry, one)
    assert "placement" not in content["after"]


@pytest.mark.clause("24.4", "24.5.2")
async def test_a_re_routing_looks_anew(world: TransferWorld, registry: MovingWorld) -> None:
    """Sent to a school of the other kind, the pupil is placed as that one places: what the first school said is over."""
    await prepared(world)
    await registry.pupils(OTHER_SCHOOL, 3, 1, 10)
    await registry.pupils(SCHOOL, 3, 1, 10)
    (one,) = await registry.pupils(SPECIAL, 3, 1, 1)
    await placed(registry, one, "special_school")
    case = await opened(world, one, REGISTRAR)
    command = RerouteTransfer(
        command_id=world.id(), actor=OFFICER, transfer_id=case.id, school=SCHOOL.code, reason="该校较近"
    )
    moved = await world.do(command)
    assert isinstance(moved, TransferView), moved
    await through(world, case.id, SPECIAL)
    await world.carry()
    assert await as_it_is(registry, one) == (SCHOOL.code, "mainstreamed")


@pytest.mark.clause("24.4")
async def test_who_studied_elsewhere_studies_where_the_record_goes(world: TransferWorld, registry: MovingWorld) -> None:
    """First without the record, then with it: nobody is expected in a third place any more."""
    await prepared(world)
    await registry.pupils(OTHER_SCHOOL, 3, 1, 10)
    await registry.pupils(SPECIAL, 3, 1, 1)
    (one,) = await registry.pupils(SCHOOL, 3, 1, 1)
    await placed(registry, one, "mainstreamed")
    first = await opened(world, one, SPECIAL_REGISTRAR, record_moves=False)
    await through(world, first.id, SCHOOL)
    await world.carry()
    second = await world.open(one)
    assert isinstance(second, TransferView), second
    await world.through(second.id)
    await world.carry()
    done = await world.seen(second.id)
    assert done.state is TransferState.COMPLETED
    assert await registry.sql("SELECT 1 FROM study_places WHERE student_id = $1 AND until IS NULL", one) == []
    assert await as_it_is(registry, one) == (OTHER_SCHOOL.code, "mainstreamed")


async def through(world: TransferWorld, transfer: str, here: Any) -> None:
    from shared_contracts.transfer import Step
    from transfer_world import PRINCIPAL, SECOND_OFFICER

    deciders = {
        Step.RECEIVING_AUTHORITY: OFFICER,
        Step.RELEASING_SCHOOL: PRINCIPAL if here is SCHOOL else SPECIAL_PRINCIPAL,
        Step.RELEASING_AUTHORITY: SECOND_OFFICER,
    }
    for step, who in deciders.items():
        reply = await world.decide(transfer, step, who=who)
        assert isinstance(reply, TransferView), reply
