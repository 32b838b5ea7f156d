"""Evidence files (证明材料, clause 14): uploaded once, looked at for viruses, attached to one thing."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec

from shared_contracts.files import FileRef
from shared_contracts.messages import Command, Message, Moment, Query

MOST_BYTES = 20_000_000
"""Of one file: a scan of some pages."""
MEDIA_TYPES = ("application/pdf", "image/jpeg", "image/png")


class EvidenceKind(StrEnum):
    """What a file shows (clause 14 and the clauses that ask for a paper)."""

    HOUSEHOLD_REGISTER = "household_register"  # 户籍证明（户口簿）
    RESIDENCE_PERMIT = "residence_permit"  # 居住证
    BIRTH_CERTIFICATE = "birth_certificate"  # 出生证明
    IDENTITY_DOCUMENT = "identity_document"  # 身份证件
    GUARDIANSHIP = "guardianship"  # 监护关系证明
    RESIDENCE = "residence"  # 房产证等居住证明
    TRANSFER_APPLICATION = "transfer_application"  # 转学申请
    SUSPENSION_APPLICATION = "suspension_application"  # 休学申请
    RESUMPTION_APPLICATION = "resumption_application"  # 复学申请
    APPLICATION = "application"  # 其他申请书
    MEDICAL = "medical"  # 诊断、病历等医疗证明
    DISABILITY = "disability"  # 残疾证明
    DEATH = "death"  # 死亡证明
    DEPARTURE = "departure"  # 出国（境）证明
    ADMISSION_NOTICE = "admission_notice"  # 入学通知书
    SIGNED_SHEET = "signed_sheet"  # 监护人签字的确认表
    AWARD = "award"  # 奖励证书或文件
    SANCTION = "sanction"  # 处分决定等资料
    AID = "aid"  # 资助材料
    HEALTH = "health"  # 体检、接种、体质测试材料
    PUBLIC_SECURITY = "public_security"  # 公安、司法机关文书
    OFFICIAL_DOCUMENT = "official_document"  # 教育行政部门文件
    OTHER = "other"  # 其他材料


EVIDENCE_TITLES: dict[EvidenceKind, str] = {
    EvidenceKind.HOUSEHOLD_REGISTER: "户籍证明（户口簿）",
    EvidenceKind.RESIDENCE_PERMIT: "居住证",
    EvidenceKind.BIRTH_CERTIFICATE: "出生证明",
    EvidenceKind.IDENTITY_DOCUMENT: "身份证件",
    EvidenceKind.GUARDIANSHIP: "监护关系证明",
    EvidenceKind.RESIDENCE: "居住证明（房产证等）",
    EvidenceKind.TRANSFER_APPLICATION: "转学申请",
    EvidenceKind.SUSPENSION_APPLICATION: "休学申请",
    EvidenceKind.RESUMPTION_APPLICATION: "复学申请",
    EvidenceKind.APPLICATION: "其他申请书",
    EvidenceKind.MEDICAL: "医疗证明",
    EvidenceKind.DISABILITY: "残疾证明",
    EvidenceKind.DEATH: "死亡证明",
    EvidenceKind.DEPARTURE: "出国（境）证明",
    EvidenceKind.ADMISSION_NOTICE: "入学通知书",
    EvidenceKind.SIGNED_SHEET: "监护人签字的确认表",
    EvidenceKind.AWARD: "奖励证书或文件",
    EvidenceKind.SANCTION: "处分决定等资料",
    EvidenceKind.AID: "资助材料",
    EvidenceKind.HEALTH: "体检、接种、体质测试材料",
    EvidenceKind.PUBLIC_SECURITY: "公安、司法机关文书",
    EvidenceKind.OFFICIAL_DOCUMENT: "教育行政部门文件",
    EvidenceKind.OTHER: "其他材料",
}


class ScanState(StrEnum):
    """What the virus scan says. Only `clean` and `unscanned` files can be attached."""

    PENDING = "pending"  # the scanner is away: looked at later
    CLEAN = "clean"
    INFECTED = "infected"  # quarantined for ever
    UNSCANNED = "unscanned"  # this installation has no scanner


class EvidenceGiven(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An uploaded file that a case is given, and what it shows."""

    evidence_id: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    kind: EvidenceKind = EvidenceKind.OTHER


class EvidenceView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.evidence_view"):
    """A file and where it belongs. `size` in bytes, `sha256` of the content, `attached_to`: `"correction:<id>"`.

    `name` is the file's own, as its uploader called it.
    """

    id: str
    name: str
    media_type: str
    size: int
    sha256: str
    scan: ScanState
    organisation: str
    uploaded_by: str
    uploaded_at: Moment
    kind: EvidenceKind = EvidenceKind.OTHER
    attached_to: str | None = None


class EvidencePage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.evidence_page"):
    items: tuple[EvidenceView, ...]
    next_cursor: str | None = None


class EvidenceFile(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.evidence_file"):
    """What fetches the content from the file store. `student_ids`: in whose records it is (for the audit log)."""

    evidence: EvidenceView
    file: FileRef
    student_ids: tuple[str, ...] = ()


class KeepEvidence(Command, frozen=True, kw_only=True, gc=False, tag="registry.keep_evidence"):
    """Keep an uploaded file as evidence of the actor's organisation. Reply: EvidenceView.

    Refused: not a PDF, JPEG or PNG by its content, empty, too large, infected.
    """

    evidence_id: str
    file: FileRef


class ListEvidence(Query, frozen=True, kw_only=True, gc=False, tag="registry.evidence"):
    """Files of the actor's organisation, newest first. `attached_to`: those of one thing; "" those of none yet."""

    attached_to: str | None = None
    cursor: str | None = None
    limit: int = 50


class GetEvidence(Query, frozen=True, kw_only=True, gc=False, tag="registry.one_evidence"):
    """Reply: EvidenceView."""

    evidence_id: str


class GetEvidenceFile(Query, frozen=True, kw_only=True, gc=False, tag="registry.evidence_content"):
    """Reply: EvidenceFile; refused while the file is not known to be harmless."""

    evidence_id: str


Commands = KeepEvidence
Queries = ListEvidence | GetEvidence | GetEvidenceFile

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    KeepEvidence: EvidenceView,
    ListEvidence: EvidencePage,
    GetEvidence: EvidenceView,
    GetEvidenceFile: EvidenceFile,
}
"""Part of the registry's (`registry.REPLIES`)."""
