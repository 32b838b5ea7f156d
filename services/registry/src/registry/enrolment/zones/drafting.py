"""What a list of streets, row by row, would make of the zones (clause 5.2). Pure.

Of the schools and stages that it names the list is the whole truth; the others stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Final, Literal

import msgspec
from regulation.findings import note, refuse
from regulation.mark import clause
from shared_contracts.admission import AreaView, StageName, ZoneEnding, ZoneGiven
from shared_contracts.decisions import Finding, Outcome

from registry.enrolment.zones import policy
from registry.enrolment.zones.matching import Area, normalise
from registry.organisations.facts import SchoolFacts

Key = tuple[str, StageName]
"""A school and its stage."""
Part = tuple[str, str]
"""A division, and a street of it as it is compared; empty for the whole."""


class Line(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A row as written. `street`: empty for the whole division; `filled`: False where it names neither division nor
    street: the school serves nothing by it; `findings`: of its cells."""

    row: int
    school: str
    name: str
    stage: StageName | None
    division: str
    street: str
    filled: bool
    findings: tuple[Finding, ...] = ()

    @property
    def part(self) -> Part:
        return self.division, normalise(self.street)


class Last(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The last version of a zone. `open`: nothing has ended it."""

    areas: tuple[Area, ...]
    valid_from: date
    valid_to: date | None
    version: int

    @property
    def served(self) -> dict[Part, str]:
        """What it serves, as written."""
        return {} if self.valid_to is not None else parts(self.areas)


class Judged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    line: Line
    outcome: Literal["added", "kept", "empty", "refused"]
    findings: tuple[Finding, ...]


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """`zones`, `ends`: what is to be done. `after`: what each named school and stage serves then; `closed`: what it
    serves now and not then, as written."""

    rows: tuple[Judged, ...]
    zones: tuple[ZoneGiven, ...]
    ends: tuple[ZoneEnding, ...]
    after: Mapping[Key, tuple[Area, ...]]
    closed: tuple[tuple[Key, str, str], ...]
    unchanged: int

    @property
    def refused(self) -> int:
        return sum(row.outcome == "refused" for row in self.rows)


def parts(areas: Iterable[Area]) -> dict[Part, str]:
    return {(area.division, normalise(street)): street for area in areas for street in area.streets or ("",)}


@clause("5.2")
def draft(
    lines: Sequence[Line],
    schools: Mapping[str, SchoolFacts],
    last: Mapping[Key, Last],
    *,
    valid_from: date,
    today: date,
) -> Draft:
    """`schools`: those that the actor supervises, by code. `last`: of these schools."""
    found = {line.row: [*line.findings, *_alone(line, schools)] for line in lines}
    groups: dict[Key, list[Line]] = {}
    for line in lines:
        if line.stage is not None and not _refused(found[line.row]):
            groups.setdefault((line.school, line.stage), []).append(line)
    zones: list[ZoneGiven] = []
    ends: list[ZoneEnding] = []
    closed: list[tuple[Key, str, str]] = []
    after: dict[Key, tuple[Area, ...]] = {}
    unchanged = 0
    for key, of in groups.items():
        for row, finding in _together(of):
            found[row].append(finding)
        before = last.get(key)
        served = before.served if before else {}
        new = {line.part: line.street for line in of if line.filled}
        after[key] = _areas(of)
        if new.keys() == served.keys():
            unchanged += 1
            continue
        closed.extend((key, division, served[division, name]) for division, name in served.keys() - new.keys())
        version = before.version if before else 0
        given = ZoneGiven(
            school=key[0],
            stage=key[1],
            areas=tuple(AreaView(division=area.division, streets=area.streets) for area in after[key]),
            version=version,
        )
        if new:
            zones.append(given)
        else:
            ends.append(ZoneEnding(school=key[0], stage=key[1], version=version))
        if not any(map(_refuses, (f for line in of for f in found[line.row]))):
            found[of[0].row].extend(_as_a_whole(given, schools[key[0]], before, valid_from, today))
    rows = tuple(_judged(line, tuple(found[line.row]), last) for line in lines)
    good = not any(row.outcome == "refused" for row in rows)
    return Draft(
        rows=rows,
        zones=tuple(zones) if good else (),
        ends=tuple(ends) if good else (),
        after=after,
        closed=tuple(sorted(closed)),
        unchanged=unchanged,
    )


@clause("5.2")
def shared_note(names: Sequence[str]) -> Finding:
    """Two schools for one street: said, and settled by room (`admission.placing`)."""
    return note(
        "5.2", "zone.shared", f"与{'、'.join(names)}的学区重叠", cure="不应重叠的，改正后重新上传", fields=("street",)
    )


CELLS: Final = {"school": "school", "stage": "stage", "division": "division"}
"""In which cell a fault of `policy.faults` stands, by its code's last part; the rest is about the street."""


def _alone(line: Line, schools: Mapping[str, SchoolFacts]) -> list[Finding]:
    """A row by the rules of a zone that is nothing but it."""
    school = schools.get(line.school)
    if school is None:
        said = f"{line.school or '空白'}不是您所在部门主管的学校"
        return [refuse("5.2", "zone.no_school", said, cure="核对学校标识码", fields=("school",))]
    if line.stage is None or _refused(line.findings):
        return []
    streets = (line.street,) if line.street else ()
    areas = (AreaView(division=line.division, streets=streets),) if line.filled else ()
    given = ZoneGiven(school=line.school, stage=line.stage, areas=areas)
    return [_in_cell(one) for one in policy.faults(given, school) if line.filled or one.code != "zone.areas"]


def _in_cell(finding: Finding) -> Finding:
    code = finding.code.removeprefix("zone.").replace("private", "school")
    return msgspec.structs.replace(finding, fields=(CELLS.get(code, "street"),))


def _together(lines: Sequence[Line]) -> list[tuple[int, Finding]]:
    """What is wrong with rows because of others: (row, why)."""
    found = []
    first: dict[Part, int] = {}
    whole = {line.division: line.row for line in lines if line.filled and not line.street}
    for line in lines:
        if not line.filled:
            continue
        earlier = first.setdefault(line.part, line.row)
        if earlier != line.row:
            said, cure = f"与第{earlier}行重复", "每个街道、社区只保留一行"
            found.append((line.row, refuse("5.2", "zone.street_twice", said, cure=cure, fields=("street",))))
        elif line.street and line.division in whole:
            said, cure = f"第{whole[line.division]}行已写“全部”，包括这个街道", "只保留其中一种写法"
            found.append((line.row, refuse("5.2", "zone.in_whole", said, cure=cure, fields=("street",))))
    return found


def _as_a_whole(
    given: ZoneGiven, school: SchoolFacts, before: Last | None, valid_from: date, today: date
) -> list[Finding]:
    """Of the zone that the rows make: how much it is, and from which day."""
    if not given.areas:
        late = policy.end_fault(valid_from, before.valid_from, today) if before else None
        return [late] if late else []
    since, until = (before.valid_from, before.valid_to) if before else (None, None)
    late = policy.day_fault(valid_from, since, until, today)
    return [*policy.faults(given, school), *([late] if late else [])]


def _areas(lines: Sequence[Line]) -> tuple[Area, ...]:
    """In the order of the rows; what stands twice once."""
    named: dict[str, dict[str, str]] = {}
    for line in lines:
        if line.filled:
            named.setdefault(line.division, {}).setdefault(normalise(line.street), line.street)
    return tuple(
        Area(division=division, streets=tuple(street for street in streets.values() if street))
        for division, streets in named.items()
    )


def _judged(line: Line, findings: tuple[Finding, ...], last: Mapping[Key, Last]) -> Judged:
    outcome: Literal["added", "kept", "empty", "refused"]
    if _refused(findings):
        outcome = "refused"
    elif not line.filled:
        outcome = "empty"
    else:
        assert line.stage is not None
        before = last.get((line.school, line.stage))
        outcome = "kept" if before and line.part in before.served else "added"
    return Judged(line=line, outcome=outcome, findings=findings)


def _refused(findings: Iterable[Finding]) -> bool:
    return any(map(_refuses, findings))


def _refuses(finding: Finding) -> bool:
    return finding.outcome is Outcome.REFUSE
