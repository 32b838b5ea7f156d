"""A county with graduates, and its lists."""

from __future__ import annotations

import io
from typing import Any

import openpyxl
from moving_world import COUNTY_LEADER, COUNTY_OFFICER, FIVE_FOUR_JUNIOR, JUNIOR, SECOND_JUNIOR, MovingWorld
from registry.enrolment.plans.store import plan_id
from registry.organisations.facts import SchoolFacts
from registry.rosters.template import MEDIA_TYPE
from service_kit.ids import derived
from shared_contracts.junior_intake import (
    BuildJuniorIntake,
    DecideJuniorIntake,
    GetJuniorIntake,
    GetJuniorIntakeTemplate,
    ListJuniorIntakeRows,
    OpenJuniorIntake,
    SchoolPair,
)


class IntakeWorld(MovingWorld):
    async def prepare(self) -> None:
        await super().prepare()
        for school in (JUNIOR, SECOND_JUNIOR, FIVE_FOUR_JUNIOR):
            await self.plan(school, 50)

    async def plan(self, school: SchoolFacts, places: int) -> None:
        """In force, as the authority issues it."""
        await self.sql(
            """INSERT INTO enrolment_plans (id, school, school_year, stage, grade, authority, filed_with, classes,
                                            places, state, version, filed_at, issued_by)
               VALUES ($1, $2, 2026, 'junior', $3, $4, '230100', 1, $5, 'in_force', 1, now(), 'x')
               ON CONFLICT (id) DO UPDATE SET places = EXCLUDED.places""",
            plan_id(school.code, 2026, "junior"),
            school.code,
            school.entry_grades()[-1],
            school.authority,
            places,
        )

    async def leaving(self, school: SchoolFacts, class_no: int, count: int, **more: Any) -> list[str]:
        """Pupils of a class that has finished primary school this summer."""
        last = 5 if school.system == "5-4" else 6
        return await self.pupils(school, last, class_no, count, cohort=2026 - last, **more)

    async def template(self) -> Any:
        return await self.ask(GetJuniorIntakeTemplate(actor=COUNTY_OFFICER))

    async def filled(self, targets: dict[str, str]) -> bytes:
        """The template, sent back with these targets by student."""
        book = openpyxl.load_workbook(io.BytesIO((await self.template()).template.content))
        sheet = book["初中招生名单"]
        for row in sheet.iter_rows(min_row=2):
            row[4].value = targets.get(str(row[5].value), "")
        out = io.BytesIO()
        book.save(out)
        return out.getvalue()

    async def open(self, content: bytes, who: Any = COUNTY_OFFICER) -> Any:
        async def chunks() -> Any:
            yield content

        file = await self.deps.files.put("名单.xlsx", MEDIA_TYPE, chunks(), 10**8, file_id=self.id("file"))
        return await self.do(
            OpenJuniorIntake(command_id=self.id("command"), actor=who, intake_id=self.intake_id(), file=file)
        )

    async def build(self, *pairs: tuple[SchoolFacts, SchoolFacts], who: Any = COUNTY_OFFICER) -> Any:
        command = BuildJuniorIntake(
            command_id=self.id("command"),
            actor=who,
            intake_id=self.intake_id(),
            pairs=tuple(SchoolPair(primary=one.code, junior=other.code) for one, other in pairs),
        )
        return await self.do(command)

    def intake_id(self) -> str:
        return derived("intake", next(self._numbers))

    async def rule(self, id_: str, who: Any = COUNTY_LEADER, decision: str = "approve") -> Any:
        return await self.do(
            DecideJuniorIntake(
                command_id=self.id("command"), actor=who, intake_id=id_, decision=decision, reason="同意"
            )
        )

    async def list(self, id_: str, who: Any = COUNTY_OFFICER) -> Any:
        return await self.ask(GetJuniorIntake(actor=who, intake_id=id_))

    async def rows(self, id_: str, **more: Any) -> Any:
        return (await self.ask(ListJuniorIntakeRows(actor=COUNTY_OFFICER, intake_id=id_, **more))).items
