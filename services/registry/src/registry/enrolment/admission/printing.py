"""Printing notices: some, a school's, or a county's, as one file; who was printed is known (clause 10.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from regulation.authorisation import Target, check, is_school
from regulation.divisions import full_name
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit.ids import derived
from service_kit.work import CommandHandler
from shared_contracts.admission import NoticesPrinted, PrintNotices
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, word

from registry.context import RegistryWork
from registry.enrolment.admission import store, views
from registry.enrolment.admission.notices import MEDIA_TYPE, TITLE, Notice, NoticesOrder
from registry.enrolment.admission.tables import admissions as t
from registry.enrolment.children.policy import enrolment_year
from registry.organisations import store as organisations
from registry.rosters.access import names_of
from registry.rosters.child import ChildDied, child
from registry.rosters.frames import encode

MOST = 500
LARGEST = 64 * 1024 * 1024
NOTHING = "没有可以打印的入学通知书。"


@clause("10.1")
async def print_notices(work: RegistryWork, command: PrintNotices) -> NoticesPrinted | Refused:
    """At most 500 a file, by school and number; a school prints its own, a county those of its children."""
    rows = await _asked_for(work, command)
    if isinstance(rows, Refused):
        return rows
    if not rows:
        return refused("conflict", NOTHING)
    some = rows[:MOST]
    order = NoticesOrder(notices=await _notices(work, some))
    try:
        async with child("notices") as printer:
            await printer.send(encode(order))
            printer.close()
            pdf = await printer.answer()
    except ChildDied:
        return refused("unavailable", "打印没有成功，请稍后重试；多次失败请联系运维人员。")
    name = f"{TITLE}-{some[0]['notice_number']}.pdf"
    file = await work.deps.files.put(name, MEDIA_TYPE, pdf, LARGEST, file_id=derived(command.print_id, "notices"))
    await store.change(work.tx, [row["id"] for row in some], notice_printed_at=work.now)
    return NoticesPrinted(
        file=file,
        count=len(some),
        more=len(rows) - len(some),
        admission_ids=tuple(row["id"] for row in some),
    )


async def _asked_for(work: RegistryWork, command: PrintNotices) -> Sequence[Any] | Refused:
    act, actor = word(command), command.actor
    if command.admission_ids:
        if len(command.admission_ids) > MOST:
            return refused("invalid", f"一次最多打印{MOST}份。")
        rows = {row["id"]: row for row in await _rows(work, t.c.id.in_(list(command.admission_ids)))}
        for one in command.admission_ids:
            if no := views.against(actor, act, rows.get(one)):
                return no
        return sorted(rows.values(), key=lambda row: row["notice_number"])
    if no := check(actor, act, _target(actor.organisation)):
        return no
    mine = t.c.school == actor.organisation if is_school(actor.organisation) else t.c.county == actor.organisation
    conditions = [mine, t.c.school_year == enrolment_year(work.today), t.c.stage == command.stage]
    if command.school is not None:
        conditions.append(t.c.school == command.school)
    if command.only_new:
        conditions.append(t.c.notice_printed_at.is_(None))
    return await _rows(work, sa.and_(*conditions))


def _target(organisation: str) -> Target:
    return Target(school=organisation) if is_school(organisation) else Target(authority=organisation)


async def _rows(work: RegistryWork, condition: sa.ColumnElement[bool]) -> Sequence[Any]:
    rows = await store.page(work.tx, condition, t.c.state == "open", after=None, limit=20_000)
    return sorted(rows, key=lambda row: (row["school"], row["notice_number"]))


async def _notices(work: RegistryWork, rows: Sequence[Any]) -> tuple[Notice, ...]:
    schools = {row["school"] for row in rows}
    names = await names_of(work.tx, schools | {row["county"] for row in rows} | {row["authority"] for row in rows})
    places = {}
    for code in schools:
        school = await organisations.school(work.tx, code)
        places[code] = full_name(school.division) if school else ""
    return tuple(
        Notice(
            number=row["notice_number"],
            name=row["name"],
            school=names.get(row["school"], row["school"]),
            place=places[row["school"]],
            stage=Stage(row["stage"]).zh,
            school_year=row["school_year"],
            way=row["way"],
            report_from=row["report_from"],
            report_to=row["report_to"],
            authority=names.get(row["county"], row["county"]),
            admitted_on=row["admitted_on"],
        )
        for row in rows
    )


COMMANDS: dict[type[Command], CommandHandler] = {PrintNotices: print_notices}
