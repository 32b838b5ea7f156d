"""Looking at exports: one's own school's, or those of the subtree."""

from __future__ import annotations

from datetime import datetime

from regulation import authorisation
from regulation.authorisation import target_of
from service_kit import paging
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import ExportPage, ExportView, GetApproval, GetExport, ListExports
from shared_contracts.messages import word

from access.context import AccessWork
from access.exports import store, views


async def get_export(work: AccessWork, query: GetExport | GetApproval) -> ExportView | Refused:
    export = await store.get(work.tx, query.export_id, work.now)
    if export is None:
        return authorisation.check(query.actor, word(query), missing=views.NOT_FOUND) or refused(
            "not_found", views.NOT_FOUND
        )
    target = target_of(export.organisation, export.authority)
    if no := authorisation.check(query.actor, word(query), target, missing=views.NOT_FOUND):
        return no
    return await views.full(work, export.id)


async def list_exports(work: AccessWork, query: ListExports) -> ExportPage | Refused:
    reach = authorisation.reach(query.actor, word(query))
    if isinstance(reach, Refused):
        return reach
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    last = None
    if after is not None:
        try:
            last = (datetime.fromisoformat(str(after[0])), str(after[1]))
        except ValueError:
            return refused("invalid", "翻页标记无效。请从第一页重新开始。")
    limit = paging.size(query.limit)
    found = await store.page(work.tx, reach, query.state, last, limit + 1, work.now)
    kept, cursor = paging.page(found, limit, lambda export: (export.created_at.isoformat(), export.id))
    return ExportPage(items=tuple(map(views.listed, kept)), next_cursor=cursor)
