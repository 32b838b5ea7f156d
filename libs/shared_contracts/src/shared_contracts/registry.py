"""Registry: rosters, registrations, students. Holds person ids, names, birth dates and masked numbers.

Organisations are the registry's too; their words stand in `organisations` and travel on the registry's subjects.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, Literal

from shared_contracts import (
    admission,
    archive,
    attendance,
    cases,
    classes,
    clearing,
    evidence,
    exports,
    holds,
    inspection,
    junior_intake,
    organisations,
    plans,
    policy,
    records,
    reorganisation,
    search,
    waiting,
    workload,
)
from shared_contracts.actors import Role
from shared_contracts.decisions import Decision, Finding
from shared_contracts.files import FileRef as FileRef  # noqa: PLC0414 - offered here too
from shared_contracts.files import Template as Template  # noqa: PLC0414
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.messages import Command, Event, Message, Moment, Query
from shared_contracts.organisations import ListOrganisations as ListOrganisations  # noqa: PLC0414
from shared_contracts.organisations import LoadOrganisations as LoadOrganisations  # noqa: PLC0414
from shared_contracts.organisations import OrganisationPage as OrganisationPage  # noqa: PLC0414
from shared_contracts.organisations import OrganisationView as OrganisationView  # noqa: PLC0414


class Step(StrEnum):
    """The steps of clause 15.1 in their order; none is skipped."""

    CLASS_TEACHER = "class_teacher"  # 班主任审核
    PRINCIPAL = "principal"  # 学籍主管校长审核
    GUARDIAN = "guardian"  # 监护人确认签字, recorded by the registrar on the printed sheet
    SCHOOL = "school"  # 学校审核
    AUTHORITY = "authority"  # 学籍主管部门审核 (clause 13.2)


class RegistrationState(StrEnum):
    """Where a registration stands: what it waits for, or how it ended."""

    ENTERED = "entered"  # waits for the class teacher
    CLASS_TEACHER_CHECKED = "class_teacher_checked"
    PRINCIPAL_CHECKED = "principal_checked"
    GUARDIAN_CONFIRMED = "guardian_confirmed"
    SCHOOL_APPROVED = "school_approved"
    AUTHORITY_APPROVED = "authority_approved"  # waits for its number
    REGISTERED = "registered"
    RETURNED = "returned"  # sent back for correction
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"


class RosterState(StrEnum):
    UPLOADED = "uploaded"
    CHECKING = "checking"
    CHECKED = "checked"  # dry run done: waits for confirm
    CONFIRMING = "confirming"
    IN_APPROVAL = "in_approval"
    ISSUING = "issuing"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    FAILED = "failed"  # the file as a whole cannot be read; `problem` says why


class RowState(StrEnum):
    VALID = "valid"
    WARNED = "warned"  # accepted, with something to look at
    REFUSED = "refused"
    ALREADY_HERE = "already_here"  # this pupil is registered (or being registered) at this school: nothing to do


class Progress(Message, frozen=True, kw_only=True, gc=False):
    done: int
    total: int


class RowTotals(Message, frozen=True, kw_only=True, gc=False):
    rows: int = 0
    valid: int = 0
    warned: int = 0
    refused: int = 0
    already_here: int = 0


class RosterFile(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_file_view"):
    """A file the roster offers for download: `template`-like workbooks and printable sheets.

    `record_ids`: the registrations that it shows, told when it is fetched (for the audit log).
    """

    kind: Literal["refused_rows", "confirmation_sheets"]
    name: str
    file: FileRef
    label: str = ""
    record_ids: tuple[str, ...] = ()


class RosterView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_view"):
    """A roster as its school sees it. `steps` counts registrations by state; `numbers` by kind, `verification` by outcome."""

    id: str
    school: str
    school_name: str
    file_name: str
    state: RosterState
    progress: Progress
    totals: RowTotals
    version: int
    created_at: Moment
    created_by: str
    new_classes: tuple[str, ...] = ()
    refusals: dict[str, int] = {}
    steps: dict[str, int] = {}
    numbers: dict[str, int] = {}
    verification: dict[str, int] = {}
    files: tuple[RosterFile, ...] = ()
    sheets_state: Literal["none", "printing", "ready"] = "none"
    findings: tuple[Finding, ...] = ()
    problem: str | None = None


class RosterPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_page"):
    items: tuple[RosterView, ...]
    next_cursor: str | None = None


class RosterRow(Message, frozen=True, kw_only=True, gc=False):
    """One row: `row` is the row number in the sheet as Excel shows it."""

    row: int
    state: RowState
    name: str
    masked_document: str
    grade: int | None
    class_no: int | None
    findings: tuple[Finding, ...]
    registration_id: str | None = None


class RosterRowPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.roster_row_page"):
    items: tuple[RosterRow, ...]
    next_cursor: str | None = None


class StepTaken(Message, frozen=True, kw_only=True, gc=False):
    """One decision on the case of a registration."""

    step: Step
    decision: str
    account: str
    account_name: str
    role: str
    organisation: str
    decided_at: Moment
    reason: str = ""


class RegistrationView(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.registration_view"
):
    id: str
    roster_id: str | None
    row: int | None
    person_id: str
    school: str
    school_name: str
    name: str
    sex: str
    birth_date: date
    masked_document: str
    document_kind: str
    grade: int
    class_no: int
    school_year: int
    placement: str
    state: RegistrationState
    waits_for: Step | None
    due_on: date | None
    version: int
    verification: Verification
    student_number: str | None
    number_kind: NumberKind | None
    steps: tuple[StepTaken, ...] = ()
    decision: Decision | None = None
    form: dict[str, Any] = {}
    correction: str | None = None
    copy_as_of: date | None = None


class RegistrationPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.registration_page"
):
    items: tuple[RegistrationView, ...]
    next_cursor: str | None = None


class DecisionDone(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.decision_done"):
    """The result of a decision, single or bulk: how many registrations moved, and to which state."""

    moved: int
    state: RegistrationState
    skipped: int = 0


# ---- commands -------------------------------------------------------------------------------------------------------


class OpenRoster(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_roster"):
    """Take an uploaded workbook and begin its check (dry run). Role: registrar of the school. Reply: RosterView."""

    roster_id: str
    file: FileRef


class ConfirmRoster(Command, frozen=True, kw_only=True, gc=False, tag="registry.confirm_roster"):
    """Turn the accepted rows of a checked roster into registrations. Reply: RosterView."""

    roster_id: str
    version: int | None = None


class CancelRoster(Command, frozen=True, kw_only=True, gc=False, tag="registry.cancel_roster"):
    """Give up a roster that has not been confirmed. Nothing of it remains but its name. Reply: RosterView."""

    roster_id: str


class PrintSheets(Command, frozen=True, kw_only=True, gc=False, tag="registry.print_sheets"):
    """Make the confirmation sheets (PDF, one file a class) of a roster's registrations. Reply: RosterView."""

    roster_id: str


