"""Junior intake when asked: the template, a list and its check, the county leader's approval, the way back."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import Template
from shared_contracts.junior_intake import (
    BuildJuniorIntake,
    CancelJuniorIntake,
    DecideJuniorIntake,
    GetJuniorIntake,
    GetJuniorIntakeTemplate,
    Intake,
    IntakeTemplate,
    JuniorIntakePage,
    JuniorIntakeRows,
    JuniorIntakeView,
    ListJuniorIntakeRows,
    ListJuniorIntakes,
    OpenJuniorIntake,
    ResumeJuniorIntake,
    UndoJuniorIntake,
)
from shared_contracts.messages import Command, Query, word
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.junior_intake import judging, sheet, store
from registry.junior_intake.judging import Case
from registry.junior_intake.store import Row
from registry.moving import deciding
from registry.moving import store as moving
from registry.moving.asked import Operations
from registry.rosters import uploaded

KINDS = ("junior_intake",)
MOST_PAIRS = 500
LINK = "/v1/junior-intakes/"
CURE = "请把目标初中填到下载的模板后重新上传。"


ASKED = Operations(
    KINDS,
    "intake_id",
    JuniorIntakeView,
    lambda row, name: {
        "county": row["organisation"],
        "county_name": name(row["organisation"]),
        "school_year": row["plan"]["school_year"],
        "check": row["preview"],
    },
)


@clause("16")
async def open_(work: RegistryWork, command: OpenJuniorIntake) -> JuniorIntakeView | Refused:
    """The dry run: nothing moves yet."""
    if no := _may(command):
        return no
    rows = await uploaded.rows(work, "junior_intake", command.file, sheet.LIMITS, cure=CURE)
    if isinstance(rows, Refused):
        return rows
    case = _case(work, command)
    found = await judging.of_lines(work, case, sheet.lines(rows))
    return await _put(work, command, case, found)


@clause("16")
async def build(work: RegistryWork, command: BuildJuniorIntake) -> JuniorIntakeView | Refused:
    """对口升学: by primary school."""
    if no := _may(command):
        return no
    primaries = [pair.primary for pair in command.pairs]
    if not primaries or len(primaries) > MOST_PAIRS:
        return refused("invalid", f"请填写1至{MOST_PAIRS}所小学的对口初中。")
    if len(set(primaries)) < len(primaries):
        return refused("invalid", "同一所小学填写了两次对口初中。每所小学只能对口一所；按片分配的请上传名单。")
    case = _case(work, command)
    found = await judging.of_pairs(work, case, command.pairs)
    if len(found) > sheet.MOST:
        return refused("too_large", f"毕业生超过{sheet.MOST}人。请分批上传名单。")
    return await _put(work, command, case, found)


@clause("4.3", "16")
async def decide(work: RegistryWork, command: DecideJuniorIntake) -> JuniorIntakeView | Refused:
    """核准. Places are taken under the plans' locks: never one over."""
    row = await ASKED.own(work, command, lock=True, approver=True)
    if isinstance(row, Refused):
        return row
    case = Case(id=row["id"], county=row["organisation"], year=row["plan"]["school_year"])
    before = msgspec.convert(row["preview"], Intake)
    findings = list(before.findings)
    if command.decision == "approve":
        if before.refused:
            return refused("refused", f"名单中有{before.refused}行不符合要求，不能核准。请改正后重新上传。")
        found = await judging.stale(work, case)
        taken = await store.taken(work.tx, case.id)
        rows = [
            Row(row=n, student_id=one, name="", from_school=None, to_school=to, outcome="taken")
            for n, (one, to) in enumerate(taken.items(), start=1)
        ]
        now = await judging.summed(work, case, rows, hold=True)
        findings = [*found, *(one for one in now.findings if one.code != "intake.unplaced")]
    if no := await deciding.decide(work, row, command.actor, command.decision, command.reason, findings):
        return no
    if command.decision == "approve":
        await store.take_places(work.tx, case.id, case.year, {one.school: one.pupils for one in now.targets})
        await moving.change(work.tx, case.id, effective_from=work.today)
    return await ASKED.shown(work, case.id)


async def cancel(work: RegistryWork, command: CancelJuniorIntake) -> JuniorIntakeView | Refused:
    row = await ASKED.own(work, command, lock=True)
    if isinstance(row, Refused):
        return row
    if row["state"] == "failed" and row["step"]:
        return refused("conflict", "名单已经办理了一部分，不能取消。请继续办理，办完后可以撤回。")
    if no := await deciding.cancel(work, row, command.reason):
        return no
    await store.give_back_places(work.tx, row["id"])
    return await ASKED.shown(work, row["id"])


