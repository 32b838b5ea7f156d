"""Zones as they are shown."""

from __future__ import annotations

from collections.abc import Mapping

from shared_contracts.admission import AreaView, ZoneView

from registry.enrolment.zones.store import Zone


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
