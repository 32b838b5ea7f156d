"""Organisations from a workbook: looked at first, row by row, and then carried out as they were shown, or not at all.

A workbook holds 5,000 rows at most: it is read (in a child process) and judged while the caller waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from regulation.authorisation import Target, check, may
from regulation.findings import refuse
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Command, Query, word
from shared_contracts.organisations import (
    ChangeSupervision,
    ConfirmImport,
    CreateOrganisation,
    GetImport,
    GetImportTemplate,
    ImportTotals,
    ListImportRows,
    OpenImport,
    OrganisationImport,
    OrganisationImportPage,
    ReviseOrganisation,
)
from shared_contracts.registry import Template
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.organisations import changing, imports, policy, sheet, store, supervision, template
from registry.organisations.changing import Planned
from registry.organisations.sheet import Read
from registry.rosters import uploaded

NOT_FOUND = "没有这次导入，或者它不属于您管理的范围。"
CURE = "请把数据复制到空白模板后重新上传。"


@clause("3.1", "44")
async def open_import(work: RegistryWork, command: OpenImport) -> OrganisationImport | Refused:
    """The dry run: nothing is changed yet."""
    actor = command.actor
    if no := check(actor, word(command), Target(authority=actor.organisation)):
        return no
    if fault := policy.day_fault(command.effective_from, work.today):
        return refused("invalid", f"{fault.message}。请{fault.cure}。", fault)
    if await imports.get(work.tx, command.import_id) is not None:
        return refused("conflict", "这个编号已用于另一次导入。请重新上传。")
    rows = await uploaded.rows(work, "organisations", command.file, sheet.LIMITS, cure=CURE)
    if isinstance(rows, Refused):
        return rows
    read = sheet.organisations(rows)
    found = await _judged(work, actor, read, command)
    counts = Counter(row["outcome"] for row in found)
    totals = {name: counts[name] for name in ImportTotals.__struct_fields__} | {"rows": len(found)}
    await imports.put(
        work.tx,
        {
            "id": command.import_id,
            "organisation": actor.organisation,
            "account": actor.account,
            "created_by": actor.name,
            "created_at": work.now,
            "file_name": command.file.name[:200],
            "effective_from": command.effective_from,
            **totals,
        },
        [{"import_id": command.import_id, **row} for row in found],
    )
    return await _view(work, command.import_id)


@clause("3.1", "44")
async def confirm_import(work: RegistryWork, command: ConfirmImport) -> OrganisationImport | Refused:
    """All rows, as they were shown. What has changed since then shows in another outcome: then it is looked at anew."""
    actor = command.actor
    found = await _own(work, actor, word(command), command.import_id, lock=True)
    if isinstance(found, Refused):
        return found
    if found["state"] == "confirmed":
        return imports.view(found)
    if command.version is not None and command.version != found["version"]:
        return refused("conflict", "这次导入在您查看之后有变化。请刷新后再确认。")
    if found["refused"]:
        return refused("refused", f"有{found['refused']}行不符合要求，没有导入任何机构。请按提示改正后重新上传。")
    shown = await imports.planned(work.tx, command.import_id)
    planned = await changing.plan(work, [view for _, _, view in shown], found["effective_from"])
    stale = [row for (row, outcome, _), one in zip(shown, planned, strict=True) if one.outcome != outcome]
    if stale:
        return refused("conflict", f"检查之后机构信息有变化（第{stale[0]}行等{len(stale)}行）。请重新上传检查。")
    if any(_beyond(actor, one) for one in planned):
        return refused("conflict", "检查之后有机构已不属于您管理的范围。请重新上传检查。")
    await changing.carry_out(work, planned, found["effective_from"], actor, f"批量导入：{supervision.REASON}")
    await imports.confirmed(work.tx, command.import_id, actor.account, work.now)
    return await _view(work, command.import_id)


async def get_import(work: RegistryWork, query: GetImport) -> OrganisationImport | Refused:
    found = await _own(work, query.actor, word(query), query.import_id)
    return found if isinstance(found, Refused) else imports.view(found)


async def list_import_rows(work: RegistryWork, query: ListImportRows) -> OrganisationImportPage | Refused:
    after = paging.decode(query.cursor, int)
    if isinstance(after, Refused):
        return after
    found = await _own(work, query.actor, word(query), query.import_id)
    if isinstance(found, Refused):
        return found
    limit = paging.size(query.limit)
    rows = await imports.page(work.tx, query.import_id, query.outcome, int(after[0]) if after else 0, limit + 1)
    items, cursor = paging.page(rows, limit, lambda row: (row.row,))
    return OrganisationImportPage(items=tuple(items), next_cursor=cursor)


async def get_import_template(work: RegistryWork, query: GetImportTemplate) -> Template | Refused:
    if no := check(query.actor, word(query), Target(authority=query.actor.organisation)):
        return no
    return Template(name=f"{sheet.TITLE}.xlsx", content=template.template(), media_type=template.MEDIA_TYPE)


# ---- what they are made of --------------------------------------------------------------------------------------------


async def _judged(work: RegistryWork, actor: Actor, read: Sequence[Read], command: OpenImport) -> list[dict[str, Any]]:
    """Each row as it is kept: what it would do, or why not."""
    known = {one.code: one for one in read if one.view is not None}
    before = {r["code"]: store.view(r) for r in await store.lock_versions(work.tx, list(known))}
    views = [sheet.keep_parent(one.view, before.get(code)) for code, one in known.items() if one.view is not None]
    planned = {one.view.code: one for one in await changing.plan(work, views, command.effective_from)}
    return [_kept(one, planned.get(one.code) if one.view is not None else None, actor) for one in read]


def _kept(read: Read, planned: Planned | None, actor: Actor) -> dict[str, Any]:
    found, outcome, changes = read.findings, "refused", {}
    if planned is not None:
        found, outcome = planned.findings, planned.outcome
        if outcome != "unchanged" and (beyond := _beyond(actor, planned)):
            found, outcome = (beyond, *found), "refused"
        if planned.before is not None and outcome == "changed":
            changes = sheet.changes(planned.before, planned.view)
    return {
        "row": read.row,
        "outcome": outcome,
        "code": read.code,
        "name": read.name,
        "organisation": None if planned is None else planned.view,
        "changes": changes,
        "findings": found,
    }


def _beyond(actor: Actor, planned: Planned) -> Finding | None:
    """A row that the actor may not carry out one by one may not be carried out in bulk either."""
    if planned.outcome == "unchanged":
        return None
    act: type[Command] = CreateOrganisation if planned.before is None else ReviseOrganisation
    if planned.before is not None and planned.before.authority != planned.view.authority:
        act = ChangeSupervision
    if all(may(actor, word(act), Target(authority=authority)) for authority in planned.answerable):
        return None
    return refuse(
        "3.1",
        "organisation.out_of_reach",
        f"{planned.view.code}：不属于您管理的范围",
        cure="由其主管教育行政部门（或共同的上级）办理",
        fields=("authority",),
    )


async def _own(
    work: RegistryWork, actor: Actor, act: str, import_id: str, *, lock: bool = False
) -> RowMapping | Refused:
    """An import of the actor's own authority or one below it."""
    found = await imports.get(work.tx, import_id, lock=lock)
    target = Target(authority=None if found is None else found["organisation"])
    if no := check(actor, act, target, missing=NOT_FOUND):
        return no
    return refused("not_found", NOT_FOUND) if found is None else found


async def _view(work: RegistryWork, import_id: str) -> OrganisationImport:
    found = await imports.get(work.tx, import_id)
    assert found is not None
    return imports.view(found)


COMMANDS: dict[type[Command], CommandHandler] = {OpenImport: open_import, ConfirmImport: confirm_import}
QUERIES: dict[type[Query], QueryHandler] = {
    GetImport: get_import,
    ListImportRows: list_import_rows,
    GetImportTemplate: get_import_template,
}
