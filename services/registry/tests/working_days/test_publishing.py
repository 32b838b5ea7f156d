"""The province publishes, corrects and looks first; every copy hears of it; the registry's own last days follow (24.6.4)."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
import pytest
from holidays_2027 import DAYS, LEADER, NOVEMBER, OFFICER, D, look, publish, with_
from registry.working_days import recounting, watching
from registry.worklist import telling
from registry_world import REGISTRAR, SCHOOL, ZONE, World, actor
from service_kit.bus import Unavailable
from shared_contracts.actors import Role
from shared_contracts.cases import WorkStands
from shared_contracts.decisions import Refused
from shared_contracts.policy import AskPublished
from shared_contracts.working_days import (
    GetWorkingDays,
    ListNotices,
    NoticeSimulation,
    NoticeVersion,
    SimulateWorkingDays,
    WorkingDaysView,
)

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.6.4")]


class Away:
    """The other services do not answer."""

    async def need(self, message: Any, timeout: float = 5.0) -> Any:
        raise Unavailable("away")

    ask = need


async def recount(world: World) -> int:
    batches = 0
    while True:
        async with world.db.unit(world.deps) as work:
            if not await recounting.batch(work):
                return batches
        batches += 1


async def events(world: World, subject: str) -> list[Any]:
    return await world.sql(
        "SELECT convert_from(payload, 'utf8') AS payload FROM outbox WHERE subject = $1 ORDER BY seq", subject
    )


async def test_a_year_before_and_after_its_notice(world: World) -> None:
    world.clock.moment = NOVEMBER
    before = await world.ask(GetWorkingDays(actor=REGISTRAR, year=2027))
    assert isinstance(before, WorkingDaysView)
    assert (before.source, before.provisional, before.version, before.working_days) == ("none", True, 0, 261)
    made = await publish(world)
    assert isinstance(made, NoticeVersion), made
    assert (made.version, made.in_force, made.published_at) == (1, True, NOVEMBER)
    view = await world.ask(GetWorkingDays(actor=REGISTRAR, year=2027))
    assert (view.source, view.provisional, view.version, view.first_day) == ("published", False, 1, D(2026, 11, 11))
    assert (view.holidays, view.worked) == (DAYS.holidays, DAYS.worked)
    assert (await world.ask(GetWorkingDays(actor=REGISTRAR))).source == "release"
    # This copy hears of it at its next look, other services by their question.
    assert world.deps.calendar.is_working_day(D(2027, 2, 8)).provisional
    number = world.deps.policy.calendar_number
    await look(world)
    assert not world.deps.calendar.is_working_day(D(2027, 2, 8)).working
    assert world.deps.policy.calendar_number > number
    published = await world.ask(AskPublished(actor=actor(Role.SYSTEM, "", "transfer"), keys=(), newer_than=0))
    assert published.notices == (DAYS,)
    assert published.calendar == 1


async def test_a_correction_is_a_further_version_and_the_first_stays(world: World) -> None:
    world.clock.moment = NOVEMBER
    assert isinstance(await publish(world), NoticeVersion)
    longer = with_(D(2027, 6, 10), D(2027, 6, 11))
    for replaces in (None, 2):
        no = await publish(world, longer, replaces=replaces)
        assert isinstance(no, Refused) and no.kind == "conflict", no
    second = await publish(world, longer, LEADER, replaces=1)
    assert isinstance(second, NoticeVersion), second
    page = await world.ask(ListNotices(actor=REGISTRAR, year=2027, limit=1))
    assert [(one.version, one.in_force) for one in page.items] == [(2, True)]
    page = await world.ask(ListNotices(actor=REGISTRAR, year=2027, limit=1, cursor=page.next_cursor))
    assert [(one.version, one.in_force, one.days) for one in page.items] == [(1, False, DAYS)]
    assert page.next_cursor is None
    await look(world)
    assert not world.deps.calendar.is_working_day(D(2027, 6, 10)).working
    changed = [row["payload"] for row in await events(world, "evt.registry.working_days_published")]
    assert '"2027-01-01"' in changed[0]
    assert '"2027-06-10"' in changed[1]


@pytest.mark.parametrize(
    "who",
    [REGISTRAR, actor(Role.AUTHORITY_OFFICER, "230102"), actor(Role.LEADER, "230100"), actor(Role.AUDITOR, "230000")],
)
async def test_nobody_else_publishes_or_looks(world: World, who: Any) -> None:
    world.clock.moment = NOVEMBER
    assert isinstance(await publish(world, who=who), Refused)
    assert isinstance(await world.ask(SimulateWorkingDays(actor=who, days=DAYS)), Refused)
    assert await world.sql("SELECT FROM working_day_notices") == []


async def test_what_is_wrong_is_said_all_at_once_and_nothing_is_written(world: World) -> None:
    world.clock.moment = NOVEMBER
    wrong = with_(without=(D(2027, 1, 1),), worked=(D(2027, 5, 7),))
    no = await publish(world, wrong, notice="8号", title=" ")
    assert isinstance(no, Refused)
    assert [one.code.removeprefix("working_days.") for one in no.findings] == [
        "no_number", "no_title", "not_weekend", "not_whole",
    ]  # fmt: skip
    assert await world.sql("SELECT FROM working_day_notices") == []
    assert await events(world, "evt.registry.working_days_published") == []


async def test_two_officers_at_once_publish_one_version(world: World) -> None:
    world.clock.moment = NOVEMBER
    done = await asyncio.gather(publish(world), publish(world, with_(D(2027, 6, 10))))
    assert sorted(type(one).__name__ for one in done) == ["NoticeVersion", "Refused"]
    assert len(await world.sql("SELECT FROM working_day_notices")) == 1


async def test_what_was_published_can_never_be_changed(world: World) -> None:
    world.clock.moment = NOVEMBER
    await publish(world)
    for statement in (
        "UPDATE working_day_notices SET holidays = '{2027-01-01}'",
        "DELETE FROM working_day_notices",
        "UPDATE working_day_years SET id = '2030'",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await world.sql(statement)


async def test_the_registrys_own_last_days_follow(world: World) -> None:
    """A registration, a hearing, an order to rectify and archives that are owed; one that a person has set by date stays."""
    world.clock.moment = datetime(2027, 1, 27, 10, tzinfo=ZONE)
    await world.load(SCHOOL, places=100)
    registration = await world.one()
    for index, days in enumerate((10, None)):
        await world.sql(
            """INSERT INTO inspection_findings (id, school, authority, kind, code, detail, records, source, raised_at, due_on,
                                                clock_from, clock_days)
               VALUES ($1, $2, $3, 'no_record', $1, '', 1, 'system', $4, '2027-02-10', $5, $6)""",
            f"f{index}",
            SCHOOL.code,
            SCHOOL.authority,
            world.clock.now(),
            world.clock.today() if days else None,
            days,
        )
    await world.sql(
        """INSERT INTO duplicate_pairs (id, a, b, agreements, reasons, alike, source, found_at, due_on, clock_from,
                                        clock_days)
           VALUES ('p', $1, 'zz', '{}', '{}', 0, 'report', $2, '2027-02-10', '2027-01-27', 10)""",
        registration,
        world.clock.now(),
    )
    await world.sql(
        """INSERT INTO archive_handovers (id, from_school, to_school, left_on, due_on, clock_from, clock_days, opened_at,
                                         state)
           VALUES ('h', $1, 'other', '2027-01-27', '2027-02-10', '2027-01-27', 10, $2, 'to_hand_over')""",
        SCHOOL.code,
        world.clock.now(),
    )
    await world.sql("DELETE FROM worklist_changes")
    object.__setattr__(world.deps, "bus", Away())
    seen = await world.ask(SimulateWorkingDays(actor=OFFICER, days=DAYS))
    assert isinstance(seen, NoticeSimulation), seen
    assert (seen.findings, seen.open, seen.moved, seen.not_counted) == ((), 4, 4, ("转学", "数据导出"))
    assert {(one.kind, one.authority, one.was, one.becomes, one.count) for one in seen.moves} == {
        (kind, SCHOOL.authority, D(2027, 2, 10), D(2027, 2, 16), 1)
        for kind in ("registration", "finding", "duplicate", "archive_handover")
    }
    assert D(2027, 2, 5) in seen.added and seen.removed == DAYS.worked

    assert isinstance(await publish(world), NoticeVersion)
    assert await recount(world) == 1, "the release's years; the notice is not known here yet"
    await look(world)
    assert await recount(world) > 0

    async def all_days() -> list[date]:
        rows = await world.sql(
            """SELECT due_on FROM cases UNION ALL (SELECT due_on FROM inspection_findings ORDER BY id)
               UNION ALL SELECT due_on FROM duplicate_pairs UNION ALL SELECT due_on FROM archive_handovers"""
        )
        return [row["due_on"] for row in rows]

    moved = [D(2027, 2, 16), D(2027, 2, 16), D(2027, 2, 10), D(2027, 2, 16), D(2027, 2, 16)]
    assert await all_days() == moved
    told = {(row["kind"], row["id"]) for row in await world.sql("SELECT kind, id FROM worklist_changes")}
    assert told == {("registrations", registration), ("finding", "f0"), ("duplicate", "p"), ("archive_handover", "h")}
    # Again, and on another day: nothing moves, nobody is told.
    await world.sql("DELETE FROM worklist_changes")
    for _ in range(3):
        await recount(world)
        world.clock.pass_(days=1)
    assert await all_days() == moved
    assert await world.sql("SELECT FROM worklist_changes") == []


async def ask(world: World) -> bool:
    async with world.db.unit(world.deps) as work:
        return await watching.look(work)


async def lines(world: World) -> int:
    """Lines in the queue of the province, as told last."""
    while await telling.tell_some(world.db, world.deps):
        pass
    rows = await events(world, "evt.registry.work_stands")
    told = [one for row in rows for one in msgspec.json.decode(row["payload"], type=WorkStands).works]
    return len([one for one in told if one.id == "working_days:2027"][-1].lines)


async def test_the_province_is_asked_once_in_december_until_it_has_published(world: World) -> None:
    await world.load(SCHOOL)

    async def asked() -> bool:
        return await ask(world)

    async def line() -> int:
        return await lines(world)

    world.clock.moment = datetime(2026, 11, 30, 23, tzinfo=ZONE)
    assert not await asked()
    world.clock.moment += timedelta(hours=2)
    assert await asked()
    assert not await asked()
    (notice,) = await events(world, "evt.registry.work_waiting")
    assert "2027年的节假日安排还没有发布" in notice["payload"]
    assert await line() == 1
    assert isinstance(await publish(world), NoticeVersion)
    assert await line() == 0
    await look(world)
    assert not await asked()


async def test_a_year_that_nobody_published_is_asked_for_until_it_is_over(world: World) -> None:
    await world.load(SCHOOL)
    world.clock.moment = datetime(2026, 12, 1, 9, tzinfo=ZONE)
    assert await ask(world)
    world.clock.moment = datetime(2027, 12, 31, 23, tzinfo=ZONE)
    assert await ask(world), "the next one, beside it"
    assert await lines(world) == 1
    world.clock.moment += timedelta(hours=1)
    assert not await ask(world)
    assert await lines(world) == 0
    assert await world.sql("SELECT id, state FROM working_day_years ORDER BY id") == [
        ("2027", "passed"), ("2028", "missing"),
    ]  # fmt: skip


async def test_a_new_installation_asks_for_the_year_that_it_begins_in(world: World) -> None:
    """The release does not bring 2027 and nobody has published it here: asked for on any day, once, until it is there."""
    await world.load(SCHOOL)
    world.clock.moment = datetime(2027, 3, 10, 9, tzinfo=ZONE)
    assert await ask(world)
    assert not await ask(world)
    (notice,) = await events(world, "evt.registry.work_waiting")
    assert "2027年的节假日安排还没有发布，办理期限只按" in notice["payload"]
    assert await lines(world) == 1
    assert isinstance(await publish(world), NoticeVersion)
    await look(world)
    assert not await ask(world)
    assert await lines(world) == 0
    assert await world.sql("SELECT id, state FROM working_day_years") == [("2027", "published")]


async def test_a_new_installation_in_december_asks_for_both_years(world: World) -> None:
    await world.load(SCHOOL)
    world.clock.moment = datetime(2027, 12, 1, 9, tzinfo=ZONE)
    assert await ask(world)
    assert not await ask(world)
    assert ["2027年" in row["payload"] for row in await events(world, "evt.registry.work_waiting")] == [True, False]
    assert await world.sql("SELECT id, state FROM working_day_years ORDER BY id") == [
        ("2027", "missing"), ("2028", "missing"),
    ]  # fmt: skip


async def test_a_year_that_is_there_otherwise_is_asked_for_no_more(world: World) -> None:
    """A copy that had not heard of the notice has asked once more; or a release of the program brings the year."""
    await world.load(SCHOOL)
    world.clock.moment = datetime(2026, 12, 1, 9, tzinfo=ZONE)
    assert isinstance(await publish(world), NoticeVersion)
    assert await ask(world)
    assert await lines(world) == 1
    await look(world)
    for _ in range(2):
        assert not await ask(world)
        assert await lines(world) == 0


async def test_what_moves_alike_is_one_line_whenever_it_began(world: World) -> None:
    """Ten working days from a Friday, the Saturday and the Sunday after it end on one day."""
    world.clock.moment = datetime(2027, 1, 25, 10, tzinfo=ZONE)
    await world.load(SCHOOL)
    for since in (D(2027, 1, 22), D(2027, 1, 23), D(2027, 1, 24)):
        await world.sql(
            """INSERT INTO inspection_findings (id, school, authority, kind, code, detail, records, source, raised_at, due_on,
                                                clock_from, clock_days)
               VALUES ($1, $2, $3, 'no_record', $1, '', 1, 'system', $4, '2027-02-05', $5, 10)""",
            str(since),
            SCHOOL.code,
            SCHOOL.authority,
            world.clock.now(),
            since,
        )
    object.__setattr__(world.deps, "bus", Away())
    seen = await world.ask(SimulateWorkingDays(actor=OFFICER, days=DAYS))
    assert isinstance(seen, NoticeSimulation), seen
    assert [(one.kind_title, one.was, one.becomes, one.count) for one in seen.moves] == [
        ("责令改正", D(2027, 2, 5), D(2027, 2, 4), 3)
    ]
    assert (seen.open, seen.moved) == (3, 3)
