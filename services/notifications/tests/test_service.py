"""The service on a real NATS and PostgreSQL: events become notices, once; accounts read their own."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio
from kit_patience import HANGS, PatientBus
from nats.aio.client import Client
from notifications.app import SERVICE
from notifications.notices import store
from notifications.notices.policy import Draft
from service_kit import settings
from service_kit.clock import ZONE, Clock
from service_kit.codec import encode
from service_kit.database import Database
from service_kit.ids import new_id
from shared_contracts.access import AlertRaised
from shared_contracts.actors import Actor, Role
from shared_contracts.appointments import AppointmentsChanged
from shared_contracts.decisions import Refused
from shared_contracts.identity import Verification
from shared_contracts.messages import Event, Ok, subject
from shared_contracts.notifications import ListNotices, MarkRead, Notice, NoticePage
from shared_contracts.registry import (
    CorrectionsNeeded,
    RegistrationState,
    RosterChecked,
    RosterCompleted,
    RowTotals,
    Step,
    StepReached,
)
from shared_contracts.waiting import WorkWaiting

pytestmark = pytest.mark.integration
SCHOOL, AUTHORITY = "2301000001", "230102"


def actor(role: Role, organisation: str = SCHOOL, account: str = "a") -> Actor:
    return Actor(account=account, name="", organisation=organisation, roles=(role,))


REGISTRAR, TEACHER = actor(Role.REGISTRAR), actor(Role.CLASS_TEACHER)
OFFICER = actor(Role.AUTHORITY_OFFICER, AUTHORITY)


def reached(count: int, step: Step = Step.CLASS_TEACHER, roster_id: str | None = "r1") -> StepReached:
    return StepReached(
        school=SCHOOL,
        school_name="第一小学",
        authority=AUTHORITY,
        roster_id=roster_id,
        state=RegistrationState.ENTERED,
        waits_for=step,
        role=None,
        count=count,
    )


@dataclass
class Running:
    """The service under test. `publish` as the registry's relay does, `bus` as the gateway asks."""

    nats: Client
    bus: PatientBus
    environment: dict[str, str]
    ids: list[str] = field(default_factory=list)

    async def publish(self, event: Event, event_id: str | None = None) -> str:
        event_id = event_id or new_id()
        await self.nats.jetstream().publish(subject(event), encode(event), headers={"ce-id": event_id}, timeout=HANGS)
        return event_id

    async def page(self, who: Actor, **query: Any) -> NoticePage:
        reply = await self.bus.ask(ListNotices(actor=who, **query))
        assert isinstance(reply, NoticePage), reply
        return reply

    async def wait(self, who: Actor, until: Callable[[NoticePage], bool]) -> NoticePage:
        async with asyncio.timeout(HANGS):
            while not until(page := await self.page(who)):
                await asyncio.sleep(0.05)
        return page

    async def read(self, who: Actor, *notices: Notice) -> Any:
        ids = tuple(notice.id for notice in notices)
        return await self.bus.ask(MarkRead(command_id=new_id(), actor=who, notice_ids=ids))


ServiceEnv = Callable[..., Awaitable[dict[str, str]]]


@pytest_asyncio.fixture
async def running(service_env: ServiceEnv, nats_admin: Client) -> AsyncIterator[Running]:
    environment = await service_env("notifications")
    async with serving(environment):
        yield Running(nats_admin, PatientBus(nats_admin), environment)


@contextlib.asynccontextmanager
async def serving(environment: dict[str, str]) -> AsyncIterator[None]:
    stop, started = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(SERVICE.serve(settings.load(environment), stop, started))
    waiting = asyncio.create_task(started.wait())
    await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    try:
        yield
    finally:
        stop.set()
        await task


