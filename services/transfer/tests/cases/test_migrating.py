"""A database that has told of its cases goes on telling, whichever version of the service began (24.5.1)."""

from __future__ import annotations

import asyncpg
import pytest
from registry_world import SCHOOL
from service_kit import migrate
from shared_contracts.transfer import Step, TransfersStand
from transfer_world import RECEIVING, TransferWorld

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.5.1")]
MOST = 5
"""Until 0008 ten times the case's version was told, and up to so many more."""


async def test_what_is_told_after_the_changes_are_counted_is_newer(world: TransferWorld) -> None:
    await world.registry.pupils(RECEIVING, 3, 1, 10)
    one, *_ = await world.registry.pupils(SCHOOL, 3, 1, 2)
    opened = await world.open(one)
    await world.decide(opened.id, Step.RECEIVING_AUTHORITY)
    ((version,),) = await world.sql("SELECT version FROM cases")
    owner = await asyncpg.connect(world.env["XUEJI_MIGRATION_DATABASE_URL"])
    await owner.execute("ALTER TABLE transfers DROP COLUMN changes; UPDATE alembic_version SET version_num = '0008'")
    await owner.close()

    await migrate.upgrade("transfer", world.env["XUEJI_MIGRATION_DATABASE_URL"])
    await world.decide(opened.id, Step.RELEASING_SCHOOL)
    (told,) = (await world.events(TransfersStand))[-1].cases
    assert told.version > version * 10 + MOST
