"""Setting zones (the supervising authority) and looking at them: which school serves an address is no secret."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec
from regulation.authorisation import Target, check
from regulation.divisions import DIVISIONS
from regulation.mark import clause
from service_kit import paging
from service_kit.ids import derived
from service_kit.work import CommandHandler, QueryHandler
from shared_contracts.admission import (
    AreaView,
    EndZone,
    FindZone,
    GetZone,
    ListZones,
    Overlap,
    SetZones,
    ZoneGiven,
    ZoneHistory,
    ZoneMatch,
    ZoneMatches,
    ZonePage,
    ZonesSet,
    ZoneView,
)
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import Command, Query, word

from registry.context import RegistryWork
from registry.enrolment.zones import policy, store
from registry.enrolment.zones.matching import Area, normalise
from registry.enrolment.zones.store import Zone
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.rosters.access import names_of

MOST = 500
NO_SCHOOL = "没有这所学校，或者它不由您所在的部门主管。请核对学校标识码。"
NO_ZONE = "这所学校的这个学段没有学区。请核对学校标识码和学段。"


@clause("5.2")
async def set_zones(work: RegistryWork, command: SetZones) -> ZonesSet | Refused:
    """All or nothing. A zone that is as it was is left alone."""
    if not 0 < len(command.zones) <= MOST:
        return refused("invalid", f"一次设定1至{MOST}个学区。")
    if len({(zone.school, zone.stage) for zone in command.zones}) < len(command.zones):
        return refused("invalid", "同一学校的同一学段出现了两次。请合并后重新提交。")
    schools = await _schools(work, command)
    if isinstance(schools, Refused):
        return schools
    found: list[Finding] = []
    planned: list[tuple[ZoneGiven, Zone | None]] = []
    unchanged = 0
    for zone in sorted(command.zones, key=lambda zone: (zone.school, zone.stage)):
        faults = policy.faults(zone, schools[zone.school])
        found.extend(faults)
        versions = await store.lock(work.tx, zone.school, zone.stage)
        last = versions[-1] if versions else None
        if last is not None and last.valid_to is None and _areas(zone) == last.areas:
            unchanged += 1
            continue
        last_from, last_to = (last.valid_from, last.valid_to) if last else (None, None)
        if late := policy.day_fault(command.valid_from, last_from, last_to, work.today):
            found.append(late)
        planned.append((zone, last))
    if found:
        return refused("refused", f"有{len(found)}处不符合要求，没有设定任何学区。", *found[:100])
    if not command.dry_run:
        for zone, last in planned:
            await _put(work, command, zone, last, schools[zone.school])
    overlaps = await _overlaps(work, command)
    return ZonesSet(done=not command.dry_run, changed=len(planned), unchanged=unchanged, overlaps=overlaps)


@clause("5.2")
async def end_zone(work: RegistryWork, command: EndZone) -> ZoneView | Refused:
    school = await organisations.school(work.tx, command.school)
    target = Target(school=command.school, authority=school.authority if school else None)
    if no := check(command.actor, word(command), target, missing=NO_SCHOOL):
        return no
    versions = await store.lock(work.tx, command.school, command.stage)
    last = versions[-1] if versions else None
    if last is None or last.valid_to is not None:
        return refused("not_found", NO_ZONE)
    if command.version is not None and command.version != last.version:
        return refused("conflict", "学区在您查看之后有变化。请刷新后再办理。")
    if fault := policy.end_fault(command.on, last.valid_from, work.today):
        return refused("refused", f"{fault.message}。请{fault.cure}。", fault)
    await store.end(work.tx, last.id, command.on, last.version + 1)
    ended = msgspec.structs.replace(last, valid_to=command.on, version=last.version + 1)
    return view(ended, {command.school: school.name if school else command.school})


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
    return ZonePage(items=tuple(view(zone, names) for zone in items), next_cursor=cursor)


async def get_zone(work: RegistryWork, query: GetZone) -> ZoneHistory | Refused:
    if no := check(query.actor, word(query)):
        return no
    versions = await store.versions(work.tx, query.school, query.stage)
    if not versions:
        return refused("not_found", NO_ZONE)
    names = await names_of(work.tx, {query.school})
    return ZoneHistory(items=tuple(view(zone, names) for zone in versions))


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


# ---- what they are made of --------------------------------------------------------------------------------------------


async def _schools(work: RegistryWork, command: SetZones) -> dict[str, SchoolFacts] | Refused:
    """The schools, each of them the actor's own to supervise."""
    schools: dict[str, SchoolFacts] = {}
    for code in sorted({zone.school for zone in command.zones}):
        school = await organisations.school(work.tx, code)
        target = Target(school=code, authority=school.authority if school else None)
        if no := check(command.actor, word(command), target, missing=NO_SCHOOL):
            return no
        if school is None:
            return refused("not_found", NO_SCHOOL)
        schools[code] = school
    return schools


