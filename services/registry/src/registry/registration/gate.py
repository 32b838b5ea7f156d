"""The facts that decide who may enter a school: plan, places, scheme, ended records, grounds (4.3, 8, 12, 16, 19).

Set-based: a chunk of five hundred pupils costs as many statements as one.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Self, TypeVar

import asyncpg
import msgspec
from regulation.school_year import Stage, grade_of_cohort
from shared_contracts.discreet import Discreet
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.enrolment import grounds
from registry.enrolment.plans import store as plans
from registry.enrolment.schemes import store as schemes
from registry.organisations.facts import SchoolFacts
from registry.registration.situation import Arrival, Enrolment, PersonFacts, RegistrationFacts

K = TypeVar("K", bound=Hashable)


class Home(Discreet, msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a form says of where a child lives; decoded from a form's JSON, it leaves the other fifty fields unread."""

    household_place: str = ""
    home_address: str = ""
    current_address: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> Self:
        return msgspec.convert(form, cls)


def asked(facts: RegistrationFacts, home: Home, person_id: str | None) -> grounds.Person:
    """A pupil as the form has it. `person_id`: whom identity knows by the document, if anybody.

    The household counts, where there is none (foreign pupils and others) the residence, which is where the school is.
    """
    stage = facts.stage
    assert stage is not None  # clause 2 has refused it before
    household = home.household_place
    return grounds.Person(
        person_id=person_id,
        stage=stage,
        enters=facts.kind == "new",
        division=household[:6] or facts.school.division,
        address=home.home_address if household else home.current_address,
    )


class Gate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A school's, nothing locked. `enrolment`: what is settled of each stage; `places`: that nobody has at this moment;
    `awaited`: grades in which it may register children of other provinces."""

    enrolment: dict[Stage, Enrolment]
    places: dict[Stage, int]
    awaited: frozenset[int]


async def of_school(tx: AsyncConnection, school: SchoolFacts, school_year: int) -> Gate:
    scheme = school.ownership != "private" or await schemes.approved(tx, school.code, school_year)
    planned, awaited = await plans.of_school(tx, school.code, school_year)
    settled = {
        stage: Enrolment(places=planned[stage][0] if stage in planned else None, scheme=scheme)
        for stage in school.stages
    }
    return Gate(
        enrolment=settled,
        places={stage: planned[stage][1] if stage in planned else 0 for stage in school.stages},
        awaited=frozenset(grade_of_cohort(one, school_year) for one in awaited),
    )


async def of_people(
    tx: AsyncConnection, school: SchoolFacts, school_year: int, people: Mapping[K, grounds.Person]
) -> dict[K, PersonFacts]:
    """By the caller's keys, one for each."""
    standings = await grounds.standings(tx, school_year, list(people.values()))
    return {key: _facts(person, standings, school, school_year) for key, person in people.items()}


def _facts(person: grounds.Person, standings: grounds.Standings, school: SchoolFacts, school_year: int) -> PersonFacts:
    ground = standings.ground(person, school, school_year) if person.enters else None
    return PersonFacts(
        finished=standings.finished_by(person),
        way=None if ground is None else ground.kind,
        admission_id=None if ground is None else ground.admission_id,
        arrival=_arrival(standings.expected.get(person.person_id or ""), school_year),
    )


def _arrival(row: asyncpg.Record | None, school_year: int) -> Arrival | None:
    if row is None:
        return None
    grade = grade_of_cohort(row["school_year"], school_year)
    return Arrival(case_id=row["id"], school=row["school"], grade=grade, state=row["state"], placement=row["way"])
