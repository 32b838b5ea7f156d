"""What is done to a case: decided, sent to another school, corrected, taken back, carried out once more."""

from __future__ import annotations

import msgspec
from casework.rules import may_decide, may_reroute, may_resubmit, may_take, may_withdraw
from casework.state import day_of
from casework.store import decide_cases
from regulation.authorisation import MISSING, check
from regulation.findings import refuse
from regulation.mark import clause
from regulation.parameters import Parameters
from service_kit.database import driver
from shared_contracts.decisions import Decision, Finding, Outcome, Refused, refused
from shared_contracts.holds import ChangeFacts, GetChangeFacts, Seat
from shared_contracts.messages import Command, word
from shared_contracts.transfer import (
    DecideTransfer,
    GetTransfer,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Step,
    TransferState,
    TransferView,
    WithdrawTransfer,
)

from transfer.cases import acting, holding, opening, placing, signing, store, telling, views
from transfer.cases.chain import kind_of, parameters_of, settling_of
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.outside import coming, leaving
from transfer.outside.policy import by_its_paper, list_of_papers
from transfer.private_places.entering import intake_of, may_be_seated
from transfer.rules import evidence
from transfer.rules.case import place_of
from transfer.rules.judge import Begun, judge_again, still_in_school, to_override
from transfer.rules.places import may_be_sent_to

PRINCIPLES = "有“原则上”不予办理的情形。确需办理的，请选择突破并写明理由；没有空余学位的，可以改派到其他公办学校。"
NO_SEAT = "改派到有空余学位的公办学校；确需接收的，选择突破并写明理由"
OF_THE_SCHOOL = ("24.2.1", "24.2.2", "24.5.2", "24.5.3")
"""Clauses about places: they were about the school that the pupil does not go to now."""


