"""Work is told, and asked for."""

from __future__ import annotations

from datetime import date

from regulation.authorisation import check
from service_kit import paging
from service_kit.work import EventHandler, QueryHandler
from shared_contracts.cases import WorkStands
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import ExportsStand
from shared_contracts.messages import Event, Query, word
from shared_contracts.transfer import TransfersStand
from shared_contracts.worklist import CountWork, ListWork, Queue, WorkCount, WorkCounts, WorkPage, WorkRow

from notifications.context import NotificationsWork
from notifications.worklist import policy, store
from notifications.worklist.store import Position, Wanted, Who

LONGEST_TEXT = 60
MOST_DAYS = 250
"""Working days of a year: nobody looks further ahead."""


async def work_stands(work: NotificationsWork, event: WorkStands) -> None:
    await store.take(work.tx, event.works)


async def cases_stand(work: NotificationsWork, event: TransfersStand | ExportsStand) -> None:
    """What services tell of single cases on their own subjects."""
    await store.take(work.tx, [store.of_case(case) for case in event.cases])


async def list_work(work: NotificationsWork, query: ListWork) -> WorkPage | Refused:
    """Nothing of what the account may not act on is in it, but for what is overdue below its authority."""
    if no := check(query.actor, word(query)):
        return no
    after = _position(query.cursor)
    if isinstance(after, Refused):
        return after
    if len(query.text) > LONGEST_TEXT:
        return refused("invalid", f"查找的文字过长：最多{LONGEST_TEXT}个字。")
    if query.due_within is not None and not 0 <= query.due_within <= MOST_DAYS:
        return refused("invalid", f"到期天数应为0至{MOST_DAYS}个工作日。")
    calendar, today = work.deps.calendar, work.today
    until = None if query.due_within is None else policy.last_day_within(query.due_within, today, calendar)
    wanted = Wanted(query.queue, query.kind, until, query.text.strip(), after)
    limit = paging.size(query.limit)
    rows = await store.page(work.tx, Who.of(query.actor), today, wanted, limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["sort_on"].isoformat(), row["id"]))
    return WorkPage(
        items=tuple(
            WorkRow(
                queue=Queue(row["queue"]),
                organisation_name=policy.organisation_name(row["organisation"]),
                days_left=policy.days_left(row["due_on"], today, calendar),
                **{name: row[name] for name in _PLAIN},
            )
            for row in kept
        ),
        today=today,
        next_cursor=cursor,
    )


_PLAIN = tuple(name for name in WorkRow.__struct_fields__ if name not in ("queue", "organisation_name", "days_left"))


async def count_work(work: NotificationsWork, query: CountWork) -> WorkCounts | Refused:
    if no := check(query.actor, word(query)):
        return no
    soon = policy.last_day_within(policy.SOON, work.today, work.deps.calendar)
    rows = await store.counts(work.tx, Who.of(query.actor), work.today, soon)
    return WorkCounts(
        items=tuple(
            WorkCount(
                queue=Queue(row["queue"]),
                kind=row["kind"],
                kind_title=row["kind_title"],
                rows=row["rows"],
                count=row["count"],
                soon=row["soon"],
            )
            for row in rows
        ),
        today=work.today,
    )


def _position(cursor: str | None) -> Position | Refused | None:
    key = paging.decode(cursor, str, str)
    if key is None or isinstance(key, Refused):
        return key
    try:
        date.fromisoformat(str(key[0]))
    except ValueError:
        return refused("invalid", paging.NO_CURSOR)
    return str(key[0]), str(key[1])


QUERIES: dict[type[Query], QueryHandler] = {ListWork: list_work, CountWork: count_work}
EVENTS: dict[type[Event], EventHandler] = {
    WorkStands: work_stands,
    TransfersStand: cases_stand,
    ExportsStand: cases_stand,
}
