"""A county at the time of enrolment: zones, plans, children; identity is a stand-in that knows documents (end-to-end
tests ask the real one)."""

from __future__ import annotations

import asyncio
import io
import itertools
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import msgspec
import openpyxl
from registry.desk import Desk
from registry.enrolment.admission import placing, watching
from registry.enrolment.admission.runs import take as take_run
from registry.enrolment.children import importing, imports, sheet
from registry.enrolment.plans.tables import plans
from registry.organisations.facts import SchoolFacts
from registry_world import AUTHORITY, FAR_SCHOOL, OTHER_SCHOOL, SCHOOL, ZONE, World, actor
from regulation.documents import check_digit
from regulation.school_year import Stage
from service_kit.database import insert_rows
from service_kit.ids import derived, new_id
from shared_contracts.actors import Actor, Role
from shared_contracts.admission import (
    AreaView,
    ChildGiven,
    ConfirmChildrenImport,
    GetChildrenImport,
    ListChildren,
    OpenChildrenImport,
    SetZones,
    StartPlacement,
    ZoneGiven,
)
from shared_contracts.decisions import Refused
from shared_contracts.identity import FindPersons, FoundPersons, Holder, KnownPerson, KnownPersons, KnowPersons

COUNTY = AUTHORITY
OFFICER = actor(Role.AUTHORITY_OFFICER, COUNTY)
OTHER_OFFICER = actor(Role.AUTHORITY_OFFICER, "230202")
LEADER = actor(Role.LEADER, COUNTY)
REGISTRAR = actor(Role.REGISTRAR, SCHOOL.code)
PRINCIPAL = actor(Role.PRINCIPAL, SCHOOL.code)
OTHER_REGISTRAR = actor(Role.REGISTRAR, OTHER_SCHOOL.code)
PRIVATE = msgspec.structs.replace(SCHOOL, code="2123010009", name="哈尔滨市道里区民办小学", ownership="private")
INTERNATIONAL = msgspec.structs.replace(
    SCHOOL, code="2123010008", name="哈尔滨市道里区国际小学", accepts_international=True
)
SUMMER = datetime(2026, 7, 20, 10, 0, tzinfo=ZONE)
"""Inside the season, before term."""


class KnownPeople:
    """Identity's part of the bus: documents and who has them. `asked`: every command."""

    def __init__(self) -> None:
        self.by_document: dict[str, str] = {}
        self.holders: dict[str, Holder] = {}
        self.asked: list[KnowPersons] = []

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        if isinstance(message, FindPersons):
            found = self.by_document.get(message.number)
            return FoundPersons(person_ids=(found,) if found else ())
        assert isinstance(message, KnowPersons)
        self.asked.append(message)
        return KnownPersons(rows=tuple(self._known(row, message.make) for row in message.rows))

    def _known(self, row: Any, make: bool) -> KnownPerson:
        number = row.document_number
        if make:
            self.by_document.setdefault(number, derived("person", number))
        person = self.by_document.get(number)
        return KnownPerson(
            row=row.row,
            masked_document=number[:2] + "*" * 14 + number[-2:],
            person_id=person,
            holder=self.holders.get(person or ""),
        )


