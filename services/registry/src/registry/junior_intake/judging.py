"""What a list comes to: its rows, one by one, and its target schools. Asked when it comes in, when it is approved, and once
more when it is carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec
from regulation.mark import clause
from regulation.school_year import Stage
from shared_contracts.decisions import Finding
from shared_contracts.junior_intake import Intake, SchoolPair, Target

from registry.context import RegistryWork
from registry.enrolment.plans import store as plans
from registry.junior_intake import policy, store
from registry.junior_intake.sheet import Line
from registry.junior_intake.store import Row


class Case(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    county: str
    year: int


@clause("16")
async def of_lines(work: RegistryWork, case: Case, lines: Sequence[Line]) -> list[Row]:
    """The rows of a workbook, each judged by itself; a constant number of statements."""
    pupils = await store.by_ids(work.tx, list({line.record for line in lines}), case.id)
    targets = await store.schools(work.tx, list({line.target for line in lines if line.target}))
    first: dict[str, int] = {}
    rows = []
    for line in lines:
        pupil = pupils.get(line.record)
        earlier = first.setdefault(line.record, line.row)
        found = policy.row_faults(
            pupil,
            targets.get(line.target),
            named=line.target,
            county=case.county,
            year=case.year,
            first_row=earlier if earlier != line.row else None,
            name=line.name,
        )
        # Of pupils of others nothing is kept but what the sheet said itself.
        ours = pupil is not None and pupil.authority == case.county
        rows.append(
            Row(
                row=line.row,
                student_id=pupil.id if ours and pupil else None,
                name=line.name,
                from_school=pupil.school if ours and pupil else None,
                to_school=line.target if line.target in targets else None,
                outcome="refused" if found else "taken" if line.target else "unplaced",
                findings=found,
            )
        )
    return rows


@clause("16")
async def of_pairs(work: RegistryWork, case: Case, pairs: Sequence[SchoolPair]) -> list[Row]:
    """All graduates of the county by the junior school of their primary school; others have no target."""
    pupils = await store.of_authority(work.tx, case.county, case.year, case.id)
    to = {pair.primary: pair.junior for pair in pairs}
    lines = [
        Line(row=row, record=pupil.id, name=pupil.name, target=to.get(pupil.school, ""))
        for row, pupil in enumerate((one for one in pupils if one.in_list is None), start=1)
    ]
    return await of_lines(work, case, lines)


@clause("4.1", "4.3", "16")
async def summed(work: RegistryWork, case: Case, rows: Sequence[Row], *, hold: bool = False) -> Intake:
    """The list as a whole. `hold`: places are about to be taken, the plans are locked in the order of their schools."""
    outcomes = Counter(row.outcome for row in rows)
    coming = Counter(row.to_school for row in rows if row.outcome == "taken" and row.to_school)
    schools = await store.schools(work.tx, list(coming))
    parameters = work.deps.policy.parameters(case.county, work.today)
    found: list[Finding] = [*policy.window_faults(work.today, parameters), *policy.empty_faults(outcomes["taken"])]
    targets = []
    for code in sorted(coming):
        ask = plans.hold if hold else plans.in_force
        plan = await ask(work.tx, code, case.year, Stage.JUNIOR)
        free = None if plan is None else await plans.free(work.tx, plan)
        name = schools[code].name if code in schools else code
        found += policy.places_faults(name, coming[code], free)
        targets.append(
            Target(
                school=code,
                school_name=name,
                pupils=coming[code],
                places=None if plan is None else plan.places,
                free=free,
            )
        )
    listed = {row.student_id for row in rows if row.student_id}
    everybody = await store.of_authority(work.tx, case.county, case.year, case.id)
    absent = sum(one.in_list is None and one.id not in listed for one in everybody)
    found += policy.rest_note(outcomes["unplaced"], absent)
    return Intake(
        rows=len(rows),
        taken=outcomes["taken"],
        unplaced=outcomes["unplaced"],
        refused=outcomes["refused"],
        targets=tuple(targets),
        from_schools=dict(Counter(row.from_school for row in rows if row.outcome == "taken" and row.from_school)),
        findings=tuple(found),
    )


@clause("16")
async def stale(work: RegistryWork, case: Case) -> list[Finding]:
    """What has changed about the pupils of a list since it was checked: it is not carried out half."""
    taken = await store.taken(work.tx, case.id)
    pupils = await store.by_ids(work.tx, list(taken), case.id)
    targets = await store.schools(work.tx, list(set(taken.values())))
    found: dict[str, Finding] = {}
    for student, target in taken.items():
        for fault in policy.row_faults(
            pupils.get(student), targets.get(target), named=target, county=case.county, year=case.year, first_row=None,
            name="",
        ):  # fmt: skip
            found.setdefault(fault.code + target, fault)
    return list(found.values())
