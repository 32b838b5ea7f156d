"""Ending a record and putting it back, on real databases of both services (18, 22)."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import pytest
from clearing_world import (
    CITY_LEADER,
    CITY_OFFICER,
    FAR_LEADER,
    FAR_OFFICER,
    LEADER,
    OFFICER,
    PROVINCE_LEADER,
    ClearingWorld,
)
from registry.records import writing
from registry_world import OTHER_SCHOOL, PRINCIPAL, REGISTRAR, TEACHER, actor, codes
from shared_contracts.actors import Role
from shared_contracts.clearing import (
    CancellationState,
    EndProtection,
    GetCancellation,
    Ground,
    ListCancellations,
    ListProtections,
    PrecheckCancellation,
    ProtectionKind,
    ProtectRecord,
    RecordCancelled,
    RecordReinstated,
    WithdrawCancellation,
)
from shared_contracts.decisions import Refused
from shared_contracts.identity import ClaimRestored
from shared_contracts.records import GetJournal, GetStudent, ListStudents

pytestmark = pytest.mark.integration


@pytest.mark.clause("22", "15.2", "21.1")
async def test_an_officer_proposes_the_leader_decides_and_the_record_ends(world: ClearingWorld) -> None:
    student = await world.registered()
    proposed = await world.propose(student)
    assert (proposed.state, proposed.ground_title[:4], len(proposed.evidence)) == ("proposed", "通过弄虚", 1)
    assert (await world.student(student))["live"]
    done = await world.decide_cancellation(proposed.id)
    assert (done.state, [s.decision for s in done.steps]) == (CancellationState.CANCELLED, ["approve"])
    row = await world.student(student)
    assert (row["state"], row["live"], row["version"]) == ("cancelled", False, 2)
    assert await world.kinds(student) == ["registered", "evidence_filed", "cancelled"]
    (entry,) = await world.sql("SELECT clause, actor, content FROM journal WHERE kind = 'cancelled'")
    assert (entry["clause"], entry["actor"]) == ("22", LEADER.account)
    assert not await world.sql("SELECT 1 FROM class_memberships WHERE left_on IS NULL")
    (told,) = await world.events(RecordCancelled)
    assert (told.student_id, told.ground) == (student, "fraud")
    assert len(await world.holders()) == 1
    await world.carry()
    assert await world.holders() == {}


@pytest.mark.clause("22", "3.1")
async def test_only_the_authorities_read_a_cancelled_record(world: ClearingWorld) -> None:
    student = await world.registered()
    cancellation = await world.cancel(student)
    for who, sees in ((REGISTRAR, False), (TEACHER, False), (OFFICER, True), (CITY_LEADER, True), (FAR_OFFICER, False)):
        for query in (GetStudent(actor=who, student_id=student), GetJournal(actor=who, student_id=student)):
            assert isinstance(await world.ask(query), Refused) is not sees, who
    listed = await world.ask(ListStudents(actor=REGISTRAR))
    assert listed.items == ()
    listed = await world.ask(ListStudents(actor=OFFICER))
    assert [one.id for one in listed.items] == [student]
    for who, sees in ((REGISTRAR, True), (PRINCIPAL, True), (OFFICER, True), (FAR_OFFICER, False)):
        found = await world.ask(GetCancellation(actor=who, cancellation_id=cancellation.id))
        assert isinstance(found, Refused) is not sees
        page = await world.ask(ListCancellations(actor=who, state=CancellationState.CANCELLED))
        assert [one.id for one in page.items] == ([cancellation.id] if sees else [])
    assert (await world.ask(ListCancellations(actor=OFFICER, state=CancellationState.PROPOSED))).items == ()


@pytest.mark.clause("22", "45.3")
async def test_who_may_not(world: ClearingWorld) -> None:
    student = await world.registered()
    for who, kind in (
        (REGISTRAR, "forbidden"),
        (PRINCIPAL, "forbidden"),
        (LEADER, "forbidden"),
        (CITY_OFFICER, "not_found"),
        (FAR_OFFICER, "not_found"),
    ):
        refused = await world.propose(student, who)
        assert isinstance(refused, Refused)
        assert refused.kind == kind, who
    proposed = await world.propose(student)
    for who, kind in (
        (OFFICER, "forbidden"),
        (PRINCIPAL, "forbidden"),
        (CITY_LEADER, "not_found"),
        (FAR_LEADER, "not_found"),
        (actor(Role.LEADER, "230102", OFFICER.account), "forbidden"),  # the same person in two roles
    ):
        refused = await world.decide_cancellation(proposed.id, who)
        assert isinstance(refused, Refused)
        assert refused.kind == kind, who
    assert (await world.student(student))["live"]


@pytest.mark.clause("22")
async def test_what_is_wrong_is_said_and_changes_nothing(world: ClearingWorld) -> None:
    student = await world.registered()
    for code, more in {
        "cancel.evidence_missing": {"evidence": ()},
        "cancel.not_finished": {"ground": Ground.FINISHED},
        "cancel.kept_missing": {"ground": Ground.DUAL_RECORD},
        "cancel.clause_missing": {"ground": Ground.OTHER_VIOLATION},
        "cancel.ordinary_change": {"ground": Ground.OTHER_VIOLATION, "violated": "20.1", "reason": "该生已辍学"},
    }.items():
        assert code in codes(await world.propose(student, **more)), code
    for reason in ("", "  ", "长" * 501):
        assert (await world.propose(student, reason=reason)).kind == "invalid"
    assert (await world.propose("nobody")).kind == "not_found"
    under_way = await world.under_way(OTHER_SCHOOL, name="李强")
    assert "cancel.no_record" in codes(await world.propose(under_way))
    assert not await world.sql("SELECT 1 FROM cancellations")
    precheck = await world.ask(
        PrecheckCancellation(actor=OFFICER, student_id=student, ground=Ground.FINISHED, reason="已毕业")
    )
    assert precheck.decision.refused
    fine = await world.ask(
        PrecheckCancellation(actor=OFFICER, student_id=student, ground=Ground.OUT_OF_AREA, reason="跨区招生")
    )
    assert not fine.decision.refused


@pytest.mark.clause("22")
async def test_rejected_withdrawn_and_one_at_a_time(world: ClearingWorld) -> None:
    student = await world.registered()
    first = await world.propose(student)
    again = await world.propose(student)
    assert "cancel.already" in codes(again)
    refused = await world.decide_cancellation(first.id, decision="reject")
    assert refused.kind == "invalid"  # without a reason
    rejected = await world.decide_cancellation(first.id, decision="reject", reason="证据不足")
    assert rejected.state == "rejected"
    second = await world.propose(student)
    gone = await world.do(
        WithdrawCancellation(command_id=world.id(), actor=OFFICER, cancellation_id=second.id, reason="情况不实")
    )
    assert gone.state == "withdrawn"
    late = await world.decide_cancellation(second.id)
    assert late.kind == "conflict"
    third = await world.propose(student)
    stale = await world.decide_cancellation(third.id, version=7)
    assert stale.kind == "conflict"
    assert (await world.student(student))["live"]


def _protect(world: ClearingWorld, student: str, paper: Any, who: Any = OFFICER, **more: Any) -> ProtectRecord:
    values = {
        "protection_id": world.id("protection"),
        "kind": ProtectionKind.CRIMINAL,
        "since": world.clock.today(),
        "report": "学校报告：该生被采取刑事强制措施",
    } | more
    return ProtectRecord(command_id=world.id(), actor=who, student_id=student, evidence=paper, **values)


@pytest.mark.clause("18")
async def test_a_protected_record_is_not_cancelled_by_anybody(world: ClearingWorld) -> None:
    student = await world.registered()
    proposed = await world.propose(student)
    no_paper = await world.do(_protect(world, student, ()))
    assert no_paper.kind == "invalid"
    foreign = await world.do(_protect(world, student, (await world.paper(FAR_OFFICER),), FAR_OFFICER))
    assert foreign.kind == "not_found"
    view = await world.do(_protect(world, student, (await world.paper(OFFICER),)))
    assert (view.kind, view.ended_on, len(view.evidence)) == ("criminal", None, 1)
    twice = await world.do(_protect(world, student, (await world.paper(OFFICER),)))
    assert twice.kind == "conflict"
    refused = await world.decide_cancellation(proposed.id)  # proposed before
    assert codes(refused)[0] == "cancel.protected"
    assert "18" in {f.clause for f in refused.findings}
    with pytest.raises(asyncpg.RestrictViolationError):  # and the database says so to everybody
        await world.sql("UPDATE students SET state = 'cancelled' WHERE id = $1", student)
    in_force = await world.ask(ListProtections(actor=REGISTRAR))
    assert [one.id for one in in_force.items] == [view.id]

    async def end(**more: Any) -> Any:
        values = {"ended_on": world.clock.today(), "reason": "强制措施已解除"} | more
        return await world.do(EndProtection(command_id=world.id(), actor=OFFICER, protection_id=view.id, **values))

    assert (await end(reason=" ")).kind == "invalid"
    assert (await end(ended_on=world.clock.today().replace(year=2019))).kind == "invalid"
    assert (await end()).end_reason == "强制措施已解除"
    assert (await end()).kind == "conflict"
    assert (await world.ask(ListProtections(actor=REGISTRAR))).items == ()
    assert len((await world.ask(ListProtections(actor=REGISTRAR, in_force=False))).items) == 1
    assert (await world.decide_cancellation(proposed.id)).state == "cancelled"


@pytest.mark.clause("22")
async def test_the_database_ends_no_record_without_an_approved_case(world: ClearingWorld) -> None:
    student = await world.registered()
    await world.propose(student)
    with pytest.raises(asyncpg.RestrictViolationError):
        await world.sql("UPDATE students SET state = 'cancelled' WHERE id = $1", student)


# ---- putting back -------------------------------------------------------------------------------------------------------

EXACTLY = "id, person_id, school, name, sex, birth_date, student_number, stage, cohort, placement, state, live"


async def _picture(world: ClearingWorld, student: str) -> Any:
    return (
        await world.sql(f"SELECT {EXACTLY} FROM students WHERE id = $1", student),
        await world.sql("SELECT class_id, joined_on, left_on FROM class_memberships WHERE student_id = $1", student),
        await world.sql("SELECT closed FROM registrations WHERE id = $1", student),
    )


@pytest.mark.clause("22", "15.2")
async def test_the_superior_puts_it_back_exactly(world: ClearingWorld) -> None:
    student = await world.registered()
    before = await _picture(world, student)
    cancellation = await world.cancel(student)
    await world.carry()
    for who, kind in ((LEADER, "refused"), (FAR_LEADER, "not_found"), (CITY_OFFICER, "forbidden")):
        refused = await world.reinstate(cancellation.id, who)
        assert refused.kind == kind, who
    begun = await world.reinstate(cancellation.id)
    assert begun.state == "reinstating"
    assert not (await world.student(student))["live"]  # not before identity has answered
    assert (await world.reinstate(cancellation.id)).kind == "conflict"
    await world.carry()
    assert await _picture(world, student) == before
    assert await world.holders() == {(await world.student(student))["person_id"]: student}
    view = await world.ask(GetCancellation(actor=OFFICER, cancellation_id=cancellation.id))
    assert (view.state, view.steps[-1].decision, view.problem) == ("reinstated", "reinstate", None)
    assert await world.kinds(student) == ["registered", "evidence_filed", "cancelled", "reinstated"]
    assert len(await world.events(RecordReinstated)) == 1
    journal = await world.ask(GetJournal(actor=REGISTRAR, student_id=student))
    assert journal.intact
    assert (await world.cancel(student)).state == "cancelled"  # and it can be cancelled again


@pytest.mark.clause("22", "15.2")
async def test_not_where_the_pupil_is_registered_anew(world: ClearingWorld) -> None:
    number = world.document()
    student = await world.registered(document_number=number)
    cancellation = await world.cancel(student)
    await world.carry()
    again = await world.registered(OTHER_SCHOOL, document_number=number)
    assert (await world.student(again))["person_id"] == (await world.student(student))["person_id"]
    await world.reinstate(cancellation.id)
    await world.carry()
    view = await world.ask(GetCancellation(actor=OFFICER, cancellation_id=cancellation.id))
    assert (view.state, "一人一籍" in (view.problem or "")) == ("cancelled", True)
    assert not (await world.student(student))["live"]
    assert (await world.student(again))["live"]


@pytest.mark.clause("22")
async def test_what_happens_while_identity_is_asked_stops_it(world: ClearingWorld) -> None:
    student = await world.registered()
    cancellation = await world.cancel(student)
    await world.carry()
    await world.reinstate(cancellation.id)
    (asked,) = [event for _, event in await world.waiting("registry")]
    await world.identity_told(asked)
    assert len(await world.holders()) == 1
    async with world.db.unit(world.deps) as work:  # something else happens to the record
        change = writing.Change(
            student_id=student, kind="archive_entry", clause="21.1", legal_date=work.today, content={}
        )
        await writing.record(work, [change])
    (_, answer) = (await world.waiting("identity"))[-1]
    await world.tell(answer)
    await world.tell(answer)  # told again
    view = await world.ask(GetCancellation(actor=OFFICER, cancellation_id=cancellation.id))
    assert (view.state, "变动" in (view.problem or "")) == ("cancelled", True)
    (_, let_go) = (await world.waiting("registry"))[-1]
    assert isinstance(let_go, RecordCancelled)
    await world.identity_told(let_go)
    assert await world.holders() == {}  # let go of again
    assert "reinstate.something_since" in codes(await world.reinstate(cancellation.id))


@pytest.mark.clause("22")
async def test_an_answer_nobody_waits_for_changes_nothing(world: ClearingWorld) -> None:
    student = await world.registered()
    await world.tell(ClaimRestored(registration_id=student, person_id="x", restored=True))
    await world.tell(ClaimRestored(registration_id="nobody", person_id="x", restored=False))
    assert await world.kinds(student) == ["registered"]


@pytest.mark.clause("22")
async def test_the_province_is_its_own_superior(world: ClearingWorld) -> None:
    student = await world.registered()
    await world.sql("UPDATE organisations SET authority = '230000' WHERE code = '2123010001'")
    cancellation = await world.cancel(student, actor(Role.AUTHORITY_OFFICER, "230000"), PROVINCE_LEADER)
    await world.carry()
    assert (await world.reinstate(cancellation.id, PROVINCE_LEADER)).state == "reinstating"


@pytest.mark.clause("22")
async def test_two_leaders_at_once(world: ClearingWorld) -> None:
    """One decides; the other is told that it is decided. One entry in the journal."""
    student = await world.registered()
    proposed = await world.propose(student)
    second = actor(Role.LEADER, "230102", "another.leader")
    replies = await asyncio.gather(
        world.decide_cancellation(proposed.id),
        world.decide_cancellation(proposed.id, second),
        world.decide_cancellation(proposed.id, second, "reject", reason="不同意"),
    )
    assert sum(not isinstance(reply, Refused) for reply in replies) == 1
    kinds = await world.kinds(student)
    assert kinds.count("cancelled") == int(not (await world.student(student))["live"])
