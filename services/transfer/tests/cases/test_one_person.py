"""Nobody decides two steps of a case: not in another role, not after another appointment, not by opening and then approving.

The pairs are made from the kind of case itself, step by step; what is said of each stands in `tables/one_person.csv`. A case
goes all its ways, each act by an account of its own, and before each act every account that has acted before, appointed to
where the act belongs, tries it (24.5.1, 24.5.2).
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from casework.kinds import CaseKind, StepKind
from moving_world import FIVE_FOUR, NEIGHBOUR
from regulation.parameters import Parameters
from shared_contracts.actors import Actor, Role
from shared_contracts.messages import Command
from shared_contracts.transfer import (
    DecideTransfer,
    GetTransfer,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Step,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from transfer.rules.kind import SETTLING, kind
from transfer_world import RECEIVING, RELEASING, TransferWorld, one_signature_from
from verdicts import ONE_PERSON, ROLES, code_of, one_person_may, somebody

pytestmark = [pytest.mark.integration, pytest.mark.clause("24.5.1", "24.5.2")]

FULL = 45
SAME = "case.same_person"
WHY = "按规定办理"
EXCEPTION = "全家迁居，附近没有其他学校"
OFFERED = {"correct": "resubmit", "take_back": "withdraw", "settle": "retry"}
"""What a reader is shown for an act (`TransferView.may`); everything at a step but a re-routing is `decide`."""


class Case:
    """One case under way. `acted`: which account has done what, in order."""

    def __init__(self, world: TransferWorld, *, apart: bool, one_signature: bool) -> None:
        self.world, self.apart, self.one_signature = world, apart, one_signature
        self.acted: list[tuple[str, str]] = []
        self.seen: TransferView
        self.student = ""

    async def begin(self) -> None:
        """The school applied for is full, another one of the authority has places."""
        registry = self.world.registry
        await registry.pupils(RECEIVING, 3, 1, FULL)
        await registry.pupils(FIVE_FOUR, 3, 1, FULL - 1)
        self.student, *_ = await registry.pupils(NEIGHBOUR if self.apart else RELEASING, 3, 1, 2)
        account = self.account("open")
        reply = await self.world.open(self.student, somebody(account, RECEIVING.code, Role.REGISTRAR), EXCEPTION)
        self.seen = done(reply)

    @property
    def kind(self) -> CaseKind:
        authority = self.seen.to_authority
        parameters = self.world.deps.policy.parameters(authority, self.world.clock.today())
        return kind(parameters, same_authority=authority == self.seen.from_authority)

    def account(self, act: str) -> str:
        """A new one for this act; that it acted is remembered."""
        name = f"person-{len(self.acted)}"
        self.acted.append((act, name))
        return name

    def place(self, act: str) -> tuple[str, tuple[Role, ...]]:
        """Whose act it is: the organisation, and the roles of which any one may."""
        if act in ("open", "correct", "take_back"):
            return self.seen.to_school, self.kind.entrant_roles
        if act == "settle":
            return self.seen.to_authority, (Role.AUTHORITY_OFFICER,)
        step = self.kind.step(act.partition(".")[0])
        party = {
            "receiving_school": self.seen.to_school,
            "receiving_authority": self.seen.to_authority,
            "releasing_school": self.seen.from_school,
            "releasing_authority": self.seen.from_authority,
        }
        return party[step.party], step.roles  # fmt: skip

    def commands(self, act: str, who: Actor) -> list[Command]:
        """All that can be said in this act."""
        here: dict[str, Any] = {"actor": who, "transfer_id": self.seen.id}

        def new(kind: Any, **more: Any) -> Command:
            command: Command = kind(command_id=self.world.id(), **here, **more)
            return command

        if act == "correct":
            application = self.world.application(self.student)
            return [new(ResubmitTransfer, application=application, version=self.seen.version, exception=EXCEPTION)]
        if act == "take_back":
            return [new(WithdrawTransfer, reason=WHY), new(WithdrawTransfer, reason=WHY, by_guardian=True)]
        if act == "settle":
            return [
                new(RetryTransfer, override=True, reason=WHY),
                new(RetryTransfer),
                new(RetryTransfer, give_up=True, reason=WHY),
            ]
        if act.endswith(".reroute"):
            return [new(RerouteTransfer, school=FIVE_FOUR.code, reason=WHY)]
        step = self.kind.step(act.partition(".")[0])
        found = [
            new(DecideTransfer, step=Step(step.name), decision=decision, reason=WHY, asks=("phone",))
            for decision in step.decisions
        ]
        if step.may_override:
            found.append(new(DecideTransfer, step=Step(step.name), decision="approve", reason=WHY, override=True))
        return found

    # ---- trying ------------------------------------------------------------------------------------------------------

    async def tried(self, act: str) -> None:
        """Everybody who has acted before, appointed to this act's place: refused, but where the table says otherwise."""
        organisation, roles = self.place(act)
        offered = OFFERED.get(act, "reroute" if act.endswith(".reroute") else "decide")
        for earlier, account in self.acted:
            may = one_person_may(earlier, act, one_signature=self.one_signature)
            said = f"{earlier} and then {act}"
            for held in ((roles[0],), ROLES):
                who = somebody(account, organisation, *held)
                seen = await self.world.seen(self.seen.id, who)
                assert (offered in seen.may) is may, said
                if may:
                    continue
                for command in self.commands(act, who):
                    assert code_of(await self.world.do(command)) == SAME, (said, command)
        after = done(
            await self.world.ask(GetTransfer(actor=somebody("x", organisation, *roles), transfer_id=self.seen.id))
        )
        assert after.version == self.seen.version, "nobody has moved it"

    async def act(self, name: str, command: int = 0) -> None:
        """Tried by everybody else, and then done by somebody new."""
        where = name.partition(".")[0] if not name.endswith(".reroute") else name
        await self.tried(where)
        if self.seen.state in (TransferState.OPEN, TransferState.RETURNED):
            await self.tried("take_back")
        organisation, roles = self.place(where)
        who = somebody(self.account(name), organisation, roles[-1])
        self.seen = done(await self.world.do(self.commands(where, who)[command]))

    async def step(self, step: StepKind, *, reroute: bool, override: bool) -> None:
        """Everything that can be done at it, and at last its approval."""
        said = list(step.decisions)
        if step.may_reroute and reroute:
            await self.act(f"{step.name}.reroute")
        if "return" in said:
            await self.act(f"{step.name}.return", said.index("return"))
            await self.act("correct")
        over = override and step.may_override
        await self.act(f"{step.name}.{'override' if over else 'approve'}", len(said) if over else said.index("approve"))


