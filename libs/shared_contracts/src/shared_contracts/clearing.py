"""Clearing (查重、更正、注销): duplicates, corrections of key fields, cancellations. Words of the registry.

Articles 18, 20, 22, 39, 40. Document numbers travel in commands alone and are kept by identity; events carry ids.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.decisions import Decision
from shared_contracts.evidence import EvidenceGiven, EvidenceView
from shared_contracts.identity import KeyFields, MaskedMember
from shared_contracts.messages import Command, Event, Message, Moment, Query
from shared_contracts.records import StudentView

CaseDecision = Literal["approve", "reject", "return"]


class Step(Message, frozen=True, kw_only=True, gc=False):
    """One act on a case (办理经过). `decision`: approve, reject, return, resubmit, withdraw, reroute."""

    step: str
    decision: str
    account_name: str
    organisation: str
    decided_at: Moment
    reason: str = ""


class ClearingChecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.clearing_checked"):
    """The answer to a precheck: the same rules, nothing opened."""

    decision: Decision


# ---- protections (18) -----------------------------------------------------------------------------------------------


class ProtectionKind(StrEnum):
    """Why a record may not be ended (clause 18)."""

    MISSING = "missing"  # 失踪
    CRIMINAL = "criminal"  # 被追究刑事责任
    COMPULSORY = "compulsory"  # 被采取强制性教育措施


class ProtectionView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.protection_view"):
    """A record that is kept whatever else (clause 18). `reported_by`: the school whose report it stands on."""

    id: str
    student_id: str
    student_name: str
    school: str
    school_name: str
    kind: ProtectionKind
    since: date
    report: str
    registered_by: str
    registered_at: Moment
    evidence: tuple[EvidenceView, ...] = ()
    ended_on: date | None = None
    end_reason: str = ""
    ended_by: str = ""


class ProtectionPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.protection_page"):
    items: tuple[ProtectionView, ...]
    next_cursor: str | None = None


class ProtectRecord(Command, frozen=True, kw_only=True, gc=False, tag="registry.protect_record"):
    """The supervising authority registers, on the school's report, why a record is kept. Reply: ProtectionView."""

    protection_id: str
    student_id: str
    kind: ProtectionKind
    since: date
    report: str
    evidence: tuple[EvidenceGiven, ...]


class EndProtection(Command, frozen=True, kw_only=True, gc=False, tag="registry.end_protection"):
    """The cause has ended (原因消除): the pupil comes back. Reply: ProtectionView."""

    protection_id: str
    ended_on: date
    reason: str


class ListProtections(Query, frozen=True, kw_only=True, gc=False, tag="registry.protections"):
    student_id: str | None = None
    in_force: bool = True
    cursor: str | None = None
    limit: int = 50


# ---- cancellations (22) ---------------------------------------------------------------------------------------------


class Ground(StrEnum):
    """The five grounds of clause 22; there is no sixth."""

    FRAUD = "fraud"  # 弄虚作假、冒名顶替骗取入学资格
    OUT_OF_AREA = "out_of_area"  # 违反属地化招生原则、违规跨招生区域招生
    DUAL_RECORD = "dual_record"  # 双重学籍
    FINISHED = "finished"  # 已毕业、结业
    OTHER_VIOLATION = "other_violation"  # 其他违反招生政策和学籍管理实施细则的行为


class CancellationState(StrEnum):
    PROPOSED = "proposed"  # waits for the leader
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    CANCELLED = "cancelled"
    REINSTATING = "reinstating"  # waits for identity to give the person back
    REINSTATED = "reinstated"


class CancellationView(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.cancellation_view"
):
    """A cancellation (注销). `violated`: the clause that the record was made against, for the fifth ground. `kept_id`: of a
    double record, the one that stays. `problem`: why a reinstatement was not possible, in Chinese."""

    id: str
    student_id: str
    student_name: str
    school: str
    school_name: str
    authority: str
    ground: Ground
    ground_title: str
    reason: str
    violated: str | None
    kept_id: str | None
    duplicate_id: str | None
    state: CancellationState
    due_on: date | None
    proposed_by: str
    proposed_at: Moment
    steps: tuple[Step, ...]
    evidence: tuple[EvidenceView, ...]
    problem: str | None
    version: int


class CancellationPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.cancellation_page"
):
    items: tuple[CancellationView, ...]
    next_cursor: str | None = None


class PrecheckCancellation(Query, frozen=True, kw_only=True, gc=False, tag="registry.precheck_cancellation"):
    """The rules of ProposeCancellation; nothing is opened. Reply: ClearingChecked."""

    student_id: str
    ground: Ground
    reason: str
    violated: str | None = None


