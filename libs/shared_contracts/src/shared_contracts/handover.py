"""Passing on the paper archive (纸质学籍档案) when a record has gone to another school (clauses 21.2, 48).

A *handover* is what one school owes another from one day: the paper archives of the pupils whose records left it then. The
old school says that it has handed them over, the new one confirms that it has them.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.messages import Command, Message, Query


class HandingWay(StrEnum):
    IN_PERSON = "in_person"  # 专人送交
    COLLECTED = "collected"  # 接收学校领取
    POST = "post"  # 机要或挂号邮寄


class HandoverState(StrEnum):
    TO_HAND_OVER = "to_hand_over"  # the old school has some of them still
    TO_RECEIVE = "to_receive"  # all are on their way, or the old school is no more
    DONE = "done"


class HandoverView(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.archive_handover_view"
):
    """`left_on`: legal day on which the records left; `due_on`: the last day for the receipt. `pupils`, `handed`,
    `received`: how many archives there are, have been handed over, are confirmed."""

    id: str
    from_school: str
    from_school_name: str
    to_school: str
    to_school_name: str
    left_on: date
    due_on: date
    overdue: bool
    state: HandoverState
    pupils: int
    handed: int
    received: int
    may: tuple[Literal["hand_over", "receive"], ...] = ()


class HandoverPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.archive_handover_page"
):
    items: tuple[HandoverView, ...]
    next_cursor: str | None = None


class PassedArchive(Message, frozen=True, kw_only=True, gc=False):
    """One pupil's archive. `carried_by`: who brought or sent it; `handed_by`, `received_by`: names of those who said so.
    None and empty: not yet."""

    student_id: str
    name: str
    student_number: str  # masked
    handed_on: date | None
    way: HandingWay | None
    carried_by: str
    handed_by: str
    received_on: date | None
    received_by: str


class PassedArchivePage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.passed_archive_page"
):
    items: tuple[PassedArchive, ...]
    next_cursor: str | None = None


class HandOverArchives(Command, frozen=True, kw_only=True, gc=False, tag="registry.hand_over_archives"):
    """The old school has handed archives over. `students`: whose, at most 500; empty: all that it has still. `on`: not before
    the records left, not after today. `carried_by`: a person's or a carrier's name. Reply: HandoverView."""

    handover_id: str
    way: HandingWay
    carried_by: str
    on: date
    students: tuple[str, ...] = ()


class ReceiveArchives(Command, frozen=True, kw_only=True, gc=False, tag="registry.receive_archives"):
    """The new school has the archives, whether the old one has said anything or not. `students`: whose, at most 500; empty:
    all that have not been received. `on`: not before they were handed over. Reply: HandoverView."""

    handover_id: str
    on: date
    students: tuple[str, ...] = ()


class GetHandover(Query, frozen=True, kw_only=True, gc=False, tag="registry.archive_handover"):
    """Reply: HandoverView."""

    handover_id: str


class ListHandovers(Query, frozen=True, kw_only=True, gc=False, tag="registry.archive_handovers"):
    """Of the schools that the actor sees, due first. `school`: on either side; `direction`: which side `school` (or the own
    one) is on; `state`: None: what is not done. Reply: HandoverPage."""

    school: str | None = None
    direction: Literal["out", "in"] | None = None
    state: HandoverState | None = None
    cursor: str | None = None
    limit: int = 50


class ListPassedArchives(Query, frozen=True, kw_only=True, gc=False, tag="registry.passed_archives"):
    """The pupils of one handover. Reply: PassedArchivePage."""

    handover_id: str
    cursor: str | None = None
    limit: int = 50


Commands = HandOverArchives | ReceiveArchives
Queries = GetHandover | ListHandovers | ListPassedArchives

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    HandOverArchives: HandoverView,
    ReceiveArchives: HandoverView,
    GetHandover: HandoverView,
    ListHandovers: HandoverPage,
    ListPassedArchives: PassedArchivePage,
}
