"""Handing over and receiving paper archives; lists of what is owed. The tables at the end are all that it does."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
from regulation.authorisation import MISSING, Target, check, may
from regulation.mark import clause
from service_kit import listing, paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.handover import (
    GetHandover,
    HandingWay,
    HandOverArchives,
    HandoverPage,
    HandoverState,
    HandoverView,
    ListHandovers,
    ListPassedArchives,
    PassedArchive,
    PassedArchivePage,
    ReceiveArchives,
)
from shared_contracts.messages import Command, Query, word
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.handover import policy, store
from registry.handover.tables import handovers
from registry.inspection import watching
from registry.reach import of_schools

_h = handovers.c
HAND_OVER, RECEIVE = word(HandOverArchives), word(ReceiveArchives)


@clause("21.2", "48")
async def hand_over_archives(work: RegistryWork, command: HandOverArchives) -> HandoverView | Refused:
    row = await _locked(work, command, receiving=False)
    if isinstance(row, Refused):
        return row
    there = await store.of_handover(work.tx, command.handover_id)
    named = command.students or tuple(there)
    left = [one for one in named if one in there and not (there[one]["handed_on"] or there[one]["received_on"])]
    faults = _faults(
        policy.strangers_fault(sum(one not in there for one in named)),
        policy.nothing_left(len(left), receiving=False),
        policy.day_of_handing(command.on, row["left_on"], work.today),
        policy.carrier_fault(command.carried_by),
    )
    if faults:
        return _told(faults)
    await store.hand_over(
        work.tx, command.handover_id, left, on=command.on, way=command.way, carried_by=command.carried_by.strip(),
        name=command.actor.name, account=command.actor.account,
    )  # fmt: skip
    await store.settle(work.tx, [command.handover_id])
    return await _view(work, command.actor, command.handover_id)


@clause("21.2", "48")
async def receive_archives(work: RegistryWork, command: ReceiveArchives) -> HandoverView | Refused:
    """What the old school owed is owed no more: its finding ends at once where nothing else is late."""
    row = await _locked(work, command, receiving=True)
    if isinstance(row, Refused):
        return row
    there = await store.of_handover(work.tx, command.handover_id)
    named = command.students or tuple(there)
    left = [one for one in named if one in there and not there[one]["received_on"]]
    handed = [there[one]["handed_on"] for one in left if there[one]["handed_on"]]
    faults = _faults(
        policy.strangers_fault(sum(one not in there for one in named)),
        policy.nothing_left(len(left), receiving=True),
        policy.day_of_receipt(command.on, max([row["left_on"], *handed]), work.today),
    )
    if faults:
        return _told(faults)
    actor = command.actor
    await store.receive(work.tx, command.handover_id, left, on=command.on, name=actor.name, account=actor.account)
    await store.settle(work.tx, [command.handover_id])
    await watching.look_at(work, watching.ARCHIVE_NOT_PASSED, row["from_school"])
    return await _view(work, actor, command.handover_id)


async def get_handover(work: RegistryWork, query: GetHandover) -> HandoverView | Refused:
    row = await _seen(work, query.actor, word(query), query.handover_id)
    return row if isinstance(row, Refused) else _shown(work, query.actor, row)


async def list_handovers(work: RegistryWork, query: ListHandovers) -> HandoverPage | Refused:
    asked = listing.by_day(query)
    if isinstance(asked, Refused):
        return asked
    out = of_schools(asked.reach, school=_h.from_school, authority=store.FROM.c.authority)
    into = of_schools(asked.reach, school=_h.to_school, authority=store.TO.c.authority)
    if query.school is not None:
        out, into = sa.and_(out, _h.from_school == query.school), sa.and_(into, _h.to_school == query.school)
    condition = {"out": out, "in": into}.get(query.direction or "", sa.or_(out, into))
    done = HandoverState.DONE
    wanted = _h.state != done if query.state is None else _h.state == query.state
    rows = await store.handovers(work.tx, sa.and_(condition, wanted), after=asked.after, limit=asked.rows)
    kept, cursor = paging.page(rows, asked.limit, lambda row: (row["due_on"].isoformat(), row["id"]))
    return HandoverPage(items=tuple(_shown(work, query.actor, row) for row in kept), next_cursor=cursor)


async def list_passed_archives(work: RegistryWork, query: ListPassedArchives) -> PassedArchivePage | Refused:
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    row = await _seen(work, query.actor, word(query), query.handover_id)
    if isinstance(row, Refused):
        return row
    limit = paging.size(query.limit)
    place = (str(after[0]), str(after[1])) if after else None
    rows = await store.archives(work.tx, query.handover_id, after=place, limit=limit + 1)
    kept, cursor = paging.page(rows, limit, lambda one: (one["name"], one["student_id"]))
    return PassedArchivePage(items=tuple(_archive(one) for one in kept), next_cursor=cursor)


async def _locked(
    work: RegistryWork, command: HandOverArchives | ReceiveArchives, *, receiving: bool
) -> RowMapping | Refused:
    """The handover under lock, if its side of it is the actor's."""
    await store.lock(work.tx, [command.handover_id])
    row = await _row(work, command.handover_id)
    target = Target() if row is None else _side(row, receiving=receiving)
    if no := check(command.actor, word(command), target, missing=MISSING):
        return no
    return row if row is not None else refused("not_found", MISSING)


