"""Publishing within the bounds of the authority above, from tomorrow on; taking back; what decisions name (clause 49)."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from policy_desk import (
    COUNTY,
    COUNTY_LEADER,
    HARBIN,
    NEIGHBOUR,
    PROVINCE_OFFICER,
    TOMORROW,
    local_world,
    officer,
    publish,
)
from registry.policy_values import live, policy
from registry_world import OFFICER, REGISTRAR, SCHOOL, TODAY, ZONE, World, codes
from regulation.parameters import PolicyBook, province_parameters
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.policy import ListPolicyValues, PolicyChanged, PolicyValue, WithdrawValue
from shared_contracts.waiting import WorkWaiting

pytestmark = pytest.mark.integration


def at(hour: int, minute: int, second: int = 0) -> datetime:
    return datetime(2026, 9, 10, hour, minute, second, tzinfo=ZONE)


@pytest.mark.clause("49")
@pytest.mark.parametrize(
    ("now", "first"),
    [
        (at(0, 0), date(2026, 9, 11)),
        (at(23, 49, 59), date(2026, 9, 11)),
        (at(23, 50), date(2026, 9, 12)),
        (at(23, 59, 59), date(2026, 9, 12)),
    ],
)
def test_a_value_holds_from_tomorrow_at_the_earliest(now: datetime, first: date) -> None:
    assert policy.first_day(now) == first
    assert policy.day_fault(first, now) is None
    fault = policy.day_fault(first - timedelta(days=1), now)
    assert fault is not None
    assert (fault.code, fault.clause) == ("policy.too_early", "49")
    assert policy.ending_fault(first, now, "撤回") is None
    assert policy.ending_fault(first - timedelta(days=1), now, "撤回") is not None


@pytest.mark.clause("49")
def test_a_value_far_ahead_is_a_slip_of_the_hand() -> None:
    now = at(10, 0)
    assert policy.day_fault(date(2029, 12, 31), now) is None
    fault = policy.day_fault(date(2030, 1, 1), now)
    assert fault is not None
    assert fault.code == "policy.too_far"


@pytest.mark.clause("11", "49")
async def test_a_county_publishes_and_it_holds_from_its_day_on(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    assert isinstance(value, PolicyValue)
    assert (value.division, value.value, value.valid_from, value.standing, value.filing) == (
        COUNTY,
        40,
        TOMORROW,
        "future",
        "waiting",
    )
    await local_world(world)
    before, after = (world.deps.policy.parameters(COUNTY, day) for day in (TODAY, TOMORROW))
    assert (before.class_size_primary, after.class_size_primary) == (45, 40)
    assert before.version == "230000@2006-09-01"
    assert after.version == f"230000@2006-09-01 {COUNTY}@{TOMORROW}"
    assert world.deps.policy.parameters(NEIGHBOUR, TOMORROW).class_size_primary == 45
    (event,) = await world.events(PolicyChanged)
    assert (event.value_id, event.division, event.valid_from, event.act) == (value.id, COUNTY, TOMORROW, "published")
    (told,) = await world.events(WorkWaiting)
    assert (told.organisation, told.role, told.kind) == ("230000", Role.AUTHORITY_OFFICER, "policy_filed")


@pytest.mark.clause("49")
async def test_every_decision_names_the_local_version(world: World) -> None:
    """A registration that is entered on the first day names the county's value in its decision."""
    await world.load(SCHOOL)
    await publish(world, COUNTY_LEADER, value=40)
    await local_world(world)
    today = await world.one()
    world.clock.pass_(days=1)
    tomorrow = await world.one()
    said = [(await world.get(one)).decision.policy_version for one in (today, tomorrow)]
    assert said == ["230000@2006-09-01", f"230000@2006-09-01 {COUNTY}@{TOMORROW}"]


@pytest.mark.clause("11", "49")
@pytest.mark.parametrize(("value", "fits"), [(0, False), (1, True), (45, True), (46, False)])
async def test_both_ends_of_the_bounds(world: World, value: int, fits: bool) -> None:
    if value == 45:
        await publish(world, COUNTY_LEADER, value=44)
    reply = await publish(world, COUNTY_LEADER, value=value, valid_from=TOMORROW + timedelta(days=1))
    assert isinstance(reply, PolicyValue) is fits, reply
    if not fits:
        assert codes(reply) == ["policy.outside_bounds"]
        (found,) = reply.findings
        assert found.clause == "49"
        assert "黑龙江省" in found.message
        assert "1至45人" in found.message
        assert found.facts == {"low": 1, "high": 45, "bounds_of": "230000", "value": value}
        assert found.fields == ("value", "low", "high")


