"""Lists of children of age: looking at one, taking it in, and the children themselves."""

from __future__ import annotations

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, Target, check, reach, subtree_pattern
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.admission import (
    ChildPage,
    ChildrenImport,
    ChildrenImportPage,
    ChildrenImportRow,
    ChildrenImportRows,
    ChildView,
    ConfirmChildrenImport,
    FindChild,
    GetChild,
    GetChildrenImport,
    GetChildrenTemplate,
    ListChildren,
    ListChildrenImportRows,
    ListChildrenImports,
    OpenChildrenImport,
    RemoveChild,
)
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Query, word
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.enrolment.admission import held
from registry.enrolment.children import finding, policy, sheet, store, views
from registry.enrolment.children.policy import enrolment_year
from registry.enrolment.children.tables import children, imports
from registry.rosters import uploaded
from registry.rosters.access import names_of
from registry.rosters.template import MEDIA_TYPE

NO_IMPORT = "没有这份名单，或者它不属于您管理的范围。"
NO_CHILD = "没有这名儿童，或者不属于您管理的范围。"


@clause("5.2")
async def open_import(work: RegistryWork, command: OpenChildrenImport) -> ChildrenImport | Refused:
    """The list is looked at by a worker; nothing is taken in yet."""
    actor = command.actor
    if no := check(actor, word(command), Target(authority=actor.organisation)):
        return no
    if fault := policy.county_fault(actor.organisation):
        return refused("refused", f"{fault.message}。请{fault.cure}。", fault)
    if no := uploaded.too_large(command.file, sheet.LIMITS, "请删除图片和无关工作表，或分成几个文件上传。"):
        return no
    if await store.get_import(work.tx, command.import_id) is not None:
        return refused("conflict", "这个编号已用于另一份名单。请重新上传。")
    await store.put_import(
        work.tx,
        {
            "id": command.import_id,
            "county": actor.organisation,
            "school_year": enrolment_year(work.today),
            "account": actor.account,
            "created_by": actor.name,
            "created_at": work.now,
            "file": msgspec.to_builtins(command.file),
        },
    )
    work.after_commit(work.deps.wake_children)
    return await _view(work, command.import_id)


@clause("5.2")
async def confirm_import(work: RegistryWork, command: ConfirmChildrenImport) -> ChildrenImport | Refused:
    """What was accepted is taken in by the worker; refused rows are left out."""
    found = await _own(work, command.actor, word(command), command.import_id, lock=True)
    if isinstance(found, Refused):
        return found
    if found["state"] in ("taking", "done"):
        return _import(found)
    if found["state"] != "checked":
        return refused("conflict", "名单还没有检查完，或者无法读取。请刷新后查看。")
    if command.version is not None and command.version != found["version"]:
        return refused("conflict", "名单在您查看之后有变化。请刷新后再确认。")
    if not found["accepted"]:
        return refused("refused", "没有可以列入名单的行。请按提示改正后重新上传。")
    await store.taking(work.tx, command.import_id)
    work.after_commit(work.deps.wake_children)
    return await _view(work, command.import_id)


async def get_import(work: RegistryWork, query: GetChildrenImport) -> ChildrenImport | Refused:
    found = await _own(work, query.actor, word(query), query.import_id)
    return found if isinstance(found, Refused) else _import(found)


async def list_imports(work: RegistryWork, query: ListChildrenImports) -> ChildrenImportPage | Refused:
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    seen = reach(query.actor, word(query))
    if isinstance(seen, Refused):
        return seen
    limit = paging.size(query.limit)
    scope = of_county(seen, imports.c.county)
    rows = await store.page_of_imports(work.tx, scope, str(after[0]) if after else None, limit + 1)
    items, cursor = paging.page(rows, limit, lambda row: (row["id"],))
    return ChildrenImportPage(items=tuple(map(_import, items)), next_cursor=cursor)


async def list_import_rows(work: RegistryWork, query: ListChildrenImportRows) -> ChildrenImportRows | Refused:
    after = paging.decode(query.cursor, int)
    if isinstance(after, Refused):
        return after
    found = await _own(work, query.actor, word(query), query.import_id)
    if isinstance(found, Refused):
        return found
    limit = paging.size(query.limit)
    rows = await store.page_of_rows(work.tx, query.import_id, query.outcome, int(after[0]) if after else 0, limit + 1)
    items, cursor = paging.page(rows, limit, lambda row: (row["row"],))
    names = await names_of(work.tx, {row["school"] for row in items if row["school"]})
    return ChildrenImportRows(
        items=tuple(
            ChildrenImportRow(
                row=row["row"],
                outcome=row["outcome"],
                name=row["name"],
                masked_document=row["masked_document"],
                school=row["school"],
                school_name=names.get(row["school"] or ""),
                street=row["street"],
                child_id=row["child_id"],
                findings=msgspec.convert(row["findings"], tuple[Finding, ...]),
            )
            for row in items
        ),
        next_cursor=cursor,
    )


