"""Ending a record, and putting it back exactly as it was (22, 39).

A record ends in one transaction: case, journal, student, class, the merge of a double, the event by which identity lets go
of the person. It begins again in two: the registry asks identity for the person, identity answers, and only then the record
stands; in between it is cancelled as before. What happens to either record meanwhile is seen when the answer comes.
"""

from __future__ import annotations

from typing import Any

from casework.store import decide_cases, lock_cases
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.actors import Actor, Role
from shared_contracts.clearing import Ground, RecordCancelled, RecordReinstated, RecordReinstating, Step
from shared_contracts.decisions import Decision, Refused, refused
from shared_contracts.identity import ClaimRestored
from shared_contracts.records import StudentState

from registry.clearing import filing, record
from registry.clearing.cancelling import policy, store
from registry.clearing.cancelling.store import Cancellation
from registry.clearing.correcting import store as corrections
from registry.clearing.correcting.chain import chain as correction_chain
from registry.clearing.duplicates import store as duplicates
from registry.clearing.duplicates.policy import competent
from registry.clearing.record import Record
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.holds import store as holds
from registry.holds.applying import let_go
from registry.records import kinds, writing
from registry.records import store as records
from registry.records.writing import Change

SCHOOL_ROLES = (Role.REGISTRAR, Role.PRINCIPAL)
CORRECTION_ENDS = "学籍已注销，更正不再办理"


# ---- asking the rules -------------------------------------------------------------------------------------------------


async def judge(
    work: RegistryWork,
    subject: Record,
    kept: policy.Kept | None,
    *,
    ground: Ground,
    reason: str,
    violated: str | None,
    papers: int,
    supervisor: bool,
    own: Cancellation | None = None,
) -> Decision:
    """`own`: the cancellation that is being decided, which is not in its own way."""
    other = await store.of_student(work.tx, subject.id)
    correction = await corrections.open_of(work.tx, subject.id)
    facts = policy.CancelFacts(
        subject=policy.Subject(
            id=subject.id,
            state=subject.state,
            formal=subject.formal,
            protections=await store.protections_of(work.tx, subject.id),
            correction=None if correction is None else correction.outcome or "open",
            under_way=other is not None and other != (own and own.id),
            moved_to=subject.school_name if own is not None and own.school != subject.school else None,
        ),
        ground=ground,
        reason=reason,
        violated=violated,
        kept=kept,
        evidence=papers,
        supervisor=supervisor,
    )
    return policy.decide(facts, work.deps.policy.parameters(subject.division or subject.authority, work.today).version)


async def lock(work: RegistryWork, cancellation_id: str) -> Cancellation | None:
    """The cancellation with everything that its act writes, in the order of locks: cases, pair, hold, students."""
    found = await store.get(work.tx, cancellation_id)
    if found is None:
        return None
    correction = await corrections.open_of(work.tx, found.student_id)
    await lock_cases(await driver(work.tx), [found.id, *([correction.id] if correction else [])])
    if found.pair_id is not None:
        await duplicates.lock(work.tx, found.pair_id)
    await holds.of_student_held(work.tx, found.student_id)
    await records.lock_students(work.tx, found.records)
    return await store.get(work.tx, cancellation_id, lock=True)


@clause("22", "18", "39")
async def against(work: RegistryWork, found: Cancellation) -> Refused | None:
    """The rules anew, at the moment of the decision; and whoever proposed must still be the one to do so."""
    sides = await record.read(work.tx, found.records)
    subject = sides[found.student_id]
    other = sides.get(found.kept_id or "")
    decider = subject.authority if other is None else competent(subject.authority, other.authority)
    decision = await judge(
        work,
        subject,
        None if other is None else policy.Kept(id=other.id, state=other.state, formal=other.formal, heard=True),
        ground=found.ground,
        reason=found.reason,
        violated=found.violated,
        papers=1,
        supervisor=found.authority == decider,
        own=found,
    )
    return filing.refusal(decision) if decision.refused else None


# ---- ending -----------------------------------------------------------------------------------------------------------


