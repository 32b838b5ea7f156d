"""Applications (clauses 6 to 9): deferral, migrant and international children, private schools' admissions."""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.admission.children import ChildGiven
from shared_contracts.admission.terms import StageName
from shared_contracts.decisions import Finding
from shared_contracts.evidence import EvidenceGiven
from shared_contracts.messages import Command, Message, Moment, Query

ApplicationKind = Literal["deferral", "migrant", "international"]
"""延缓入学 (6), 随迁子女就学 (7), 国际学生就读 (9)."""


class ApplicationStep(Message, frozen=True, kw_only=True, gc=False):
    step: str
    title: str
    decision: str
    account_name: str
    decided_at: Moment
    reason: str


class SchoolChoiceView(Message, frozen=True, kw_only=True, gc=False):
    """A school with room for a migrant child, in the order of clause 7. `served`: its zone has the address."""

    school: str
    school_name: str
    ownership: str
    served: bool
    free: int


class ApplicationView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.application_view"):
    """`waits_for`: the step somebody has to decide now; `content`: what the kind has of its own; `choices`: schools for
    a migrant child who waits for one, public and near first."""

    id: str
    kind: ApplicationKind
    child_id: str
    name: str
    birth_date: date
    masked_document: str
    county: str
    school: str | None
    school_name: str | None
    school_year: int
    stage: StageName
    state: Literal["open", "approved", "rejected"]
    waits_for: str | None
    due_on: date | None
    asked_on: date
    content: dict[str, str]
    evidence: tuple[EvidenceGiven, ...]
    steps: tuple[ApplicationStep, ...]
    choices: tuple[SchoolChoiceView, ...] = ()
    admission_id: str | None
    version: int


class ApplicationPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.application_page"):
    items: tuple[ApplicationView, ...]
    next_cursor: str | None = None


class ApplyForDeferral(Command, frozen=True, kw_only=True, gc=False, tag="registry.apply_for_deferral"):
    """The parents' application, received by a public primary school (clause 6). `institution`: the designated medical
    institution that made the diagnosis, for reasons of health. Reply: ApplicationView."""

    application_id: str
    child_id: str
    cause: Literal["health", "other"]
    reason: str
    institution: str = ""
    evidence: tuple[EvidenceGiven, ...] = ()


class ApplyAsMigrant(Command, frozen=True, kw_only=True, gc=False, tag="registry.apply_as_migrant"):
    """A migrant child (clause 7): residence permits of guardian and child, household booklet, and nothing else.

    Reply: ApplicationView."""

    application_id: str
    child: ChildGiven
    stage: StageName = "primary"
    evidence: tuple[EvidenceGiven, ...] = ()


class ApplyInternationally(Command, frozen=True, kw_only=True, gc=False, tag="registry.apply_internationally"):
    """An international pupil at a qualified school (clause 9). Reply: ApplicationView."""

    application_id: str
    child: ChildGiven
    stage: StageName = "primary"
    evidence: tuple[EvidenceGiven, ...] = ()


class AdmitPrivately(Command, frozen=True, kw_only=True, gc=False, tag="registry.admit_privately"):
    """A private school's applicants under its approved scheme (clause 8): all of them or none. At most 500.

    `dry_run`: only say what would be. Reply: PrivateAdmissions."""

    list_id: str
    applicants: tuple[ChildGiven, ...]
    stage: StageName = "primary"
    dry_run: bool = False


class PrivateApplicant(Message, frozen=True, kw_only=True, gc=False):
    """`row`: place in the list, from 1."""

    row: int
    name: str
    masked_document: str
    admission_id: str | None = None
    findings: tuple[Finding, ...] = ()


class PrivateAdmissions(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.private_admissions"
):
    done: bool
    places: int
    free: int
    items: tuple[PrivateApplicant, ...]


class DecideApplication(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_application"):
    """A step of a deferral, a migrant child's or an international pupil's application. `school`: where the authority
    assigns a migrant child. Reply: ApplicationView."""

    application_id: str
    kind: ApplicationKind
    step: Literal["school", "authority"]
    decision: Literal["approve", "reject"]
    reason: str = ""
    school: str | None = None
    version: int | None = None


class ListApplications(Query, frozen=True, kw_only=True, gc=False, tag="registry.applications"):
    kind: ApplicationKind
    state: Literal["open", "approved", "rejected"] | None = None
    cursor: str | None = None
    limit: int = 50


class GetApplication(Query, frozen=True, kw_only=True, gc=False, tag="registry.application"):
    application_id: str
    kind: ApplicationKind


Commands = ApplyForDeferral | ApplyAsMigrant | ApplyInternationally | AdmitPrivately | DecideApplication
Queries = ListApplications | GetApplication
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    ApplyForDeferral: ApplicationView,
    ApplyAsMigrant: ApplicationView,
    ApplyInternationally: ApplicationView,
    AdmitPrivately: PrivateAdmissions,
    DecideApplication: ApplicationView,
    ListApplications: ApplicationPage,
    GetApplication: ApplicationView,
}
