"""SIGKILL at the places that matter: news between the two services is brought in once, a scan goes on where it was."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from clearing_world import CITY_LEADER, OFFICER, ClearingWorld
from kit_deadly import until_killed
from registry.clearing.duplicates import scanning
from registry_world import OTHER_SCHOOL, REGISTRAR, SCHOOL
from shared_contracts.clearing import GetScan, OpenCorrection, StartScan
from shared_contracts.identity import KeyFields, Member
from shared_contracts.waiting import WorkWaiting

pytestmark = pytest.mark.integration
VICTIM = Path(__file__).parent / "support" / "clearing_victim.py"


async def kill(world: ClearingWorld, does: str, target: str, when: str, nth: int = 1) -> None:
    """Run a victim until it is dead."""
    env = {**world.env, "CLEARING_IDENTITY": json.dumps(world.identity_env)}
    await until_killed(VICTIM, does, target, when, nth, env=env, seconds=180)


async def approved(world: ClearingWorld, student: str | None = None, **values: Any) -> tuple[str, str]:
    """A student, and a correction that waits for identity."""
    student = student or await world.registered()
    opened = await world.do(
        OpenCorrection(
            command_id=world.id(), actor=REGISTRAR, correction_id=world.id("correction"), student_id=student,
            values=KeyFields(**(values or {"name": "王晓明"})), reason="户口簿", evidence=(await world.paper(REGISTRAR),),
        )
    )  # fmt: skip
    await world.decide_correction(opened.id, "principal")
    await world.decide_correction(opened.id, "authority")
    await world.carry_one("registry")  # that it was proposed
    return student, opened.id


@pytest.mark.clause("40", "21.1")
@pytest.mark.parametrize(
    ("target", "when"),
    [
        ("identity.clearing_store:lock_staged", "after"),
        ("identity.clearing_store:correct", "before"),
        ("identity.clearing_store:correct", "after"),
        ("identity.clearing_store:ask_again", "after"),
    ],
)
async def test_killed_while_identity_changes_the_person(world: ClearingWorld, target: str, when: str) -> None:
    student, _ = await approved(world)
    await kill(world, "identity", target, when)
    (person,) = await world.identity_sql("SELECT name FROM persons")
    assert person["name"] == "王小明"  # the whole of it or nothing
    await world.carry()
    await corrected_once(world, student)


@pytest.mark.clause("40", "21.1")
@pytest.mark.parametrize(
    ("target", "when"),
    [
        ("registry.clearing.correcting.store:change_student", "before"),
        ("registry.clearing.correcting.store:change_student", "after"),
        ("registry.clearing.correcting.store:applied", "after"),
        ("registry.records.writing:record", "after"),
    ],
)
async def test_killed_while_the_registry_follows(world: ClearingWorld, target: str, when: str) -> None:
    student, _ = await approved(world)
    await world.carry_one("registry")
    await kill(world, "registry", target, when)
    assert (await world.student(student))["name"] == "王小明"
    (person,) = await world.identity_sql("SELECT name FROM persons")
    assert person["name"] == "王晓明"
    await world.carry()
    await corrected_once(world, student)


@pytest.mark.clause("40", "14")
@pytest.mark.parametrize(
    ("does", "target", "when"),
    [
        ("identity", "identity.clearing_store:correct", "before"),
        ("identity", "identity.clearing_store:correct", "after"),
        ("registry", "registry.clearing.correcting.store:change_members", "before"),
        ("registry", "registry.clearing.correcting.store:change_members", "after"),
        ("registry", "registry.clearing.correcting.store:put_form", "after"),
        ("registry", "registry.clearing.duplicates.store:arrive", "after"),
    ],
)
async def test_killed_while_a_guardians_document_changes(
    world: ClearingWorld, does: str, target: str, when: str
) -> None:
    """Before or after as a whole in each of the two databases, and in the end once."""
    wrong = Member(slot=1, document_kind="A", document_number="E12345678")
    right = Member(slot=1, document_kind="9", document_number="HRB230102123456")
    student = await world.registered(members=(wrong,))
    await world.fill_form(student, member1_name="王父", member1_document_kind="A")
    await approved(world, student, members=(right,))
    await world.sql("DELETE FROM duplicate_arrivals")
    if does == "registry":
        await world.carry_one("registry")
    await kill(world, does, target, when)
    here = wrong if does == "identity" else right
    (person,) = await world.identity_sql("SELECT id, members FROM persons")
    assert world.identity.vault.open_members(person["id"], person["members"]) == (here,)
    assert (await world.form(student))["member1_document_kind"] == "A"
    await world.carry()
    (person,) = await world.identity_sql("SELECT id, members FROM persons")
    assert world.identity.vault.open_members(person["id"], person["members"]) == (right,)
    assert (await world.form(student))["member1_document_kind"] == "9"
    assert (await world.kinds(student)).count("corrected") == 1
    assert [row["outcome"] for row in await world.sql("SELECT outcome FROM corrections")] == ["applied"]
    assert len(await world.sql("SELECT 1 FROM duplicate_arrivals")) == 1


async def corrected_once(world: ClearingWorld, student: str) -> None:
    assert (await world.student(student))["name"] == "王晓明"
    assert (await world.kinds(student)).count("corrected") == 1
    assert [row["outcome"] for row in await world.sql("SELECT outcome FROM corrections")] == ["applied"]
    (person,) = await world.identity_sql("SELECT name, former_names FROM persons")
    assert (person["name"], person["former_names"]) == ("王晓明", ["王小明"])
    assert not await world.identity_sql("SELECT 1 FROM staged_corrections")


@pytest.mark.clause("22", "15.2")
@pytest.mark.parametrize(
    ("does", "target"),
    [
        ("identity", "identity.clearing_store:restore_claim"),
        ("registry", "registry.clearing.cancelling.store:restore_record"),
        ("registry", "registry.records.writing:record"),
    ],
)
async def test_killed_while_a_record_is_put_back(world: ClearingWorld, does: str, target: str) -> None:
    student = await world.registered()
    cancellation = await world.cancel(student)
    await world.carry()
    await world.reinstate(cancellation.id, CITY_LEADER)
    if does == "registry":
        await world.carry_one("registry")
    await kill(world, does, target, "after")
    assert not (await world.student(student))["live"]
    await world.carry()
    assert (await world.student(student))["live"]
    assert list((await world.holders()).values()) == [student]
    assert (await world.kinds(student)).count("reinstated") == 1


@pytest.mark.clause("22", "15.2")
async def test_killed_while_identity_lets_go(world: ClearingWorld) -> None:
    student = await world.registered()
    await world.cancel(student)
    await kill(world, "identity", "identity.clearing_store:end_claim", "after")
    assert list((await world.holders()).values()) == [student]
    await world.carry()
    assert await world.holders() == {}
    assert len(await world.identity_sql("SELECT 1 FROM released_claims")) == 1


@pytest.mark.clause("20.1")
@pytest.mark.parametrize(
    ("target", "when", "nth"),
    [
        ("registry.clearing.duplicates.store:batch", "after", 2),
        ("registry.clearing.duplicates.store:put", "after", 1),
        ("registry.clearing.duplicates.store:advance", "before", 2),
        ("registry.clearing.duplicates.store:advance", "after", 2),
        ("registry.clearing.duplicates.store:finish", "before", 1),
        ("registry.clearing.duplicates.store:finish", "after", 1),
    ],
)
async def test_a_scan_that_was_killed_goes_on(
    world: ClearingWorld, monkeypatch: pytest.MonkeyPatch, target: str, when: str, nth: int
) -> None:
    monkeypatch.setattr(scanning, "BATCH", 2)
    for school, kind in ((SCHOOL, "1"), (OTHER_SCHOOL, "Z")):
        for name in ("王小明", "李强"):
            await world.registered(school, name=name, document_kind=kind)
    await world.registered(SCHOOL, name="赵敏")
    await world.sql("DELETE FROM duplicate_arrivals")
    await world.do(StartScan(command_id=world.id(), actor=OFFICER, scan_id="s1", organisation="230102"))
    await kill(world, "scan", target, when, nth)
    scan: Any = None
    async with asyncio.timeout(60):  # until the server has noticed that the dead one's connection is gone
        while scan is None or scan.state != "done":
            if not await scanning.scan_step(world.kit, world.deps):
                await asyncio.sleep(0.1)
            scan = await world.ask(GetScan(actor=OFFICER, scan_id="s1"))
    assert (scan.state, scan.done, scan.total, scan.found) == ("done", 5, 5, 2)
    assert len(await world.sql("SELECT 1 FROM duplicate_pairs")) == 2
    told = [event.count for event in await world.events(WorkWaiting) if event.kind == "duplicate_to_decide"]
    assert sum(told) == 2  # nobody hears of a pair twice
