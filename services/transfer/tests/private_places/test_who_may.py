"""Who may propose, decide, open a list and draw (`tables/who_may.csv`), and who of one person both (`one_person.csv`): every
role in every organisation that can stand in some relation to a private school (24.5.3, 24.5.4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from lottery_world import OFFICER, PRIVATE, VALUE, LotteryWorld
from registry_world import AUTHORITY, CITY, PROVINCE, SCHOOL
from shared_contracts.actors import Actor, Role
from shared_contracts.messages import members, word
from shared_contracts.private_places import Commands, DecideRatio, DrawRound, OpenRound, ProposeRatio
from verdicts import ROLES, WHO_MAY, code_of, everybody, one_person_may, somebody

pytestmark = [pytest.mark.integration, pytest.mark.clause("3.1", "24.5.3", "24.5.4")]

PLACES = {
    "receiving_school": PRIVATE.code,
    "releasing_school": SCHOOL.code,
    "receiving_authority": AUTHORITY,
    "sibling_authority": "230103",
    "city": CITY,
    "other_city": "230200",
    "province": PROVINCE,
}


class Stage:
    def __init__(self, world: LotteryWorld) -> None:
        self.world, self.ratio, self.round = world, "", ""

    async def begin(self, act: str) -> None:
        world = self.world
        await world.plan(places=58, pupils=40)
        if act != word(ProposeRatio):
            self.ratio = (await world.propose()).id
        if act in (word(OpenRound), word(DrawRound)):
            await world.approve(self.ratio)
        if act == word(DrawRound):
            self.round = (await world.round()).id
            await world.applicants(3)
            await world.over()
            world.clock.pass_(days=3)

    async def attempt(self, act: str, who: Actor) -> Any:
        if act == word(ProposeRatio):
            return await self.world.propose(who=who)
        if act == word(DecideRatio):
            return await self.world.approve(self.ratio, who)
        if act == word(OpenRound):
            return await self.world.round(who)
        if act == word(DrawRound):
            return await self.world.draw(self.round, VALUE, who)
        raise NotImplementedError(f"say here how {act} is tried, and in who_may.csv who may")


@pytest.mark.parametrize("act", [word(one) for one in members(Commands)])
async def test_whoever_must_not_act_cannot(world: LotteryWorld, act: str) -> None:
    stage = Stage(world)
    await stage.begin(act)
    may = []
    for relation, role, who in everybody(PLACES):
        if role is not None and (act, relation, role) in WHO_MAY:
            may.append(who)
            continue
        assert code_of(await stage.attempt(act, who)), f"{role} of {relation} did {act}"
    (who,) = may
    assert code_of(await stage.attempt(act, who)) == "", who


async def test_nobody_decides_what_they_have_proposed(world: LotteryWorld) -> None:
    """Not after another appointment either, nor with all roles at once; and the database says so, too."""
    assert not one_person_may("propose_ratio", "decide_ratio")
    await world.plan(places=58, pupils=40)
    proposed = await world.propose(who=somebody("one", PRIVATE.code, Role.PRINCIPAL))
    for roles in ((Role.AUTHORITY_OFFICER,), ROLES):
        for decision in ("approve", "reject"):
            reply = await world.approve(proposed.id, somebody("one", AUTHORITY, *roles), decision, "理由")
            assert code_of(reply) == "ratio.same_person"
    assert code_of(await world.approve(proposed.id, somebody("two", AUTHORITY, Role.AUTHORITY_OFFICER))) == ""


async def test_a_draw_is_computed_so_one_officer_may_open_and_draw(world: LotteryWorld) -> None:
    assert one_person_may("open_round", "draw_round")
    await world.plan(places=58, pupils=40)
    await world.ratio()
    opened = await world.round(OFFICER)
    await world.applicants(4)
    await world.over()
    world.clock.pass_(days=3)
    assert world.clock.now() - opened.public_at > timedelta(0)
    assert code_of(await world.draw(opened.id, VALUE, OFFICER)) == ""
