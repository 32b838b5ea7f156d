"""Every role in every organisation that can stand in some relation to a case tries every act on it: own and other school, own
and other authority, their sibling and superior, another city, the province, and who has no account.

Acts and their steps come from the table of acts, roles from the contract; what is said of each stands in
`tables/who_may.csv`. What is not written there is refused and moves nothing (3.1, 24.5.1).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec
import pytest
from moving_world import FIVE_FOUR, NEIGHBOUR
from registry.organisations.store import put_versions
from registry_world import AUTHORITY, CITY, PROVINCE, view
from regulation.authorisation import steps
from shared_contracts import outside_transfers, private_places, transfer_reports
from shared_contracts.actors import Actor, Role
from shared_contracts.evidence import EvidenceKind
from shared_contracts.messages import members, word
from shared_contracts.transfer import (
    Commands,
    DecideTransfer,
    OpenTransfer,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Step,
    TrackTransfer,
    TransferView,
    WithdrawTransfer,
)
from shared_contracts.transfer_reports import ReportView, SubmitReport
from transfer_world import RECEIVING, TransferWorld
from verdicts import WHO_MAY, code_of, everybody, somebody

pytestmark = [pytest.mark.integration, pytest.mark.clause("3.1", "24.5.1")]

THIRD = msgspec.structs.replace(RECEIVING, code="2123010009", name="哈尔滨市道里区第三小学")
PLACES = {
    "receiving_school": RECEIVING.code,
    "releasing_school": NEIGHBOUR.code,
    "third_school": THIRD.code,
    "receiving_authority": AUTHORITY,
    "releasing_authority": NEIGHBOUR.authority,
    "sibling_authority": "230104",
    "city": CITY,
    "other_city": "230200",
    "province": PROVINCE,
}
WHY = "按规定办理"
EXCEPTION = "全家迁居，附近没有其他学校"


class Stage:
    """A case of two counties, taken to where an act is possible."""

    def __init__(self, world: TransferWorld) -> None:
        self.world, self.case, self.student = world, "", ""

    async def begin(self) -> None:
        registry = self.world.registry
        await registry.pupils(RECEIVING, 3, 1, 45)
        await registry.pupils(FIVE_FOUR, 3, 1, 40)
        async with registry.db.transaction() as tx:
            await put_versions(tx, [view(THIRD)], date(2020, 1, 1))
        await self.world.know([view(THIRD)])
        await registry.pupils(THIRD, 3, 1, 40)

    async def opened(self) -> None:
        """By an account that takes no part in the trying, as everything on the way to an act is."""
        self.student, *_ = await self.world.registry.pupils(NEIGHBOUR, 3, 1, 1)
        who = somebody("opener", RECEIVING.code, Role.REGISTRAR)
        self.case = done(await self.world.open(self.student, who, EXCEPTION)).id

    async def decided(self, step: Step, decision: str = "approve") -> None:
        party = {Step.RECEIVING_AUTHORITY: "receiving_authority", Step.RELEASING_SCHOOL: "releasing_school",
                 Step.RELEASING_AUTHORITY: "releasing_authority"}[step]  # fmt: skip
        role = Role.PRINCIPAL if step is Step.RELEASING_SCHOOL else Role.LEADER
        who = somebody(f"decider.{step}", PLACES[party], role)
        over = step is Step.RECEIVING_AUTHORITY and decision == "approve"
        more: dict[str, Any] = {"asks": ("phone",)} if decision == "return" else {"override": over}
        done(await self.world.decide(self.case, step, decision, who=who, reason=WHY, **more))

    async def ready_for(self, act: str) -> None:
        await self.opened()
        if act == word(ResubmitTransfer):
            await self.decided(Step.RECEIVING_AUTHORITY, "return")
        elif act == word(RetryTransfer):
            for step in Step:
                await self.decided(step)
            await self.world.sql("UPDATE transfers SET outcome = 'attention' WHERE id = $1", self.case)
        else:
            for step in list(Step)[: list(Step).index(Step(act.partition("/")[2])) if "/" in act else 0]:
                await self.decided(step)

    async def version(self) -> Any:
        (row,) = await self.world.sql("SELECT version, status FROM cases WHERE id = $1", self.case)
        return tuple(row)

    async def attempt(self, act: str, who: Actor) -> Any:
        world = self.world
        here: dict[str, Any] = {"command_id": world.id(), "actor": who, "transfer_id": self.case}
        step = act.partition("/")[2]
        if step:
            over = step == Step.RECEIVING_AUTHORITY
            return await world.do(
                DecideTransfer(**here, step=Step(step), decision="approve", reason=WHY, override=over)
            )
        if act == word(OpenTransfer):
            fresh, *_ = await world.registry.pupils(NEIGHBOUR, 3, 1, 1)
            return await world.open(fresh, who, EXCEPTION, evidence=await self.papers(who))
        if act == word(ResubmitTransfer):
            (row,) = await world.sql("SELECT version FROM cases WHERE id = $1", self.case)
            application = world.application(self.student)
            return await world.do(
                ResubmitTransfer(**here, application=application, version=row["version"], exception=EXCEPTION)
            )
        if act == word(WithdrawTransfer):
            return await world.do(WithdrawTransfer(**here, reason=WHY))
        if act == word(RerouteTransfer):
            return await world.do(RerouteTransfer(**here, school=FIVE_FOUR.code, reason=WHY))
        if act == word(RetryTransfer):
            return await world.do(RetryTransfer(**here, override=True, reason=WHY))
        raise NotImplementedError(f"say here how {act} is tried, and in who_may.csv who may")

    async def papers(self, who: Actor) -> Any:
        return await self.world.papers(EvidenceKind.RESIDENCE, organisation=who.organisation or RECEIVING.code)


def acts() -> list[str]:
    """Every command on a case, step by step. Those of other capabilities are tried where these are tested, and anybody may
    follow a case (`test_tracking`)."""
    others = {TrackTransfer}
    for capability in (outside_transfers, private_places, transfer_reports):
        others |= set(members(capability.Commands))
    words = [word(one) for one in members(Commands) if one not in others]
    return [row for name in words for row in ([one.word for one in steps(name)] or [name])]


@pytest.mark.parametrize("act", acts())
async def test_whoever_must_not_act_cannot(world: TransferWorld, act: str) -> None:
    stage = Stage(world)
    await stage.begin()
    await stage.ready_for(act)
    before, may = await stage.version(), []
    for relation, role, who in everybody(PLACES):
        if role is not None and (act, relation, role) in WHO_MAY:
            may.append(who)
            continue
        assert code_of(await stage.attempt(act, who)), f"{role} of {relation} did {act}"
    assert await stage.version() == before, "nobody has moved it"
    assert may, "somebody has to be able to"
    for number, who in enumerate(may):
        if number:
            await stage.ready_for(act)
        assert code_of(await stage.attempt(act, who)) == "", who


@pytest.mark.clause("24.6.5")
async def test_a_report_is_filed_by_its_city(world: TransferWorld) -> None:
    act = word(SubmitReport)
    assert {word(one) for one in members(transfer_reports.Commands)} == {act}, "say here how another one is tried"
    may = []
    for relation, role, who in everybody(PLACES):
        command = SubmitReport(command_id=world.id(), actor=who, city=CITY, year=2026, term="autumn")
        if role is not None and (act, relation, role) in WHO_MAY:
            may.append(who)
            continue
        assert code_of(await world.do(command)), f"{role} of {relation} filed"
    year = 2026
    for who in may:  # each another report: it is filed once
        reply = await world.do(SubmitReport(command_id=world.id(), actor=who, city=CITY, year=year, term="autumn"))
        assert isinstance(reply, ReportView), reply
        world.clock.pass_(days=366)
        year += 1


def done(reply: Any) -> TransferView:
    assert isinstance(reply, TransferView), reply
    return reply
