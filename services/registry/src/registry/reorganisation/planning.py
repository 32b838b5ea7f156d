"""What a plan would do: its preview for people, and its goals for the worker. The same function answers both, so that
nothing else is carried out than what was shown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date

import msgspec
from regulation.mark import clause
from regulation.school_year import Stage, grade_name
from shared_contracts.decisions import Finding
from shared_contracts.reorganisation import ClassMove, Closing, Merging, Preview

from registry.context import RegistryWork
from registry.holds import store as holds
from registry.moving import rooms
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records.store import class_key
from registry.reorganisation import policy, store
from registry.reorganisation.store import ClassOf, Goal


class NewClass(msgspec.Struct, frozen=True, kw_only=True):
    """A class that another becomes at the school that receives it."""

    id: str
    school: str
    system: str
    like: ClassOf
    stage: str
    class_no: int


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """`ends`: schools that are closed at the end. `filled`: classes that take pupils one by one."""

    preview: Preview
    goals: tuple[Goal, ...]
    classes: tuple[NewClass, ...]
    ends: tuple[str, ...]
    filled: tuple[str, ...] = ()


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """An operation as far as planning needs it."""

    id: str
    organisation: str
    effective_from: date


@clause("21.3", "44")
async def school_plan(work: RegistryWork, case: Case, plan: Merging | Closing) -> Planned:
    """Of a merger or a closure."""
    ends = plan.ended if isinstance(plan, Merging) else (plan.school,)
    receiving = _receiving(plan)
    rows = await organisations.lock_versions(work.tx, sorted({*ends, *receiving}))
    schools = {row["code"]: organisations.facts(row) for row in rows if row["kind"] == "school" and not row["valid_to"]}
    known_from = {row["code"]: row["valid_from"] for row in rows}
    taken = await store.in_hand(work.tx, [*ends, *receiving], case.id)
    found = [*policy.naming_faults(ends, receiving, schools, taken=taken)]
    found += policy.reach_faults(case.organisation, {code: school.authority for code, school in schools.items()})
    there = [schools[code] for code in dict.fromkeys(ends) if code in schools]
    found += await _ending(work, there, known_from, case.effective_from)
    found += policy.day_note(case.effective_from, work.today)
    classes = await store.classes_of(work.tx, [school.code for school in there])
    records = await store.records_of(work.tx, [school.code for school in there])
    ended = sum(gone for _, gone in records.values())
    if isinstance(plan, Merging):
        drawn = await _merging(work, plan, schools, classes, there)
    else:
        drawn = await _closing(work, plan, schools, classes)
        row = await organisations.record(work.tx, plan.keeper)
        kind = None if row is None or row.closed else row.organisation.kind
        if plan.school in schools:
            authority = schools[plan.school].authority
            found += policy.keeper_faults(plan.school, plan.keeper, kind=kind, authority=authority)
    found += drawn.findings
    found += await _sizes(work, drawn.moves, schools)
    preview = Preview(
        classes=tuple(drawn.moves),
        in_school=sum(live for live, _ in records.values()),
        ended=ended,
        schools=(),
        registrations=0,
        findings=tuple(found),
    )
    return Planned(
        preview=preview,
        goals=tuple(drawn.goals),
        classes=tuple(drawn.classes),
        ends=tuple(dict.fromkeys(ends)),
        filled=tuple(drawn.filled),
    )


class _Drawn(msgspec.Struct, kw_only=True):
    moves: list[ClassMove] = []
    goals: list[Goal] = []
    classes: list[NewClass] = []
    filled: list[str] = []
    findings: list[Finding] = []


def _receiving(plan: Merging | Closing) -> tuple[str, ...]:
    if isinstance(plan, Merging):
        return (plan.into,)
    targets = [*(one.to_school for one in plan.classes), *(one.to_school for one in plan.pupils)]
    return tuple(dict.fromkeys([*targets, *([plan.keeper] if len(plan.keeper) == 10 else [])]))


async def _ending(
    work: RegistryWork, schools: Sequence[SchoolFacts], known_from: dict[str, date], on: date
) -> list[Finding]:
    codes = [school.code for school in schools]
    later = await store.came_later(work.tx, codes, on)
    admissions = await store.open_admissions(work.tx, codes)
    corrections = await store.open_corrections(work.tx, codes)
    transfers = await organisations.transferring(work.tx, codes)
    found: list[Finding] = []
    for school in schools:
        _, _, under_way = await organisations.depending(work.tx, school.code)
        ending = policy.Ending(
            code=school.code,
            name=school.name,
            authority=school.authority,
            known_from=known_from[school.code],
            registrations=under_way,
            admissions=admissions.get(school.code, 0),
            corrections=corrections.get(school.code, 0),
            transfers=transfers.get(school.code, 0),
            later=later.get(school.code, 0),
        )
        found += policy.ending_faults(ending, on)
    return found


# ---- a merger ---------------------------------------------------------------------------------------------------------


async def _merging(
    work: RegistryWork,
    plan: Merging,
    schools: dict[str, SchoolFacts],
    classes: Sequence[ClassOf],
    ends: Sequence[SchoolFacts],
) -> _Drawn:
    """Every class goes as it is, with a new number where the school has one of that number; ended records go too."""
    drawn = _Drawn()
    into = schools.get(plan.into)
    if into is None:
        drawn.moves += [_move(one, schools, None, None) for one in classes]
        return drawn
    await _whole_classes(work, drawn, [(one, into) for one in classes if one.class_id], schools)
    for one in classes:
        if one.class_id is None:
            drawn.moves.append(_move(one, schools, into, None))
    for school in ends:
        drawn.goals.append(Goal(what="classless", key=school.code, school=into.code))
        drawn.goals.append(Goal(what="ended", key=school.code, school=into.code))
    return drawn


async def _whole_classes(
    work: RegistryWork,
    drawn: _Drawn,
    pairs: Sequence[tuple[ClassOf, SchoolFacts]],
    schools: dict[str, SchoolFacts],
    less: Counter[str] | None = None,
) -> None:
    """`less`: pupils of a class who do not go with it."""
    numbers = {to.code: await store.class_numbers(work.tx, to.code) for _, to in pairs}
    lacking: dict[str, list[int]] = {}
    for one, to in pairs:
        assert one.class_id is not None and one.grade is not None and one.cohort is not None
        assert one.class_no is not None
        stage = to.stage_of(one.grade)
        staying = (less or Counter())[one.class_id]
        if stage is None:
            lacking.setdefault(to.name, []).append(one.grade)
            drawn.moves.append(_move(one, schools, to, None))
            continue
        number = _number(numbers[to.code], stage, one.cohort, one.class_no)
        numbers[to.code].add((stage, one.cohort, number))
        new = NewClass(
            id=class_key(to.code, stage, one.cohort, number),
            school=to.code,
            system=to.system,
            like=one,
            stage=stage,
            class_no=number,
        )
        drawn.classes.append(new)
        drawn.goals.append(Goal(what="class", key=one.class_id, school=to.code, stage=stage, class_id=new.id))
        drawn.moves.append(_move(one, schools, to, number, pupils=one.pupils - staying))
    for name, grades in lacking.items():
        drawn.findings += policy.stage_faults(name, grades)


def _number(used: set[tuple[str, int, int]], stage: Stage, cohort: int, wanted: int) -> int:
    """The class's own number where it is free, else the first behind all of the grade."""
    if (stage, cohort, wanted) not in used:
        return wanted
    return max(number for s, c, number in used if (s, c) == (stage, cohort)) + 1


