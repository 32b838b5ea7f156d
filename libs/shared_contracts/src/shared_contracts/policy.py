"""Policy values (政策参数): what holds where, who set it, its filing to the province (备案), and what a change would do.

The registry owns them; they travel on its subjects. A number, a day of the year (`"09-01"`) or a time
(`"22:00"`).
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.messages import Command, Event, Message, Moment, Query
from shared_contracts.working_days import YearDays

Value = int | str
Kind = Literal["number", "month_day", "time"]
Standing = Literal["future", "in_force", "replaced", "withdrawn", "returned"]
"""`returned`: the province sent it back before it took effect. `replaced`: a later value of the same authority holds."""
FilingState = Literal["waiting", "acknowledged", "returned", "withdrawn"]


class HeldValue(Message, frozen=True, kw_only=True, gc=False):
    """A value of one authority. `value_id`: None for a value of the regulation itself."""

    value: Value
    division: str
    division_name: str
    valid_from: date
    low: Value | None = None
    high: Value | None = None
    value_id: str | None = None


class ParameterView(Message, frozen=True, kw_only=True, gc=False):
    """A parameter in one division on one day.

    `held`: what holds. `may_set`: whether the division's own authority may set it; `low`, `high`: within which bounds
    (None: no bound on that side), left by `bounds_of`. `coming`: values along the chain of authorities that begin later.
    """

    key: str
    title: str
    unit: str
    kind: Kind
    clause: str
    clause_text: str
    held: HeldValue
    may_set: bool
    low: Value | None = None
    high: Value | None = None
    bounds_of: str | None = None
    coming: tuple[HeldValue, ...] = ()
    simulated: bool = False


class PolicyView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.policy_view"):
    """All that holds in a division on a day. `version`: what decisions of that day and division name.

    `first_day`: the first day from which a value published now may hold.
    """

    division: str
    division_name: str
    on: date
    version: str
    first_day: date
    parameters: tuple[ParameterView, ...]


class PolicyValue(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.policy_value"):
    """A value that an authority has published. Never changed; kept for ever.

    `filing`: None for the province's own. `successor_due`: returned by the province after it took effect: it holds until
    the authority publishes another.
    """

    id: str
    key: str
    title: str
    unit: str
    kind: Kind
    clause: str
    division: str
    division_name: str
    valid_from: date
    value: Value
    low: Value | None
    high: Value | None
    basis: str
    published_at: Moment
    published_by: str
    standing: Standing
    ended_at: Moment | None = None
    ended_by: str | None = None
    end_reason: str | None = None
    filing: FilingState | None = None
    successor_due: bool = False


class PolicyValuePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.policy_value_page"):
    items: tuple[PolicyValue, ...]
    next_cursor: str | None = None


class Filing(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.policy_filing"):
    """A city's or county's value as filed to the province. `id`: the value's."""

    id: str
    value: PolicyValue
    state: FilingState
    filed_at: Moment
    version: int
    decided_at: Moment | None = None
    decided_by: str | None = None
    reason: str | None = None


class FilingPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.policy_filing_page"):
    items: tuple[Filing, ...]
    next_cursor: str | None = None