class ProposeCancellation(Command, frozen=True, kw_only=True, gc=False, tag="registry.propose_cancellation"):
    """An officer of the supervising authority proposes to end a record. Reply: CancellationView."""

    cancellation_id: str
    student_id: str
    ground: Ground
    reason: str
    evidence: tuple[EvidenceGiven, ...]
    violated: str | None = None


class DecideCancellation(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_cancellation"):
    """The leader of that authority decides; the record ends with the approval. Reply: CancellationView."""

    cancellation_id: str
    decision: Literal["approve", "reject"]
    reason: str = ""
    version: int | None = None


class WithdrawCancellation(Command, frozen=True, kw_only=True, gc=False, tag="registry.withdraw_cancellation"):
    """The proposing authority takes it back before it is decided. Reply: CancellationView."""

    cancellation_id: str
    reason: str


class ReinstateRecord(Command, frozen=True, kw_only=True, gc=False, tag="registry.reinstate_record"):
    """The superior authority undoes a cancellation while nothing else has happened since. Reply: CancellationView."""

    cancellation_id: str
    reason: str


class GetCancellation(Query, frozen=True, kw_only=True, gc=False, tag="registry.cancellation"):
    cancellation_id: str


class ListCancellations(Query, frozen=True, kw_only=True, gc=False, tag="registry.cancellations"):
    state: CancellationState | None = None
    student_id: str | None = None
    cursor: str | None = None
    limit: int = 50


# ---- corrections (40) -----------------------------------------------------------------------------------------------


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


# ---- duplicates (20.1, 39) ------------------------------------------------------------------------------------------


class DuplicateState(StrEnum):
    OPEN = "open"  # the schools are heard, then the authority decides
    CORRECTING = "correcting"  # 变更: one record is being corrected
    CANCELLING = "cancelling"  # 删除: the cancellation waits for the leader
    DIFFERENT = "different"  # 佐证: two pupils; the pair never comes back
    CORRECTED = "corrected"
    MERGED = "merged"  # one record is kept, the other cancelled and read under it


Position = Literal["same", "different", "unknown"]
"""What a school says: one pupil, two pupils, cannot tell."""


class DuplicateSide(Message, frozen=True, kw_only=True, gc=False):
    """One of two records. `masked`: shown to a school that does not have it, as far as that school may know: surname,
    school, no id. `registered`: a student record exists; otherwise the registration is under way."""

    id: str | None
    school: str
    school_name: str
    name: str
    sex: str
    birth_date: date | None
    masked_document: str
    student_number: str | None
    grade: int | None
    class_no: int | None
    registered: bool
    live: bool
    masked: bool = False


class DuplicateStatement(Message, frozen=True, kw_only=True, gc=False):
    """What a school says about a pair (听取意见)."""

    school: str
    school_name: str
    position: Position
    text: str
    account_name: str
    stated_at: Moment
    evidence: tuple[EvidenceView, ...] = ()


class DuplicateView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.duplicate_view"):
    """Two records that may be one pupil's, a pair once. `sides`: in the order of their ids; `alike`: how many pupils of
    the province have such a name and birth date. `heard`: both schools spoke, or their time (`due_on`) has passed.
    `authority`: who decides. `record_id`: the record that was kept, or is to be corrected."""

    id: str
    sides: tuple[DuplicateSide, DuplicateSide]
    agreements: tuple[str, ...]
    reasons: tuple[str, ...]
    alike: int
    rarity: str
    source: Literal["scan", "registration", "report"]
    state: DuplicateState
    authority: str
    authority_name: str
    found_at: Moment
    due_on: date
    heard: bool
    statements: tuple[DuplicateStatement, ...]
    record_id: str | None
    cancellation_id: str | None
    decided_by: str | None
    decided_at: Moment | None
    decision_reason: str
    version: int


class DuplicatePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.duplicate_page"):
    items: tuple[DuplicateView, ...]
    next_cursor: str | None = None


class ListDuplicates(Query, frozen=True, kw_only=True, gc=False, tag="registry.duplicates"):
    """Pairs with a side of the actor's. `to_decide`: only what this authority decides."""

    state: DuplicateState | None = None
    to_decide: bool = False
    cursor: str | None = None
    limit: int = 50


class GetDuplicate(Query, frozen=True, kw_only=True, gc=False, tag="registry.duplicate"):
    duplicate_id: str


class ReportDuplicate(Command, frozen=True, kw_only=True, gc=False, tag="registry.report_duplicate"):
    """Somebody knows of two records that may be one pupil's. `record_ids`: both within the actor's reach.
    Reply: DuplicateView."""

    record_ids: tuple[str, str]
    reason: str


class StateDuplicate(Command, frozen=True, kw_only=True, gc=False, tag="registry.state_duplicate"):
    """A school speaks about a pair, once. Reply: DuplicateView."""

    duplicate_id: str
    position: Position
    text: str
    evidence: tuple[EvidenceGiven, ...] = ()


class DecideDuplicate(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_duplicate"):
    """An officer of the competent authority decides (39). `different`: two pupils. `correct`: the school of `record_id`
    has to correct it. `cancel`: `record_id` is kept, the other one is proposed for cancellation (22), which the leader
    decides. Reply: DuplicateView."""

    duplicate_id: str
    decision: Literal["different", "correct", "cancel"]
    reason: str
    record_id: str | None = None
    evidence: tuple[EvidenceGiven, ...] = ()
    version: int | None = None


class UndoDuplicate(Command, frozen=True, kw_only=True, gc=False, tag="registry.undo_duplicate"):
    """The leader of the competent authority takes a decision back: of a merge, while nothing else has happened since.
    Reply: DuplicateView."""

    duplicate_id: str
    reason: str


class ScanState(StrEnum):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"


class ScanView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.duplicate_scan"):
    """A search for duplicates over an organisation's records. `done` of `total` records looked at; `found`: new pairs."""

    id: str
    organisation: str
    organisation_name: str
    state: ScanState
    total: int
    done: int
    found: int
    requested_by: str
    requested_at: Moment
    finished_at: Moment | None


class ScanPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.duplicate_scan_page"):
    items: tuple[ScanView, ...]
    next_cursor: str | None = None


class StartScan(Command, frozen=True, kw_only=True, gc=False, tag="registry.start_duplicate_scan"):
    """Reply: ScanView. A scan of the same organisation that has not ended is answered instead of a second one."""

    scan_id: str
    organisation: str


class GetScan(Query, frozen=True, kw_only=True, gc=False, tag="registry.duplicate_scan_of"):
    scan_id: str


class ListScans(Query, frozen=True, kw_only=True, gc=False, tag="registry.duplicate_scans"):
    cursor: str | None = None
    limit: int = 50


# ---- events ---------------------------------------------------------------------------------------------------------


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


class RecordCancelled(Event, frozen=True, kw_only=True, gc=False, tag="registry.record_cancelled"):
    """A record was ended (22). `kept_id`: of a double record, the one under which this one is read now."""

    student_id: str
    person_id: str
    school: str
    ground: Ground
    kept_id: str | None = None


class RecordReinstating(Event, frozen=True, kw_only=True, gc=False, tag="registry.record_reinstating"):
    """A cancellation is to be undone: identity is asked for the person (`identity.claim_restored`)."""

    student_id: str
    person_id: str
    school: str


class RecordReinstated(Event, frozen=True, kw_only=True, gc=False, tag="registry.record_reinstated"):
    """The record stands again as it stood before it was cancelled."""

    student_id: str
    person_id: str
    school: str


Commands = (
    ProtectRecord
    | EndProtection
    | ProposeCancellation
    | DecideCancellation
    | WithdrawCancellation
    | ReinstateRecord
    | OpenCorrection
    | DecideCorrection
    | ResubmitCorrection
    | WithdrawCorrection
    | UpdateProfile
    | ReportDuplicate
    | StateDuplicate
    | DecideDuplicate
    | UndoDuplicate
    | StartScan
)
Queries = (
    ListProtections
    | PrecheckCancellation
    | GetCancellation
    | ListCancellations
    | PrecheckCorrection
    | GetCorrection
    | ListCorrections
    | ListDuplicates
    | GetDuplicate
    | GetScan
    | ListScans
)
Events = (
    CorrectionProposed
    | CorrectionDropped
    | CorrectionApproved
    | StudentCorrected
    | RecordCancelled
    | RecordReinstating
    | RecordReinstated
)

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    ProtectRecord: ProtectionView,
    EndProtection: ProtectionView,
    ListProtections: ProtectionPage,
    PrecheckCancellation: ClearingChecked,
    ProposeCancellation: CancellationView,
    DecideCancellation: CancellationView,
    WithdrawCancellation: CancellationView,
    ReinstateRecord: CancellationView,
    GetCancellation: CancellationView,
    ListCancellations: CancellationPage,
    PrecheckCorrection: ClearingChecked,
    OpenCorrection: CorrectionView,
    DecideCorrection: CorrectionView,
    ResubmitCorrection: CorrectionView,
    WithdrawCorrection: CorrectionView,
    GetCorrection: CorrectionView,
    ListCorrections: CorrectionPage,
    UpdateProfile: StudentView,
    ListDuplicates: DuplicatePage,
    GetDuplicate: DuplicateView,
    ReportDuplicate: DuplicateView,
    StateDuplicate: DuplicateView,
    DecideDuplicate: DuplicateView,
    UndoDuplicate: DuplicateView,
    StartScan: ScanView,
    GetScan: ScanView,
    ListScans: ScanPage,
}
"""Part of the registry's (`registry.REPLIES`)."""
