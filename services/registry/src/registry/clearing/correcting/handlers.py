"""Corrections of key fields when asked (40): the case. What becomes of an approved one stands in `applying`."""

from __future__ import annotations

from casework.kinds import CaseKind
from casework.rules import may_decide, may_resubmit, may_withdraw
from casework.state import opened
from casework.store import NewCase, decide_cases, open_cases
from regulation.authorisation import MISSING, Target, absent, check
from regulation.mark import clause
from service_kit import paging
from service_kit.database import driver
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.clearing import (
    ClearingChecked,
    CorrectionApproved,
    CorrectionPage,
    CorrectionProposed,
    CorrectionStep,
    CorrectionView,
    DecideCorrection,
    GetCorrection,
    ListCorrections,
    OpenCorrection,
    PrecheckCorrection,
    ResubmitCorrection,
    UpdateProfile,
    WithdrawCorrection,
)
from shared_contracts.decisions import Decision, Refused, refused
from shared_contracts.identity import CorrectionFailed, KeyFields, PersonCorrected, StagedCorrection
from shared_contracts.messages import Command, Event, Query, word

from registry.clearing import filing, record
from registry.clearing.cancelling import store as cancellations
from registry.clearing.correcting import applying, asking, policy, profile, store
from registry.clearing.correcting.chain import chain, meaning
from registry.clearing.correcting.store import Correction
from registry.clearing.correcting.views import proposed, values_of, view
from registry.clearing.duplicates import store as duplicates
from registry.clearing.record import Record
from registry.context import RegistryWork
from registry.evidence import store as evidence
from registry.form.fields import MEMBERS
from registry.records import store as records
from registry.registration import queries, steps

NO_STUDENT = "没有这名学生，或者不属于您管理的范围。"


@clause("40")
async def precheck_correction(work: RegistryWork, query: PrecheckCorrection) -> ClearingChecked | Refused:
    """The same rules. That evidence is missing is said with the rest: it belongs to the act itself."""
    subject = await record.read_one(work.tx, query.student_id)
    if subject is None:
        return refused("not_found", NO_STUDENT)
    if no := check(query.actor, word(query), subject.target, missing=NO_STUDENT):
        return no
    found = await asking.check(work, subject, query.values)
    if isinstance(found, Refused):
        return found
    return ClearingChecked(decision=await _judge(work, subject, found, query.values, reason="预检", papers=1))


@clause("40", "15.2", "39")
async def open_correction(work: RegistryWork, command: OpenCorrection) -> CorrectionView | Refused:
    """The new values go to identity, which says whether they are possible and keeps them until the case has ended."""
    if bad := filing.in_order(command.reason, missing="请写明更正的理由。"):
        return bad
    subject = await record.read_one(work.tx, command.student_id)
    if subject is None:
        return refused("not_found", NO_STUDENT)
    if no := check(command.actor, word(command), subject.target, missing=NO_STUDENT):
        return no
    if (there := await store.get(work.tx, command.correction_id)) is not None:
        if there.student_id == subject.id and there.entered_by == command.actor.account:
            return await view(work, there)
        return refused("conflict", "这个更正编号已被使用。请换一个编号重新提交。")
    staging_id = asking.staging_id(command.correction_id, 0)
    found = await asking.stage(work, subject, staging_id, command.values)
    if isinstance(found, Refused):
        return found
    await records.lock_students(work.tx, [subject.id])
    subject = (await record.read(work.tx, [subject.id]))[subject.id]
    papers = len(command.evidence)
    decision = await _judge(work, subject, found, command.values, reason=command.reason, papers=papers)
    if decision.refused:
        return filing.refusal(decision)
    to = f"correction:{command.correction_id}"
    attached = await evidence.attach(work, command.evidence, to=to, actor=command.actor)
    if isinstance(attached, Refused):
        return attached
    made = await store.put(
        work.tx,
        {
            "id": command.correction_id,
            "student_id": subject.id,
            "staging_id": staging_id,
            "pair_id": await duplicates.to_correct(work.tx, subject.id),
            "before": values_of(subject, found),
            "after": proposed(found),
            "fields": found.fields,
            "reason": command.reason.strip(),
            "opened_by": command.actor.name,
        },
    )
    if not made:
        return refused("conflict", "该生已有正在办理的更正。请办结后再申请。")
    kind = _chain(work, subject.division)
    case = NewCase(
        id=command.correction_id,
        subject_id=subject.id,
        parties={"school": subject.school, "authority": subject.authority},
        entered_by=command.actor.account,
    )
    standing = opened(kind, work.today, work.deps.calendar)
    await open_cases(await driver(work.tx), kind, [case], standing=standing, at=work.now)
    work.emit(CorrectionProposed(staging_id=staging_id), subject.id)
    return await _moved(work, command.correction_id)


