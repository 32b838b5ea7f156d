"""Quality of records and schools, rounds of verification, orders to put right: who asks, answers and decides."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Target, check, reach
from regulation.mark import clause
from service_kit import paging
from service_kit.database import fetch_one
from service_kit.ids import derived
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.inspection import (
    AnswerFinding,
    CheckSchool,
    CloseRound,
    DecideFinding,
    FindingAct,
    FindingKind,
    FindingState,
    GetFinding,
    GetRecordQuality,
    GetRound,
    InspectionFinding,
    InspectionFindingPage,
    IssueCount,
    ListFindings,
    ListQuality,
    ListRounds,
    ListSchoolQuality,
    OpenRound,
    QualityPage,
    QualityRow,
    RaiseFinding,
    RecordQuality,
    RoundPage,
    RoundState,
    RoundView,
    SchoolQuality,
    SchoolQualityPage,
)
from shared_contracts.messages import Command, Query, word
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.inspection import checking, policy, quality, store, watching
from registry.inspection.store import OPEN_STATES
from registry.inspection.tables import findings, inspection_rounds, record_quality
from registry.organisations import store as organisations
from registry.organisations.tables import organisations as known
from registry.reach import of_schools, within
from registry.records import views
from registry.records.tables import classes

_f, _o, _r, _q = findings.c, known.c, inspection_rounds.c, record_quality.c
NO_SCHOOL = "没有这所学校，或者它不属于您管理的范围。"
NO_STUDENT = "没有这名学生，或者不属于您管理的范围。"
NO_ROUND = "没有这次核查，或者它不属于您管理的范围。"
NO_FINDING = "没有这项整改，或者它不属于您管理的范围。"
CHANGED = "内容已被更改。请刷新后再办理。"
_SUPERVISOR = sa.func.coalesce(_o.authority, _f.authority)
"""Who supervises the school of a finding; of a school that was closed, whoever decides about the finding."""


# ---- quality --------------------------------------------------------------------------------------------------------


@clause("3.5")
async def check_school(work: RegistryWork, command: CheckSchool) -> SchoolQuality | Refused:
    """Asked for twice it is done once; a worker does it, `checking` says so until then."""
    if no := await _against_school(work, command.actor, word(command), command.school):
        return no
    ids = {command.school: derived("school-check", command.command_id)}
    await store.ask_checks(work.tx, ids, round_id=None, by=command.actor.account, at=work.now)
    (row,) = await store.schools(work.tx, _o.code == command.school, None, 1)
    return _school(row)


@clause("3.5")
async def list_school_quality(work: RegistryWork, query: ListSchoolQuality) -> SchoolQualityPage | Refused:
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    condition = of_schools(reached, school=_o.code, authority=_o.authority)
    if query.school is not None:
        condition = sa.and_(condition, _o.code == query.school)
    limit = paging.size(query.limit)
    rows = await store.schools(work.tx, condition, str(after[0]) if after else None, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["code"],))
    return SchoolQualityPage(items=tuple(map(_school, kept)), next_cursor=cursor)


@clause("3.5")
async def list_quality(work: RegistryWork, query: ListQuality) -> QualityPage | Refused:
    """A class teacher sees those of the own classes."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    if query.code is not None and query.code not in quality.CATALOGUE:
        return refused("invalid", "没有这种问题。请从学校的问题汇总中选择。")
    after = paging.decode(query.cursor, int, str)
    if isinstance(after, Refused):
        return after
    seen = within(reached, school=_q.school, authority=_o.authority, grade=classes.c.grade, class_no=classes.c.class_no)
    limit = paging.size(query.limit)
    place = (int(after[0]), str(after[1])) if after else None
    rows = await store.quality(work.tx, sa.and_(seen, _q.school == query.school), query.code, place, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["score"], row["student_id"]))
    return QualityPage(items=tuple(_row(work, row) for row in kept), next_cursor=cursor)


@clause("3.5")
async def record_quality_of(work: RegistryWork, query: GetRecordQuality) -> RecordQuality | Refused:
    """One record as it is now, whenever its school was checked last."""
    row = await views.row_of(work.tx, query.student_id)
    if row is None:
        return refused("not_found", NO_STUDENT)
    target = Target(school=row["school"], authority=row["authority"], grade=row["grade"], class_no=row["class_no"])
    if no := check(query.actor, word(query), target, missing=NO_STUDENT):
        return no
    facts = await store.record(work.tx, query.student_id)
    school = await organisations.school(work.tx, row["school"])
    if facts is None or school is None:
        return refused("conflict", "学籍已注销或学校已撤销，不再检查。")
    issues = checking.examined(work, facts, work.deps.policy.parameters(school.division, work.today))
    return RecordQuality(student_id=query.student_id, score=quality.score(issues), issues=issues, checked_on=work.today)


