"""Whatever a school, the authority, the province office and the school's registrar do for children of another province in
whatever order, whatever breaks off and comes twice: a child is expected by one case, has one record and one place (15.2,
23)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from coming_world import ComingWorld
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from outside_world import SECOND_CLERK, THIRD_CLERK
from registry.holds import arrivals
from registry.registration import store
from shared_contracts.holds import ExpectArrival, GrantHold
from shared_contracts.identity import NumberKind
from shared_contracts.transfer import (
    RetryTransfer,
    Step,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from transfer.cases import expiring
from transfer_world import OFFICER, RECEIVING, REGISTRAR, Broken
from transfer_world import SECOND_OFFICER as OFFICER_TOO

CHILDREN = 2
_acts = st.tuples(
    st.sampled_from(
        ["come"] * 3 + ["approve"] * 6 + ["through"] * 4 + ["register"] * 3 + ["number"] * 3 + ["record"] * 4
        + ["reject", "withdraw", "drop", "expire", "retry", "give_up", "carry", "carry", "carry", "settle", "again"]
    ),
    st.sampled_from(range(CHILDREN)),
    st.sampled_from([None, None, None, "before", "after"]),
)  # fmt: skip
_SERIALS = iter(range(1, 499))


class History:
    def __init__(self, world: ComingWorld) -> None:
        self.world = world
        self.serials = [next(_SERIALS) for _ in range(CHILDREN)]
        self.cases: list[list[str]] = [[] for _ in range(CHILDREN)]

    async def act(self, what: str, which: int, fault: str | None) -> None:
        world = self.world
        if fault is not None:
            for kind in (ExpectArrival, GrantHold):
                getattr(world.between, fault)[kind] = Broken()
        with contextlib.suppress(Broken):
            await self.one(what, which)
        world.between.before.clear()
        world.between.after.clear()

    async def one(self, what: str, which: int) -> None:
        world, cases = self.world, self.cases[which]
        if what == "carry":
            await world.carry()
        elif what == "settle":
            await world.settle_intents()
        elif what == "again":
            for name in ("transfer", "registry"):
                world._carried[name] = max(0, world._carried[name] - 3)
            await world.carry()
        elif what == "expire":
            days = world.deps.policy.parameters("230000", world.clock.today()).transfer_stale_days
            moment = world.clock.moment
            world.clock.pass_(days=days)
            await expiring.expire(world.kit, world.deps)
            world.clock.moment = moment
        elif what == "come":
            reply = await world.come(self.serials[which], exception="家长在附近工作")
            if isinstance(reply, TransferView):
                cases.append(reply.id)
        elif cases and what == "through":
            for _ in Step:
                await self.on("approve", cases[-1])
            await world.carry()
        elif cases and what == "record":
            for part in ("register", "number"):
                await self.on(part, cases[-1])
            await world.carry()
        elif cases:
            await self.on(what, cases[-1])

    async def on(self, what: str, case: str) -> None:
        world = self.world
        seen = await world.seen(case)
        step = seen.waits_for
        if what == "withdraw":
            await world.do(WithdrawTransfer(command_id=world.id(), actor=REGISTRAR, transfer_id=case, reason="不来了"))
        elif what == "give_up":
            await world.do(
                RetryTransfer(command_id=world.id(), actor=OFFICER_TOO, transfer_id=case, give_up=True, reason="不来了")
            )
        elif what == "retry":
            command = RetryTransfer(
                command_id=world.id(), actor=OFFICER, transfer_id=case, override=bool(seen.student_id), reason="已核实"
            )
            await world.do(command)
        elif what in ("approve", "reject") and step is Step.RECEIVING_AUTHORITY:
            await world.decide(case, step, what, reason="按规定办理")
        elif what in ("approve", "reject") and step is not None:
            who = SECOND_CLERK if step is Step.RELEASING_SCHOOL else THIRD_CLERK
            await world.enter(case, step, what, who=who, reason="按规定办理")
        elif what == "register":
            await self.register(case)
        elif what in ("drop", "number"):
            await self.end(what, case)

    async def register(self, case: str) -> None:
        """As identity has it: a person who is registered is nobody else's."""
        rows = await self.world.registry.sql(
            """SELECT a.case_id FROM expected_arrivals a WHERE a.case_id = $1
               AND NOT EXISTS (SELECT FROM registrations r WHERE r.person_id = a.person_id AND NOT r.closed)""",
            case,
        )
        if rows:
            await self.world.register(case)

    async def end(self, what: str, case: str) -> None:
        rows = await self.world.registry.sql(
            """SELECT r.id FROM registrations r JOIN expected_arrivals a ON a.registration_id = r.id
               WHERE a.case_id = $1 AND NOT r.closed AND r.registered_at IS NULL""",
            case,
        )
        for row in rows:
            if what == "number":
                kind = NumberKind.L if self.world.id() > "8" else NumberKind.G
                await self.world.number(row["id"], kind)
            else:
                async with self.world.registry.db.unit(self.world.registry.deps) as work:
                    await arrivals.expect_again(work, await store.close(work.tx, [row["id"]]))

    async def consistent(self, *, settled: bool) -> None:
        """One record, one expectation, one place a child, and the place where the child is."""
        sql = self.world.registry.sql
        for table, where in (("students", "live"), ("expected_arrivals", "open"), ("registrations", "NOT closed")):
            rows = await sql(f"SELECT person_id FROM {table} WHERE {where} GROUP BY person_id HAVING count(*) > 1")
            assert rows == [], table
        rows = await sql(
            """SELECT h.case_id, h.state, h.seat_school, h.student_id, a.open, a.registration_id,
                      r.closed, r.registered_at IS NOT NULL AS recorded
               FROM change_holds h JOIN expected_arrivals a USING (case_id) LEFT JOIN registrations r
                 ON r.id = a.registration_id"""
        )
        for row in rows:
            assert row["open"] == (row["state"] == "held"), dict(row)
            assert row["seat_school"] is None or row["registration_id"] is None, "the place is counted once"
            assert (row["state"] == "applied") == bool(row["recorded"]), dict(row)
            assert not row["closed"], dict(row)
        if settled:
            await self.agree({row["case_id"]: row for row in rows})

    async def agree(self, holds: dict[str, Any]) -> None:
        """Case by case, the two services say the same."""
        for row in await self.world.sql(
            "SELECT t.id, t.student_id, t.outcome, t.seat, c.status FROM transfers t JOIN cases c ON c.id = t.id"
        ):
            hold = holds.pop(row["id"])
            under_way = row["status"] in ("open", "returned") or row["outcome"] in ("moving", "attention")
            wanted = "applied" if row["student_id"] else "held" if under_way else "released"
            assert hold["state"] == wanted, (dict(row), dict(hold))
            if wanted == "held" and row["outcome"] is None:
                assert (hold["seat_school"] is not None) == row["seat"], (dict(row), dict(hold))
        assert "held" not in {one["state"] for one in holds.values()}, "held by nothing"


@pytest.mark.integration
@pytest.mark.clause("15.2", "23", "24.2.2", "24.5.1")
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(_acts, min_size=8, max_size=24))
async def test_one_child_has_one_case_one_place_and_one_record(
    world: ComingWorld, acts: list[tuple[str, int, str | None]]
) -> None:
    if not await world.registry.sql("SELECT FROM classes WHERE school = $1", RECEIVING.code):
        await world.registry.pupils(RECEIVING, 3, 1, 2)
    history = History(world)
    for which in range(CHILDREN):
        await history.act("come", which, None)
    for act in acts:
        await history.act(*act)
        await history.consistent(settled=False)
    await world.settle_intents()
    await world.carry()
    await history.consistent(settled=True)
    for case in (case for cases in history.cases for case in cases):
        seen = await world.seen(case)
        event(f"a case ended as {seen.state}")
        if seen.state is TransferState.COMPLETED:
            assert seen.student_id
