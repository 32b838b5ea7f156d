"""The registry tells where its work stands: rosters by step and class, everything else by itself; and that it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from registry.clearing.cancelling.chain import chain as cancellation
from registry.clearing.correcting.chain import chain as correction
from registry.enrolment.admission import chains
from registry.enrolment.plans.store import plan_id
from registry.registration.chain import chain as registration
from registry.worklist import case_lines, telling, waiting_lines
from registry.worklist.changes import moved_to_another_class
from registry_world import OFFICER, OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, TEACHER, World, actor
from regulation.school_year import Stage
from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands, WorkStands
from shared_contracts.decisions import Refused
from shared_contracts.inspection import AnswerFinding, DecideFinding, FindingKind, RaiseFinding
from shared_contracts.plans import AskPlanChange, DecidePlanChange
from shared_contracts.registry import WithdrawRegistration

pytestmark = pytest.mark.integration


class Queues:
    """What the queues know by what was told, as the notifications service keeps it."""

    def __init__(self, world: World) -> None:
        self.world, self.works, self.taken = world, dict[str, tuple[int, tuple[CaseStands, ...]]](), 0

    async def lines(self) -> list[CaseStands]:
        while await telling.tell_some(self.world.db, self.world.deps):
            pass
        told = await self.world.events(WorkStands)
        for event in told[self.taken :]:
            assert len(event.works) <= telling.BATCH
            for one in event.works:
                assert one.version == self.works.get(one.id, (0, ()))[0] + 1
                assert {line.case_id for line in one.lines}.isdisjoint(
                    line.case_id for id_, (_, lines) in self.works.items() if id_ != one.id for line in lines
                )
                self.works[one.id] = one.version, one.lines
        self.taken = len(told)
        return [line for _, lines in self.works.values() for line in lines]

    async def shown(self) -> set[tuple[str | None, int, tuple[str, ...]]]:
        return {(line.step, line.count, line.classes) for line in await self.lines()}


@pytest.fixture
def queues(world: World) -> Queues:
    return Queues(world)


async def announced(world: World, roster: str, school: Any = SCHOOL, count: int = 1) -> None:
    from registry.registration.intake import announce

    async with world.db.unit(world.deps) as work:
        await announce(work, school, roster, count, roster)


@pytest.mark.clause("15.1")
async def test_a_roster_is_a_line_a_class_and_then_one(world: World, queues: Queues) -> None:
    roster = await world.roster(9)
    await announced(world, roster)
    assert await queues.shown() == {("class_teacher", 3, ("1", f"1-0{n}")) for n in (1, 2, 3)}
    line = (await queues.lines())[0]
    assert (line.organisation, line.roles, line.superior) == (SCHOOL.code, (Role.CLASS_TEACHER,), SCHOOL.authority)
    assert line.not_accounts == (REGISTRAR.account,) and line.due_on is not None
    assert line.link == f"/v1/rosters/{roster}" and "学生" not in line.subject
    one_class = actor(Role.CLASS_TEACHER, account="another", classes=["1-02"])
    await world.decide(roster, "class_teacher", one_class, roster=True)
    assert await queues.shown() == {
        ("class_teacher", 3, ("1", "1-01")),
        ("class_teacher", 3, ("1", "1-03")),
        ("principal", 3, ()),
    }
    principal = next(line for line in await queues.lines() if line.step == "principal")
    assert principal.not_accounts == tuple(sorted((REGISTRAR.account, one_class.account)))
    await world.decide(roster, "class_teacher", TEACHER, roster=True)
    # Another teacher's are another line: who has checked the class may not be the principal of it.
    assert await queues.shown() == {("principal", 3, ()), ("principal", 6, ())}
    await world.decide(roster, "principal", PRINCIPAL, roster=True)
    assert await queues.shown() == {("guardian", 9, ())}
    assert [(line.roles, line.due_on) for line in await queues.lines()] == [((Role.REGISTRAR,), None)]
    await world.sql("UPDATE registrations SET sheet_printed_at = $1", world.clock.now())
    await world.decide(roster, "guardian", REGISTRAR, roster=True)
    await world.decide(roster, "school", PRINCIPAL, roster=True)
    assert [(line.step, line.organisation, line.superior) for line in await queues.lines()] == [
        ("authority", "230102", "230100")
    ]
    await world.decide(roster, "authority", OFFICER, "return", roster=True, reason="材料不全")
    assert [(line.status, line.step, line.count, line.roles) for line in await queues.lines()] == [
        ("returned", "resubmit", 9, (Role.REGISTRAR,))
    ]


@pytest.mark.clause("15.1")
async def test_a_roster_that_is_decided_is_in_no_queue(world: World, queues: Queues) -> None:
    roster = await world.roster(4)
    ids = [row["id"] for row in await world.sql("SELECT id FROM registrations ORDER BY class_no DESC, id")]
    for one in ids[:3]:
        await world.bring_to(one, "authority")
    assert await queues.shown() == {("authority", 3, ()), ("class_teacher", 1, ("1", "1-01"))}
    await world.decide(ids[0], "authority", OFFICER)
    await world.decide(ids[1], "authority", OFFICER, "reject", reason="不符合条件")
    command = WithdrawRegistration(command_id=world.id(), actor=REGISTRAR, registration_id=ids[2], reason="家长撤回")
    await world.do(command)
    assert await queues.shown() == {("class_teacher", 1, ("1", "1-01"))}
    assert set(queues.works) == {f"registrations:{roster}"}


async def test_who_was_entered_alone_is_a_line_alone(world: World, queues: Queues) -> None:
    one = await world.one()
    await announced(world, one)
    (line,) = await queues.lines()
    assert (line.link, line.count) == (f"/v1/registrations/{one}", 1)
    await world.decide(one, "class_teacher", TEACHER)
    assert await queues.shown() == {("principal", 1, ())}


@pytest.mark.clause("17")
async def test_another_class_is_another_teachers(world: World, queues: Queues) -> None:
    one = await world.one()
    await announced(world, one)
    assert await queues.shown() == {("class_teacher", 1, ("1", "1-01"))}
    async with world.db.unit(world.deps) as work:
        from registry.classes.store import move_registrations

        await move_registrations(work.tx, [one], ["k"], [4])
        await moved_to_another_class(work, [one])
    assert await queues.shown() == {("class_teacher", 1, ("1", "1-04"))}


@pytest.mark.clause("48")
async def test_a_finding_goes_to_and_fro_and_is_done(world: World, queues: Queues) -> None:
    finding = await world.do(
        RaiseFinding(
            command_id=world.id(), actor=OFFICER, finding_id=world.id("finding"), school=SCHOOL.code,
            kind=FindingKind.OTHER, detail="未按规定公示", due_on=date(2026, 10, 30),
        )
    )  # fmt: skip
    (line,) = await queues.lines()
    assert (line.organisation, line.roles, line.due_on) == (SCHOOL.code, (Role.PRINCIPAL,), date(2026, 10, 30))
    finding = await world.do(
        AnswerFinding(
            command_id=world.id(), actor=PRINCIPAL, finding_id=finding.id, answer="已公示", version=finding.version
        )
    )
    (line,) = await queues.lines()
    assert (line.organisation, line.roles) == ("230102", (Role.AUTHORITY_OFFICER,))
    decide = DecideFinding(
        command_id=world.id(), actor=OFFICER, finding_id=finding.id, decision="close", version=finding.version
    )
    await world.do(decide)
    assert await queues.lines() == []


@pytest.mark.clause("4.4")
async def test_a_plan_change_waits_for_the_authority(world: World, queues: Queues) -> None:
    change = await world.do(
        AskPlanChange(
            command_id=world.id(), actor=PRINCIPAL, change_id=world.id("change"),
            plan_id=plan_id(SCHOOL.code, 2026, Stage.PRIMARY), classes=44, places=1_980, reason="新建住宅区交付",
        )
    )  # fmt: skip
    assert not isinstance(change, Refused), change
    (line,) = await queues.lines()
    assert (line.kind, line.organisation, line.superior) == ("plan_change", "230102", "230100")
    decide = DecidePlanChange(
        command_id=world.id(), actor=OFFICER, change_id=change.id, decision="reject", reason="学位充足"
    )
    await world.do(decide)
    assert await queues.lines() == []


def _names() -> set[str]:
    applications = {chains.chain(kind, 1).name for kind in chains.TITLES}
    return applications | {correction(1).name, cancellation(1).name, registration(1).name}


def test_every_kind_of_case_is_told() -> None:
    assert _names() == {*case_lines.KINDS, "registration"}


async def test_every_kind_that_waits_is_asked_for_with_valid_words(world: World) -> None:
    async with world.db.transaction() as tx:
        for kind, told in waiting_lines.KINDS.items():
            assert await waiting_lines.open_ids(tx, kind) == []
            assert await waiting_lines.lines(tx, kind, ["x"]) == {}
            assert all(waits.roles for waits in told.states.values())
        assert await waiting_lines.open_ids(tx, waiting_lines.DUPLICATE) == []


async def test_what_was_taken_and_not_told_is_taken_again(
    world: World, queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await world.one()
    await announced(world, one)

    async def die(*_: Any) -> None:
        raise RuntimeError("killed")

    monkeypatch.setattr(telling, "_lines", die)
    with pytest.raises(RuntimeError):
        await telling.tell_some(world.db, world.deps)
    monkeypatch.undo()
    assert len(await world.sql("SELECT 1 FROM worklist_changes")) == 1
    assert len(await queues.lines()) == 1
    assert await world.sql("SELECT 1 FROM worklist_changes") == []


async def test_copies_that_tell_at_once_leave_the_newest_with_the_highest_version(world: World) -> None:
    ids = [await world.one(class_no=n) for n in (1, 2, 3)]

    async def acts(one: str) -> None:
        await announced(world, one)
        await world.decide(one, "class_teacher", TEACHER)

    async def tells() -> None:
        for _ in range(12):
            await telling.tell_some(world.db, world.deps)

    await asyncio.gather(*map(acts, ids), tells(), tells())
    while await telling.tell_some(world.db, world.deps):
        pass
    newest: dict[str, Any] = {}
    for event in await world.events(WorkStands):
        for one in event.works:
            assert one.version != getattr(newest.get(one.id), "version", 0)
            if one.version > getattr(newest.get(one.id), "version", 0):
                newest[one.id] = one
    assert {line.step for one in newest.values() for line in one.lines} == {"principal"}
    assert len(newest) == 3


async def test_once_a_day_all_open_work_is_told_again(world: World, queues: Queues) -> None:
    ids: Sequence[str] = [await world.one(class_no=n) for n in (1, 2)]
    await telling.again_today(world.db, world.deps)
    await telling.again_today(world.db, world.deps)
    assert len(await queues.lines()) == len(ids) == 2
    assert {version for version, _ in queues.works.values()} == {1}
    world.clock.pass_(days=1)
    await telling.again_today(world.db, world.deps)
    await queues.lines()
    assert {version for version, _ in queues.works.values()} == {2}


async def test_of_another_schools_nothing_is_mixed_in(world: World, queues: Queues) -> None:
    await announced(world, await world.roster(2))
    await announced(world, await world.roster(2, school=OTHER_SCHOOL), OTHER_SCHOOL)
    assert {line.organisation for line in await queues.lines()} == {SCHOOL.code, OTHER_SCHOOL.code}
