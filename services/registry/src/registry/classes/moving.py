"""A pupil moves to another class of the same grade (clauses 11, 24.6.1, 25.5, 41): one class, one reason, one entry."""

from __future__ import annotations

from regulation.authorisation import Target, check, reach
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.classes import ClassMove, ClassMovePage, ListClassMoves, MovePupil
from shared_contracts.decisions import Outcome, Refused, refused
from shared_contracts.messages import Command, Query, word

from registry.classes import draws, policy, store
from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.records import kinds
from registry.records.writing import Change, record
from registry.worklist.changes import moved_to_another_class

NOT_FOUND = "没有这名学生，或者不属于您管理的范围。"


@clause("11", "24.6.1", "25.5", "41")
async def move_pupil(work: RegistryWork, command: MovePupil) -> ClassMove | Refused:
    """From today on. Of a pupil whose registration is on its way, the class that the record will begin in.

    Locks: the class that is wanted, then the pupil; whoever else fills the class waits.
    """
    to = (await store.hold(work.tx, [command.class_id])).get(command.class_id)
    registration = (await store.lock_registrations(work.tx, [command.pupil_id])).get(command.pupil_id)
    student = (await store.lock_students(work.tx, [command.pupil_id])).get(command.pupil_id)
    if registration is None or registration["closed"] or (student is not None and not student["live"]):
        own = None
    else:
        own = student["school"] if student is not None else registration["school"]
    target = Target() if own is None else Target(school=own, authority=await organisations.authority_of(work.tx, own))
    if no := check(command.actor, word(command), target, missing=NOT_FOUND):
        return no
    if registration is None or own is None:
        return refused("not_found", NOT_FOUND)
    if to is None:
        return refused("not_found", "没有这个班级。")
    present_id = registration["class_id"] if student is None else student["class_id"]
    if present_id is None:
        return refused("conflict", "学生现在没有班级（休学等），复学时再安排班级。")
    present = (await store.counted(work.tx, [present_id]))[present_id]
    findings = [policy.same_school(own, to["school"])]
    if findings[0].outcome is Outcome.PASS:
        own_grade, of_class = (present["grade"], present["cohort"]), (to["grade"], to["cohort"])
        findings.append(policy.same_grade(own_grade, of_class))
    if wrong := [finding for finding in findings if finding.outcome is Outcome.REFUSE]:
        return refused("refused", f"{wrong[0].message}。{wrong[0].cure}。", *wrong)
    if to["id"] == present_id:
        return refused("conflict", "学生已经在这个班级。")
    if number := await draws.list_of(work.tx, command.pupil_id, ("committed", "drawn")):
        return refused("conflict", f"学生在已封存的分班名单（{number}）中。请在分班执行以后再调班。")
    size = (await store.sizes(work.tx, [to["id"]]))[to["id"]]
    if to["closed_on"] is not None and not size:
        return refused("conflict", "这个班级已经撤销。请选择其他班级。")
    school = await organisations.school(work.tx, own)
    if school is None:
        return refused("conflict", "学校已撤销，不能继续办理。")
    standard = work.deps.policy.parameters(school.division, work.today).class_size(Stage(to["stage"]))
    room = policy.within_standard(size + 1, standard, policy.class_title(to["grade"], to["class_no"]))
    if room.outcome is Outcome.REFUSE:
        return refused("refused", f"{room.message}。{room.cure}。", room)
    move = ClassMove(
        id=command.move_id,
        pupil_id=command.pupil_id,
        name=registration["name"] if student is None else student["name"],
        school=own,
        grade=to["grade"],
        from_class=present["class_no"],
        to_class=to["class_no"],
        reason=command.reason,
        moved_on=work.today,
        moved_by=command.actor.name,
    )
    await store.put_move(work.tx, move, work.now, command.actor.account)
    if student is None:
        await store.move_registrations(work.tx, [command.pupil_id], [to["id"]], [to["class_no"]])
        await moved_to_another_class(work, [command.pupil_id])
        return move
    await store.move_students(work.tx, [command.pupil_id], [to["id"]], work.today)
    content = kinds.changed(
        {"class_no": move.from_class}, {"class_no": move.to_class}, reason=move.reason, move=move.id
    )
    await record(
        work,
        [
            Change(
                student_id=command.pupil_id,
                kind="class_moved",
                clause="41",
                legal_date=work.today,
                content=content,
                actor=command.actor,
            )
        ],
    )
    return move


@clause("41")
async def list_class_moves(work: RegistryWork, query: ListClassMoves) -> ClassMovePage | Refused:
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    rows = await store.move_page(work.tx, reached, school=query.school, grade=query.grade, after=after, limit=limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["moved_at"].isoformat(), row["id"]))
    return ClassMovePage(
        items=tuple(ClassMove(**{name: row[name] for name in ClassMove.__struct_fields__}) for row in kept),
        next_cursor=cursor,
    )


COMMANDS: dict[type[Command], CommandHandler] = {MovePupil: move_pupil}
QUERIES: dict[type[Query], QueryHandler] = {ListClassMoves: list_class_moves}