async def _seen(work: RegistryWork, actor: Actor, act: str, handover_id: str) -> RowMapping | Refused:
    """Both schools and their authorities see it."""
    row = await _row(work, handover_id)
    if row is not None and any(may(actor, act, _side(row, receiving=one)) for one in (False, True)):
        return row
    return check(actor, act, missing=MISSING) or refused("not_found", MISSING)


async def _row(work: RegistryWork, handover_id: str) -> RowMapping | None:
    rows = await store.handovers(work.tx, _h.id == handover_id)
    return rows[0] if rows else None


def _side(row: RowMapping, *, receiving: bool) -> Target:
    name = "to" if receiving else "from"
    return Target(school=row[f"{name}_school"], authority=row[f"{name}_authority"])


async def _view(work: RegistryWork, actor: Actor, handover_id: str) -> HandoverView:
    row = await _row(work, handover_id)
    assert row is not None
    return _shown(work, actor, row)


def _shown(work: RegistryWork, actor: Actor, row: RowMapping) -> HandoverView:
    state = HandoverState(row["state"])
    acts: list[Any] = []
    if state is not HandoverState.DONE:
        if row["handed"] < row["pupils"] and may(actor, HAND_OVER, _side(row, receiving=False)):
            acts.append("hand_over")
        if may(actor, RECEIVE, _side(row, receiving=True)):
            acts.append("receive")
    return HandoverView(
        id=row["id"],
        from_school=row["from_school"],
        from_school_name=row["from_name"] or row["from_school"],
        to_school=row["to_school"],
        to_school_name=row["to_name"] or row["to_school"],
        left_on=row["left_on"],
        due_on=row["due_on"],
        overdue=policy.is_overdue(state, row["due_on"], work.today),
        state=state,
        pupils=row["pupils"],
        handed=row["handed"],
        received=row["received"],
        may=tuple(acts),
    )


def _archive(row: RowMapping) -> PassedArchive:
    day: date | None = row["handed_on"]
    return PassedArchive(
        student_id=row["student_id"],
        name=row["name"],
        student_number=row["student_number"],
        handed_on=day,
        way=HandingWay(row["way"]) if row["way"] else None,
        carried_by=row["carried_by"],
        handed_by=row["handed_by"],
        received_on=row["received_on"],
        received_by=row["received_by"],
    )


def _faults(*found: Finding | None) -> tuple[Finding, ...]:
    return tuple(one for one in found if one is not None)


def _told(faults: tuple[Finding, ...]) -> Refused:
    return refused("refused", f"{faults[0].message}。{faults[0].cure}。", *faults)


COMMANDS: dict[type[Command], CommandHandler] = {
    HandOverArchives: hand_over_archives,
    ReceiveArchives: receive_archives,
}
QUERIES: dict[type[Query], QueryHandler] = {
    GetHandover: get_handover,
    ListHandovers: list_handovers,
    ListPassedArchives: list_passed_archives,
}