async def list_(work: RegistryWork, query: ListJuniorIntakes) -> JuniorIntakePage | Refused:
    found = await ASKED.page(work, query)
    return found if isinstance(found, Refused) else JuniorIntakePage(items=found[0], next_cursor=found[1])


@clause("16", "45.1")
async def list_rows(work: RegistryWork, query: ListJuniorIntakeRows) -> JuniorIntakeRows | Refused:
    after = paging.decode(query.cursor, int)
    if isinstance(after, Refused):
        return after
    row = await ASKED.own(work, query)
    if isinstance(row, Refused):
        return row
    limit = paging.size(query.limit)
    rows = await store.page(work.tx, row["id"], query.outcome, int(after[0]) if after else 0, limit + 1)
    items, cursor = paging.page(rows, limit, lambda one: (one.row,))
    return JuniorIntakeRows(items=tuple(items), next_cursor=cursor)


@clause("16", "45.1")
async def get_template(work: RegistryWork, query: GetJuniorIntakeTemplate) -> IntakeTemplate | Refused:
    county = query.actor.organisation
    if no := check(query.actor, word(query), Target(authority=county)):
        return no
    graduates = await store.of_authority(work.tx, county, work.today.year, "")
    waiting = [one for one in graduates if one.in_list is None][: sheet.MOST]
    juniors = await store.juniors(work.tx, county)
    blank = Template(name=f"{sheet.TITLE}.xlsx", content=sheet.template(waiting, juniors), media_type=sheet.MEDIA_TYPE)
    return IntakeTemplate(template=blank, student_ids=tuple(one.id for one in waiting))


# ---- what they are made of --------------------------------------------------------------------------------------------


def _may(command: OpenJuniorIntake | BuildJuniorIntake) -> Refused | None:
    return check(command.actor, word(command), Target(authority=command.actor.organisation))


def _case(work: RegistryWork, command: OpenJuniorIntake | BuildJuniorIntake) -> Case:
    """Enrolment is in autumn: the school year has the number of the calendar year."""
    return Case(id=command.intake_id, county=command.actor.organisation, year=work.today.year)


async def _put(
    work: RegistryWork, command: OpenJuniorIntake | BuildJuniorIntake, case: Case, rows: Sequence[Row]
) -> JuniorIntakeView | Refused:
    actor: Actor = command.actor
    summed = await judging.summed(work, case, rows)
    schools = [*(target.school for target in summed.targets), *summed.from_schools]
    title = f"{case.year}年小学毕业生升入初中名单（{work.now:%m-%d %H:%M}）"
    row = {
        "id": case.id,
        "kind": "junior_intake",
        "organisation": case.county,
        "approver": case.county,
        "title": title,
        "effective_from": work.today,
        "plan": {"school_year": case.year},
        "schools": list(dict.fromkeys(schools)),
        "state": "previewed",
        "created_account": actor.account,
        "created_by": actor.name,
        "created_at": work.now,
        "preview": msgspec.to_builtins(summed),
        "previewed_at": work.now,
    }
    if not await moving.put(work.tx, row):
        return refused("conflict", "这个编号已用于另一份名单。请重新上传。")
    await store.put_rows(work.tx, case.id, rows)
    if not summed.blocked:
        waiting = WorkWaiting(
            organisation=case.county,
            role=Role.LEADER,
            kind="junior_intake_to_approve",
            title="初中招生名单待核准",
            detail=f"名单共{summed.taken}名小学毕业生，升入{len(summed.targets)}所初中，请查看后核准。",
            link=LINK + case.id,
        )
        work.emit(waiting, case.id)
    return await ASKED.shown(work, case.id)


COMMANDS: dict[type[Command], CommandHandler] = {
    OpenJuniorIntake: open_,
    BuildJuniorIntake: build,
    DecideJuniorIntake: decide,
    CancelJuniorIntake: cancel,
    ResumeJuniorIntake: ASKED.resume,
    UndoJuniorIntake: ASKED.undo,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetJuniorIntake: ASKED.get,
    ListJuniorIntakes: list_,
    ListJuniorIntakeRows: list_rows,
    GetJuniorIntakeTemplate: get_template,
}
