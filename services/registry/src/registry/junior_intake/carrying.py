"""Carrying an approved list out (see `moving.worker`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
from regulation.mark import clause
from regulation.school_year import Stage, cohort, grades_of
from shared_contracts.actors import Role
from shared_contracts.decisions import Finding
from shared_contracts.junior_intake import Intake as Checked
from shared_contracts.waiting import COUNT, WorkWaiting

from registry.context import RegistryWork
from registry.enrolment.plans import store as plans
from registry.holds import store as holds
from registry.junior_intake import judging, policy, store
from registry.junior_intake.judging import Case
from registry.moving import rooms
from registry.moving import store as moving
from registry.moving.store import Operation
from registry.organisations import store as organisations
from registry.records.store import class_key
from registry.reorganisation import policy as reorganising

LINK = "/v1/students"


def case_of(operation: Operation) -> Case:
    return Case(id=operation.id, county=operation.organisation, year=operation.plan["school_year"])


class Intake:
    """Graduates become junior pupils: the record passes on, the primary school keeps its copy of that day."""

    clause_id = "16"
    journal_kind = "stage_continued"
    learning = True

    def says(self, operation: Operation) -> Mapping[str, Mapping[str, str]]:
        return {}

    @clause("16")
    async def begin(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]:
        """The junior schools are frozen, since classes are filled; of primary schools only these pupils (`record_moves`):
        others are enrolled there meanwhile."""
        taken = await store.taken(work.tx, operation.id)
        targets = sorted(set(taken.values()))
        await organisations.lock_versions(work.tx, targets)
        if frozen := await moving.freeze(work.tx, operation.id, targets, work.now):
            return reorganising.naming_faults(frozen, (), frozen, taken=dict.fromkeys(frozen, "其他事项"))
        case = case_of(operation)
        if found := await judging.stale(work, case):
            return found
        await moving.act_as(work.tx, operation.id)
        goals = await _goals(work, case, taken)
        if isinstance(goals, Finding):
            return (goals,)
        total = await store.put_moves(work.tx, operation.id, goals)
        await moving.change(work.tx, operation.id, total=total)
        return ()

    async def prepare(self, work: RegistryWork, operation: Operation) -> bool:
        return False

    @clause("16", "21.2")
    async def finish(self, work: RegistryWork, operation: Operation) -> None:
        arrived, elsewhere = await moving.arrived(work.tx, operation.id, undone=False)
        copies = await moving.copies(work.tx, operation.id)
        if (arrived, elsewhere, copies) != (operation.total,) * 3:
            raise RuntimeError(f"{arrived} of {operation.total} records have arrived, {copies} copies are kept")
        await moving.change(work.tx, operation.id, after={"arrived": arrived, "copies": copies})
        await _tell(work, operation, undone=False)

    @clause("44")
    async def begin_undo(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]:
        targets = sorted(set((await store.taken(work.tx, operation.id)).values()))
        rows = await organisations.lock_versions(work.tx, sorted(operation.schools))
        closed = [row["code"] for row in rows if row["valid_to"]]
        await moving.freeze(work.tx, operation.id, targets, work.now)
        return reorganising.undo_faults(await moving.changed_since(work.tx, operation.id), closed)

    async def unprepare(self, work: RegistryWork, operation: Operation) -> bool:
        return False

    async def finish_undo(self, work: RegistryWork, operation: Operation) -> None:
        await store.give_back_places(work.tx, operation.id)
        await _tell(work, operation, undone=True)


@clause("11", "16")
async def _goals(work: RegistryWork, case: Case, taken: Mapping[str, str]) -> list[tuple[str, str, str]] | Finding:
    """A class for each: provisional, filled evenly, never above the standard size; the plan has as many as it needs."""
    goals = []
    schools = await store.schools(work.tx, list(set(taken.values())))
    for code in sorted(schools):
        school = schools[code]
        grade = grades_of(Stage.JUNIOR, school.system)[0]
        year = cohort(grade, case.year)
        plan = await plans.hold(work.tx, code, case.year, Stage.JUNIOR)
        standard = work.deps.policy.parameters(school.division, work.today).class_size(Stage.JUNIOR)
        there = await rooms.sizes(work.tx, code, Stage.JUNIOR, year)
        kept = (await holds.kept(work.tx, code, [year])).get(year, 0)
        filling = rooms.Rooms(there, standard=standard, most=plan.classes if plan else 0, kept=kept)
        for student in sorted(one for one, target in taken.items() if target == code):
            number = filling.place()
            if number is None:
                return policy.room_fault(school.name, standard)
            goals.append((student, code, class_key(code, Stage.JUNIOR, year, number)))
        await rooms.make(work.tx, code, school.system, Stage.JUNIOR, year, grade, sorted(filling.sizes))
    return goals


async def _tell(work: RegistryWork, operation: Operation, *, undone: bool) -> None:
    """Both sides, in numbers."""
    check = await _check(work, operation)
    for target in check.targets:
        text = f"{COUNT}名学生的学籍已退回毕业小学" if undone else f"{COUNT}名小学毕业生的学籍已转入，请分班"
        _wait(
            work,
            target.school,
            "junior_intake_in",
            f"{operation.title}{'已撤回' if undone else ''}",
            text,
            target.pupils,
        )
    for school, count in check.from_schools.items():
        text = f"{COUNT}名毕业生的学籍已退回本校" if undone else f"{COUNT}名毕业生的学籍已转入初中，本校留存当日副本"
        _wait(work, school, "junior_intake_out", f"{operation.title}{'已撤回' if undone else ''}", text, count)


async def _check(work: RegistryWork, operation: Operation) -> Checked:
    row = await moving.get(work.tx, operation.id)
    assert row is not None
    return msgspec.convert(row["preview"], Checked)


def _wait(work: RegistryWork, school: str, kind: str, title: str, detail: str, count: int) -> None:
    event = WorkWaiting(
        organisation=school, role=Role.REGISTRAR, kind=kind, title=title, detail=detail + "。", link=LINK, count=count
    )
    work.emit(event, school)
