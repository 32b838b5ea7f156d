"""Dated policy parameters by province, city and county (clauses 4 to 13, 20, 29, 49): `Parameters.for_(division, day)`.

The province's first values are data of this package. What the province has set since, and where a city or county
deviates within the bounds of the authority above, are rows of the registry's tables: `PolicyBook(local=...)`, which
refuses what leaves the bounds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from datetime import date, time
from functools import cache, cached_property
from typing import Any, Literal

import msgspec

from regulation import _data
from regulation.clauses import CLAUSES
from regulation.divisions import chain
from regulation.mark import clause
from regulation.school_year import MonthDay, Stage, month_day

Value = int | str
"""A number in the parameter's unit, a day of the year (`"08-31"`) or a time (`"22:00"`)."""

Kind = Literal["number", "month_day", "time"]


class ParameterValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated value. `division`: who set it, six digits. `min`, `max`: bounds for the authorities below, both ends
    allowed; without either nobody below sets a value. Days of the year are `"MM-DD"` and bounds do not pass New Year.
    """

    division: str
    valid_from: date
    value: Value
    min: Value | None = None
    max: Value | None = None


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parameter with its values. `unit`: Chinese, for people; `clause`: where the number comes from."""

    key: str
    title: str
    unit: str
    clause: str
    values: tuple[ParameterValue, ...]

    @property
    def kind(self) -> Kind:
        """What its values are; the first one says it for all."""
        if isinstance(self.values[0].value, int):
            return "number"
        return "month_day" if self.key in MONTH_DAYS else "time"


class LocalValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that an authority has set (a city's or county's is filed to the province, clause 49)."""

    key: str
    value: ParameterValue


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What an authority may set: `free` whether anything at all; both ends allowed, None where there is no bound.
    `bounds_of`: the nearest authority above, None for the province."""

    free: bool
    low: Value | None
    high: Value | None
    bounds_of: str | None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong with one value. `upper`: the value above whose bounds it leaves, where that is the fault; `day`: the
    first day on which it is wrong; `message`: Chinese, for its author."""

    key: str
    own: ParameterValue
    upper: ParameterValue | None
    day: date
    message: str


class PolicyError(ValueError):
    """A value outside the bounds of the authority above, or one that nobody may set there. Chinese, for its author."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """What holds in one division on one day. `version` names the division values it was made of.

    Ages in full years on `age_cutoff`; `*_working_days` in working days, other `*_days` in calendar days; class sizes in
    pupils.
    """

    division: str
    version: str
    entry_age: int
    compulsory_years: int
    disabled_last_age: int
    age_cutoff: MonthDay
    school_year_start: MonthDay
    grade_age_tolerance: int
    class_size_primary: int
    class_size_junior: int
    registration_months: int
    approval_working_days: int
    hearing_working_days: int
    export_max_rows: int
    export_max_days: int
    password_min_length: int
    password_min_score: int
    password_max_days: int
    first_password_days: int
    sign_in_failures: int
    account_dormant_days: int
    client_max_days: int
    audit_window_minutes: int
    audit_many_pupils: int
    audit_many_pupils_client: int
    audit_refusals: int
    audit_off_hours_pupils: int
    audit_quiet_from: str
    audit_quiet_to: str
    enrolment_from: MonthDay
    enrolment_to: MonthDay
    large_school_single: int
    large_school_combined: int
    autumn_term_start: MonthDay
    autumn_term_end: MonthDay
    spring_term_start: MonthDay
    spring_term_end: MonthDay
    postponement_ask_days: int
    postponement_max_days: int
    graduating_freeze: MonthDay
    graduation_deadline: MonthDay
    promotion_from: MonthDay
    promotion_to: MonthDay
    assignment_notice_hours: int
    quality_waiting_days: int
    quality_stale_days: int
    quality_temporary_percent: int
    rectification_working_days: int
    archive_receipt_working_days: int
    alone_in_household_age: int
    transfer_window_days: int
    transfer_step_working_days: int
    transfer_first_reminder_working_days: int
    transfer_last_reminder_working_days: int
    transfer_freeze_from: MonthDay
    transfer_freeze_to: MonthDay
    transfer_stale_days: int
    transfer_round_days: int
    transfer_round_most_days: int
    lottery_notice_hours: int
    transfer_report_spring: MonthDay
    transfer_report_autumn: MonthDay
    transfer_report_notice_working_days: int
    working_days_asked_from: MonthDay
    shared_authority_one_signature: int

    @staticmethod
    def for_(division: str, on: date) -> Parameters:
        """What this package alone says of a division on a day. Raises LookupError where it says nothing.

        The registry asks its own book (`work.deps.policy`), which knows what authorities have set since.
        """
        return _province_book().parameters(division, on)

    @property
    @clause("5.1")
    def last_age(self) -> int:
        """15 where children enter at 6, 16 where they enter at 7."""
        return self.entry_age + self.compulsory_years

    @clause("11")
    def class_size(self, stage: Stage) -> int:
        return self.class_size_primary if stage is Stage.PRIMARY else self.class_size_junior


MONTH_DAYS = frozenset(field.name for field in msgspec.structs.fields(Parameters) if field.type is MonthDay)
"""Keys of the parameters that are a day of every year."""

LARGEST = 10_000_000
"""No number of any rule is larger: a slip of the hand is refused before it holds."""

IN_ORDER = (
    ("enrolment_from", "enrolment_to"),
    ("autumn_term_end", "spring_term_start"),
    ("spring_term_start", "spring_term_end"),
    ("graduating_freeze", "graduation_deadline"),
    ("graduation_deadline", "promotion_from"),
    ("promotion_from", "promotion_to"),
    ("transfer_freeze_from", "transfer_freeze_to"),
    ("transfer_report_spring", "transfer_report_autumn"),
    ("transfer_first_reminder_working_days", "transfer_last_reminder_working_days"),
    ("transfer_round_days", "transfer_round_most_days"),
)
"""Days of one calendar year (or of one clock) that must not stand the other way round in any division on any day."""


class PolicyBook:
    """All values, checked. `local`: what authorities have set beside the values of `parameters`.

    Raises PolicyError for the first fault; `examine` tells all of them.
    """

    def __init__(self, parameters: Iterable[Parameter], local: Iterable[LocalValue] = ()) -> None:
        self._fill(parameters, local)
        for fault in self._faults():
            raise PolicyError(fault.message)

    @classmethod
    def examine(
        cls, parameters: Iterable[Parameter], local: Iterable[LocalValue] = ()
    ) -> tuple[PolicyBook, tuple[Fault, ...]]:
        """The book and everything that is wrong with it. Raises PolicyError for a key that is no parameter's."""
        book = cls.__new__(cls)
        book._fill(parameters, local)
        return book, tuple(book._faults())

    def _fill(self, parameters: Iterable[Parameter], local: Iterable[LocalValue]) -> None:
        self._parameters = {p.key: p for p in parameters}
        values: dict[str, list[ParameterValue]] = {p.key: list(p.values) for p in self._parameters.values()}
        for row in local:
            if row.key not in values:
                raise PolicyError(f"没有名为“{row.key}”的参数")
            values[row.key].append(row.value)
        self._values: dict[str, dict[str, list[ParameterValue]]] = {}
        for key, rows in values.items():
            CLAUSES[self._parameters[key].clause]
            by_division = self._values[key] = {}
            for value in sorted(rows, key=lambda v: v.valid_from):
                by_division.setdefault(value.division, []).append(value)
        self._known: dict[tuple[str, date | None], Parameters] = {}

    @property
    def known(self) -> tuple[Parameter, ...]:
        """The parameters there are, with their first values."""
        return tuple(self._parameters.values())

    @cached_property
    def dates(self) -> tuple[date, ...]:
        """The days on which anything begins to hold anywhere."""
        return tuple(sorted({v.valid_from for key in self._values for v in self._rows(key)}))

    @clause("49")
    def parameters(self, division: str, on: date) -> Parameters:
        """Province, then city, then county: the lowest authority that has set a value by that day."""
        place = bisect_right(self.dates, on)
        period = self.dates[place - 1] if place else None
        known = self._known.get((division, period))
        if known is None:
            known = self._known[division, period] = self._resolve(division, on)
        return known

    def held(self, key: str, division: str, on: date) -> tuple[ParameterValue, ...]:
        """The values in force on a day along the chain of authorities, top first: the last one holds. Empty before the
        first day. Raises KeyError for a key that is no parameter's."""
        return tuple(self._held(key, chain(division), on))

    def room(self, key: str, division: str, on: date) -> Room:
        """What a division's authority may set on a day. Raises KeyError."""
        above = [value for value in self.held(key, division, on) if value.division != division]
        lows = [value.min for value in above if value.min is not None]
        highs = [value.max for value in above if value.max is not None]
        return Room(
            free=all(value.min is not None or value.max is not None for value in above),
            low=max(lows) if lows else None,
            high=min(highs) if highs else None,
            bounds_of=above[-1].division if above else None,
        )

    def coming(self, key: str, division: str, after: date) -> tuple[ParameterValue, ...]:
        """Values along the chain of authorities that begin later, in order of their days. Raises KeyError."""
        rows = [v for code in chain(division) for v in self._values[key].get(code, ()) if v.valid_from > after]
        return tuple(sorted(rows, key=lambda v: (v.valid_from, v.division)))

    def _resolve(self, division: str, on: date) -> Parameters:
        found: dict[str, Any] = {}
        used: dict[str, date] = {}
        for key in self._parameters:
            held = self._held(key, chain(division), on)
            if not held:
                raise LookupError(f"no {key} for division {division} on {on}")
            found[key] = held[-1].value
            used[held[-1].division] = max(held[-1].valid_from, used.get(held[-1].division, date.min))
        version = " ".join(f"{code}@{used[code]}" for code in chain(division) if code in used)
        for key in MONTH_DAYS:
            found[key] = month_day(found[key])
        return Parameters(division=division, version=version, **found)

    def _held(self, key: str, divisions: tuple[str, ...], on: date) -> list[ParameterValue]:
        """The value in force of each of these divisions that has one, in their order."""
        by_division = self._values[key]
        found = (next((v for v in reversed(by_division.get(d, ())) if v.valid_from <= on), None) for d in divisions)
        return [value for value in found if value is not None]

    def _rows(self, key: str) -> list[ParameterValue]:
        return [value for rows in self._values.get(key, {}).values() for value in rows]

    def _faults(self) -> Iterable[Fault]:
        whole = True
        for parameter in self._parameters.values():
            for fault in _shapes(parameter, self._rows(parameter.key)):
                whole = False
                yield fault
        if not whole:  # what follows compares values: they must be of their kind
            return
        for parameter in self._parameters.values():
            yield from self._outside(parameter)
        for first, last in IN_ORDER:
            yield from self._out_of_order(first, last)

    def _days(self, division: str, *keys: str) -> list[date]:
        """The days on which one of these may become another in a division."""
        found = {v.valid_from for key in keys for code in chain(division) for v in self._values[key].get(code, ())}
        return sorted(found)

    def _outside(self, parameter: Parameter) -> Iterable[Fault]:
        """Each value on each day on which something changes: within the bounds of all that hold above it."""
        for division, rows in sorted(self._values[parameter.key].items()):
            divisions, told = chain(division), set()
            for day in (d for d in self._days(division, parameter.key) if d >= rows[0].valid_from):
                *above, own = self._held(parameter.key, divisions, day)
                for upper in above:
                    about = own.valid_from, upper.division
                    if about not in told and (why := _outside(parameter, own, upper)):
                        told.add(about)
                        yield Fault(key=parameter.key, own=own, upper=upper, day=day, message=why)

    def _out_of_order(self, first: str, last: str) -> Iterable[Fault]:
        if first not in self._parameters or last not in self._parameters:
            return
        told = set()
        for division in sorted({v.division for key in (first, last) for v in self._rows(key)}):
            for day in self._days(division, first, last):
                before, after = self.held(first, division, day), self.held(last, division, day)
                if not before or not after or before[-1].value <= after[-1].value:  # type: ignore[operator]
                    continue
                own, key = max((before[-1], first), (after[-1], last), key=lambda one: one[0].valid_from)
                if (own.division, own.valid_from, key) in told:
                    continue
                told.add((own.division, own.valid_from, key))
                one, other = self._parameters[first], self._parameters[last]
                message = (
                    f"{division}自{day}起的“{one.title}”（{before[-1].value}）晚于“{other.title}”（{after[-1].value}）"
                )
                yield Fault(key=key, own=own, upper=None, day=day, message=message)


