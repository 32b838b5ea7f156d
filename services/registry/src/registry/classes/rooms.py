"""Classes: their list with sizes, the authority's picture of what is above the standard, making, naming and closing them."""

from __future__ import annotations

from regulation.authorisation import Reach, Target, check, reach, subtree_pattern
from regulation.divisions import chain
from regulation.mark import clause
from regulation.school_year import Stage
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.classes import (
    AuthorityExcess,
    ClassPage,
    ClassView,
    CloseClass,
    CreateClass,
    ExcessReport,
    GetClass,
    GetClassExcess,
    ListClasses,
    RenameClass,
    SchoolExcess,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word

from registry.classes import policy, store, views
from registry.context import RegistryWork
from registry.organisations import store as organisations
from registry.organisations.tables import organisations as orgs
from registry.reach import within
from registry.records import store as records
from registry.records.tables import classes
from registry.registration.policy import registration_year

NOT_FOUND = "没有这个班级，或者不属于您管理的范围。"
MOST_CLASS_NO = 99


@clause("11")
async def list_classes(work: RegistryWork, query: ListClasses) -> ClassPage | Refused:
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    after = paging.decode(query.cursor, str, int, int, str)
    if isinstance(after, Refused):
        return after
    k = classes.c
    visible = within(reached, school=k.school, authority=orgs.c.authority, grade=k.grade, class_no=k.class_no)
    limit = paging.size(query.limit)
    rows = await store.class_page(
        work.tx,
        visible,
        school=query.school,
        grade=query.grade,
        closed=query.closed,
        after=after,
        limit=limit + 1,
    )
    kept, cursor = paging.page(rows, limit, lambda row: (row["school"], row["grade"], row["class_no"], row["id"]))
    return ClassPage(items=tuple(await views.class_views(work, kept)), next_cursor=cursor)


@clause("11")
async def get_class(work: RegistryWork, query: GetClass) -> ClassView | Refused:
    row = await store.class_row(work.tx, query.class_id)
    target = Target() if row is None else Target(school=row["school"], authority=row["authority"])
    if no := check(query.actor, word(query), target, missing=NOT_FOUND):
        return no
    if row is None:
        return refused("not_found", NOT_FOUND)
    return (await views.class_views(work, [row]))[0]


@clause("11")
async def class_excess(work: RegistryWork, query: GetClassExcess) -> ExcessReport | Refused:
    """An existing excess is shown on the dashboard of the authority, and of those above it."""
    reached = reach(query.actor, word(query))
    if isinstance(reached, Refused):
        return reached
    authority = query.authority or _own(reached, query.actor)
    if not reached.everything and (reached.subtree is None or reached.subtree not in chain(authority)):
        return refused("not_found", "没有这个教育行政部门，或者不属于您管理的范围。")
    after = paging.decode(query.cursor, int, str)
    if isinstance(after, Refused):
        return after
    pattern = subtree_pattern(authority)
    standards = {}
    for division in await store.divisions_under(work.tx, pattern):
        parameters = work.deps.policy.parameters(division, work.today)
        standards[division] = (parameters.class_size(Stage.PRIMARY), parameters.class_size(Stage.JUNIOR))
    rows = await store.excess(work.tx, pattern, standards)
    over = [row for row in rows if row["over"]]
    if after is not None:
        over = [row for row in over if (-row["pupils"], row["code"]) > after]
    limit = paging.size(query.limit)
    kept, cursor = paging.page(over, limit, lambda row: (-row["pupils"], row["code"]))
    totals: dict[str, AuthorityExcess] = {}
    for row in rows if after is None else ():
        held = totals.get(row["authority"])
        totals[row["authority"]] = AuthorityExcess(
            authority=row["authority"],
            authority_name=row["authority_name"] or row["authority"],
            schools=(held.schools if held else 0) + 1,
            classes=(held.classes if held else 0) + row["classes"],
            over=(held.over if held else 0) + row["over"],
            pupils=(held.pupils if held else 0) + row["pupils"],
        )
    return ExcessReport(
        authorities=tuple(totals[key] for key in sorted(totals)),
        items=tuple(
            SchoolExcess(
                school=row["code"],
                school_name=row["name"],
                authority=row["authority"],
                classes=row["classes"],
                over=row["over"],
                pupils=row["pupils"],
                largest=row["largest"],
            )
            for row in kept
        ),
        next_cursor=cursor,
    )


def _own(reached: Reach, actor: Actor) -> str:
    return reached.subtree or actor.organisation


@clause("11")
async def create_class(work: RegistryWork, command: CreateClass) -> ClassView | Refused:
    if no := check(command.actor, word(command), Target(school=command.actor.organisation)):
        return no
    school = await organisations.school(work.tx, command.actor.organisation)
    if school is None:
        return refused("not_found", "没有这所学校。")
    if school.stage_of(command.grade) is None:
        return refused("refused", f"{school.name}没有{command.grade}年级。")
    if not 1 <= command.class_no <= MOST_CLASS_NO:
        return refused("invalid", f"班号应为1至{MOST_CLASS_NO}。")
    if bad := _bad_name(command.display_name):
        return bad
    await organisations.hold(work.tx, school)
    klass = records.Klass(command.grade, command.class_no)
    year = registration_year(work.today)
    class_id = records.class_id(school, klass, year)
    held = (await store.hold(work.tx, [class_id])).get(class_id)
    if held is not None and held["closed_on"] is None:
        return refused("conflict", f"已有{policy.class_title(command.grade, command.class_no)}。请使用其他班号。")
    if held is None:
        await records.make_classes(work.tx, school, [klass], year)
    else:
        await store.close_class(work.tx, class_id, None)
    if command.display_name is not None:
        await store.put_name(work.tx, class_id, command.display_name)
    return await _view(work, class_id)


@clause("41")
async def rename_class(work: RegistryWork, command: RenameClass) -> ClassView | Refused:
    """What it is called; its grade and number stay."""
    row = await _mine(work, command, command.class_id)
    if isinstance(row, Refused):
        return row
    if bad := _bad_name(command.display_name):
        return bad
    held = (await store.hold(work.tx, [command.class_id]))[command.class_id]
    if held["version"] != command.version:
        return refused("conflict", f"该班级已被更改（版本{held['version']}）。请刷新后再办理。")
    await store.put_name(work.tx, command.class_id, command.display_name)
    return await _view(work, command.class_id)


@clause("11")
async def close_class(work: RegistryWork, command: CloseClass) -> ClassView | Refused:
    """Only an empty one; a pupil who comes into it later opens it again."""
    row = await _mine(work, command, command.class_id)
    if isinstance(row, Refused):
        return row
    held = (await store.hold(work.tx, [command.class_id]))[command.class_id]
    if held["closed_on"] is not None:
        return refused("conflict", "这个班级已经撤销。")
    size = (await store.sizes(work.tx, [command.class_id]))[command.class_id]
    if size:
        return refused("conflict", f"班级里还有{size}名学生（含建籍中的）。请先将学生调到同年级的其他班级。")
    await store.close_class(work.tx, command.class_id, work.today)
    return await _view(work, command.class_id)


async def _mine(work: RegistryWork, command: RenameClass | CloseClass, class_id: str) -> Refused | None:
    row = await store.class_row(work.tx, class_id)
    target = Target() if row is None else Target(school=row["school"], authority=row["authority"])
    return check(command.actor, word(command), target, missing=NOT_FOUND) or (
        refused("not_found", NOT_FOUND) if row is None else None
    )


async def _view(work: RegistryWork, class_id: str) -> ClassView:
    row = await store.class_row(work.tx, class_id)
    assert row is not None
    return (await views.class_views(work, [row]))[0]


def _bad_name(name: str | None) -> Refused | None:
    if name is None or (name.strip() == name and 0 < len(name) <= 30 and name.isprintable()):
        return None
    return refused("invalid", "班级名称应为1至30个可见字符，前后没有空格。")


COMMANDS: dict[type[Command], CommandHandler] = {
    CreateClass: create_class,
    RenameClass: rename_class,
    CloseClass: close_class,
}
QUERIES: dict[type[Query], QueryHandler] = {
    ListClasses: list_classes,
    GetClass: get_class,
    GetClassExcess: class_excess,
}
