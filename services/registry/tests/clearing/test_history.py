"""A random history of merges, undos, corrections, cancellations, with answers that come late: nothing is ever lost.

After every act: no journal entry has gone or changed, every chain closes, no person has two live records, no birth date has
changed, identity's claims are those of live records once everything has been carried over.
"""

from __future__ import annotations

import asyncio
import random
from itertools import combinations
from typing import Any

import pytest
from clearing_world import CITY_LEADER, LEADER, OFFICER, OTHER_REGISTRAR, ClearingWorld
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from registry.app import SERVICE
from registry.clearing.duplicates import store
from registry_world import OTHER_SCHOOL, PRINCIPAL, REGISTRAR, SCHOOL, actor
from regulation import authorisation
from shared_contracts.actors import Role
from shared_contracts.clearing import (
    DecideDuplicate,
    OpenCorrection,
    ReportDuplicate,
    StateDuplicate,
    UndoDuplicate,
)
from shared_contracts.decisions import Refused
from shared_contracts.identity import KeyFields
from shared_contracts.messages import word
from shared_contracts.records import GetJournal

pytestmark = pytest.mark.integration

ACTS = ("merge", "undo", "undo", "correct", "cancel", "reinstate", "carry", "carry_one", "entry")
NAMES = ["王小明", "王晓明", "李强", "赵敏"]


class Life:
    """Three records in two schools, and what is known to have happened to each."""

    def __init__(self, world: ClearingWorld) -> None:
        self.world = world
        self.records: list[str] = []
        self.born: dict[str, Any] = {}
        self.entries: dict[str, list[Any]] = {}

    async def begin(self) -> None:
        for number, school in enumerate((SCHOOL, OTHER_SCHOOL, SCHOOL)):
            one = await self.world.registered(school, name=NAMES[number])
            self.records.append(one)
            self.born[one] = (await self.world.student(one))["birth_date"]
            self.entries[one] = []

    async def act(self, name: str, pick: random.Random) -> None:
        world = self.world
        a, b = pick.sample(self.records, 2)
        if name == "merge":
            await self._merge(a, b)
        elif name == "undo":
            for one, other in combinations(self.records, 2):
                pair = store.pair_id(one, other)
                await world.do(UndoDuplicate(command_id=world.id(), actor=LEADER, duplicate_id=pair, reason="复核"))
        elif name == "correct":
            await self._correct(a, pick.choice(NAMES))
        elif name == "cancel":
            proposed = await world.propose(a)
            if not isinstance(proposed, Refused):
                await world.decide_cancellation(proposed.id)
        elif name == "reinstate":
            for row in await world.sql("SELECT id FROM cancellations WHERE student_id = $1", a):
                await world.reinstate(row["id"], CITY_LEADER)
        elif name == "carry":
            await world.carry()
        elif name == "carry_one":
            await world.carry_one("registry")
        else:
            await world.propose(a, reason="只是提出，不作决定", evidence=())

    async def _merge(self, keep: str, drop: str) -> None:
        world, pair = self.world, store.pair_id(keep, drop)
        await world.do(
            ReportDuplicate(command_id=world.id(), actor=OFFICER, record_ids=(keep, drop), reason="家长反映")
        )
        for who in (REGISTRAR, OTHER_REGISTRAR):
            paper = (await world.paper(who),)
            await world.do(
                StateDuplicate(
                    command_id=world.id(), actor=who, duplicate_id=pair, position="same", text="同一人", evidence=paper
                )
            )
        decided = await world.do(
            DecideDuplicate(
                command_id=world.id(),
                actor=OFFICER,
                duplicate_id=pair,
                decision="cancel",
                reason="依据",
                record_id=keep,
            )
        )
        if not isinstance(decided, Refused):
            await world.decide_cancellation(decided.cancellation_id)

    async def _correct(self, record: str, name: str) -> None:
        world = self.world
        school = (await world.student(record))["school"]
        registrar = REGISTRAR if school == SCHOOL.code else OTHER_REGISTRAR
        principal = PRINCIPAL if school == SCHOOL.code else actor(Role.PRINCIPAL, school)
        opened = await world.do(
            OpenCorrection(
                command_id=world.id(), actor=registrar, correction_id=world.id("correction"), student_id=record,
                values=KeyFields(name=name), reason="户口簿", evidence=(await world.paper(registrar),),
            )
        )  # fmt: skip
        if not isinstance(opened, Refused):
            await world.decide_correction(opened.id, "principal", who=principal)
            await world.decide_correction(opened.id, "authority")

    async def check(self) -> None:
        for one in self.records:
            row = await self.world.student(one)
            assert row["birth_date"] == self.born[one]
            assert row["live"] == (row["state"] == "in_school")
            journal = await self.world.ask(GetJournal(actor=OFFICER, student_id=one))
            assert journal.intact
            known = self.entries[one]
            assert list(journal.entries[: len(known)]) == known, "an entry has gone or changed"
            self.entries[one] = list(journal.entries)
        assert not await self.world.sql(
            "SELECT person_id FROM students WHERE live GROUP BY person_id HAVING count(*) > 1"
        )
        assert not await self.world.sql(
            """SELECT 1 FROM record_merges m JOIN students s ON s.id = m.cancelled_id
               WHERE m.undone_at IS NULL AND s.live"""
        )

    async def settle(self) -> None:
        """Everything has been carried over: both services say the same."""
        await self.world.carry()
        await self.check()
        live = await self.world.sql("SELECT id, person_id, name FROM students WHERE live")
        assert await self.world.holders() == {row["person_id"]: row["id"] for row in live}
        names = await self.world.identity_sql("SELECT id, name FROM persons")
        said = {row["id"]: row["name"] for row in names}
        rows = await self.world.sql("SELECT person_id, name FROM students")
        assert all(said[row["person_id"]] == row["name"] for row in rows)
        assert not await self.world.sql("SELECT 1 FROM corrections WHERE outcome = 'applying'")
        assert not await self.world.sql("SELECT 1 FROM cancellations WHERE outcome = 'reinstating'")
        assert not await self.world.identity_sql("SELECT 1 FROM staged_corrections WHERE expires_at IS NULL")