class SchoolCalendar(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.school_calendar"):
    """The terms of a school year in a division; first and last days, inclusive. `term_today`: None in the holidays and
    where today lies outside this school year."""

    division: str
    division_name: str
    school_year: int
    autumn_first: date
    autumn_last: date
    spring_first: date
    spring_last: date
    enrolment_first: date
    enrolment_last: date
    term_today: Literal["autumn", "spring"] | None = None


class PublishedValue(Message, frozen=True, kw_only=True, gc=False):
    """A value in a replica."""

    key: str
    division: str
    valid_from: date
    value: Value
    low: Value | None = None
    high: Value | None = None


class Published(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.published_policy"):
    """All values of the keys asked for that are published; None where nothing has changed since. `notices`: the years'
    holidays in force; `calendar`: the number of the newest of them, 0 where there is none."""

    version: int
    values: tuple[PublishedValue, ...] | None
    calendar: int = 0
    notices: tuple[YearDays, ...] = ()


# ---- simulation -------------------------------------------------------------------------------------------------------

MeasureName = Literal["classes_over", "plans_over", "schools_large", "outside_window", "refused", "late", "overdue"]


class Measure(Message, frozen=True, kw_only=True, gc=False):
    """One thing counted as it is and as it would be. `excess`: pupils or places above the line, where one counts them."""

    name: MeasureName
    before: int
    after: int
    excess_before: int = 0
    excess_after: int = 0


class MeasureTitle(Message, frozen=True, kw_only=True, gc=False):
    """Chinese words for a measure: `title` "超过标准班额的班级", `unit` "个班", `excess` "超出人数"."""

    name: MeasureName
    title: str
    unit: str
    excess: str = ""


class SchoolEffect(Message, frozen=True, kw_only=True, gc=False):
    """A school that the change touches, or that is over the line already."""

    school: str
    school_name: str
    county: str
    measures: tuple[Measure, ...]


class CountyEffect(Message, frozen=True, kw_only=True, gc=False):
    """`schools`: how many are over any line after the change. `value_before`, `value_after`: what holds in the county."""

    county: str
    county_name: str
    value_before: Value
    value_after: Value
    schools: int
    measures: tuple[Measure, ...]


class Simulation(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.policy_simulation"):
    """What a value would do to today's classes, plans and open registrations. Nothing is written.

    `findings`: why it could not be published as it stands (none: it could). `counties`: all of them, on the first page
    only. `schools`: those concerned, in code order. `not_touched`: counties below that keep a value of their own.
    """

    key: str
    title: str
    value: Value
    valid_from: date
    titles: tuple[MeasureTitle, ...]
    findings: tuple[Finding, ...]
    totals: tuple[Measure, ...]
    counties: tuple[CountyEffect, ...]
    not_touched: tuple[str, ...]
    schools: tuple[SchoolEffect, ...]
    next_cursor: str | None = None


# ---- commands ---------------------------------------------------------------------------------------------------------


class PublishValue(Command, frozen=True, kw_only=True, gc=False, tag="registry.publish_policy_value"):
    """For the actor's own division, from a day on. `low`, `high`: bounds for the authorities below. `basis`: the document
    by which it was decided. Reply: PolicyValue."""

    value_id: str
    key: str
    value: Value
    valid_from: date
    basis: str
    low: Value | None = None
    high: Value | None = None


class WithdrawValue(Command, frozen=True, kw_only=True, gc=False, tag="registry.withdraw_policy_value"):
    """Before it takes effect, by the authority that published it. Reply: PolicyValue."""

    value_id: str
    reason: str


class DecideFiling(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_policy_filing"):
    """The province acknowledges a filing, or returns it with a reason. Reply: Filing."""

    value_id: str
    decision: Literal["acknowledge", "return"]
    reason: str = ""
    version: int | None = None


# ---- queries ----------------------------------------------------------------------------------------------------------


class GetPolicy(Query, frozen=True, kw_only=True, gc=False, tag="registry.policy"):
    """`division`: the actor's own where not given (a school's: where it lies). `on`: today where not given."""

    division: str | None = None
    on: date | None = None


class ListPolicyValues(Query, frozen=True, kw_only=True, gc=False, tag="registry.policy_values"):
    """What was ever published, newest first."""

    key: str | None = None
    division: str | None = None
    cursor: str | None = None
    limit: int = 50


class ListFilings(Query, frozen=True, kw_only=True, gc=False, tag="registry.policy_filings"):
    """Newest first: the province sees all, an authority what it and those below it have filed."""

    state: FilingState | None = None
    cursor: str | None = None
    limit: int = 50


class GetSchoolCalendar(Query, frozen=True, kw_only=True, gc=False, tag="registry.policy_calendar"):
    """`school_year`: the one that today lies in where not given."""

    division: str | None = None
    school_year: int | None = None


class SimulateValue(Query, frozen=True, kw_only=True, gc=False, tag="registry.simulate_policy_value"):
    """`division`: the actor's own where not given, else one below it. `valid_from`: the first possible day where not given.

    Reply: Simulation.
    """

    key: str
    value: Value
    division: str | None = None
    valid_from: date | None = None
    low: Value | None = None
    high: Value | None = None
    cursor: str | None = None
    limit: int = 50


class AskPublished(Query, frozen=True, kw_only=True, gc=False, tag="registry.known_policy"):
    """For the replicas of other services. `newer_than`: the version that they have. Reply: Published."""

    keys: tuple[str, ...]
    newer_than: int = 0


# ---- events -----------------------------------------------------------------------------------------------------------


class PolicyChanged(Event, frozen=True, kw_only=True, gc=False, tag="registry.policy_changed"):
    """`act`: what became of the value. It concerns `division` and all below it, from `valid_from` on."""

    value_id: str
    key: str
    division: str
    valid_from: date
    act: Literal["published", "withdrawn", "returned"]


Commands = PublishValue | WithdrawValue | DecideFiling
Queries = GetPolicy | ListPolicyValues | ListFilings | GetSchoolCalendar | SimulateValue | AskPublished
Events = PolicyChanged

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    PublishValue: PolicyValue,
    WithdrawValue: PolicyValue,
    DecideFiling: Filing,
    GetPolicy: PolicyView,
    ListPolicyValues: PolicyValuePage,
    ListFilings: FilingPage,
    GetSchoolCalendar: SchoolCalendar,
    SimulateValue: Simulation,
    AskPublished: Published,
}
"""Part of the registry's (`registry.REPLIES`)."""
