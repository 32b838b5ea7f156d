"""Looking at exports: one's own school's, or those of the subtree."""

from __future__ import annotations

from regulation import authorisation
from regulation.authorisation import target_of
from service_kit import listing, paging
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
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    found = await store.page(work.tx, asked.reach, query.state, asked.after, asked.rows, work.now)
    kept, cursor = paging.page(found, asked.limit, lambda export: (export.created_at.isoformat(), export.id))
    return ExportPage(items=tuple(map(views.listed, kept)), next_cursor=cursor)
