"""Zones from a workbook: the sheet to fill in, and what a filled one would do (clause 5.2)."""

from __future__ import annotations

from regulation.authorisation import Target, check, may
from regulation.mark import clause
from shared_contracts.admission import GetZoneTemplate, Overlap, ReadZones, SetZones, ZonePart, ZoneRow, ZonesChecked
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import Template
from shared_contracts.messages import word

from registry.context import RegistryWork
from registry.enrolment.zones import drafting, setting, sheet, store
from registry.enrolment.zones.drafting import Draft, Judged, Last
from registry.enrolment.zones.matching import normalise
from registry.organisations import store as organisations
from registry.rosters import uploaded
from registry.rosters.access import names_of

CURE = "请把数据复制到下载的学区表后重新上传。"
SET = word(SetZones)


@clause("5.2")
async def read_zones(work: RegistryWork, query: ReadZones) -> ZonesChecked | Refused:
    """Row by row what it would do; nothing is set. What was shown is then set as a list (`SetZones`)."""
    actor = query.actor
    if no := check(actor, word(query), Target(authority=actor.organisation)):
        return no
    rows = await uploaded.rows(work, "zones", query.file, sheet.LIMITS, cure=CURE)
    if isinstance(rows, Refused):
        return rows
    lines = sheet.lines(rows)
    named = {line.school for line in lines}
    if len({(line.school, line.stage) for line in lines}) > setting.MOST:
        return refused("too_large", f"表中的学校和学段超过{setting.MOST}个。请分成几份上传。")
    schools = {
        code: school
        for code, school in (await organisations.schools(work.tx, named)).items()
        if may(actor, SET, Target(school=code, authority=school.authority))
    }
    last = {
        key: Last(areas=zone.areas, valid_from=zone.valid_from, valid_to=zone.valid_to, version=zone.version)
        for key, zone in (await store.last_of(work.tx, list(schools))).items()
    }
    draft = drafting.draft(lines, schools, last, valid_from=query.valid_from, today=work.today)
    overlaps = await setting.overlaps(work, draft.after, query.valid_from)
    names = await names_of(work.tx, set(schools) | {code for one in overlaps for code in one.schools})
    return ZonesChecked(
        rows=tuple(_row(one, names, overlaps) for one in draft.rows),
        refused=draft.refused,
        closed=_closed(draft, names),
        overlaps=overlaps,
        unchanged=draft.unchanged,
        zones=draft.zones,
        ends=draft.ends,
    )


async def get_zone_template(work: RegistryWork, query: GetZoneTemplate) -> Template | Refused:
    """The public schools that the authority supervises, with what they serve."""
    if no := check(query.actor, word(query), Target(authority=query.actor.organisation)):
        return no
    codes = await organisations.supervised(work.tx, query.actor.organisation)
    schools = await organisations.schools(work.tx, codes)
    served = {key: zone.areas for key, zone in (await store.last_of(work.tx, codes)).items() if zone.valid_to is None}
    public = [schools[code] for code in codes if schools[code].ownership == "public"]
    return Template(name=f"{sheet.TITLE}.xlsx", content=sheet.template(public, served), media_type=sheet.MEDIA_TYPE)


def _row(one: Judged, names: dict[str, str], overlaps: tuple[Overlap, ...]) -> ZoneRow:
    line = one.line
    others = [
        names.get(code, code)
        for shared in overlaps
        if line.filled
        and (shared.stage, shared.division, normalise(shared.street)) == (line.stage, *line.part)
        and line.school in shared.schools
        for code in shared.schools
        if code != line.school
    ]
    notes = (drafting.shared_note(others),) if others and one.outcome != "refused" else ()
    return ZoneRow(
        row=line.row,
        school=line.school,
        school_name=names.get(line.school, line.name),
        stage=line.stage or "",
        division=line.division,
        street=line.street,
        outcome=one.outcome,
        findings=(*one.findings, *notes),
    )


def _closed(draft: Draft, names: dict[str, str]) -> tuple[ZonePart, ...]:
    return tuple(
        ZonePart(school=school, school_name=names.get(school, school), stage=stage, division=division, street=street)
        for (school, stage), division, street in draft.closed
    )
