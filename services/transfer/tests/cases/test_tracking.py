"""A guardian follows a case by its number and the last digits of a phone, and nobody guesses them (24.6.3, 24.6.4)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from service_kit.origin import NOWHERE, Origin, origin
from shared_contracts.access import ANONYMOUS
from shared_contracts.transfer import Tracked, TrackTransfer
from transfer.cases import expiring
from transfer_world import RECEIVING, RELEASING, TransferWorld

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.6.3", "24.6.4")]
NOBODYS = "ZX20260000000000"
RIGHT, WRONG = "0001", "9999"


@pytest.fixture(autouse=True)
def nowhere() -> Iterator[None]:
    token = origin.set(NOWHERE)
    yield
    origin.reset(token)


async def case(world: TransferWorld) -> str:
    await world.registry.pupils(RECEIVING, 3, 1, 10)
    one, *_ = await world.registry.pupils(RELEASING, 3, 1, 2)
    return str((await world.open(one)).number)


async def ask(world: TransferWorld, number: str, digits: str, address: str = "10.0.0.1") -> Any:
    origin.set(Origin(address=address))
    return await world.do(TrackTransfer(command_id=world.id(), actor=ANONYMOUS, number=number, digits=digits))


async def test_what_a_guardian_sees(world: TransferWorld) -> None:
    number = await case(world)
    for given in (number, number.lower(), f" {number} "):
        seen = await ask(world, given, RIGHT)
        assert isinstance(seen, Tracked) and seen.transfer is not None, seen
        assert (seen.transfer.number, seen.problem, seen.wait) == (number, None, 0)
    assert await world.sql("SELECT failures FROM tracking_failures WHERE failures > 0") == []


async def test_no_case_and_other_digits_are_one_answer_and_counted_as_one(world: TransferWorld) -> None:
    number = await case(world)
    said = {asked: [await ask(world, asked, WRONG, asked) for _ in range(8)] for asked in (number, NOBODYS)}
    assert said[number] == said[NOBODYS]
    assert [(one.problem, one.wait) for one in said[number]] == [("wrong", 0)] * 4 + [("wrong", 30)] + [
        ("locked", 30)
    ] * 3
    rows = await world.sql("SELECT failures, last_at, locked_until FROM tracking_failures ORDER BY 1")
    assert len({tuple(row) for row in rows if row["locked_until"]}) == 1
    world.clock.pass_(seconds=30)
    assert [(await ask(world, asked, WRONG, asked)).wait for asked in (number, NOBODYS)] == [60, 60]


async def test_who_waits_is_not_told_what_is_right(world: TransferWorld) -> None:
    number = await case(world)
    for _ in range(5):
        await ask(world, number, WRONG)
    world.clock.pass_(seconds=29)
    early = await ask(world, number, RIGHT, "10.0.0.2")
    assert (early.transfer, early.problem, early.wait) == (None, "locked", 1)
    world.clock.pass_(seconds=1)
    seen = await ask(world, number, RIGHT, "10.0.0.2")
    assert seen.transfer is not None and seen.transfer.number == number
    assert [(await ask(world, number, WRONG)).wait for _ in range(4)] == [0] * 4, "who knows it begins anew"


async def test_twenty_at_once_are_twenty(world: TransferWorld) -> None:
    number = await case(world)
    answers = await asyncio.gather(*(ask(world, number, WRONG) for _ in range(20)))
    assert sorted(one.problem for one in answers) == ["locked"] * 15 + ["wrong"] * 5
    assert [one.wait for one in answers if one.problem == "wrong"].count(30) == 1


async def test_an_address_is_counted_over_all_numbers_and_its_own_case_does_not_clear_it(world: TransferWorld) -> None:
    number = await case(world)
    for tried in range(199):
        assert (await ask(world, f"ZX2026{tried:010d}", WRONG)).wait == 0
        if tried % 50 == 0:
            assert (await ask(world, number, RIGHT)).transfer is not None
    assert (await ask(world, "ZX20261111111111", WRONG)).wait == 30
    assert (await ask(world, number, RIGHT)).problem == "locked"
    assert (await ask(world, number, RIGHT, "10.0.0.2")).transfer is not None, "others are not kept from it"


async def test_what_would_count_no_more_is_forgotten(world: TransferWorld) -> None:
    await ask(world, NOBODYS, WRONG)
    world.clock.pass_(hours=24)
    await expiring.forget(world.kit)
    assert len(await world.sql("SELECT 1 FROM tracking_failures")) == 2, "a day later they still count"
    world.clock.pass_(seconds=1)
    assert timedelta(seconds=1) < expiring.FORGOTTEN
    await expiring.forget(world.kit)
    assert await world.sql("SELECT 1 FROM tracking_failures") == []
