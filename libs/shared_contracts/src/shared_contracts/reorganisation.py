"""Reorganisations: schools that are merged or closed, counties that are re-divided (clauses 21.3, 44).

A draft names what is to happen; its preview says in numbers what that would be and what stands in the way; the superior
authority's leader approves; the registry carries it out in batches. The registry answers these words.
"""

from __future__ import annotations

from datetime import date
from typing import Literal

from shared_contracts.decisions import Finding
from shared_contracts.files import Template
from shared_contracts.messages import Command, Event, Message, Moment, Query

ReorganisationKind = Literal["merger", "closure", "redivision"]
"""学校合并, 学校撤销, 行政区划调整."""

OperationState = Literal[
    "drafted", "previewed", "approved", "rejected", "cancelled", "running", "done", "failed", "undoing", "undone"
]
"""`approved`: waits for its day or for the worker. `failed`: nothing goes on until somebody resumes it."""


class Merging(Message, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="merger"):
    """学校合并: the schools `ended` go into one, with their classes; they are closed at the end."""

    ended: tuple[str, ...]
    into: str


class ClassTo(Message, frozen=True, kw_only=True, gc=False):
    """A class goes to a school as it is: its pupils stay together."""

    class_id: str
    to_school: str


class PupilTo(Message, frozen=True, kw_only=True, gc=False):
    """One pupil goes to a school. `class_no`: a class of the pupil's grade there; None for the smallest."""

    student_id: str
    to_school: str
    class_no: int | None = None


class Closing(Message, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="closure"):
    """学校撤销: who is in school is placed elsewhere, by class or singly; `keeper`: a school or an authority that keeps the
    records of those who are not in school any more."""

    school: str
    keeper: str
    classes: tuple[ClassTo, ...] = ()
    pupils: tuple[PupilTo, ...] = ()


class SchoolTo(Message, frozen=True, kw_only=True, gc=False):
    """A school goes to another authority. `division`: the county it lies in from then on."""

    school: str
    authority: str
    division: str


class Renamed(Message, frozen=True, kw_only=True, gc=False):
    code: str
    name: str


class Redividing(Message, frozen=True, kw_only=True, gc=False, tag_field="kind", tag="redivision"):
    """行政区划调整: schools to other counties, one by one or all of a county's (`counties`: from -> to), authorities renamed,
    authorities ended when nothing is under them any more."""

    schools: tuple[SchoolTo, ...] = ()
    counties: dict[str, str] = {}
    renamed: tuple[Renamed, ...] = ()
    ended: tuple[str, ...] = ()


Plan = Merging | Closing | Redividing


class ClassMove(Message, frozen=True, kw_only=True, gc=False):
    """What becomes of the pupils of one class. `to_class_no`: None where they do not stay together.
    `number_changed`: the receiving school has a class of that number already. `class_id`: None for pupils without one."""

    class_id: str | None
    school: str
    school_name: str
    stage: str
    grade: int | None
    class_no: int | None
    pupils: int
    to_school: str | None
    to_school_name: str
    to_class_no: int | None
    number_changed: bool = False


class Preview(Message, frozen=True, kw_only=True, gc=False):
    """In numbers what would happen. `in_school`, `ended`: records of pupils in school, of others; `schools`,
    `registrations` (open ones that go along): a re-division's."""

    classes: tuple[ClassMove, ...]
    in_school: int
    ended: int
    schools: tuple[SchoolTo, ...]
    registrations: int
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        return any(finding.outcome == "refuse" for finding in self.findings)


class ClassCount(Message, frozen=True, kw_only=True, gc=False):
    """`grade`, `class_no`: None for pupils without a class; `live` False counts records of those not in school any more."""

    school: str
    school_name: str
    grade: int | None
    class_no: int | None
    live: bool
    records: int


class Reconciled(Message, frozen=True, kw_only=True, gc=False):
    """Before and after over all schools concerned. `whole`: not a record more or less, none left, none twice."""

    before: tuple[ClassCount, ...]
    after: tuple[ClassCount, ...]
    records_before: int
    records_after: int
    left_behind: int
    copies: int
    whole: bool


