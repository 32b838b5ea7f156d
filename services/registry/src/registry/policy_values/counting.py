"""How many classes, plans, schools and open registrations stand on the wrong side of a line: as it is, as it would be.

Set-based: each measure is one statement over what the actor's authority reaches, grouped by school. The lines travel as
arrays, one element a county. A school follows the county in which it lies, whoever supervises it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

import msgspec
from regulation.authorisation import subtree_pattern
from regulation.calendar import Calendar
from regulation.mark import clause
from regulation.parameters import Parameters
from regulation.school_year import MonthDay, Stage
from service_kit.clock import ZONE
from service_kit.database import driver
from shared_contracts.policy import MeasureName, Value

from registry.context import RegistryWork


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked. `reach`: the authority whose schools are counted; `before`, `after`: by county."""

    key: str
    reach: str
    today: date
    school_year: int
    before: Mapping[str, Parameters]
    after: Mapping[str, Parameters]

    def lines(self, of: str) -> tuple[list[Any], list[Any]]:
        """The values of a parameter before and after, in the order of the counties."""
        return [getattr(p, of) for p in self.before.values()], [getattr(p, of) for p in self.after.values()]


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """One school and one measure. `excess`: what stands above the line, in pupils or places."""

    measure: MeasureName
    school: str
    name: str
    county: str
    before: int
    after: int
    excess_before: int = 0
    excess_after: int = 0


_SCHOOLS = """
    d AS (SELECT * FROM unnest($1::text[], $2::integer[], $3::integer[]) AS d(county, before, after)),
    s AS (SELECT o.code, o.name, o.division, o.stages, d.before, d.after
          FROM organisations o JOIN d ON d.county = o.division
          WHERE o.kind = 'school' AND o.valid_to IS NULL AND o.authority LIKE $4)
"""

# Province, 2 M pupils in 60,000 classes: an index-only walk of the present memberships, hashed by class; the rest is small.
_CLASSES = f"""
WITH {_SCHOOLS}, sizes AS (
    SELECT c.school, c.id, count(*)::integer AS pupils
    FROM s JOIN classes c ON c.school = s.code AND c.stage = $5
    JOIN class_memberships m ON m.class_id = c.id AND m.left_on IS NULL
    GROUP BY c.school, c.id
)
SELECT s.code, s.name, s.division,
       count(*) FILTER (WHERE z.pupils > s.before) AS before, count(*) FILTER (WHERE z.pupils > s.after) AS after,
       coalesce(sum(z.pupils - s.before) FILTER (WHERE z.pupils > s.before), 0) AS excess_before,
       coalesce(sum(z.pupils - s.after) FILTER (WHERE z.pupils > s.after), 0) AS excess_after
FROM s JOIN sizes z ON z.school = s.code
WHERE z.pupils > least(s.before, s.after)
GROUP BY s.code, s.name, s.division
"""  # noqa: S608 - our own words

_PLANS = f"""
WITH {_SCHOOLS}
SELECT s.code, s.name, s.division,
       count(*) FILTER (WHERE p.places > p.classes * s.before) AS before,
       count(*) FILTER (WHERE p.places > p.classes * s.after) AS after,
       coalesce(sum(p.places - p.classes * s.before) FILTER (WHERE p.places > p.classes * s.before), 0)
           AS excess_before,
       coalesce(sum(p.places - p.classes * s.after) FILTER (WHERE p.places > p.classes * s.after), 0) AS excess_after
FROM s JOIN enrolment_plans p ON p.school = s.code AND p.stage = $5 AND p.school_year >= $6 AND p.state = 'in_force'
WHERE p.places > p.classes * least(s.before, s.after)
GROUP BY s.code, s.name, s.division
"""  # noqa: S608

_LARGE = f"""
WITH {_SCHOOLS}, sizes AS (
    SELECT p.school, count(*)::integer AS pupils
    FROM s JOIN students p ON p.school = s.code AND p.live
    WHERE (cardinality(s.stages) > 1) = $5
    GROUP BY p.school
)
SELECT s.code, s.name, s.division,
       (z.pupils > s.before)::integer AS before, (z.pupils > s.after)::integer AS after,
       greatest(z.pupils - s.before, 0) AS excess_before, greatest(z.pupils - s.after, 0) AS excess_after
FROM s JOIN sizes z ON z.school = s.code
WHERE z.pupils > least(s.before, s.after)
"""  # noqa: S608