@clause("40", "3.1")
async def decide_correction(work: RegistryWork, command: DecideCorrection) -> CorrectionView | Refused:
    """Principal, then supervising authority. With the last approval identity is told; the record changes when it answers."""
    found = await store.get(work.tx, command.correction_id, lock=True)
    act = f"{word(command)}/{command.step}"
    if found is None:
        return absent(command.actor, act, MISSING)
    if no := _against(command.actor, act, found):
        return no
    if command.version is not None and command.version != found.version:
        return filing.changed(found.version)
    await records.lock_students(work.tx, [found.student_id])
    subject = (await record.read(work.tx, [found.student_id]))[found.student_id]
    kind = _chain(work, subject.division)
    no_ = may_decide(
        kind,
        found.standing,
        command.step,
        command.actor,
        parties=found.parties,
        decision=command.decision,
        reason=command.reason,
        entered_by=found.entered_by,
    )
    if no_:
        return steps.refusal(no_)
    if command.decision == "approve" and subject.state not in policy.KEPT:
        facts = await _facts(work, subject, None, reason=found.reason, papers=1)
        return filing.refusal(Decision(findings=(policy.record_stands(facts),)))
    doing = filing.doing(work, kind, command.step, command.actor, command.decision, command.reason)
    cases = [(found.id, found.standing)]
    (after,) = await decide_cases(await driver(work.tx), kind, cases, doing, calendar=work.deps.calendar)
    if after.status == "rejected":
        await store.drop(work, found)
    if after.status == "approved":
        await store.applying(work.tx, found.id)
        approved = CorrectionApproved(
            staging_id=found.staging_id, person_id=subject.person_id, registration_id=subject.id
        )
        work.emit(approved, subject.id)
    return await _moved(work, found.id)


@clause("40")
async def resubmit_correction(work: RegistryWork, command: ResubmitCorrection) -> CorrectionView | Refused:
    """Begins again at its first step, with what it proposes now; what it proposed before is forgotten."""
    if bad := filing.in_order(command.reason, missing="请写明更正的理由。"):
        return bad
    found = await store.get(work.tx, command.correction_id)
    if found is None:
        return absent(command.actor, word(command), MISSING)
    if no := _against(command.actor, word(command), found):
        return no
    if command.version != found.version:
        return filing.changed(found.version)
    subject = (await record.read(work.tx, [found.student_id]))[found.student_id]
    kind = _chain(work, subject.division)
    if no_ := may_resubmit(kind, found.standing, command.actor, found.parties):
        return steps.refusal(no_)
    staging_id = asking.staging_id(found.id, found.version)
    staged = await asking.stage(work, subject, staging_id, command.values)
    if isinstance(staged, Refused):
        return staged
    locked = await store.get(work.tx, found.id, lock=True)
    if locked is None or locked.version != found.version:
        return filing.changed(found.version + 1)
    to = f"correction:{found.id}"
    attached = await evidence.attach(work, command.evidence, to=to, actor=command.actor)
    if isinstance(attached, Refused):
        return attached
    papers = len(await evidence.of(work.tx, to))
    decision = await _judge(work, subject, staged, command.values, reason=command.reason, papers=papers, own=found.id)
    if decision.refused:
        return filing.refusal(decision)
    proposal = store.Proposal(
        staging_id=staging_id,
        before=values_of(subject, staged),
        after=proposed(staged),
        fields=staged.fields,
        reason=command.reason.strip(),
    )
    await store.propose(work.tx, found.id, proposal)
    doing = filing.doing(work, kind, kind.first.name, command.actor, "resubmit", "")
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
    work.emit(CorrectionProposed(staging_id=staging_id, replaces=found.staging_id), found.student_id)
    return await _moved(work, found.id)


@clause("40")
async def withdraw_correction(work: RegistryWork, command: WithdrawCorrection) -> CorrectionView | Refused:
    found = await store.get(work.tx, command.correction_id, lock=True)
    if found is None:
        return absent(command.actor, word(command), MISSING)
    if no := _against(command.actor, word(command), found):
        return no
    subject = (await record.read(work.tx, [found.student_id]))[found.student_id]
    kind = _chain(work, subject.division)
    if no_ := may_withdraw(kind, found.standing, command.actor, found.parties, command.reason):
        return steps.refusal(no_)
    doing = filing.doing(work, kind, kind.first.name, command.actor, "withdraw", command.reason)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
    await store.drop(work, found)
    return await _moved(work, found.id)


