"""Corrections of key fields by a case (更正, clause 40); document numbers travel in commands alone."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from shared_contracts.clearing.steps import CaseDecision, ClearingChecked, Step
from shared_contracts.evidence import EvidenceGiven, EvidenceView
from shared_contracts.identity import KeyFields, MaskedMember
from shared_contracts.messages import Command, Event, Message, Moment, Query
from shared_contracts.records import StudentView


class CorrectionStep(StrEnum):
    PRINCIPAL = "principal"  # 学籍主管校长审核
    AUTHORITY = "authority"  # 学籍主管部门审核


class CorrectionState(StrEnum):
    PRINCIPAL = "waits_for_principal"
    AUTHORITY = "waits_for_authority"
    RETURNED = "returned"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    APPLYING = "applying"  # approved; identity has not answered yet
    APPLIED = "applied"
    FAILED = "failed"  # approved, and meanwhile not possible any more; `problem` says why


class KeyValues(Message, frozen=True, kw_only=True, gc=False):
    """Key fields as they may be shown: document numbers are masked. `members`: documents of family members that the
    correction is about."""

    name: str
    sex: str
    document_kind: str
    masked_document: str
    members: tuple[MaskedMember, ...] = ()


class CorrectionView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.correction_view"):
    """A correction of key fields (关键信息更正). `fields`: which differ; `before`, `after`: as they may be shown."""

    id: str
    student_id: str
    school: str
    school_name: str
    authority: str
    duplicate_id: str | None
    fields: tuple[str, ...]
    before: KeyValues
    after: KeyValues
    reason: str
    state: CorrectionState
    waits_for: CorrectionStep | None
    due_on: date | None
    opened_by: str
    opened_at: Moment
    steps: tuple[Step, ...]
    evidence: tuple[EvidenceView, ...]
    problem: str | None
    version: int


class CorrectionPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.correction_page"):
    items: tuple[CorrectionView, ...]
    next_cursor: str | None = None


class PrecheckCorrection(Query, frozen=True, kw_only=True, gc=False, tag="registry.precheck_correction"):
    """Reply: ClearingChecked."""

    student_id: str
    values: KeyFields


class OpenCorrection(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_correction"):
    """The school's registrar asks for other key fields, with evidence. Reply: CorrectionView."""

    correction_id: str
    student_id: str
    values: KeyFields
    reason: str
    evidence: tuple[EvidenceGiven, ...]


class DecideCorrection(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_correction"):
    """One step: the principal, then the supervising authority. Reply: CorrectionView."""

    correction_id: str
    step: CorrectionStep
    decision: CaseDecision
    reason: str = ""
    version: int | None = None


class ResubmitCorrection(Command, frozen=True, kw_only=True, gc=False, tag="registry.resubmit_correction"):
    """A returned correction, put right. What it proposes stands as a whole. Reply: CorrectionView."""

    correction_id: str
    values: KeyFields
    reason: str
    evidence: tuple[EvidenceGiven, ...]
    version: int


class WithdrawCorrection(Command, frozen=True, kw_only=True, gc=False, tag="registry.withdraw_correction"):
    correction_id: str
    reason: str


class GetCorrection(Query, frozen=True, kw_only=True, gc=False, tag="registry.correction"):
    correction_id: str


class ListCorrections(Query, frozen=True, kw_only=True, gc=False, tag="registry.corrections"):
    state: CorrectionState | None = None
    student_id: str | None = None
    cursor: str | None = None
    limit: int = 50


class UpdateProfile(Command, frozen=True, kw_only=True, gc=False, tag="registry.update_profile"):
    """The school keeps a pupil's form up to date (21.1 及时更新): fields that are neither key nor of the grade.

    `changes`: values of the form by key, as they would stand in a cell; empty takes a value away. `version`: of the
    student. Reply: StudentView.
    """

    student_id: str
    changes: dict[str, str]
    version: int


class CorrectionProposed(Event, frozen=True, kw_only=True, gc=False, tag="registry.correction_proposed"):
    """A case asks for what identity staged. `replaces`: what the case proposed before."""

    staging_id: str
    replaces: str | None = None


class CorrectionDropped(Event, frozen=True, kw_only=True, gc=False, tag="registry.correction_dropped"):
    """Rejected or withdrawn: identity forgets what was staged."""

    staging_id: str


class CorrectionApproved(Event, frozen=True, kw_only=True, gc=False, tag="registry.correction_approved"):
    """Identity changes the person and answers: `identity.person_corrected` or `identity.correction_failed`."""

    staging_id: str
    person_id: str
    registration_id: str


class StudentCorrected(Event, frozen=True, kw_only=True, gc=False, tag="registry.student_corrected"):
    """A record shows its corrected key fields. `fields`: which."""

    student_id: str
    person_id: str
    school: str
    fields: tuple[str, ...]


Commands = OpenCorrection | DecideCorrection | ResubmitCorrection | WithdrawCorrection | UpdateProfile
Queries = PrecheckCorrection | GetCorrection | ListCorrections
Events = CorrectionProposed | CorrectionDropped | CorrectionApproved | StudentCorrected
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    PrecheckCorrection: ClearingChecked,
    OpenCorrection: CorrectionView,
    DecideCorrection: CorrectionView,
    ResubmitCorrection: CorrectionView,
    WithdrawCorrection: CorrectionView,
    GetCorrection: CorrectionView,
    ListCorrections: CorrectionPage,
    UpdateProfile: StudentView,
}
