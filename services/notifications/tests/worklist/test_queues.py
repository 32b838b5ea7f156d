"""What stands in whose queues, and when it leaves."""

from __future__ import annotations

import itertools
import random
from datetime import date
from typing import Any

import pytest
from notifications.app import SERVICE
from shared_contracts.actors import Actor, Role
from shared_contracts.cases import CaseStands, Work
from shared_contracts.decisions import Refused
from shared_contracts.exports import ExportsStand
from shared_contracts.transfer import TransfersStand
from shared_contracts.worklist import CountWork, ListWork, Queue
from worklist_desk import CITY, CITY_OFFICER, COUNTY, LEADER, OFFICER, SCHOOL, WorklistDesk, actor, case

pytestmark = pytest.mark.integration
REGISTRAR = actor(Role.REGISTRAR, SCHOOL)


async def test_who_may_act_sees_it_and_nobody_else(desk: WorklistDesk) -> None:
    await desk.tell(case("1"), case("2", not_accounts=(OFFICER.account,)))
    assert await desk.ids(OFFICER) == ["1"]
    assert await desk.ids(actor(Role.AUTHORITY_OFFICER, COUNTY, "another")) == ["1", "2"]
    for other in (LEADER, REGISTRAR, CITY_OFFICER, actor(Role.AUTHORITY_OFFICER, "230103")):
        assert await desk.ids(other) == []
    nobody = Actor(account="x", name="", organisation=COUNTY, roles=(), withheld=(Role.AUTHORITY_OFFICER,))
    assert await desk.ids(nobody) == []


async def test_it_leaves_when_it_goes_on_or_ends(desk: WorklistDesk) -> None:
    await desk.tell(case("1"), case("2"))
    await desk.tell(case("1", 1, organisation=SCHOOL, roles=(Role.PRINCIPAL,)))
    await desk.tell(case("2", 1, status="approved", step=None, organisation=None, roles=(), due_on=None))
    assert await desk.ids(OFFICER) == []
    assert await desk.ids(actor(Role.PRINCIPAL, SCHOOL)) == ["1"]
    assert [row["id"] for row in await desk.sql("SELECT id FROM tasks")] == ["1"]


async def test_neither_order_nor_repeats_matter(desk: WorklistDesk) -> None:
    told = [
        case("1"),
        case("1", 1, status="returned", step="resubmit", organisation=SCHOOL, roles=(Role.REGISTRAR,), due_on=None),
        case("1", 2, due_on=date(2026, 9, 30)),
        case("1", 3, status="rejected", step=None, organisation=None, roles=(), due_on=None),
    ]
    for order in itertools.permutations(range(len(told))):
        for place in order:
            await desk.tell(told[place])
        await desk.tell(*(told[place] for place in order))
        assert await desk.sql("SELECT id FROM tasks") == []
        await desk.sql("UPDATE works SET version = -1")  # as if nothing had been told


@pytest.mark.parametrize(
    ("changes", "today", "queue"),
    [
        ({}, date(2026, 9, 24), Queue.REVIEW),  # its last day
        ({}, date(2026, 9, 25), Queue.OVERDUE),
        ({"due_on": None}, date(2026, 12, 25), Queue.REVIEW),
        ({"status": "returned"}, date(2026, 9, 24), Queue.RETURNED),
        ({"status": "returned"}, date(2026, 9, 25), Queue.RETURNED),
    ],
)
async def test_a_row_is_in_one_queue(desk: WorklistDesk, changes: dict[str, Any], today: date, queue: Queue) -> None:
    await desk.tell(case("1", **changes))
    desk.clock.go_to(today)
    assert [row.queue for row in await desk.rows(OFFICER)] == [queue]
    for one in Queue:
        assert await desk.ids(OFFICER, queue=one) == (["1"] if one is queue else [])
    assert await desk.counts(OFFICER) == {queue: 1}


@pytest.mark.clause("24.6.4")
async def test_what_is_overdue_below_is_seen_above(desk: WorklistDesk) -> None:
    await desk.tell(case("1"), case("2", due_on=date(2026, 9, 30)), case("3", superior="230200"))
    desk.clock.go_to(date(2026, 9, 28))
    assert [(row.id, row.queue) for row in await desk.rows(CITY_OFFICER)] == [("1", Queue.SUPERVISE)]
    assert [row.organisation_name for row in await desk.rows(CITY_OFFICER)] == ["哈尔滨市道里区教育行政部门"]
    assert await desk.ids(actor(Role.LEADER, CITY)) == ["1"]
    for other in (actor(Role.AUDITOR, CITY), actor(Role.AUTHORITY_OFFICER, "230000")):
        assert await desk.ids(other) == []
    await desk.tell(case("1", 1, status="approved", step=None, organisation=None, roles=(), due_on=None))
    assert await desk.ids(CITY_OFFICER) == []


