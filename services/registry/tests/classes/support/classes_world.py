"""A registry with grades full of pupils, and an assignment on its way from draft to application."""

from __future__ import annotations

import itertools
from datetime import date, timedelta
from typing import Any

import asyncpg
from registry.organisations.facts import SchoolFacts
from registry.organisations.store import put_versions
from registry_world import OFFICER, PRINCIPAL, REGISTRAR, SCHOOL, World, view
from service_kit.ids import derived
from shared_contracts.classes import (
    ApplyAssignment,
    AskRedraw,
    AssignmentPupil,
    AssignmentPupils,
    AssignmentView,
    CommitAssignment,
    DecideRedraw,
    DrawAssignment,
    GetAssignment,
    ListAssignmentPupils,
    MovePupil,
    OpenAssignment,
    ReviseAssignment,
)

SOURCE = "中国福利彩票双色球 2026101 期开奖号码"
VALUE = "03 07 12 20 25 31 + 09"


class ClassesWorld(World):
    """`grade`: pupils; `draft`, `committed`, `drawn`, `applied`: an assignment brought so far."""

    def __init__(self, *more: Any) -> None:
        super().__init__(*more)
        self._fresh = itertools.count(1)

    async def grade(
        self, boys: int, girls: int, *, grade: int = 1, class_no: int = 1, school: SchoolFacts = SCHOOL, **more: Any
    ) -> list[str]:
        """Registrations on their way, boys first, all in one class of the form."""
        admissions = [
            self.admission(school, sex="1" if n < boys else "2", grade=grade, class_no=class_no, **more)
            for n in range(boys + girls)
        ]
        return await self.admit(*admissions, school=school)

    async def students(self, boys: int, girls: int, **more: Any) -> list[str]:
        """The same as students: what lies between is tested elsewhere."""
        ids = await self.grade(boys, girls, **more)
        await self.sql(
            "UPDATE cases SET status = 'approved', step = NULL, due_on = NULL WHERE id = ANY($1::text[])", ids
        )
        for one in ids:
            await self.number(one)
        return ids

    async def draft(self, *classes: int, who: Any = PRINCIPAL, grade: int = 1, **more: Any) -> Any:
        command = OpenAssignment(
            command_id=self.id("command"),
            actor=who,
            assignment_id=derived("assignment", next(self._fresh)),
            grade=grade,
            classes=classes or (1, 2),
            **more,
        )
        return await self.do(command)

    async def revise(self, view: AssignmentView, who: Any = PRINCIPAL, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "classes": view.classes,
            "attributes": view.attributes,
            "pupils": (),
            "rules": (),
            "version": view.version,
        }
        return await self.act(ReviseAssignment, view, who, **(values | changes))

    async def commit(self, view: AssignmentView, who: Any = PRINCIPAL, **changes: Any) -> Any:
        values: dict[str, Any] = {
            "public_source": SOURCE,
            "public_at": self.clock.now() + timedelta(hours=24),
            "version": view.version,
        }
        return await self.act(CommitAssignment, view, who, **(values | changes))

    async def draw(self, view: AssignmentView, who: Any = PRINCIPAL, value: str = VALUE) -> Any:
        return await self.act(DrawAssignment, view, who, public_value=value)

    async def apply(self, view: AssignmentView, who: Any = PRINCIPAL) -> Any:
        return await self.act(ApplyAssignment, view, who)

    async def ask_redraw(self, view: AssignmentView, who: Any = PRINCIPAL) -> Any:
        return await self.act(AskRedraw, view, who, reason="双胞胎登记有误，家长申请")

    async def decide_redraw(self, view: AssignmentView, who: Any = OFFICER, decision: str = "approve") -> Any:
        return await self.act(DecideRedraw, view, who, decision=decision, reason="经核实，同意重新分班")

    async def act(self, kind: Any, view: AssignmentView, who: Any, **more: Any) -> Any:
        return await self.do(kind(command_id=self.id("command"), actor=who, assignment_id=view.id, **more))

    async def committed(self, *classes: int, **more: Any) -> Any:
        return await self.commit(await self.draft(*classes, **more))

    async def drawn(self, *classes: int, **more: Any) -> Any:
        view = await self.committed(*classes, **more)
        self.clock.pass_(hours=24)
        return await self.draw(view)

    async def look(self, view: AssignmentView, who: Any = REGISTRAR) -> Any:
        return await self.ask(GetAssignment(actor=who, assignment_id=view.id))

    async def pupils(self, view: AssignmentView) -> list[AssignmentPupil]:
        page = await self.ask(ListAssignmentPupils(actor=REGISTRAR, assignment_id=view.id))
        assert isinstance(page, AssignmentPupils), page
        return list(page.items)

    async def move(
        self, pupil_id: str, class_id: str, who: Any = PRINCIPAL, reason: str = "家长申请，经学校研究同意"
    ) -> Any:
        command = MovePupil(
            command_id=self.id("command"),
            actor=who,
            move_id=derived("move", next(self._fresh)),
            pupil_id=pupil_id,
            class_id=class_id,
            reason=reason,
        )
        return await self.do(command)

    async def class_id(self, class_no: int, grade: int = 1, school: str = SCHOOL.code) -> str:
        rows = await self.sql(
            "SELECT id FROM classes WHERE school = $1 AND grade = $2 AND class_no = $3", school, grade, class_no
        )
        (row,) = rows
        found: str = row["id"]
        return found

    async def classes_of(self, *ids: str) -> dict[str, int]:
        """The present class of each pupil."""
        rows = await self.sql(
            """SELECT r.id, coalesce(k.class_no, r.class_no) AS class_no FROM registrations r
               LEFT JOIN class_memberships m ON m.student_id = r.id AND m.left_on IS NULL
               LEFT JOIN classes k ON k.id = m.class_id WHERE r.id = ANY($1::text[])""",
            list(ids),
        )
        return {row["id"]: row["class_no"] for row in rows}

    async def load_more(self, *schools: SchoolFacts) -> None:
        async with self.db.transaction() as tx:
            await put_versions(tx, list(map(view, schools)), date(2020, 1, 1))

    def birth(self, age: int) -> date:
        """A birth date of that age on 31 August."""
        return date(self.clock.today().year - age, 3, 5)

    async def owned(self, statement: str, *values: Any) -> None:
        """As the owner of the tables: what no act of this system does yet, or what somebody with the keys would do."""
        owner = await asyncpg.connect(self.env["XUEJI_MIGRATION_DATABASE_URL"])
        try:
            await owner.execute(statement, *values)
        finally:
            await owner.close()
