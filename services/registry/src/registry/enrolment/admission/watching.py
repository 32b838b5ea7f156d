"""What the calendar brings by itself: who did not come (10.2), and records that are to be handed in (13.1).

Looked at every few minutes, done once: each row says that it was told, in the transaction of what tells it.
"""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from regulation.mark import clause
from service_kit.database import driver
from service_kit.pausing import pause
from service_kit.service import Kit
from service_kit.telemetry import describe
from shared_contracts.actors import Role
from shared_contracts.admission import NoShow, NoShows
from shared_contracts.waiting import WorkWaiting

from registry.context import Registry, RegistryWork
from registry.enrolment.admission import policy, seats, store
from registry.rosters.access import names_of

log = logging.getLogger(__name__)

LOOKS = 300.0  # seconds
BATCH = 500
LATE = 3
"""In `reminded`: the school was told that the month is over."""


async def run(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Until `stop` is set."""
    while not stop.is_set():
        try:
            await look(kit, deps, stop)
        except Exception as error:
            log.warning("admissions: looked again later: %s", describe(error))
        await pause(stop, LOOKS)


async def look(kit: Kit, deps: Registry, stop: asyncio.Event) -> None:
    """Everything that has come due by now, in batches."""
    for act in (no_shows, reminders):
        while not stop.is_set():
            async with kit.db.unit(deps) as work:
                if not await act(work):
                    break


@clause("10.2")
async def no_shows(work: RegistryWork) -> int:
    """Whoever neither reported nor postponed, the day after the day to report: told to the school, and to whoever sees
    that the guardians send their children. Returns how many. Copies of the service share the work (SKIP LOCKED)."""
    rows = await (await driver(work.tx)).fetch(
        f"""SELECT id, child_id, person_id, county, school, school_year, report_to, postponed_until FROM admissions a
            WHERE state = 'open' AND reported_on IS NULL AND no_show_on IS NULL AND school_year = $1
              AND greatest(report_to, coalesce(postponed_until, report_to)) < $2
              AND NOT EXISTS (SELECT FROM registrations r WHERE {store.HANDED_IN})
            ORDER BY school, id LIMIT $3 FOR UPDATE SKIP LOCKED""",  # noqa: S608 - a constant
        work.today.year,
        work.today,
        BATCH,
    )
    missing = [row for row in rows if policy.no_show(row["report_to"], row["postponed_until"], False, work.today)]
    if not missing:
        return 0
    await store.change(work.tx, [row["id"] for row in missing], no_show_on=work.today)
    names = await names_of(work.tx, {row["school"] for row in missing})
    for (school, year), its in _by_school(missing).items():
        work.emit(
            NoShows(
                school=school,
                school_name=names[school],
                school_year=year,
                first_day=seats.first_day(work, its[0]["county"], year),
                children=tuple(
                    NoShow(
                        admission_id=row["id"],
                        child_id=row["child_id"],
                        person_id=row["person_id"],
                        county=row["county"],
                    )
                    for row in its
                ),
            ),
            school,
        )
        work.emit(
            WorkWaiting(
                organisation=school,
                role=Role.REGISTRAR,
                kind="no_shows",
                title="有新生没有按时报到",
                detail="有{count}名新生没有按时报到，也没有办理延期。请联系其监护人，督促送学生入学。",
                link=f"/v1/admissions?school={school}&progress=no_show",
                count=len(its),
            ),
            school,
        )
    return len(missing)


@clause("13.1")
async def reminders(work: RegistryWork) -> int:
    """The month is nearly over, or over: the school is told, each time once. Returns how many admissions."""
    months = work.deps.policy.parameters("230000", work.today).registration_months
    calendar = work.deps.calendar
    days = await store.reporting_days(work.tx, work.today)
    due: dict[Any, int] = {}
    for day in days:
        last = policy.hand_in_by(day, months, calendar)
        if policy.late_record(day, months, calendar, work.today):
            due[day] = LATE
        elif (number := policy.reminder(last, 0, work.today)) is not None:
            due[day] = number
    if not due:
        return 0
    rows = await (await driver(work.tx)).fetch(
        f"""SELECT a.id, a.school, a.school_year, a.reported_on FROM admissions a
            JOIN unnest($1::date[], $2::smallint[]) AS q(day, number) ON a.reported_on = q.day AND a.reminded < q.number
            WHERE a.state = 'open' AND NOT EXISTS (SELECT FROM registrations r WHERE {store.HANDED_IN})
            ORDER BY a.school, a.id LIMIT $3 FOR UPDATE OF a SKIP LOCKED""",  # noqa: S608 - a constant
        list(due),
        list(due.values()),
        BATCH,
    )
    for number in sorted(set(due.values())):
        ids = [row["id"] for row in rows if due[row["reported_on"]] == number]
        if ids:
            await store.change(work.tx, ids, reminded=number)
    for (school, _), its in _by_school(rows).items():
        late = [row for row in its if due[row["reported_on"]] == LATE]
        soon = [row for row in its if due[row["reported_on"]] != LATE]
        if soon:
            last = min(policy.hand_in_by(row["reported_on"], months, calendar) for row in soon)
            title, detail = "建籍期限将到", f"有{{count}}名已报到的新生还没有建籍，最早的期限为{last}。"
            work.emit(_remind(school, "records_due", title, detail, len(soon), last), school)
        if late:
            title, detail = "建籍已逾期", "有{count}名已报到的新生超过一个月没有建籍，请尽快办理并说明原因。"
            work.emit(_remind(school, "records_late", title, detail, len(late), work.today - timedelta(days=1)), school)
    return len(rows)


def _remind(school: str, kind: str, title: str, detail: str, count: int, due_on: Any) -> WorkWaiting:
    progress = "late" if kind == "records_late" else "reported"
    return WorkWaiting(
        organisation=school,
        role=Role.REGISTRAR,
        kind=kind,
        title=title,
        detail=detail,
        link=f"/v1/admissions?school={school}&progress={progress}",
        count=count,
        due_on=due_on,
    )


def _by_school(rows: Sequence[Any]) -> dict[tuple[str, int], list[Any]]:
    found: dict[tuple[str, int], list[Any]] = defaultdict(list)
    for row in rows:
        found[row["school"], row["school_year"]].append(row)
    return dict(sorted(found.items()))