# The rules of clauses 4.1, 5.1, 13.1 and 20.2 as the database says them; a test holds them against the rules themselves.
_SIDES = ("b", "a")
_LINES = (
    "entry",
    "last",
    "disabled_last",
    "cutoff",
    "tolerance",
    "months",
    "window_from",
    "window_to",
)
_NAMED = ", ".join(f"{side}_{line}" for side in _SIDES for line in _LINES)
_ARRAYS = ", ".join(f"${n}::integer[]" for n in range(5, 5 + len(_SIDES) * len(_LINES)))
_AGE = """(r.school_year - extract(year FROM r.birth_date)
           - (extract(month FROM r.birth_date) * 100 + extract(day FROM r.birth_date) > d.{s}_cutoff)::integer)"""
_REFUSED = f"""(
    {_AGE} > CASE WHEN r.disability <> '1' THEN d.{{s}}_disabled_last ELSE d.{{s}}_last END
    OR {_AGE} < d.{{s}}_entry AND NOT (r.kind = 'new' AND r.grade > 1)
    OR NOT (r.kind = 'new' AND r.grade = 1)
       AND (r.grade - ({_AGE} - d.{{s}}_entry + 1) > d.{{s}}_tolerance
            OR {_AGE} - d.{{s}}_entry + 1 - r.grade > d.{{s}}_tolerance AND r.disability = '1')
)"""
_LATE = "(to_date(r.enrolled_month || '01', 'YYYYMMDD') + make_interval(months => d.{s}_months + 1))::date <= $3"
# `registration.situation.entry_day`: no earlier and no later than the form's month. Who was admitted may come later in it.
_MONTH = "to_date(r.enrolled_month || '01', 'YYYYMMDD')"
_ENTERS = f"""to_char(greatest(least(r.opened_on, ({_MONTH} + interval '1 month - 1 day')::date), {_MONTH}),
                'YYYYMMDD')::integer - r.school_year * 10000"""
_OUTSIDE = f"""(r.kind = 'new' AND ({_ENTERS} < d.{{s}}_window_from
                OR {_ENTERS} > d.{{s}}_window_to
                   AND (r.admission_id IS NULL OR {_ENTERS} / 100 * 100 + 1 > d.{{s}}_window_to)))"""


def _registrations(condition: str) -> str:
    before, after = (condition.replace("{s}", side) for side in _SIDES)
    return f"""
    WITH d AS (SELECT * FROM unnest($1::text[], {_ARRAYS}) AS d(county, {_NAMED})),
    r AS MATERIALIZED (
        SELECT r.school, r.school_year, r.birth_date, r.disability, r.kind, r.grade, r.enrolled_month,
               r.admission_id,
               (c.opened_at AT TIME ZONE $4)::date AS opened_on
        FROM registrations r JOIN cases c ON c.id = r.id
        WHERE NOT r.closed AND r.registered_at IS NULL AND r.authority LIKE $2
    )
    SELECT o.code, o.name, o.division, count(*) FILTER (WHERE {before}) AS before,
           count(*) FILTER (WHERE {after}) AS after, 0 AS excess_before, 0 AS excess_after
    FROM r JOIN organisations o ON o.code = r.school AND o.valid_to IS NULL JOIN d ON d.county = o.division
    WHERE $3::date IS NOT NULL
    GROUP BY o.code, o.name, o.division
    HAVING count(*) FILTER (WHERE {before} OR {after}) > 0
    """  # noqa: S608


_OVERDUE = """
WITH d AS (SELECT * FROM unnest($1::text[], $2::date[], $3::date[]) AS d(county, before, after))
SELECT o.code, o.name, o.division, count(*) FILTER (WHERE c.due_on < d.before) AS before,
       count(*) FILTER (WHERE c.due_on < d.after) AS after, 0 AS excess_before, 0 AS excess_after
FROM registrations r JOIN cases c ON c.id = r.id AND c.status = 'open' AND c.due_on IS NOT NULL
JOIN organisations o ON o.code = r.school AND o.valid_to IS NULL JOIN d ON d.county = o.division
WHERE NOT r.closed AND r.registered_at IS NULL AND r.authority LIKE $4 AND c.due_on < greatest(d.before, d.after)
GROUP BY o.code, o.name, o.division
"""


