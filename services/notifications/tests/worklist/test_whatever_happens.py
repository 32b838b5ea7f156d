"""Whatever people do in whatever order, whoever is appointed elsewhere, leaves or is sealed: a row stands in an account's
queues exactly where the account can act on it, each once, and counts are what the rows are (15.1, 24.5.1).

A Hypothesis state machine over the real handlers of three services on real databases: transfer and registry, whose cases are
told to notifications late, twice and out of order. What an account can do is the transfer service's own word
(`TransferView.may`), which `services/transfer/tests/cases/test_one_person.py` holds against what it then lets happen.
"""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Coroutine
from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, event, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from notifications.app import SERVICE
from registry.organisations.store import put_versions
from registry_world import AUTHORITY, CITY, SCHOOL, view
from shared_contracts.actors import Actor, Role
from shared_contracts.evidence import EvidenceKind
from shared_contracts.messages import subject
from shared_contracts.transfer import (
    DecideTransfer,
    ListTransfers,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    TransferPage,
    TransfersStand,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from shared_contracts.worklist import Queue
from transfer.cases import expiring
from transfer_world import TransferWorld
from worklist_desk import WorklistDesk

pytestmark = [pytest.mark.integration, pytest.mark.hypothesis, pytest.mark.clause("15.1", "24.5.1")]

STANDARD, GRADE, PUPILS = 45, 3, 4
ACTING = frozenset({"decide", "resubmit", "retry"})
"""What is waited for. Whoever may decide may re-route as well, and a case is taken back by whoever likes."""
WHY = "按规定办理"
_codes = itertools.count(70_000)
_anybody, _whose, _decision = (
    st.integers(0, 9),
    st.integers(0, 7),
    st.sampled_from(["approve"] * 4 + ["return", "reject"]),
)


class Scene:
    """One history: three schools of its own, ten accounts of which each is where it is appointed now."""

    def __init__(self, world: TransferWorld, desk: WorklistDesk) -> None:
        self.world, self.desk = world, desk
        self.number = next(_codes)
        self.from_, self.to, self.elsewhere = (
            msgspec.structs.replace(SCHOOL, code=f"21231{next(_codes)}", name=f"第{n}小学") for n in range(3)
        )
        to, from_, elsewhere = self.to.code, self.from_.code, self.elsewhere.code
        self.posts: list[tuple[str, tuple[Role, ...]]] = [
            (to, (Role.REGISTRAR,)),
            (elsewhere, (Role.REGISTRAR,)),
            (from_, (Role.PRINCIPAL,)),
            (AUTHORITY, (Role.AUTHORITY_OFFICER,)),
            (AUTHORITY, (Role.LEADER,)),
            (AUTHORITY, (Role.AUTHORITY_OFFICER, Role.LEADER)),
            (to, (Role.REGISTRAR, Role.PRINCIPAL)),
            (CITY, (Role.AUTHORITY_OFFICER,)),
        ]
        first = (0, 0, 1, 2, 2, 3, 3, 4, 6, 7)
        self.people = {f"p{self.number}.{n}": self.posts[post] for n, post in enumerate(first)}
        self.sealed: set[str] = set()
        self.pupils: list[str] = []
        self.told: list[TransfersStand] = []
        self.late: list[TransfersStand] = []
        self._seq = 0

    async def begin(self) -> None:
        registry = self.world.registry
        schools = [view(school) for school in (self.from_, self.to, self.elsewhere)]
        async with registry.db.transaction() as tx:
            await put_versions(tx, schools, date(2020, 1, 1))
        await self.world.know(schools)
        self.pupils = await registry.pupils(self.from_, GRADE, 1, PUPILS)
        await registry.pupils(self.to, GRADE, 1, STANDARD - 2)
        await registry.pupils(self.elsewhere, GRADE, 1, STANDARD - 1)
        (last,) = await self.world.sql("SELECT coalesce(max(seq), 0) AS seq FROM outbox")
        self._seq = last["seq"]

    def actor(self, account: str) -> Actor:
        """As access would say it now: whoever has left has no roles, those of a sealed organisation are withheld."""
        organisation, roles = self.people[account]
        if organisation in self.sealed:
            return Actor(account=account, name="某人", organisation=organisation, roles=(), withheld=roles)
        return Actor(account=account, name="某人", organisation=organisation, roles=roles)

    def somebody(self, n: int) -> Actor:
        return self.actor(list(self.people)[n])

    async def seen(self, who: Actor) -> list[TransferView]:
        page = await self.world.ask(ListTransfers(actor=who, limit=200))
        return list(page.items) if isinstance(page, TransferPage) else []

    async def can(self, *what: str) -> list[tuple[Actor, TransferView]]:
        """Accounts and cases on which they can act so now."""
        return [
            (who, case)
            for who in map(self.actor, self.people)
            for case in await self.seen(who)
            if {*what} & {*case.may}
        ]

    async def do(self, command: Any, who: Actor, case: TransferView, **more: Any) -> None:
        await self.world.do(command(command_id=self.world.id(), actor=who, transfer_id=case.id, **more))

    # ---- telling and looking ---------------------------------------------------------------------------------------

    async def hear(self) -> list[TransfersStand]:
        rows = await self.world.sql(
            "SELECT seq, payload FROM outbox WHERE subject = $1 AND seq > $2 ORDER BY seq",
            subject(TransfersStand),
            self._seq,
        )
        self._seq = rows[-1]["seq"] if rows else self._seq
        found = [msgspec.json.decode(row["payload"], type=TransfersStand) for row in rows]
        self.told += found
        return found

    async def tell(self, events: list[TransfersStand]) -> None:
        for told in events:
            async with self.desk.db.unit(self.desk.deps) as work:
                await SERVICE.events[TransfersStand](work, told)

    async def look(self) -> set[str]:
        """What stood in which queue."""
        stood: set[str] = set()
        self.desk.clock.moment = self.world.clock.moment
        for who in map(self.actor, self.people):
            cases = await self.seen(who)
            rows = await self.desk.rows(who)
            mine = {case.id for case in cases if {*case.may} & ACTING}
            below = {case.id for case in cases if self._below(who, case)} - mine
            assert len({row.id for row in rows}) == len(rows), "no row stands in two queues"
            assert {row.id for row in rows if row.queue is not Queue.SUPERVISE} == mine, who
            assert {row.id for row in rows if row.queue is Queue.SUPERVISE} == below, who
            counted = {queue: sum(row.queue is queue for row in rows) for queue in {row.queue for row in rows}}
            assert await self.desk.counts(who) == counted, who
            for row in rows:
                stood.add(f"{row.queue}: {row.step}")
                (case,) = (one for one in cases if one.id == row.id)
                assert row.queue is self._queue(case, row.id in mine), (row, case)
        return stood

    def _below(self, who: Actor, case: TransferView) -> bool:
        """Overdue with somebody whom this authority supervises."""
        if case.state is not TransferState.OPEN or not case.overdue or case.waits_for is None:
            return False
        superior = AUTHORITY if case.waits_for == "releasing_school" else CITY
        return who.organisation == superior and who.has(Role.AUTHORITY_OFFICER, Role.LEADER)

    @staticmethod
    def _queue(case: TransferView, mine: bool) -> Queue:
        if not mine:
            return Queue.SUPERVISE
        if case.state is TransferState.RETURNED:
            return Queue.RETURNED
        return Queue.OVERDUE if case.overdue else Queue.REVIEW


class Machine(RuleBasedStateMachine):
    """Its steps run in the test's event loop, which waits for it in another thread."""

    world: TransferWorld
    desk: WorklistDesk
    loop: asyncio.AbstractEventLoop

    def wait(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(120)

    @initialize(which=st.integers(0, 50), times=st.integers(0, 4))
    def begin(self, which: int, times: int) -> None:
        self.scene = Scene(self.world, self.desk)
        self.wait(self.scene.begin())
        for n in range(2):
            self.open(n, n)
        self.goes_on(which, times)

    # ---- what is done to cases -------------------------------------------------------------------------------------

    @rule(pupil=st.integers(0, PUPILS - 1), n=_anybody)
    def open(self, pupil: int, n: int) -> None:
        who = self.scene.somebody(n)

        async def opened() -> None:
            if not who.has(Role.REGISTRAR):
                return
            papers = await self.world.papers(EvidenceKind.RESIDENCE, organisation=who.organisation)
            await self.world.open(self.scene.pupils[pupil], who, "全家迁居", evidence=papers)

        self.wait(opened())

    def one(self, which: int, *what: str) -> tuple[Actor, TransferView] | None:
        found = self.wait(self.scene.can(*what))
        return found[which % len(found)] if found else None

    @rule(which=st.integers(0, 50), decision=_decision)
    def decide(self, which: int, decision: str) -> None:
        if found := self.one(which, "decide"):
            who, case = found
            principles = decision == "approve" and case.waits_for == "receiving_authority" and not case.seat
            more = {"asks": ("phone",)} if decision == "return" else {"override": principles}
            self.wait(
                self.scene.do(DecideTransfer, who, case, step=case.waits_for, decision=decision, reason=WHY, **more)
            )

    @rule(which=st.integers(0, 50), times=st.integers(1, 3))
    def goes_on(self, which: int, times: int) -> None:
        for n in range(times):
            self.decide(which + n, "approve")

    @rule(which=st.integers(0, 50))
    def correct(self, which: int) -> None:
        if found := self.one(which, "resubmit"):
            who, case = found
            application = self.world.application(case.student_id)
            more = {"application": application, "version": case.version, "exception": "全家迁居"}
            self.wait(self.scene.do(ResubmitTransfer, who, case, **more))

    @rule(which=st.integers(0, 50))
    def reroute(self, which: int) -> None:
        if found := self.one(which, "reroute"):
            self.wait(self.scene.do(RerouteTransfer, *found, school=self.scene.elsewhere.code, reason=WHY))

    @rule(which=st.integers(0, 50))
    def take_back(self, which: int) -> None:
        if found := self.one(which, "withdraw"):
            self.wait(self.scene.do(WithdrawTransfer, *found, reason=WHY))

    @rule(which=st.integers(0, 50), give_up=st.booleans())
    def settle(self, which: int, give_up: bool) -> None:
        if found := self.one(which, "retry"):
            self.wait(self.scene.do(RetryTransfer, *found, give_up=give_up, override=not give_up, reason=WHY))

    @rule(crowd=st.booleans())
    def carry(self, crowd: bool) -> None:
        """The registry moves what everybody has approved, or cannot: the last place was taken by others."""
        if crowd:
            self.wait(self.world.registry.pupils(self.scene.to, GRADE, 1, 1))
        self.wait(self.world.carry())

    @rule(days=st.sampled_from([1, 3, 16, 40]))
    def time_passes(self, days: int) -> None:
        self.world.clock.pass_(days=days)
        self.wait(expiring.expire(self.world.kit, self.world.deps))

    # ---- what becomes of people ------------------------------------------------------------------------------------

    @rule(n=_anybody, post=_whose)
    def appointed_elsewhere(self, n: int, post: int) -> None:
        self.scene.people[list(self.scene.people)[n]] = self.scene.posts[post]

    @rule(n=_anybody, which=st.integers(0, 50))
    def appointed_where_it_waits(self, n: int, which: int) -> None:
        """Beside whoever can act there: perhaps somebody who has had another part in the case."""
        if found := self.one(which, *ACTING):
            who, _ = found
            self.scene.people[list(self.scene.people)[n]] = (who.organisation, who.roles)

    @rule(n=_anybody)
    def leaves(self, n: int) -> None:
        account = list(self.scene.people)[n]
        self.scene.people[account] = (self.scene.people[account][0], ())

    @rule(post=_whose)
    def sealed(self, post: int) -> None:
        self.scene.sealed ^= {self.scene.posts[post][0]}

    # ---- what is told ----------------------------------------------------------------------------------------------

    @rule(order=st.integers(0, 1000), kept=st.integers(0, 1000), again=st.integers(0, 1000))
    def told_in_any_order(self, order: int, kept: int, again: int) -> None:
        """Some of it late, some of it twice. What is drawn does not depend on how much there is to tell: that much may differ
        between two runs of one history, of which Hypothesis asks that they draw alike."""
        waiting = self.scene.late + self.wait(self.scene.hear())
        random.Random(order).shuffle(waiting)
        kept %= len(waiting) + 1
        twice = [self.scene.told[again % len(self.scene.told)]] if self.scene.told else []
        self.scene.late = waiting[kept:]
        self.wait(self.scene.tell([*waiting[:kept], *twice]))

    @precondition(lambda self: hasattr(self, "scene"))
    @rule()
    def looked_at(self) -> None:
        self.wait(self.scene.tell(self.scene.late + self.wait(self.scene.hear())))
        self.scene.late = []
        for one in sorted(self.wait(self.scene.look())):
            event(one)

    def teardown(self) -> None:
        if hasattr(self, "scene"):
            self.looked_at()


async def test_whatever_happens_the_queues_hold_what_can_be_done(world: TransferWorld, desk: WorklistDesk) -> None:
    loop_ = asyncio.get_running_loop()

    class Here(Machine):
        loop = loop_

    Here.world, Here.desk = world, desk
    given = settings(
        max_examples=8,
        stateful_step_count=20,
        deadline=None,
        database=None,
        phases=(Phase.generate,),  # a history is read as it was: to shorten it would take longer than the whole run
        suppress_health_check=list(HealthCheck),
    )
    await asyncio.to_thread(run_state_machine_as_test, Here, settings=given)