@pytest.mark.clause("49")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"key": "disabled_last_age", "value": 18}, "policy.not_yours"),
        ({"value": "40"}, "policy.no_sense"),
        ({"key": "enrolment_from", "value": "7月1日"}, "policy.no_sense"),
        ({"key": "enrolment_from", "value": "06-30"}, "policy.outside_bounds"),
        ({"low": 41, "high": 45}, "policy.no_sense"),
        ({"low": 1, "high": 46}, "policy.outside_bounds"),
        ({"valid_from": TODAY}, "policy.too_early"),
        ({"valid_from": date(2031, 1, 1)}, "policy.too_far"),
        ({"basis": " "}, "policy.no_basis"),
        ({"basis": "文\n号"}, "policy.no_basis"),
        ({"basis": "文" * 201}, "policy.no_basis"),
    ],
)
async def test_each_wrong_field_is_named_with_its_cure(world: World, changes: dict[str, Any], code: str) -> None:
    reply = await publish(world, COUNTY_LEADER, **changes)
    assert codes(reply) == [code]
    (found,) = reply.findings
    assert found.clause == "49"
    assert found.cure
    assert found.fields
    assert await world.sql("SELECT 1 FROM policy_values UNION ALL SELECT 1 FROM policy_filings") == []
    assert (await world.sql("SELECT version FROM policy_book"))[0]["version"] == 0


async def test_a_parameter_that_there_is_not(world: World) -> None:
    reply = await publish(world, COUNTY_LEADER, key="no_such")
    assert isinstance(reply, Refused)
    assert (reply.kind, "no_such" in reply.detail) == ("invalid", True)


@pytest.mark.clause("3.1", "49")
@pytest.mark.parametrize("who", [REGISTRAR, officer("230102", Role.AUDITOR), officer("230102", Role.ACCOUNT_ADMIN)])
async def test_only_officers_and_leaders_of_an_authority_publish(world: World, who: Any) -> None:
    reply = await publish(world, who)
    assert isinstance(reply, Refused)
    assert reply.kind == "forbidden"


@pytest.mark.clause("49")
async def test_what_says_nothing_new_is_not_published(world: World) -> None:
    assert codes(await publish(world, PROVINCE_OFFICER, value=45, low=1, high=45)) == ["policy.unchanged"]
    assert isinstance(await publish(world, COUNTY_LEADER, value=45), PolicyValue), "what holds now may be pinned down"
    again = await publish(world, COUNTY_LEADER, value=45, valid_from=TOMORROW + timedelta(days=5))
    assert codes(again) == ["policy.unchanged"]


async def test_one_value_a_day(world: World) -> None:
    await publish(world, COUNTY_LEADER, value=40)
    reply = await publish(world, COUNTY_LEADER, value=41)
    assert isinstance(reply, Refused)
    assert reply.kind == "conflict"
    assert isinstance(await publish(world, officer(NEIGHBOUR), value=41), PolicyValue)


@pytest.mark.clause("49")
async def test_a_city_binds_its_counties(world: World) -> None:
    assert isinstance(await publish(world, officer(HARBIN), value=44, low=40, high=44), PolicyValue)
    low, high = [await publish(world, COUNTY_LEADER, value=value) for value in (39, 45)]
    assert codes(low) == codes(high) == ["policy.outside_bounds"]
    assert "哈尔滨市" in low.findings[0].message
    assert "40至44人" in low.findings[0].message
    assert isinstance(await publish(world, COUNTY_LEADER, value=40), PolicyValue)
    assert isinstance(await publish(world, officer("230202"), value=39), PolicyValue), "another city's county"


@pytest.mark.clause("49")
async def test_narrower_bounds_from_above_do_not_outlaw_what_is_published(world: World) -> None:
    await publish(world, COUNTY_LEADER, value=40)
    await publish(world, officer(NEIGHBOUR), value=44)
    later = TOMORROW + timedelta(days=30)
    reply = await publish(world, officer(HARBIN), value=44, low=43, high=45, valid_from=later)
    assert codes(reply) == ["policy.outlaws_lower"]
    (found,) = reply.findings
    assert found.facts["division"] == COUNTY
    assert found.facts["wrong_from"] == later.isoformat()
    assert "商定" in (found.cure or "")
    # The county follows by that day, and then the city may.
    await publish(world, COUNTY_LEADER, value=43, valid_from=later)
    assert isinstance(await publish(world, officer(HARBIN), value=44, low=43, high=45, valid_from=later), PolicyValue)