class ReorganisationView(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.reorganisation_view"
):
    """`approver`: the authority whose leader decides. `total`, `moved`: records. `findings`: why it failed."""

    id: str
    kind: ReorganisationKind
    title: str
    document: str
    organisation: str
    organisation_name: str
    approver: str
    approver_name: str
    effective_from: date
    plan: Plan
    state: OperationState
    version: int
    created_by: str
    created_at: Moment
    preview: Preview | None = None
    previewed_at: Moment | None = None
    decided_by: str | None = None
    decided_at: Moment | None = None
    reason: str = ""
    total: int = 0
    moved: int = 0
    started_at: Moment | None = None
    ended_at: Moment | None = None
    findings: tuple[Finding, ...] = ()
    report: Reconciled | None = None


class ReorganisationPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.reorganisation_page"
):
    """Plans, previews and reports are left out of lists' findings: each is read by itself."""

    items: tuple[ReorganisationView, ...]
    next_cursor: str | None = None


class DraftReorganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.draft_reorganisation"):
    """`document`: the decision it rests on (文号). Reply: ReorganisationView."""

    reorganisation_id: str
    title: str
    document: str
    effective_from: date
    plan: Plan


class ReviseReorganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.revise_reorganisation"):
    """Another plan for a draft; its kind stays. It has to be previewed anew. Reply: ReorganisationView."""

    reorganisation_id: str
    title: str
    document: str
    effective_from: date
    plan: Plan
    version: int


class PreviewReorganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.preview_reorganisation"):
    """Look at what it would do; nothing is changed but the preview that is kept. Reply: ReorganisationView."""

    reorganisation_id: str
    version: int | None = None


class DecideReorganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_reorganisation"):
    """Reply: ReorganisationView. Refused where something stands in the way."""

    reorganisation_id: str
    decision: Literal["approve", "reject"]
    reason: str = ""
    version: int | None = None


class CancelReorganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.cancel_reorganisation"):
    """Give it up before it has begun. Reply: ReorganisationView."""

    reorganisation_id: str
    reason: str
    version: int | None = None


class ResumeReorganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.resume_reorganisation"):
    """Go on with one that has failed, where it stands. Reply: ReorganisationView."""

    reorganisation_id: str
    version: int | None = None


class UndoReorganisation(Command, frozen=True, kw_only=True, gc=False, tag="registry.undo_reorganisation"):
    """Take it back, while nothing else has happened to any record it moved. Reply: ReorganisationView."""

    reorganisation_id: str
    reason: str
    version: int | None = None


class GetReorganisation(Query, frozen=True, kw_only=True, gc=False, tag="registry.reorganisation"):
    reorganisation_id: str


class GetReorganisationReport(Query, frozen=True, kw_only=True, gc=False, tag="registry.reorganisation_report"):
    """The report of one that is done, as a workbook: classes before and after, reconciled. Reply: Template."""

    reorganisation_id: str


class ListReorganisations(Query, frozen=True, kw_only=True, gc=False, tag="registry.reorganisations"):
    state: OperationState | None = None
    cursor: str | None = None
    limit: int = 50


class ReorganisationEnded(Event, frozen=True, kw_only=True, gc=False, tag="registry.reorganisation_ended"):
    """It is done (or undone): accounts of organisations in `ended` have nothing to do there any more. At most 500 schools
    an event; `records`: how many moved."""

    operation_id: str
    kind: ReorganisationKind
    undone: bool
    ended: tuple[str, ...]
    receiving: tuple[str, ...]
    records: int


Commands = (
    DraftReorganisation
    | ReviseReorganisation
    | PreviewReorganisation
    | DecideReorganisation
    | CancelReorganisation
    | ResumeReorganisation
    | UndoReorganisation
)
Queries = GetReorganisation | GetReorganisationReport | ListReorganisations
Events = ReorganisationEnded

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    DraftReorganisation: ReorganisationView,
    ReviseReorganisation: ReorganisationView,
    PreviewReorganisation: ReorganisationView,
    DecideReorganisation: ReorganisationView,
    CancelReorganisation: ReorganisationView,
    ResumeReorganisation: ReorganisationView,
    UndoReorganisation: ReorganisationView,
    GetReorganisation: ReorganisationView,
    GetReorganisationReport: Template,
    ListReorganisations: ReorganisationPage,
}
"""Part of the registry's (`registry.REPLIES`)."""
