"""On what ground a child enters a school (clauses 12, 16, 19): the county's placement, another admission, or the zone.

Asked by the registration gate: whoever has no ground is registered nowhere, and whoever has finished a stage does not
enter it again.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import asyncpg
import msgspec
from regulation.school_year import MonthDay, Stage
from service_kit.database import driver
from shared_contracts.discreet import Discreet
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment.ways import TITLES as TITLES  # noqa: PLC0414 - offered here too
from registry.enrolment.ways import Way
from registry.enrolment.zones.matching import Zones
from registry.enrolment.zones.store import zones_of
from registry.organisations.facts import SchoolFacts

LAST_DAY = MonthDay(9, 30)


class Person(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One child as a form gives it. `person_id`: None where identity knows nobody with this document. `enters`: as a new
    pupil of the stage. `division`, `address`: of the household registration, the division at least 6 digits.
    """

    person_id: str | None
    stage: Stage
    enters: bool
    division: str
    address: str


class Ground(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """`admission_id`: None for a child of the zone whom nobody has admitted yet. `street`: what of the zone matched."""

    kind: Way
    admission_id: str | None
    street: str = ""


class Standings(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of some people. `finished`: person and stage -> the state of a record that has come to its end
    (毕业, 结业). `admitted`: person and stage -> the open admission. `zones`: of the stages, on the day asked for.
    `expected`: person -> the transfer from another province that expects the child; `school_year` is that of its cohort.
    """

    finished: Mapping[tuple[str, str], str] = {}
    admitted: Mapping[tuple[str, str], asyncpg.Record] = {}
    zones: Mapping[str, Zones] = {}
    expected: Mapping[str, asyncpg.Record] = {}

    def finished_by(self, person: Person) -> str | None:
        return self.finished.get((person.person_id or "", person.stage.value))

    def ground(self, person: Person, school: SchoolFacts, school_year: int) -> Ground | None:
        """None: the school may not take this child in as a new pupil.

        An open admission of this school, year and stage goes before the zone; one at another school leaves no ground
        here, wherever the child lives.
        """
        row = self.admitted.get((person.person_id or "", person.stage.value))
        if row is not None and row["school_year"] == school_year:
            if row["school"] == school.code:
                return Ground(kind=row["way"], admission_id=row["id"])
            return None
        if (zones := self.zones.get(person.stage.value)) is None:
            return None
        here = [m for m in zones.of(person.division[:6], person.address) if m.school == school.code]
        return Ground(kind="zone", admission_id=None, street=here[0].street) if here else None


# Index Scans using students_one_a_person, students_not_live, one_open_admission, expected_arrivals_of_person and
# attendance_zones_divisions: some
# looks a person, whatever the province's size. One statement, since a roster's chunk of two pupils waits for it as long as
# one of five hundred.
_STANDINGS = """
    SELECT 'record' AS kind, person_id, stage, state, NULL AS id, NULL AS school, NULL::smallint AS school_year,
           NULL AS way, NULL AS areas
    FROM students WHERE person_id = ANY($1::text[]) AND live AND state IN ('graduated', 'completed')
    UNION ALL
    SELECT 'record', person_id, stage, state, NULL, NULL, NULL, NULL, NULL
    FROM students WHERE person_id = ANY($1::text[]) AND NOT live AND state IN ('graduated', 'completed')
    UNION ALL
    SELECT 'admission', person_id, stage, state, id, school, school_year, way, NULL
    FROM admissions WHERE person_id = ANY($2::text[]) AND stage = ANY($3::text[]) AND state = 'open'
    UNION ALL
    SELECT 'arrival', person_id, NULL, CASE WHEN approved THEN 'approved' ELSE 'open' END, case_id, school, cohort,
           placement, NULL
    FROM expected_arrivals WHERE person_id = ANY($1::text[]) AND open
    UNION ALL
    SELECT 'zone', NULL, stage, NULL, id, school, NULL, NULL, areas::text
    FROM attendance_zones
    WHERE divisions && $4::text[] AND stage = ANY($3::text[]) AND valid_from <= $5 AND (valid_to IS NULL OR valid_to > $5)
"""


async def standings(
    tx: AsyncConnection, school_year: int, people: Sequence[Person], on: date | None = None
) -> Standings:
    """One statement, whatever their number; none where there is nothing to ask.

    `on`: the day whose zones count, the last of the autumn enrolment where not given, so that a zone set while it goes on
    counts too.
    """
    entering = [person for person in people if person.enters]
    known = [person.person_id for person in people if person.person_id]
    if not entering and not known:
        return Standings()
    rows = await (await driver(tx)).fetch(
        _STANDINGS,
        known,
        [person.person_id for person in entering if person.person_id],
        sorted({person.stage.value for person in entering}),
        sorted({person.division[:6] for person in entering}),
        on or LAST_DAY.in_year(school_year),
    )
    served: dict[str, list[asyncpg.Record]] = defaultdict(list)
    for row in rows:
        if row["kind"] == "zone":
            served[row["stage"]].append(row)
    return Standings(
        finished={(row["person_id"], row["stage"]): row["state"] for row in rows if row["kind"] == "record"},
        admitted={(row["person_id"], row["stage"]): row for row in rows if row["kind"] == "admission"},
        zones={stage: zones_of(found) for stage, found in served.items()},
        expected={row["person_id"]: row for row in rows if row["kind"] == "arrival"},
    )
