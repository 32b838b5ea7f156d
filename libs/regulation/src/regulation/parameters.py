"""Dated policy parameters by province, city and county (clauses 4 to 13, 20, 49): `Parameters.for_(division, day)`.

The province's values are data of this package. A city or county may deviate where the authority above leaves bounds;
such rows come from the registry's tables in `PolicyBook(local=...)` and are refused when they leave the bounds.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from functools import cache, cached_property
from typing import Any

import msgspec

from regulation import _data
from regulation.clauses import CLAUSES
from regulation.divisions import chain
from regulation.mark import clause
from regulation.school_year import MonthDay, Stage, month_day

Value = int | str


class ParameterValue(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dated value. `division`: who set it, six digits. `min`, `max`: bounds for the authorities below."""

    division: str
    valid_from: date
    value: Value
    min: int | None = None
    max: int | None = None


class Parameter(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One parameter with its values. `unit`: Chinese, for people; `clause`: where the number comes from."""

    key: str
    title: str
    unit: str
    clause: str
    values: tuple[ParameterValue, ...]


class LocalValue(msgspec.Struct, frozen=True, kw_only=True):
    """A value that a city or county has set (filed to the province, clause 49)."""

    key: str
    value: ParameterValue


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

    @staticmethod
    def for_(division: str, on: date) -> Parameters:
        """The province's policy for this division on this day. Raises LookupError where there is none."""
        return _province_book().parameters(division, on)

    @property
    @clause("5.1")
    def last_age(self) -> int:
        """15 where children enter at 6, 16 where they enter at 7."""
        return self.entry_age + self.compulsory_years

    @clause("11")
    def class_size(self, stage: Stage) -> int:
        return self.class_size_primary if stage is Stage.PRIMARY else self.class_size_junior


class PolicyBook:
    """All values, checked. `local`: what cities and counties have set."""

    def __init__(self, parameters: Iterable[Parameter], local: Iterable[LocalValue] = ()) -> None:
        self._parameters = {p.key: p for p in parameters}
        values: dict[str, list[ParameterValue]] = {p.key: list(p.values) for p in self._parameters.values()}
        for row in local:
            if row.key not in values:
                raise PolicyError(f"没有名为“{row.key}”的参数")
            values[row.key].append(row.value)
        self._values = {key: tuple(sorted(rows, key=lambda v: v.valid_from)) for key, rows in values.items()}
        for parameter in self._parameters.values():
            CLAUSES[parameter.clause]
            self._check(parameter)
        self._known: dict[tuple[str, tuple[date, ...]], Parameters] = {}

    @cached_property
    def _dates(self) -> tuple[date, ...]:
        return tuple(sorted({v.valid_from for rows in self._values.values() for v in rows}))

    @clause("49")
    def parameters(self, division: str, on: date) -> Parameters:
        """Province, then city, then county: the lowest authority that has set a value by that day."""
        period = tuple(d for d in self._dates if d <= on)[-1:]
        known = self._known.get((division, period))
        if known is None:
            known = self._known[division, period] = self._resolve(division, on)
        return known

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
        for key in ("age_cutoff", "school_year_start"):
            found[key] = month_day(found[key])
        return Parameters(division=division, version=version, **found)

    def _held(self, key: str, divisions: tuple[str, ...], on: date) -> list[ParameterValue]:
        """The value in force of each of these divisions that has one, in their order."""
        rows = [v for v in self._values[key] if v.valid_from <= on]
        latest = {v.division: v for v in rows}  # sorted by date: the last one stays
        return [latest[d] for d in divisions if d in latest]

    def _check(self, parameter: Parameter) -> None:
        rows = self._values[parameter.key]
        for row in rows:
            divisions = chain(row.division)
            for day in (v.valid_from for v in rows if v.valid_from >= row.valid_from):
                *above, own = self._held(parameter.key, divisions, day)
                for upper in above:
                    if own.division == row.division:
                        _within(parameter, own, upper)


def _within(parameter: Parameter, own: ParameterValue, upper: ParameterValue) -> None:
    name = f"{own.division}自{own.valid_from}起的“{parameter.title}”"
    if upper.min is None and upper.max is None:
        raise PolicyError(f"{name}：上级{upper.division}没有授权下级设定")
    low, high = upper.min, upper.max
    for value in (own.value, own.min, own.max):
        if value is None:
            continue
        if not isinstance(value, int) or (low is not None and value < low) or (high is not None and value > high):
            raise PolicyError(
                f"{name}为{value}{parameter.unit}，超出上级{upper.division}规定的{low}至{high}{parameter.unit}"
            )


@cache
def province_parameters() -> tuple[Parameter, ...]:
    """The parameters of this package: key, title, unit, clause and the province's values."""
    return msgspec.convert(tuple(_data.toml("parameters.toml")["parameter"]), tuple[Parameter, ...])


@cache
def _province_book() -> PolicyBook:
    return PolicyBook(province_parameters())
