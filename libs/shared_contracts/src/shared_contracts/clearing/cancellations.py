"""The end of a record by a case, and what puts it back (注销, clause 22)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.clearing.steps import ClearingChecked, Step
from shared_contracts.evidence import EvidenceGiven, EvidenceView
from shared_contracts.messages import Command, Event, Message, Moment, Query


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


Commands = ProposeCancellation | DecideCancellation | WithdrawCancellation | ReinstateRecord
Queries = PrecheckCancellation | GetCancellation | ListCancellations
Events = RecordCancelled | RecordReinstating | RecordReinstated
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    PrecheckCancellation: ClearingChecked,
    ProposeCancellation: CancellationView,
    DecideCancellation: CancellationView,
    WithdrawCancellation: CancellationView,
    ReinstateRecord: CancellationView,
    GetCancellation: CancellationView,
    ListCancellations: CancellationPage,
}
