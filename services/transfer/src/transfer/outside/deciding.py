"""What the province office enters for another province: its decision with its paper, a correction, a withdrawal."""

from __future__ import annotations

import msgspec
from casework.kinds import CaseKind
from casework.rules import may_decide, may_resubmit, may_withdraw
from casework.state import day_of
from casework.store import decide_cases
from regulation.authorisation import MISSING, check
from regulation.findings import refuse
from regulation.mark import clause
from service_kit.database import driver
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.messages import Command, word
from shared_contracts.outside_transfers import DecideOutside, ResubmitOutward, WithdrawOutward
from shared_contracts.transfer import TransferView

from transfer.cases import acting, opening, store
from transfer.cases import deciding as cases
from transfer.cases.chain import kind_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.outside import leaving, policy
from transfer.outside import store as parties
from transfer.rules import evidence

CHANGED = "这项转学在您查看之后有变化。请刷新后再办理。"


@clause("24.5.1")
async def decide_outside(work: TransferWork, command: DecideOutside) -> TransferView | Refused:
    found = await _seen(work, command, command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    if no := policy.not_ours(command.step, found.side):
        return acting.refusal((no,))
    against = may_decide(
        kind,
        found.standing,
        command.step,
        actor,
        parties=found.parties,
        decision=command.decision,
        reason=command.reason,
        entered_by=found.entered_by,
    )
    wrong = tuple(
        one
        for one in policy.has_a_paper(command.document, command.evidence, work.today)
        if one.outcome is Outcome.REFUSE
    )
    if command.decision == "return":
        listed = evidence.may_ask(found.ground, command.asks, policy.list_of_papers(found.side))
        wrong += tuple(f for f in listed if f.outcome is Outcome.REFUSE)
    if against or wrong:
        return acting.refusal((*against, *wrong))
    if command.decision == "approve":
        there = found.side == "to"
        kept = await (leaving if there else cases).approvable(work, found, command.step)
        if isinstance(kept, Refused):
            return kept
    return await _enter(work, kind, found, command)


async def _enter(
    work: TransferWork, kind: CaseKind, found: Transfer, command: DecideOutside
) -> TransferView | Refused:  # fmt: skip
    if fault := await acting.attached(work, found, command.actor, command.evidence):
        return fault
    details = {"document": msgspec.to_builtins(command.document), "evidence": msgspec.to_builtins(command.evidence)}
    if command.asks:
        details["asks"] = list(command.asks)
    done = acting.doing(
        work, kind, command.step, command.actor, command.decision, command.reason, details=details
    )  # fmt: skip
    await acting.decided(work, kind, found, done)
    return await acting.moved(work, command.actor, found.id, command.actor.account)


@clause("24.5.1")
async def resubmit_outward(work: TransferWork, command: ResubmitOutward) -> TransferView | Refused:
    """Judged anew as of the day of the application. Pupil, school and grade stay, and what somebody has approved."""
    found = await _seen(work, command, command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor, application = kind_of(work, found), command.actor, command.application
    if no := may_resubmit(kind, found.standing, actor, found.parties):
        return acting.refusal(no)
    if found.outside is None:
        return refused("not_found", MISSING)
    before, approved = opening.application_of(work, found), found.standing.step != kind.first.name
    more = application.evidence
    papers = evidence.corrected(found.evidence, more, command.taken_off, approved)
    if isinstance(papers, Finding):
        return acting.refusal((papers,))
    application = msgspec.structs.replace(application, evidence=papers)
    if wrong := evidence.may_correct(before, application, approved):
        return acting.refusal(wrong)
    asked = policy.Asked(
        application=application, school=found.outside.school, grade=found.grade, document=command.document
    )
    looked = await leaving.look(work, asked, case_id=found.id, day=day_of(found.opened_at))
    if isinstance(looked, Refused):
        return looked
    facts, decision = looked
    if facts.pupil is not None and facts.pupil.student_id != found.student_id:
        other = refuse(
            "24.5.1", "transfer.other_pupil", "补正时不能更换学生", cure="撤回后为另一名学生重新申请",
            fields=("number",),
        )  # fmt: skip
        return acting.refusal((other,))
    if decision.refused:
        return acting.refusal(decision.of(Outcome.REFUSE))
    if fault := await acting.attached(work, found, actor, more):
        return fault
    await store.change(
        work.tx,
        found.id,
        work.now,
        ground=application.ground,
        sealed=store.seal(work.deps.cipher, found.id, opening.details_of(application)),
        evidence=papers,
        findings=decision.findings,
        policy_version=decision.policy_version,
    )
    await parties.set_document(work.tx, found.id, command.document)
    details = {"document": msgspec.to_builtins(command.document), **acting.papers_changed(more, command.taken_off)}
    done = acting.doing(work, kind, found.standing.step or kind.first.name, actor, "resubmit", "", details=details)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], done, calendar=work.deps.calendar)
    return await acting.moved(work, actor, found.id)


@clause("24.5.1")
async def withdraw_outward(work: TransferWork, command: WithdrawOutward) -> TransferView | Refused:
    found = await _seen(work, command, command.transfer_id)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    if no := may_withdraw(kind, found.standing, actor, found.parties, command.reason):
        return acting.refusal(no)
    reason = f"监护人要求撤回：{command.reason.strip()}" if command.by_guardian else command.reason
    done = acting.doing(work, kind, found.standing.step or kind.first.name, actor, "withdraw", reason)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], done, calendar=work.deps.calendar)
    return await acting.moved(work, actor, found.id)


async def _seen(
    work: TransferWork, command: Command, transfer_id: str, version: int | None = None
) -> Transfer | Refused:
    """Under lock. A case between two schools of this province is none of these acts' business."""
    if no := check(command.actor, word(command), leaving.office()):
        return no
    found = await store.get(work.tx, transfer_id, lock=True)
    if found is None or found.outside is None:
        return refused("not_found", MISSING)
    return refused("conflict", CHANGED) if version is not None and version != found.version else found
