"""Overdue steps: the league table of who has them, and which they are (24.6.4)."""

from __future__ import annotations

from datetime import date, timedelta

import asyncpg
from regulation.authorisation import MISSING, Target, check, is_school, reach, subtree_pattern, target_of
from regulation.divisions import DIVISIONS
from regulation.mark import clause
from service_kit import organisations, paging
from service_kit.work import QueryHandler
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Query, word
from shared_contracts.transfer import STEP_TITLES, Step
from shared_contracts.transfer_reports import GetLateTable, LateCase, LateCases, LateSteps, LateTable, ListLateCases

from transfer.context import TransferWork
from transfer.reports import store

LOOKED_BACK = timedelta(days=180)
MOST = 200
"""Rows of the table: who is further down is not whom somebody has to call today."""


@clause("24.6.4")
async def late_table(work: TransferWork, query: GetLateTable) -> LateTable | Refused:
    """Where steps wait beyond their last day, and where they were decided late."""
    may = reach(query.actor, word(query))
    if isinstance(may, Refused):
        return may
    within = query.within or query.actor.organisation
    if query.within is not None:
        known = within if within in DIVISIONS else None
        if no := check(query.actor, word(query), Target(authority=known), missing=MISSING):
            return no
        if known is None:
            return refused("not_found", "没有这个教育行政部门。")
    since = query.since or work.today - LOOKED_BACK
    rows = await store.late(work.tx, work.today, since, subtree_pattern(within), by=query.by, limit=MOST)
    return LateTable(
        since=since,
        by=query.by,
        within=within,
        within_name=(await organisations.names(work.tx, {within})).get(within, within),
        items=tuple(_steps(work, row) for row in rows),
        left_off=rows[0]["groups"] - len(rows) if rows else 0,
    )


@clause("24.6.4")
async def late_cases(work: TransferWork, query: ListLateCases) -> LateCases | Refused:
    """The overdue steps of one organisation, of cases that the actor may open."""
    code = query.organisation
    target = target_of(code, (await organisations.authority_of(work.tx, {code}))[code])
    if no := check(query.actor, word(query), target, missing=MISSING):
        return no
    if not is_school(code) and code not in DIVISIONS:
        return refused("not_found", MISSING)
    after = paging.decode(query.cursor, int, int, str, int)
    if isinstance(after, Refused):
        return after
    since = query.since or work.today - LOOKED_BACK
    limit = paging.size(query.limit)
    sees = subtree_pattern(query.actor.organisation)
    rows = await store.late_cases(work.tx, code, work.today, since, sees, after=after or (0, 0, "", 0), limit=limit + 1)
    kept, cursor = paging.page(rows, limit, lambda row: (row["part"], row["place"], row["id"], row["version"]))
    total = await store.late_of(work.tx, work.today, since, code)
    name = (await organisations.names(work.tx, {code}))[code]
    none = LateSteps(organisation=code, organisation_name=name, now=0, decided_late=0, worst=0)
    return LateCases(
        since=since,
        totals=none if total is None else _steps(work, total),
        items=tuple(_case(work, row) for row in kept),
        next_cursor=cursor,
    )


def _steps(work: TransferWork, row: asyncpg.Record) -> LateSteps:
    return LateSteps(
        organisation=row["organisation"],
        organisation_name=row["name"] or row["organisation"],
        now=row["waiting"],
        decided_late=row["decided"],
        worst=_beyond(work, row["oldest"], work.today) if row["oldest"] else 0,
    )


def _case(work: TransferWork, row: asyncpg.Record) -> LateCase:
    return LateCase(
        transfer_id=row["id"],
        number=row["number"],
        step=row["step"],
        step_title=STEP_TITLES[Step(row["step"])],
        from_school_name=row["from_name"] or row["from_school"],
        to_school_name=row["to_name"] or row["to_school"],
        due_on=row["due_on"],
        decided_on=row["decided_on"],
        days=_beyond(work, row["due_on"], row["decided_on"] or work.today),
    )


def _beyond(work: TransferWork, due: date, day: date) -> int:
    return work.deps.calendar.working_days_between(due, day).count


QUERIES: dict[type[Query], QueryHandler] = {GetLateTable: late_table, ListLateCases: late_cases}
