"""What the registry does about exports when asked or told; the files are the worker's."""

from __future__ import annotations

from regulation import authorisation
from regulation.authorisation import Target, is_school
from regulation.mark import clause
from service_kit.work import EventHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import (
    CountExportRows,
    ExportApproved,
    ExportProgress,
    ExportRows,
    GetExportProgress,
)
from shared_contracts.messages import Event, Query, word

from registry.context import RegistryWork
from registry.exports import columns, store
from registry.organisations import store as organisations


@clause("45.2")
async def count_export_rows(work: RegistryWork, query: CountExportRows) -> ExportRows | Refused:
    of = query.selection.organisation
    if is_school(of):
        target = Target(school=of, authority=await organisations.authority_of(work.tx, of))
    else:
        target = Target(authority=of)
    if no := authorisation.check(query.actor, word(query), target):
        return no
    reach = authorisation.reach(query.actor, word(query))
    if isinstance(reach, Refused):
        return reach
    found = await work.tx.execute(columns.counting(columns.of_selection(query.selection, reach)))
    return ExportRows(rows=found.scalar_one())


async def export_progress(work: RegistryWork, query: GetExportProgress) -> ExportProgress | Refused:
    export = await store.get(work.tx, query.export_id)
    if export is None:
        return refused("not_found", authorisation.MISSING)
    of = export.approved.requester.organisation
    target = Target(school=of if is_school(of) else None, authority=export.approved.authority)
    if no := authorisation.check(query.actor, word(query), target):
        return no
    return ExportProgress(state=export.state, done=export.done, total=export.total)


@clause("45.2")
async def export_approved(work: RegistryWork, event: ExportApproved) -> None:
    """The worker takes it from here. Told twice, it is one export."""
    await store.take_in(work.tx, event, work.now)


QUERIES: dict[type[Query], QueryHandler] = {
    CountExportRows: count_export_rows,
    GetExportProgress: export_progress,
}
EVENTS: dict[type[Event], EventHandler] = {ExportApproved: export_approved}
