"""Whatever the province office, our schools and authorities do in whatever order, whatever breaks off and comes twice: each
pupil is in one school of ours, or written down as being in another province (21.2, 23, 24.5.1)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from outside_world import ASKED, CLERK, LEADER, SECOND_CLERK, THIRD_CLERK, OutsideWorld
from registry_world import OTHER_SCHOOL
from shared_contracts.holds import GrantHold
from shared_contracts.outside_transfers import ResubmitOutward, WithdrawOutward
from shared_contracts.transfer import RetryTransfer, Step, TransferState, TransferView
from transfer_world import OFFICER, PRINCIPAL, RECEIVING, RELEASING, SECOND_OFFICER, Broken, killed_before_the_commit

PUPILS = 3
_faults = st.sampled_from([None, None, None, "before", "after", "commit"])
_acts = st.tuples(
    st.sampled_from(
        ["leave"] * 3 + ["inside"] + ["approve"] * 7
        + ["reject", "return", "resubmit", "withdraw", "retry", "carry", "carry", "settle", "again"]
    ),
    st.sampled_from(range(PUPILS)),
    _faults,
)  # fmt: skip
DECIDERS = {
    Step.RECEIVING_AUTHORITY: OFFICER,
    Step.RELEASING_SCHOOL: PRINCIPAL,
    Step.RELEASING_AUTHORITY: SECOND_OFFICER,
}


class History:
    def __init__(self, world: OutsideWorld, pupils: list[str]) -> None:
        self.world, self.pupils = world, pupils
        self.cases: dict[int, list[str]] = {n: [] for n in range(PUPILS)}

    async def act(self, what: str, which: int, fault: str | None) -> None:
        world = self.world
        if what == "carry":
            return await world.carry()
        if what == "settle":
            return await world.settle_intents()
        if what == "again":
            for name in ("transfer", "registry"):
                world._carried[name] = max(0, world._carried[name] - 3)
            return await world.carry()
        if fault in ("before", "after"):
            getattr(world.between, fault)[GrantHold] = Broken()
        broken = killed_before_the_commit() if fault == "commit" else contextlib.nullcontext()
        with contextlib.suppress(Broken), broken:
            await self.one(what, which)
        world.between.before.clear()
        world.between.after.clear()
        return None

    async def one(self, what: str, which: int) -> None:
        world, cases, pupil = self.world, self.cases[which], self.pupils[which]
        if what in ("leave", "inside"):
            reply = await (world.leave(pupil) if what == "leave" else world.open(pupil))
            if isinstance(reply, TransferView):
                cases.append(reply.id)
            return
        if not cases:
            return
        case = cases[-1]
        seen = await world.seen(case, CLERK)
        outside = seen.outside is not None
        if what == "withdraw" and outside:
            await world.do(WithdrawOutward(command_id=world.id(), actor=CLERK, transfer_id=case, reason="不转了"))
        elif what == "retry":
            who = THIRD_CLERK if outside else OFFICER
            await world.do(RetryTransfer(command_id=world.id(), actor=who, transfer_id=case))
        elif what == "resubmit" and outside:
            values = await world.asked(pupil)
            await world.do(
                ResubmitOutward(
                    command_id=world.id(), actor=CLERK, transfer_id=case, application=values["application"],
                    document=ASKED, version=seen.version,
                )
            )  # fmt: skip
        elif what in ("approve", "reject", "return"):
            step = seen.waits_for or Step.RELEASING_AUTHORITY
            more: dict[str, Any] = {"asks": ("phone",)} if what == "return" else {}
            if outside and step is Step.RECEIVING_AUTHORITY:
                who = SECOND_CLERK if which else LEADER
                await world.enter(case, step, what, who=who, reason="按规定办理", **more)
            else:
                await world.decide(case, step, what, who=DECIDERS[step], reason="按规定办理", **more)

    async def consistent(self, *, settled: bool) -> None:
        rows = await self.world.registry.sql(
            """SELECT s.id, s.live, s.state, s.school, count(k.id) AS classes, min(k.school) AS class_school,
                      (SELECT count(*) FROM outside_places p WHERE p.student_id = s.id) AS outside,
                      (SELECT count(*) FROM journal j WHERE j.student_id = s.id AND j.kind = 'transferred_out') AS left,
                      (SELECT count(*) FROM change_holds h WHERE h.student_id = s.id AND h.state = 'held') AS held
               FROM students s LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
               LEFT JOIN classes k ON k.id = m.class_id
               WHERE s.id = ANY($1::text[]) GROUP BY s.id""",
            self.pupils,
        )
        assert len(rows) == PUPILS, "nobody is lost"
        for row in rows:
            here = row["live"] and row["classes"] == 1 and row["class_school"] == row["school"]
            there = row["state"] == "transferred_out" and not row["live"] and row["classes"] == 0
            assert here != there, dict(row)
            assert (row["outside"], row["left"]) == ((1, 1) if there else (0, 0)), dict(row)
            assert row["held"] <= 1
        if settled:
            await self.agree({row["id"]: row["state"] == "transferred_out" for row in rows})

    async def agree(self, gone: dict[str, bool]) -> None:
        """Case by case, the two services say the same."""
        cases = await self.world.sql(
            """SELECT t.id, t.student_id, t.outcome, c.status, o.case_id IS NOT NULL AS outside
               FROM transfers t JOIN cases c ON c.id = t.id LEFT JOIN outside_parties o ON o.case_id = t.id
               WHERE t.student_id = ANY($1)""",
            self.pupils,
        )
        rows = await self.world.registry.sql(
            "SELECT case_id, state FROM change_holds WHERE student_id = ANY($1) OR case_id = ANY($2)",
            self.pupils,
            [row["id"] for row in cases],
        )
        holds = {row["case_id"]: row["state"] for row in rows}
        for row in cases:
            under_way = row["status"] in ("open", "returned") or row["outcome"] == "attention"
            wanted = "applied" if row["outcome"] == "moved" else "held" if under_way else "released"
            assert holds.pop(row["id"]) == wanted, dict(row)
        assert "held" not in holds.values(), "held by nothing"
        for pupil in self.pupils:
            left = [row for row in cases if row["student_id"] == pupil and row["outside"] and row["outcome"] == "moved"]
            assert len(left) == int(gone[pupil]), "who has gone has gone by one case"


@pytest.mark.integration
@pytest.mark.clause("21.2", "23", "24.5.1")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(_acts, min_size=4, max_size=20))
async def test_nobody_is_in_two_places_or_in_none(world: OutsideWorld, acts: list[tuple[str, int, str | None]]) -> None:
    if not await world.registry.sql("SELECT FROM classes WHERE school = $1", OTHER_SCHOOL.code):
        await world.registry.pupils(RECEIVING, 3, 1, 3)
    history = History(world, await world.registry.pupils(RELEASING, 3, 1, PUPILS))
    for pupil in range(PUPILS):
        await history.act("leave", pupil, None)
    for act in acts:
        await history.act(*act)
        await history.consistent(settled=False)
    await world.settle_intents()
    await world.carry()
    await history.consistent(settled=True)
    for case in (case for cases in history.cases.values() for case in cases):
        seen = await world.seen(case, CLERK)
        assert seen.state is not TransferState.MOVING, "nothing stays on its way"
        event(f"a case ended as {seen.state}")