@clause("11")
async def classes_over(work: RegistryWork, frame: Frame) -> list[Counted]:
    """Classes above the standard size, and by how many pupils."""
    return await _counted(work, "classes_over", _CLASSES, *_one_line(frame), _stage(frame))


@clause("4.2", "11")
async def plans_over(work: RegistryWork, frame: Frame) -> list[Counted]:
    """Plans of this school year and later ones that promise more places than their classes hold."""
    return await _counted(work, "plans_over", _PLANS, *_one_line(frame), _stage(frame), frame.school_year)


@clause("24.2.1")
async def schools_large(work: RegistryWork, frame: Frame) -> list[Counted]:
    """Schools of one stage, or of both, above the limit, and by how many pupils."""
    return await _counted(work, "schools_large", _LARGE, *_one_line(frame), frame.key == "large_school_combined")


@clause("4.1")
async def outside_window(work: RegistryWork, frame: Frame) -> list[Counted]:
    """New pupils under way who were entered outside the season."""
    return await _of_registrations(work, "outside_window", _OUTSIDE, frame)


@clause("5.1", "20.2")
async def refused(work: RegistryWork, frame: Frame) -> list[Counted]:
    """Registrations under way whose pupil's age the rules would refuse."""
    return await _of_registrations(work, "refused", _REFUSED, frame)


@clause("13.1")
async def late(work: RegistryWork, frame: Frame) -> list[Counted]:
    return await _of_registrations(work, "late", _LATE, frame)


@clause("13.2")
async def overdue(work: RegistryWork, frame: Frame) -> list[Counted]:
    """Steps that wait past their last day. Their days were counted with the value before: they move by the difference."""
    calendar = work.deps.calendar
    days = zip(*frame.lines("approval_working_days"), strict=True)
    lines = [overdue_before(calendar, frame.today, after - before) for before, after in days]
    now = [frame.today] * len(lines)
    return await _counted(work, "overdue", _OVERDUE, list(frame.before), now, lines, subtree_pattern(frame.reach))


@clause("13.2")
def overdue_before(calendar: Calendar, today: date, more: int) -> date:
    """The line for days that have been counted out: what is due before it is overdue today, once every last day has moved
    by `more` working days (fewer: less than 0)."""
    if more < 0:
        return calendar.add_working_days(today - timedelta(days=1), 1 - more).date
    line = today
    while more:
        line -= timedelta(days=1)
        more -= calendar.is_working_day(line).working
    return line


async def _of_registrations(work: RegistryWork, measure: MeasureName, condition: str, frame: Frame) -> list[Counted]:
    sides = [_sides(parameters) for parameters in (frame.before.values(), frame.after.values())]
    return await _counted(
        work,
        measure,
        _registrations(condition),
        list(frame.before),
        subtree_pattern(frame.reach),
        frame.today,
        ZONE.key,
        *(line for side in sides for line in side),
    )


def _sides(parameters: Iterable[Parameters]) -> list[list[int]]:
    """The lines of `_LINES`, one list each, in the order of the counties."""
    rows = [
        (
            p.entry_age,
            p.last_age,
            p.disabled_last_age,
            _number(p.age_cutoff),
            p.grade_age_tolerance,
            p.registration_months,
            _number(p.enrolment_from),
            _number(p.enrolment_to),
        )
        for p in parameters
    ]
    return [[row[n] for row in rows] for n in range(len(_LINES))]


def _number(day: MonthDay) -> int:
    """831 for 31 August: compares as the day does."""
    return day.month * 100 + day.day


def plain(value: Value | MonthDay) -> Value:
    return f"{value.month:02}-{value.day:02}" if isinstance(value, MonthDay) else value


def _one_line(frame: Frame) -> tuple[list[str], list[int], list[int], str]:
    before, after = frame.lines(frame.key)
    return list(frame.before), before, after, subtree_pattern(frame.reach)


def _stage(frame: Frame) -> str:
    return Stage.PRIMARY if frame.key == "class_size_primary" else Stage.JUNIOR


async def _counted(work: RegistryWork, measure: MeasureName, statement: str, *values: Any) -> list[Counted]:
    rows = await (await driver(work.tx)).fetch(statement, *values)
    return [
        Counted(
            measure=measure,
            school=row["code"],
            name=row["name"],
            county=row["division"],
            before=row["before"],
            after=row["after"],
            excess_before=row["excess_before"],
            excess_after=row["excess_after"],
        )
        for row in rows
    ]