def _shapes(parameter: Parameter, rows: Iterable[ParameterValue]) -> Iterable[Fault]:
    """Each value is of its parameter's kind, and lies within the bounds that it leaves to others."""
    for row in rows:
        name = f"{row.division}自{row.valid_from}起的“{parameter.title}”"
        wrong = [v for v in (row.value, row.min, row.max) if v is not None and not of_kind(parameter.kind, v)]
        if wrong:
            what = {"number": "0以上的整数", "month_day": "“月-日”（如09-01）", "time": "“时:分”（如22:00）"}[
                parameter.kind
            ]
            message = f"{name}为{wrong[0]}，应为{what}"
        elif not _within(row.value, row.min, row.max):
            message = f"{name}为{row.value}，不在留给下级的范围{_bounds(parameter, row)}内"
        else:
            continue
        yield Fault(key=parameter.key, own=row, upper=None, day=row.valid_from, message=message)


def of_kind(kind: Kind, value: Value) -> bool:
    """Whether a value is one that a parameter of this kind may have at all."""
    if kind == "number":
        return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST
    if not isinstance(value, str):
        return False
    try:
        if kind == "time":
            return f"{time.fromisoformat(value):%H:%M}" == value
        return f"{month_day(value).month:02}-{month_day(value).day:02}" == value
    except ValueError:
        return False