@pytest.mark.clause("15.1")
async def test_a_class_teacher_sees_the_own_classes(desk: WorklistDesk) -> None:
    lines = tuple(
        case(
            f"r:{grade}-{number}",
            organisation=SCHOOL,
            roles=(Role.CLASS_TEACHER,),
            classes=(str(grade), f"{grade}-{number:02d}"),
            count=40 + number,
        )
        for grade, number in ((1, 1), (1, 2), (2, 1))
    )
    await desk.tell(Work(id="r", version=1, lines=lines))
    teacher = Role.CLASS_TEACHER
    assert await desk.ids(actor(teacher, SCHOOL, classes=("1",))) == ["r:1-1", "r:1-2"]
    assert await desk.ids(actor(teacher, SCHOOL, classes=("1-02", "2-01"))) == ["r:1-2", "r:2-1"]
    assert await desk.ids(actor(teacher, SCHOOL, classes=("2-02",))) == []
    assert await desk.ids(actor(teacher, SCHOOL)) == []
    counted = (await desk.ask(CountWork(actor=actor(teacher, SCHOOL, classes=("1",))))).items
    assert [(one.rows, one.count) for one in counted] == [(2, 83)]


async def test_a_work_is_told_whole(desk: WorklistDesk) -> None:
    """What is not among its lines any more is done; a line that is told again has stood so since it was told first."""
    first = case("r:a", organisation=SCHOOL, roles=(Role.REGISTRAR,), count=30)
    await desk.tell(Work(id="r", version=1, lines=(first, case("r:b", organisation=SCHOOL, roles=(Role.REGISTRAR,)))))
    later = case("r:a", organisation=SCHOOL, roles=(Role.REGISTRAR,), count=20, since=desk.clock.now())
    await desk.tell(Work(id="r", version=2, lines=(later,)))
    (row,) = await desk.rows(REGISTRAR)
    assert (row.id, row.count, row.since) == ("r:a", 20, first.since)
    await desk.tell(Work(id="r", version=3, lines=()))
    assert await desk.rows(REGISTRAR) == []


async def test_pages_follow_each_other_by_last_day(desk: WorklistDesk) -> None:
    shuffled = [case(f"{n:03d}", due_on=date(2026, 9, 11 + n % 7) if n % 5 else None) for n in range(60)]
    random.Random(3).shuffle(shuffled)
    await desk.tell(*shuffled)
    rows = await desk.rows(OFFICER, limit=7)
    assert len(rows) == len({row.id for row in rows}) == 60
    assert [(row.due_on or date.max, row.id) for row in rows] == sorted(
        (row.due_on or date.max, row.id) for row in rows
    )


async def test_filters(desk: WorklistDesk) -> None:
    await desk.tell(
        case("1", due_on=date(2026, 9, 11)),
        case("2", due_on=date(2026, 9, 15)),
        case(
            "3", due_on=None, kind="correction", kind_title="关键信息更正", number="", subject="测试小学：关键信息更正"
        ),
    )
    assert await desk.ids(OFFICER, kind="correction") == ["3"]
    assert await desk.ids(OFFICER, due_within=1) == ["1"]
    assert await desk.ids(OFFICER, due_within=2) == ["1"]
    assert await desk.ids(OFFICER, due_within=3) == ["1", "2"]
    assert await desk.ids(OFFICER, text="ZX20262") == ["2"]
    assert await desk.ids(OFFICER, text="更正") == ["3"]
    assert await desk.ids(OFFICER, text="%") == []
    counted = {(one.kind, one.rows, one.soon) for one in (await desk.ask(CountWork(actor=OFFICER))).items}
    assert counted == {("transfer", 2, 2), ("correction", 1, 0)}


async def test_what_one_account_alone_may_do_is_in_no_other_queue(desk: WorklistDesk) -> None:
    """An export that came back is corrected by whoever asked for it."""
    back = case("export:1", status="returned", step="resubmit", due_on=None, only_accounts=(OFFICER.account,))
    async with desk.db.unit(desk.deps) as work:
        await SERVICE.events[ExportsStand](work, ExportsStand(cases=(back,)))
    assert await desk.ids(OFFICER) == ["export:1"]
    assert await desk.ids(actor(Role.AUTHORITY_OFFICER, COUNTY, "another")) == []


async def test_a_transfer_is_told_by_itself(desk: WorklistDesk) -> None:
    """Also one that everybody has approved and that could not be carried out: somebody has to look at it."""

    async def tell(*cases: CaseStands) -> None:
        async with desk.db.unit(desk.deps) as work:
            await SERVICE.events[TransfersStand](work, TransfersStand(cases=cases))

    await tell(case("1"), case("1", 2, status="approved", step="attention", due_on=None), case("1", 1))
    assert [(row.id, row.step, row.queue) for row in await desk.rows(OFFICER)] == [("1", "attention", Queue.REVIEW)]
    await tell(case("1", 3, status="approved", step=None, organisation=None, roles=(), due_on=None))
    assert await desk.rows(OFFICER) == []


@pytest.mark.parametrize(
    "wrong",
    [{"cursor": "x"}, {"cursor": "WyJub3QiLCAiYSJd"}, {"text": "字" * 61}, {"due_within": -1}, {"due_within": 251}],
)
async def test_what_is_asked_wrongly_is_said(desk: WorklistDesk, wrong: dict[str, Any]) -> None:
    reply = await desk.ask(ListWork(actor=OFFICER, **wrong))
    assert isinstance(reply, Refused) and reply.kind == "invalid" and reply.detail
