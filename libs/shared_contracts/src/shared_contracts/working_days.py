"""The statutory calendar (法定工作日历): a year's holidays and make-up days as the State Council's notice has them.

The province publishes it; the registry owns it. Every service that counts working days hears of it with the policy values
(`policy.Published`) and counts its open last days anew.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.messages import Command, Event, Message, Moment, Query


class YearDays(Message, frozen=True, kw_only=True, gc=False):
    """One year's notice. `holidays`: all days off that it names, weekends among them; `worked`: weekend days worked in
    exchange (调休上班). Both in order. It may reach into the last three days of the year before."""

    year: int
    holidays: tuple[date, ...]
    worked: tuple[date, ...] = ()


Source = Literal["published", "release", "none"]
"""`release`: what this release of the program brings; `none`: not known, Monday to Friday are counted."""


class WorkingDaysView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.working_days_view"):
    """A year's days as they are counted with. `notice`: number of the State Council's notice; `version`: of the year, from 1,
    0 where nothing was published. `working_days`: how many there are. `provisional`: a count that reaches into the year may
    still move. `first_day`: the first day about which anything may still change."""

    year: int
    source: Source
    holidays: tuple[date, ...]
    worked: tuple[date, ...]
    working_days: int
    provisional: bool
    first_day: date
    version: int
    notice: str = ""
    title: str = ""
    published_at: Moment | None = None
    published_by: str = ""


class NoticeVersion(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.working_days_notice"):
    """A notice as it was published: never changed, kept for ever. `in_force`: no later version of its year is there."""

    id: str
    days: YearDays
    version: int
    notice: str
    title: str
    published_at: Moment
    published_by: str
    in_force: bool


class NoticePage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.working_days_notices_page"
):
    items: tuple[NoticeVersion, ...]
    next_cursor: str | None = None


class MovedDeadline(Message, frozen=True, kw_only=True, gc=False):
    """So many open steps of a kind, under one authority, whose last day moves."""

    kind: str
    kind_title: str
    authority: str
    was: date
    becomes: date
    count: int


class MovedDeadlines(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.moved_deadlines_view"
):
    """What a service's open steps would do. `open`: how many have a clock that runs."""

    items: tuple[MovedDeadline, ...]
    open: int


class AuthorityMoves(Message, frozen=True, kw_only=True, gc=False):
    authority: str
    authority_name: str
    kind: str
    kind_title: str
    was: date
    becomes: date
    count: int


class NoticeSimulation(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.working_days_simulation"
):
    """What a notice would do. Nothing is written. `findings`: why it could not be published as it stands (none: it could).
    `added`, `removed`: days that become days off, or working days, against what is counted with now. `open`: clocks that
    run; `moved`: how many of them move; `moves`: those with most first, at most 500. `not_counted`: who did not answer."""

    year: int
    findings: tuple[Finding, ...]
    added: tuple[date, ...]
    removed: tuple[date, ...]
    working_days_before: int
    working_days_after: int
    open: int
    moved: int
    moves: tuple[AuthorityMoves, ...]
    not_counted: tuple[str, ...] = ()


# ---- commands and queries ---------------------------------------------------------------------------------------------


class PublishWorkingDays(Command, frozen=True, kw_only=True, gc=False, tag="registry.publish_working_days"):
    """A year's notice, whole; a correction is the whole notice again. `notice`: the number of the State Council's notice
    ("国办发明电〔2026〕8号"). `replaces`: the version of the year that is corrected, None for the first.
    Reply: NoticeVersion."""

    notice_id: str
    days: YearDays
    notice: str
    title: str
    replaces: int | None = None


class SimulateWorkingDays(Query, frozen=True, kw_only=True, gc=False, tag="registry.simulate_working_days"):
    """Reply: NoticeSimulation."""

    days: YearDays


class GetWorkingDays(Query, frozen=True, kw_only=True, gc=False, tag="registry.working_days"):
    """`year`: today's where not given. Reply: WorkingDaysView."""

    year: int | None = None


class ListNotices(Query, frozen=True, kw_only=True, gc=False, tag="registry.working_days_notices"):
    """All that was ever published, newest first. Reply: NoticePage."""

    year: int | None = None
    cursor: str | None = None
    limit: int = 50


# ---- events -----------------------------------------------------------------------------------------------------------


class WorkingDaysPublished(Event, frozen=True, kw_only=True, gc=False, tag="registry.working_days_published"):
    """The days of a year are others than before. `number` grows with every notice of any year; `first_changed`: the first day
    that is otherwise than it was counted until now, None where the notice only confirms it."""

    notice_id: str
    year: int
    version: int
    number: int
    first_changed: date | None = None


Commands = PublishWorkingDays
Queries = SimulateWorkingDays | GetWorkingDays | ListNotices
Events = WorkingDaysPublished

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    PublishWorkingDays: NoticeVersion,
    SimulateWorkingDays: NoticeSimulation,
    GetWorkingDays: WorkingDaysView,
    ListNotices: NoticePage,
}
"""Part of the registry's (`registry.REPLIES`)."""
