"""The records that clearing is about: a student, or a registration on its way to become one, with whose it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import msgspec
from regulation.authorisation import Target
from service_kit.database import driver
from shared_contracts.discreet import Discreet
from shared_contracts.records import StudentState
from sqlalchemy.ext.asyncio import AsyncConnection


class Record(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One record as it stands. `state`: of the student, None while it is a registration under way; `live`: counts as the
    pupil's record now; `authority`: who supervises its school (the last one where the school is closed)."""

    id: str
    person_id: str
    school: str
    school_name: str
    authority: str
    division: str
    name: str
    sex: str
    birth_date: date
    document_kind: str
    masked_document: str
    student_number: str | None
    number_kind: str | None
    state: StudentState | None
    live: bool
    grade: int | None
    class_no: int | None
    version: int

    @property
    def registered(self) -> bool:
        return self.state is not None

    @property
    def formal(self) -> bool:
        """Has a G number (正式学籍号)."""
        return self.number_kind == "G"

    @property
    def target(self) -> Target:
        return Target(school=self.school, authority=self.authority, grade=self.grade, class_no=self.class_no)


# One index look-up a table and record.
_READ = """
    SELECT q.id, coalesce(s.person_id, r.person_id) AS person_id, coalesce(s.school, r.school) AS school,
           coalesce(o.name, s.school, r.school) AS school_name, coalesce(s.keeper, o.authority, r.authority, '') AS authority,
           coalesce(o.division, '') AS division, coalesce(s.name, r.name) AS name, coalesce(s.sex, r.sex) AS sex,
           coalesce(s.birth_date, r.birth_date) AS birth_date,
           coalesce(s.document_kind, r.document_kind) AS document_kind,
           coalesce(s.masked_document, r.masked_document) AS masked_document,
           s.student_number, s.number_kind, s.state, coalesce(s.live, NOT r.closed) AS live,
           CASE WHEN s.id IS NULL THEN r.grade ELSE k.grade END AS grade,
           CASE WHEN s.id IS NULL THEN r.class_no ELSE k.class_no END AS class_no, coalesce(s.version, 0) AS version
    FROM unnest($1::text[]) AS q(id)
    LEFT JOIN students s USING (id)
    LEFT JOIN registrations r USING (id)
    LEFT JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL
    LEFT JOIN classes k ON k.id = m.class_id
    LEFT JOIN LATERAL (
        SELECT name, authority, division FROM organisations
        WHERE code = coalesce(s.school, r.school) ORDER BY valid_from DESC LIMIT 1
    ) o ON true
    WHERE s.id IS NOT NULL OR r.id IS NOT NULL
"""


async def read(tx: AsyncConnection, ids: Iterable[str]) -> dict[str, Record]:
    """Those that are there, by id."""
    rows = await (await driver(tx)).fetch(_READ, sorted(set(ids)))
    return {
        row["id"]: Record(**{**row, "state": None if row["state"] is None else StudentState(row["state"])})
        for row in rows
    }


async def read_one(tx: AsyncConnection, record_id: str) -> Record | None:
    return (await read(tx, [record_id])).get(record_id)


async def last_entries(tx: AsyncConnection, ids: Iterable[str]) -> dict[str, int]:
    """The number of each student's last journal entry. Under the students' locks: what happened, and nothing since."""
    rows = await (await driver(tx)).fetch(
        """SELECT q.id, j.seq FROM unnest($1::text[]) AS q(id)
           CROSS JOIN LATERAL (SELECT seq FROM journal WHERE student_id = q.id ORDER BY seq DESC LIMIT 1) j""",
        sorted(set(ids)),
    )
    return {row["id"]: row["seq"] for row in rows}
