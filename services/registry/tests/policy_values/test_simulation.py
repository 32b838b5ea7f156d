"""What a value would do, before it is published: counted by the database, by county and school, and nothing written."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from policy_desk import COUNTY, COUNTY_LEADER, HARBIN, NEIGHBOUR, PROVINCE_OFFICER, TOMORROW, officer, publish
from registry.policy_values.counting import overdue_before
from registry.registration.policy import PersonFacts, RegistrationFacts, decide
from registry_world import FAR_SCHOOL, OTHER_SCHOOL, SCHOOL, TODAY, ZONE, World
from regulation.calendar import Calendar
from regulation.parameters import Parameters
from regulation.school_year import month_day
from shared_contracts.decisions import Refused
from shared_contracts.policy import SimulateValue, Simulation

pytestmark = pytest.mark.integration
NEAR = msgspec.structs.replace(
    SCHOOL, code="2123010003", name="哈尔滨市南岗区测试小学", division=NEIGHBOUR, authority=NEIGHBOUR
)


async def simulate(world: World, who: Any = COUNTY_LEADER, **query: Any) -> Simulation:
    reply = await world.ask(SimulateValue(actor=who, **{"key": "class_size_primary", "value": 40, **query}))
    assert isinstance(reply, Simulation), reply
    return reply


async def klass(
    world: World, school: Any, class_no: int, pupils: int, *, grade: int = 1, stage: str = "primary"
) -> None:
    """A class with so many pupils: rows as registration leaves them, without the way there."""
    name = f"{school.code}-{stage}-{grade}-{class_no}"
    await world.sql(
        """INSERT INTO classes (id, school, stage, cohort, class_no, grade, system)
           VALUES ($1, $2, $3, $4, $5, $6, '6-3')""",
        name,
        school.code,
        stage,
        2027 - grade,
        class_no,
        grade,
    )
    given = name, pupils, school.code, stage
    await world.sql(
        """INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document,
                                 student_number, number_kind, verification, stage, cohort, placement, state, registered_at)
           SELECT $1 || '-' || i, $1 || '-' || i, $3, '某', '1', '2020-01-01', '1', '*', '*', 'L', 'pending', $4, 2026,
                  'ordinary', 'in_school', now() FROM generate_series(1, $2::integer) i""",
        *given,
    )
    await world.sql(
        """INSERT INTO class_memberships (student_id, joined_on, class_id)
           SELECT $1 || '-' || i, '2026-09-01', $1 FROM generate_series(1, $2::integer) i""",
        name,
        pupils,
    )


def totals(found: Any) -> dict[str, tuple[int, int, int, int]]:
    return {m.name: (m.before, m.after, m.excess_before, m.excess_after) for m in found}


@pytest.mark.clause("11", "49")
async def test_classes_above_the_size_by_county_and_school(world: World) -> None:
    await world.load(SCHOOL, OTHER_SCHOOL, NEAR, FAR_SCHOOL)
    for school, sizes in ((SCHOOL, (40, 41, 45)), (OTHER_SCHOOL, (46, 30)), (NEAR, (44,)), (FAR_SCHOOL, (50,))):
        for number, size in enumerate(sizes, 1):
            await klass(world, school, number, size)
    await klass(world, SCHOOL, 9, 48, grade=7, stage="junior")
    found = await simulate(world)
    assert totals(found.totals) == {"classes_over": (1, 3, 1, 1 + 5 + 6)}
    assert [(s.school, totals(s.measures)["classes_over"]) for s in found.schools] == [
        (SCHOOL.code, (0, 2, 0, 6)),
        (OTHER_SCHOOL.code, (1, 1, 1, 6)),
    ]
    (county,) = found.counties
    assert (county.county, county.value_before, county.value_after, county.schools) == (COUNTY, 45, 40, 2)
    assert found.findings == ()
    assert [title.name for title in found.titles] == ["classes_over", "plans_over"]

    city = await simulate(world, officer(HARBIN), low=30, high=45)
    assert totals(city.totals) == {"classes_over": (1, 4, 1, 16)}
    assert {c.county: c.schools for c in city.counties if c.schools} == {COUNTY: 2, NEIGHBOUR: 1}
    province = await simulate(world, PROVINCE_OFFICER, low=1, high=45)
    assert totals(province.totals)["classes_over"] == (2, 5, 6, 26)
    assert len(province.counties) > 100


@pytest.mark.clause("49")
async def test_a_county_with_a_value_of_its_own_is_not_touched(world: World) -> None:
    await world.load(SCHOOL, NEAR)
    await klass(world, SCHOOL, 1, 44)
    await klass(world, NEAR, 1, 44)
    await publish(world, officer(COUNTY), value=45)
    found = await simulate(world, officer(HARBIN), low=1, high=45, valid_from=TOMORROW + timedelta(days=1))
    assert COUNTY in found.not_touched
    assert [s.school for s in found.schools] == [NEAR.code]
    assert found.findings == ()
    narrow = await simulate(world, officer(HARBIN), low=1, high=40, valid_from=TOMORROW + timedelta(days=1))
    assert [f.code for f in narrow.findings] == ["policy.outlaws_lower"]


@pytest.mark.clause("11")
async def test_who_has_left_a_class_does_not_count(world: World) -> None:
    await world.load(SCHOOL)
    await klass(world, SCHOOL, 1, 41)
    await world.sql(
        "UPDATE class_memberships SET left_on = '2026-09-05' WHERE student_id = $1", f"{SCHOOL.code}-primary-1-1-1"
    )
    assert (await simulate(world)).schools == ()


@pytest.mark.clause("4.2", "11")
async def test_plans_that_promise_more_than_their_classes_hold(world: World) -> None:
    await world.load(SCHOOL, OTHER_SCHOOL)
    for n, (school, classes, places, year, state) in enumerate(
        [
            (SCHOOL, 2, 90, 2026, "in_force"),
            (OTHER_SCHOOL, 2, 80, 2026, "in_force"),
            (OTHER_SCHOOL, 2, 85, 2027, "in_force"),
            (SCHOOL, 1, 45, 2025, "in_force"),
        ]
    ):
        await world.sql(
            """INSERT INTO enrolment_plans (id, school, school_year, stage, grade, authority, filed_with, classes, places,
                                            state, version, filed_at, issued_by)
               VALUES ($1, $2, $3, 'primary', 1, $4, $5, $6, $7, $8, 1, now(), '某')""",
            f"plan{n}",
            school.code,
            year,
            COUNTY,
            HARBIN,
            classes,
            places,
            state,
        )
    found = await simulate(world)
    assert totals(found.totals) == {"plans_over": (0, 2, 0, 15)}


@pytest.mark.clause("24.2.1")
async def test_large_schools_of_one_stage_and_of_both(world: World) -> None:
    both = msgspec.structs.replace(OTHER_SCHOOL, school_type="312", stages=("primary", "junior"), code="3123010002")
    await world.load(SCHOOL, both)
    for school in (SCHOOL, both):
        await klass(world, school, 1, 30)
    single = await simulate(world, key="large_school_single", value=29)
    assert totals(single.totals) == {"schools_large": (0, 1, 0, 1)}
    assert [s.school for s in single.schools] == [SCHOOL.code]
    combined = await simulate(world, key="large_school_combined", value=30)
    assert combined.totals == ()


@pytest.mark.clause("4.1")
@pytest.mark.parametrize(("last", "outside"), [("09-10", 0), ("09-09", 1)])
async def test_new_pupils_entered_outside_the_season(world: World, last: str, outside: int) -> None:
    await world.load(SCHOOL)
    await world.one()
    await world.one(enrolled_month="202509", grade=2, birth_date=date(2019, 3, 5))
    found = await simulate(world, key="enrolment_to", value=last)
    assert totals(found.totals).get("outside_window", (0, 0, 0, 0)) == (0, outside, 0, 0)


@pytest.mark.clause("5.1")
async def test_children_whose_age_would_be_refused(world: World) -> None:
    await world.load(SCHOOL)
    await world.one(birth_date=date(2020, 8, 31))  # six on the last day
    await world.one(birth_date=date(2019, 8, 31))  # seven
    found = await simulate(world, key="entry_age", value=7)
    assert totals(found.totals) == {"refused": (0, 1, 0, 0)}


@pytest.mark.clause("4.1", "5.1", "13.1", "20.2")
@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("entry_age", 7),
        ("compulsory_years", 2),
        ("disabled_last_age", 14),
        ("age_cutoff", "03-04"),
        ("grade_age_tolerance", 0),
        ("registration_months", 0),
        ("enrolment_to", "09-09"),
        ("enrolment_from", "08-20"),
    ],
)
async def test_the_database_counts_what_the_rules_would_say(world: World, key: str, value: Any) -> None:
    """Registrations of all sorts, judged by the rules with the old and the new value: the counts are theirs."""
    await world.load(SCHOOL)
    chance = random.Random(key)
    said = [0, 0]
    wanted = {"age.too_old", "age.too_young", "age.under_entry", "age.grade_mismatch"}
    if key == "registration_months":
        wanted = {"entry.late"}
    elif key.startswith("enrolment"):
        wanted = {"enrolment.outside_window"}
    before = Parameters.for_(SCHOOL.division, TODAY)
    after = msgspec.structs.replace(before, **{key: value if isinstance(value, int) else month_day(value)})
    admissions = []
    for _ in range(60):
        facts: dict[str, Any] = {
            "birth_date": date(chance.randint(2003, 2021), chance.choice([3, 8, 9]), chance.choice([4, 5, 30])),
            "grade": chance.randint(1, 6),
            "disability": chance.choice(["1", "1", "2"]),
            "enrolled_month": chance.choice(["202609", "202608", "202607", "202606", "202509"]),
        }
        admissions.append(world.admission(**facts))
        for side, parameters in enumerate((before, after)):
            decision = decide(
                RegistrationFacts(
                    school=SCHOOL,
                    document_kind="1",
                    overseas="00",
                    placement="ordinary",
                    today=TODAY,
                    school_year=2026,
                    parameters=parameters,
                    enrolment={},  # what comes with a plan is not what is asked here
                    person=PersonFacts(way="zone"),
                    **facts,
                )
            )
            bad = {f.code for f in decision.findings if f.outcome in ("refuse", "note")}
            said[side] += bool(bad & wanted)
    await world.admit(*admissions)
    found = await simulate(world, PROVINCE_OFFICER, key=key, value=value)
    ((name, counts),) = totals(found.totals).items()
    measure = {"registration_months": "late", "enrolment_to": "outside_window", "enrolment_from": "outside_window"}
    assert (name, counts[:2]) == (measure.get(key, "refused"), tuple(said))
    assert said[0] != said[1]


@pytest.mark.clause("13.2")
@pytest.mark.parametrize("more", [-10, -9, -3, -1, 0, 1, 4])
@pytest.mark.parametrize("today", [date(2026, 9, 10), date(2026, 9, 12), date(2026, 10, 3), date(2026, 9, 27)])
def test_the_line_of_what_is_overdue_is_where_counting_days_puts_it(today: date, more: int) -> None:
    calendar, days = Calendar(), 10
    line = overdue_before(calendar, today, more)
    for back in range(40):
        start = today - timedelta(days=back)
        due = calendar.add_working_days(start, days).date
        if days + more < 1:
            continue
        assert (due < line) == (calendar.add_working_days(start, days + more).date < today), start


@pytest.mark.clause("13.2")
async def test_steps_that_would_be_overdue(world: World) -> None:
    await world.load(SCHOOL)
    await world.one()
    world.clock.moment = datetime(2026, 9, 17, 10, 0, tzinfo=ZONE)  # five working days later
    assert totals((await simulate(world, key="approval_working_days", value=4)).totals) == {"overdue": (0, 1, 0, 0)}
    assert (await simulate(world, key="approval_working_days", value=5)).totals == ()


@pytest.mark.clause("3.1")
async def test_only_within_reach(world: World) -> None:
    await world.load(SCHOOL, NEAR)
    await klass(world, SCHOOL, 1, 44)
    await klass(world, NEAR, 1, 44)
    found = await simulate(world, officer(HARBIN), division=COUNTY)
    assert [s.school for s in found.schools] == [SCHOOL.code]
    for who, division in ((COUNTY_LEADER, NEIGHBOUR), (COUNTY_LEADER, HARBIN), (officer("230202"), COUNTY)):
        reply = await world.ask(SimulateValue(actor=who, key="class_size_primary", value=40, division=division))
        assert isinstance(reply, Refused)
        assert reply.kind == "not_found"


async def test_pages_of_schools(world: World) -> None:
    schools = [msgspec.structs.replace(SCHOOL, code=f"21230100{n}", name=f"第{n}小学") for n in range(10, 15)]
    await world.load(*schools)
    for school in schools:
        await klass(world, school, 1, 43)
    seen: list[str] = []
    cursor = None
    while True:
        page = await simulate(world, cursor=cursor, limit=2)
        assert bool(page.counties) is (cursor is None)
        assert totals(page.totals)["classes_over"][1] == 5
        seen += [one.school for one in page.schools]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert seen == [school.code for school in schools]


async def test_nothing_is_written_and_wrong_values_are_named(world: World) -> None:
    await world.load(SCHOOL)
    found = await simulate(world, value=46)
    assert [f.code for f in found.findings] == ["policy.outside_bounds"]
    assert [f.code for f in (await simulate(world, valid_from=TODAY)).findings] == ["policy.too_early"]
    for wrong in ({"value": "x"}, {"value": -1}, {"key": "no_such"}, {"low": "x"}, {"cursor": "x"}):
        reply = await world.ask(
            SimulateValue(actor=COUNTY_LEADER, **{"key": "class_size_primary", "value": 40, **wrong})
        )
        assert isinstance(reply, Refused)
        assert reply.kind == "invalid"
    assert await world.sql("SELECT 1 FROM policy_values") == []
    assert await world.events() == []


async def test_a_parameter_that_touches_nothing_here(world: World) -> None:
    found = await simulate(world, PROVINCE_OFFICER, key="password_min_length", value=12)
    assert (found.titles, found.totals, found.schools) == ((), (), ())
