"""Scans when asked: begun over one's own records, and looked at while they run (20.1)."""

from __future__ import annotations

import asyncpg
from regulation.authorisation import MISSING, Target, absent, check, target_of
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.clearing import GetScan, ListScans, ScanPage, ScanState, ScanView, StartScan
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word

from registry.clearing import filing
from registry.clearing.duplicates import store
from registry.context import RegistryWork
from registry.organisations import store as organisations


async def _target(work: RegistryWork, organisation: str) -> Target | None:
    found = await organisations.record(work.tx, organisation)
    if found is None or found.closed:
        return None
    return target_of(organisation, found.organisation.authority)


@clause("20.1")
async def start_scan(work: RegistryWork, command: StartScan) -> ScanView | Refused:
    """各级学籍主管部门、各学校应利用电子学籍系统查重: one scan of an organisation at a time."""
    target = await _target(work, command.organisation)
    if no := check(command.actor, word(command), target or Target()):
        return no
    if target is None:
        return refused("not_found", MISSING)
    await store.put_scan(
        work.tx,
        {
            "id": command.scan_id,
            "organisation": command.organisation,
            "requested_account": command.actor.account,
            "requested_by": command.actor.name,
            "requested_organisation": command.actor.organisation,
            "requested_at": work.now,
        },
    )
    found = await store.scan(work.tx, command.scan_id) or await store.running_scan(work.tx, command.organisation)
    if found is None or found["organisation"] != command.organisation:
        return refused("conflict", "查重刚刚结束，或编号已被使用。请重新开始。")
    return await _view(work, found)


@clause("20.1", "3.1")
async def get_scan(work: RegistryWork, query: GetScan) -> ScanView | Refused:
    found = await store.scan(work.tx, query.scan_id)
    if found is None:
        return absent(query.actor, word(query), MISSING)
    if no := check(query.actor, word(query), await _target(work, found["organisation"]) or Target()):
        return no
    return await _view(work, found)


@clause("20.1", "3.1")
async def list_scans(work: RegistryWork, query: ListScans) -> ScanPage | Refused:
    page = filing.asked(query)
    if isinstance(page, Refused):
        return page
    rows = await store.scans(work.tx, **page.rows())
    kept, cursor = paging.page(rows, page.limit, lambda row: (row["requested_at"].isoformat(), row["id"]))
    return ScanPage(items=tuple([await _view(work, row) for row in kept]), next_cursor=cursor)


async def _view(work: RegistryWork, row: asyncpg.Record) -> ScanView:
    (known,) = await organisations.known(work.tx, codes=[row["organisation"]])
    return ScanView(
        id=row["id"],
        organisation=row["organisation"],
        organisation_name=known.name,
        state=ScanState(row["state"]),
        total=row["total"],
        done=row["done"],
        found=row["found"],
        requested_by=row["requested_by"],
        requested_at=row["requested_at"],
        finished_at=row["finished_at"],
    )


COMMANDS: dict[type[Command], CommandHandler] = {StartScan: start_scan}
QUERIES: dict[type[Query], QueryHandler] = {GetScan: get_scan, ListScans: list_scans}
