"""Registry: rosters, registrations, students. Holds person ids, names, birth dates and masked numbers.

Organisations are the registry's too; their words stand in `organisations` and travel on the registry's subjects.
"""

from __future__ import annotations

from shared_contracts import (
    admission,
    archive,
    attendance,
    cases,
    classes,
    clearing,
    evidence,
    exports,
    guardians,
    handover,
    holds,
    inspection,
    junior_intake,
    organisations,
    plans,
    policy,
    records,
    registrations,
    reorganisation,
    rosters,
    search,
    study_places,
    waiting,
    working_days,
    workload,
)
from shared_contracts.files import FileRef as FileRef
from shared_contracts.files import Template as Template
from shared_contracts.messages import Command, Message, Query
from shared_contracts.organisations import ListOrganisations as ListOrganisations
from shared_contracts.organisations import LoadOrganisations as LoadOrganisations
from shared_contracts.organisations import OrganisationPage as OrganisationPage
from shared_contracts.organisations import OrganisationView as OrganisationView
from shared_contracts.registrations import Approved as Approved
from shared_contracts.registrations import CorrectionsNeeded as CorrectionsNeeded
from shared_contracts.registrations import CorrectRegistration as CorrectRegistration
from shared_contracts.registrations import DecideRegistration as DecideRegistration
from shared_contracts.registrations import DecideRoster as DecideRoster
from shared_contracts.registrations import DecisionDone as DecisionDone
from shared_contracts.registrations import DescribeForm as DescribeForm
from shared_contracts.registrations import EnterRegistration as EnterRegistration
from shared_contracts.registrations import FormDescribed as FormDescribed
from shared_contracts.registrations import GetRegistration as GetRegistration
from shared_contracts.registrations import ListRegistrations as ListRegistrations
from shared_contracts.registrations import Prechecked as Prechecked
from shared_contracts.registrations import PrecheckRegistration as PrecheckRegistration
from shared_contracts.registrations import PrintSheet as PrintSheet
from shared_contracts.registrations import RegistrationPage as RegistrationPage
from shared_contracts.registrations import RegistrationsApproved as RegistrationsApproved
from shared_contracts.registrations import RegistrationsClosed as RegistrationsClosed
from shared_contracts.registrations import RegistrationState as RegistrationState
from shared_contracts.registrations import RegistrationView as RegistrationView
from shared_contracts.registrations import SheetPrinted as SheetPrinted
from shared_contracts.registrations import Step as Step
from shared_contracts.registrations import StepReached as StepReached
from shared_contracts.registrations import StepTaken as StepTaken
from shared_contracts.registrations import WithdrawRegistration as WithdrawRegistration
from shared_contracts.rosters import CancelRoster as CancelRoster
from shared_contracts.rosters import ConfirmRoster as ConfirmRoster
from shared_contracts.rosters import GetRoster as GetRoster
from shared_contracts.rosters import GetRosterFile as GetRosterFile
from shared_contracts.rosters import GetTemplate as GetTemplate
from shared_contracts.rosters import ListRosterRows as ListRosterRows
from shared_contracts.rosters import ListRosters as ListRosters
from shared_contracts.rosters import OpenRoster as OpenRoster
from shared_contracts.rosters import PrintSheets as PrintSheets
from shared_contracts.rosters import Progress as Progress
from shared_contracts.rosters import RosterChecked as RosterChecked
from shared_contracts.rosters import RosterCompleted as RosterCompleted
from shared_contracts.rosters import RosterFile as RosterFile
from shared_contracts.rosters import RosterPage as RosterPage
from shared_contracts.rosters import RosterRow as RosterRow
from shared_contracts.rosters import RosterRowPage as RosterRowPage
from shared_contracts.rosters import RosterState as RosterState
from shared_contracts.rosters import RosterView as RosterView
from shared_contracts.rosters import RowState as RowState
from shared_contracts.rosters import RowTotals as RowTotals

Commands = (
    organisations.Commands
    | policy.Commands
    | admission.Commands
    | evidence.Commands
    | archive.Commands
    | rosters.Commands
    | registrations.Commands
    | plans.Commands
    | inspection.Commands
    | reorganisation.Commands
    | classes.Commands
    | clearing.Commands
    | junior_intake.Commands
    | holds.Commands
    | working_days.Commands
    | attendance.Commands
    | handover.Commands
    | study_places.Commands
)
Queries = (
    rosters.Queries
    | registrations.Queries
    | organisations.Queries
    | plans.Queries
    | inspection.Queries
    | reorganisation.Queries
    | policy.Queries
    | junior_intake.Queries
    | classes.Queries
    | exports.RegistryQueries
    | workload.Queries
    | records.Queries
    | admission.Queries
    | evidence.Queries
    | archive.Queries
    | search.Queries
    | clearing.Queries
    | holds.Queries
    | working_days.Queries
    | attendance.Queries
    | handover.Queries
    | guardians.Queries
)
Events = (
    registrations.Events
    | rosters.Events
    | records.Events
    | organisations.Events
    | reorganisation.Events
    | admission.Events
    | exports.RegistryEvents
    | waiting.Events
    | cases.Events
    | policy.Events
    | clearing.Events
    | holds.Events
    | guardians.Events
    | working_days.Events
)

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    **organisations.REPLIES,
    **reorganisation.REPLIES,
    **policy.REPLIES,
    **working_days.REPLIES,
    **admission.REPLIES,
    **junior_intake.REPLIES,
    **evidence.REPLIES,
    **archive.REPLIES,
    **rosters.REPLIES,
    **registrations.REPLIES,
    **classes.REPLIES,
    **exports.REGISTRY_REPLIES,
    **workload.REPLIES,
    **records.REPLIES,
    **search.REPLIES,
    **plans.REPLIES,
    **inspection.REPLIES,
    **clearing.REPLIES,
    **holds.REPLIES,
    **attendance.REPLIES,
    **handover.REPLIES,
    **guardians.REPLIES,
    **study_places.REPLIES,
}
"""What answers what; any of them may be answered with `decisions.Refused` instead."""
