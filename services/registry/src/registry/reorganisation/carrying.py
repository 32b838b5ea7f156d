"""Carrying reorganisations out: what comes before the moves, and what after (see `moving.worker`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, cast

import msgspec
from regulation.mark import clause
from shared_contracts.actors import Role, system
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.reorganisation import (
    ClassCount,
    Closing,
    Merging,
    Reconciled,
    Redividing,
    ReorganisationEnded,
    ReorganisationKind,
)
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.handover import leaving as handover
from registry.moving import store as moving
from registry.moving.store import Operation
from registry.organisations import changing
from registry.organisations import store as organisations
from registry.reorganisation import policy, store
from registry.reorganisation.planning import Case, Planned, school_plan
from registry.reorganisation.redividing import Passed, moved, redivision_plan, views_of

SCHOOLS = 20
"""Schools of one transaction of a re-division: each takes its open cases along."""
EVENT_CHUNK = 500
ACTOR = system("registry")


class Before(msgspec.Struct, frozen=True, kw_only=True):
    """What stood when it began. `ended`: schools or authorities that are closed at the end; `passed`, `renamed`: a
    re-division's, with what they were."""

    counts: tuple[ClassCount, ...]
    ended: tuple[str, ...]
    passed: tuple[Passed, ...] = ()
    renamed: tuple[tuple[str, str, str], ...] = ()


def before_of(value: Any) -> Before:
    return msgspec.convert(value, Before)


def case_of(operation: Operation) -> Case:
    return Case(id=operation.id, organisation=operation.organisation, effective_from=operation.effective_from)


class Schools:
    """A merger or a closure."""

    clause_id = "21.3"
    journal_kind = "custody_reorganised"
    learning = False

    def says(self, operation: Operation) -> Mapping[str, Mapping[str, str]]:
        return {}

    @clause("21.3", "44")
    async def begin(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]:
        await organisations.lock(work.tx)
        plan = msgspec.convert(operation.plan, Merging | Closing)
        planned = await school_plan(work, case_of(operation), plan)
        if against := refusals(planned.preview.findings):
            return against
        await store.lock_classes(work.tx, planned.filled)
        filled = [goal.school for goal in planned.goals if goal.class_id in planned.filled]
        frozen = await moving.freeze(work.tx, operation.id, [*planned.ends, *filled], work.now)
        if frozen:
            return policy.naming_faults(planned.ends, (), planned.ends, taken=dict.fromkeys(frozen, "其他事项"))
        # Who came in while the others were waited for is counted too.
        planned = await school_plan(work, case_of(operation), plan)
        if against := refusals(planned.preview.findings):
            return against
        await moving.act_as(work.tx, operation.id)
        await _make_classes(work, planned)
        counts = await moving.counts(work.tx, operation.schools)
        total = await store.put_moves(work.tx, operation.id, planned.ends, planned.goals)
        before = Before(counts=counts, ended=planned.ends)
        await moving.change(work.tx, operation.id, total=total, before=msgspec.to_builtins(before))
        return ()

    async def prepare(self, work: RegistryWork, operation: Operation) -> bool:
        return False

    @clause("21.3", "44")
    async def finish(self, work: RegistryWork, operation: Operation) -> None:
        """The schools end; codes stay as history. Raises RuntimeError where a record would be left behind."""
        await organisations.lock(work.tx)
        ended = before_of(operation.before).ended
        await organisations.lock_versions(work.tx, sorted(ended))
        if left := await store.left_behind(work.tx, ended):
            raise RuntimeError(f"{left} records are left at schools that are to end")
        for code in ended:
            await organisations.close(work.tx, code, operation.effective_from)
        await handover.schools_changed(work, ended)
        await changing.announce(work, ended)
        await reconcile(work, operation)
        await tell(work, operation, ended, undone=False)

    @clause("44")
    async def begin_undo(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]:
        await organisations.lock(work.tx)
        ended = before_of(operation.before).ended
        rows = await organisations.lock_versions(work.tx, sorted(operation.schools))
        closed = [row["code"] for row in rows if row["valid_to"] and row["code"] not in ended]
        await moving.freeze(work.tx, operation.id, operation.schools, work.now)
        changed = await moving.changed_since(work.tx, operation.id)
        if against := policy.undo_faults(changed, closed):
            return against
        await store.reopen(work.tx, ended, operation.effective_from)
        await handover.schools_changed(work, ended)
        await changing.announce(work, ended)
        return ()

    async def unprepare(self, work: RegistryWork, operation: Operation) -> bool:
        return False

    async def finish_undo(self, work: RegistryWork, operation: Operation) -> None:
        await reconcile(work, operation)
        await tell(work, operation, before_of(operation.before).ended, undone=True)


