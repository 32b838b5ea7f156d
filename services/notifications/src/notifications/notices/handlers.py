"""One function per command, query and event; the tables at the end are all that the service does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.access import AlertRaised
from shared_contracts.appointments import AppointmentsChanged
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import ExportStands
from shared_contracts.messages import Command, Event, Ok, Query
from shared_contracts.notifications import ListNotices, MarkRead, NoticePage
from shared_contracts.organisations import OrganisationsChanged
from shared_contracts.registry import CorrectionsNeeded, RosterChecked, RosterCompleted, StepReached
from shared_contracts.waiting import WorkWaiting

from notifications.context import NotificationsWork
from notifications.notices import policy, store
from notifications.notices.policy import Draft

_LONGEST_PAGE = 200


async def mark_read(work: NotificationsWork, command: MarkRead) -> Ok | Refused:
    wanted = set(command.notice_ids)
    marked = await store.mark_read(work.tx, command.actor, command.notice_ids, work.now)
    if wanted - marked:
        return refused("not_found", f"有 {len(wanted - marked)} 条消息不存在或不属于当前账号。请刷新后重试。")
    return Ok()


async def list_notices(work: NotificationsWork, query: ListNotices) -> NoticePage | Refused:
    before = store.position(query.cursor) if query.cursor else None
    if query.cursor and before is None:
        return refused("invalid", "翻页标记无效，请从第一页重新查询。")
    limit = max(1, min(query.limit, _LONGEST_PAGE))
    found = await store.page(work.tx, query.actor, unread_only=query.unread_only, before=before, limit=limit + 1)
    items = tuple(found[:limit])
    return NoticePage(
        items=items,
        unread=await store.unread(work.tx, query.actor),
        next_cursor=store.cursor(items[-1]) if len(found) > limit else None,
    )


def _tell(drafts_of: Callable[[Any, date], tuple[Draft, ...]]) -> EventHandler:
    """The handler of an event that only has to be told to somebody."""

    async def handle(work: NotificationsWork, event: Event) -> None:
        for draft in drafts_of(event, work.today):
            await store.put(work.tx, draft, work.now)

    return handle


COMMANDS: dict[type[Command], CommandHandler] = {MarkRead: mark_read}
QUERIES: dict[type[Query], QueryHandler] = {ListNotices: list_notices}
EVENTS: dict[type[Event], EventHandler] = {
    StepReached: _tell(policy.step_reached),
    RosterChecked: _tell(policy.roster_checked),
    RosterCompleted: _tell(policy.roster_completed),
    CorrectionsNeeded: _tell(policy.corrections_needed),
    OrganisationsChanged: _tell(policy.organisations_changed),
    AlertRaised: _tell(policy.alert_raised),
    ExportStands: _tell(policy.export_stands),
    AppointmentsChanged: _tell(policy.appointments_changed),
    WorkWaiting: _tell(policy.work_waiting),
}