class PrintSheet(Command, frozen=True, kw_only=True, gc=False, tag="registry.print_sheet"):
    """The confirmation sheet of one registration. Reply: SheetPrinted."""

    registration_id: str


class SheetPrinted(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.sheet_printed"):
    file: FileRef


class DecideRoster(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_roster"):
    """Decide one step for all registrations of a roster that wait for it and that the actor may decide.

    Reply: DecisionDone. `signed_on`: the day the guardians signed (step `guardian`).
    """

    roster_id: str
    step: Step
    decision: Literal["approve", "reject", "return"]
    reason: str = ""
    signed_on: date | None = None


class DecideRegistration(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_registration"):
    """Decide one step of one registration. Reply: RegistrationView."""

    registration_id: str
    step: Step
    decision: Literal["approve", "reject", "return"]
    reason: str = ""
    signed_on: date | None = None
    version: int | None = None


class EnterRegistration(Command, frozen=True, kw_only=True, gc=False, tag="registry.enter_registration"):
    """Enter one pupil by hand: the form's fields by their keys. Same checks as a roster row. Reply: RegistrationView."""

    registration_id: str
    form: dict[str, str]


class CorrectRegistration(Command, frozen=True, kw_only=True, gc=False, tag="registry.correct_registration"):
    """Change fields of a returned registration and send it on its way again (from the first step). Reply: RegistrationView.

    Name, sex, birth date and identity document cannot be changed here: withdraw it and enter it anew.
    """

    registration_id: str
    changes: dict[str, str]
    version: int


class WithdrawRegistration(Command, frozen=True, kw_only=True, gc=False, tag="registry.withdraw_registration"):
    """The school takes back a registration that the authority has not approved. Reply: RegistrationView."""

    registration_id: str
    reason: str


# ---- queries --------------------------------------------------------------------------------------------------------


class GetRoster(Query, frozen=True, kw_only=True, gc=False, tag="registry.roster"):
    roster_id: str


class GetRosterFile(Query, frozen=True, kw_only=True, gc=False, tag="registry.roster_file"):
    """One file of a roster, to be fetched from the file store. Reply: RosterFile."""

    roster_id: str
    file_id: str


class ListRosters(Query, frozen=True, kw_only=True, gc=False, tag="registry.rosters"):
    school: str | None = None
    cursor: str | None = None
    limit: int = 50


class ListRosterRows(Query, frozen=True, kw_only=True, gc=False, tag="registry.roster_rows"):
    roster_id: str
    state: RowState | None = None
    cursor: str | None = None
    limit: int = 100


class PrecheckRegistration(Query, frozen=True, kw_only=True, gc=False, tag="registry.precheck_registration"):
    """The same rules as EnterRegistration, opening nothing. Reply: Prechecked."""

    form: dict[str, str]


class Prechecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.prechecked"):
    decision: Decision


class GetRegistration(Query, frozen=True, kw_only=True, gc=False, tag="registry.registration"):
    registration_id: str


class ListRegistrations(Query, frozen=True, kw_only=True, gc=False, tag="registry.registrations"):
    """The actor's registrations: own school, own classes, or (authority) the supervised schools."""

    roster_id: str | None = None
    school: str | None = None
    state: RegistrationState | None = None
    to_correct: bool = False
    cursor: str | None = None
    limit: int = 50


class GetTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.template"):
    """The blank workbook with drop-downs for the actor's school, or the form on paper (PDF). Reply: Template."""

    form: Literal["workbook", "paper"] = "workbook"


# ---- events ---------------------------------------------------------------------------------------------------------


class Approved(Message, frozen=True, kw_only=True, gc=False):
    registration_id: str
    person_id: str


class RegistrationsApproved(Event, frozen=True, kw_only=True, gc=False, tag="registry.registrations_approved"):
    """The authority has approved these: identity issues their numbers. At most 500 an event."""

    school: str
    roster_id: str | None
    approved: tuple[Approved, ...]


class RegistrationsClosed(Event, frozen=True, kw_only=True, gc=False, tag="registry.registrations_closed"):
    """Rejected or withdrawn: identity lets go of the claims."""

    school: str
    closed: tuple[Approved, ...]
    reason: Literal["rejected", "withdrawn"]


class StepReached(Event, frozen=True, kw_only=True, gc=False, tag="registry.step_reached"):
    """Registrations of a school now wait for this step (or were returned, rejected): who has to be told."""

    school: str
    school_name: str
    authority: str
    roster_id: str | None
    state: RegistrationState
    waits_for: Step | None
    role: Role | None
    count: int
    reason: str = ""


class RosterChecked(Event, frozen=True, kw_only=True, gc=False, tag="registry.roster_checked"):
    """The dry run of a roster is done. `problem`: why the file as a whole could not be read."""

    roster_id: str
    school: str
    file_name: str
    totals: RowTotals
    problem: str | None = None


class RosterCompleted(Event, frozen=True, kw_only=True, gc=False, tag="registry.roster_completed"):
    """Every accepted row of the roster has its record and its number."""

    roster_id: str
    school: str
    file_name: str
    totals: RowTotals
    numbers: dict[str, int]


class CorrectionsNeeded(Event, frozen=True, kw_only=True, gc=False, tag="registry.corrections_needed"):
    """A match found another name, sex or birth date: the school has to clear it up (clause 15.3)."""

    school: str
    registrations: tuple[tuple[str, Verification], ...]


Commands = (
    organisations.Commands
    | policy.Commands
    | admission.Commands
    | evidence.Commands
    | archive.Commands
    | OpenRoster
    | ConfirmRoster
    | CancelRoster
    | PrintSheets
    | PrintSheet
    | DecideRoster
    | DecideRegistration
    | EnterRegistration
    | CorrectRegistration
    | WithdrawRegistration
    | plans.Commands
    | inspection.Commands
    | reorganisation.Commands
    | classes.Commands
    | clearing.Commands
    | junior_intake.Commands
    | holds.Commands
    | attendance.Commands
)
Queries = (
    GetRoster
    | ListRosters
    | GetRosterFile
    | ListRosterRows
    | PrecheckRegistration
    | GetRegistration
    | ListRegistrations
    | organisations.Queries
    | plans.Queries
    | inspection.Queries
    | reorganisation.Queries
    | policy.Queries
    | junior_intake.Queries
    | GetTemplate
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
    | attendance.Queries
)
Events = (
    RegistrationsApproved
    | RegistrationsClosed
    | StepReached
    | RosterChecked
    | RosterCompleted
    | records.Events
    | CorrectionsNeeded
    | organisations.Events
    | reorganisation.Events
    | admission.Events
    | exports.RegistryEvents
    | waiting.Events
    | cases.Events
    | policy.Events
    | clearing.Events
    | holds.Events
)

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    **organisations.REPLIES,
    **reorganisation.REPLIES,
    **policy.REPLIES,
    **admission.REPLIES,
    **junior_intake.REPLIES,
    **evidence.REPLIES,
    **archive.REPLIES,
    OpenRoster: RosterView,
    ConfirmRoster: RosterView,
    CancelRoster: RosterView,
    PrintSheets: RosterView,
    PrintSheet: SheetPrinted,
    DecideRoster: DecisionDone,
    DecideRegistration: RegistrationView,
    EnterRegistration: RegistrationView,
    CorrectRegistration: RegistrationView,
    WithdrawRegistration: RegistrationView,
    GetRoster: RosterView,
    ListRosters: RosterPage,
    GetRosterFile: RosterFile,
    ListRosterRows: RosterRowPage,
    PrecheckRegistration: Prechecked,
    GetRegistration: RegistrationView,
    ListRegistrations: RegistrationPage,
    GetTemplate: Template,
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
}
"""What answers what; any of them may be answered with `decisions.Refused` instead."""
