"""What holds where and since when, what was ever published, and the school calendar."""

from __future__ import annotations

from regulation import school_calendar
from regulation.authorisation import check, is_school
from regulation.divisions import DIVISIONS, chain, full_name
from regulation.mark import clause
from regulation.school_year import school_year
from service_kit import paging
from service_kit.work import QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.policy import (
    AskPublished,
    GetPolicy,
    GetSchoolCalendar,
    ListPolicyValues,
    PolicyValuePage,
    PolicyView,
    Published,
    PublishedValue,
    SchoolCalendar,
)
from shared_contracts.working_days import YearDays

from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.policy_values import live, policy, simulation, store, views
from registry.working_days import store as notices

NO_DIVISION = "没有这个行政区划。请填写本省的6位行政区划代码。"
YEARS = range(2006, 2100)
"""School years that a calendar can be asked for: the law begins with the first."""


async def division_of(work: RegistryWork, actor: Actor, given: str | None) -> str | Refused:
    """The division asked for, or the actor's own: an authority's, or where a school lies."""
    code = given
    if code is None and is_school(actor.organisation):
        school = await organisations.school(work.tx, actor.organisation)
        code = None if school is None else school.division
    elif code is None:
        code = actor.organisation
    return refused("not_found", NO_DIVISION) if code is None or code not in DIVISIONS else code


@clause("49")
async def get_policy(work: RegistryWork, query: GetPolicy) -> PolicyView | Refused:
    if no := check(query.actor, word(query)):
        return no
    division = await division_of(work, query.actor, query.division)
    if isinstance(division, Refused):
        return division
    book, on = work.deps.policy.book, query.on or work.today
    try:
        version = book.parameters(division, on).version
    except LookupError:
        return refused("not_found", f"{on}时还没有政策参数。请使用{book.dates[0]}以后的日期。")
    ids = await store.ids_of(work.tx, chain(division))
    return PolicyView(
        division=division,
        division_name=full_name(division),
        on=on,
        version=version,
        first_day=policy.first_day(work.now),
        parameters=tuple(
            views.parameter_view(book, known, division, on, ids, simulated=known.key in simulation.MEASURES)
            for known in book.known
        ),
    )


@clause("49")
async def list_values(work: RegistryWork, query: ListPolicyValues) -> PolicyValuePage | Refused:
    if no := check(query.actor, word(query)):
        return no
    before = paging.decode(query.cursor, str, str)
    if isinstance(before, Refused):
        return before
    at = None if before is None else views.moment_of(before)
    if isinstance(at, Refused):
        return at
    limit = paging.size(query.limit)
    rows = await store.page(work.tx, key=query.key, division=query.division, before=at, limit=limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (views.text_of(row.published_at), row.id))
    return PolicyValuePage(items=tuple(views.value_view(row, work.today) for row in kept), next_cursor=cursor)


@clause("4.1", "10.1", "49")
async def get_calendar(work: RegistryWork, query: GetSchoolCalendar) -> SchoolCalendar | Refused:
    if no := check(query.actor, word(query)):
        return no
    division = await division_of(work, query.actor, query.division)
    if isinstance(division, Refused):
        return division
    book = work.deps.policy.book
    today = book.parameters(division, work.today)
    year = school_year(work.today, today.school_year_start) if query.school_year is None else query.school_year
    if year not in YEARS:
        return refused("invalid", f"学年须在{YEARS[0]}至{YEARS[-1]}之间。")
    terms = school_calendar.calendar(book, division, year)
    season = school_calendar.enrolment(book, division, year)
    return SchoolCalendar(
        division=division,
        division_name=full_name(division),
        school_year=year,
        autumn_first=terms.autumn_first,
        autumn_last=terms.autumn_last,
        spring_first=terms.spring_first,
        spring_last=terms.spring_last,
        enrolment_first=season.first,
        enrolment_last=season.last,
        term_today=terms.term(work.today),
    )


async def known(work: RegistryWork, query: AskPublished) -> Published | Refused:
    """For the replicas of other services."""
    if no := check(query.actor, word(query)):
        return no
    version = await store.version(work.tx)
    if version <= query.newer_than:
        return Published(version=version, values=None)
    there = await notices.in_force(work.tx)
    held = [one for one in await live.local_values(work.tx) if one.key in query.keys]
    return Published(
        version=version,
        values=tuple(
            PublishedValue(
                key=one.key,
                division=one.value.division,
                valid_from=one.value.valid_from,
                value=one.value.value,
                low=one.value.min,
                high=one.value.max,
            )
            for one in held
        ),
        calendar=max((one.number for one in there), default=0),
        notices=tuple(YearDays(year=one.year, holidays=tuple(one.holidays), worked=tuple(one.worked)) for one in there),
    )


QUERIES: dict[type[Query], QueryHandler] = {
    GetPolicy: get_policy,
    ListPolicyValues: list_values,
    GetSchoolCalendar: get_calendar,
    AskPublished: known,
}
