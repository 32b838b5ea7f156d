"""What a value would do to today's schools before it is published (clauses 4.1, 5.1, 11, 13, 20.2, 24.2, 49).

The values that hold and would hold are resolved here, by county; what they mean for classes, plans and open registrations
is counted by the database, a statement a measure however many pupils there are. Nothing is written.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec
from regulation.authorisation import Target, check
from regulation.divisions import DIVISIONS, chain, full_name
from regulation.mark import clause
from regulation.parameters import (
    LocalValue,
    Parameter,
    Parameters,
    ParameterValue,
    PolicyBook,
    of_kind,
    province_parameters,
)
from service_kit import paging
from service_kit.work import QueryHandler
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.policy import (
    CountyEffect,
    Measure,
    MeasureTitle,
    SchoolEffect,
    SimulateValue,
    Simulation,
)

from registry.context import RegistryWork
from registry.policy_values import counting, live, policy, publishing, views
from registry.policy_values.counting import Counted, Frame
from registry.registration.policy import registration_year

MISSING = "没有这个行政区划，或者它不属于您管理的范围。"

TITLES = {
    "classes_over": MeasureTitle(name="classes_over", title="超过标准班额的班级", unit="个班", excess="超出人数"),
    "plans_over": MeasureTitle(name="plans_over", title="超过班数乘以班额的招生计划", unit="项", excess="超出计划数"),
    "schools_large": MeasureTitle(name="schools_large", title="超过大校额标准的学校", unit="所", excess="超出人数"),
    "outside_window": MeasureTitle(name="outside_window", title="在招生期以外录入的新生", unit="名"),
    "refused": MeasureTitle(name="refused", title="年龄不符合规定的未办结建籍申请", unit="名"),
    "late": MeasureTitle(name="late", title="已过建籍期限的未办结建籍申请", unit="名"),
    "overdue": MeasureTitle(name="overdue", title="超过审核期限的待办事项", unit="件"),
}

_Count = Callable[[RegistryWork, Frame], Awaitable[list[Counted]]]

MEASURES: Mapping[str, tuple[_Count, ...]] = {
    "class_size_primary": (counting.classes_over, counting.plans_over),
    "class_size_junior": (counting.classes_over, counting.plans_over),
    "large_school_single": (counting.schools_large,),
    "large_school_combined": (counting.schools_large,),
    "enrolment_from": (counting.outside_window,),
    "enrolment_to": (counting.outside_window,),
    "entry_age": (counting.refused,),
    "compulsory_years": (counting.refused,),
    "disabled_last_age": (counting.refused,),
    "age_cutoff": (counting.refused,),
    "grade_age_tolerance": (counting.refused,),
    "registration_months": (counting.late,),
    "approval_working_days": (counting.overdue,),
}
"""What is counted for a parameter. The others concern nothing that stands in the registry today."""


class _Change(msgspec.Struct, frozen=True, kw_only=True):
    """A value as it would be published, and what holds without and with it on its first day, by county."""

    own: ParameterValue
    findings: tuple[Finding, ...]
    before: dict[str, Parameters]
    after: dict[str, Parameters]
    kept: tuple[str, ...]


@clause("4.1", "5.1", "11", "49")
async def simulate(work: RegistryWork, query: SimulateValue) -> Simulation | Refused:
    division = query.division or query.actor.organisation
    if no := check(query.actor, word(query), Target(authority=division), missing=MISSING):
        return no
    known = views.parameter(query.key)
    if known is None:
        return refused("invalid", publishing.NO_SUCH.format(key=query.key[:60]))
    if division not in DIVISIONS:
        return refused("not_found", MISSING)
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    if wrong := [v for v in (query.value, query.low, query.high) if v is not None and not of_kind(known.kind, v)]:
        return refused("invalid", f"“{known.title}”的值{wrong[0]}格式不对。")
    change = await _change(work, known, division, query)
    frame = Frame(
        key=known.key,
        reach=query.actor.organisation,
        today=work.today,
        school_year=registration_year(work.today),
        before=change.before,
        after=change.after,
    )
    counted = [row for count in MEASURES.get(known.key, ()) for row in await count(work, frame)]
    return _answer(known, query, change, counted, str(after[0]) if after else None)


async def _change(work: RegistryWork, known: Parameter, division: str, query: SimulateValue) -> _Change:
    own = ParameterValue(
        division=division,
        valid_from=query.valid_from or policy.first_day(work.now),
        value=query.value,
        min=query.low,
        max=query.high,
    )
    local = await live.local_values(work.tx)
    before, _ = PolicyBook.examine(province_parameters(), local)
    after, _ = PolicyBook.examine(province_parameters(), [*local, LocalValue(key=known.key, value=own)])
    day = max(own.valid_from, before.dates[0])
    counties = [code for code, one in DIVISIONS.items() if one.level == "county" and division in chain(code)]
    fault = policy.day_fault(own.valid_from, work.now)
    return _Change(
        own=own,
        findings=(*((fault,) if fault else ()), *publishing.examine(known, own, local)),
        before={county: before.parameters(county, day) for county in counties},
        after={county: after.parameters(county, day) for county in counties},
        kept=tuple(c for c in counties if after.held(known.key, c, day)[-1].division not in chain(division)),
    )


def _answer(
    known: Parameter, query: SimulateValue, change: _Change, counted: Sequence[Counted], after: str | None
) -> Simulation:
    by_school: dict[str, list[Counted]] = defaultdict(list)
    for row in counted:
        by_school[row.school].append(row)
    limit = paging.size(query.limit)
    codes = [code for code in sorted(by_school) if after is None or code > after]
    kept, cursor = paging.page(codes, limit, lambda code: (code,))
    names = [one.__name__ for one in MEASURES.get(known.key, ())]
    return Simulation(
        key=known.key,
        title=known.title,
        value=change.own.value,
        valid_from=change.own.valid_from,
        titles=tuple(TITLES[name] for name in names),
        findings=change.findings,
        totals=_measures(counted),
        counties=_counties(known.key, change, counted) if after is None else (),
        not_touched=change.kept,
        schools=tuple(
            SchoolEffect(
                school=code,
                school_name=by_school[code][0].name,
                county=by_school[code][0].county,
                measures=_measures(by_school[code]),
            )
            for code in kept
        ),
        next_cursor=cursor,
    )


def _counties(key: str, change: _Change, counted: Iterable[Counted]) -> tuple[CountyEffect, ...]:
    by_county: dict[str, list[Counted]] = defaultdict(list)
    for row in counted:
        by_county[row.county].append(row)
    return tuple(
        CountyEffect(
            county=county,
            county_name=full_name(county),
            value_before=counting.plain(getattr(change.before[county], key)),
            value_after=counting.plain(getattr(change.after[county], key)),
            schools=len({row.school for row in by_county[county] if row.after}),
            measures=_measures(by_county[county]),
        )
        for county in change.before
    )


def _measures(rows: Iterable[Counted]) -> tuple[Measure, ...]:
    sums: dict[str, list[int]] = {}
    for row in rows:
        numbers = (row.before, row.after, row.excess_before, row.excess_after)
        sums[row.measure] = [a + b for a, b in zip(sums.get(row.measure, [0] * 4), numbers, strict=True)]
    return tuple(
        Measure(name=name, before=a, after=b, excess_before=c, excess_after=d)  # type: ignore[arg-type]
        for name, (a, b, c, d) in sums.items()
    )


QUERIES: dict[type[Query], QueryHandler] = {SimulateValue: simulate}
