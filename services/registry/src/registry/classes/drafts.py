"""An assignment before its list is closed: the pupils of the grade, what the school says of them, a dry run (clause 17)."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from regulation import assignment as fair
from regulation.authorisation import Target, check
from regulation.drawing import new_code
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.classes import (
    AssignmentRule,
    AssignmentView,
    Balance,
    CancelAssignment,
    OpenAssignment,
    PreviewAssignment,
    PupilSetting,
    ReviseAssignment,
)
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Command, Query, word
from sqlalchemy.engine import RowMapping

from registry.classes import draws, policy, views
from registry.classes.draws import Pupil
from registry.classes.store import Row
from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.registration.intake import form_context
from registry.registration.policy import registration_year

NOT_FOUND = "没有这次分班，或者不属于您管理的范围。"
MOST_CLASSES = 40
_form = msgspec.json.Decoder(dict[str, str]).decode


@clause("17")
async def open_assignment(work: RegistryWork, command: OpenAssignment) -> AssignmentView | Refused:
    """One of a grade at a time. After a draw only where the authority has set the former one aside."""
    if no := check(command.actor, word(command), Target(school=command.actor.organisation)):
        return no
    school = await organisations.school(work.tx, command.actor.organisation)
    if school is None:
        return refused("not_found", "没有这所学校。")
    stage = school.stage_of(command.grade)
    if stage is None:
        return refused("refused", f"{school.name}没有{command.grade}年级。")
    if bad := _bad_classes(command.classes):
        return bad
    await organisations.hold(work.tx, school)
    year = registration_year(work.today)
    await draws.lock_grade(work.tx, school.code, year, command.grade)
    before = await draws.of_grade(work.tx, school.code, year, command.grade)
    if under_way := [row for row in before if row["state"] not in ("cancelled", "set_aside")]:
        return _not_again(under_way[-1])
    set_aside = [row["number"] for row in before if row["state"] == "set_aside"]
    row = {
        "id": command.assignment_id,
        "number": f"FB-{year}-{school.code}-{command.grade}-{len(before) + 1:02d}",
        "school": school.code,
        "stage": str(stage),
        "grade": command.grade,
        "school_year": year,
        "state": "draft",
        "standard": work.deps.policy.parameters(school.division, work.today).class_size(stage),
        "classes": sorted(command.classes),
        "attributes": list(command.attributes),
        "opened_at": work.now,
        "opened_by": command.actor.name,
        "replaces": set_aside[-1] if set_aside else None,
    }
    pupils = await draws.pupils_of_grade(work.tx, school.code, command.grade, year)
    if not pupils:
        return refused("refused", f"{policy.class_title(command.grade, 0)[:-2]}还没有学生，不能分班。请先录入名册。")
    await draws.open_assignment(work.tx, row)
    await _put(work, row, pupils, (), (), {})
    return await shown(work, command.assignment_id)


@clause("17", "34.2")
async def revise_assignment(work: RegistryWork, command: ReviseAssignment) -> AssignmentView | Refused:
    """All settings anew; whoever came into the grade meanwhile is on the list, whoever left is not. Codes stay."""
    row = await theirs(work, command, command.assignment_id)
    if isinstance(row, Refused):
        return row
    if row["version"] != command.version:
        return changed(row)
    if bad := _bad_classes(command.classes):
        return bad
    pupils = await draws.pupils_of_grade(work.tx, row["school"], row["grade"], row["school_year"])
    known = {pupil.id for pupil in pupils}
    settings = [setting for setting in command.pupils if setting.pupil_id in known]
    if len({setting.pupil_id for setting in command.pupils}) < len(command.pupils):
        return refused("invalid", "同一名学生出现了两次。")
    if unknown := [setting for setting in command.pupils if setting.pupil_id not in known]:
        return refused("conflict", f"名单中有{len(unknown)}名学生已不在本年级。请刷新名单后再保存。")
    placed = {setting.pupil_id: setting.place_in for setting in settings if setting.place_in is not None}
    if not set(placed.values()) <= set(command.classes):
        return refused("invalid", "手工安置的班级不在所选的班级之中。")
    findings = (
        *policy.may_be_placed_by_hand(settings, {pupil.id: pupil.placement for pupil in pupils}),
        *policy.rules_in_order(command.rules, known - set(placed)),
        *policy.no_scores(settings),
    )
    if findings:
        return refused("refused", f"有{len(findings)}处不符合要求，没有保存。", *findings)
    codes = {one["pupil_id"]: str(one["code"]) for one in await draws.listed(work.tx, row["id"])}
    changed_row = {
        **row,
        "classes": sorted(command.classes),
        "attributes": list(command.attributes),
        "standard": work.deps.policy.parameters(row["division"], work.today).class_size(Stage(row["stage"])),
    }
    await draws.change(
        work.tx, row["id"], **{name: changed_row[name] for name in ("classes", "attributes", "standard")}
    )
    await _put(work, changed_row, pupils, settings, command.rules, codes)
    return await shown(work, row["id"])


@clause("17")
async def cancel_assignment(work: RegistryWork, command: CancelAssignment) -> AssignmentView | Refused:
    """Before anybody can know how it would come out. What was published stays published."""
    row = await theirs(work, command, command.assignment_id)
    if isinstance(row, Refused):
        return row
    if late := policy.may_still_cancel(row["public_at"], work.now):
        return refused("refused", f"{late.message}。{late.cure}。", late)
    await draws.change(work.tx, row["id"], state="cancelled", cancelled_at=work.now, cancelled_reason=command.reason)
    return await shown(work, row["id"])


@clause("17")
async def preview_assignment(work: RegistryWork, query: PreviewAssignment) -> Balance | Refused:
    """With a seed that no draw can have: how even the classes become, not who comes into which."""
    row = await seen(work, query, query.assignment_id)
    if isinstance(row, Refused):
        return row
    pupils = await draws.listed(work.tx, row["id"])
    rules = (await draws.rules_of(work.tx, [row["id"]])).get(row["id"], [])
    listing = views.listing(row, pupils, rules)
    if findings := await faults(work, row, listing):
        return Balance(classes=(), findings=findings)
    result = await asyncio.to_thread(fair.assign, listing, f"dry run {row['id']} {row['version']}")
    drawn = [{**one, "class_no": result.get(one["code"])} for one in pupils]
    return Balance(classes=views.balance(row["classes"], drawn))


# ---- what the other acts need too --------------------------------------------------------------------------------------


async def theirs(work: RegistryWork, command: Any, assignment_id: str) -> RowMapping | Refused:
    """An assignment under lock that the actor may do this to, where it stands as the table of acts says."""
    row = await draws.lock_assignment(work.tx, assignment_id)
    return _allowed(command, row)


async def seen(work: RegistryWork, query: Any, assignment_id: str) -> RowMapping | Refused:
    return _allowed(query, await draws.assignment(work.tx, assignment_id))


def _allowed(message: Any, row: RowMapping | None) -> RowMapping | Refused:
    target = Target() if row is None else Target(school=row["school"], authority=row["authority"])
    if no := check(message.actor, word(message), target, state=row["state"] if row else None, missing=NOT_FOUND):
        return no
    return refused("not_found", NOT_FOUND) if row is None else row


async def shown(work: RegistryWork, assignment_id: str) -> AssignmentView:
    row = await draws.assignment(work.tx, assignment_id)
    assert row is not None
    return await views.assignment_view(work, row, await standing_faults(work, row))


async def standing_faults(work: RegistryWork, row: Row) -> tuple[Finding, ...]:
    """Why a draft could not be closed as it is; nothing of any other."""
    if row["state"] != "draft":
        return ()
    pupils = await draws.listed(work.tx, row["id"])
    rules = (await draws.rules_of(work.tx, [row["id"]])).get(row["id"], [])
    return await faults(work, row, views.listing(row, pupils, rules))


async def faults(work: RegistryWork, row: Row, listing: fair.Listing) -> tuple[Finding, ...]:
    """The search may take a second where rules are entangled: beside the loop."""
    fault = await asyncio.to_thread(fair.fault, listing)
    if fault is None:
        return ()
    names = {}
    if fault.rules:
        pupils = await draws.pupils_of_grade(work.tx, row["school"], row["grade"], row["school_year"])
        by_id = {pupil.id: pupil.name for pupil in pupils}
        names = {one["code"]: by_id.get(one["pupil_id"], "") for one in await draws.listed(work.tx, row["id"])}
    return (policy.fault_found(fault, names),)


def changed(row: Row) -> Refused:
    state = views.STATE_TITLES[row["state"]]
    return refused("conflict", f"这次分班已被更改，当前状态：{state}（版本{row['version']}）。请刷新后再办理。")


async def _put(
    work: RegistryWork,
    row: Row,
    pupils: Sequence[Pupil],
    settings: Sequence[PupilSetting],
    rules: Sequence[AssignmentRule],
    codes: Mapping[str, str],
) -> None:
    said = {setting.pupil_id: setting for setting in settings}
    boarding = await _boarding(work, pupils) if "boarding" in row["attributes"] else {}
    taken = set(codes.values())
    rows = []
    for pupil in pupils:
        own = said.get(pupil.id, PupilSetting(pupil_id=pupil.id))
        values = {"boarding": boarding.get(pupil.id, ""), "home": own.home, "level": own.level}
        rows.append(
            {
                "pupil_id": pupil.id,
                "code": codes.get(pupil.id) or new_code(taken),
                "sex": pupil.sex,
                "attributes": {name: values[name] for name in row["attributes"]},
                "place_in": own.place_in,
            }
        )
    await draws.put_list(work.tx, row["id"], rows, rules)


async def _boarding(work: RegistryWork, pupils: Sequence[Pupil]) -> dict[str, str]:
    """就读方式 as the forms say it."""
    sealed = await draws.forms(work.tx, [pupil.id for pupil in pupils])
    cipher = work.deps.cipher
    return {key: _form(cipher.open_bytes(blob, form_context(key))).get("boarding", "") for key, blob in sealed.items()}


def _bad_classes(classes: Sequence[int]) -> Refused | None:
    numbers = set(classes)
    if not classes or len(numbers) < len(classes) or not all(1 <= number <= 99 for number in numbers):
        return refused("invalid", "班号应为1至99，至少一个班，不得重复。")
    if len(classes) > MOST_CLASSES:
        return refused("invalid", f"一次最多分{MOST_CLASSES}个班。")
    return None


def _not_again(row: RowMapping) -> Refused:
    if row["state"] in ("draft", "committed"):
        return refused("conflict", f"本年级的分班（{row['number']}）正在进行。请继续办理，或先取消。")
    detail = f"本年级已经抽签分班（{row['number']}），不得重新抽签。确有必要的，报主管教育行政部门批准。"
    return refused("conflict", detail)


COMMANDS: dict[type[Command], CommandHandler] = {
    OpenAssignment: open_assignment,
    ReviseAssignment: revise_assignment,
    CancelAssignment: cancel_assignment,
}
QUERIES: dict[type[Query], QueryHandler] = {PreviewAssignment: preview_assignment}
