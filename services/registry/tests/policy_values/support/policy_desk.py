"""Officers of several authorities, and the two or three acts that every test of policy values begins with."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from registry_world import TODAY, World, actor
from shared_contracts.actors import Actor, Role
from shared_contracts.policy import PublishValue

COUNTY, NEIGHBOUR, HARBIN = "230102", "230103", "230100"
TOMORROW = TODAY + timedelta(days=1)


def officer(division: str, role: Role = Role.AUTHORITY_OFFICER) -> Actor:
    return actor(role, division)


COUNTY_LEADER = officer(COUNTY, Role.LEADER)
PROVINCE_OFFICER = officer("230000")


async def publish(world: World, who: Actor, *, key: str = "class_size_primary", value: Any = 40, **changes: Any) -> Any:
    """The reply: a PolicyValue or a refusal."""
    given: dict[str, Any] = {"valid_from": TOMORROW, "basis": "哈教规〔2026〕3号"} | changes
    return await world.do(
        PublishValue(command_id=world.id(), actor=who, value_id=world.id("value"), key=key, value=value, **given)
    )


async def local_world(world: World) -> None:
    """Every handler of this world knows what is published."""
    async with world.db.transaction() as tx:
        await world.deps.policy.look(tx)