def done(reply: Any) -> TransferView:
    assert isinstance(reply, TransferView), reply
    return reply


@pytest.mark.parametrize(
    ("apart", "reroute", "override", "one_signature"),
    [
        pytest.param(False, True, False, False, id="one authority"),
        pytest.param(True, True, True, False, id="two authorities"),  # beyond the window between counties
        pytest.param(False, False, True, False, id="no place"),
        pytest.param(False, True, False, True, id="one signature"),
    ],
)
async def test_nobody_has_two_parts_in_a_case(
    world: TransferWorld, apart: bool, reroute: bool, override: bool, one_signature: bool
) -> None:
    case = Case(world, apart=apart, one_signature=one_signature)
    await case.begin()
    for step in case.kind.steps:
        await case.step(step, reroute=reroute, override=override)
        if one_signature and step.may_reroute:  # from tomorrow on: the signature of today serves its own step alone
            one_signature_from(world, world.clock.today() + timedelta(days=1))
            world.clock.pass_(days=1)
    assert case.seen.state is TransferState.MOVING
    if not reroute:
        return  # the place beyond the standard stays its own
    await world.registry.pupils(FIVE_FOUR, 3, 1, 1)
    await world.carry()
    case.seen = done(await world.ask(GetTransfer(actor=somebody("x", case.seen.to_authority, Role.AUTHORITY_OFFICER),
                                                 transfer_id=case.seen.id)))  # fmt: skip
    assert case.seen.state is TransferState.NEEDS_ATTENTION
    await case.act("settle")
    assert case.seen.state is TransferState.MOVING


async def test_one_person_for_each_part_is_enough(world: TransferWorld) -> None:
    """Four people take a case all its ways: what the table allows to one of them is possible."""
    case = Case(world, apart=False, one_signature=False)
    await case.begin()
    parts = {"open": "person-0", "correct": "person-0"}
    case.account = lambda act: parts.setdefault(act if act in parts else act.partition(".")[0], f"of-{act}")  # type: ignore[method-assign]
    case.acted = []
    for step in case.kind.steps:
        await case.step(step, reroute=True, override=False)
    assert case.seen.state is TransferState.MOVING
    rows = await world.sql("SELECT DISTINCT account FROM case_decisions WHERE case_id = $1", case.seen.id)
    assert len(rows) == 1 + len(case.kind.steps)


def test_the_table_names_what_there_is() -> None:
    """A pair of the table that cannot occur is a mistake in writing."""
    chain = kind(Parameters.for_("230000", date(2026, 9, 10)), same_authority=False)
    steps = {step.name for step in chain.steps}
    acts = {"approve", "return", "reroute", "override"}
    earlier = {"open", "correct", "open_round"} | {f"{step}.{act}" for step in steps for act in acts}
    later = {"correct", "take_back", "settle", "draw_round"} | steps | {f"{step}.reroute" for step in steps}
    assert {one for one, _ in ONE_PERSON} <= earlier
    assert {one for _, one in ONE_PERSON} <= later
    assert SETTLING not in steps
