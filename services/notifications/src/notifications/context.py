"""What the service builds once and hands to every handler and worker."""

from __future__ import annotations

from dataclasses import dataclass, field

from regulation.calendar import Calendar
from service_kit.policy import ReplicaPolicy
from service_kit.work import Work


@dataclass(frozen=True, slots=True)
class Notifications:
    """`calendar`: the statutory working days. `policy`: the parameters of the law, by division and day."""

    calendar: Calendar = field(default_factory=Calendar)
    policy: ReplicaPolicy = field(default_factory=ReplicaPolicy)


NotificationsWork = Work[Notifications]
"""Wiring of the unit of work with this service's dependencies."""
