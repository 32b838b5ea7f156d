"""Every role in every organisation tries what the province office enters for another province (`tables/who_may.csv`), and
whoever has had one part in such a case tries the others (3.1, 24.5.1)."""

from __future__ import annotations

from typing import Any

import pytest
from coming_world import ComingWorld
from moving_world import NEIGHBOUR
from outside_world import ANSWER, CLERK
from registry_world import AUTHORITY, CITY, PROVINCE
from shared_contracts.actors import Actor, Role
from shared_contracts.messages import members, word
from shared_contracts.outside_transfers import (
    Commands,
    DecideOutside,
    OpenInward,
    OpenOutward,
    ResubmitOutward,
    WithdrawOutward,
)
from shared_contracts.transfer import Step, TransferView
from transfer_world import RECEIVING, RELEASING
from verdicts import WHO_MAY, code_of, everybody, somebody

pytestmark = [pytest.mark.integration, pytest.mark.clause("3.1", "24.5.1")]

PLACES = {
    "third_school": RECEIVING.code,
    "releasing_school": RELEASING.code,
    "neighbour_school": NEIGHBOUR.code,
    "releasing_authority": AUTHORITY,
    "sibling_authority": "230104",
    "city": CITY,
    "other_city": "230200",
    "province": PROVINCE,
}


class Stage:
    """A case that a school of another province has asked for, as the province office has entered it."""

    def __init__(self, world: ComingWorld) -> None:
        self.world, self.case, self.student, self.children = world, "", "", 0

    async def ready_for(self, act: str) -> None:
        self.student, *_ = await self.world.registry.pupils(RELEASING, 3, 1, 1)
        if act == word(OpenInward):
            for school in (RECEIVING, NEIGHBOUR):
                await self.world.registry.pupils(school, 3, 1, 1)
        opened = await self.world.leave(self.student)
        assert isinstance(opened, TransferView), opened
        self.case = opened.id
        if act == word(ResubmitOutward):
            who = somebody("returner", PROVINCE, Role.LEADER)
            reply = await self.world.enter(
                self.case, Step.RECEIVING_AUTHORITY, "return", who=who, reason="请更正", asks=("phone",)
            )
            assert isinstance(reply, TransferView), reply

    async def attempt(self, act: str, who: Actor) -> Any:
        world = self.world
        here: dict[str, Any] = {"command_id": world.id(), "actor": who, "transfer_id": self.case}
        if act == word(OpenOutward):
            fresh, *_ = await world.registry.pupils(RELEASING, 3, 1, 1)
            return await world.leave(fresh, who)
        if act == word(OpenInward):
            self.children += 1
            return await world.come(self.children, who, exception="家长在附近工作")
        if act == word(ResubmitOutward):
            (row,) = await world.sql("SELECT version FROM cases WHERE id = $1", self.case)
            asked = await world.asked(self.student, evidence=())
            return await world.do(
                ResubmitOutward(
                    **here, application=asked["application"], document=asked["document"], version=row["version"]
                )
            )
        if act == word(WithdrawOutward):
            return await world.do(WithdrawOutward(**here, reason="不转了"))
        if act == word(DecideOutside):
            return await world.enter(self.case, Step.RECEIVING_AUTHORITY, who=who, document=ANSWER)
        raise NotImplementedError(f"say here how {act} is tried, and in who_may.csv who may")


@pytest.mark.parametrize("act", [word(one) for one in members(Commands)])
async def test_whoever_must_not_act_cannot(world: ComingWorld, act: str) -> None:
    stage, may = Stage(world), []
    await stage.ready_for(act)
    for relation, role, who in everybody(PLACES):
        if role is not None and (act, relation, role) in WHO_MAY:
            may.append(who)
            continue
        assert code_of(await stage.attempt(act, who)), f"{role} of {relation} did {act}"
    assert may, "somebody has to be able to"
    for number, who in enumerate(may):
        if number:
            await stage.ready_for(act)
        assert code_of(await stage.attempt(act, who)) == "", who


async def test_nobody_of_the_office_has_two_parts_in_a_case(world: ComingWorld) -> None:
    """Who has entered it, who has returned it for the other province, and who has corrected it."""
    stage = Stage(world)
    await stage.ready_for(word(ResubmitOutward))
    returner = somebody("returner", PROVINCE, Role.AUTHORITY_OFFICER)
    for act in (word(ResubmitOutward), word(WithdrawOutward)):
        assert code_of(await stage.attempt(act, returner)) == "case.same_person"
    corrector = somebody("corrector", PROVINCE, Role.AUTHORITY_OFFICER, Role.LEADER)
    assert code_of(await stage.attempt(word(ResubmitOutward), corrector)) == ""
    for who in (corrector, CLERK):
        assert code_of(await stage.attempt(word(DecideOutside), who)) == "case.same_person"
    for step, organisation in ((Step.RELEASING_SCHOOL, RELEASING.code), (Step.RELEASING_AUTHORITY, AUTHORITY)):
        if step is Step.RELEASING_SCHOOL:
            assert code_of(await stage.attempt(word(DecideOutside), returner)) == ""
        for account in ("returner", "corrector", CLERK.account):
            roles = (Role.PRINCIPAL, Role.AUTHORITY_OFFICER, Role.LEADER)
            reply = await world.decide(stage.case, step, who=somebody(account, organisation, *roles))
            assert code_of(reply) == "case.same_person", (account, step)
        if step is Step.RELEASING_SCHOOL:
            principal = somebody("principal", organisation, Role.PRINCIPAL)
            assert code_of(await world.decide(stage.case, step, who=principal)) == ""