class Redivision:
    """Schools go to other authorities; their pupils' journals say so."""

    clause_id = "44"
    journal_kind = "redivided"
    learning = False

    def says(self, operation: Operation) -> Mapping[str, Mapping[str, str]]:
        return {
            one.school: {"from_authority": one.from_authority, "to_authority": one.to_authority}
            for one in before_of(operation.before).passed
        }

    @clause("44")
    async def begin(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]:
        found = await redivision_plan(work, case_of(operation), msgspec.convert(operation.plan, Redividing))
        if against := refusals(found.preview.findings):
            return against
        codes = [one.school for one in found.schools]
        if frozen := await moving.freeze(work.tx, operation.id, codes, work.now):
            return policy.naming_faults(codes, (), codes, taken=dict.fromkeys(frozen, "其他事项"))
        counts = await moving.counts(work.tx, codes)
        total = await store.put_entries(work.tx, operation.id, codes)
        before = Before(counts=counts, ended=found.ended, passed=found.schools, renamed=found.renamed)
        await moving.change(
            work.tx, operation.id, total=total, before=msgspec.to_builtins(before), schools=codes or operation.schools
        )
        return ()

    @clause("3.1", "13.2", "44")
    async def prepare(self, work: RegistryWork, operation: Operation) -> bool:
        """Some schools at a time, those that are not there yet; open cases go along (`supervision.pass_on`)."""
        before = before_of(operation.before)
        if await _pass(work, operation, [(one.school, one.to_authority, one.to_division) for one in before.passed],
                       operation.effective_from):  # fmt: skip
            return True
        await _rename(work, [(code, name) for code, _, name in before.renamed], operation)
        return False

    @clause("44")
    async def finish(self, work: RegistryWork, operation: Operation) -> None:
        await organisations.lock(work.tx)
        ended = before_of(operation.before).ended
        for code, codes in (await store.below(work.tx, ended)).items():
            if set(codes) - set(ended):
                raise RuntimeError(f"{code} still has organisations under it")
        for code in ended:
            await organisations.close(work.tx, code, operation.effective_from)
        if ended:
            await changing.announce(work, ended)
        await reconcile(work, operation)
        await tell(work, operation, ended, undone=False)

    @clause("44")
    async def begin_undo(self, work: RegistryWork, operation: Operation) -> Sequence[Finding]:
        await organisations.lock(work.tx)
        before = before_of(operation.before)
        rows = await organisations.lock_versions(work.tx, sorted({*operation.schools, *before.ended}))
        closed = [row["code"] for row in rows if row["valid_to"] and row["code"] not in before.ended]
        await moving.freeze(work.tx, operation.id, [one.school for one in before.passed], work.now)
        changed = await moving.changed_since(work.tx, operation.id)
        if against := policy.undo_faults(changed, closed):
            return against
        await store.reopen(work.tx, before.ended, operation.effective_from)
        if before.ended:
            await changing.announce(work, before.ended)
        return ()

    async def unprepare(self, work: RegistryWork, operation: Operation) -> bool:
        before = before_of(operation.before)
        if await _pass(
            work, operation, [(one.school, one.from_authority, one.from_division) for one in before.passed], work.today
        ):
            return True
        await _rename(work, [(code, name) for code, name, _ in before.renamed], operation)
        return False

    async def finish_undo(self, work: RegistryWork, operation: Operation) -> None:
        await reconcile(work, operation)
        await tell(work, operation, (), undone=True)


