"""A registry with several schools and their pupils, with journals, and the worker that carries operations out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from typing import Any

import msgspec
import pytest_asyncio
from registry.app import MOVERS
from registry.organisations.facts import SchoolFacts
from registry.organisations.store import put_versions
from registry.records import journal
from registry.records import store as records
from registry.records.store import class_key
from registry_world import AUTHORITY, CITY, OTHER_SCHOOL, PROVINCE, SCHOOL, World, actor, authorities, view
from regulation.school_year import SchoolSystem, Stage
from service_kit.database import driver
from service_kit.ids import derived
from shared_contracts.actors import Role
from shared_contracts.reorganisation import (
    DecideReorganisation,
    DraftReorganisation,
    GetReorganisation,
    Plan,
    PreviewReorganisation,
)

JUNIOR = msgspec.structs.replace(
    SCHOOL, code="3123010001", name="哈尔滨市道里区测试初中", school_type="311", stages=(Stage.JUNIOR,)
)
SECOND_JUNIOR = msgspec.structs.replace(JUNIOR, code="3123010002", name="哈尔滨市道里区第二初中")
FIVE_FOUR = msgspec.structs.replace(
    SCHOOL, code="2123010005", name="哈尔滨市道里区五四小学", system=SchoolSystem.FIVE_FOUR
)
FIVE_FOUR_JUNIOR = msgspec.structs.replace(
    JUNIOR, code="3123010005", name="哈尔滨市道里区五四初中", system=SchoolSystem.FIVE_FOUR
)
NEIGHBOUR = msgspec.structs.replace(
    SCHOOL, code="2123010301", name="哈尔滨市南岗区测试小学", division="230103", authority="230103"
)
ALL = (SCHOOL, OTHER_SCHOOL, JUNIOR, SECOND_JUNIOR, FIVE_FOUR, FIVE_FOUR_JUNIOR, NEIGHBOUR)
COUNTY_OFFICER = actor(Role.AUTHORITY_OFFICER, AUTHORITY, "county.officer")
COUNTY_LEADER = actor(Role.LEADER, AUTHORITY, "county.leader")
CITY_OFFICER = actor(Role.AUTHORITY_OFFICER, CITY, "city.officer")
CITY_LEADER = actor(Role.LEADER, CITY, "city.leader")
PROVINCE_LEADER = actor(Role.LEADER, PROVINCE, "province.leader")
ENDS = ("done", "failed", "undone", "rejected", "cancelled")
JOINED = date(2026, 9, 1)
_INSERT = """
INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document, student_number,
                      number_kind, verification, stage, cohort, placement, state, live, registered_at)
SELECT id, 'p-' || id, $2, '学生' || right(id, 4), '1', '2016-05-05', '1', '2301**********0011', 'G2301**********0011',
       'G', 'matched', $3, $4, 'ordinary', $5, $6, '2026-09-01T10:00:00+08:00' FROM unnest($1::text[]) AS n(id)
