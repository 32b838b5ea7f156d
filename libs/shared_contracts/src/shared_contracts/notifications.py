"""Notifications: notices to an organisation's roles, and who has read them; work queues stand in `worklist`."""

from __future__ import annotations

from shared_contracts import delivery, worklist
from shared_contracts.messages import Command, Message, Moment, Ok, Query


class Notice(Message, frozen=True, kw_only=True, gc=False):
    """`kind`: what it is about (`step_reached`, `roster_checked`, …); `link`: the API path of the thing."""

    id: str
    kind: str
    title: str
    body: str
    link: str
    created_at: Moment
    read_at: Moment | None = None


class NoticePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.notice_page"):
    items: tuple[Notice, ...]
    unread: int
    next_cursor: str | None = None


class MarkRead(Command, frozen=True, kw_only=True, gc=False, tag="notifications.mark_read"):
    notice_ids: tuple[str, ...]


class ListNotices(Query, frozen=True, kw_only=True, gc=False, tag="notifications.notices"):
    """Notices of the actor's organisation and roles, newest first."""

    unread_only: bool = False
    cursor: str | None = None
    limit: int = 50


Commands = MarkRead | delivery.Commands
Queries = ListNotices | worklist.Queries | delivery.Queries
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    MarkRead: Ok,
    ListNotices: NoticePage,
    **worklist.REPLIES,
    **delivery.REPLIES,
}
