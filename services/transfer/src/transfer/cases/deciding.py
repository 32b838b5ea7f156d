"""What is done to a case: decided, sent to another school, corrected, taken back, carried out once more."""

from __future__ import annotations

from typing import Any

from casework.kinds import CaseKind
from casework.rules import may_decide, may_reroute, may_resubmit, may_withdraw
from casework.state import Act, deciding_role
from casework.store import Doing, decide_cases
from regulation.authorisation import MISSING, check
from regulation.findings import refuse
from regulation.mark import clause
from service_kit.bus import BusError
from service_kit.database import driver
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Outcome, Refused, refused
from shared_contracts.holds import ChangeFacts, GetChangeFacts, Seat
from shared_contracts.messages import Command, word
from shared_contracts.transfer import (
    DecideTransfer,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Step,
    TransferState,
    TransferView,
    WithdrawTransfer,
)

from transfer.cases import holding, opening, store, telling, views
from transfer.cases.chain import kind_of, parameters_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.rules.judge import judge_again


@clause("24.5.1", "24.2.1", "24.2.2")
async def decide_transfer(work: TransferWork, command: DecideTransfer) -> TransferView | Refused:
    """The step that the case waits for. The receiving authority answers for the place: held, beyond the standard by its
    written word, or nowhere, and then it sends the pupil elsewhere instead."""
    act = f"{word(command)}/{command.step}"
    found = await _seen(work, command, act, command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    no = may_decide(
        kind,
        found.standing,
        command.step,
        actor,
        parties=found.parties,
        decision=command.decision,
        reason=command.reason,
        entered_by=found.entered_by,
        override=command.override,
    )
    if no:
        return refusal(no)
    if command.decision == "approve":
        kept = await _approvable(work, found, command)
        if isinstance(kept, Refused):
            return kept
        found = kept
    doing = _doing(work, kind, command.step, actor, command.decision, command.reason, override=command.override)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
    return await _moved(work, actor, found.id)


async def _approvable(work: TransferWork, transfer: Transfer, command: DecideTransfer) -> Transfer | Refused:
    """What has to hold when a step is approved, looked at anew: the facts are of today, not of the application's day."""
    facts = await _facts(work, transfer, transfer.to_school)
    if isinstance(facts, Refused):
        return facts
    parameters = parameters_of(work, transfer.to_authority)
    decision = judge_again(facts, transfer.record_moves, parameters, work.today, seat=transfer.seat)
    if decision.refused:
        return refusal(decision.of(Outcome.REFUSE))
    if command.step is not Step.RECEIVING_AUTHORITY:
        return transfer
    principles = dict.fromkeys([*transfer.needs_override, *opening.overrides(decision)])
    if principles and not command.override:
        against = [*(f for f in transfer.findings if f.outcome is Outcome.NEEDS_OVERRIDE)]
        against += [f for f in decision.of(Outcome.NEEDS_OVERRIDE) if f.clause not in transfer.needs_override]
        return refused(
            "refused",
            "有“原则上”不予办理的情形。确需办理的，请选择突破并写明理由；没有空余学位的，可以改派到其他公办学校。",
            *against,
        )
    if command.override and not principles:
        nothing = refuse(
            "24.2.2", "transfer.nothing_to_override", "没有需要突破的“原则上”规定", cure="不选择突破，直接核准",
            fields=("override",),
        )  # fmt: skip
        return refusal((nothing,))
    if not transfer.seat:
        granted = await _seat_anew(work, transfer, facts, over=command.override)
        if isinstance(granted, Refused):
            return granted
    if principles:
        await store.change(work.tx, transfer.id, work.now, overridden=list(principles))
    again = await store.get(work.tx, transfer.id)
    assert again is not None
    return again


async def _seat_anew(work: TransferWork, transfer: Transfer, facts: ChangeFacts, *, over: bool) -> Seat | Refused:
    """A case that was opened without a place gets one: there is room now, or the authority allows one more."""
    seat = Seat(school=transfer.to_school, grade=transfer.grade, over=over and not (facts.room and facts.room.free))
    granted = await holding.grant(work, transfer.id, transfer.student_id, transfer.to_school, seat)
    if isinstance(granted, Refused):
        return granted
    await store.change(work.tx, transfer.id, work.now, seat=True, over=seat.over)
    return seat


@clause("24.5.2")
async def reroute_transfer(work: TransferWork, command: RerouteTransfer) -> TransferView | Refused:
    """To another public school of the authority's own, with a place; the case keeps its history."""
    found = await _seen(work, command, word(command), command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    moved = {kind.entrant_party: command.school}
    if no := may_reroute(kind, found.standing, actor, parties=found.parties, moved=moved, reason=command.reason):
        return refusal(no)
    facts = await _facts(work, found, command.school)
    if isinstance(facts, Refused):
        return facts
    if fault := _not_there(found, facts, command.school):
        return refusal((fault,))
    assert facts.to is not None and facts.pupil is not None
    seat = Seat(school=command.school, grade=found.grade)
    granted = await holding.grant(work, found.id, found.student_id, command.school, seat)
    if isinstance(granted, Refused):
        return granted
    doing = _doing(
        work, kind, found.standing.step or "", actor, "reroute", command.reason,
        details={"parties": moved, "from_school": found.to_school},
    )  # fmt: skip
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
    gone = [c for c in found.needs_override if c not in ("24.2.1", "24.2.2", "24.5.2", "24.5.3")]
    await store.change(
        work.tx,
        found.id,
        work.now,
        to_school=command.school,
        stage=facts.room.stage if facts.room else found.stage,
        seat=True,
        over=False,
        needs_override=gone,
    )
    return await _moved(work, actor, found.id)


@clause("24.5.2", "24.6.2")
def _not_there(transfer: Transfer, facts: ChangeFacts, school: str) -> Finding | None:
    """Why the pupil cannot be sent there. The place itself is counted under lock by the registry."""
    cure = "从有空余学位的公办学校中另选一所"
    if school == transfer.to_school:
        return refuse("24.5.2", "reroute.same_school", "该生申请的就是这所学校", cure=cure, fields=("school",))
    if school == transfer.from_school:
        return refuse("24.5.2", "reroute.own_school", "该生现在就在这所学校", cure=cure, fields=("school",))
    if facts.to is None or facts.to.authority != transfer.to_authority:
        message = "没有这所学校，或者它不由您直接主管"
        return refuse("24.5.2", "reroute.not_supervised", message, cure=cure, fields=("school",))
    if facts.to.ownership != "public":
        return refuse("24.5.2", "reroute.not_public", "只能统筹到公办学校", cure=cure, fields=("school",))
    if facts.room is None:
        return refuse("24.6.2", "reroute.no_grade", "这所学校没有该生就读的年级", cure=cure, fields=("school",))
    return None


@clause("24.5.1")
async def resubmit_transfer(work: TransferWork, command: ResubmitTransfer) -> TransferView | Refused:
    """A returned case with what was corrected; judged anew as of today. Pupil and school stay."""
    found = await _seen(work, command, word(command), command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor, application = kind_of(work, found), command.actor, command.application
    if no := may_resubmit(kind, found.standing, actor, found.parties):
        return refusal(no)
    looked = await opening.look(work, actor, application, school=found.to_school, case_id=found.id)
    if isinstance(looked, Refused):
        return looked
    facts, decision, parameters = looked
    if facts.pupil is not None and facts.pupil.student_id != found.student_id:
        other = refuse(
            "24.5.1",
            "transfer.other_pupil",
            "补正时不能更换学生",
            cure="撤回后为另一名学生重新申请",
            fields=("number",),
        )
        return refusal((other,))
    if no_ := opening.against(decision, command.exception):
        return no_
    if application.evidence:
        seat = Seat(school=found.to_school, grade=found.grade, over=found.over) if found.seat else None
        granted = await holding.grant(work, found.id, found.student_id, actor.organisation, seat, application.evidence)
        if isinstance(granted, Refused):
            return granted
    await store.change(
        work.tx,
        found.id,
        work.now,
        ground=application.ground,
        record_moves=application.record_moves,
        sealed=store.seal(work.deps.cipher, found.id, opening.details_of(application)),
        evidence=application.evidence or found.evidence,
        exception=command.exception.strip(),
        findings=opening.shown(decision).findings,
        policy_version=parameters.version,
        needs_override=opening.overrides(decision),
    )
    doing = _doing(work, kind, found.standing.step or kind.first.name, actor, "resubmit", "")
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
    return await _moved(work, actor, found.id)


@clause("24.5.1")
async def withdraw_transfer(work: TransferWork, command: WithdrawTransfer) -> TransferView | Refused:
    found = await _seen(work, command, word(command), command.transfer_id)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    if no := may_withdraw(kind, found.standing, actor, found.parties, command.reason):
        return refusal(no)
    reason = f"监护人要求撤回：{command.reason.strip()}" if command.by_guardian else command.reason
    doing = _doing(work, kind, found.standing.step or kind.first.name, actor, "withdraw", reason)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], doing, calendar=work.deps.calendar)
    return await _moved(work, actor, found.id)


@clause("24.5.1")
async def retry_transfer(work: TransferWork, command: RetryTransfer) -> TransferView | Refused:
    """Once more, beyond the standard size where the authority says so; or given up, with a reason."""
    found = await _seen(work, command, word(command), command.transfer_id)
    if isinstance(found, Refused):
        return found
    if found.outcome != "attention":
        return refused("conflict", "这项转学没有待处理的转接问题。请刷新后查看。")
    if (command.override or command.give_up) and not command.reason.strip():
        missing = refuse(
            "24.5.1",
            "case.reason_required",
            "突破班额或终止办理须写明原因",
            cure="填写原因后重新提交",
            fields=("reason",),
        )
        return refusal((missing,))
    if command.give_up:
        await store.change(work.tx, found.id, work.now, outcome="given_up", seat=False, over=False)
        return await _told(work, command.actor, found.id, TransferState.WITHDRAWN)
    over = found.over or command.override
    overridden = [*dict.fromkeys([*found.overridden, *(["24.2.2"] if command.override else [])])]
    await store.change(work.tx, found.id, work.now, outcome="moving", over=over, overridden=overridden, problem=())
    again = await store.get(work.tx, found.id)
    assert again is not None
    await telling.approved(work, again, command.actor.account)
    return await _told(work, command.actor, found.id, None)


# ---- shared by all -------------------------------------------------------------------------------------------------


async def _seen(
    work: TransferWork, command: Command, act: str, transfer_id: str, version: int | None = None
) -> Transfer | Refused:
    """The transfer under lock, if the actor may do this with one of its sides."""
    found = await store.get(work.tx, transfer_id, lock=True)
    if found is None:
        return check(command.actor, act) or refused("not_found", MISSING)
    sides = (views.receiving(found), views.releasing(found))
    refusals = [check(command.actor, act, side, missing=MISSING) for side in sides]
    if all(refusals):
        return refusals[0] or refused("not_found", MISSING)
    if version is not None and version != found.version:
        return refused("conflict", "这项转学在您查看之后有变化。请刷新后再办理。")
    return found


async def _facts(work: TransferWork, transfer: Transfer, school: str) -> ChangeFacts | Refused:
    query = GetChangeFacts(
        actor=holding.SERVICE,
        student_id=transfer.student_id,
        to_school=school,
        grade=transfer.grade,
        case_id=transfer.id,
    )
    try:
        facts: ChangeFacts | Refused = await work.deps.bus.ask(query)
    except BusError:
        return refused("unavailable", holding.AWAY)
    return facts


def _doing(
    work: TransferWork,
    kind: CaseKind,
    step: str,
    actor: Actor,
    act: Act,
    reason: str,
    *,
    override: bool = False,
    details: dict[str, Any] | None = None,
) -> Doing:
    role = deciding_role(kind.step(step), actor.roles) or (actor.roles[0] if actor.roles else "")
    return Doing(act=act, actor=actor, role=role, at=work.now, reason=reason, override=override, details=details or {})


async def _moved(work: TransferWork, actor: Actor, transfer_id: str) -> TransferView:
    """After an act: what it means for the record, and where the case stands now."""
    found = await store.get(work.tx, transfer_id)
    assert found is not None
    status = found.standing.status
    await store.change(work.tx, transfer_id, work.now, **({"outcome": "moving"} if status == "approved" else {}))
    if status == "approved":
        await telling.approved(work, found, actor.account)
    ended = TransferState(status) if status in ("rejected", "withdrawn") else None
    return await _told(work, actor, transfer_id, ended)


async def _told(work: TransferWork, actor: Actor, transfer_id: str, ended: TransferState | None) -> TransferView:
    found = await store.get(work.tx, transfer_id)
    assert found is not None
    if ended is not None:
        await telling.ended(work, found, ended)
    await telling.stands(work, kind_of(work, found), found)
    return await views.view(work, actor, found)


def refusal(findings: tuple[Finding, ...]) -> Refused:
    """As the first finding says it; all of them are kept."""
    first = findings[0]
    return refused("refused", f"{first.message}。{first.cure}。" if first.cure else f"{first.message}。", *findings)
