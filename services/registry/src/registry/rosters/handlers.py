"""What people do with rosters: open, confirm, cancel, print, look. The work itself is the worker's."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from opentelemetry import propagate
from regulation.authorisation import act, reach
from regulation.mark import clause
from service_kit import paging
from service_kit.ids import new_id
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.registry import (
    CancelRoster,
    ConfirmRoster,
    GetRoster,
    GetRosterFile,
    GetTemplate,
    ListRosterRows,
    ListRosters,
    OpenRoster,
    PrintSheets,
    RosterFile,
    RosterPage,
    RosterRowPage,
    RosterState,
    RosterView,
    RowState,
    Template,
)

from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.rosters import access, printing, store, template, views
from registry.rosters.archive import Limits
from registry.rosters.store import Roster

KEPT = timedelta(days=30)
"""How long a checked roster waits for its confirmation; identity keeps the waiting pupils as long."""

_LIMITS = Limits()
STATE_TITLES: dict[RosterState, str] = {
    RosterState.UPLOADED: "等待检查",
    RosterState.CHECKING: "正在检查",
    RosterState.CHECKED: "已检查，待确认",
    RosterState.CONFIRMING: "正在建籍",
    RosterState.IN_APPROVAL: "审核中",
    RosterState.ISSUING: "等待学籍号",
    RosterState.COMPLETED: "已完成",
    RosterState.CANCELLED: "已取消",
    RosterState.FAILED: "文件无法处理",
}


# ---- commands -------------------------------------------------------------------------------------------------------


@clause("15.1", "13.1")
async def open_roster(work: RegistryWork, command: OpenRoster) -> RosterView | Refused:
    actor = command.actor
    school = await organisations.school(work.tx, actor.organisation)
    if school is None:
        return refused("forbidden", "您的账号不属于任何学校，不能上传名册。请用学校学籍管理员的账号。")
    if command.file.size > _LIMITS.size:
        limit = _LIMITS.size // 1024**2
        return refused("too_large", f"文件超过{limit}MB。请删除图片和无关工作表，或分成几个文件上传。")
    opened = await store.open_roster(
        work.tx,
        {
            "id": command.roster_id,
            "school": school.code,
            "file_name": command.file.name[:200],
            "file": command.file,
            "state": RosterState.UPLOADED,
            "created_at": work.now,
            "created_by": actor.name,
            "created_account": actor.account,
            "trace": _trace(),
        },
    )
    roster = await store.get(work.tx, command.roster_id)
    assert roster is not None
    if not opened and (roster.school, roster.file.sha256) != (school.code, command.file.sha256):
        return refused("conflict", "这个编号已用于另一份名册。请重新上传。")
    work.after_commit(work.deps.wake_rosters)
    return await views.whole(work.tx, roster, school.name)


@clause("15.1")
async def confirm_roster(work: RegistryWork, command: ConfirmRoster) -> RosterView | Refused:
    found = await _own(work, command.actor, word(command), command.roster_id)
    if isinstance(found, Refused):
        return found
    roster, school = found
    if roster.state in (RosterState.CONFIRMING, RosterState.IN_APPROVAL, RosterState.ISSUING, RosterState.COMPLETED):
        return await views.whole(work.tx, roster, school.name)  # it has been confirmed: that is what was asked for
    if command.version is not None and command.version != roster.version:
        return refused("conflict", "名册在您查看之后有变化。请刷新后再确认。")
    if roster.state not in act(word(command)).states:
        return refused("conflict", f"名册现为“{STATE_TITLES[roster.state]}”，检查完成后才能确认。")
    if roster.created_at + KEPT <= work.now:
        return refused("conflict", f"名册检查后超过{KEPT.days}天没有确认，已失效。请重新上传。")
    if not roster.accepted:
        return refused("refused", "名册中没有可以建籍的行。请下载退回的表格，改正后重新上传。")
    roster = await store.change(
        work.tx,
        roster.id,
        state=RosterState.CONFIRMING,
        confirmed_account=command.actor.account,
        business_day=work.today,
        total=roster.accepted,
        done=0,
        cursor=0,
        retry_at=None,
        trace=_trace(),
    )
    work.after_commit(work.deps.wake_rosters)
    return await views.whole(work.tx, roster, school.name)


async def cancel_roster(work: RegistryWork, command: CancelRoster) -> RosterView | Refused:
    found = await _own(work, command.actor, word(command), command.roster_id)
    if isinstance(found, Refused):
        return found
    roster, school = found
    if roster.state is RosterState.CANCELLED:
        return views.view(roster, school.name)
    if roster.state not in act(word(command)).states:
        return refused("conflict", f"名册现为“{STATE_TITLES[roster.state]}”，不能取消。可以逐个撤回其中的建籍申请。")
    return views.view(await give_up(work, roster), school.name)


async def give_up(work: RegistryWork, roster: Roster) -> Roster:
    """Cancel a locked roster: its rows go now, its files and the waiting pupils as soon as the worker comes by."""
    await store.forget_rows(work.tx, roster.id)
    given_up = await store.change(
        work.tx,
        roster.id,
        state=RosterState.CANCELLED,
        problem=None,
        cleanup=True,
        rows=0,
        valid=0,
        warned=0,
        refused=0,
        already_here=0,
        refusals={},
        notes=[],
        new_classes=[],
        retry_at=None,
    )
    work.after_commit(work.deps.wake_rosters)
    return given_up


@clause("15.1", "45.1")
async def print_sheets(work: RegistryWork, command: PrintSheets) -> RosterView | Refused:
    """Sheets show document numbers in full: identity records for whom."""
    found = await _own(work, command.actor, word(command), command.roster_id)
    if isinstance(found, Refused):
        return found
    roster, school = found
    if roster.sheets_state == "printing":
        return await views.whole(work.tx, roster, school.name)
    if not await printing.waiting(work.tx, roster.id):
        return refused(
            "conflict",
            "这份名册中没有等待监护人确认签字的学生。确认表在班主任和学籍主管校长审核之后打印。",
        )
    roster = await store.change(
        work.tx,
        roster.id,
        sheets_state="printing",
        sheets_job=new_id(),
        sheets_actor=command.actor,
        retry_at=None,
        trace=_trace(),
    )
    work.after_commit(work.deps.wake_rosters)
    return await views.whole(work.tx, roster, school.name)


async def _own(work: RegistryWork, actor: Actor, act: str, roster_id: str) -> tuple[Roster, SchoolFacts] | Refused:
    """A roster of the registrar's own school, locked."""
    roster = await store.get(work.tx, roster_id, lock=True)
    if roster is None:
        return refused("not_found", access.NOT_FOUND)
    school = await organisations.school(work.tx, roster.school)
    if school is None:
        return refused("not_found", access.NOT_FOUND)
    return access.against(actor, act, school) or (roster, school)


