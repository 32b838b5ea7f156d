"""Whatever people do in whatever order, whatever breaks off and whatever comes twice: seats, holds and custody add up.

Random histories over the real handlers of both services on real databases (23, 24.2.2, 24.5.1, 24.5.2).
"""

from __future__ import annotations

import contextlib
import itertools
from datetime import date

import msgspec
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from registry.organisations.store import put_versions
from registry_world import SCHOOL, actor, view
from shared_contracts.actors import Role
from shared_contracts.evidence import EvidenceKind
from shared_contracts.holds import GrantHold
from shared_contracts.transfer import (
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Step,
    TransferState,
    TransferView,
    WithdrawTransfer,
)
from transfer_world import OFFICER, SECOND_OFFICER, Broken, TransferWorld, killed_before_the_commit

pytestmark = [pytest.mark.integration, pytest.mark.clause("23", "24.2.2", "24.5.1", "24.5.2")]

PUPILS, FREE = 4, 2
"""Who may go, and seats at the school they ask for; another school has one."""
STANDARD = 45
GRADE = 3
_codes = itertools.count(80_000)
_faults = st.sampled_from([None, None, None, "before", "after", "commit"])
_which = st.sampled_from(range(PUPILS))
_acts = st.tuples(
    st.sampled_from(
        ["open"] * 3
        + ["approve"] * 6
        + [
            "override",
            "reject",
            "return",
            "resubmit",
            "withdraw",
            "reroute",
            "retry",
            "carry",
            "carry",
            "settle",
            "again",
        ]
    ),
    _which,
    _faults,
)


