"""Orders to put right: raised, answered, decided (clause 48)."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.inspection import (
    AnswerFinding,
    DecideFinding,
    FindingAct,
    FindingKind,
    FindingState,
    GetFinding,
    InspectionFinding,
    InspectionFindingPage,
    ListFindings,
    RaiseFinding,
)
from shared_contracts.messages import Command, Query, word
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.inspection import asking, checking, policy, store, watching
from registry.inspection.tables import findings
from registry.organisations.tables import organisations as known
from registry.reach import of_schools

_f, _o = findings.c, known.c
NO_FINDING = "没有这项整改，或者它不属于您管理的范围。"
_SUPERVISOR = sa.func.coalesce(_o.authority, _f.authority)
"""Who supervises the school of a finding; of a school that was closed, whoever decides about the finding."""


@clause("48")
async def raise_finding(work: RegistryWork, command: RaiseFinding) -> InspectionFinding | Refused:
    """What the system cannot know by itself, an officer says: one of the seven of Article 48."""
    actor = command.actor
    if no := await asking.against_school(work, actor, word(command), command.school):
        return no
    kind = policy.by_hand(command.kind)
    faults = asking.faults_of(
        kind if kind.cure else None,
        policy.text_fault("detail", command.detail, policy.LONGEST_TEXT, "违规情况"),
        policy.day_fault(command.due_on, work.today),
    )
    if faults:
        return asking.told(faults)
    made = await store.add_findings(
        work.tx,
        [
            {
                "id": command.finding_id,
                "school": command.school,
                "authority": actor.organisation,
                "kind": command.kind,
                "code": f"by_hand.{command.kind}",
                "detail": command.detail.strip(),
                "records": 0,
                "source": "person",
                "raised_at": work.now,
                "due_on": command.due_on,
            }
        ],
    )
    if not made:
        return refused("conflict", "这个整改编号已被使用。请换一个编号。")
    await _note(work, command.finding_id, "raised", actor, command.detail)
    work.emit(watching.ordered(command.school, command.kind, command.due_on), command.finding_id)
    return await _finding(work, command.finding_id)


@clause("48")
async def answer_finding(work: RegistryWork, command: AnswerFinding) -> InspectionFinding | Refused:
    finding = await _locked(work, command, command.finding_id, command.version)
    if isinstance(finding, Refused):
        return finding
    if fault := policy.text_fault("answer", command.answer, policy.LONGEST_TEXT, "整改情况"):
        return asking.told((fault,))
    await store.change_finding(work.tx, command.finding_id, state=FindingState.ANSWERED)
    await _note(work, command.finding_id, "answered", command.actor, command.answer)
    work.emit(_answered(finding), command.finding_id)
    return await _finding(work, command.finding_id)


@clause("48")
async def decide_finding(work: RegistryWork, command: DecideFinding) -> InspectionFinding | Refused:
    """By whoever ordered it. A returned answer keeps its day: who answers late is late."""
    finding = await _locked(work, command, command.finding_id, command.version)
    if isinstance(finding, Refused):
        return finding
    returned = command.decision == "return"
    if (returned or command.reason.strip()) and (
        fault := policy.text_fault("reason", command.reason, policy.LONGEST_TEXT, "退回原因" if returned else "意见")
    ):
        return asking.told((fault,))
    state = FindingState.RETURNED if returned else FindingState.CLOSED
    await store.change_finding(work.tx, command.finding_id, state=state)
    await _note(work, command.finding_id, state.value, command.actor, command.reason)
    work.emit(_decided(finding, state), command.finding_id)
    return await _finding(work, command.finding_id)


@clause("48")
async def get_finding(work: RegistryWork, query: GetFinding) -> InspectionFinding | Refused:
    rows = await store.findings(work.tx, _f.id == query.finding_id)
    if not rows:
        return refused("not_found", NO_FINDING)
    target = Target(school=rows[0]["school"], authority=rows[0]["supervisor"] or rows[0]["authority"])
    if no := check(query.actor, word(query), target, missing=NO_FINDING):
        return no
    return await _finding(work, query.finding_id)


@clause("3.4", "48")
async def list_findings(work: RegistryWork, query: ListFindings) -> InspectionFindingPage | Refused:
    asked = listing.by_day(query)
    if isinstance(asked, Refused):
        return asked
    condition = of_schools(asked.reach, school=_f.school, authority=_SUPERVISOR)
    wanted: list[tuple[sa.ColumnElement[Any], str | None]] = [
        (_f.round_id, query.round_id), (_f.school, query.school), (_f.kind, query.kind), (_f.state, query.state),
    ]  # fmt: skip
    condition = sa.and_(condition, *(column == value for column, value in wanted if value is not None))
    rows = await store.findings(work.tx, condition, after=asked.after, limit=asked.rows)
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["due_on"].isoformat(), row["id"]))
    return InspectionFindingPage(items=tuple(_finding_view(work, row) for row in kept), next_cursor=cursor)


async def _locked(
    work: RegistryWork, command: AnswerFinding | DecideFinding, finding_id: str, version: int | None
) -> RowMapping | Refused:
    """The finding under lock, if this account may act on it and has seen its newest version."""
    finding = await store.lock_finding(work.tx, finding_id)
    if finding is None:
        return refused("not_found", NO_FINDING)
    target = Target(school=finding["school"], authority=finding["authority"])
    if no := check(command.actor, word(command), target, state=finding["state"], missing=NO_FINDING):
        return no
    if version is not None and version != finding["version"]:
        return refused("conflict", asking.CHANGED)
    return finding


async def _finding(work: RegistryWork, finding_id: str) -> InspectionFinding:
    (row,) = await store.findings(work.tx, _f.id == finding_id)
    acts = tuple(
        FindingAct(act=a["act"], account=a["account"], account_name=a["account_name"], at=a["at"], text=a["text"])
        for a in await store.acts(work.tx, finding_id)
    )
    return _finding_view(work, row, acts)


def _finding_view(work: RegistryWork, row: RowMapping, acts: tuple[FindingAct, ...] = ()) -> InspectionFinding:
    kind, state = FindingKind(row["kind"]), FindingState(row["state"])
    title, clause_id, cure = checking.cure_of(kind, row["code"])
    return InspectionFinding(
        id=row["id"],
        school=row["school"],
        school_name=row["school_name"] or row["school"],
        authority=row["authority"],
        kind=kind,
        code=row["code"],
        clause=clause_id,
        title=title,
        detail=row["detail"],
        cure=cure,
        records=row["records"],
        state=state,
        source=row["source"],
        round_id=row["round_id"],
        raised_at=row["raised_at"],
        due_on=row["due_on"],
        overdue=state is not FindingState.CLOSED and policy.is_overdue(row["due_on"], work.today),
        version=row["version"],
        acts=acts,
    )


async def _note(work: RegistryWork, finding_id: str, act: str, actor: Actor, text: str) -> None:
    await store.note(work.tx, [finding_id], act, account=actor.account, name=actor.name, at=work.now, text=text.strip())


def _answered(finding: RowMapping) -> WorkWaiting:
    return WorkWaiting(
        organisation=finding["authority"],
        role=Role.AUTHORITY_OFFICER,
        kind="finding_answered",
        title="有{count}项整改已答复",
        detail="学校已答复整改情况，请审核。",
        link="/v1/inspection-findings?state=answered",
    )


def _decided(finding: RowMapping, state: FindingState) -> WorkWaiting:
    closed = state is FindingState.CLOSED
    return WorkWaiting(
        organisation=finding["school"],
        role=Role.PRINCIPAL,
        kind=f"finding_{state}",
        title="有{count}项整改已办结" if closed else "有{count}项整改答复被退回",
        detail="主管教育行政部门已审核通过。" if closed else "请按退回原因继续整改，并重新答复。",
        link=f"/v1/inspection-findings?school={finding['school']}",
        due_on=None if closed else finding["due_on"],
    )


COMMANDS: dict[type[Command], CommandHandler] = {
    RaiseFinding: raise_finding,
    AnswerFinding: answer_finding,
    DecideFinding: decide_finding,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetFinding: get_finding,
    ListFindings: list_findings,
}