def _school(row: RowMapping) -> SchoolQuality:
    counts = [
        IssueCount(issue=quality.CATALOGUE[code], records=records)
        for code, records in (row["counts"] or {}).items()
        if code in quality.CATALOGUE
    ]
    own = [
        IssueCount(issue=quality.CATALOGUE[code], records=0, of_school=True)
        for code in row["own_issues"] or ()
        if code in quality.CATALOGUE
    ]
    return SchoolQuality(
        school=row["code"],
        school_name=row["name"],
        authority=row["authority"],
        records=row["records"] or 0,
        perfect=row["perfect"] or 0,
        score=row["score"],
        issues=(*own, *sorted(counts, key=lambda one: (-one.records, one.issue.code))),
        checked_on=row["done_on"],
        checking=row["checking"],
    )


def _row(work: RegistryWork, row: RowMapping) -> QualityRow:
    issues = tuple(quality.CATALOGUE[code] for code in row["codes"] if code in quality.CATALOGUE)
    return QualityRow(
        student_id=row["student_id"],
        name=row["name"],
        grade=row["grade"],
        class_no=row["class_no"],
        score=row["score"],
        issues=issues,
        checked_on=row["done_on"] or work.today,
    )


# ---- rounds ---------------------------------------------------------------------------------------------------------


@clause("3.4")
async def open_round(work: RegistryWork, command: OpenRound) -> RoundView | Refused:
    """Each school is checked by the worker; what is found there is answered by the school."""
    actor = command.actor
    if no := check(actor, word(command), Target(authority=actor.organisation)):
        return no
    faults = _faults(
        policy.text_fault("title", command.title, policy.LONGEST_TITLE, "核查名称"),
        policy.day_fault(command.due_on, work.today),
    )
    if faults:
        return _told(faults)
    schools = await _schools_of(work, actor, command.schools)
    if isinstance(schools, Refused):
        return schools
    made = await store.add_round(
        work.tx,
        id=command.round_id,
        authority=actor.organisation,
        title=command.title.strip(),
        due_on=command.due_on,
        opened_at=work.now,
        opened_by=actor.account,
        opened_name=actor.name,
    )
    if not made:
        return refused("conflict", "这个核查编号已被使用。请换一个编号。")
    ids = {code: derived("school-check", command.round_id, code) for code in schools}
    await store.ask_checks(work.tx, ids, round_id=command.round_id, by=actor.account, at=work.now)
    return await _round(work, command.round_id)


async def _schools_of(work: RegistryWork, actor: Actor, wanted: Sequence[str]) -> list[str] | Refused:
    """The schools of a round: those named, all under the authority where none is."""
    reached = reach(actor, "registry.check_school")
    if isinstance(reached, Refused):
        return reached
    condition = of_schools(reached, school=_o.code, authority=_o.authority)
    if wanted:
        condition = sa.and_(condition, _o.code.in_(set(wanted)))
    rows = await store.schools(work.tx, condition, None, policy.MOST_SCHOOLS + 1)
    codes = [row["code"] for row in rows]
    if missing := sorted(set(wanted) - set(codes)):
        return refused("not_found", f"没有这些学校，或者不属于您管理的范围：{'、'.join(missing[:10])}。")
    if not codes:
        return refused("conflict", "所辖范围内没有学校，不能开展核查。")
    if len(codes) > policy.MOST_SCHOOLS:
        return refused("too_large", f"一次核查最多{policy.MOST_SCHOOLS}所学校，请分批开展。")
    return codes


@clause("3.4")
async def close_round(work: RegistryWork, command: CloseRound) -> RoundView | Refused:
    round_ = await store.lock_round(work.tx, command.round_id)
    if round_ is None:
        return refused("not_found", NO_ROUND)
    target = Target(authority=round_["authority"])
    if no := check(command.actor, word(command), target, state=round_["state"], missing=NO_ROUND):
        return no
    if command.version is not None and command.version != round_["version"]:
        return refused("conflict", CHANGED)
    view = await _round(work, command.round_id)
    left = sum(view.findings[state] for state in OPEN_STATES)
    if command.note.strip() and (fault := policy.text_fault("note", command.note, policy.LONGEST_TEXT, "说明")):
        return _told((fault,))
    if fault := policy.closing_fault(left, command.note):
        return refused("refused", f"{fault.message}。{fault.cure}。", fault)
    await store.change_round(
        work.tx,
        command.round_id,
        state=RoundState.CLOSED,
        closed_at=work.now,
        closing_note=command.note.strip(),
    )
    return await _round(work, command.round_id)


