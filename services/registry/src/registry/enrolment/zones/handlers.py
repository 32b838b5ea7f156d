"""Setting zones (the supervising authority) and looking at them: which school serves an address is no secret."""

from __future__ import annotations

from regulation.authorisation import check
from regulation.divisions import DIVISIONS
from regulation.mark import clause
from service_kit import paging
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.admission import (
    EndZone,
    FindZone,
    GetZone,
    GetZoneTemplate,
    ListZones,
    ReadZones,
    SetZones,
    ZoneHistory,
    ZoneMatch,
    ZoneMatches,
    ZonePage,
)
from shared_contracts.decisions import Refused, refused
from shared_contracts.messages import Command, Query, word

from registry.context import RegistryWork
from registry.enrolment.zones import setting, store, views, workbook
from registry.rosters.access import names_of


async def list_zones(work: RegistryWork, query: ListZones) -> ZonePage | Refused:
    if no := check(query.actor, word(query)):
        return no
    after = paging.decode(query.cursor, str, str)
    if isinstance(after, Refused):
        return after
    limit = paging.size(query.limit)
    found = await store.page(
        work.tx,
        on=query.on or work.today,
        school=query.school,
        division=query.division,
        stage=query.stage,
        after=(str(after[0]), str(after[1])) if after else None,
        limit=limit + 1,
    )
    items, cursor = paging.page(found, limit, lambda zone: (zone.school, zone.stage))
    names = await names_of(work.tx, {zone.school for zone in items})
    return ZonePage(items=tuple(views.view(zone, names) for zone in items), next_cursor=cursor)


async def get_zone(work: RegistryWork, query: GetZone) -> ZoneHistory | Refused:
    if no := check(query.actor, word(query)):
        return no
    versions = await store.versions(work.tx, query.school, query.stage)
    if not versions:
        return refused("not_found", setting.NO_ZONE)
    names = await names_of(work.tx, {query.school})
    return ZoneHistory(items=tuple(views.view(zone, names) for zone in versions))


@clause("5.2")
async def find_zone(work: RegistryWork, query: FindZone) -> ZoneMatches | Refused:
    if no := check(query.actor, word(query)):
        return no
    division = DIVISIONS.get(query.division)
    if division is None or division.level != "county":
        return refused("invalid", "没有这个县（市、区）。请填写6位县级行政区划代码。")
    zones = await store.holding(work.tx, [query.division], query.stage, query.on or work.today)
    matched = zones.of(query.division, query.address)
    names = await names_of(work.tx, {one.school for one in matched})
    return ZoneMatches(
        items=tuple(
            ZoneMatch(school=one.school, school_name=names.get(one.school, one.school), street=one.street)
            for one in matched
        )
    )


COMMANDS: dict[type[Command], CommandHandler] = {SetZones: setting.set_zones, EndZone: setting.end_zone}
QUERIES: dict[type[Query], QueryHandler] = {
    ListZones: list_zones,
    GetZone: get_zone,
    FindZone: find_zone,
    ReadZones: workbook.read_zones,
    GetZoneTemplate: workbook.get_zone_template,
}
