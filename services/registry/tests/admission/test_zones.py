"""Setting zones: dated, by the supervising authority, all or none; and who serves an address on a day."""

from __future__ import annotations

from datetime import date

import pytest
from admission_world import COUNTY, FAR_SCHOOL, OFFICER, OTHER_OFFICER, OTHER_SCHOOL, PRIVATE, REGISTRAR, SCHOOL
from registry_world import codes
from shared_contracts.admission import EndZone, FindZone, GetZone, ListZones
from shared_contracts.decisions import Refused

pytestmark = [pytest.mark.integration, pytest.mark.clause("5.2")]


async def serves(world, address, on=None):
    found = await world.ask(FindZone(actor=REGISTRAR, division=COUNTY, address=address, stage="primary", on=on))
    return [(one.school, one.street) for one in found.items]


async def test_a_dry_run_says_what_would_be_and_sets_nothing(world):
    seen = await world.zones((SCHOOL, ["友谊路"]), (OTHER_SCHOOL, ["友谊路", "一路"]), dry_run=True)
    assert (seen.done, seen.changed, seen.unchanged) == (False, 2, 0)
    assert [(o.street, o.schools) for o in seen.overlaps] == [("友谊路", (SCHOOL.code, OTHER_SCHOOL.code))]
    assert await world.sql("SELECT 1 FROM attendance_zones") == []


async def test_a_new_version_holds_from_its_day_and_the_old_one_before(world):
    await world.zones((SCHOOL, ["友谊路"]))
    same = await world.zones((SCHOOL, ["友谊路"]), on=date(2026, 7, 25))
    assert (same.changed, same.unchanged) == (0, 1)
    await world.zones((SCHOOL, ["一路"]), on=date(2026, 8, 1))
    await world.zones((SCHOOL, ["二路"]), on=date(2026, 8, 1))  # what is to come may be set anew
    assert await serves(world, "友谊路3号", date(2026, 7, 31)) == [(SCHOOL.code, "友谊路")]
    assert await serves(world, "友谊路3号", date(2026, 8, 1)) == []
    assert await serves(world, "二路3号", date(2026, 8, 1)) == [(SCHOOL.code, "二路")]
    history = (await world.ask(GetZone(actor=OFFICER, school=SCHOOL.code, stage="primary"))).items
    assert [(z.valid_from, z.valid_to, z.areas[0].streets) for z in history] == [
        (date(2026, 7, 1), date(2026, 8, 1), ("友谊路",)),
        (date(2026, 8, 1), None, ("二路",)),
    ]
    assert codes(await world.zones((SCHOOL, ["三路"]), on=date(2026, 7, 31))) == ["zone.too_early"]
    world.on(date(2026, 9, 1))
    assert codes(await world.zones((SCHOOL, ["三路"]), on=date(2026, 8, 31))) == ["zone.past"]


async def test_one_wrong_zone_and_none_is_set(world):
    wrong = await world.zones((SCHOOL, ["友谊路"]), (PRIVATE, ["一路"]))
    assert codes(wrong) == ["zone.private"]
    assert (await world.zones((SCHOOL, ["友谊路"]), (FAR_SCHOOL, ["一路"]))).kind == "not_found"
    assert (await world.zones((SCHOOL, ["友谊路"]), actor=OTHER_OFFICER)).kind == "not_found"
    assert (await world.zones((SCHOOL, ["友谊路"]), actor=REGISTRAR)).kind == "forbidden"
    assert (await world.zones((SCHOOL, ["友谊路"]), (SCHOOL, ["一路"]))).kind == "invalid"
    assert await world.sql("SELECT 1 FROM attendance_zones") == []


async def test_a_zone_that_ends_serves_nobody_from_that_day(world):
    await world.zones((SCHOOL, ["友谊路"]))

    def end(on, version=None):
        return world.do(
            EndZone(
                command_id=world.id(), actor=OFFICER, school=SCHOOL.code, stage="primary", on=on, reason="并校",
                version=version,
            )
        )  # fmt: skip

    assert (await end(date(2026, 8, 1), version=9)).kind == "conflict"
    assert codes(await end(date(2026, 7, 19))) == ["zone.past"]
    ended = await end(date(2026, 8, 1), version=1)
    assert (ended.valid_to, ended.version) == (date(2026, 8, 1), 2)
    assert await serves(world, "友谊路3号", date(2026, 7, 31)) != []
    assert await serves(world, "友谊路3号", date(2026, 8, 1)) == []
    assert (await end(date(2026, 9, 1))).kind == "not_found"
    page = await world.ask(ListZones(actor=REGISTRAR, division=COUNTY, on=date(2026, 8, 1)))
    assert page.items == ()
    again = await world.zones((SCHOOL, ["一路"]), on=date(2026, 9, 1))
    assert not isinstance(again, Refused) and again.changed == 1


async def test_zones_are_listed_page_by_page(world):
    await world.zones((SCHOOL, ["友谊路"]), (OTHER_SCHOOL, ["一路"]))
    first = await world.ask(ListZones(actor=REGISTRAR, limit=1))
    assert [zone.school for zone in first.items] == [SCHOOL.code]
    second = await world.ask(ListZones(actor=REGISTRAR, limit=1, cursor=first.next_cursor))
    assert ([zone.school for zone in second.items], second.next_cursor) == ([OTHER_SCHOOL.code], None)
    wrong = await world.ask(FindZone(actor=REGISTRAR, division="230100", address="一路", stage="primary"))
    assert wrong.kind == "invalid"
