"""Registrations (建籍, clauses 13, 15, 20): their steps, one by hand, what is told of them. Words of the registry."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Any, Literal

from shared_contracts.actors import Role
from shared_contracts.decisions import Decision
from shared_contracts.files import FileRef
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.messages import Command, Event, Message, Moment, Query


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


class PrecheckRegistration(Query, frozen=True, kw_only=True, gc=False, tag="registry.precheck_registration"):
    """The same rules as EnterRegistration, opening nothing. Reply: Prechecked."""

    form: dict[str, str]


class Prechecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.prechecked"):
    decision: Decision


class DescribeForm(Query, frozen=True, kw_only=True, gc=False, tag="registry.describe_form"):
    """The national form as a school fills it in by hand. Reply: FormDescribed."""


class FormField(Message, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """One item. `no`: its number on the form; None: asked for by a clause. `kind`: what is written there; `table`: key of the
    code table of a `code`. `need`, `how`: whether and how it is filled in, in words. `max`: characters."""

    key: str
    title: str
    kind: str
    need: str
    how: str
    max: int
    required: Literal["yes", "no", "mainland", "document", "member"] = "no"
    no: int | None = None
    table: str = ""


class FormSection(Message, frozen=True, kw_only=True, gc=False):
    title: str
    fields: tuple[FormField, ...]


class FormDescribed(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.form_described"):
    """In the form's order; the school's own code and the photograph, which nobody types, are not among them."""

    sections: tuple[FormSection, ...]


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


class CorrectionsNeeded(Event, frozen=True, kw_only=True, gc=False, tag="registry.corrections_needed"):
    """A match found another name, sex or birth date: the school has to clear it up (clause 15.3)."""

    school: str
    registrations: tuple[tuple[str, Verification], ...]


Commands = (
    PrintSheet | DecideRoster | DecideRegistration | EnterRegistration | CorrectRegistration | WithdrawRegistration
)
Queries = PrecheckRegistration | DescribeForm | GetRegistration | ListRegistrations
Events = RegistrationsApproved | RegistrationsClosed | StepReached | CorrectionsNeeded
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    PrintSheet: SheetPrinted,
    DecideRoster: DecisionDone,
    DecideRegistration: RegistrationView,
    EnterRegistration: RegistrationView,
    CorrectRegistration: RegistrationView,
    WithdrawRegistration: RegistrationView,
    PrecheckRegistration: Prechecked,
    DescribeForm: FormDescribed,
    GetRegistration: RegistrationView,
    ListRegistrations: RegistrationPage,
}