@clause("24.5.1", "24.2.1", "24.2.2")
async def decide_transfer(work: TransferWork, command: DecideTransfer) -> TransferView | Refused:
    """The step that the case waits for. The receiving authority answers for the place: held, beyond the standard by its
    written word, or nowhere, and then it sends the pupil elsewhere instead."""
    act = f"{word(command)}/{command.step}"
    found = await _seen(work, command, act, command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    if by_paper := by_its_paper(command.step, found.side):
        return acting.refusal((by_paper,))
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
        return acting.refusal(no)
    if command.decision == "return":
        listed = evidence.may_ask(found.ground, command.asks, list_of_papers(found.side))
        if wrong := tuple(f for f in listed if f.outcome is Outcome.REFUSE):
            return acting.refusal(wrong)
    if command.decision == "approve":
        if found.side == "to":
            kept = await leaving.approvable(work, found, command.step)
        else:
            kept = await approvable(work, found, command.step, override=command.override)
        if isinstance(kept, Refused):
            return kept
        found = kept
    done = acting.doing(
        work, kind, command.step, actor, command.decision, command.reason, override=command.override,
        details={"asks": list(command.asks)} if command.asks else None,
    )  # fmt: skip
    await acting.decided(work, kind, found, done)
    last = actor.account
    same = found.to_authority == found.from_authority
    if command.decision == "approve" and command.step is Step.RELEASING_SCHOOL and same:
        last = await signing.signed_for_both(work, found.id) or last
    return await acting.moved(work, actor, found.id, last, overridden=list(found.overridden))


async def approvable(
    work: TransferWork, transfer: Transfer, step: Step, *, override: bool = False
) -> Transfer | Refused:  # fmt: skip
    """What has to hold when a step is approved, looked at anew: the facts are of today, not of the application's day. The
    transfer with the principles that are overridden, which the caller writes down with the act."""
    facts = await _facts(work, transfer, transfer.to_school)
    if isinstance(facts, Refused):
        return facts
    if ended := still_in_school(facts.pupil):
        return acting.refusal((ended,))
    await placing.place_anew(work, transfer, facts)
    first = step is Step.RECEIVING_AUTHORITY
    if first and not transfer.seat:
        if not_yet := await may_be_seated(work, transfer.id, transfer.to_school):
            return acting.refusal((not_yet,))
        kept = await _seat_anew(work, transfer, facts, over=override)
        if isinstance(kept, Refused):
            return kept
        transfer = kept
    decision = await _again(work, transfer, facts, step)
    if decision.refused:
        return acting.refusal(decision.of(Outcome.REFUSE))
    if not first:
        return transfer
    principles = tuple(dict.fromkeys([*transfer.needs_override, *to_override(decision)]))
    if principles and not override:
        against = [f for f in transfer.findings if f.outcome is Outcome.NEEDS_OVERRIDE]
        against += [f for f in decision.of(Outcome.NEEDS_OVERRIDE) if f.clause not in transfer.needs_override]
        return refused("refused", PRINCIPLES, *against)
    if override and not principles and not transfer.over:
        return acting.refusal((_nothing_to_override(),))
    return msgspec.structs.replace(transfer, overridden=principles) if principles else transfer


def _nothing_to_override() -> Finding:
    message = "没有需要突破的“原则上”规定"
    return refuse(
        "24.2.2", "transfer.nothing_to_override", message, cure="不选择突破，直接核准", fields=("override",)
    )  # fmt: skip


async def _again(work: TransferWork, transfer: Transfer, facts: ChangeFacts, step: Step | None) -> Decision:
    begun = Begun(
        step=step,
        from_school=transfer.from_school,
        grade=transfer.grade,
        seat=transfer.seat,
        over=transfer.over,
        overridden=transfer.overridden,
    )
    intake = None if facts.to is None else await intake_of(work, facts.to, _grade(transfer, facts), case_id=transfer.id)
    return judge_again(facts, parameters_of(work, transfer.to_authority), work.today, begun, intake)


async def _seat_anew(work: TransferWork, transfer: Transfer, facts: ChangeFacts, *, over: bool) -> Transfer | Refused:
    """A case that was opened without a place gets one: there is room now, or the authority allows one more."""
    free = facts.room.free if facts.room else 0
    if free < 1 and not over:
        found = refuse("24.2.2", "seat.none", "转入学校没有空余学位", cure=NO_SEAT)
        return refused("refused", f"转入学校没有空余学位。{NO_SEAT}。", found)
    seat = Seat(school=transfer.to_school, over=free < 1)
    granted = await holding.grant(work, transfer.id, transfer.student_id, transfer.to_school, seat)
    if isinstance(granted, Refused):
        return granted
    await store.change(work.tx, transfer.id, work.now, seat=True, over=seat.over)
    return msgspec.structs.replace(transfer, seat=True, over=seat.over)


@clause("24.5.2")
async def reroute_transfer(work: TransferWork, command: RerouteTransfer) -> TransferView | Refused:
    """To another public school of the authority's own, with a place; the case keeps its history."""
    found = await _seen(work, command, word(command), command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    moved = {kind.entrant_party: command.school}
    no = may_reroute(
        kind, found.standing, actor,
        parties=found.parties, moved=moved, reason=command.reason, entered_by=found.entered_by,
    )  # fmt: skip
    if no:
        return acting.refusal(no)
    facts = await _facts(work, found, command.school)
    if isinstance(facts, Refused):
        return facts
    stands = may_be_sent_to(facts, was=found.to_school, authority=found.to_authority)
    if against := tuple(one for one in stands if one.outcome is Outcome.REFUSE):
        return acting.refusal(against)
    looked = await _looked_at_for(work, found, facts, command.school)
    if isinstance(looked, Refused):
        return looked
    decision, parameters = looked
    if decision.refused:
        return acting.refusal(decision.of(Outcome.REFUSE))
    seat = Seat(school=command.school)
    granted = await holding.grant(work, found.id, found.student_id, command.school, seat)
    if isinstance(granted, Refused):
        return granted
    done = acting.doing(
        work, kind, found.standing.step or "", actor, "reroute", command.reason,
        details={
            "parties": moved, "from_school": found.to_school, "findings": msgspec.to_builtins(found.findings),
        },
    )  # fmt: skip
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], done, calendar=work.deps.calendar)
    return await acting.moved(
        work,
        actor,
        found.id,
        to_school=command.school,
        stage=facts.room.stage if facts.room else found.stage,
        seat=True,
        over=False,
        findings=(*decision.findings, *stands),
        policy_version=parameters.version,
        needs_override=[one for one in to_override(decision) if one not in OF_THE_SCHOOL],
    )


