"""Reorganisations when asked: draft, preview, approval of the superior authority's leader, undo. The worker moves."""

from __future__ import annotations

import msgspec
from regulation.authorisation import Target, check
from regulation.divisions import PROVINCE
from regulation.mark import clause
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import Template
from shared_contracts.messages import Command, Query, word
from shared_contracts.reorganisation import (
    CancelReorganisation,
    Closing,
    DecideReorganisation,
    DraftReorganisation,
    GetReorganisation,
    GetReorganisationReport,
    ListReorganisations,
    Merging,
    Plan,
    Preview,
    PreviewReorganisation,
    Redividing,
    ReorganisationPage,
    ReorganisationView,
    ResumeReorganisation,
    ReviseReorganisation,
    UndoReorganisation,
)
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.moving import deciding, store
from registry.moving.asked import Operations
from registry.organisations import store as organisations
from registry.reorganisation import report
from registry.reorganisation.planning import Case, school_plan
from registry.reorganisation.redividing import redivision_plan

KINDS = ("merger", "closure", "redivision")
MOST = 5_000
"""Schools, classes and pupils that a plan names at most."""
LINK = "/v1/reorganisations/"


ASKED = Operations(
    KINDS,
    "reorganisation_id",
    ReorganisationView,
    lambda row, name: {
        "organisation_name": name(row["organisation"]),
        "approver_name": name(row["approver"]),
        "report": row["after"],
    },
    left_out=("preview", "report"),
)


@clause("21.3", "44")
async def draft(work: RegistryWork, command: DraftReorganisation) -> ReorganisationView | Refused:
    actor = command.actor
    if no := check(actor, word(command), Target(authority=actor.organisation)):
        return no
    if no := _faults(command):
        return no
    approver = await organisations.authority_of(work.tx, actor.organisation) or PROVINCE
    row = {
        "id": command.reorganisation_id,
        "kind": _kind(command.plan),
        "organisation": actor.organisation,
        "approver": approver,
        "title": command.title.strip(),
        "document": command.document.strip(),
        "effective_from": command.effective_from,
        "plan": msgspec.to_builtins(command.plan),
        "schools": _schools(command.plan),
        "created_account": actor.account,
        "created_by": actor.name,
        "created_at": work.now,
    }
    if not await store.put(work.tx, row):
        return refused("conflict", "这个编号已用于另一项办理。请重新提交。")
    return await ASKED.shown(work, command.reorganisation_id)


@clause("21.3", "44")
async def revise(work: RegistryWork, command: ReviseReorganisation) -> ReorganisationView | Refused:
    row = await ASKED.own(work, command, lock=True)
    if isinstance(row, Refused):
        return row
    if no := _faults(command):
        return no
    if _kind(command.plan) != row["kind"]:
        return refused("invalid", "不能改变办理的类别。请取消后重新拟订。")
    await store.change(
        work.tx,
        row["id"],
        title=command.title.strip(),
        document=command.document.strip(),
        effective_from=command.effective_from,
        plan=msgspec.to_builtins(command.plan),
        schools=_schools(command.plan),
        state="drafted",
        preview=None,
        previewed_at=None,
    )
    return await ASKED.shown(work, row["id"])


@clause("21.3", "44")
async def preview(work: RegistryWork, command: PreviewReorganisation) -> ReorganisationView | Refused:
    """In numbers by class, and what stands in the way."""
    row = await ASKED.own(work, command, lock=True)
    if isinstance(row, Refused):
        return row
    seen, schools = await _look(work, row)
    await store.change(
        work.tx,
        row["id"],
        state="previewed",
        preview=msgspec.to_builtins(seen),
        previewed_at=work.now,
        schools=schools,
    )
    if not seen.blocked:
        waiting = WorkWaiting(
            organisation=row["approver"],
            role=Role.LEADER,
            kind="reorganisation_to_approve",
            title=f"{row['title']}待核准",
            detail=f"涉及{len(schools)}所学校、{seen.in_school}名在校生，请查看预览后核准。",
            link=LINK + row["id"],
        )
        work.emit(waiting, row["id"])
    return await ASKED.shown(work, row["id"])


