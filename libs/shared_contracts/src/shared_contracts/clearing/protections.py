"""Records that must not be ended (clause 18)."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from shared_contracts.evidence import EvidenceGiven, EvidenceView
from shared_contracts.messages import Command, Message, Moment, Query


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


Commands = ProtectRecord | EndProtection
Queries = ListProtections
REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    ProtectRecord: ProtectionView,
    EndProtection: ProtectionView,
    ListProtections: ProtectionPage,
}
