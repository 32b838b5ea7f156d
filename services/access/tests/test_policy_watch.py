"""What the registry's authorities have published holds in access too: kept, so that it holds while the registry is away."""

from __future__ import annotations

import asyncio
from datetime import date

import asyncpg
import pytest
from access.policy_watch import KEYS, follow_policy
from access_support import COUNTY, NEIGHBOUR, Desk
from service_kit import policy
from service_kit.bus import Unavailable
from service_kit.database import driver
from service_kit.policy import ReplicaPolicy, first_look
from shared_contracts.policy import AskPublished, Published, PublishedValue

pytestmark = [pytest.mark.integration, pytest.mark.clause("45.1", "45.2", "49")]
DAY = date(2026, 12, 1)


def cap(rows: int, division: str = COUNTY) -> PublishedValue:
    return PublishedValue(key="export_max_rows", division=division, valid_from=DAY, value=rows)


class Registry:
    """Answers as the registry does; away when told."""

    def __init__(self) -> None:
        self.published = Published(version=0, values=())
        self.away = False
        self.asked: list[AskPublished] = []

    async def need(self, query: AskPublished) -> Published:
        if self.away:
            raise Unavailable("nobody there")
        self.asked.append(query)
        if self.published.version <= query.newer_than:
            return Published(version=self.published.version, values=None)
        return self.published


@pytest.fixture
def registry(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Registry:
    made = Registry()
    desk.kit.bus = made  # type: ignore[assignment]
    monkeypatch.setattr(policy, "LOOKS", 0.05)
    return made


async def until(desk: Desk, rows: int) -> None:
    async with asyncio.timeout(15):
        while desk.deps.policy.parameters(COUNTY, DAY).export_max_rows != rows:
            await asyncio.sleep(0.02)


async def test_a_published_value_is_followed_and_outlives_a_restart(desk: Desk, registry: Registry) -> None:
    stop = asyncio.Event()
    following = asyncio.create_task(follow_policy(desk.kit, desk.deps, stop))
    await until(desk, 200_000)
    registry.published = Published(version=3, values=(cap(5_000),))
    await until(desk, 5_000)
    assert desk.deps.policy.parameters(NEIGHBOUR, DAY).export_max_rows == 200_000
    assert desk.deps.policy.parameters(COUNTY, date(2026, 11, 30)).export_max_rows == 200_000
    async with asyncio.timeout(15):
        while registry.asked[-1].newer_than != 3:
            await asyncio.sleep(0.02)
    registry.away = True
    await asyncio.sleep(0.2)
    assert desk.deps.policy.parameters(COUNTY, DAY).export_max_rows == 5_000
    stop.set()
    await following
    again = ReplicaPolicy()
    await first_look(desk.db, again)
    assert again.parameters(COUNTY, DAY).export_max_rows == 5_000
    assert registry.asked[0].newer_than == -1, "a new release may use more keys than the one before"


async def test_older_news_changes_nothing(desk: Desk) -> None:
    for version, rows in ((5, 5_000), (4, 9_000)):
        await policy.keep(desk.db, Published(version=version, values=(cap(rows),)))
    await first_look(desk.db, desk.deps.policy)
    assert desk.deps.policy.parameters(COUNTY, DAY).export_max_rows == 5_000


async def test_a_value_that_was_taken_back_goes(desk: Desk, registry: Registry) -> None:
    stop = asyncio.Event()
    following = asyncio.create_task(follow_policy(desk.kit, desk.deps, stop))
    registry.published = Published(version=1, values=(cap(5_000),))
    await until(desk, 5_000)
    registry.published = Published(version=2, values=())
    await until(desk, 200_000)
    stop.set()
    await following


def test_access_follows_what_it_uses() -> None:
    assert {"export_max_rows", "audit_many_pupils", "password_max_days", "school_year_start"} <= set(KEYS)
    assert "class_size_primary" not in KEYS


@pytest.mark.parametrize(
    "statement", ["DELETE FROM policy_replica", "INSERT INTO policy_replica VALUES (false, 1, '[]')"]
)
async def test_the_application_s_role_only_brings_it_up_to_date(desk: Desk, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with desk.db.transaction() as tx:
            await (await driver(tx)).execute(statement)