async def test_the_next_role_is_told_and_nobody_else(running: Running) -> None:
    await running.publish(reached(30))
    await running.publish(reached(12, Step.AUTHORITY))
    teacher = await running.wait(TEACHER, lambda page: len(page.items) == 1)
    officer = await running.wait(OFFICER, lambda page: len(page.items) == 1)
    assert teacher.items[0].title == "待办：班主任审核"
    assert "第一小学 12 名学生" in officer.items[0].body
    assert (teacher.unread, officer.unread) == (1, 1)
    for other in (REGISTRAR, actor(Role.CLASS_TEACHER, "2301000002"), actor(Role.AUTHORITY_OFFICER, "230103")):
        assert (await running.page(other)).items == ()


async def test_portions_become_one_notice_with_their_sum(running: Running) -> None:
    for count in (500, 500, 20):
        await running.publish(reached(count))
    await running.publish(reached(7, roster_id="r2"))
    page = await running.wait(TEACHER, lambda p: any("1020" in notice.body for notice in p.items))
    page = await running.wait(TEACHER, lambda p: len(p.items) == 2)
    assert sorted(notice.link for notice in page.items) == ["/v1/rosters/r1", "/v1/rosters/r2"]


async def test_an_event_delivered_twice_counts_once(running: Running) -> None:
    event_id = await running.publish(reached(30))
    await running.publish(reached(30), event_id)
    await running.publish(reached(5, roster_id="end"))
    page = await running.wait(TEACHER, lambda p: len(p.items) == 2)
    assert "30 名学生" in page.items[1].body


async def test_each_kind_of_event_becomes_its_notice(running: Running) -> None:
    totals = RowTotals(rows=3, valid=3)
    await running.publish(RosterChecked(roster_id="r1", school=SCHOOL, file_name="a.xlsx", totals=totals))
    await running.publish(
        RosterCompleted(roster_id="r1", school=SCHOOL, file_name="a.xlsx", totals=totals, numbers={"G": 2, "L": 1})
    )
    await running.publish(CorrectionsNeeded(school=SCHOOL, registrations=(("g1", Verification.NAME_MISMATCH),)))
    page = await running.wait(REGISTRAR, lambda p: len(p.items) == 3)
    assert {notice.kind for notice in page.items} == {"roster_checked", "roster_completed", "corrections_needed"}


async def test_auditors_are_told_of_an_alert(running: Running) -> None:
    await running.publish(
        AlertRaised(
            alert_id="a1", kind="token_reuse", authority=AUTHORITY, account="li.na", organisation=SCHOOL, count=1
        )
    )
    page = await running.wait(actor(Role.AUDITOR, AUTHORITY), lambda p: len(p.items) == 1)
    assert page.items[0].kind == "alert_raised"
    assert (await running.page(OFFICER)).items == ()


@pytest.mark.clause("43")
async def test_officers_are_told_of_a_schools_new_registrar(running: Running) -> None:
    await running.publish(
        AppointmentsChanged(
            school=SCHOOL,
            school_name="第一小学",
            authority=AUTHORITY,
            username="li.min",
            name="李敏",
            change="appointed",
        )
    )
    page = await running.wait(OFFICER, lambda p: len(p.items) == 1)
    assert page.items[0].kind == "appointments_changed"
    assert (await running.page(REGISTRAR)).items == ()


async def test_work_that_waits_adds_up_in_one_notice(running: Running) -> None:
    for count in (2, 3):
        await running.publish(
            WorkWaiting(
                organisation=AUTHORITY,
                role=Role.AUTHORITY_OFFICER,
                kind="plan_filed",
                title="待办：招生计划备案",
                detail="有{count}项招生计划报来备案。",
                link="/v1/enrolment-plans?state=filed",
                count=count,
            )
        )
    page = await running.wait(OFFICER, lambda p: any("5项" in notice.body for notice in p.items))
    assert [(n.kind, n.link) for n in page.items] == [("plan_filed", "/v1/enrolment-plans?state=filed")]
    assert (await running.page(REGISTRAR)).items == ()


