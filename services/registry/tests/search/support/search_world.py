"""Pupils with chosen names, put straight into the tables, and searching for them page by page."""

from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import asyncpg
from registry.organisations.facts import SchoolFacts
from registry.records.store import Klass, class_id, make_classes
from registry.search import store
from registry_world import OFFICER, SCHOOL, World
from service_kit.database import driver
from service_kit.ids import derived
from shared_contracts.search import FoundStudent, SearchStudents


class SearchWorld(World):
    async def pupil(self, name: str, school: SchoolFacts = SCHOOL, *, former: tuple[str, ...] = (), **more: Any) -> str:
        """A student's id. `former`: names before, the first one first."""
        student_id = self.id("student")
        klass = Klass(more.get("grade", 1), more.get("class_no", 1))
        async with self.db.transaction() as tx:
            await make_classes(tx, school, [klass], 2026)
            raw = await driver(tx)
            await raw.execute(
                """INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document,
                                         student_number, number_kind, verification, stage, cohort, placement, state, live,
                                         registered_at)
                   VALUES ($1, $2, $3, $4, '1', '2018-03-05', '1', '23**************15', 'G23**************15', 'G',
                           'matched', 'primary', 2026, $5, $6, $7, $8)""",
                student_id,
                more.get("person_id") or derived("person", student_id),
                school.code,
                (*former, name)[0],
                more.get("placement", "ordinary"),
                more.get("state", "in_school"),
                more.get("live", True),
                self.clock.now(),
            )
            await raw.execute(
                "INSERT INTO class_memberships (student_id, joined_on, class_id) VALUES ($1, $2, $3)",
                student_id,
                date(2026, 9, 1),
                class_id(school, klass, 2026),
            )
        for old, new in itertools.pairwise((*former, name)):
            self.clock.pass_(minutes=1)
            await self.rename(student_id, old, new)
        return student_id

    async def rename(self, student_id: str, old: str, new: str) -> None:
        async with self.db.transaction() as tx:
            await self.set_name(student_id, new)
            await store.renamed(tx, student_id, old, new, at=self.clock.now())

    async def set_name(self, student_id: str, name: str) -> None:
        """As the owner, and without the case that a change of a name needs: that is for those who carry it out."""
        await self.as_owner("ALTER TABLE students DISABLE TRIGGER students_key_fields")
        await self.as_owner("UPDATE students SET name = $2 WHERE id = $1", student_id, name)

    async def move(self, student_id: str, school: SchoolFacts) -> None:
        """To the first class of another school, student and membership at once."""
        async with self.db.transaction() as tx:
            await make_classes(tx, school, [Klass(1, 1)], 2026)
            raw = await driver(tx)
            await raw.execute("UPDATE students SET school = $2 WHERE id = $1", student_id, school.code)
            await raw.execute(
                "UPDATE class_memberships SET class_id = $2 WHERE student_id = $1",
                student_id,
                class_id(school, Klass(1, 1), 2026),
            )

    async def as_owner(self, statement: str, *values: Any) -> None:
        owner = await asyncpg.connect(self.env["XUEJI_MIGRATION_DATABASE_URL"])
        try:
            await owner.execute(statement, *values)
        finally:
            await owner.close()

    async def keep_up(self) -> int:
        """What the worker does until nothing waits; how many rows it took."""
        total = 0
        while True:
            async with self.db.transaction() as tx:
                done = await store.keep_up(tx)
            total += done
            if not done:
                return total

    async def search(self, text: str | None = None, who: Any = OFFICER, **more: Any) -> list[FoundStudent]:
        """All pages."""
        found: list[FoundStudent] = []
        cursor = None
        while True:
            page = await self.ask(SearchStudents(actor=who, text=text, cursor=cursor, **more))
            found += page.items
            cursor = page.next_cursor
            if cursor is None:
                return found

    async def names(self, text: str | None = None, who: Any = OFFICER, **more: Any) -> list[str]:
        return sorted(one.name for one in await self.search(text, who, **more))
