"""What the registry does about cancellations when asked (22); carrying one out and taking it back stand in `ending`."""

from __future__ import annotations

from casework.kinds import CaseKind
from casework.rules import may_decide, may_withdraw
from casework.state import opened
from casework.store import NewCase, decide_cases, open_cases
from regulation.authorisation import MISSING, Target, absent, check
from regulation.mark import clause
from service_kit import paging
from service_kit.database import driver
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.clearing import (
    CancellationPage,
    CancellationState,
    CancellationView,
    ClearingChecked,
    DecideCancellation,
    GetCancellation,
    Ground,
    ListCancellations,
    PrecheckCancellation,
    ProposeCancellation,
    ReinstateRecord,
    WithdrawCancellation,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.identity import ClaimRestored
from shared_contracts.messages import Command, Event, Query, word

from registry.clearing import filing, record
from registry.clearing.cancelling import ending, policy, protecting, store
from registry.clearing.cancelling.chain import LEADER, chain, state_of
from registry.clearing.cancelling.store import Cancellation
from registry.clearing.record import Record
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.records import store as records
from registry.registration import steps

NO_STUDENT = "没有这名学生，或者不属于您管理的范围。"


@clause("22", "18")
async def precheck_cancellation(work: RegistryWork, query: PrecheckCancellation) -> ClearingChecked | Refused:
    """The same rules. That evidence is missing is said with the rest: it belongs to the act itself."""
    subject = await record.read_one(work.tx, query.student_id)
    if subject is None:
        return refused("not_found", NO_STUDENT)
    if no := check(query.actor, word(query), subject.target, missing=NO_STUDENT):
        return no
    decision = await ending.judge(
        work,
        subject,
        None,
        ground=query.ground,
        reason=query.reason,
        violated=query.violated,
        papers=1,
        supervisor=True,
    )
    return ClearingChecked(decision=decision)


@clause("22", "18")
async def propose_cancellation(work: RegistryWork, command: ProposeCancellation) -> CancellationView | Refused:
    if bad := filing.in_order(command.reason, missing="请写明查实的情况和注销的理由。"):
        return bad
    await records.lock_students(work.tx, [command.student_id])
    subject = await record.read_one(work.tx, command.student_id)
    if subject is None:
        return refused("not_found", NO_STUDENT)
    if no := check(command.actor, word(command), subject.target, missing=NO_STUDENT):
        return no
    proposed = await propose(
        work,
        command.cancellation_id,
        command.actor,
        subject,
        None,
        authority=subject.authority,
        ground=command.ground,
        reason=command.reason.strip(),
        violated=command.violated,
        papers=command.evidence,
    )
    return proposed if isinstance(proposed, Refused) else await view(work, proposed)


async def propose(
    work: RegistryWork,
    cancellation_id: str,
    actor: Actor,
    subject: Record,
    kept: policy.Kept | None,
    *,
    authority: str,
    ground: Ground,
    reason: str,
    violated: str | None,
    papers: tuple[EvidenceGiven, ...],
    said: int = 0,
    pair_id: str | None = None,
) -> Cancellation | Refused:
    """Open a case whose leader decides. The caller holds the student's lock. `said`: files of the schools' statements."""
    if not 0 < len(cancellation_id) <= filing.LONGEST_ID:
        return refused("invalid", f"注销编号应为1至{filing.LONGEST_ID}个字符。")
    if (there := await store.get(work.tx, cancellation_id)) is not None:
        mine = there.student_id == subject.id and there.entered_by == actor.account
        return there if mine else refused("conflict", "这个注销编号已被使用。请换一个编号重新提交。")
    decision = await ending.judge(
        work,
        subject,
        kept,
        ground=ground,
        reason=reason,
        violated=violated,
        papers=len(papers) + said,
        supervisor=actor.organisation == authority,
    )
    if decision.refused:
        return filing.refusal(decision)
    attached = await evidence.attach(work, papers, to=f"cancellation:{cancellation_id}", actor=actor)
    if isinstance(attached, Refused):
        return attached
    kind = _chain(work, authority)
    made = await store.put(
        work.tx,
        {
            "id": cancellation_id,
            "student_id": subject.id,
            "school": subject.school,
            "ground": str(ground),
            "reason": reason,
            "violated": violated if ground is Ground.OTHER_VIOLATION else None,
            "kept_id": kept.id if kept else None,
            "pair_id": pair_id,
            "proposed_by": actor.name,
        },
    )
    if not made:
        return refused("conflict", "该学籍已有正在办理的注销。请刷新后查看。")
    case = NewCase(
        id=cancellation_id, subject_id=subject.id, parties={"authority": authority}, entered_by=actor.account
    )
    standing = opened(kind, work.today, work.deps.calendar)
    await open_cases(await driver(work.tx), kind, [case], standing=standing, at=work.now)
    filing.tell(
        work,
        authority,
        [Role.LEADER],
        "cancellation_proposed",
        "有{count}项注销学籍等待决定",
        "学籍主管提出注销学籍，须由分管局长决定。请核对注销情形和证明材料。",
        "/v1/cancellations?state=proposed",
        due_on=standing.due_on,
    )
    proposed = await store.get(work.tx, cancellation_id)
    assert proposed is not None
    return proposed


@clause("22", "18", "39")
async def decide_cancellation(work: RegistryWork, command: DecideCancellation) -> CancellationView | Refused:
    """The rules are asked anew, under lock: what has become of the record since it was proposed counts."""
    found = await ending.lock(work, command.cancellation_id)
    if found is None or check(command.actor, word(command), Target(authority=found.authority)):
        return absent(command.actor, word(command), MISSING)
    if command.version is not None and command.version != found.version:
        return filing.changed(found.version)
    kind = _chain(work, found.authority)
    no = may_decide(
        kind,
        found.standing,
        LEADER,
        command.actor,
        parties={"authority": found.authority},
        decision=command.decision,
        reason=command.reason,
        entered_by=found.entered_by,
    )
    if no:
        return steps.refusal(no)
    if command.decision == "approve":
        against = await ending.against(work, found)
        if against is not None:
            return against
    doing = filing.doing(work, kind, LEADER, command.actor, command.decision, command.reason)
    cases = [(found.id, found.standing)]
    await decide_cases(await driver(work.tx), kind, cases, doing, calendar=work.deps.calendar)
    if command.decision == "approve":
        await ending.carry_out(work, found, command.actor)
    else:
        await ending.given_up(work, found)
    return await _again(work, found.id)


@clause("22")
async def withdraw_cancellation(work: RegistryWork, command: WithdrawCancellation) -> CancellationView | Refused:
    found = await store.get(work.tx, command.cancellation_id, lock=True)
    if found is None or check(command.actor, word(command), Target(authority=found.authority)):
        return absent(command.actor, word(command), MISSING)
    kind = _chain(work, found.authority)
    if no := may_withdraw(kind, found.standing, command.actor, {"authority": found.authority}, command.reason):
        return steps.refusal(no)
    doing = filing.doing(work, kind, LEADER, command.actor, "withdraw", command.reason)
    cases = [(found.id, found.standing)]
    await decide_cases(await driver(work.tx), kind, cases, doing, calendar=work.deps.calendar)
    await ending.given_up(work, found)
    return await _again(work, found.id)


@clause("22")
async def reinstate_record(work: RegistryWork, command: ReinstateRecord) -> CancellationView | Refused:
    """Asked here; it holds once identity has given the person back (`ending.claim_restored`)."""
    if bad := filing.in_order(command.reason, missing="请写明恢复学籍的理由。"):
        return bad
    found = await ending.lock(work, command.cancellation_id)
    if found is None or check(command.actor, word(command), Target(authority=found.authority)):
        return absent(command.actor, word(command), MISSING)
    begun = await ending.begin_reinstating(work, found, command.actor, command.reason.strip())
    return begun if begun is not None else await _again(work, found.id)


@clause("22", "3.1")
async def get_cancellation(work: RegistryWork, query: GetCancellation) -> CancellationView | Refused:
    found = await store.get(work.tx, query.cancellation_id)
    if found is None:
        return refused("not_found", MISSING)
    subject = await record.read_one(work.tx, found.student_id)
    assert subject is not None
    decider = Target(authority=found.authority)
    if check(query.actor, word(query), subject.target) and check(query.actor, word(query), decider):
        return absent(query.actor, word(query), MISSING)
    return await view(work, found)


@clause("22", "3.1")
async def list_cancellations(work: RegistryWork, query: ListCancellations) -> CancellationPage | Refused:
    page = filing.asked(query)
    if isinstance(page, Refused):
        return page
    rows = await store.page(
        work.tx,
        state=None if query.state is None else _MEANS[query.state],
        student_id=query.student_id,
        **page.rows(),
    )
    kept, cursor = paging.page(rows, page.limit, lambda row: (row.opened_at.isoformat(), row.id))
    subjects = await record.read(work.tx, [row.student_id for row in kept])
    return CancellationPage(
        items=tuple([await view(work, row, subjects[row.student_id]) for row in kept]), next_cursor=cursor
    )


_MEANS: dict[CancellationState, tuple[str, str | None]] = {
    CancellationState.PROPOSED: ("open", None),
    CancellationState.REJECTED: ("rejected", None),
    CancellationState.WITHDRAWN: ("withdrawn", None),
    CancellationState.CANCELLED: ("approved", "cancelled"),
    CancellationState.REINSTATING: ("approved", "reinstating"),
    CancellationState.REINSTATED: ("approved", "reinstated"),
}


async def view(work: RegistryWork, row: Cancellation, subject: Record | None = None) -> CancellationView:
    subject = subject or await record.read_one(work.tx, row.student_id)
    assert subject is not None
    return CancellationView(
        id=row.id,
        student_id=row.student_id,
        student_name=subject.name,
        school=subject.school,
        school_name=subject.school_name,
        authority=row.authority,
        ground=row.ground,
        ground_title=policy.GROUND_TITLES[row.ground],
        reason=row.reason,
        violated=row.violated,
        kept_id=row.kept_id,
        duplicate_id=row.pair_id,
        state=state_of(row.standing.status, row.outcome),
        due_on=row.standing.due_on,
        proposed_by=row.proposed_by,
        proposed_at=row.opened_at,
        steps=(*await filing.steps(work.tx, row.id), *ending.taken_back(row)),
        evidence=await filing.papers(work.tx, f"cancellation:{row.id}"),
        problem=row.problem,
        version=row.version,
    )


async def _again(work: RegistryWork, cancellation_id: str) -> CancellationView:
    found = await store.get(work.tx, cancellation_id)
    assert found is not None
    return await view(work, found)


def _chain(work: RegistryWork, authority: str) -> CaseKind:
    return chain(work.deps.policy.parameters(authority, work.today).approval_working_days)


COMMANDS: dict[type[Command], CommandHandler] = {
    ProposeCancellation: propose_cancellation,
    DecideCancellation: decide_cancellation,
    WithdrawCancellation: withdraw_cancellation,
    ReinstateRecord: reinstate_record,
    **protecting.COMMANDS,
}
QUERIES: dict[type[Query], QueryHandler] = {
    PrecheckCancellation: precheck_cancellation,
    GetCancellation: get_cancellation,
    ListCancellations: list_cancellations,
    **protecting.QUERIES,
}
EVENTS: dict[type[Event], EventHandler] = {ClaimRestored: ending.claim_restored}