@clause("21.3", "44")
async def decide(work: RegistryWork, command: DecideReorganisation) -> ReorganisationView | Refused:
    """What stands in the way is looked at once more: a preview may be old."""
    row = await ASKED.own(work, command, lock=True, approver=True)
    if isinstance(row, Refused):
        return row
    seen, _ = await _look(work, row)
    actor = command.actor
    if no := await deciding.decide(work, row, actor, command.decision, command.reason, seen.findings):
        return no
    return await ASKED.shown(work, row["id"])


async def get_report(work: RegistryWork, query: GetReorganisationReport) -> Template | Refused:
    row = await ASKED.own(work, query)
    if isinstance(row, Refused):
        return row
    view = await ASKED.shown(work, row["id"])
    if view.report is None:
        return refused("conflict", "办理完毕后才有报告。")
    return report.workbook(view)


async def list_(work: RegistryWork, query: ListReorganisations) -> ReorganisationPage | Refused:
    found = await ASKED.page(work, query, query.state)
    return found if isinstance(found, Refused) else ReorganisationPage(items=found[0], next_cursor=found[1])


# ---- what they are made of --------------------------------------------------------------------------------------------


async def _look(work: RegistryWork, row: RowMapping) -> tuple[Preview, list[str]]:
    """What it would do now, and the schools it concerns."""
    case = Case(id=row["id"], organisation=row["organisation"], effective_from=row["effective_from"])
    plan: Plan = msgspec.convert(row["plan"], Plan)
    if isinstance(plan, Redividing):
        found = await redivision_plan(work, case, plan)
        return found.preview, [one.school for one in found.schools]
    await organisations.lock(work.tx)
    return (await school_plan(work, case, plan)).preview, _schools(plan)


def _kind(plan: Plan) -> str:
    return str(type(plan).__struct_config__.tag)


def _schools(plan: Plan) -> list[str]:
    """All that a plan names; of a re-division's counties only its preview knows."""
    if isinstance(plan, Merging):
        named = [*plan.ended, plan.into]
    elif isinstance(plan, Closing):
        targets = [*(one.to_school for one in plan.classes), *(one.to_school for one in plan.pupils)]
        named = [plan.school, *targets, *([plan.keeper] if len(plan.keeper) == 10 else [])]
    else:
        named = [one.school for one in plan.schools]
    return list(dict.fromkeys(named))


def _faults(command: DraftReorganisation | ReviseReorganisation) -> Refused | None:
    for text, what, most in ((command.title, "标题", 100), (command.document, "依据文件", 200)):
        if not text.strip() or len(text) > most or not text.isprintable():
            return refused("invalid", f"{what}为空、过长（最多{most}字）或含有不可见的字符。请重新填写。")
    if _size(command.plan) > MOST:
        return refused("too_large", f"方案中的学校、班级和学生不能超过{MOST}个。请分批办理。")
    return None


def _size(plan: Plan) -> int:
    if isinstance(plan, Merging):
        return len(plan.ended)
    if isinstance(plan, Closing):
        return len(plan.classes) + len(plan.pupils)
    return len(plan.schools) + len(plan.counties) + len(plan.renamed) + len(plan.ended)


COMMANDS: dict[type[Command], CommandHandler] = {
    DraftReorganisation: draft,
    ReviseReorganisation: revise,
    PreviewReorganisation: preview,
    DecideReorganisation: decide,
    CancelReorganisation: ASKED.cancel,
    ResumeReorganisation: ASKED.resume,
    UndoReorganisation: ASKED.undo,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetReorganisation: ASKED.get,
    GetReorganisationReport: get_report,
    ListReorganisations: list_,
}