def _within(value: Value, low: Value | None, high: Value | None) -> bool:
    """Both ends belong to it. All of one kind: a day of the year compares as its text does."""
    return (low is None or low <= value) and (high is None or value <= high)  # type: ignore[operator]


def _outside(parameter: Parameter, own: ParameterValue, upper: ParameterValue) -> str | None:
    """Why a value, or a bound it leaves to others, is not what the authority above allows."""
    name = f"{own.division}自{own.valid_from}起的“{parameter.title}”"
    if upper.min is None and upper.max is None:
        return f"{name}：上级{upper.division}没有授权下级设定"
    for value in (own.value, own.min, own.max):
        if value is not None and not _within(value, upper.min, upper.max):
            return f"{name}为{_said(parameter, value)}，超出上级{upper.division}规定的{_bounds(parameter, upper)}"
    return None


def _bounds(parameter: Parameter, row: ParameterValue) -> str:
    unit = parameter.unit if parameter.kind == "number" else ""
    if row.max is None:
        return f"不低于{row.min}{unit}"
    return f"不高于{row.max}{unit}" if row.min is None else f"{row.min}至{row.max}{unit}"


def _said(parameter: Parameter, value: Value) -> str:
    return f"{value}{parameter.unit}" if parameter.kind == "number" else str(value)


@cache
def province_parameters() -> tuple[Parameter, ...]:
    """The parameters of this package: key, title, unit, clause and the province's first values."""
    return msgspec.convert(tuple(_data.toml("parameters.toml")["parameter"]), tuple[Parameter, ...])


@cache
def _province_book() -> PolicyBook:
    return PolicyBook(province_parameters())