class History:
    """One history in schools of its own."""

    def __init__(self, world: TransferWorld) -> None:
        self.world = world
        self.from_, self.to, self.elsewhere = (
            msgspec.structs.replace(SCHOOL, code=f"21231{next(_codes)}", name=f"{name}小学")
            for name in ("转出", "转入", "另一所")
        )
        self.pupils: list[str] = []
        self.cases: dict[int, list[str]] = {n: [] for n in range(PUPILS)}
        self.deciders = {
            Step.RECEIVING_AUTHORITY: OFFICER,
            Step.RELEASING_SCHOOL: actor(Role.PRINCIPAL, self.from_.code),
            Step.RELEASING_AUTHORITY: SECOND_OFFICER,
        }

    async def begin(self) -> None:
        registry = self.world.registry
        schools = [view(school) for school in (self.from_, self.to, self.elsewhere)]
        async with registry.db.transaction() as tx:
            await put_versions(tx, schools, date(2020, 1, 1))
        await self.world.know(schools)
        self.pupils = await registry.pupils(self.from_, GRADE, 1, PUPILS)
        await registry.pupils(self.to, GRADE, 1, STANDARD - FREE)
        await registry.pupils(self.elsewhere, GRADE, 1, STANDARD - 1)

    async def act(self, what: str, which: int, fault: str | None) -> None:
        world = self.world
        if what == "carry":
            return await world.carry()
        if what == "settle":
            return await world.settle_intents()
        if what == "again":
            return await self.redelivered()
        if fault in ("before", "after"):
            getattr(world.between, fault)[GrantHold] = Broken()
        broken = killed_before_the_commit() if fault == "commit" else contextlib.nullcontext()
        with contextlib.suppress(Broken), broken:
            await self.one(what, which)
        world.between.before.clear()
        world.between.after.clear()
        return None

    async def one(self, what: str, which: int) -> None:
        world, cases = self.world, self.cases[which]
        if what == "open":
            registrar = actor(Role.REGISTRAR, self.to.code)
            papers = await world.papers(EvidenceKind.RESIDENCE, organisation=self.to.code)
            reply = await world.open(self.pupils[which], registrar, exception="全家迁居", evidence=papers)
            if isinstance(reply, TransferView):
                cases.append(reply.id)
            return
        if not cases:
            return
        case = cases[-1]
        seen = await world.seen(case, OFFICER)
        if what == "withdraw":
            who = actor(Role.REGISTRAR, seen.to_school)
            await world.do(WithdrawTransfer(command_id=world.id(), actor=who, transfer_id=case, reason="不转了"))
        elif what == "reroute":
            await world.do(
                RerouteTransfer(
                    command_id=world.id(),
                    actor=OFFICER,
                    transfer_id=case,
                    school=self.elsewhere.code,
                    reason="统筹安排",
                )
            )
        elif what == "resubmit":
            await world.do(
                ResubmitTransfer(
                    command_id=world.id(),
                    actor=actor(Role.REGISTRAR, seen.to_school),
                    transfer_id=case,
                    application=world.application(
                        self.pupils[which],
                        evidence=await world.papers(EvidenceKind.RESIDENCE, organisation=seen.to_school),
                    ),
                    version=seen.version,
                    exception="全家迁居",
                )
            )
        elif what == "retry":
            await world.do(RetryTransfer(command_id=world.id(), actor=OFFICER, transfer_id=case))
        else:
            step = seen.waits_for or Step.RELEASING_AUTHORITY
            decision = "approve" if what == "override" else what
            asks = {"asks": ("residence",)} if decision == "return" else {}
            await world.decide(
                case, step, decision, who=self.deciders[step], reason="按规定办理", override=what == "override", **asks
            )

    async def redelivered(self) -> None:
        """The bus gives the last events once more."""
        world = self.world
        for name in ("transfer", "registry"):
            world._carried[name] = max(0, world._carried[name] - 3)
        await world.carry()

    # ---- what always holds -----------------------------------------------------------------------------------------

    async def consistent(self, *, settled: bool) -> None:
        registry, world = self.world.registry, self.world
        (twice,) = await registry.sql(
            """SELECT count(*) FROM (SELECT student_id FROM change_holds WHERE state = 'held'
               GROUP BY student_id HAVING count(*) > 1) x"""
        )
        assert twice[0] == 0, "one student, two open changes"
        rows = await registry.sql(
            """SELECT s.school, count(k.id) AS classes, bool_or(k.school <> s.school) AS astray FROM students s
               LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
               LEFT JOIN classes k ON k.id = m.class_id
               WHERE s.id = ANY($1::text[]) GROUP BY s.id""",
            self.pupils,
        )
        assert len(rows) == PUPILS, "nobody is lost"
        assert all(row["classes"] == 1 and not row["astray"] for row in rows), "in one school, and in its class"
        if settled:
            await self.agree(world)
        await self.seats()

    async def seats(self) -> None:
        """Pupils, and seats held for those to come, never above the standard but by the authority's word."""
        for school in (self.to, self.elsewhere):
            (row,) = await self.world.registry.sql(
                """SELECT (SELECT count(*) FROM class_memberships m WHERE m.class_id = $1 AND m.left_on IS NULL) AS pupils,
                          (SELECT count(*) FROM change_holds
                           WHERE state = 'held' AND seat_school = $2 AND student_id = ANY($3)) AS held""",
                self.world.registry.key(school, GRADE, 1),
                school.code,
                self.pupils,
            )
            over = await self.allowed(school.code)
            assert row["pupils"] + row["held"] <= STANDARD + over, school.name

    async def allowed(self, school: str) -> int:
        """By the authority's word: of pupils who have come, and seats that are held, those of an act that was killed too."""
        (come,) = await self.world.sql(
            """SELECT count(*) AS n FROM transfers
               WHERE over AND outcome = 'moved' AND to_school = $1 AND student_id = ANY($2)""",
            school,
            self.pupils,
        )
        (held,) = await self.world.registry.sql(
            """SELECT count(*) AS n FROM change_holds
               WHERE state = 'held' AND seat_over AND seat_school = $1 AND student_id = ANY($2)""",
            school,
            self.pupils,
        )
        return int(come["n"] + held["n"])

    async def agree(self, world: TransferWorld) -> None:
        """Case by case, the two services say the same."""
        rows = await world.sql(
            """SELECT t.id, t.student_id, t.to_school, t.seat, t.outcome, c.status
               FROM transfers t JOIN cases c ON c.id = t.id
               WHERE t.student_id = ANY($1)""",
            self.pupils,
        )
        holds = {
            row["case_id"]: row
            for row in await world.registry.sql(
                "SELECT * FROM change_holds WHERE student_id = ANY($1) OR case_id = ANY($2)",
                self.pupils,
                [row["id"] for row in rows],
            )
        }
        for row in rows:
            hold = holds.pop(row["id"])
            wanted = {"moved": "applied", "attention": "held", "expired": "released", "given_up": "released"}.get(
                row["outcome"] or "", "held" if row["status"] in ("open", "returned") else "released"
            )
            assert hold["state"] == wanted, (dict(row), dict(hold))
            if wanted == "held":
                assert hold["seat_school"] == (row["to_school"] if row["seat"] else None)
            (student,) = await world.registry.sql("SELECT school FROM students WHERE id = $1", row["student_id"])
            if wanted == "applied":
                assert student["school"] == row["to_school"]
        assert not [row for row in holds.values() if row["state"] == "held"], "held by nothing"


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(acts=st.lists(_acts, min_size=4, max_size=25))
async def test_whatever_happens(world: TransferWorld, acts: list[tuple[str, int, str | None]]) -> None:
    history = History(world)
    await history.begin()
    for pupil in range(PUPILS - 1):
        await history.act("open", pupil, None)
    for act in acts:
        await history.act(*act)
        await history.consistent(settled=False)
    await world.settle_intents()
    await world.carry()
    await history.consistent(settled=True)
    for cases in history.cases.values():
        for case in cases:
            seen = await world.seen(case, OFFICER)
            assert seen.state is not TransferState.MOVING, "nothing stays on its way"
            event(f"a case ended as {seen.state}")
