"""A pupil who studied elsewhere comes back to the school with the record. The tables at the end are all that it does."""

from __future__ import annotations

from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit.work import CommandHandler
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, word
from shared_contracts.records import StudentView
from shared_contracts.study_places import EndStudyPlace
from shared_contracts.waiting import WorkWaiting

from registry.context import RegistryWork
from registry.records import views, writing
from registry.study_places import policy, store

STUDY_ENDED = "study_ended"
NO_STUDENT = "没有这名学生，或者不属于您管理的范围。"


@clause("24.4")
async def end_study_place(work: RegistryWork, command: EndStudyPlace) -> StudentView | Refused:
    row = await views.row_of(work.tx, command.student_id, lock=True)
    target = Target() if row is None else views.target(row)
    if no := check(command.actor, word(command), target, missing=NO_STUDENT):
        return no
    if row is None:
        return refused("not_found", NO_STUDENT)
    place = await store.present(work.tx, command.student_id)
    since = None if place is None else place["since"]
    none = policy.somewhere_else(since, live=row["live"])
    day = None if since is None else policy.day_of_return(command.on, since, work.today)
    if found := tuple(one for one in (none, day, policy.reason_fault(command.reason)) if one is not None):
        return refused("refused", f"{found[0].message}。{found[0].cure}。", *found)
    assert place is not None
    reason = command.reason.strip()
    change = writing.Change(
        student_id=command.student_id,
        kind=STUDY_ENDED,
        clause="24.4",
        legal_date=command.on,
        content={
            "transfer": place["case_id"],
            "school_of_study": place["school"],
            "since": place["since"].isoformat(),
            "reason": reason,
        },
        actor=command.actor,
    )
    await writing.record(work, [change])
    await store.end(work.tx, command.student_id, command.on, account=command.actor.account, reason=reason)
    school = row["school_name"] or row["school"]
    work.emit(
        WorkWaiting(
            organisation=place["school"],
            role=Role.REGISTRAR,
            kind=STUDY_ENDED,
            title="{count}名学籍保留在原学校的学生已返回",
            detail=f"自{command.on:%Y年%-m月%-d日}起，学生回到学籍所在的{school}就读，不再是贵校的就读学生。",
            link=f"/v1/transfers/{place['case_id']}",
        ),
        place["school"],
    )
    after = await views.row_of(work.tx, command.student_id)
    assert after is not None
    return views.view(after)


COMMANDS: dict[type[Command], CommandHandler] = {EndStudyPlace: end_study_place}