@clause("24.5.2")
async def _looked_at_for(
    work: TransferWork, transfer: Transfer, facts: ChangeFacts, school: str
) -> tuple[Decision, Parameters] | Refused:
    """What the law says of the application for the school that it is sent to, as of its own day. What was found about the
    former school is kept with the act that sends it on."""
    application = opening.application_of(work, transfer)
    if transfer.side == "from":
        looked = await coming.look_again(work, transfer, application, school)
        return looked if isinstance(looked, Refused) else (looked[1], looked[2])
    assert facts.to is not None  # there is none: not supervised, refused before
    day = day_of(transfer.opened_at)
    return await opening.judged(work, facts, facts.to, application, case_id=transfer.id, day=day)


@clause("24.5.1")
async def resubmit_transfer(work: TransferWork, command: ResubmitTransfer) -> TransferView | Refused:
    """A returned case with what was corrected; judged anew as of the day of the application. Pupil and school stay, and what
    somebody has already approved."""
    found = await _seen(work, command, word(command), command.transfer_id, command.version)
    if isinstance(found, Refused):
        return found
    kind, actor, application = kind_of(work, found), command.actor, command.application
    if no := may_resubmit(kind, found.standing, actor, found.parties):
        return acting.refusal(no)
    before, approved = opening.application_of(work, found), found.standing.step != kind.first.name
    more = application.evidence
    papers = evidence.corrected(found.evidence, more, command.taken_off, approved)
    if isinstance(papers, Finding):
        return acting.refusal((papers,))
    application = msgspec.structs.replace(application, evidence=papers)
    if wrong := evidence.may_correct(before, application, approved):
        return acting.refusal(wrong)
    if found.side == "from":
        looked = await coming.look_again(work, found, application)
    else:
        looked = await opening.look(
            work, actor, application, school=found.to_school, case_id=found.id, day=day_of(found.opened_at)
        )
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
        return acting.refusal((other,))
    if no_ := opening.against(decision, command.exception):
        return no_
    if fault := await acting.attached(work, found, actor, more):
        return fault
    await store.change(
        work.tx,
        found.id,
        work.now,
        ground=application.ground,
        record_moves=application.record_moves,
        placement=placing.placement_of(work, facts, record_moves=application.record_moves),
        sealed=store.seal(work.deps.cipher, found.id, coming.details_again(work, found, application)),
        evidence=application.evidence,
        exception=command.exception.strip(),
        findings=decision.findings,
        policy_version=parameters.version,
        needs_override=list(to_override(decision)),
    )
    details = acting.papers_changed(more, command.taken_off)
    done = acting.doing(work, kind, found.standing.step or kind.first.name, actor, "resubmit", "", details=details)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], done, calendar=work.deps.calendar)
    return await acting.moved(work, actor, found.id)


@clause("24.5.1")
async def withdraw_transfer(work: TransferWork, command: WithdrawTransfer) -> TransferView | Refused:
    found = await _seen(work, command, word(command), command.transfer_id)
    if isinstance(found, Refused):
        return found
    kind, actor = kind_of(work, found), command.actor
    if no := may_withdraw(kind, found.standing, actor, found.parties, command.reason):
        return acting.refusal(no)
    reason = f"监护人要求撤回：{command.reason.strip()}" if command.by_guardian else command.reason
    done = acting.doing(work, kind, found.standing.step or kind.first.name, actor, "withdraw", reason)
    await decide_cases(await driver(work.tx), kind, [(found.id, found.standing)], done, calendar=work.deps.calendar)
    return await acting.moved(work, actor, found.id)