@clause("22", "15.2", "21.1", "39")
async def carry_out(work: RegistryWork, found: Cancellation, actor: Actor) -> None:
    """The case is approved, everything is locked. A double's sections, papers and numbers are read under the kept one."""
    await _end_correction(work, found, actor)
    before = await store.standing_before(work.tx, found.student_id)
    await _file(work, found, actor)
    content = {"cancellation_id": found.id, "ground": str(found.ground), "violated": found.violated}
    changes = [
        Change(
            student_id=found.student_id,
            kind="cancelled",
            clause="22",
            legal_date=work.today,
            actor=actor,
            content=kinds.changed(
                before={name: before[name] for name in ("state", "grade", "class_no")},
                after={"state": str(StudentState.CANCELLED), "grade": None, "class_no": None},
                **content,
                kept_id=found.kept_id,
            ),
        )
    ]
    if found.kept_id is not None:
        changes.append(
            Change(
                student_id=found.kept_id,
                kind="merged",
                clause="39",
                legal_date=work.today,
                actor=actor,
                content={**content, "cancelled_id": found.student_id},
            )
        )
    await writing.record(work, changes)
    ends = await record.last_entries(work.tx, found.records)
    await store.carried_out(work.tx, found.id, before, ends[found.student_id], ends.get(found.kept_id or ""))
    await store.end_record(work.tx, found.student_id, work.today)
    await let_go(work, found.student_id)
    if found.kept_id is not None:
        await store.merge(work.tx, found.id, found.kept_id, found.student_id, work.now)
    if found.pair_id is not None:
        await duplicates.settle(work.tx, found.pair_id, "merged")
    subject = (await record.read(work.tx, [found.student_id]))[found.student_id]
    _announce(work, found, subject)
    filing.tell(
        work,
        subject.school,
        SCHOOL_ROLES,
        "record_cancelled",
        "{count}名学生的学籍已被注销",
        f"主管教育行政部门依据第二十二条注销了学籍（{policy.GROUND_TITLES[found.ground]}）。",
        "/v1/cancellations?state=cancelled",
    )


async def _end_correction(work: RegistryWork, found: Cancellation, actor: Actor) -> None:
    """A correction that was only asked for ends with the record. One that came this moment is seen by whoever repeats."""
    correction = await corrections.open_of(work.tx, found.student_id)
    if correction is None:
        return
    kind = correction_chain(work.deps.policy.parameters(found.authority, work.today).approval_working_days)
    doing = filing.doing(work, kind, kind.first.name, actor, "withdraw", CORRECTION_ENDS)
    cases = [(correction.id, correction.standing)]
    await decide_cases(await driver(work.tx), kind, cases, doing, calendar=work.deps.calendar)
    await corrections.drop(work, correction)


async def _file(work: RegistryWork, found: Cancellation, actor: Actor) -> None:
    """Papers go into the records; of a double, into the kept one too: what both schools said belongs to it."""
    ids = found.records
    await evidence.file_for(work, f"cancellation:{found.id}", ids, on=work.today, clause_id="22", actor=actor)
    if found.pair_id is not None:
        for to in await duplicates.statement_papers(work.tx, found.pair_id):
            await evidence.file_for(work, to, ids, on=work.today, clause_id="39", actor=actor)


def _announce(work: RegistryWork, found: Cancellation, subject: Record) -> None:
    work.emit(
        RecordCancelled(
            student_id=subject.id,
            person_id=subject.person_id,
            school=subject.school,
            ground=found.ground,
            kept_id=found.kept_id,
        ),
        subject.id,
    )


async def given_up(work: RegistryWork, found: Cancellation) -> None:
    """Rejected or withdrawn: the pair waits for another decision."""
    await store.close(work.tx, found.id)
    if found.pair_id is not None:
        await duplicates.lock(work.tx, found.pair_id)
        await duplicates.reopen(work.tx, found.pair_id, work.deps.calendar, work.today)


# ---- putting back -----------------------------------------------------------------------------------------------------


async def _since(work: RegistryWork, found: Cancellation) -> int:
    """Entries that came to either journal since."""
    ends = await record.last_entries(work.tx, found.records)
    own = ends[found.student_id] - (found.seq or 0)
    kept = ends[found.kept_id] - (found.kept_seq or 0) if found.kept_id is not None else 0
    return own + kept


