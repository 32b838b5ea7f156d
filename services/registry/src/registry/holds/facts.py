"""What the registry knows for a change case, in the words of the contract."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg
from regulation.divisions import chain
from regulation.school_codes import SCHOOL_TYPES
from regulation.school_year import Stage, grades_of
from shared_contracts.decisions import Finding
from shared_contracts.holds import (
    ChangeFacts,
    Covers,
    FindRoom,
    GetChangeFacts,
    Nearby,
    Place,
    Pupil,
    Room,
    RoomNearby,
    School,
)
from shared_contracts.identity import FindPersons, FoundPersons

from registry.context import RegistryWork
from registry.enrolment.plans.policy import large_school_limit
from registry.enrolment.zones import store as zones
from registry.holds import arrivals, policy, store
from registry.organisations.facts import SchoolFacts

SPECIAL_SCHOOL = "371"
"""专门学校 (BXLX)."""
MAINSTREAMED = "mainstreamed"


async def change_facts(work: RegistryWork, query: GetChangeFacts) -> ChangeFacts:
    row = await _asked_for(work, query)
    said = await _said(work, query)
    schools = await store.supervised(work.tx, {code for code in (row and row["school"], query.to_school) if code})
    pupil = _pupil(row, schools) if row is not None else None
    to = schools.get(query.to_school or "")
    if to is None:
        return ChangeFacts(pupil=pupil, said=said)
    target = to.facts
    parameters = work.deps.policy.parameters(target.division, work.today)
    grade = query.grade or (pupil and pupil.grade)
    room = await room_of(work, target, grade, case_id=query.case_id) if grade and target.stage_of(grade) else None
    covers = Covers()
    if query.residence is not None and grade and target.stage_of(grade):
        origin = schools.get(row["school"]) if row else None
        covers = await _covers(work, query.residence, target, origin and origin.facts, grade)
    return ChangeFacts(
        pupil=pupil,
        to=school_of(to),
        room=room,
        covers=covers,
        policy_version=parameters.version,
        said=said,
    )


async def _said(work: RegistryWork, query: GetChangeFacts) -> Finding | None:
    """Of a child of another province; nobody is made at identity for a question."""
    if query.child is None or query.grade is None:
        return None
    known = await arrivals.known(work, query.child, query.to_school or "", make=False)
    seen = await arrivals.seen(work, known, query.grade, query.to_school or "", case_id=query.case_id)
    return policy.may_be_expected(seen.standing, record_grade=seen.record_grade, grade=query.grade)


async def room_of(
    work: RegistryWork, school: SchoolFacts, grade: int, *, case_id: str | None, lock: bool = False
) -> Room:
    """A grade that the school carries, by the parameters of its division."""
    parameters = work.deps.policy.parameters(school.division, work.today)
    stage = school.stage_of(grade)
    assert stage is not None
    return await store.room(
        work.tx,
        school,
        grade,
        standard=parameters.class_size(stage),
        most=large_school_limit(school, parameters),
        on=work.today,
        without=case_id,
        lock=lock,
    )


async def room_nearby(work: RegistryWork, query: FindRoom) -> RoomNearby:
    """Schools of the city that `division` lies in, or of the division where it belongs to no city."""
    city = f"{query.division[:4]}%"
    standards = {
        division: work.deps.policy.parameters(division, work.today).class_size(Stage(query.stage))
        for division in await store.divisions_like(work.tx, city)
    }
    free = await store.with_room(work.tx, city, Stage(query.stage), query.grade, standards, query.without, work.today)
    served = await zones.holding(work.tx, [query.residence.division], query.stage, work.today)
    of_zone = {match.school for match in served.of(query.residence.division, query.residence.address)}
    found = [
        Nearby(
            school=school_of(school),
            free=free[code],
            nearness="zone"
            if code in of_zone
            else "division"
            if school.facts.division == query.residence.division
            else "city",
        )
        for code, school in (await store.supervised(work.tx, free)).items()
        if not _special(school.facts)
    ]
    order = {"zone": 0, "division": 1, "city": 2}
    found.sort(key=lambda one: (order[one.nearness], -one.free, one.school.code))
    return RoomNearby(items=tuple(found[: max(1, min(query.limit, 50))]))


def school_of(supervised: store.Supervised) -> School:
    school = supervised.facts
    return School(
        code=school.code,
        name=school.name,
        authority=school.authority,
        authority_name=supervised.authority_name or school.authority,
        superior=supervised.superior or _above(school.authority),
        division=school.division,
        school_type=school.school_type,
        stages=tuple(school.stages),
        system=school.system,
        ownership=school.ownership,
        locality=school.locality,
        special_education=school.special,
        special_school=school.school_type == SPECIAL_SCHOOL,
        entry_grades=school.entry_grades(),
        graduating_grades=tuple(grades_of(stage, school.system)[-1] for stage in school.stages),
    )


def _above(authority: str) -> str:
    """The authority that an authority's code lies under; the province is under none."""
    above = [code for code in chain(authority) if code != authority]
    return above[-1] if above else ""


def _special(school: SchoolFacts) -> bool:
    return school.special or school.school_type == SPECIAL_SCHOOL or school.school_type not in SCHOOL_TYPES


async def _asked_for(work: RegistryWork, query: GetChangeFacts) -> asyncpg.Record | None:
    """By id; or by name and number together, or nobody: who knows only one of them learns nothing."""
    if query.student_id:
        return await store.pupil(work.tx, query.student_id, without=query.case_id)
    if not query.number.strip() or not query.name.strip():
        return None
    found: FoundPersons = await work.deps.bus.need(FindPersons(actor=query.actor, number=query.number.strip()))
    return await store.pupil_named(work.tx, found.person_ids, query.name.strip(), without=query.case_id)


def _pupil(row: asyncpg.Record, schools: Mapping[str, store.Supervised]) -> Pupil | None:
    school = schools.get(row["school"])
    if school is None:  # of a school that is no more: only the archive is there
        return None
    return Pupil(
        student_id=row["id"],
        person_id=row["person_id"],
        name=row["name"],
        birth_date=row["birth_date"],
        state=row["state"],
        live=row["live"],
        stage=row["stage"],
        grade=row["grade"],
        class_no=row["class_no"],
        placement=row["placement"],
        mainstreamed=row["placement"] == MAINSTREAMED,
        school=school_of(school),
        at_school_since=row["since"],
        held_by=row["held_by"],
    )


async def _covers(
    work: RegistryWork, residence: Place, target: SchoolFacts, origin: SchoolFacts | None, grade: int
) -> Covers:
    stage = target.stage_of(grade)
    assert stage is not None
    served = await zones.holding(work.tx, [residence.division], stage, work.today)
    matches = [match.school for match in served.of(residence.division, residence.address)]
    known = bool(matches)
    # A division without any zone says nothing; one with zones that do not name the address says nothing of it either.
    # Then another county is outside: no school serves a place of a county that it does not lie in, unless a zone says so.
    away = origin is not None and origin.division != residence.division
    from_school = None if origin is None else origin.code in matches if known else False if away else None
    return Covers(
        from_school=from_school,
        to_school=target.code in matches if known else None,
        zone_school=matches[0] if matches else None,
    )