def refusals(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.outcome is Outcome.REFUSE)


async def _make_classes(work: RegistryWork, planned: Planned) -> None:
    for school in {new.school: new.system for new in planned.classes}.items():
        mine = [new for new in planned.classes if new.school == school[0]]
        await store.make_classes(
            work.tx, school[0], school[1], [new.id for new in mine], [new.like for new in mine],
            [new.class_no for new in mine], [new.stage for new in mine],
        )  # fmt: skip


async def _pass(work: RegistryWork, operation: Operation, schools: Sequence[tuple[str, str, str]], on: date) -> bool:
    """Some of the schools to the authorities named; False when all are there."""
    await organisations.lock(work.tx)
    present = await views_of(work, [code for code, _, _ in schools])
    waiting = [
        moved(present[code], authority, division)
        for code, authority, division in schools
        if (present[code].authority, present[code].division) != (authority, division)
    ][:SCHOOLS]
    if not waiting:
        return False
    await _change(work, waiting, on, operation)
    return True


async def _rename(work: RegistryWork, names: Sequence[tuple[str, str]], operation: Operation) -> None:
    present = await views_of(work, [code for code, _ in names])
    changed = [msgspec.structs.replace(present[code], name=name) for code, name in names if present[code].name != name]
    if changed:
        await _change(
            work, changed, operation.effective_from if operation.state == "running" else work.today, operation
        )


async def _change(work: RegistryWork, views: Sequence[Any], on: date, operation: Operation) -> None:
    planned = await changing.plan(work, views, on)
    if found := [finding.message for one in planned for finding in one.findings]:
        raise RuntimeError("；".join(found[:3]))
    await changing.carry_out(work, planned, on, ACTOR, operation.document or operation.title)


@clause("21.3")
async def reconcile(work: RegistryWork, operation: Operation) -> None:
    """Count once more, and put both counts beside each other."""
    before = before_of(operation.before)
    undone = operation.state == "undoing"
    ended = before.ended if not undone and operation.kind != "redivision" else ()
    arrived, elsewhere = await moving.arrived(work.tx, operation.id, undone=undone)
    left = await store.left_behind(work.tx, ended)
    copies = await moving.copies(work.tx, operation.id)
    report = Reconciled(
        before=before.counts,
        after=await moving.counts(work.tx, operation.schools),
        records_before=operation.total,
        records_after=arrived,
        left_behind=left,
        copies=copies,
        whole=arrived == operation.total and not left and (undone or copies == elsewhere),
    )
    await moving.change(work.tx, operation.id, after=msgspec.to_builtins(report))


async def tell(work: RegistryWork, operation: Operation, ended: Sequence[str], *, undone: bool) -> None:
    """Other services, and the people of the schools that go on."""
    going_on = [code for code in operation.schools if code not in ended or undone]
    for begin in range(0, max(len(going_on), 1), EVENT_CHUNK):
        event = ReorganisationEnded(
            operation_id=operation.id,
            kind=cast("ReorganisationKind", operation.kind),
            undone=undone,
            ended=tuple(ended) if begin == 0 else (),
            receiving=tuple(going_on[begin : begin + EVENT_CHUNK]),
            records=operation.moved if not undone else operation.total,
        )
        work.emit(event, operation.id)
    what = "已撤回" if undone else "已办理完毕"
    for code in going_on:
        waiting = WorkWaiting(
            organisation=code,
            role=Role.PRINCIPAL,
            kind="reorganisation_done",
            title=f"{operation.title}{what}",
            detail="请核对本校班级和学生人数；新转入的学生没有班级的，请及时分班。",
            link=f"/v1/organisations/{code}",
        )
        work.emit(waiting, code)
