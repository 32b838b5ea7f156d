"""Attendance zones (服务范围, clause 5.2): which school serves an address, dated."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.admission.terms import StageName
from shared_contracts.decisions import Finding
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Message, Query


class AreaView(Message, frozen=True, kw_only=True, gc=False):
    """`division`: 6 digits. `streets`: names of streets and communities; none for the whole division."""

    division: str
    streets: tuple[str, ...] = ()


class ZoneGiven(Message, frozen=True, kw_only=True, gc=False):
    """The zone of one school and stage as it is to be. `version`: of the one that it replaces, 0 where there is none;
    without it whatever is there is replaced."""

    school: str
    stage: StageName
    areas: tuple[AreaView, ...]
    version: int | None = None


class ZoneEnding(Message, frozen=True, kw_only=True, gc=False):
    """A school and stage that is to serve nothing any more."""

    school: str
    stage: StageName
    version: int | None = None


class ZoneView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_view"):
    """One version. Holds from `valid_from` until the day before `valid_to` (None: until another follows)."""

    school: str
    school_name: str
    stage: StageName
    authority: str
    areas: tuple[AreaView, ...]
    valid_from: date
    valid_to: date | None
    reason: str
    set_by: str
    version: int


class ZonePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_page"):
    items: tuple[ZoneView, ...]
    next_cursor: str | None = None


class ZoneHistory(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_history"):
    """All versions, first to last."""

    items: tuple[ZoneView, ...]


class Overlap(Message, frozen=True, kw_only=True, gc=False):
    """A street (or, empty, a whole division) that more than one school serves: noted, never an error."""

    stage: StageName
    division: str
    street: str
    schools: tuple[str, ...]
    school_names: tuple[str, ...] = ()


class ZonesSet(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zones_set"):
    """`done`: False for a dry run. `changed`: zones that become another one; `unchanged`: that are as they were;
    `ended`: schools and stages that serve nothing any more."""

    done: bool
    changed: int
    unchanged: int
    ended: int = 0
    overlaps: tuple[Overlap, ...] = ()


class ZonePart(Message, frozen=True, kw_only=True, gc=False):
    """A street of a school's zone; without a name the whole division."""

    school: str
    school_name: str
    stage: StageName
    division: str
    street: str


class ZoneRow(Message, frozen=True, kw_only=True, gc=False):
    """A row of a workbook of zones, as written, and what it would do. `row`: as Excel shows it. `empty`: the school serves
    nothing by this row."""

    row: int
    school: str
    school_name: str
    stage: str
    division: str
    street: str
    outcome: Literal["added", "kept", "empty", "refused"]
    findings: tuple[Finding, ...] = ()


class ZonesChecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zones_checked"):
    """What a workbook of zones would do. Of the schools and stages that it names it is the whole truth: `closed` is what
    they serve now and not any more; schools that it does not name stay as they are. `zones`, `ends`: what `SetZones`
    has to be given to do it, empty while a row is refused."""

    rows: tuple[ZoneRow, ...]
    refused: int
    closed: tuple[ZonePart, ...]
    overlaps: tuple[Overlap, ...]
    unchanged: int
    zones: tuple[ZoneGiven, ...] = ()
    ends: tuple[ZoneEnding, ...] = ()


class ZoneMatch(Message, frozen=True, kw_only=True, gc=False):
    """`street`: what of the zone stands in the address; empty where it has the whole division."""

    school: str
    school_name: str
    street: str


class ZoneMatches(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.zone_matches"):
    """The schools of an address; more than one where zones overlap, none where nobody serves it."""

    items: tuple[ZoneMatch, ...]


class SetZones(Command, frozen=True, kw_only=True, gc=False, tag="registry.set_zones"):
    """All of them from a day on, or none. `ends`: schools that serve nothing from that day on. `dry_run`: only say what
    would be. At most 500 together. Reply: ZonesSet."""

    zones: tuple[ZoneGiven, ...]
    valid_from: date
    reason: str
    dry_run: bool = False
    ends: tuple[ZoneEnding, ...] = ()


class EndZone(Command, frozen=True, kw_only=True, gc=False, tag="registry.end_zone"):
    """The school serves nothing any more from a day on. Reply: ZoneView."""

    school: str
    stage: StageName
    on: date
    reason: str
    version: int | None = None


class ReadZones(Query, frozen=True, kw_only=True, gc=False, tag="registry.read_zones"):
    """What a workbook of zones would do from a day on; nothing is set, the file is read and forgotten. Reply:
    ZonesChecked."""

    file: FileRef
    valid_from: date


class GetZoneTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.zone_template"):
    """A workbook with the public schools that an authority supervises and what they serve. Reply: Template."""


class ListZones(Query, frozen=True, kw_only=True, gc=False, tag="registry.zones"):
    """As of a day, today where not given."""

    school: str | None = None
    division: str | None = None
    stage: StageName | None = None
    on: date | None = None
    cursor: str | None = None
    limit: int = 50


class GetZone(Query, frozen=True, kw_only=True, gc=False, tag="registry.zone"):
    """Reply: ZoneHistory."""

    school: str
    stage: StageName


class FindZone(Query, frozen=True, kw_only=True, gc=False, tag="registry.find_zone"):
    """Which school serves this address? Reply: ZoneMatches."""

    division: str
    address: str
    stage: StageName
    on: date | None = None


Commands = SetZones | EndZone
Queries = ListZones | GetZone | FindZone | ReadZones | GetZoneTemplate
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    SetZones: ZonesSet,
    EndZone: ZoneView,
    ListZones: ZonePage,
    GetZone: ZoneHistory,
    FindZone: ZoneMatches,
    ReadZones: ZonesChecked,
    GetZoneTemplate: Template,
}