async def test_reading_is_each_accounts_own_and_news_are_unread_again(running: Running) -> None:
    await running.publish(reached(30))
    page = await running.wait(TEACHER, lambda p: len(p.items) == 1)
    assert await running.read(TEACHER, *page.items) == Ok()
    assert await running.read(TEACHER, *page.items) == Ok(), "twice is fine"
    mine = await running.page(TEACHER)
    assert (mine.unread, mine.items[0].read_at is not None) == (0, True)
    assert (await running.page(TEACHER, unread_only=True)).items == ()
    colleague = actor(Role.CLASS_TEACHER, account="b")
    assert (await running.page(colleague)).unread == 1
    await running.publish(reached(5))
    page = await running.wait(TEACHER, lambda p: p.unread == 1)
    assert "35 名学生" in page.items[0].body
    assert page.items[0].read_at is None


async def test_what_is_not_the_actors_cannot_be_marked(running: Running) -> None:
    await running.publish(reached(30))
    page = await running.wait(TEACHER, lambda p: len(p.items) == 1)
    for stranger in (REGISTRAR, actor(Role.CLASS_TEACHER, "2301000002")):
        reply = await running.read(stranger, *page.items)
        assert isinstance(reply, Refused)
        assert reply.kind == "not_found"
    assert (await running.page(TEACHER)).unread == 1


async def test_pages_go_from_new_to_old_without_gap_or_repeat(running: Running) -> None:
    for n in range(7):
        await running.publish(reached(1, roster_id=f"r{n}"))
    await running.wait(TEACHER, lambda p: len(p.items) == 7)
    seen: list[Notice] = []
    cursor: str | None = None
    while True:
        page = await running.page(TEACHER, limit=3, cursor=cursor)
        seen += page.items
        cursor = page.next_cursor
        if cursor is None:
            break
    assert len(seen) == len({notice.id for notice in seen}) == 7
    assert [notice.created_at for notice in seen] == sorted((n.created_at for n in seen), reverse=True)
    for wrong in ("x", "bm90IGEgY3Vyc29y", "é"):
        reply = await running.bus.ask(ListNotices(actor=TEACHER, cursor=wrong))
        assert isinstance(reply, Refused)
        assert reply.kind == "invalid"


async def test_an_unreadable_event_does_not_hold_up_the_next(running: Running) -> None:
    await running.nats.jetstream().publish("evt.registry.step_reached", b'{"type": "registry.step_reached"}')
    await running.publish(reached(3))
    page = await running.wait(TEACHER, lambda p: len(p.items) == 1)
    assert "3 名学生" in page.items[0].body


async def test_two_at_once_add_up(running: Running) -> None:
    """Two copies of the service may take portions of one roster at the same instant."""
    loaded = settings.load(running.environment)
    db = Database.from_settings(loaded, Clock(), "test")
    draft = Draft(
        organisation=SCHOOL,
        role=Role.CLASS_TEACHER,
        kind="step_reached",
        link="/v1/rosters/r9",
        merge="m",
        counts={"count": 10},
        words={"school_name": "第一小学", "state": "entered", "step": "class_teacher", "reason": ""},
    )
    now = datetime(2026, 9, 1, 8, tzinfo=ZONE)

    async def add(minute: int) -> None:
        async with db.transaction() as tx:
            await store.put(tx, draft, now + timedelta(minutes=minute))
            await asyncio.sleep(0.01)

    try:
        await asyncio.gather(*(add(minute) for minute in range(8)))
    finally:
        await db.close()
    (notice,) = (await running.page(TEACHER)).items
    assert "80 名学生" in notice.body
    assert notice.created_at == now + timedelta(minutes=7), "the newest, whoever came last"


async def test_the_applications_role_cannot_take_a_notice_back(running: Running) -> None:
    await running.publish(reached(30))
    await running.wait(TEACHER, lambda p: len(p.items) == 1)
    connection = await asyncpg.connect(running.environment["XUEJI_DATABASE_URL"])
    try:
        for statement in ("DELETE FROM notices", "TRUNCATE notices", "UPDATE notices SET organisation = 'x'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
        counts = json.loads(await connection.fetchval("SELECT counts FROM notices"))
        assert counts == {"count": 30}
    finally:
        await connection.close()
