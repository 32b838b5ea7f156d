"""Who is suspended, or whose record is retained, goes nowhere: refused at the application and at each approval (24.3.4)."""

from __future__ import annotations

import pytest
from moving_world import MovingWorld
from registry_world import REGISTRAR as OLD_REGISTRAR
from shared_contracts.decisions import Refused
from shared_contracts.records import GetStudent, StudentView
from shared_contracts.transfer import Step, TransferView
from transfer_world import RECEIVING, RELEASING, TransferWorld

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.3.4")]


async def away(registry: MovingWorld, student: str, state: str) -> None:
    """As the status service will have it: the record stays live, the pupil leaves the class."""
    await registry.sql("UPDATE students SET state = $2 WHERE id = $1", student, state)
    await registry.sql(
        "UPDATE class_memberships SET left_on = $2 WHERE student_id = $1 AND left_on IS NULL",
        student,
        registry.clock.today(),
    )


async def back(registry: MovingWorld, student: str) -> None:
    await registry.sql("UPDATE students SET state = 'in_school' WHERE id = $1", student)
    await registry.sql("UPDATE class_memberships SET left_on = NULL WHERE student_id = $1", student)


@pytest.mark.parametrize("state", ["suspended", "retained"])
async def test_refused_at_the_application_and_the_record_can_be_read(
    world: TransferWorld, registry: MovingWorld, state: str
) -> None:
    await registry.pupils(RECEIVING, 3, 1, 10)
    one, *_ = await registry.pupils(RELEASING, 3, 1, 3)
    registry.clock.pass_(days=1)
    await away(registry, one, state)
    refused = await world.open(one)
    assert isinstance(refused, Refused)
    assert f"pupil.{state}" in {finding.code for finding in refused.findings}
    assert await world.holds() == []
    shown = await registry.ask(GetStudent(actor=OLD_REGISTRAR, student_id=one))
    assert isinstance(shown, StudentView)
    assert (shown.state, shown.grade) == (state, None)


@pytest.mark.parametrize("step", list(Step))
@pytest.mark.parametrize("state", ["suspended", "retained"])
async def test_refused_at_each_approval_until_the_pupil_is_back(
    world: TransferWorld, registry: MovingWorld, step: Step, state: str
) -> None:
    await registry.pupils(RECEIVING, 3, 1, 10)
    one, *_ = await registry.pupils(RELEASING, 3, 1, 3)
    opened = await world.open(one)
    assert isinstance(opened, TransferView), opened
    for earlier in Step:
        if earlier is step:
            break
        await world.decide(opened.id, earlier)
    registry.clock.pass_(days=1)
    await away(registry, one, state)
    refused = await world.decide(opened.id, step)
    assert isinstance(refused, Refused)
    assert f"pupil.{state}" in {finding.code for finding in refused.findings}
    await back(registry, one)
    assert isinstance(await world.decide(opened.id, step), TransferView)