def _trace() -> dict[str, str]:
    """The worker goes on in the trace of whoever asked."""
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


# ---- queries --------------------------------------------------------------------------------------------------------


async def get_roster(work: RegistryWork, query: GetRoster) -> RosterView | Refused:
    found = await _seen(work, query.actor, query.roster_id)
    if isinstance(found, Refused):
        return found
    roster, school = found
    return access.shown(query.actor, await views.whole(work.tx, roster, school.name))


async def list_rosters(work: RegistryWork, query: ListRosters) -> RosterPage | Refused:
    """Newest first. Without the counts of registrations: those are asked for one roster."""
    last = paging.by_moment(query.cursor)
    if isinstance(last, Refused):
        return last
    schools = await _schools(work, query)
    if isinstance(schools, Refused):
        return schools
    limit = paging.size(query.limit)
    records = await store.page(work.tx, schools, last, limit + 1)
    items, cursor = paging.page(records, limit, lambda roster: (roster.created_at.isoformat(), roster.id))
    names = await access.names_of(work.tx, {roster.school for roster in items})
    return RosterPage(
        items=tuple(
            access.shown(query.actor, views.view(roster, names.get(roster.school, roster.school))) for roster in items
        ),
        next_cursor=cursor,
    )


async def list_roster_rows(work: RegistryWork, query: ListRosterRows) -> RosterRowPage | Refused:
    after = paging.decode(query.cursor, int)
    if isinstance(after, Refused):
        return after
    found = await _seen(work, query.actor, query.roster_id)
    if isinstance(found, Refused):
        return found
    limit = paging.size(query.limit)
    state = None if query.state is None else RowState(query.state)
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    classes = reached.classes if reached.school is None and reached.subtree is None else None
    records: list[Any] = list(
        await store.rows_page(
            work.tx, query.roster_id, state=state, classes=classes, after=int(after[0]) if after else 0, limit=limit + 1
        )
    )
    page, cursor = paging.page(records, limit, lambda record: (record["row"],))
    return RosterRowPage(items=views.rows(page), next_cursor=cursor)


@clause("45.1", "45.3")
async def get_roster_file(work: RegistryWork, query: GetRosterFile) -> RosterFile | Refused:
    """One file of a roster, for whoever may fetch it: an act of its own, since the file shows numbers in full."""
    roster = await store.get(work.tx, query.roster_id)
    school = None if roster is None else await organisations.school(work.tx, roster.school)
    if roster is None or school is None:
        return refused("not_found", access.NOT_FOUND)
    if against := access.against(query.actor, word(query), school):
        return against
    for file in views.view(roster, school.name).files:
        if file.file.id == query.file_id:
            return msgspec.structs.replace(file, record_ids=await printing.shown_in(work.tx, roster.id, file))
    return refused("not_found", "没有这个文件，或者它已被新的文件代替。请刷新名册后再下载。")


@clause("14", "15.1")
async def get_template(work: RegistryWork, query: GetTemplate) -> Template | Refused:
    school = await organisations.school(work.tx, query.actor.organisation)
    if school is None:
        return refused("forbidden", "模板按学校制作，请用学校的账号下载。")
    if query.form == "paper":
        return Template(
            name=f"学生基本信息表（空白）-{school.code}.pdf",
            content=await printing.blank_form(school, work.today),
            media_type="application/pdf",
        )
    return Template(
        name=f"学生基本信息表-{school.code}.xlsx",
        content=template.template(school),
        media_type=template.MEDIA_TYPE,
    )


async def _seen(work: RegistryWork, actor: Actor, roster_id: str) -> tuple[Roster, SchoolFacts] | Refused:
    roster = await store.get(work.tx, roster_id)
    school = None if roster is None else await organisations.school(work.tx, roster.school)
    if roster is None or school is None:
        return refused("not_found", access.NOT_FOUND)
    return access.against(actor, "registry.roster", school) or (roster, school)


async def _schools(work: RegistryWork, query: ListRosters) -> list[str] | Refused:
    """Codes of the schools whose rosters the actor sees; of one of them where it is named."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    codes = await access.schools_within(work.tx, reached)
    if query.school is None:
        return codes
    if query.school not in codes:
        return refused("not_found", "没有这所学校，或者它不属于您管理的范围。")
    return [query.school]


COMMANDS: dict[type[Command], CommandHandler] = {
    OpenRoster: open_roster,
    ConfirmRoster: confirm_roster,
    CancelRoster: cancel_roster,
    PrintSheets: print_sheets,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetRoster: get_roster,
    ListRosters: list_rosters,
    ListRosterRows: list_roster_rows,
    GetRosterFile: get_roster_file,
    GetTemplate: get_template,
}
