"""Setting and ending zones (the supervising authority): all that are given from a day on, or none (clause 5.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

import msgspec
from regulation.authorisation import Target, check
from regulation.mark import clause
from service_kit.ids import derived
from shared_contracts.admission import (
    EndZone,
    Overlap,
    SetZones,
    StageName,
    ZoneEnding,
    ZoneGiven,
    ZonesSet,
    ZoneView,
)
from shared_contracts.decisions import Finding, Refused, refused
from shared_contracts.messages import word

from registry.context import RegistryWork
from registry.enrolment.zones import policy, store
from registry.enrolment.zones.matching import Area, normalise
from registry.enrolment.zones.store import Zone
from registry.enrolment.zones.views import view
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.rosters.access import names_of

MOST = 500
NO_SCHOOL = "没有这所学校，或者它不由您所在的部门主管。请核对学校标识码。"
NO_ZONE = "这所学校的这个学段没有学区。请核对学校标识码和学段。"
STALE = "学区在您查看之后有变化。请刷新后再办理。"


@clause("5.2")
async def set_zones(work: RegistryWork, command: SetZones) -> ZonesSet | Refused:
    """All or nothing. A zone that is as it was is left alone."""
    asked: list[ZoneGiven | ZoneEnding] = [*command.zones, *command.ends]
    named = [(one.school, one.stage) for one in asked]
    if not 0 < len(named) <= MOST:
        return refused("invalid", f"一次设定1至{MOST}个学区。")
    if len(set(named)) < len(named):
        return refused("invalid", "同一学校的同一学段出现了两次。请合并后重新提交。")
    schools = await _schools(work, command)
    if isinstance(schools, Refused):
        return schools
    found: list[Finding] = []
    planned: list[tuple[ZoneGiven, Zone | None]] = []
    ending: list[Zone] = []
    unchanged = 0
    last_of = await store.lock(work.tx, named)
    for one in sorted(asked, key=lambda one: (one.school, one.stage)):
        last = last_of.get((one.school, one.stage))
        if one.version is not None and one.version != (last.version if last else 0):
            return refused("conflict", STALE)
        if isinstance(one, ZoneEnding):
            if last is None or last.valid_to is not None:
                return refused("not_found", NO_ZONE)
            if late := policy.end_fault(command.valid_from, last.valid_from, work.today):
                found.append(late)
            ending.append(last)
            continue
        found.extend(policy.faults(one, schools[one.school]))
        if last is not None and last.valid_to is None and _areas(one) == last.areas:
            unchanged += 1
            continue
        last_from, last_to = (last.valid_from, last.valid_to) if last else (None, None)
        if late := policy.day_fault(command.valid_from, last_from, last_to, work.today):
            found.append(late)
        planned.append((one, last))
    if found:
        return refused("refused", f"有{len(found)}处不符合要求，没有设定任何学区。", *found[:100])
    if not command.dry_run:
        for zone in ending:
            await store.end(work.tx, zone.id, command.valid_from, zone.version + 1)
        for given, last in planned:
            await _put(work, command, given, last, schools[given.school])
    after = {(one.school, one.stage): _areas(one) for one in command.zones}
    after |= {(one.school, one.stage): () for one in command.ends}
    return ZonesSet(
        done=not command.dry_run,
        changed=len(planned),
        unchanged=unchanged,
        ended=len(ending),
        overlaps=await overlaps(work, after, command.valid_from),
    )


@clause("5.2")
async def end_zone(work: RegistryWork, command: EndZone) -> ZoneView | Refused:
    school = await organisations.school(work.tx, command.school)
    target = Target(school=command.school, authority=school.authority if school else None)
    if no := check(command.actor, word(command), target, missing=NO_SCHOOL):
        return no
    last = (await store.lock(work.tx, [(command.school, command.stage)])).get((command.school, command.stage))
    if last is None or last.valid_to is not None:
        return refused("not_found", NO_ZONE)
    if command.version is not None and command.version != last.version:
        return refused("conflict", STALE)
    if fault := policy.end_fault(command.on, last.valid_from, work.today):
        return refused("refused", f"{fault.message}。请{fault.cure}。", fault)
    await store.end(work.tx, last.id, command.on, last.version + 1)
    ended = msgspec.structs.replace(last, valid_to=command.on, version=last.version + 1)
    return view(ended, {command.school: school.name if school else command.school})


# ---- what they are made of --------------------------------------------------------------------------------------------


async def _schools(work: RegistryWork, command: SetZones) -> dict[str, SchoolFacts] | Refused:
    """The schools, each of them the actor's own to supervise."""
    codes = sorted({one.school for one in command.zones} | {one.school for one in command.ends})
    schools = await organisations.schools(work.tx, codes)
    for code in codes:
        school = schools.get(code)
        target = Target(school=code, authority=school.authority if school else None)
        if no := check(command.actor, word(command), target, missing=NO_SCHOOL):
            return no
        if school is None:
            return refused("not_found", NO_SCHOOL)
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


async def overlaps(
    work: RegistryWork, after: Mapping[tuple[str, StageName], tuple[Area, ...]], on: date
) -> tuple[Overlap, ...]:
    """Streets that these zones share among themselves or with others, as things will be on that day. `after`: what
    schools and stages will serve."""
    found: set[tuple[StageName, str, str, tuple[str, ...]]] = set()
    divisions = sorted({area.division for areas in after.values() for area in areas})
    for stage in sorted({stage for _, stage in after}):
        others = await store.page(work.tx, on=on, school=None, division=None, stage=stage, after=None, limit=10_000)
        given = {school: areas for (school, of), areas in after.items() if of == stage}
        all_ = {zone.school: zone.areas for zone in others} | given
        for division, street, schools in shared(all_, divisions):
            if any(given.get(school) for school in schools):
                found.add((stage, division, street, schools))
    first = sorted(found)[:200]
    names = await names_of(work.tx, {school for *_, schools in first for school in schools})
    return tuple(
        Overlap(stage=stage, division=d, street=s, schools=of, school_names=tuple(names.get(one, one) for one in of))
        for stage, d, s, of in first
    )


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
