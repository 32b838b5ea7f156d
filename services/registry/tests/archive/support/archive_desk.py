"""Entries of each kind, students, and the acts of a school on archives."""

from __future__ import annotations

from datetime import date
from typing import Any

from registry.records.custody import pass_custody
from registry.records.store import Klass
from registry_world import FAR_SCHOOL, REGISTRAR, World
from shared_contracts.actors import Actor, system
from shared_contracts.archive import (
    AddArchiveEntries,
    Aid,
    AidKind,
    ArchiveItem,
    Aspect,
    Award,
    AwardAspect,
    AwardLevel,
    Checkup,
    Entry,
    Evaluation,
    Exam,
    FileEvidence,
    FitnessTest,
    GetArchive,
    Level,
    MakeArchive,
    Sanction,
    SanctionKind,
    SupersedeArchiveEntry,
    Term,
    Vaccination,
)
from shared_contracts.evidence import EvidenceGiven, EvidenceKind, EvidenceView, KeepEvidence
from shared_contracts.records import StudentView

PDF = b"%PDF-1.7\nthe household register\n%%EOF"

EXAM = Exam(school_year=2026, term=Term.AUTUMN, subject="语文", result="优秀")
EVALUATION = Evaluation(
    school_year=2026, term=Term.AUTUMN, aspect=Aspect.CIVIC_MORALITY, text="热心助人", level=Level.GOOD
)
FITNESS = FitnessTest(school_year=2026, level=Level.PASSED, score=72.5, items={"50米跑": "9.8秒"})
CHECKUP = Checkup(institution="道里区医院", conclusion="健康", height_cm=121.5, vision_left=5.0)
VACCINATION = Vaccination(vaccine="麻腮风疫苗", dose=2)
AWARD = Award(title="省级优秀少先队员", level=AwardLevel.PROVINCIAL, aspect=AwardAspect.MORAL, awarded_by="省教育厅")
SANCTION = Sanction(sanction=SanctionKind.WARNING, reason="多次无故旷课", decided_by="本校")
AID = Aid(programme=AidKind.LIVING_SUBSIDY, granted_by="道里区教育局", amount_fen=50_000)
ALL: tuple[Entry, ...] = (EXAM, EVALUATION, FITNESS, CHECKUP, VACCINATION, AWARD, SANCTION, AID)


async def student(world: World, **changes: Any) -> str:
    one = await world.one(**changes)
    await world.bring_to(one, "done")
    await world.number(one)
    return one


def item(student_id: str, entry: Entry = AWARD, on: date | None = None, **more: Any) -> ArchiveItem:
    return ArchiveItem(student_id=student_id, on=on or date(2026, 9, 10), entry=entry, **more)


async def add(world: World, *items: ArchiveItem, who: Actor = REGISTRAR, **more: Any) -> Any:
    command_id = more.pop("command_id", None) or world.id("command")
    return await world.do(AddArchiveEntries(command_id=command_id, actor=who, items=items))


async def supersede(world: World, entry_id: str, entry: Entry, who: Actor = REGISTRAR, **more: Any) -> Any:
    values: dict[str, Any] = {"on": date(2026, 9, 10), "reason": "证书名称录入有误"} | more
    command = SupersedeArchiveEntry(command_id=world.id("command"), actor=who, entry_id=entry_id, entry=entry, **values)
    return await world.do(command)


async def upload(world: World, content: bytes = PDF, who: Actor = REGISTRAR) -> EvidenceView:
    file = await world.deps.files.put("户口簿.pdf", "application/pdf", content, 10_000_000)
    command = KeepEvidence(command_id=world.id("command"), actor=who, evidence_id=world.id("evidence"), file=file)
    kept = await world.do(command)
    assert isinstance(kept, EvidenceView), kept
    return kept


async def file(world: World, student_id: str, *ids: str, who: Actor = REGISTRAR, on: date | None = None) -> Any:
    given = tuple(EvidenceGiven(evidence_id=one, kind=EvidenceKind.HOUSEHOLD_REGISTER) for one in ids)
    command = FileEvidence(
        command_id=world.id("command"), actor=who, student_id=student_id, on=on or world.clock.today(), evidence=given
    )
    return await world.do(command)


async def archive(world: World, student_id: str, who: Actor = REGISTRAR, as_of: date | None = None) -> Any:
    return await world.ask(GetArchive(actor=who, student_id=student_id, as_of=as_of))


async def make(world: World, student_id: str, form: Any, who: Actor = REGISTRAR, as_of: date | None = None) -> Any:
    command = MakeArchive(command_id=world.id("command"), actor=who, student_id=student_id, form=form, as_of=as_of)
    return await world.do(command)


async def move(world: World, student_id: str) -> None:
    async with world.db.unit(world.deps) as work:
        moved = await pass_custody(work, student_id, FAR_SCHOOL, Klass(1, 3), actor=system("transfer"), on=work.today)
        assert isinstance(moved, StudentView)
