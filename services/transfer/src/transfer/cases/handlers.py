"""Queries and events of transfers; the tables at the end are all that the capability does."""

from __future__ import annotations

from regulation.authorisation import MISSING, check
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.work import CommandHandler, EventHandler, QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.holds import ChangeApplied, ChangeFailed
from shared_contracts.messages import Command, Event, Query, word
from shared_contracts.transfer import (
    DecideTransfer,
    GetTransfer,
    ListRooms,
    ListTransfers,
    OpenTransfer,
    PrecheckTransfer,
    RerouteTransfer,
    ResubmitTransfer,
    RetryTransfer,
    Rooms,
    TrackTransfer,
    TransferPage,
    TransferView,
    WithdrawTransfer,
)

from transfer.cases import deciding, opening, store, telling, tracking, views
from transfer.cases.chain import kind_of
from transfer.context import TransferWork
from transfer.outside import coming

ROOMS = 10


@clause("3.1", "24.5.1")
async def get_transfer(work: TransferWork, query: GetTransfer) -> TransferView | Refused:
    found = await store.get(work.tx, query.transfer_id)
    if found is None or not views.sees(query.actor, word(query), found):
        return check(query.actor, word(query)) or refused("not_found", MISSING)
    return await views.view(work, query.actor, found)


@clause("3.1", "24.5.1")
async def list_transfers(work: TransferWork, query: ListTransfers) -> TransferPage | Refused:
    asked = listing.by_moment(query)
    if isinstance(asked, Refused):
        return asked
    rows = await store.page(
        work.tx,
        asked.reach,
        side=query.side,
        school=query.school,
        student_id=query.student_id,
        state=query.state,
        overdue_on=work.today if query.overdue else None,
        after=asked.after,
        limit=asked.rows,
    )
    kept, cursor = paging.page(rows, asked.limit, lambda one: (one.opened_at.isoformat(), one.id))
    return TransferPage(items=await views.views(work, query.actor, kept), next_cursor=cursor)


@clause("24.5.2")
async def list_rooms(work: TransferWork, query: ListRooms) -> Rooms | Refused:
    """Public schools to which the authority may send this case, nearest first."""
    found = await store.get(work.tx, query.transfer_id)
    if found is None:
        return check(query.actor, word(query)) or refused("not_found", MISSING)
    if no := check(query.actor, word(query), views.receiving(found)):
        return no
    return await opening.rooms_for(work, found, ROOMS)


@clause("21.2", "24.5.1")
async def change_applied(work: TransferWork, event: ChangeApplied) -> None:
    """The record has arrived."""
    found = await store.get(work.tx, event.case_id, lock=True)
    if event.kind != "transfer" or found is None:
        return
    if found.side == "from":
        await coming.registered(work, found, event)
        return
    if found.outcome not in ("moving", "attention"):
        return
    found = await store.change(
        work.tx,
        found.id,
        work.now,
        outcome="moved",
        class_no=event.class_no,
        completed_on=event.applied_on,
        problem=(),
    )
    await telling.stands(work, kind_of(work, found), found)


@clause("22", "24.5.1")
async def change_failed(work: TransferWork, event: ChangeFailed) -> None:
    """Approved by all and not to be carried out: somebody is asked to look at it. A case that is still under way is told that
    the record has ended: its seat is gone, whoever looks at it sees why, and nobody can approve it."""
    found = await store.get(work.tx, event.case_id, lock=True)
    if event.kind != "transfer" or found is None:
        return
    under_way = found.outcome is None and found.standing.status in ("open", "returned")
    if under_way or found.outcome == "attention":
        await store.change(work.tx, found.id, work.now, seat=False, over=False, problem=event.findings)
    if found.outcome != "moving":
        return
    found = await store.change(work.tx, found.id, work.now, outcome="attention", problem=event.findings)
    await telling.stands(work, kind_of(work, found), found)


COMMANDS: dict[type[Command], CommandHandler] = {
    OpenTransfer: opening.open_transfer,
    DecideTransfer: deciding.decide_transfer,
    RerouteTransfer: deciding.reroute_transfer,
    ResubmitTransfer: deciding.resubmit_transfer,
    WithdrawTransfer: deciding.withdraw_transfer,
    RetryTransfer: deciding.retry_transfer,
    TrackTransfer: tracking.track_transfer,
}
QUERIES: dict[type[Query], QueryHandler] = {
    PrecheckTransfer: opening.precheck_transfer,
    GetTransfer: get_transfer,
    ListTransfers: list_transfers,
    ListRooms: list_rooms,
}
EVENTS: dict[type[Event], EventHandler] = {ChangeApplied: change_applied, ChangeFailed: change_failed}