"""


class MovingWorld(World):
    async def prepare(self) -> None:
        async with self.db.transaction() as tx:
            found = authorities(PROVINCE, CITY, AUTHORITY, "230103", "230200", "230202")
            await put_versions(tx, [*found, *map(view, ALL)], date(2020, 1, 1))

    async def pupils(
        self, school: SchoolFacts, grade: int | None, class_no: int | None, count: int, *, state: str = "in_school",
        joined: date = JOINED, stage: str = "", cohort: int = 0,
    ) -> list[str]:  # fmt: skip
        """So many pupils of a class (None: without one), each with the first entry of a journal. Their ids, sorted."""
        ids = sorted(self.id("student") for _ in range(count))
        cohort = cohort or 2026 - (grade or 1) + 1
        stage = stage or str(school.stage_of(grade) if grade else school.stages[0])
        live = state == "in_school"
        async with self.db.transaction() as tx:
            connection = await driver(tx)
            await connection.execute(_INSERT, ids, school.code, stage, cohort, state, live)
            if grade and class_no and live:
                key = class_key(school.code, stage, cohort, class_no)
                await connection.execute(
                    "INSERT INTO classes VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT DO NOTHING",
                    key, school.code, stage, cohort, class_no, grade, school.system,
                )  # fmt: skip
                await connection.execute(
                    "INSERT INTO class_memberships SELECT id, $2, $3 FROM unnest($1::text[]) AS n(id)",
                    ids, joined, key,
                )  # fmt: skip
            entries = [
                journal.entry(
                    one, (0, journal.GENESIS), kind="registered", clause="15.1", legal_date=joined,
                    recorded_at=self.clock.now(), actor="system:registry", content={},
                )
                for one in ids
            ]  # fmt: skip
            await records.append(tx, entries)
        return ids

    def key(self, school: SchoolFacts, grade: int, class_no: int) -> str:
        return class_key(school.code, str(school.stage_of(grade)), 2026 - grade + 1, class_no)

    async def draft(self, plan: Plan, who: Any = COUNTY_OFFICER, on: date | None = None) -> Any:
        command = DraftReorganisation(
            command_id=self.id("command"),
            actor=who,
            reorganisation_id=derived("reorganisation", next(self._numbers)),
            title="道里区学校布局调整",
            document="哈里教发〔2026〕9号",
            effective_from=on or self.clock.today(),
            plan=plan,
        )
        return await self.do(command)

    async def preview(self, id_: str, who: Any = COUNTY_OFFICER) -> Any:
        return await self.do(PreviewReorganisation(command_id=self.id("command"), actor=who, reorganisation_id=id_))

    async def resolve(self, id_: str, who: Any = CITY_LEADER, decision: str = "approve", reason: str = "同意") -> Any:
        return await self.do(
            DecideReorganisation(
                command_id=self.id("command"), actor=who, reorganisation_id=id_, decision=decision, reason=reason
            )
        )

    async def approved(self, plan: Plan, who: Any = COUNTY_OFFICER, leader: Any = CITY_LEADER, **more: Any) -> str:
        """Drafted, previewed, approved: its id."""
        drafted = await self.draft(plan, who, **more)
        seen = await self.preview(drafted.id, who)
        assert not seen.preview.blocked, seen.preview.findings
        decided = await self.resolve(drafted.id, leader)
        assert decided.state == "approved", decided
        return str(drafted.id)

    async def look(self, id_: str, who: Any = CITY_LEADER) -> Any:
        return await self.ask(GetReorganisation(actor=who, reorganisation_id=id_))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        stop = asyncio.Event()
        task = asyncio.create_task(MOVERS.run(self.kit, self.deps, stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 90)

    async def carried(self, id_: str, seconds: float = 120) -> str:
        """The worker works until the operation has ended: its state."""
        async with self.working(), asyncio.timeout(seconds):
            while True:
                (row,) = await self.sql("SELECT state FROM operations WHERE id = $1", id_)
                if row["state"] in ENDS:
                    return str(row["state"])
                await asyncio.sleep(0.03)

    # ---- what never may be otherwise ----------------------------------------------------------------------------------

    async def records(self) -> list[tuple[str, bool]]:
        """Each record once: id and whether it is live."""
        return [tuple(row) for row in await self.sql("SELECT id, live FROM students ORDER BY id")]

    async def whole(self) -> None:
        """Each record in one school; each pupil in one class at most, of the own school; chains closed; nothing frozen."""
        wrong = await self.sql(
            """SELECT s.id FROM students s JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
               JOIN classes k ON k.id = m.class_id
               WHERE k.school <> s.school OR k.stage <> s.stage OR k.cohort <> s.cohort OR NOT s.live"""
        )
        assert wrong == [], "in a class of another school, or in one without being in school"
        closed = await self.sql(
            """SELECT s.id FROM students s WHERE s.keeper IS NULL AND NOT EXISTS (
                   SELECT FROM organisations o WHERE o.code = s.school AND o.valid_to IS NULL)"""
        )
        assert closed == [], "at a school that is no more"
        async with self.db.transaction() as tx:
            for row in await (await driver(tx)).fetch("SELECT id FROM students"):
                assert journal.intact(await records.journal_of(tx, row["id"]))
        assert await self.sql("SELECT FROM frozen_schools") == []


@pytest_asyncio.fixture
async def moving(service_env: Any) -> AsyncIterator[MovingWorld]:
    """A registry with these schools; a conftest gives it the name that its tests know it by."""
    made = MovingWorld(await service_env("registry"))
    await made.prepare()
    yield made
    await made.shut()