@clause("24.5.1")
async def retry_transfer(work: TransferWork, command: RetryTransfer) -> TransferView | Refused:
    """Once more, beyond the standard size where the authority says so; or given up, with a reason: so is a child of another
    province whom all have approved and who does not come after all. Not by whoever has entered the case or decided it for
    the releasing side (`settling`)."""
    found = await _seen(work, command, word(command), command.transfer_id)
    if isinstance(found, Refused):
        return found
    if found.outcome != "attention" and not (found.awaited and command.give_up):
        return refused("conflict", "这项转学没有待处理的转接问题。请刷新后查看。")
    no = may_take(
        kind_of(work, found), found.standing, settling_of(work, found), command.actor,
        parties=found.parties, entered_by=found.entered_by,
    )  # fmt: skip
    if no:
        return acting.refusal(no)
    if command.override and found.side == "to":
        return acting.refusal((_nothing_to_override(),))
    if found.side == "from" and found.student_id and (against := coming.may_settle(command)):
        return acting.refusal((against,))
    if (command.override or command.give_up) and not command.reason.strip():
        missing = refuse(
            "24.5.1",
            "case.reason_required",
            "突破班额或终止办理须写明原因",
            cure="填写原因后重新提交",
            fields=("reason",),
        )
        return acting.refusal((missing,))
    if command.give_up:
        found = await store.change(work.tx, found.id, work.now, outcome="given_up", seat=False, over=False)
        await telling.ended(work, found, TransferState.WITHDRAWN)
        return await acting.told(work, command.actor, found)
    if found.side == "from" and found.student_id:  # the record is there: what differed was looked at
        again = await store.change(work.tx, found.id, work.now, outcome="moved", completed_on=work.today)
        return await acting.told(work, command.actor, again)
    over = found.over or command.override
    overridden = [*dict.fromkeys([*found.overridden, *(["24.2.2"] if command.override else [])])]
    again = await store.change(
        work.tx, found.id, work.now, outcome="moving", over=over, overridden=overridden, problem=()
    )
    await telling.approved(work, again, command.actor.account)
    return await acting.told(work, command.actor, again)


# ---- shared by all -------------------------------------------------------------------------------------------------


_RELEASING = (Step.RELEASING_SCHOOL, Step.RELEASING_AUTHORITY)


async def _seen(
    work: TransferWork, command: Command, act: str, transfer_id: str, version: int | None = None
) -> Transfer | Refused:
    """The transfer under lock, if the actor may do this with the side whose act it is: the receiving one's, but for the two
    steps of the other."""
    found = await store.get(work.tx, transfer_id, lock=True)
    if found is None:
        return check(command.actor, act) or refused("not_found", MISSING)
    releasing = act.rpartition("/")[2] in _RELEASING
    side = views.releasing(found) if releasing else views.receiving(found)
    if no := check(command.actor, act, side, missing=MISSING):
        seen = no.kind == "not_found" and views.sees(command.actor, word(GetTransfer), found)
        return await acting.of_others(work, found, act) if seen else no
    if version is not None and version != found.version:
        return refused("conflict", "这项转学在您查看之后有变化。请刷新后再办理。")
    return found


@clause("24.6.2")
async def _facts(work: TransferWork, transfer: Transfer, school: str) -> ChangeFacts | Refused:
    """Of today; the room is that of the pupil's grade today: pupil and seat are promoted together."""
    if transfer.side == "from":
        return await coming.facts_of(work, transfer, school)
    query = GetChangeFacts(
        actor=holding.SERVICE,
        student_id=transfer.student_id,
        to_school=school,
        residence=place_of(opening.application_of(work, transfer)),
        case_id=transfer.id,
    )
    return await holding.facts(work.deps, query)


@clause("24.6.2")
def _grade(transfer: Transfer, facts: ChangeFacts) -> int:
    """The pupil's grade today: who was promoted since the case was opened goes on in the next one, and so does the seat."""
    now = facts.pupil.grade if facts.pupil else None
    return now or transfer.grade
