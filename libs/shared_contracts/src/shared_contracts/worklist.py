"""Work queues (待办): what an account has to do now, over all services, in queues that never overlap."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from shared_contracts.cases import CaseStatus
from shared_contracts.messages import Command, Message, Moment, Query


class Queue(StrEnum):
    """A row is in one queue of an account, never in two."""

    OVERDUE = "overdue"  # 已逾期: the account may act, and the last day is over
    REVIEW = "review"  # 待办理: the account may act
    RETURNED = "returned"  # 退回待补正: the account has to correct what came back
    SUPERVISE = "supervise"  # 上级督办: overdue at an authority or school below; somebody else has to act


QUEUE_TITLES: dict[Queue, str] = {
    Queue.OVERDUE: "已逾期",
    Queue.REVIEW: "待办理",
    Queue.RETURNED: "退回待补正",
    Queue.SUPERVISE: "上级督办",
}


class WorkRow(Message, frozen=True, kw_only=True, gc=False):
    """One thing that waits. `subject`: Chinese, without a pupil's name or number; `link`: its API path.

    `organisation`: whose turn it is. `count`: how many stand so (the pupils of a roster's class). `days_left`: working days
    until its last day, 0 on that day, negative afterwards; None without a clock. `provisional`: the day leans on a year whose
    holidays are not published.
    """

    id: str
    queue: Queue
    kind: str
    kind_title: str
    number: str
    subject: str
    link: str
    status: CaseStatus
    step: str
    step_title: str
    organisation: str
    organisation_name: str
    count: int
    since: Moment
    due_on: date | None
    days_left: int | None
    provisional: bool


class WorkPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.work_page"):
    """In the order of their last days, what has none behind. `today`: the business day that queues and days are of."""

    items: tuple[WorkRow, ...]
    today: date
    next_cursor: str | None = None


class WorkCount(Message, frozen=True, kw_only=True, gc=False):
    """`rows`: in this queue, of this kind; `count`: what they come to; `soon`: rows with a last day within three working
    days from today on."""

    queue: Queue
    kind: str
    kind_title: str
    rows: int
    count: int
    soon: int


class WorkCounts(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="notifications.work_counts_view"):
    items: tuple[WorkCount, ...]
    today: date


class ListWork(Query, frozen=True, kw_only=True, gc=False, tag="notifications.worklist"):
    """The account's work. `due_within`: working days until the last day at most, what is overdue included.
    `text`: part of the number or of the subject. Reply: WorkPage."""

    queue: Queue | None = None
    kind: str | None = None
    due_within: int | None = None
    text: str = ""
    cursor: str | None = None
    limit: int = 50


class CountWork(Query, frozen=True, kw_only=True, gc=False, tag="notifications.worklist_counts"):
    """How much waits, by queue and kind. Reply: WorkCounts."""


Queries = ListWork | CountWork
REPLIES: dict[type[Command] | type[Query], type[Message]] = {ListWork: WorkPage, CountWork: WorkCounts}
