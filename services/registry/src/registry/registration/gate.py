"""The facts that decide who may enter a school: plan, places, scheme, ended records, grounds (4.3, 8, 12, 16, 19).

Set-based: a chunk of five hundred pupils costs as many statements as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from regulation.school_year import Stage
from service_kit.database import driver
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment import grounds
from registry.enrolment.plans import store as plans
from registry.enrolment.schemes import store as schemes
from registry.organisations.facts import SchoolFacts
from registry.registration.situation import Enrolment, PersonFacts, RegistrationFacts


class Asked(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A pupil about whom the gate is asked. `key`: the caller's own. `person_id`: whom identity knows by the document, if
    anybody. `new`: a new registration. `division`, `address`: of the household, where there is none of the residence.
    """

    key: str
    person_id: str | None
    stage: Stage
    new: bool
    division: str
    address: str


def asked(key: str, facts: RegistrationFacts, form: Mapping[str, str], person_id: str | None) -> Asked:
    """A pupil as the form has it: the household counts, where there is none (foreign pupils and others) the residence,
    which is where the school is.
    """
    stage = facts.stage
    assert stage is not None  # clause 2 has refused it before
    household = form.get("household_place", "")
    return Asked(
        key=key,
        person_id=person_id,
        stage=stage,
        new=facts.kind == "new",
        division=household[:6] or facts.school.division,
        address=form.get("home_address" if household else "current_address", ""),
    )


async def of_school(
    tx: AsyncConnection, school: SchoolFacts, school_year: int
) -> tuple[dict[Stage, Enrolment], dict[Stage, int]]:
    """What is settled of each stage, and the places that nobody has at this moment; nothing is locked."""
    scheme = school.ownership != "private" or await schemes.approved(tx, school.code, school_year)
    planned = await plans.of_school(tx, school.code, school_year)
    settled = {
        stage: Enrolment(places=planned[stage][0] if stage in planned else None, scheme=scheme)
        for stage in school.stages
    }
    return settled, {stage: planned[stage][1] if stage in planned else 0 for stage in school.stages}


async def of_people(
    tx: AsyncConnection, school: SchoolFacts, school_year: int, people: Sequence[Asked]
) -> dict[str, PersonFacts]:
    """By the people's keys, one for each."""
    finished = await _finished(tx, [one.person_id for one in people if one.person_id])
    entering: dict[str, grounds.Ground] = {}
    for stage in school.stages:
        new = [
            grounds.Person(key=one.key, person_id=one.person_id, division=one.division, address=one.address)
            for one in people
            if one.new and one.stage is stage
        ]
        entering |= await grounds.of(tx, school, school_year, stage, new)
    return {one.key: _facts(one, finished, entering.get(one.key)) for one in people}


def _facts(one: Asked, finished: Mapping[tuple[str, str], str], ground: grounds.Ground | None) -> PersonFacts:
    return PersonFacts(
        finished=finished.get((one.person_id or "", one.stage.value)),
        way=None if ground is None else ground.kind,
        admission_id=None if ground is None else ground.admission_id,
    )


# Index Scan using students_one_a_person and students_not_live: two looks a person, whatever the province's size.
_FINISHED = """
    SELECT person_id, stage, state FROM students
    WHERE person_id = ANY($1::text[]) AND live AND state IN ('graduated', 'completed')
    UNION ALL
    SELECT person_id, stage, state FROM students
    WHERE person_id = ANY($1::text[]) AND NOT live AND state IN ('graduated', 'completed')
"""


async def _finished(tx: AsyncConnection, person_ids: Sequence[str]) -> dict[tuple[str, str], str]:
    """Person and stage -> the state of a record that has come to its end (毕业, 结业)."""
    if not person_ids:
        return {}
    rows = await (await driver(tx)).fetch(_FINISHED, list(person_ids))
    return {(row["person_id"], row["stage"]): row["state"] for row in rows}
