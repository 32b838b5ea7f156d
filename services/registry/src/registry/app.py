"""Wiring and nothing else."""

from __future__ import annotations

import msgspec
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.policy import WAKE as POLICY_WAKE
from service_kit.policy import first_look
from service_kit.scanning import scanner_of
from service_kit.service import Kit, Service

from registry.archive import guardians
from registry.archive import handlers as archive
from registry.archive.key import archive_signer
from registry.attendance import handlers as attendance
from registry.classes import handlers as classes
from registry.clearing import handlers as clearing
from registry.clearing.duplicates import scanning
from registry.context import Registry
from registry.enrolment.admission import handlers as admission
from registry.enrolment.admission import placing, watching
from registry.enrolment.children import handlers as children
from registry.enrolment.children import importing
from registry.enrolment.plans import handlers as plans
from registry.enrolment.schemes import handlers as schemes
from registry.enrolment.zones import handlers as zones
from registry.evidence import handlers as evidence
from registry.evidence import worker as rescanning
from registry.exports import handlers as exports
from registry.exports import worker as exporting
from registry.handover import handlers as handover
from registry.holds import handlers as holds
from registry.inspection import checking as inspecting
from registry.inspection import handlers as inspection
from registry.junior_intake import handlers as junior_intake
from registry.junior_intake.carrying import Intake
from registry.moving.worker import Worker
from registry.organisations import handlers as organisations
from registry.policy_values import handlers as policy_values
from registry.policy_values import live
from registry.policy_values import worker as policy_watch
from registry.records import handlers as records
from registry.registration import enter
from registry.registration import handlers as registration
from registry.reorganisation import handlers as reorganisation
from registry.reorganisation.carrying import Redivision, Schools
from registry.rosters import handlers as rosters
from registry.rosters import worker
from registry.search import handlers as search
from registry.search import worker as searching
from registry.study_places import handlers as study_places
from registry.working_days import handlers as working_days
from registry.working_days import recounting
from registry.working_days import watching as asking_for_holidays
from registry.worklist import telling

OUTSIDE = 2
"""Connections of the small pool (see `Registry.outside`)."""

MOVERS = Worker({"merger": Schools(), "closure": Schools(), "redivision": Redivision(), "junior_intake": Intake()})
"""What carries out operations that move many records."""


async def build(kit: Kit) -> Registry:
    policy = live.LivePolicy()
    await first_look(kit.db, policy)
    small = msgspec.structs.replace(kit.settings, database_pool=OUTSIDE)
    return Registry(
        bus=kit.bus,
        cipher=FieldCipher.from_settings(kit.settings),
        files=kit.files,
        outside=Database.from_settings(small, kit.clock, "registry-outside"),
        wake_rosters=kit.wake(worker.WAKE).set,
        scanner=scanner_of(kit.settings),
        signer=archive_signer(kit.settings),
        policy=policy,
        wake_policy=kit.wake(POLICY_WAKE).set,
        wake_children=kit.wake(importing.WAKE).set,
        wake_placements=kit.wake(placing.WAKE).set,
        wake_worklist=kit.wake(telling.WAKE).set,
    )


SERVICE = Service(
    "registry",
    commands={
        **organisations.COMMANDS,
        **rosters.COMMANDS,
        **registration.COMMANDS,
        **evidence.COMMANDS,
        **archive.COMMANDS,
        **plans.COMMANDS,
        **schemes.COMMANDS,
        **reorganisation.COMMANDS,
        **policy_values.COMMANDS,
        **classes.COMMANDS,
        **inspection.COMMANDS,
        **zones.COMMANDS,
        **children.COMMANDS,
        **admission.COMMANDS,
        **clearing.COMMANDS,
        **junior_intake.COMMANDS,
        **holds.COMMANDS,
        **attendance.COMMANDS,
        **handover.COMMANDS,
        **study_places.COMMANDS,
        **working_days.COMMANDS,
    },
    queries={
        **organisations.QUERIES,
        **rosters.QUERIES,
        **registration.QUERIES,
        **records.QUERIES,
        **exports.QUERIES,
        **evidence.QUERIES,
        **archive.QUERIES,
        **search.QUERIES,
        **plans.QUERIES,
        **schemes.QUERIES,
        **reorganisation.QUERIES,
        **policy_values.QUERIES,
        **classes.QUERIES,
        **inspection.QUERIES,
        **zones.QUERIES,
        **children.QUERIES,
        **admission.QUERIES,
        **clearing.QUERIES,
        **junior_intake.QUERIES,
        **holds.QUERIES,
        **attendance.QUERIES,
        **handover.QUERIES,
        **guardians.QUERIES,
        **working_days.QUERIES,
    },
    events={**registration.EVENTS, **exports.EVENTS, **clearing.EVENTS, **holds.EVENTS},
    build=build,
    workers=(
        worker.run,
        enter.worker,
        exporting.run,
        rescanning.run,
        policy_watch.run,
        searching.run,
        MOVERS.run,
        inspecting.run,
        importing.run,
        placing.run,
        watching.run,
        scanning.run,
        telling.run,
        recounting.run,
        asking_for_holidays.run,
    ),
)