@clause("3.4")
async def get_round(work: RegistryWork, query: GetRound) -> RoundView | Refused:
    rows = await store.rounds(work.tx, _r.id == query.round_id, None, 1)
    if not rows:
        return refused("not_found", NO_ROUND)
    if no := check(query.actor, word(query), Target(authority=rows[0]["authority"]), missing=NO_ROUND):
        return no
    return _round_view(rows[0])


@clause("3.4")
async def list_rounds(work: RegistryWork, query: ListRounds) -> RoundPage | Refused:
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    try:
        place = (datetime.fromisoformat(str(after[0])), str(after[1])) if after else None
    except ValueError:
        return refused("invalid", paging.NO_CURSOR)
    condition = of_schools(reached, school=sa.literal(""), authority=_r.authority)
    limit = paging.size(query.limit)
    rows = await store.rounds(work.tx, condition, place, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["opened_at"].isoformat(), row["id"]))
    return RoundPage(items=tuple(map(_round_view, kept)), next_cursor=cursor)


async def _round(work: RegistryWork, round_id: str) -> RoundView:
    (row,) = await store.rounds(work.tx, _r.id == round_id, None, 1)
    return _round_view(row)


def _round_view(row: RowMapping) -> RoundView:
    return RoundView(
        id=row["id"],
        authority=row["authority"],
        authority_name=row["authority_name"] or row["authority"],
        title=row["title"],
        state=RoundState(row["state"]),
        due_on=row["due_on"],
        opened_at=row["opened_at"],
        opened_by=row["opened_name"],
        schools=row["schools"],
        checked=row["checked"],
        records=row["records"],
        findings={state.value: row[state.value] for state in FindingState},
        version=row["version"],
        closed_at=row["closed_at"],
        closing_note=row["closing_note"],
    )


# ---- findings -------------------------------------------------------------------------------------------------------


@clause("48")
async def raise_finding(work: RegistryWork, command: RaiseFinding) -> InspectionFinding | Refused:
    """What the system cannot know by itself, an officer says: one of the seven of Article 48."""
    actor = command.actor
    if no := await _against_school(work, actor, word(command), command.school):
        return no
    kind = policy.by_hand(command.kind)
    faults = _faults(
        kind if kind.cure else None,
        policy.text_fault("detail", command.detail, policy.LONGEST_TEXT, "违规情况"),
        policy.day_fault(command.due_on, work.today),
    )
    if faults:
        return _told(faults)
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
        return _told((fault,))
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
        return _told((fault,))
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
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    try:
        place = (datetime.fromisoformat(str(after[0])).date(), str(after[1])) if after else None
    except ValueError:
        return refused("invalid", paging.NO_CURSOR)
    condition = of_schools(reached, school=_f.school, authority=_SUPERVISOR)
    wanted: list[tuple[sa.ColumnElement[Any], str | None]] = [
        (_f.round_id, query.round_id), (_f.school, query.school), (_f.kind, query.kind), (_f.state, query.state),
    ]  # fmt: skip
    condition = sa.and_(condition, *(column == value for column, value in wanted if value is not None))
    limit = paging.size(query.limit)
    rows = await store.findings(work.tx, condition, after=place, limit=limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["due_on"].isoformat(), row["id"]))
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
        return refused("conflict", CHANGED)
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


# ---- common ---------------------------------------------------------------------------------------------------------


async def _against_school(work: RegistryWork, actor: Actor, act: str, code: str) -> Refused | None:
    row = await fetch_one(
        work.tx, sa.select(_o.authority).where(_o.code == code, _o.kind == "school", _o.valid_to.is_(None))
    )
    target = Target() if row is None else Target(school=code, authority=row["authority"])
    return check(actor, act, target, missing=NO_SCHOOL)


def _faults(*found: Finding | None) -> tuple[Finding, ...]:
    return tuple(one for one in found if one is not None)


def _told(faults: Sequence[Finding]) -> Refused:
    return refused("invalid", "；".join(f"{fault.message}。请{fault.cure}" for fault in faults) + "。", *faults)


COMMANDS: dict[type[Command], CommandHandler] = {
    CheckSchool: check_school,
    OpenRound: open_round,
    CloseRound: close_round,
    RaiseFinding: raise_finding,
    AnswerFinding: answer_finding,
    DecideFinding: decide_finding,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetRecordQuality: record_quality_of,
    ListQuality: list_quality,
    ListSchoolQuality: list_school_quality,
    GetRound: get_round,
    ListRounds: list_rounds,
    GetFinding: get_finding,
    ListFindings: list_findings,
}
