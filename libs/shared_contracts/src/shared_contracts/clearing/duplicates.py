"""Two records that may be one pupil's (查重, clauses 20.1, 39): found, heard, decided; scans."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.evidence import EvidenceGiven, EvidenceView
from shared_contracts.messages import Command, Message, Moment, Query


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


Commands = ReportDuplicate | StateDuplicate | DecideDuplicate | UndoDuplicate | StartScan
Queries = ListDuplicates | GetDuplicate | GetScan | ListScans
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
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
