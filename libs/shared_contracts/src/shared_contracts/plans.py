"""Enrolment plans (招生计划, clause 4) and admission schemes of private schools (民办学校招生方案, clause 8).

A plan is set by a school's supervising authority and filed (备案) in the same act with the authority above; it is in force
from then on. Its places are what admissions and registrations take. They travel on the registry's subjects.
"""

from __future__ import annotations

from typing import Literal

from shared_contracts.decisions import Decision, Finding
from shared_contracts.evidence import EvidenceGiven, EvidenceView
from shared_contracts.files import FileRef, Template
from shared_contracts.messages import Command, Message, Moment, Query

StageCode = Literal["primary", "junior"]
PlanState = Literal["in_force", "returned"]
"""`returned`: the authority that the plan is filed with has sent it back: no place is given until it is set anew."""
ChangeState = Literal["waiting", "approved", "rejected", "withdrawn"]
SchemeState = Literal["waiting", "returned", "approved", "rejected"]


class PlanGiven(Message, frozen=True, kw_only=True, gc=False):
    """What an authority sets for a school, a school year (the year it begins in) and a stage. `version`: of the plan that
    it replaces, None where none is known."""

    school: str
    school_year: int
    stage: StageCode
    classes: int
    places: int
    reason: str = ""
    version: int | None = None


class PlanVersion(Message, frozen=True, kw_only=True, gc=False):
    """One version as it was issued. `change_id`: the school's request that it answers."""

    version: int
    authority: str
    classes: int
    places: int
    reason: str
    change_id: str | None
    issued_by: str
    issued_at: Moment


class PlanView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.plan_view"):
    """A plan as it stands. `taken`: open admissions and new registrations; `free`: what is left. `versions`: first to
    last, only where one plan is asked for."""

    id: str
    school: str
    school_name: str
    school_year: int
    stage: StageCode
    authority: str
    filed_with: str
    classes: int
    places: int
    taken: int
    free: int
    state: PlanState
    version: int
    filed_at: Moment
    issued_by: str
    return_reason: str | None = None
    returned_by: str | None = None
    waiting_change: str | None = None
    versions: tuple[PlanVersion, ...] = ()


class PlanPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.plan_page"):
    items: tuple[PlanView, ...]
    next_cursor: str | None = None


class PlanResult(Message, frozen=True, kw_only=True, gc=False):
    """What one plan of a set would do or has done. `row`: in a workbook as Excel shows it, in a list from 1. `reason`: as
    given, so that what a workbook says is set with it."""

    row: int
    school: str
    school_name: str
    school_year: int
    stage: str
    classes: int
    places: int
    outcome: Literal["created", "changed", "unchanged", "refused"]
    version: int | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = ()


class PlansChecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.plans_checked"):
    """Plan by plan; nothing is set while one is refused."""

    items: tuple[PlanResult, ...]
    refused: int