@clause("40", "3.1")
async def get_correction(work: RegistryWork, query: GetCorrection) -> CorrectionView | Refused:
    found = await store.get(work.tx, query.correction_id)
    if found is None:
        return absent(query.actor, word(query), MISSING)
    subject = (await record.read(work.tx, [found.student_id]))[found.student_id]
    if no := check(query.actor, word(query), subject.target):
        return no
    return await view(work, found, subject)


@clause("40", "3.1")
async def list_corrections(work: RegistryWork, query: ListCorrections) -> CorrectionPage | Refused:
    page = filing.asked(query)
    if isinstance(page, Refused):
        return page
    rows = await store.page(
        work.tx,
        state=None if query.state is None else meaning(query.state),
        student_id=query.student_id,
        **page.rows(),
    )
    kept, cursor = paging.page(rows, page.limit, lambda row: (row.opened_at.isoformat(), row.id))
    subjects = await record.read(work.tx, [row.student_id for row in kept])
    items = [await view(work, row, subjects[row.student_id]) for row in kept]
    return CorrectionPage(items=tuple(items), next_cursor=cursor)


# ---- shared -----------------------------------------------------------------------------------------------------------


async def _facts(
    work: RegistryWork,
    subject: Record,
    found: StagedCorrection | None,
    values: KeyFields | None = None,
    *,
    reason: str,
    papers: int,
    own: str = "",
) -> policy.CorrectionFacts:
    other = await store.open_of(work.tx, subject.id)
    members = () if values is None else tuple(member.slot for member in values.members)
    form = await queries.read_form(work, subject.id) if members else {}
    ended = await cancellations.reinstating_of(work.tx, subject.id)
    return policy.CorrectionFacts(
        state=subject.state,
        open=other is not None and other.id != own,
        evidence=papers,
        reason=reason,
        cancellation=ended,
        identity=found.findings if found is not None else (),
        members=members,
        named=tuple(slot for slot in MEMBERS if f"member{slot}_name" in form),
    )


async def _judge(
    work: RegistryWork,
    subject: Record,
    found: StagedCorrection,
    values: KeyFields,
    *,
    reason: str,
    papers: int,
    own: str = "",
) -> Decision:
    facts = await _facts(work, subject, found, values, reason=reason, papers=papers, own=own)
    return policy.decide(facts, work.deps.policy.parameters(subject.division, work.today).version)


def _chain(work: RegistryWork, division: str) -> CaseKind:
    return chain(work.deps.policy.parameters(division, work.today).approval_working_days)


def _against(actor: Actor, act: str, found: Correction) -> Refused | None:
    """The case's own parties: a school that the pupil has left decides nothing of it any more."""
    return check(actor, act, Target(school=found.parties["school"], authority=found.parties["authority"]))


async def _moved(work: RegistryWork, correction_id: str) -> CorrectionView:
    """The case after an act, and whoever has to act next is told."""
    found = await store.get(work.tx, correction_id)
    assert found is not None
    standing = found.standing
    school, authority = found.parties["school"], found.parties["authority"]
    if standing.status == "open":
        first = standing.step == CorrectionStep.PRINCIPAL
        filing.tell(
            work,
            school if first else authority,
            [Role.PRINCIPAL if first else Role.AUTHORITY_OFFICER],
            "correction_waits",
            "有{count}项关键信息更正等待审核",
            "学校申请更正学生的姓名、性别或身份证件，请核对证明材料后审核。",
            f"/v1/corrections?state=waits_for_{standing.step}",
            due_on=standing.due_on,
        )
    elif standing.status in ("returned", "rejected"):
        word_ = "退回补正" if standing.status == "returned" else "否决"
        filing.tell(
            work,
            school,
            [Role.REGISTRAR],
            f"correction_{standing.status}",
            f"有{{count}}项关键信息更正被{word_}",
            "原因写在办理经过中，请查看。",
            f"/v1/corrections?state={standing.status}",
        )
    return await view(work, found)


COMMANDS: dict[type[Command], CommandHandler] = {
    OpenCorrection: open_correction,
    DecideCorrection: decide_correction,
    ResubmitCorrection: resubmit_correction,
    WithdrawCorrection: withdraw_correction,
    UpdateProfile: profile.update_profile,
}
QUERIES: dict[type[Query], QueryHandler] = {
    PrecheckCorrection: precheck_correction,
    GetCorrection: get_correction,
    ListCorrections: list_corrections,
}
EVENTS: dict[type[Event], EventHandler] = {
    PersonCorrected: applying.person_corrected,
    CorrectionFailed: applying.correction_failed,
}