# ---- a closure --------------------------------------------------------------------------------------------------------


async def _closing(
    work: RegistryWork, plan: Closing, schools: dict[str, SchoolFacts], classes: Sequence[ClassOf]
) -> _Drawn:
    """Pupils go by class or singly; whoever has no place stands in the way."""
    drawn = _Drawn()
    by_id = {one.class_id: one for one in classes if one.class_id}
    wanted = {one.class_id: one.to_school for one in plan.classes}
    singles = {one.student_id: one for one in plan.pupils}
    here = {one.student_id: one for one in await store.pupils_of(work.tx, plan.school, list(singles))}
    less = Counter(one.class_id for one in here.values())
    pairs = [
        (by_id[class_id], schools[school])
        for class_id, school in wanted.items()
        if class_id in by_id and school in schools
    ]
    await _whole_classes(work, drawn, pairs, schools, Counter({k: v for k, v in less.items() if k}))
    await _singles(work, drawn, plan, schools, here)
    placed = {one.class_id for one, _ in pairs}
    unplaced: dict[str, int] = {}
    for one in classes:
        left = one.pupils - less[one.class_id]
        if one.class_id not in placed and left:
            unplaced[_title(one)] = unplaced.get(_title(one), 0) + left
            drawn.moves.append(_move(one, schools, None, None, pupils=left))
    twice = _twice([one.class_id for one in plan.classes]) | _twice([one.student_id for one in plan.pupils])
    drawn.findings += policy.placing_faults(unplaced, wanted.keys() - by_id.keys(), singles.keys() - here.keys(), twice)
    keeper = plan.keeper
    to_school = len(keeper) == 10
    drawn.goals.append(
        Goal(
            what="ended",
            key=plan.school,
            school=keeper if to_school else plan.school,
            keeper=None if to_school else keeper,
        )
    )
    return drawn


