"""What access builds once and hands to every handler and worker."""

from __future__ import annotations

from dataclasses import dataclass

from regulation.calendar import Calendar
from service_kit.bus import Bus
from service_kit.crypto import FieldCipher
from service_kit.work import Work

from access.settings import AccessSettings


@dataclass(frozen=True, slots=True)
class Access:
    settings: AccessSettings
    bus: Bus
    cipher: FieldCipher
    calendar: Calendar


AccessWork = Work[Access]
"""Wiring of the unit of work with this service's dependencies."""
