"""A transfer as one of its parties sees it: nobody learns more of another school's pupil than the case itself says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from casework.kinds import DECISION_TITLES, CaseKind
from casework.rules import may_decide, may_reroute, may_resubmit, may_take, may_withdraw
from casework.state import DecisionRow
from regulation.authorisation import Target, may
from service_kit import organisations
from shared_contracts.actors import Actor
from shared_contracts.decisions import Decision, Finding
from shared_contracts.outside_transfers import OutsideDocument, OutsideView, Side
from shared_contracts.transfer import GROUND_TITLES, STATE_TITLES, Step, StepView, TransferState, TransferView

from transfer.cases import store
from transfer.cases.chain import kind_of, settling_of
from transfer.cases.showing import shown
from transfer.cases.store import Transfer
from transfer.context import TransferWork
from transfer.rules.kind import outside_steps

ACT_TITLES = {**DECISION_TITLES, "resubmit": "补正后重新提交", "withdraw": "撤回", "reroute": "改派学校"}

BY_SCHOOL = ("resubmit", "withdraw")
"""Acts of the school that applies: none of the steps, whichever the case stood at. The system ends a stale case likewise."""


def act_place(kind: CaseKind, row: DecisionRow) -> str:
    """Where in the case somebody acted, for people: at a step, or as the school that applies."""
    if row.decision in BY_SCHOOL and row.organisation:
        return "转入学校"
    return kind.step(row.step).title


def receiving(transfer: Transfer) -> Target:
    return Target(school=transfer.to_school, authority=transfer.to_authority)


def releasing(transfer: Transfer) -> Target:
    return Target(school=transfer.from_school, authority=transfer.from_authority)


def sees(actor: Actor, act: str, transfer: Transfer) -> bool:
    return may(actor, act, receiving(transfer)) or may(actor, act, releasing(transfer))


async def view(work: TransferWork, actor: Actor, transfer: Transfer) -> TransferView:
    """One transfer with all that was done."""
    history = await store.history(work.tx, transfer.id)
    return seen(work, actor, transfer, history, await organisations.names(work.tx, named(transfer, history)))


async def views(work: TransferWork, actor: Actor, transfers: Sequence[Transfer]) -> tuple[TransferView, ...]:
    """Rows of a list: without timelines."""
    names = await organisations.names(work.tx, {code for one in transfers for code in named(one, ())})
    return tuple(seen(work, actor, one, (), names) for one in transfers)


def named(transfer: Transfer, history: Sequence[DecisionRow]) -> set[str]:
    """Organisations whose names a view shows."""
    before = {row.details["from_school"] for row in history if "from_school" in row.details}
    return {transfer.to_school, transfer.from_school, *(row.organisation for row in history), *before}


def seen(
    work: TransferWork, actor: Actor, transfer: Transfer, history: Sequence[DecisionRow], names: Mapping[str, str]
) -> TransferView:
    """A transfer with these acts. `names`: of all that is `named`."""
    kind = kind_of(work, transfer)
    standing = transfer.standing
    open_ = standing.status == "open" and standing.step is not None
    inside = may(actor, "transfer.transfer", receiving(transfer))
    details = store.details(work.deps.cipher, transfer)
    step = kind.step(standing.step) if open_ and standing.step else None
    return TransferView(
        id=transfer.id,
        number=transfer.number,
        student_id=transfer.student_id,
        name=transfer.name,
        ground=transfer.ground,
        ground_title=GROUND_TITLES[transfer.ground],
        state=transfer.state,
        state_title=state_title(transfer),
        to_school=transfer.to_school,
        to_school_name=to_name(transfer, names),
        to_authority=transfer.to_authority,
        from_school=transfer.from_school,
        from_school_name=from_name(transfer, names),
        from_authority=transfer.from_authority,
        grade=transfer.grade,
        seat=transfer.seat,
        over=transfer.over,
        without_record=not transfer.record_moves,
        waits_for=Step(step.name) if step else None,
        waits_for_title=step.title if step else "",
        due_on=standing.due_on,
        overdue=standing.due_on is not None and work.today > standing.due_on,
        provisional=standing.provisional,
        version=transfer.version,
        opened_at=transfer.opened_at,
        opened_by=transfer.opened_by if inside else "",
        evidence=transfer.evidence if inside else (),
        residence=details.residence if inside or not _is_school(actor) else None,
        guardian=details.guardian,
        phone=masked(details.phone),
        exception=transfer.exception,
        findings=_findings(actor, transfer.findings, inside=inside),
        placement=transfer.placement,
        timeline=tuple(_step(kind, transfer, row, actor, names, inside=inside) for row in history),
        problem=transfer.problem,
        class_no=transfer.class_no,
        completed_on=transfer.completed_on,
        may=possible(work, kind, transfer, actor),
        outside=_outside(transfer, details.former_number if inside else ""),
    )


def _outside(transfer: Transfer, former_number: str) -> OutsideView | None:
    return transfer.outside and msgspec.structs.replace(transfer.outside, former_number=former_number)


def state_title(transfer: Transfer) -> str:
    """A pupil who has gone to another province has not come anywhere here; for one who comes from there the school makes
    the record."""
    if transfer.awaited:
        return "已核准，待转入学校建籍"
    left = transfer.side == "to" and transfer.state is TransferState.COMPLETED
    return "已转往外省" if left else STATE_TITLES[transfer.state]


def to_name(transfer: Transfer, names: Mapping[str, str]) -> str:
    return _outside_name(transfer, "to") or names.get(transfer.to_school, transfer.to_school)


def from_name(transfer: Transfer, names: Mapping[str, str]) -> str:
    return _outside_name(transfer, "from") or names.get(transfer.from_school, transfer.from_school)


def _outside_name(transfer: Transfer, side: Side) -> str:
    party = transfer.outside
    return f"{party.school.name}（{party.province_name}）" if party is not None and party.side == side else ""


def entered_for(transfer: Transfer, row: DecisionRow) -> str:
    """Who of another province did what the province office entered; empty for an act of ours."""
    if transfer.outside is None or not row.organisation:
        return ""
    school = transfer.outside.school
    if row.decision in BY_SCHOOL:
        return school.name if transfer.side == "to" else ""
    if row.step not in outside_steps(transfer.side):
        return ""
    return school.name if row.step == Step.RELEASING_SCHOOL else school.authority


def _step(
    kind: CaseKind, transfer: Transfer, row: DecisionRow, actor: Actor, names: Mapping[str, str], *, inside: bool
) -> StepView:
    moved = row.details.get("parties", {}) if row.decision == "reroute" else {}
    return StepView(
        step=row.step,
        step_title=act_place(kind, row),
        decision=row.decision,
        decision_title=ACT_TITLES[row.decision],
        organisation=row.organisation,
        organisation_name=names.get(row.organisation, row.organisation or "系统"),
        account_name=row.account_name if row.organisation == actor.organisation else "",
        decided_at=row.decided_at,
        reason=row.reason,
        override=row.override,
        from_school=row.details.get("from_school"),
        from_school_name=names.get(row.details.get("from_school", ""), ""),
        to_school=moved.get(kind.entrant_party),
        findings=_findings(actor, _found_before(row), inside=inside),
        asks=tuple(row.details.get("asks") or ()),
        entered_for=entered_for(transfer, row),
        document=msgspec.convert(row.details["document"], OutsideDocument) if "document" in row.details else None,
    )


def possible(work: TransferWork, kind: CaseKind, transfer: Transfer, actor: Actor) -> tuple[str, ...]:
    """What the rules of casework let this account do now."""
    standing, parties = transfer.standing, transfer.parties
    found = []
    if standing.status == "open" and standing.step is not None:
        against = may_decide(
            kind, standing, standing.step, actor, parties=parties, decision="approve", reason="",
            entered_by=transfer.entered_by,
        )  # fmt: skip
        if not against:
            found.append("decide_outside" if standing.step in outside_steps(transfer.side) else "decide")
        moved, by = {kind.entrant_party: ""}, transfer.entered_by
        if not may_reroute(kind, standing, actor, parties=parties, moved=moved, reason="-", entered_by=by):
            found.append("reroute")
    if not may_resubmit(kind, standing, actor, parties):
        found.append("resubmit_outward" if transfer.side == "to" else "resubmit")
    if not may_withdraw(kind, standing, actor, parties, "-"):
        found.append("withdraw_outward" if transfer.side == "to" else "withdraw")
    if transfer.outcome == "attention" or transfer.awaited:
        step = settling_of(work, transfer)
        if not may_take(kind, standing, step, actor, parties=parties, entered_by=transfer.entered_by):
            found.append("give_up" if transfer.awaited else "retry")
    return tuple(found)


def _found_before(row: DecisionRow) -> tuple[Finding, ...]:
    """What had been found about the school that a re-routing sent the pupil away from."""
    return msgspec.convert(row.details.get("findings", []), tuple[Finding, ...])


def _findings(actor: Actor, findings: tuple[Finding, ...], *, inside: bool) -> tuple[Finding, ...]:
    """The authority that decides sees all of them; the school that applied what it was told; the other side none."""
    if not inside:
        return ()
    if not _is_school(actor):
        return findings
    return shown(Decision(findings=findings)).findings


def masked(phone: str) -> str:
    """The first three and the last four digits."""
    return f"{phone[:3]}****{phone[-4:]}" if len(phone) >= 8 else "****"


def _is_school(actor: Actor) -> bool:
    return len(actor.organisation) == 10