async def _singles(
    work: RegistryWork,
    drawn: _Drawn,
    plan: Closing,
    schools: dict[str, SchoolFacts],
    here: dict[str, store.PupilOf],
) -> None:
    coming: Counter[tuple[str, str, int, int]] = Counter()  # school, stage, cohort, number
    by_school: Counter[tuple[str, str, int | None]] = Counter()
    lacking: dict[str, list[int]] = {}
    filling = _Filling(work)
    for one in plan.pupils:
        pupil, to = here.get(one.student_id), schools.get(one.to_school)
        if pupil is None or to is None:
            continue
        stage = to.stage_of(pupil.grade) if pupil.grade else Stage(pupil.stage)
        if stage is None or stage not in to.stages:
            lacking.setdefault(to.name, []).append(pupil.grade or 1)
            continue
        number = one.class_no
        if number is None and pupil.grade:
            number = await filling.place(to, stage, pupil)
        class_id = None
        if number is not None:
            coming[to.code, stage, pupil.cohort, number] += 1
            class_id = class_key(to.code, stage, pupil.cohort, number)
        by_school[to.code, stage, pupil.grade] += 1
        drawn.goals.append(Goal(what="pupil", key=one.student_id, school=to.code, stage=stage, class_id=class_id))
    for name, grades in lacking.items():
        drawn.findings += policy.stage_faults(name, grades)
    drawn.filled = [class_key(*key) for key in coming]
    sizes = await store.sizes(work.tx, drawn.filled)
    for (school, stage_, cohort, number), count in coming.items():
        key = class_key(school, stage_, cohort, number)
        room = policy.ClassRoom(
            title=f"{schools[school].name}{cohort}级{number}班",
            exists=key in sizes,
            pupils=sizes.get(key, 0),
            coming=count,
            standard=work.deps.policy.parameters(schools[school].division, work.today).class_size(Stage(stage_)),
        )
        drawn.findings += policy.room_faults(room)
    closing = schools.get(plan.school)
    for (school, stage_, grade), count in by_school.items():
        drawn.moves.append(
            ClassMove(
                class_id=None,
                school=plan.school,
                school_name=closing.name if closing else plan.school,
                stage=stage_,
                grade=grade,
                class_no=None,
                pupils=count,
                to_school=school,
                to_school_name=schools[school].name,
                to_class_no=None,
            )
        )


class _Filling:
    """Classes of the receiving schools for pupils whose plan names none: the smallest of the grade."""

    def __init__(self, work: RegistryWork) -> None:
        self._work = work
        self._rooms: dict[tuple[str, str, int], rooms.Rooms] = {}

    async def place(self, to: SchoolFacts, stage: str, pupil: store.PupilOf) -> int | None:
        """None where the grade has no class, or all are full: then the school has to make room first."""
        key = (to.code, stage, pupil.cohort)
        if key not in self._rooms:
            standard = self._work.deps.policy.parameters(to.division, self._work.today).class_size(Stage(stage))
            there = await rooms.sizes(self._work.tx, *key)
            kept = (await holds.kept(self._work.tx, to.code, [pupil.cohort])).get(pupil.cohort, 0)
            self._rooms[key] = rooms.Rooms(there, standard=standard, most=0, kept=kept)
        return self._rooms[key].place()


# ---- what both share --------------------------------------------------------------------------------------------------


async def _sizes(work: RegistryWork, moves: Iterable[ClassMove], schools: dict[str, SchoolFacts]) -> list[Finding]:
    coming: Counter[str] = Counter()
    for move in moves:
        if move.to_school in schools:
            coming[move.to_school] += move.pupils
    now = await store.records_of(work.tx, list(coming))
    found: list[Finding] = []
    for code, count in coming.items():
        school = schools[code]
        parameters = work.deps.policy.parameters(school.division, work.today)
        combined = len(school.stages) > 1
        receiving = policy.Receiving(
            code=code,
            name=school.name,
            authority=school.authority,
            pupils=now.get(code, (0, 0))[0],
            coming=count,
            most=parameters.large_school_combined if combined else parameters.large_school_single,
        )
        found += policy.size_faults(receiving)
    return found


def _move(
    one: ClassOf,
    schools: dict[str, SchoolFacts],
    to: SchoolFacts | None,
    number: int | None,
    *,
    pupils: int | None = None,
) -> ClassMove:
    known = schools.get(one.school)
    return ClassMove(
        class_id=one.class_id,
        school=one.school,
        school_name=known.name if known else one.school,
        stage=one.stage,
        grade=one.grade,
        class_no=one.class_no,
        pupils=one.pupils if pupils is None else pupils,
        to_school=to.code if to else None,
        to_school_name=to.name if to else "",
        to_class_no=number,
        number_changed=number is not None and number != one.class_no,
    )


def _title(one: ClassOf) -> str:
    if one.grade is None or one.class_no is None:
        return "未分班学生"
    return f"{grade_name(one.grade)}{one.class_no}班"


def _twice(keys: Sequence[str]) -> set[str]:
    return {key for key, count in Counter(keys).items() if count > 1}
