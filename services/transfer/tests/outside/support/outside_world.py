"""What the province office and the other province do in a case between them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from registry_world import PROVINCE, actor
from shared_contracts.actors import Role
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.holds import Place
from shared_contracts.outside_transfers import (
    DecideOutside,
    OpenOutward,
    OutsideDocument,
    OutsideSchool,
    PrecheckOutward,
)
from shared_contracts.transfer import Ground, Step
from transfer_world import PRINCIPAL, SECOND_OFFICER, TransferWorld

THERE = OutsideSchool(division="330106", name="杭州市西湖区文一街小学", authority="杭州市西湖区教育局")
ASKED = OutsideDocument(number="西教转〔2026〕18号", issued_on=date(2026, 9, 1), issuer="杭州市西湖区教育局")
ANSWER = OutsideDocument(number="西教转〔2026〕19号", issued_on=date(2026, 9, 2), issuer="杭州市西湖区教育局")
AWAY = Place(division="330106", address="西湖区文一路100号")
CLERK = actor(Role.AUTHORITY_OFFICER, PROVINCE, "province.clerk")
SECOND_CLERK = actor(Role.AUTHORITY_OFFICER, PROVINCE, "province.second")
THIRD_CLERK = actor(Role.AUTHORITY_OFFICER, PROVINCE, "province.third")
LEADER = actor(Role.LEADER, PROVINCE, "province.leader")
VICTIM = Path(__file__).parent / "outside_victim.py"


class OutsideWorld(TransferWorld):
    async def leave(self, student: str, who: Any = CLERK, **changes: Any) -> Any:
        """A school of another province asks for a pupil."""
        return await self.do(
            OpenOutward(
                command_id=changes.pop("command_id", None) or self.id("command"),
                actor=who,
                transfer_id=changes.pop("transfer_id", None) or self.id("transfer"),
                **await self.asked(student, **changes),
            )
        )

    async def look(self, student: str, who: Any = CLERK, **changes: Any) -> Any:
        return await self.ask(PrecheckOutward(actor=who, **await self.asked(student, **changes)))

    async def asked(self, student: str, **changes: Any) -> dict[str, Any]:
        mine = {"school": THERE, "grade": 3, "document": ASKED}
        given = {name: changes.pop(name, value) for name, value in mine.items()}
        values = {"ground": Ground.RESIDENCE_CHANGED, "residence": AWAY, **changes}
        if "evidence" not in values:
            values["evidence"] = await self.paper()
        return {**given, "application": self.application(student, **values)}

    async def paper(self) -> Any:
        return await self.papers(EvidenceKind.OFFICIAL_DOCUMENT, organisation=PROVINCE)

    @staticmethod
    def given(ids: list[str]) -> tuple[EvidenceGiven, ...]:
        """Papers that are uploaded already."""
        return tuple(EvidenceGiven(evidence_id=one, kind=EvidenceKind.OFFICIAL_DOCUMENT) for one in ids)

    async def enter(self, transfer: str, step: Step, decision: str = "approve", **more: Any) -> Any:
        """What the other province has decided."""
        evidence = more.pop("evidence") if "evidence" in more else await self.paper()
        return await self.do(
            DecideOutside(
                command_id=more.pop("command_id", None) or self.id("command"),
                actor=more.pop("who", SECOND_CLERK),
                transfer_id=transfer,
                step=step,
                decision=decision,  # type: ignore[arg-type]
                document=more.pop("document", ANSWER),
                evidence=evidence,
                **more,
            )
        )

    async def gone(self, student: str, **changes: Any) -> str:
        """From the application to the last approval; the case's id."""
        opened = await self.leave(student, **changes)
        await self.enter(opened.id, Step.RECEIVING_AUTHORITY)
        await self.decide(opened.id, Step.RELEASING_SCHOOL, who=PRINCIPAL)
        await self.decide(opened.id, Step.RELEASING_AUTHORITY, who=SECOND_OFFICER)
        found: str = opened.id
        return found

    async def killed(
        self, act: str, thing: str, place: tuple[str, str], papers: tuple[EvidenceGiven, ...] | None = None
    ) -> list[str]:
        """A process of its own that does this (`outside_victim`) is killed there. `papers`: that it attaches, the office's
        where not given; their ids."""
        given = [one.evidence_id for one in (await self.paper() if papers is None else papers)]
        await self.until_killed(VICTIM, act, thing, *place, 1, *given)
        return given

    async def student(self, student: str) -> Any:
        (row,) = await self.registry.sql("SELECT * FROM students WHERE id = $1", student)
        return row
