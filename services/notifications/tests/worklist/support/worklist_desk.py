"""The notifications service without its bus: events and questions handed to it as the kit does, on a real PostgreSQL."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from kit_recorder import Notebook
from notifications.app import SERVICE
from notifications.context import assemble
from notifications.settings import NotificationsSettings
from notifications.worklist import reminding
from service_kit import commands, settings
from service_kit.clock import Clock
from service_kit.codec import decode_reply
from service_kit.database import Database, driver
from service_kit.ids import new_id
from service_kit.service import Kit
from shared_contracts import notifications as contract
from shared_contracts.actors import Actor, Role
from shared_contracts.cases import CaseStands, Work, WorkStands
from shared_contracts.notifications import ListNotices
from shared_contracts.worklist import CountWork, ListWork, Queue, WorkRow

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 9, 10)  # a Thursday
SCHOOL, COUNTY, CITY, PROVINCE = "2123010001", "230102", "230100", "230000"


def actor(role: Role, organisation: str = COUNTY, account: str = "", classes: tuple[str, ...] = ()) -> Actor:
    return Actor(
        account=account or f"{organisation}.{role}", name="", organisation=organisation, roles=(role,), classes=classes
    )


OFFICER, LEADER = actor(Role.AUTHORITY_OFFICER), actor(Role.LEADER)
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY)


def case(case_id: str, version: int = 0, **changes: Any) -> CaseStands:
    """A transfer that waits for the county's officer for ten working days."""
    values: dict[str, Any] = {
        "kind": "transfer",
        "kind_title": "转学",
        "number": f"ZX2026{case_id}",
        "subject": "转入道里区测试小学三年级",
        "link": f"/v1/transfers/{case_id}",
        "status": "open",
        "since": datetime(2026, 9, 10, 9, tzinfo=ZONE),
        "step": "receiving_authority",
        "step_title": "转入学校主管部门核准",
        "organisation": COUNTY,
        "roles": (Role.AUTHORITY_OFFICER,),
        "due_on": date(2026, 9, 24),
        "superior": CITY,
    }
    return CaseStands(case_id=case_id, version=version, **(values | changes))


def alone(stands: CaseStands) -> Work:
    return Work(id=stands.case_id, version=stands.version, lines=(stands,))


class MovingClock(Clock):
    def __init__(self) -> None:
        self.moment = datetime(TODAY.year, TODAY.month, TODAY.day, 10, tzinfo=ZONE)

    def now(self) -> datetime:
        return self.moment

    def go_to(self, day: date) -> None:
        self.moment = datetime(day.year, day.month, day.day, 10, tzinfo=ZONE)

    def pass_(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class NoBus:
    """For what must work without access."""

    async def need(self, message: Any, timeout: float = 5.0) -> Any:
        raise AssertionError(f"nobody is to be asked: {message}")


class WorklistDesk:
    def __init__(self, environment: dict[str, str], bus: Any = None) -> None:
        self.environment = environment
        self.settings = settings.load(environment)
        self.clock = MovingClock()
        self.db = Database.from_settings(self.settings, self.clock, "notifications")
        kit = Kit("notifications", self.settings, self.db, bus or NoBus(), self.clock)
        self.deps = assemble(kit, settings.read(NotificationsSettings, environment).checked(), lambda: None)
        self.notebook = Notebook("notifications")

    async def tell(self, *works: Work | CaseStands) -> None:
        told = tuple(one if isinstance(one, Work) else alone(one) for one in works)
        async with self.db.unit(self.deps) as work:
            await SERVICE.events[WorkStands](work, WorkStands(works=told))

    async def ask(self, query: Any) -> Any:
        reply = await commands.ask(self.db, self.clock, self.deps, SERVICE.queries[type(query)], query, self.notebook)
        return decode_reply(contract.REPLIES[type(query)], reply)

    async def do(self, command: Any) -> Any:
        handler = SERVICE.commands[type(command)]
        reply = await commands.once(self.db, self.clock, self.deps, handler, command, self.notebook)
        return decode_reply(contract.REPLIES[type(command)], reply)

    async def rows(self, who: Actor, **wanted: Any) -> list[WorkRow]:
        """All pages."""
        found: list[WorkRow] = []
        cursor = None
        while True:
            page = await self.ask(ListWork(actor=who, cursor=cursor, **{"limit": 200, **wanted}))
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def ids(self, who: Actor, **wanted: Any) -> list[str]:
        return [row.id for row in await self.rows(who, **wanted)]

    async def counts(self, who: Actor) -> dict[Queue, int]:
        found: dict[Queue, int] = {}
        for one in (await self.ask(CountWork(actor=who))).items:
            found[one.queue] = found.get(one.queue, 0) + one.rows
        return found

    async def remind(self) -> int:
        return await reminding.remind(self.db, self.deps)

    async def titles(self, who: Actor) -> list[str]:
        return sorted(notice.title for notice in (await self.ask(ListNotices(actor=who, limit=200))).items)

    async def bodies(self, who: Actor) -> list[str]:
        return sorted(notice.body for notice in (await self.ask(ListNotices(actor=who, limit=200))).items)

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.db.transaction() as tx:
            return await (await driver(tx)).fetch(statement, *values)

    def id(self) -> str:
        return new_id()

    async def shut(self) -> None:
        await self.db.close()
        await self.deps.outside.close()