@pytest.mark.clause("49")
async def test_the_province_publishes_a_successor_and_everybody_below_hears(world: World) -> None:
    value = await publish(world, PROVINCE_OFFICER, value=42, low=1, high=42)
    assert (value.filing, value.division) == (None, "230000")
    told = [event.organisation for event in await world.events(WorkWaiting)]
    assert {HARBIN, COUNTY, "230202"} <= set(told)
    assert len(told) == len(set(told)) > 130
    await local_world(world)
    assert world.deps.policy.parameters(COUNTY, TOMORROW).class_size_primary == 42


@pytest.mark.clause("4.1")
async def test_days_stay_in_order_whoever_moves_them(world: World) -> None:
    reply = await publish(world, PROVINCE_OFFICER, key="promotion_from", value="08-11")
    assert codes(reply) == ["policy.no_sense"]
    assert "晚于" in reply.findings[0].message
    assert isinstance(await publish(world, PROVINCE_OFFICER, key="promotion_to", value="08-20"), PolicyValue)
    assert isinstance(await publish(world, PROVINCE_OFFICER, key="promotion_from", value="08-11"), PolicyValue)


@pytest.mark.clause("49")
async def test_a_value_is_taken_back_before_it_takes_effect_never_after(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    withdrawal = {"value_id": value.id, "reason": "文号有误"}
    for who in (officer(NEIGHBOUR), PROVINCE_OFFICER, officer(HARBIN)):
        reply = await world.do(WithdrawValue(command_id=world.id(), actor=who, **withdrawal))
        assert isinstance(reply, Refused)
        assert reply.kind == "not_found"
    for reason in ("", " ", "一\n二"):
        reply = await world.do(WithdrawValue(command_id=world.id(), actor=OFFICER, value_id=value.id, reason=reason))
        assert codes(reply) == ["policy.no_reason"]
    gone = await world.do(WithdrawValue(command_id=world.id(), actor=OFFICER, **withdrawal))
    assert (gone.standing, gone.filing, gone.end_reason) == ("withdrawn", "withdrawn", "文号有误")
    assert [event.act for event in await world.events(PolicyChanged)] == ["published", "withdrawn"]
    await local_world(world)
    assert world.deps.policy.parameters(COUNTY, TOMORROW).class_size_primary == 45
    again = await world.do(WithdrawValue(command_id=world.id(), actor=OFFICER, **withdrawal))
    assert isinstance(again, Refused)
    assert again.kind == "conflict"

    second = await publish(world, COUNTY_LEADER, value=40)
    world.clock.pass_(hours=13, minutes=50)  # 23:50 of the day before
    late = await world.do(WithdrawValue(command_id=world.id(), actor=OFFICER, value_id=second.id, reason="文号有误"))
    assert codes(late) == ["policy.in_force"]


@pytest.mark.clause("49")
async def test_bounds_that_others_lean_on_are_not_taken_back(world: World) -> None:
    """The city had narrowed and widens again; the county has used it: the widening cannot vanish under it."""
    await publish(world, officer(HARBIN), value=44, low=43, high=45)
    wide = await publish(world, officer(HARBIN), value=44, low=30, high=45, valid_from=TOMORROW + timedelta(days=1))
    assert isinstance(wide, PolicyValue)
    below = await publish(world, COUNTY_LEADER, value=31, valid_from=TOMORROW + timedelta(days=2))
    assert isinstance(below, PolicyValue)
    reply = await world.do(
        WithdrawValue(command_id=world.id(), actor=officer(HARBIN), value_id=wide.id, reason="文号有误")
    )
    assert codes(reply) == ["policy.outlaws_lower"]
    assert COUNTY in reply.findings[0].message


@pytest.mark.clause("49")
async def test_versions_are_kept_for_ever_and_never_changed(world: World) -> None:
    value = await publish(world, COUNTY_LEADER, value=40)
    for statement in (
        "DELETE FROM policy_values",
        "UPDATE policy_values SET value = '1'",
        "UPDATE policy_values SET valid_from = '2020-01-01'",
        "DELETE FROM policy_filings",
        "UPDATE policy_filings SET filed_at = now()",
        "DELETE FROM policy_book",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.sql(statement)
    await world.do(WithdrawValue(command_id=world.id(), actor=OFFICER, value_id=value.id, reason="文号有误"))
    page = await world.ask(ListPolicyValues(actor=REGISTRAR))
    assert [(v.value, v.standing) for v in page.items] == [(40, "withdrawn")]


async def test_history_pages_from_new_to_old(world: World) -> None:
    for n in range(5):
        await publish(world, COUNTY_LEADER, value=40 - n, valid_from=TOMORROW + timedelta(days=n))
        world.clock.pass_(seconds=1)
    await publish(world, officer(NEIGHBOUR), key="class_size_junior", value=40)
    seen: list[Any] = []
    cursor = None
    while True:
        page = await world.ask(ListPolicyValues(actor=REGISTRAR, division=COUNTY, cursor=cursor, limit=2))
        seen += [value.value for value in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [36, 37, 38, 39, 40]
    assert [
        v.division for v in (await world.ask(ListPolicyValues(actor=REGISTRAR, key="class_size_junior"))).items
    ] == [NEIGHBOUR]
    for wrong in ("x", "", "WyIyMDI2IiwieCJd", "WyJub3ciLCJ4Il0"):
        reply = await world.ask(ListPolicyValues(actor=REGISTRAR, cursor=wrong))
        assert isinstance(reply, Refused), wrong
        assert reply.kind == "invalid"
    world.clock.pass_(days=3)
    page = await world.ask(ListPolicyValues(actor=REGISTRAR, division=COUNTY))
    assert [value.standing for value in page.items] == ["future", "future", "in_force", "replaced", "replaced"]


@pytest.mark.clause("49")
async def test_two_officers_at_once_cannot_break_a_bound_together(world: World) -> None:
    """The city narrows while a county publishes what would be outside: one of them is refused, whoever comes first."""
    for n in range(6):
        day = TOMORROW + timedelta(days=10 * n)
        city, county = await asyncio.gather(
            publish(world, officer(HARBIN), value=44 - n % 2, low=42, high=45, valid_from=day),
            publish(world, COUNTY_LEADER, value=30 + n, valid_from=day),
        )
        done = [isinstance(reply, PolicyValue) for reply in (city, county)]
        assert sum(done) >= 1
        async with world.db.transaction() as tx:
            _, faults = PolicyBook.examine(province_parameters(), await live.local_values(tx))
        assert faults == ()


async def test_the_same_value_twice_at_once_is_one(world: World) -> None:
    replies = await asyncio.gather(*(publish(world, COUNTY_LEADER, value=40 + n) for n in range(4)))
    assert sorted(isinstance(reply, PolicyValue) for reply in replies) == [False, False, False, True]
    assert len(await world.sql("SELECT 1 FROM policy_values")) == 1


ACTS = st.lists(
    st.tuples(
        st.sampled_from(["230000", HARBIN, COUNTY, NEIGHBOUR, "230202"]),
        st.integers(38, 47),
        st.one_of(st.none(), st.tuples(st.integers(36, 42), st.integers(40, 47))),
        st.integers(0, 4),
        st.booleans(),
    ),
    min_size=1,
    max_size=12,
)


@pytest.mark.clause("49")
async def test_no_published_value_is_ever_outside_the_bounds_above(world: World) -> None:
    """Any series of publications and withdrawals: what is there lies within all bounds above it, on every day."""

    async def try_(acts: list[tuple[str, int, tuple[int, int] | None, int, bool]]) -> None:
        for division, value, bounds, day, back in acts:
            low, high = bounds or (None, None)
            reply = await publish(
                world,
                officer(division),
                value=value,
                low=low,
                high=high,
                valid_from=TOMORROW + timedelta(days=day),
            )
            assert isinstance(reply, PolicyValue | Refused)
            if back and isinstance(reply, PolicyValue):
                await world.do(
                    WithdrawValue(command_id=world.id(), actor=officer(division), value_id=reply.id, reason="试验")
                )
            async with world.db.transaction() as tx:
                held = await live.local_values(tx)
            assert PolicyBook.examine(province_parameters(), held)[1] == ()

    loop = asyncio.get_running_loop()

    @settings(max_examples=12, deadline=None)
    @given(ACTS)
    def all_of(acts: Any) -> None:
        asyncio.run_coroutine_threadsafe(try_(acts), loop).result(60)

    await asyncio.to_thread(all_of)
