"""Loading organisations (operators) and listing them."""

from __future__ import annotations

from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Role
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Command, Ok, Query
from shared_contracts.registry import (
    ListOrganisations,
    LoadOrganisations,
    OrganisationPage,
    OrganisationView,
)

from registry import paging
from registry.context import RegistryWork
from registry.organisations import policy, store

MOST = 5_000
"""Organisations of one command at most."""


async def load_organisations(work: RegistryWork, command: LoadOrganisations) -> Ok | Refused:
    """All or nothing. What is as it was is left alone, so that loading the same again changes nothing."""
    if not command.actor.has(Role.OPERATOR):
        return refused("forbidden", "机构信息由运维人员载入。")
    views = command.organisations
    if len(views) > MOST:
        return refused("too_large", f"一次最多载入{MOST}个机构，请分批载入。")
    if command.valid_from > work.today:
        return refused("invalid", "生效日期晚于今天。请在生效当日载入。")
    codes = [view.code for view in views]
    if len(set(codes)) < len(codes):
        return refused("invalid", "同一机构代码出现了两次。请合并后重新载入。")
    known = {row["code"]: row for row in await store.lock_versions(work.tx, codes)}
    kinds = await store.kinds(work.tx) | {view.code: view.kind for view in views}
    found: list[Finding] = []
    changed: list[OrganisationView] = []
    for view in views:
        found += policy.faults(view, kinds)
        row = known.get(view.code)
        if row is None:
            changed.append(view)
            continue
        before = store.view(row)
        found += policy.change_faults(view, before, row["valid_to"] is None)
        if before == view:
            continue
        if command.valid_from < row["valid_from"]:
            detail = f"{view.code}已有自{row['valid_from']}起的信息，不能从更早的{command.valid_from}起更改。"
            return refused("conflict", detail + "请使用不早于该日的生效日期。")
        changed.append(view)
    if found:
        return refused("refused", f"有{len(found)}处不符合要求，没有载入任何机构。", *found[:100])
    replaced = [
        view.code for view in changed if view.code in known and known[view.code]["valid_from"] < command.valid_from
    ]
    await store.close_versions(work.tx, replaced, command.valid_from)
    await store.put_versions(work.tx, changed, command.valid_from)
    return Ok()


async def list_organisations(work: RegistryWork, query: ListOrganisations) -> OrganisationPage | Refused:
    """The directory of authorities and schools is public to every account."""
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    last = str(after[0]) if after else None
    rows = await store.page(work.tx, query.parent, query.kind, last, limit + 1)
    items, cursor = paging.page(rows, limit, lambda view: (view.code,))
    return OrganisationPage(items=tuple(items), next_cursor=cursor)


COMMANDS: dict[type[Command], CommandHandler] = {LoadOrganisations: load_organisations}
QUERIES: dict[type[Query], QueryHandler] = {ListOrganisations: list_organisations}
