"""Loading organisations (operators), and looking at them: the directory is public to every account."""

from __future__ import annotations

from regulation.authorisation import check
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Ok, Query, word
from shared_contracts.organisations import (
    GetOrganisation,
    KnownOrganisations,
    ListKnownOrganisations,
    ListOrganisations,
    ListVersions,
    LoadOrganisations,
    OrganisationHistory,
    OrganisationPage,
    OrganisationRecord,
)

from registry.context import RegistryWork
from registry.organisations import changing, editing, importing, policy, store

MOST = 5_000
"""Organisations of one command at most."""
MOST_KNOWN = 500
NOT_FOUND = "没有这个机构。请核对代码。"


@clause("3.1", "44")
async def load_organisations(work: RegistryWork, command: LoadOrganisations) -> Ok | Refused:
    """All or nothing. What is as it was is left alone, so that loading the same again changes nothing."""
    if no := check(command.actor, word(command)):
        return no
    views = command.organisations
    if len(views) > MOST:
        return refused("too_large", f"一次最多载入{MOST}个机构，请分批载入。")
    if fault := policy.day_fault(command.valid_from, work.today):
        return refused("invalid", f"{fault.message}。请{fault.cure}。", fault)
    if len({view.code for view in views}) < len(views):
        return refused("invalid", "同一机构代码出现了两次。请合并后重新载入。")
    planned = await changing.plan(work, views, command.valid_from)
    found = [finding for one in planned for finding in one.findings]
    if found:
        late = all(finding.code == "organisation.too_early" for finding in found)
        detail = f"有{len(found)}处不符合要求，没有载入任何机构。"
        return refused("conflict" if late else "refused", detail, *found[:100])
    await changing.carry_out(work, planned, command.valid_from, command.actor, "")
    return Ok()


@clause("3.1")
async def list_organisations(work: RegistryWork, query: ListOrganisations) -> OrganisationPage | Refused:
    if no := check(query.actor, word(query)):
        return no
    after = paging.decode(query.cursor, str)
    if isinstance(after, Refused):
        return after
    if query.q is not None and not query.q.isprintable():
        return refused("invalid", "查找的名称含有不可见的字符。请重新录入。")
    limit = paging.size(query.limit)
    rows = await store.page(
        work.tx,
        parent=query.parent,
        kind=query.kind,
        on=query.on,
        name=query.q,
        after=str(after[0]) if after else None,
        limit=limit + 1,
    )
    items, cursor = paging.page(rows, limit, lambda view: (view.code,))
    return OrganisationPage(items=tuple(items), next_cursor=cursor)


@clause("3.1", "44")
async def get_organisation(work: RegistryWork, query: GetOrganisation) -> OrganisationRecord | Refused:
    """As it was on a day: which county was this school under on 1 March?"""
    if no := check(query.actor, word(query)):
        return no
    record = await store.record(work.tx, query.code, query.on)
    if record is None:
        return refused("not_found", NOT_FOUND if query.on is None else f"{query.on}时没有这个机构。请核对代码和日期。")
    return record


@clause("44")
async def list_versions(work: RegistryWork, query: ListVersions) -> OrganisationHistory | Refused:
    if no := check(query.actor, word(query)):
        return no
    versions = await store.versions(work.tx, query.code)
    if not versions:
        return refused("not_found", NOT_FOUND)
    return OrganisationHistory(code=query.code, versions=tuple(versions))


async def list_known(work: RegistryWork, query: ListKnownOrganisations) -> KnownOrganisations | Refused:
    """For the replicas of other services."""
    if no := check(query.actor, word(query)):
        return no
    limit = max(1, min(query.limit, MOST_KNOWN))
    found = await store.known(work.tx, after=query.after or "", limit=limit)
    return KnownOrganisations(organisations=tuple(found), after=found[-1].code if len(found) == limit else None)


COMMANDS: dict[type[Command], CommandHandler] = {
    LoadOrganisations: load_organisations,
    **editing.COMMANDS,
    **importing.COMMANDS,
}
QUERIES: dict[type[Query], QueryHandler] = {
    ListOrganisations: list_organisations,
    GetOrganisation: get_organisation,
    ListVersions: list_versions,
    ListKnownOrganisations: list_known,
    **importing.QUERIES,
}