class PlansSet(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.plans_set"):
    """All of them are in force and filed."""

    items: tuple[PlanResult, ...]


class ChangeView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.plan_change"):
    """A change that a school asks for. `granted_*`: what the authority has given, perhaps another number."""

    id: str
    plan_id: str
    school: str
    school_name: str
    school_year: int
    stage: StageCode
    former_classes: int
    former_places: int
    classes: int
    places: int
    reason: str
    asked_by: str
    asked_at: Moment
    state: ChangeState
    version: int
    granted_classes: int | None = None
    granted_places: int | None = None
    decision_reason: str | None = None
    decided_by: str | None = None
    decided_at: Moment | None = None


class ChangePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.plan_change_page"):
    items: tuple[ChangeView, ...]
    next_cursor: str | None = None


class PlanPrechecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.plan_prechecked"):
    decision: Decision


class SchemeView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.scheme_view"):
    """A private school's scheme for one school year. `body`: the text, `evidence`: its files (the board's resolution, the
    stamped original); both are left out of lists."""

    id: str
    school: str
    school_name: str
    school_year: int
    title: str
    body: str
    state: SchemeState
    submitted_by: str
    submitted_at: Moment
    version: int
    decision_reason: str | None = None
    decided_by: str | None = None
    decided_at: Moment | None = None
    evidence: tuple[EvidenceView, ...] = ()


class SchemePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.scheme_page"):
    items: tuple[SchemeView, ...]
    next_cursor: str | None = None


# ---- commands ---------------------------------------------------------------------------------------------------------


class SetPlans(Command, frozen=True, kw_only=True, gc=False, tag="registry.set_plans"):
    """Set, change and file plans, all of them or none. Reply: PlansSet."""

    plans: tuple[PlanGiven, ...]


class ReturnPlan(Command, frozen=True, kw_only=True, gc=False, tag="registry.return_plan"):
    """The authority that a plan is filed with sends it back. Reply: PlanView."""

    plan_id: str
    reason: str
    version: int | None = None


class AskPlanChange(Command, frozen=True, kw_only=True, gc=False, tag="registry.ask_plan_change"):
    """A school asks for other numbers. Reply: ChangeView."""

    change_id: str
    plan_id: str
    classes: int
    places: int
    reason: str


class DecidePlanChange(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_plan_change"):
    """Approve, perhaps with other numbers (None: as asked), or reject with a reason. Reply: ChangeView."""

    change_id: str
    decision: Literal["approve", "reject"]
    classes: int | None = None
    places: int | None = None
    reason: str = ""
    version: int | None = None


class WithdrawPlanChange(Command, frozen=True, kw_only=True, gc=False, tag="registry.withdraw_plan_change"):
    """The school takes back what it asked for. Reply: ChangeView."""

    change_id: str
    version: int | None = None


class SubmitScheme(Command, frozen=True, kw_only=True, gc=False, tag="registry.submit_scheme"):
    """A private school submits its admission scheme for a year, with files where it has some. Reply: SchemeView."""

    scheme_id: str
    school_year: int
    title: str
    body: str
    evidence: tuple[EvidenceGiven, ...] = ()


class ReviseScheme(Command, frozen=True, kw_only=True, gc=False, tag="registry.revise_scheme"):
    """Another text for a scheme that waits or was returned; it waits again. `evidence`: files to add; those that it has
    stay. Reply: SchemeView."""

    scheme_id: str
    title: str
    body: str
    version: int
    evidence: tuple[EvidenceGiven, ...] = ()


class DecideScheme(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_scheme"):
    """The supervising authority approves, rejects (for this year) or returns (to be revised). Reply: SchemeView."""

    scheme_id: str
    decision: Literal["approve", "reject", "return"]
    reason: str = ""
    version: int | None = None


# ---- queries ----------------------------------------------------------------------------------------------------------


class PrecheckPlans(Query, frozen=True, kw_only=True, gc=False, tag="registry.precheck_plans"):
    """What setting these would do; nothing is set. Reply: PlansChecked."""

    plans: tuple[PlanGiven, ...]


class ReadPlans(Query, frozen=True, kw_only=True, gc=False, tag="registry.read_plans"):
    """What a workbook of plans would do; nothing is set. The file is read and forgotten. Reply: PlansChecked."""

    file: FileRef
    school_year: int


class GetPlanTemplate(Query, frozen=True, kw_only=True, gc=False, tag="registry.plan_template"):
    """A workbook with the schools that an authority supervises and their plans of a year. Reply: Template."""

    school_year: int


class PrecheckPlanChange(Query, frozen=True, kw_only=True, gc=False, tag="registry.precheck_plan_change"):
    """What the rules say of other numbers for a plan; nothing is asked. Reply: PlanPrechecked."""

    plan_id: str
    classes: int
    places: int


class GetPlan(Query, frozen=True, kw_only=True, gc=False, tag="registry.plan"):
    """With all its versions. Reply: PlanView."""

    plan_id: str


class ListPlans(Query, frozen=True, kw_only=True, gc=False, tag="registry.plans"):
    """Those within reach, by school and stage. `filed`: those that are filed with the own authority. Reply: PlanPage."""

    school_year: int | None = None
    school: str | None = None
    stage: StageCode | None = None
    state: PlanState | None = None
    filed: bool = False
    cursor: str | None = None
    limit: int = 100


class GetPlanChange(Query, frozen=True, kw_only=True, gc=False, tag="registry.plan_change_of"):
    change_id: str


class ListPlanChanges(Query, frozen=True, kw_only=True, gc=False, tag="registry.plan_changes"):
    """Newest first. Reply: ChangePage."""

    plan_id: str | None = None
    school_year: int | None = None
    state: ChangeState | None = None
    cursor: str | None = None
    limit: int = 100


class GetScheme(Query, frozen=True, kw_only=True, gc=False, tag="registry.scheme"):
    scheme_id: str


class ListSchemes(Query, frozen=True, kw_only=True, gc=False, tag="registry.schemes"):
    """Newest first, without their texts. Reply: SchemePage."""

    school_year: int | None = None
    state: SchemeState | None = None
    cursor: str | None = None
    limit: int = 100


Commands = (
    SetPlans
    | ReturnPlan
    | AskPlanChange
    | DecidePlanChange
    | WithdrawPlanChange
    | SubmitScheme
    | ReviseScheme
    | DecideScheme
)
Queries = (
    PrecheckPlans
    | ReadPlans
    | GetPlanTemplate
    | PrecheckPlanChange
    | GetPlan
    | ListPlans
    | GetPlanChange
    | ListPlanChanges
    | GetScheme
    | ListSchemes
)

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    SetPlans: PlansSet,
    ReturnPlan: PlanView,
    AskPlanChange: ChangeView,
    DecidePlanChange: ChangeView,
    WithdrawPlanChange: ChangeView,
    SubmitScheme: SchemeView,
    ReviseScheme: SchemeView,
    DecideScheme: SchemeView,
    PrecheckPlans: PlansChecked,
    ReadPlans: PlansChecked,
    GetPlanTemplate: Template,
    PrecheckPlanChange: PlanPrechecked,
    GetPlan: PlanView,
    ListPlans: PlanPage,
    GetPlanChange: ChangeView,
    ListPlanChanges: ChangePage,
    GetScheme: SchemeView,
    ListSchemes: SchemePage,
}
"""Part of the registry's (`registry.REPLIES`)."""