@clause("22", "39")
async def begin_reinstating(work: RegistryWork, found: Cancellation, actor: Actor, reason: str) -> Refused | None:
    """Ask identity for the person. None: asked. The caller has locked everything (`lock`)."""
    if found.outcome == "reinstating":
        return refused("conflict", "正在恢复这份学籍。请稍后刷新查看。")
    facts = policy.UndoFacts(
        by=actor.organisation,
        authority=found.authority,
        doubles=found.kept_id is not None,
        cancelled=found.outcome == "cancelled",
        since=await _since(work, found) if found.outcome == "cancelled" else 0,
    )
    decision = policy.undo(facts)
    if decision.refused:
        return filing.refusal(decision)
    await store.reinstating(work.tx, found.id, actor, reason, work.now)
    subject = (await record.read(work.tx, [found.student_id]))[found.student_id]
    asked = RecordReinstating(student_id=subject.id, person_id=subject.person_id, school=subject.school)
    work.emit(asked, subject.id)
    return None


@clause("22", "15.2", "39")
async def claim_restored(work: RegistryWork, event: ClaimRestored) -> None:
    """Identity has answered. Something has happened meanwhile: the person is let go of again, and it is said why not."""
    cancellation_id = await store.of_student(work.tx, event.registration_id)
    found = None if cancellation_id is None else await lock(work, cancellation_id)
    if found is None or found.outcome != "reinstating":
        return
    subject = (await record.read(work.tx, [found.student_id]))[found.student_id]
    if not event.restored:
        await store.settle(work.tx, found.id, "cancelled", "该生已在别处重新建籍，一人一籍，不能恢复这份学籍。")
        return
    if since := await _since(work, found):
        await store.settle(work.tx, found.id, "cancelled", f"恢复期间学籍中又有{since}项变动，不能原样恢复。")
        _announce(work, found, subject)
        return
    await _put_back(work, found)
    work.emit(RecordReinstated(student_id=subject.id, person_id=subject.person_id, school=subject.school), subject.id)
    filing.tell(
        work,
        subject.school,
        SCHOOL_ROLES,
        "record_reinstated",
        "{count}名学生的学籍已恢复",
        "上级主管教育行政部门撤销了注销，学籍恢复到注销前的状态。",
        "/v1/cancellations?state=reinstated",
    )


async def _put_back(work: RegistryWork, found: Cancellation) -> None:
    assert found.before is not None
    before: dict[str, Any] = found.before
    await store.settle(work.tx, found.id, "reinstated", None)
    await store.restore_record(work.tx, found.student_id, before)
    content = {"cancellation_id": found.id, "reason": found.reinstate_reason}
    actor = found.reinstated_account or ""
    changes = [
        Change(
            student_id=found.student_id,
            kind="reinstated",
            clause="22",
            legal_date=work.today,
            actor=actor,
            content=kinds.changed(
                before={"state": str(StudentState.CANCELLED), "grade": None, "class_no": None},
                after={name: before[name] for name in ("state", "grade", "class_no")},
                **content,
            ),
        )
    ]
    if found.kept_id is not None:
        await store.undo_merge(work.tx, found.id, work.now)
        changes.append(
            Change(
                student_id=found.kept_id,
                kind="merge_undone",
                clause="39",
                legal_date=work.today,
                actor=actor,
                content={**content, "cancelled_id": found.student_id},
            )
        )
    await writing.record(work, changes)
    if found.pair_id is not None:
        await duplicates.reopen(work.tx, found.pair_id, work.deps.calendar, work.today)


def taken_back(row: Cancellation) -> tuple[Step, ...]:
    """Taking it back, as one more act of the case that people read."""
    if row.reinstated_at is None:
        return ()
    return (
        Step(
            step="superior",
            decision="reinstate",
            account_name=row.reinstated_by or "",
            organisation=row.reinstated_organisation or "",
            decided_at=row.reinstated_at,
            reason=row.reinstate_reason,
        ),
    )
