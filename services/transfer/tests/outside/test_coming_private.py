"""A child of another province applies to a private school: on the list with all others, seated or drawn as they are (24.5.3,
24.5.4)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from coming_world import ComingWorld
from lottery_world import OFFICER, PRIVATE, REGISTRAR, LotteryWorld, ready
from outside_world import SECOND_CLERK, THIRD_CLERK
from shared_contracts.decisions import Refused
from shared_contracts.transfer import Step, TransferState, TransferView

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.5.3", "24.5.4")]


class PrivateWorld(ComingWorld, LotteryWorld):
    """Both at once."""


@pytest_asyncio.fixture
async def private(service_env: Any, registry: Any) -> AsyncIterator[PrivateWorld]:
    made = PrivateWorld(await service_env("transfer"), registry)
    await made.prepare()
    yield made
    await made.shut()


async def test_without_an_open_list_nobody_is_expected(private: PrivateWorld) -> None:
    await private.plan(places=58, pupils=40)
    await private.ratio()
    reply = await private.come(1, REGISTRAR)
    assert isinstance(reply, Refused)
    assert await private.holds() == [] == await private.expected()


async def test_whoever_is_on_the_list_is_seated_where_there_are_places_for_all(private: PrivateWorld) -> None:
    _, (other,) = await ready(private, applicants=1)
    opened = await private.come(1, REGISTRAR)
    assert isinstance(opened, TransferView), opened
    assert (opened.seat, opened.due_on) == (False, None)
    assert await private.expected() == [(opened.id, "held", None, True, False)]
    early = await private.decide(opened.id, Step.RECEIVING_AUTHORITY, who=OFFICER, override=True, reason="收下")
    assert isinstance(early, Refused), "nobody is given a place before the result"
    await private.over()
    await private.settle()
    assert await private.seats() == {other.id, opened.id}
    assert isinstance(await private.decide(opened.id, Step.RECEIVING_AUTHORITY, who=OFFICER), TransferView)
    await private.enter(opened.id, Step.RELEASING_SCHOOL, who=SECOND_CLERK)
    await private.enter(opened.id, Step.RELEASING_AUTHORITY, who=THIRD_CLERK)
    await private.carry()
    registration = await private.register(opened.id, PRIVATE)
    assert registration is not None
    await private.number(registration, school=PRIVATE)
    await private.carry()
    done = await private.seen(opened.id, REGISTRAR)
    assert done.state is TransferState.COMPLETED