def _areas(zone: ZoneGiven) -> tuple[Area, ...]:
    return tuple(Area(division=area.division, streets=area.streets) for area in zone.areas)


async def _put(work: RegistryWork, command: SetZones, zone: ZoneGiven, last: Zone | None, school: SchoolFacts) -> None:
    version = 1 if last is None else last.version + 1
    if last is not None and last.valid_to is None and last.valid_from < command.valid_from:
        await store.end(work.tx, last.id, command.valid_from, last.version)
    await store.put(
        work.tx,
        {
            "id": derived("zone", zone.school, zone.stage, str(command.valid_from)),
            "school": zone.school,
            "stage": zone.stage,
            "authority": school.authority,
            "valid_from": command.valid_from,
            "areas": msgspec.to_builtins(_areas(zone)),
            "divisions": sorted({area.division for area in zone.areas}),
            "reason": command.reason,
            "set_by": command.actor.name,
            "account": command.actor.account,
            "set_at": work.now,
            "version": version,
        },
    )


async def _overlaps(work: RegistryWork, command: SetZones) -> tuple[Overlap, ...]:
    """Streets that these zones share among themselves or with others, as things will be on the first day."""
    found: set[tuple[str, str, tuple[str, ...]]] = set()
    divisions = sorted({area.division for zone in command.zones for area in zone.areas})
    for stage in sorted({zone.stage for zone in command.zones}):
        others = await store.page(
            work.tx, on=command.valid_from, school=None, division=None, stage=stage, after=None, limit=10_000
        )
        given = {zone.school: _areas(zone) for zone in command.zones if zone.stage == stage}
        all_ = {zone.school: zone.areas for zone in others} | given
        for division, street, schools in shared(all_, divisions):
            if set(schools) & set(given):
                found.add((division, street, schools))
    return tuple(Overlap(division=d, street=s, schools=schools) for d, s, schools in sorted(found)[:200])


def shared(zones: Mapping[str, Sequence[Area]], divisions: Sequence[str]) -> list[tuple[str, str, tuple[str, ...]]]:
    """(division, street, schools) of every street that more than one school names, in that order."""
    named: dict[tuple[str, str], set[str]] = defaultdict(set)
    written: dict[tuple[str, str], str] = {}
    for school, areas in zones.items():
        for area in areas:
            if area.division not in divisions:
                continue
            for street in area.streets or ("",):
                key = (area.division, normalise(street))
                named[key].add(school)
                written[key] = min(street, written.get(key, street))
    return sorted((k[0], written[k], tuple(sorted(schools))) for k, schools in named.items() if len(schools) > 1)


def view(zone: Zone, names: Mapping[str, str]) -> ZoneView:
    return ZoneView(
        school=zone.school,
        school_name=names.get(zone.school, zone.school),
        stage=zone.stage,
        authority=zone.authority,
        areas=tuple(AreaView(division=area.division, streets=area.streets) for area in zone.areas),
        valid_from=zone.valid_from,
        valid_to=zone.valid_to,
        reason=zone.reason,
        set_by=zone.set_by,
        version=zone.version,
    )


COMMANDS: dict[type[Command], CommandHandler] = {SetZones: set_zones, EndZone: end_zone}
QUERIES: dict[type[Query], QueryHandler] = {ListZones: list_zones, GetZone: get_zone, FindZone: find_zone}
