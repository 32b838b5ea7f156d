"""A transfer that nothing stands against, and ways to change one thing about it.

On 2 March 2026 (the week in which spring term begins) a pupil of grade 3, ten years old, goes from an urban primary school
of Nangang district to one of Daoli district, both in Harbin, because the family has moved.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import Any

import msgspec
from hypothesis import strategies as st
from regulation.parameters import Parameters
from regulation.school_calendar import Terms, terms
from regulation.school_year import SchoolSystem, Stage, entry_grades, grades_of, graduating_grades, stage_of
from shared_contracts.decisions import Decision, Finding, Outcome
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.holds import ChangeFacts, Covers, Place, Pupil, Room, School
from shared_contracts.transfer import Application, Ground, Step
from transfer.rules.case import Case, Intake, years_around
from transfer.rules.evidence import PAPERS
from transfer.rules.judge import Begun, judge, judge_again

NANGANG, DAOLI, SHANGZHI, QIQIHAR_LONGSHA, HARBIN = "230103", "230102", "230183", "230202", "230100"
FAR = "210102"
TODAY = date(2026, 3, 2)
BIRTH = date(2016, 1, 15)
NINTH = Intake(ratio=Fraction(1, 9), taken=0)


def school(code: str, division: str, **changes: Any) -> School:
    """An urban public primary school of the 6-3 system. `stages`, `system` say which grades begin and end there."""
    stages = changes.pop("stages", ("primary",))
    system = SchoolSystem(changes.pop("system", "6-3"))
    own = {grade for stage in stages for grade in grades_of(Stage(stage), system)}
    values: dict[str, Any] = {
        "name": f"{division}第{code[-1]}小学",
        "authority": division,
        "authority_name": f"{division}教育局",
        "superior": HARBIN,
        "school_type": "211",
        "ownership": "public",
        "locality": "urban",
        "entry_grades": tuple(sorted(entry_grades(system) & own)),
        "graduating_grades": tuple(sorted(graduating_grades(system) & own)),
        **changes,
    }
    return School(code=code, division=division, stages=stages, system=system, **values)


HERE = school("2123000001", NANGANG)
THERE = school("2123000002", DAOLI)
PUPIL = Pupil(
    student_id="S1",
    person_id="P1",
    name="王小明",
    birth_date=BIRTH,
    state="in_school",
    live=True,
    stage="primary",
    grade=3,
    class_no=7,
    placement="ordinary",
    mainstreamed=False,
    school=HERE,
    at_school_since=date(2023, 9, 1),
)


def at(where: School, *, grade: int = 3, **changes: Any) -> Pupil:
    """A pupil of a grade of a school."""
    stage = str(stage_of(grade, SchoolSystem(where.system)))
    return msgspec.structs.replace(PUPIL, school=where, grade=grade, stage=stage, **changes)


def room(of: School = THERE, *, grade: int = 3, **changes: Any) -> Room:
    """Two classes of 40: ten places under the standard of 45."""
    values: dict[str, Any] = {
        "standard": 45,
        "sizes": (40, 40),
        "held": 0,
        "pupils": 80,
        "school_pupils": 480,
        "most_pupils": 2000,
        "plan_places": None,
        **changes,
    }
    left = sum(max(values["standard"] - size, 0) for size in values["sizes"]) - values["held"]
    values.setdefault("free", max(left, 0))
    return Room(school=of.code, grade=grade, stage=str(stage_of(grade, SchoolSystem(of.system))), **values)


def given(*kinds: EvidenceKind) -> tuple[EvidenceGiven, ...]:
    return tuple(EvidenceGiven(evidence_id=f"e{n}", kind=kind) for n, kind in enumerate(kinds))


def papers_of(ground: Ground) -> tuple[EvidenceGiven, ...]:
    """Just what the ground asks for."""
    return given(*(paper.kinds[0] for paper in PAPERS[ground].papers))


def application(ground: Ground = Ground.RESIDENCE_CHANGED, **changes: Any) -> Application:
    new = Place(division=DAOLI, address="经纬街1号")
    values: dict[str, Any] = {
        "residence": new,
        "household": new if ground is Ground.HOUSEHOLD_MOVED else None,
        "evidence": papers_of(ground),
        "guardian": "王大明",
        "phone": "13900000000",
        **changes,
    }
    return Application(name="王小明", number="230103201601150011", ground=ground, **values)


OUT_OF_THE_ZONE = Covers(from_school=False, to_school=True, zone_school=THERE.code)


def facts(**changes: Any) -> ChangeFacts:
    values: dict[str, Any] = {
        "pupil": PUPIL,
        "to": THERE,
        "room": room(),
        "covers": OUT_OF_THE_ZONE,
        "policy_version": "230000@2006-09-01",
        **changes,
    }
    return ChangeFacts(**values)


def law(day: date = TODAY, division: str = DAOLI, **changes: Any) -> Parameters:
    return msgspec.structs.replace(Parameters.for_(division, day), **changes)


def calendar_around(day: date, parameters: Parameters) -> tuple[Terms, ...]:
    return tuple(terms(parameters.division, year, parameters) for year in years_around(day, parameters))


def asked(
    of: ChangeFacts | None = None,
    for_: Application | None = None,
    *,
    on: date = TODAY,
    parameters: Parameters | None = None,
    intake: Intake | None = NINTH,
) -> Decision:
    parameters = parameters or law(on)
    return judge(of or facts(), for_ or application(), parameters, calendar_around(on, parameters), on, intake)


def again(
    of: ChangeFacts | None = None,
    *,
    step: Step | None = Step.RECEIVING_AUTHORITY,
    intake: Intake | None = NINTH,
    on: date = TODAY,
    **begun: Any,
) -> Decision:
    values: dict[str, Any] = {"from_school": HERE.code, "grade": 3, "seat": True, **begun}
    return judge_again(of or facts(), law(on), on, Begun(step=step, **values), intake)


def case(of: ChangeFacts | None = None, for_: Application | None = None, *, on: date = TODAY, **more: Any) -> Case:
    of, parameters = of or facts(), more.pop("parameters", None) or law(on)
    assert of.pupil is not None
    assert of.to is not None
    return Case(
        pupil=of.pupil, to=of.to, room=of.room, covers=of.covers, application=for_ or application(),
        parameters=parameters, terms=calendar_around(on, parameters), today=on, **more,
    )  # fmt: skip


def against(decision: Decision) -> dict[str, str]:
    """What stands against it: code -> outcome."""
    return {f.code: str(f.outcome) for f in decision.of(Outcome.REFUSE, Outcome.NEEDS_OVERRIDE)}


def codes(decision: Decision) -> set[str]:
    return {f.code for f in decision.findings}


def one(decision: Decision, code: str) -> Finding:
    (found,) = (f for f in decision.findings if f.code == code)
    return found


# ---- any transfer at all ------------------------------------------------------------------------------------------------
# A handful of things about each are drawn at will, everything else is in order: drawn all at once nearly every transfer
# would be refused for three reasons, and no rule would ever be the one that stands between a pupil and a wrong.

ASPECTS = ("nobody", "state", "held", "age", "placed", "zone", "room", "large", "plan", "ground", "papers", "alone",
           "record", "agreed", "day", "place", "grade")  # fmt: skip
KINDS = ("ordinary", "ordinary", "ordinary", "special_education", "special_school")
Asking = tuple[ChangeFacts, Application, date]

any_day = st.dates(date(2025, 9, 1), date(2026, 12, 31))
_divisions = st.sampled_from([NANGANG, NANGANG, DAOLI, SHANGZHI, QIQIHAR_LONGSHA])
_zone = st.sampled_from([None, True, False])


@st.composite
def any_school(draw: st.DrawFn, code: str) -> School:
    kind = draw(st.sampled_from(KINDS))
    return school(
        code,
        draw(_divisions),
        stages=draw(st.sampled_from([("primary",), ("junior",), ("primary", "junior"), ("primary", "junior")])),
        system=draw(st.sampled_from(["6-3", "6-3", "5-4"])),
        ownership=draw(st.sampled_from(["public", "public", "private"])),
        locality=draw(st.sampled_from(["urban", "urban", "town", "rural"])),
        special_education=kind == "special_education",
        special_school=kind == "special_school",
    )


def carries(of: School) -> set[int]:
    return {g for stage in of.stages for g in grades_of(Stage(stage), SchoolSystem(of.system))}


@st.composite
def any_asking(draw: st.DrawFn) -> Asking:
    """Facts, application and day."""
    wild = draw(st.sets(st.sampled_from(ASPECTS), max_size=3))
    here, there = draw(any_school("2123000001")), draw(any_school("2123000002"))
    both = sorted(carries(here) & carries(there))
    grade = draw(st.sampled_from(sorted(carries(here)) if "grade" in wild or not both else both))
    crossing = (here.special_school, here.special_education) != (there.special_school, there.special_education)
    grounds = [Ground.HOUSEHOLD_MOVED, Ground.RESIDENCE_CHANGED, Ground.MIGRANT_CHILD]
    if here.division == there.division and here.locality == "urban":
        grounds.append(Ground.HOUSE_PURCHASE)
    if crossing:
        special = here.special_school or there.special_school
        grounds = [Ground.SPECIAL_SCHOOL if special else Ground.SPECIAL_EDUCATION]
    ground = draw(st.sampled_from(list(Ground) if "ground" in wild else grounds))
    place = st.builds(Place, division=st.sampled_from([NANGANG, DAOLI, SHANGZHI, FAR]), address=st.just("某街1号"))
    new = Place(division=there.division, address="某街1号")
    papers: st.SearchStrategy[tuple[EvidenceGiven, ...]] = st.just(papers_of(ground))
    if "papers" in wild:
        papers = st.lists(st.sampled_from(list(EvidenceKind)), max_size=3).map(lambda kinds: given(*kinds))
    for_ = application(
        ground,
        residence=draw(place) if "place" in wild else new,
        household=draw(st.none() | place) if "place" in wild else new,
        alone_in_household="alone" in wild,
        record_moves=draw(st.booleans()) if "record" in wild else True,
        agreed="agreed" not in wild,
        evidence=draw(papers),
    )
    pupil = at(
        here,
        grade=grade,
        birth_date=draw(st.dates(date(2006, 1, 1), date(2020, 8, 31))) if "age" in wild else BIRTH,
        state="suspended" if "state" in wild else "in_school",
        live=not ("nobody" in wild and draw(st.booleans())),
        held_by="transfer" if "held" in wild else None,
        mainstreamed="placed" not in wild,
        at_school_since=draw(st.none() | st.dates(date(2020, 9, 1), date(2026, 3, 1))),
    )
    sizes = tuple(draw(st.lists(st.integers(30, 60), max_size=3))) if "room" in wild else (40, 40)
    plan = draw(st.none() | st.integers(0, 200)) if "plan" in wild else sum(sizes) + 9
    of = facts(
        pupil=None if "nobody" in wild and pupil.live else pupil,
        to=there,
        room=room(
            there,
            grade=grade,
            sizes=sizes,
            pupils=sum(sizes),
            held=draw(st.integers(0, 5)) if "room" in wild else 0,
            school_pupils=draw(st.integers(1990, 2010)) if "large" in wild else 480,
            plan_places=plan,
        )
        if grade in carries(there)
        else None,
        covers=Covers(from_school=draw(_zone), to_school=draw(_zone)) if "zone" in wild else OUT_OF_THE_ZONE,
    )
    on = draw(any_day if "day" in wild else st.sampled_from([TODAY, date(2026, 3, 5), date(2026, 9, 3)]))
    return of, for_, on
