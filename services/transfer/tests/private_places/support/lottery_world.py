"""A private primary school in Daoli with a plan, an approved ratio, and pupils elsewhere who apply."""

from __future__ import annotations

import asyncio
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
from moving_world import FIVE_FOUR
from registry.organisations.store import put_versions
from registry_world import AUTHORITY, SCHOOL, ZONE, actor, view
from service_kit import organisations
from shared_contracts.access import ANONYMOUS
from shared_contracts.actors import Role
from shared_contracts.evidence import EvidenceKind
from shared_contracts.organisations import OrganisationChanged
from shared_contracts.private_places import (
    Applicants,
    DecideRatio,
    DrawRound,
    GetPublishedRound,
    GetRound,
    ListApplicants,
    OpenRound,
    ProposeRatio,
    RoundView,
)
from shared_contracts.transfer import TransferView
from transfer.private_places import settling
from transfer_world import TransferWorld

PRIVATE = msgspec.structs.replace(SCHOOL, code="2123010088", name="哈尔滨市道里区育英小学", ownership="private")
PRINCIPAL = actor(Role.PRINCIPAL, PRIVATE.code, "yuying.principal")
REGISTRAR = actor(Role.REGISTRAR, PRIVATE.code, "yuying.registrar")
OFFICER = actor(Role.AUTHORITY_OFFICER, AUTHORITY, "daoli.officer")
VALUE = "03 07 12 20 25 31 + 09"
DAYS = 4  # a round is open


class LotteryWorld(TransferWorld):
    async def prepare(self) -> None:
        await super().prepare()
        async with self.registry.db.transaction() as tx:
            await put_versions(tx, [view(PRIVATE)], date(2020, 1, 1))
        async with self.db.transaction() as tx:
            await organisations.put(
                tx,
                [
                    OrganisationChanged(
                        code=PRIVATE.code, name=PRIVATE.name, kind="school", parent=AUTHORITY, authority=AUTHORITY,
                        division=PRIVATE.division, valid_from=date(2020, 1, 1), closed=False, version=1,
                    )
                ],
            )  # fmt: skip

    # ---- the school's year ------------------------------------------------------------------------------------------

    async def plan(self, places: int, pupils: int, grade: int = 3) -> None:
        """The plan of the grade's entry year, and its pupils in two classes."""
        await self.registry.sql(
            """INSERT INTO enrolment_plans (id, school, school_year, stage, grade, authority, filed_with, classes, places,
                                            state, version, filed_at, issued_by)
               VALUES ($1, $2, $3, 'primary', 1, $4, $4, 2, $5, 'in_force', 1, now(), '局')""",
            self.id("plan"),
            PRIVATE.code,
            2026 - grade + 1,
            AUTHORITY,
            places,
        )
        for class_no in (1, 2):
            await self.registry.pupils(PRIVATE, grade, class_no, pupils // 2 + (pupils % 2 if class_no == 1 else 0))

    async def propose(self, above: int = 1, below: int = 9, who: Any = PRINCIPAL, **more: Any) -> Any:
        values: dict[str, Any] = {
            "command_id": self.id("command"), "actor": who, "ratio_id": self.id("ratio"), "school_year": 2026,
            "stage": "primary", "numerator": above, "denominator": below,
        }  # fmt: skip
        return await self.do(ProposeRatio(**values | more))

    async def approve(self, ratio_id: str, who: Any = OFFICER, decision: str = "approve", reason: str = "") -> Any:
        self.clock.pass_(minutes=1)
        return await self.do(
            DecideRatio(
                command_id=self.id("command"), actor=who, ratio_id=ratio_id,
                decision=decision, reason=reason,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    async def ratio(self, above: int = 1, below: int = 9) -> None:
        approved = await self.approve((await self.propose(above, below)).id)
        assert approved.in_force, approved

    # ---- a round ----------------------------------------------------------------------------------------------------

    def public_at(self, days: int = DAYS) -> datetime:
        """A day and a half after the closing."""
        closes = datetime.combine(self.clock.today() + timedelta(days=days), datetime.min.time(), ZONE)
        return closes + timedelta(hours=36)

    async def round(self, who: Any = OFFICER, **more: Any) -> Any:
        values: dict[str, Any] = {
            "command_id": self.id("command"), "actor": who, "round_id": self.id("round"), "school": PRIVATE.code,
            "grade": 3, "closes_on": self.clock.today() + timedelta(days=DAYS - 1),
            "public_source": "双色球 2026101 期开奖号码", "public_at": self.public_at(),
        }  # fmt: skip
        return await self.do(OpenRound(**values | more))

    async def apply(self, student: str, **changes: Any) -> Any:
        papers = await self.papers(EvidenceKind.RESIDENCE, organisation=PRIVATE.code)
        return await self.open(student, REGISTRAR, evidence=papers, **changes)

    async def applicants(self, count: int, school: Any = SCHOOL) -> list[Any]:
        students = await self.registry.pupils(school, 3, 1, count)
        return [await self.apply(student) for student in students]

    async def close(self) -> int:
        """The worker closes what is over; how many."""
        closed = 0
        while await settling.close_one(self.kit, self.deps):
            closed += 1
        return closed

    async def over(self) -> None:
        """The last day is over, and the list is closed."""
        self.clock.pass_(days=DAYS)
        assert await self.close() == 1

    async def draw(self, round_id: str, value: str = VALUE, who: Any = OFFICER) -> Any:
        return await self.do(DrawRound(command_id=self.id("command"), actor=who, round_id=round_id, public_value=value))

    async def settle(self, *, problems: bool = False) -> None:
        await settling.settle_all(self.kit, self.deps, asyncio.Event(), problems=problems)

    async def look(self, round_id: str, who: Any = OFFICER) -> Any:
        return await self.ask(GetRound(actor=who, round_id=round_id))

    async def listed(self, round_id: str, who: Any = REGISTRAR) -> dict[str, Any]:
        page = await self.ask(ListApplicants(actor=who, round_id=round_id, limit=200))
        assert isinstance(page, Applicants), page
        return {one.transfer_id: one for one in page.items}

    async def published(self, number: str) -> str:
        found = await self.ask(GetPublishedRound(actor=ANONYMOUS, number=number))
        return str(found.document)

    async def seats(self, school: str = PRIVATE.code) -> set[str]:
        """Cases for which the registry holds a seat there."""
        rows = await self.registry.sql(
            "SELECT case_id FROM change_holds WHERE state = 'held' AND seat_school = $1", school
        )
        return {row["case_id"] for row in rows}


async def ready(world: LotteryWorld, applicants: int = 5, free: int = 18) -> tuple[RoundView, list[Any]]:
    """An open round with so many on its list: 18 free places and a ninth of them are 2."""
    await world.plan(places=40 + free, pupils=40)
    await world.ratio()
    opened = await world.round()
    assert isinstance(opened, RoundView), opened
    cases = await world.applicants(applicants) if applicants else []
    assert all(isinstance(one, TransferView) for one in cases), cases
    return opened, cases


__all__ = ["FIVE_FOUR", "OFFICER", "PRINCIPAL", "PRIVATE", "REGISTRAR", "VALUE", "LotteryWorld", "ready"]