@pytest.mark.clause("21.1", "22", "39", "40", "15.2")
@settings(max_examples=20, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(acts=st.lists(st.sampled_from(ACTS), min_size=6, max_size=12), seed=st.integers(0, 2**16))
async def test_a_random_history_loses_nothing(world: ClearingWorld, acts: list[str], seed: int) -> None:
    life = Life(world)
    await life.begin()
    pick = random.Random(seed)
    for name in acts:
        await life.act(name, pick)
        await life.check()
    await life.settle()


@pytest.mark.clause("22", "39")
async def test_acts_at_once_leave_one_truth(world: ClearingWorld) -> None:
    """Merging a pair both ways, cancelling and correcting the same record, all at the same moment."""
    life = Life(world)
    await life.begin()
    a, b, _ = life.records
    await asyncio.gather(
        life._merge(a, b), life._merge(b, a), life._correct(b, "李强强"), life.act("cancel", random.Random(1))
    )
    await life.settle()


@pytest.mark.clause("22")
async def test_no_act_of_a_school_ends_a_record(world: ClearingWorld) -> None:
    """Whatever a school's people send, of all commands there are: the record stays."""
    student = await world.registered()
    ending = [
        kind
        for kind in SERVICE.commands
        if word(kind) in ("registry.propose_cancellation", "registry.decide_cancellation", "registry.decide_duplicate")
    ]
    assert len(ending) == 3
    school_roles = {Role.REGISTRAR, Role.CLASS_TEACHER, Role.PRINCIPAL}
    for kind in ending:
        assert not school_roles & set(authorisation.act(word(kind)).roles), kind
    for who in (REGISTRAR, PRINCIPAL):
        assert (await world.propose(student, who)).kind == "forbidden"
    proposed = await world.propose(student)
    for role in school_roles:
        refused = await world.decide_cancellation(proposed.id, actor(role, SCHOOL.code))
        assert refused.kind == "forbidden"
    assert (await world.student(student))["live"]