async def get_template(work: RegistryWork, query: GetChildrenTemplate) -> Template | Refused:
    if no := check(query.actor, word(query), Target(authority=query.actor.organisation)):
        return no
    if fault := policy.county_fault(query.actor.organisation):
        return refused("refused", f"{fault.message}。请{fault.cure}。", fault)
    content = sheet.template(query.actor.organisation)
    return Template(name=f"{sheet.TITLE}.xlsx", content=content, media_type=MEDIA_TYPE)


@clause("5.2", "6")
async def list_children(work: RegistryWork, query: ListChildren) -> ChildPage | Refused:
    """The counties' children; address and telephone are shown of one child alone."""
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    seen = reach(query.actor, word(query))
    if isinstance(seen, Refused):
        return seen
    scope = of_county(seen, children.c.county)
    if query.county is not None:
        scope = sa.and_(scope, children.c.county == query.county)
    limit = paging.size(query.limit)
    year = query.school_year or enrolment_year(work.today)
    rows = await store.page(
        work.tx,
        scope,
        school_year=year,
        stage=query.stage,
        state=query.state,
        by_hand=query.by_hand,
        name=query.name,
        after=str(after[0]) if after else None,
        limit=limit + 1,
    )
    items, cursor = paging.page(rows, limit, lambda row: (row["id"],))
    places = await held.of_children(work.tx, [row["id"] for row in items])
    names = await names_of(work.tx, {school for _, school in places.values()})
    return ChildPage(items=tuple(views.view(row, places, names, work.today) for row in items), next_cursor=cursor)


async def get_child(work: RegistryWork, query: GetChild) -> ChildView | Refused:
    row = await store.get(work.tx, query.child_id)
    if no := check(query.actor, word(query), Target(authority=row["county"] if row else None), missing=NO_CHILD):
        return no
    if row is None:
        return refused("not_found", NO_CHILD)
    return await whole(work, row)


@clause("5.2")
async def remove_child(work: RegistryWork, command: RemoveChild) -> ChildView | Refused:
    """Off the list; one who has a place gives it back first."""
    row = (await store.lock(work.tx, [command.child_id])).get(command.child_id)
    target = Target(authority=row["county"] if row else None)
    if no := check(command.actor, word(command), target, missing=NO_CHILD):
        return no
    if row is None:
        return refused("not_found", NO_CHILD)
    if command.version is not None and command.version != row["version"]:
        return refused("conflict", "这名儿童的信息在您查看之后有变化。请刷新后再办理。")
    if row["state"] == "left":
        return refused("conflict", "这名儿童已不在名单中。")
    if row["state"] == "placed":
        return refused("conflict", "这名儿童已安排学校。请先撤销入学安排，再移出名单。")
    await store.set_state(work.tx, [row["id"]], "left", reason=command.reason)
    after = await store.get(work.tx, row["id"])
    assert after is not None
    return await whole(work, after)


# ---- what they are made of --------------------------------------------------------------------------------------------


def of_county(seen: Reach, county: sa.ColumnElement[str]) -> sa.ColumnElement[bool]:
    """Rows of counties that a list reaches."""
    if seen.everything:
        return sa.true()
    ways: list[sa.ColumnElement[bool]] = []
    if seen.subtree is not None:
        ways.append(county.like(subtree_pattern(seen.subtree)))
    if seen.supervised is not None:
        ways.append(county == seen.supervised)
    return sa.or_(*ways) if ways else sa.false()


async def whole(work: RegistryWork, row: RowMapping) -> ChildView:
    """One child with everything that is kept of it."""
    places = await held.of_children(work.tx, [row["id"]])
    names = await names_of(work.tx, {school for _, school in places.values()})
    kept = store.unseal(work.deps.cipher, row["id"], row["sealed"])
    return msgspec.structs.replace(
        views.view(row, places, names, work.today), address=kept.address, guardian=kept.guardian, phone=kept.phone
    )


async def _own(
    work: RegistryWork, actor: Actor, act: str, import_id: str, *, lock: bool = False
) -> RowMapping | Refused:
    found = await store.get_import(work.tx, import_id, lock=lock)
    target = Target(authority=None if found is None else found["county"])
    if no := check(actor, act, target, missing=NO_IMPORT):
        return no
    return refused("not_found", NO_IMPORT) if found is None else found


async def _view(work: RegistryWork, import_id: str) -> ChildrenImport:
    found = await store.get_import(work.tx, import_id)
    assert found is not None
    return _import(found)


def _import(row: RowMapping) -> ChildrenImport:
    return ChildrenImport(
        file_name=msgspec.convert(row["file"], FileRef).name,
        **{name: row[name] for name in ChildrenImport.__struct_fields__ if name != "file_name"},
    )


COMMANDS: dict[type[Command], CommandHandler] = {
    OpenChildrenImport: open_import,
    ConfirmChildrenImport: confirm_import,
    RemoveChild: remove_child,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetChildrenImport: get_import,
    ListChildrenImports: list_imports,
    ListChildrenImportRows: list_import_rows,
    GetChildrenTemplate: get_template,
    ListChildren: list_children,
    FindChild: finding.find_child,
    GetChild: get_child,
}
