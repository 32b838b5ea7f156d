"""Closing the list, drawing, applying, and a second draw where the authority approves one (clauses 11, 17).

The secret is made when the list is closed and lies sealed until the draw; its commitment is published at once. The seed is
made of it, of the list's hash and of a public value that was named beforehand and that nobody knew then: neither the
school nor whoever runs this system can choose the outcome. What is closed stays closed: the database says so too.
"""

from __future__ import annotations

import asyncio

import msgspec
from regulation import assignment as fair
from regulation.drawing import new_secret
from regulation.mark import clause, enforced
from service_kit.work import CommandHandler
from shared_contracts.actors import Role
from shared_contracts.classes import (
    ApplyAssignment,
    AskRedraw,
    AssignmentView,
    CommitAssignment,
    DecideRedraw,
    DrawAssignment,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command
from shared_contracts.waiting import WorkWaiting

from registry.classes import draws, policy, store, views
from registry.classes.drafts import changed, faults, shown, theirs
from registry.classes.store import Row
from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.records import kinds
from registry.records import store as records
from registry.records.writing import Change, record
from registry.worklist.changes import moved_to_another_class

enforced("17", by="class_assignments_stay", at="../migrations/versions/0009_classes.py")
enforced("17", by="class_assignment_pupils_stay", at="../migrations/versions/0009_classes.py")


@clause("17")
async def commit_assignment(work: RegistryWork, command: CommitAssignment) -> AssignmentView | Refused:
    """The list is closed as it was looked at, or not at all."""
    row = await theirs(work, command, command.assignment_id)
    if isinstance(row, Refused):
        return row
    if row["version"] != command.version:
        return changed(row)
    hours = work.deps.policy.parameters(row["division"], work.today).assignment_notice_hours
    if early := policy.public_value_unknown(command.public_at, work.now, hours):
        return refused("refused", f"{early.message}。{early.cure}。", early)
    await store.hold_grade(work.tx, row["school"], row["grade"], row["school_year"])
    now = {p.id: p for p in await draws.pupils_of_grade(work.tx, row["school"], row["grade"], row["school_year"])}
    pupils = await draws.listed(work.tx, row["id"])
    listed = {one["pupil_id"] for one in pupils}
    if came_or_left := now.keys() ^ listed:
        came = len(now.keys() - listed)
        detail = f"名单有变化：新增{came}名、减少{len(came_or_left) - came}名学生。请刷新并核对名单后再封存。"
        return refused("conflict", detail)
    by_hand = [one["pupil_id"] for one in pupils if one["place_in"] is not None]
    if wrong := [key for key in by_hand if now[key].placement not in policy.LEFT_OUT]:
        return refused("conflict", f"手工安置的学生中有{len(wrong)}名已不是随班就读。请刷新并核对名单后再封存。")
    rules = (await draws.rules_of(work.tx, [row["id"]])).get(row["id"], [])
    listing = views.listing(row, pupils, rules)
    if findings := await faults(work, row, listing):
        return refused("refused", "这个名单不能分班，没有封存。", *findings)
    secret = new_secret()
    list_sha256 = fair.list_hash(listing)
    await draws.change(
        work.tx,
        row["id"],
        state="committed",
        listing=msgspec.json.encode(listing).decode(),
        list_sha256=list_sha256,
        secret=work.deps.cipher.seal_bytes(secret.encode(), _context(row["id"])),
        commitment=fair.commitment_of(secret, list_sha256),
        public_source=command.public_source,
        public_at=command.public_at,
        committed_at=work.now,
        committed_by=command.actor.account,
    )
    return await shown(work, row["id"])


@clause("17")
async def draw_assignment(work: RegistryWork, command: DrawAssignment) -> AssignmentView | Refused:
    """Once: the result is what the list, the secret and the public value make it."""
    row = await theirs(work, command, command.assignment_id)
    if isinstance(row, Refused):
        return row
    if early := policy.draw_day_come(row["public_at"], work.now):
        return refused("refused", f"{early.message}。", early)
    secret = work.deps.cipher.open_bytes(row["secret"], _context(row["id"])).decode()
    listing = msgspec.json.decode(row["listing"], type=fair.Listing)
    seed = fair.seed_of(secret, row["list_sha256"], command.public_value)
    result = await asyncio.to_thread(fair.assign, listing, seed)
    await draws.put_result(work.tx, row["id"], result)
    await draws.change(
        work.tx,
        row["id"],
        state="drawn",
        public_value=command.public_value,
        revealed=secret,
        seed=seed,
        drawn_at=work.now,
        drawn_by=command.actor.account,
    )
    return await shown(work, row["id"])


@clause("11", "17", "24.6.1")
async def apply_assignment(work: RegistryWork, command: ApplyAssignment) -> AssignmentView | Refused:
    """All in one transaction. Whoever left meanwhile is passed over; no class is above the standard afterwards."""
    row = await theirs(work, command, command.assignment_id)
    if isinstance(row, Refused):
        return row
    school = await organisations.school(work.tx, row["school"])
    if school is None:
        return refused("conflict", "学校已撤销，不能继续办理。")
    await organisations.hold(work.tx, school)
    target = await _held_classes(work, school, row)
    wanted = {
        one["pupil_id"]: one["class_no"] if one["place_in"] is None else one["place_in"]
        for one in await draws.listed(work.tx, row["id"])
    }
    registrations = await store.lock_registrations(work.tx, list(wanted))
    students = await store.lock_students(work.tx, list(wanted))
    there = set(target.values())
    on_the_way = [
        key
        for key, r in registrations.items()
        if not r["registered"] and not r["closed"] and r["school"] == school.code
    ]
    in_school = [
        key
        for key, s in students.items()
        if s["live"] and s["school"] == school.code and s["grade"] == row["grade"] and s["class_id"] is not None
    ]
    await store.move_registrations(
        work.tx, on_the_way, [target[wanted[key]] for key in on_the_way], [wanted[key] for key in on_the_way]
    )
    await moved_to_another_class(work, on_the_way)
    moving = [key for key in in_school if students[key]["class_id"] != target[wanted[key]]]
    await store.move_students(work.tx, moving, [target[wanted[key]] for key in moving], work.today)
    sizes = await store.sizes(work.tx, sorted(there))
    for number, class_id in target.items():
        found = policy.within_standard(sizes[class_id], row["standard"], policy.class_title(row["grade"], number))
        if found.outcome == "refuse":
            cure = "将封存名单以后登记到该班的学生调到其他班级，再执行"
            return refused("refused", f"{found.message}。请{cure}。", msgspec.structs.replace(found, cure=cure))
    await record(
        work,
        [
            Change(
                student_id=key,
                kind="class_assigned",
                clause="17",
                legal_date=work.today,
                content=kinds.changed(
                    {"class_no": students[key]["class_no"]}, {"class_no": wanted[key]}, assignment=row["number"]
                ),
                actor=command.actor,
            )
            for key in in_school
        ],
    )
    await draws.change(work.tx, row["id"], state="applied", applied_at=work.now, applied_by=command.actor.account)
    _tell_teachers(work, row)
    return await shown(work, row["id"])


@clause("17")
async def ask_redraw(work: RegistryWork, command: AskRedraw) -> AssignmentView | Refused:
    """Once for each assignment: asking until it suits is no way round."""
    row = await theirs(work, command, command.assignment_id)
    if isinstance(row, Refused):
        return row
    if row["redraw_decision"] is not None:
        said = {"waiting": "正在等待审批", "rejected": "没有获得批准"}.get(row["redraw_decision"], "已经审批")
        return refused("conflict", f"这次分班的重新分班申请{said}，不能再次申请。")
    await draws.change(
        work.tx,
        row["id"],
        redraw_decision="waiting",
        redraw_reason=command.reason,
        redraw_asked_at=work.now,
        redraw_asked_by=command.actor.account,
    )
    work.emit(
        WorkWaiting(
            organisation=row["authority"],
            role=Role.AUTHORITY_OFFICER,
            kind="redraw_asked",
            title="重新分班申请待审批",
            detail=f"{row['school_name']}申请重新分班（{row['number']}）。请核实理由后审批。",
            link=f"/v1/class-assignments/{row['id']}",
        ),
        row["id"],
    )
    return await shown(work, row["id"])


@clause("17")
async def decide_redraw(work: RegistryWork, command: DecideRedraw) -> AssignmentView | Refused:
    """Approved, the assignment is set aside and the school may begin another; both stay on record and published."""
    row = await theirs(work, command, command.assignment_id)
    if isinstance(row, Refused):
        return row
    if row["redraw_decision"] != "waiting":
        return refused("conflict", "没有等待审批的重新分班申请。请刷新后查看。")
    approved = command.decision == "approve"
    await draws.change(
        work.tx,
        row["id"],
        state="set_aside" if approved else row["state"],
        redraw_decision="approved" if approved else "rejected",
        redraw_decided_at=work.now,
        redraw_decided_by=command.actor.account,
        redraw_decision_reason=command.reason,
    )
    work.emit(
        WorkWaiting(
            organisation=row["school"],
            role=Role.PRINCIPAL,
            kind="redraw_decided",
            title="重新分班申请已批准" if approved else "重新分班申请未获批准",
            detail=f"{row['number']}：{command.reason}",
            link=f"/v1/class-assignments/{row['id']}",
        ),
        row["id"],
    )
    return await shown(work, row["id"])


async def _held_classes(work: RegistryWork, school: SchoolFacts, row: Row) -> dict[int, str]:
    """The classes of the assignment by their numbers, made where they are missing, under lock."""
    klasses = [records.Klass(row["grade"], number) for number in row["classes"]]
    await records.make_classes(work.tx, school, klasses, row["school_year"])
    held = {
        one["class_no"]: one for one in await store.hold_grade(work.tx, school.code, row["grade"], row["school_year"])
    }
    for number in row["classes"]:
        if held[number]["closed_on"] is not None:
            await store.close_class(work.tx, held[number]["id"], None)
    return {number: held[number]["id"] for number in row["classes"]}


def _tell_teachers(work: RegistryWork, row: Row) -> None:
    work.emit(
        WorkWaiting(
            organisation=row["school"],
            role=Role.CLASS_TEACHER,
            kind="classes_assigned",
            title="分班结果已执行",
            detail=f"{policy.class_title(row['grade'], 0)[:-2]}分班（{row['number']}）已执行，请查看本班名单。",
            link=f"/v1/class-assignments/{row['id']}",
        ),
        row["id"],
    )


def _context(assignment_id: str) -> bytes:
    """What the sealed secret is bound to."""
    return f"class-assignment:{assignment_id}".encode()


COMMANDS: dict[type[Command], CommandHandler] = {
    CommitAssignment: commit_assignment,
    DrawAssignment: draw_assignment,
    ApplyAssignment: apply_assignment,
    AskRedraw: ask_redraw,
    DecideRedraw: decide_redraw,
}