class AdmissionWorld(World):
    def __init__(self, env: dict[str, str], bus: Any) -> None:
        super().__init__(env, bus)
        self.clock.moment = SUMMER
        self._serial = itertools.count(1)

    async def furnish(self, places: int = 45) -> None:
        await self.load(SCHOOL, OTHER_SCHOOL, FAR_SCHOOL, PRIVATE, INTERNATIONAL)
        for school in (SCHOOL, OTHER_SCHOOL, PRIVATE, INTERNATIONAL):
            await self.plan(school, places)

    async def plan(self, school: SchoolFacts, places: int, year: int = 2026) -> None:
        row = {
            "id": derived("plan", school.code, year, "primary"),
            "school": school.code,
            "school_year": year,
            "stage": "primary",
            "grade": 1,
            "authority": school.authority,
            "filed_with": "230100",
            "classes": 1,
            "places": places,
            "state": "in_force",
            "version": 1,
            "filed_at": self.clock.now(),
            "issued_by": "李学籍主管",
        }
        async with self.db.transaction() as tx:
            await insert_rows(tx, plans, [row], on_conflict="(id) DO UPDATE SET places = EXCLUDED.places")

    # ---- zones ----------------------------------------------------------------------------------------------------

    async def zones(self, *zones: tuple[SchoolFacts, Sequence[str]], on: date = date(2026, 7, 1), **more: Any) -> Any:
        given = tuple(
            ZoneGiven(
                school=school.code,
                stage="primary",
                areas=(AreaView(division=school.division, streets=tuple(streets)),),
            )
            for school, streets in zones
        )
        who = more.pop("actor", OFFICER)
        return await self.do(
            SetZones(command_id=self.id(), actor=who, zones=given, valid_from=on, reason="哈里教发〔2026〕1号", **more)
        )

    # ---- children -------------------------------------------------------------------------------------------------

    def number(self, birth_date: date, sex: str = "1") -> str:
        serial = next(self._serial) * 2 + (1 if sex == "1" else 0)
        first17 = f"230102{birth_date:%Y%m%d}{serial:03d}"
        return first17 + check_digit(first17)

    def child(self, **changes: Any) -> dict[str, str]:
        """A row of the workbook, by title."""
        birth_date = changes.pop("birth_date", date(2020, 3, 5))
        row = {
            "姓名": "王小明",
            "性别": "1-男",
            "出生日期": f"{birth_date:%Y%m%d}",
            "身份证件类型": "1-居民身份证",
            "身份证件号": self.number(birth_date),
            "户籍所在县区代码": COUNTY,
            "户籍地址": "道里区中央大街12号",
            "监护人姓名": "王大",
            "监护人电话": "13800000000",
        }
        return row | changes

    def given(self, **changes: Any) -> ChildGiven:
        birth_date = changes.pop("birth_date", date(2020, 3, 5))
        values: dict[str, Any] = {
            "name": "李小华",
            "sex": "1",
            "birth_date": birth_date,
            "document_kind": "1",
            "document_number": self.number(birth_date),
            "division": COUNTY,
            "address": "道里区中央大街30号",
            "guardian": "李大",
            "phone": "13900000000",
        }
        return ChildGiven(**values | changes)

    async def upload(self, rows: Sequence[dict[str, str]], who: Actor = OFFICER, content: bytes | None = None) -> Any:
        import_id = new_id()
        file = await self.file(content if content is not None else workbook(rows))
        return await self.do(OpenChildrenImport(command_id=self.id(), actor=who, import_id=import_id, file=file))

    async def file(self, content: bytes) -> Any:
        return await self.deps.files.put(
            "名单.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", content, 10**8
        )

    @property
    def desk(self) -> Desk:
        return Desk(db=self.db, clock=self.clock, deps=self.deps, owner=new_id(), stop=asyncio.Event())

    async def work(self) -> None:
        """The worker of lists, until nothing is left to do."""
        while True:
            desk = self.desk
            async with self.db.transaction() as tx:
                found = await imports.take(tx, desk.owner)
            if found is None:
                return
            await importing.WORKER.attend(desk, found)

    async def listed(self, rows: Sequence[dict[str, str]]) -> Any:
        """A list that is looked at and taken in."""
        opened = await self.upload(rows)
        await self.work()
        looked = await self.ask(GetChildrenImport(actor=OFFICER, import_id=opened.id))
        assert looked.state == "checked", looked
        if looked.accepted:
            await self.do(ConfirmChildrenImport(command_id=self.id(), actor=OFFICER, import_id=opened.id))
            await self.work()
        return await self.ask(GetChildrenImport(actor=OFFICER, import_id=opened.id))

    async def children(self, **which: Any) -> list[Any]:
        page = await self.ask(ListChildren(actor=OFFICER, limit=200, **which))
        assert not isinstance(page, Refused), page
        return list(page.items)

    # ---- placement ------------------------------------------------------------------------------------------------

    async def place_all(self, who: Actor = OFFICER) -> Any:
        run = await self.do(StartPlacement(command_id=self.id(), actor=who, run_id=new_id()))
        if isinstance(run, Refused):
            return run
        await self.placing()
        return run

    async def placing(self) -> None:
        while True:
            desk = self.desk
            async with self.db.transaction() as tx:
                found = await take_run(tx, desk.owner)
            if found is None:
                return
            await placing.WORKER.attend(desk, found)

    async def placed(self, count: int = 1, **changes: Any) -> list[Any]:
        """Children of SCHOOL's zone with a place there; their admissions."""
        await self.zones((SCHOOL, ["中央大街"]))
        await self.listed([self.child(**changes) for _ in range(count)])
        await self.place_all()
        rows = await self.sql("SELECT * FROM admissions WHERE state = 'open' ORDER BY id")
        assert len(rows) == count
        return rows

    async def look(self) -> None:
        """What the calendar brings by itself."""
        await watching.look(self.kit, self.deps, asyncio.Event())

    def on(self, day: date) -> None:
        self.clock.moment = datetime(day.year, day.month, day.day, 10, 0, tzinfo=ZONE)


def workbook(rows: Sequence[dict[str, str]], titles: Sequence[str] | None = None) -> bytes:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.title = sheet.TITLE
    names = list(titles or (column.header for column in sheet.COLUMNS))
    page.append(names)
    for row in rows:
        page.append([row.get(name, "") for name in names])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


__all__ = [
    "COUNTY", "FAR_SCHOOL", "INTERNATIONAL", "LEADER", "OFFICER", "OTHER_OFFICER", "OTHER_REGISTRAR", "OTHER_SCHOOL",
    "PRINCIPAL", "PRIVATE", "REGISTRAR", "SCHOOL", "AdmissionWorld", "KnownPeople", "Stage", "workbook",
]  # fmt: skip
