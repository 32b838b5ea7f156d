"""The archive of a student (学籍档案, clause 14): what its six sections hold. Words of the registry.

Sections: 1 base information and its changes (the record and its journal), 2 evidence, 3 comprehensive quality reports,
4 fitness, check-ups and vaccinations, 5 awards and sanctions, 6 aid. Entries of sections 3 to 6 are typed, never changed
and never deleted: a wrong one is superseded by another.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar, Literal

import msgspec
from msgspec import Meta

from shared_contracts.discreet import Discreet
from shared_contracts.evidence import EvidenceGiven, EvidenceView
from shared_contracts.files import FileRef
from shared_contracts.messages import Command, Message, Moment, Query
from shared_contracts.records import JournalEntry, StudentView

MOST_ITEMS = 500
"""Entries of one command."""
MOST_EVIDENCE = 10
"""Files of one entry."""

Short = Annotated[str, Meta(min_length=1, max_length=60)]
Text = Annotated[str, Meta(min_length=1, max_length=1_000)]
Remark = Annotated[str, Meta(max_length=1_000)]
SchoolYear = Annotated[int, Meta(ge=1986, le=2100)]
"""2026 for 2026-2027."""
Centimetres = Annotated[float, Meta(ge=40, le=250)]
Kilograms = Annotated[float, Meta(ge=2, le=250)]
Vision = Annotated[float, Meta(ge=0, le=5.3)]
"""By the chart in use: 5.0 or 1.0."""


class Term(StrEnum):
    AUTUMN = "autumn"  # 秋季学期
    SPRING = "spring"  # 春季学期


class Aspect(StrEnum):
    """What is evaluated (clauses 14, 34.1)."""

    COMMUNITY_SERVICE = "community_service"  # 参加社区服务、社会服务
    SOCIAL_PRACTICE = "social_practice"  # 社会实践
    CIVIC_MORALITY = "civic_morality"  # 公民道德素养
    LEARNING = "learning"  # 学习能力
    COOPERATION = "cooperation"  # 交流与合作
    SPORT_AND_HEALTH = "sport_and_health"  # 运动与健康
    AESTHETICS = "aesthetics"  # 审美与表现
    PRACTICE_AND_INNOVATION = "practice_and_innovation"  # 实践与创新
    TALENT = "talent"  # 体育运动技能与艺术特长


class Level(StrEnum):
    EXCELLENT = "excellent"  # 优秀
    GOOD = "good"  # 良好
    PASSED = "passed"  # 合格（及格）
    NOT_YET = "not_yet"  # 待提高（不及格）


class AwardLevel(StrEnum):
    NATIONAL = "national"
    PROVINCIAL = "provincial"
    MUNICIPAL = "municipal"
    COUNTY = "county"
    SCHOOL = "school"


class AwardAspect(StrEnum):
    """德、智、体、美、劳 (clause 35)."""

    MORAL = "moral"
    INTELLECTUAL = "intellectual"
    PHYSICAL = "physical"
    AESTHETIC = "aesthetic"
    LABOUR = "labour"
    OVERALL = "overall"  # 综合


class SanctionKind(StrEnum):
    """The three of clause 36.2; there are no others."""

    WARNING = "warning"  # 警告
    DEMERIT = "demerit"  # 记过
    PROBATION = "probation"  # 留校察看


class AidKind(StrEnum):
    LIVING_SUBSIDY = "living_subsidy"  # 家庭经济困难学生生活补助
    NUTRITION = "nutrition"  # 营养改善计划
    BOARDING = "boarding"  # 寄宿生补助
    DISABILITY = "disability"  # 残疾学生资助
    SOCIAL = "social"  # 社会捐助
    OTHER = "other"


class Body(Discreet, msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind"):
    """What an entry says."""


class Exam(Body, frozen=True, kw_only=True, tag="exam"):
    """学业考试信息. `result`: a level or marks, as the school gives them; shown with this pupil alone (clause 34.2)."""

    school_year: SchoolYear
    term: Term
    subject: Short
    result: Annotated[str, Meta(min_length=1, max_length=20)]


class Evaluation(Body, frozen=True, kw_only=True, tag="evaluation"):
    """One aspect of a term's comprehensive quality report."""

    school_year: SchoolYear
    term: Term
    aspect: Aspect
    text: Remark = ""
    level: Level | None = None


class FitnessTest(Body, frozen=True, kw_only=True, tag="fitness_test"):
    """体质健康测试. `items`: name and result of each test."""

    school_year: SchoolYear
    level: Level
    score: Annotated[float, Meta(ge=0, le=120)] | None = None
    items: Annotated[dict[Short, Annotated[str, Meta(min_length=1, max_length=20)]], Meta(max_length=20)] = {}


class Checkup(Body, frozen=True, kw_only=True, tag="checkup"):
    """健康体检."""

    institution: Short
    conclusion: Text
    height_cm: Centimetres | None = None
    weight_kg: Kilograms | None = None
    vision_left: Vision | None = None
    vision_right: Vision | None = None


class Vaccination(Body, frozen=True, kw_only=True, tag="vaccination"):
    """预防接种."""

    vaccine: Short
    dose: Annotated[int, Meta(ge=1, le=20)]
    institution: Annotated[str, Meta(max_length=60)] = ""


class Award(Body, frozen=True, kw_only=True, tag="award"):
    """奖励 (clause 35)."""

    title: Short
    level: AwardLevel
    aspect: AwardAspect
    awarded_by: Short
    document: Annotated[str, Meta(max_length=60)] = ""


class Sanction(Body, frozen=True, kw_only=True, tag="sanction"):
    """处分 (clause 36)."""

    sanction: SanctionKind
    reason: Text
    decided_by: Short
    document: Annotated[str, Meta(max_length=60)] = ""


class Aid(Body, frozen=True, kw_only=True, tag="aid"):
    """受资助. `amount_fen`: in fen, where it is money."""

    programme: AidKind
    granted_by: Short
    amount_fen: Annotated[int, Meta(ge=1, le=100_000_000)] | None = None
    text: Remark = ""


Entry = Exam | Evaluation | FitnessTest | Checkup | Vaccination | Award | Sanction | Aid

SECTIONS: dict[int, str] = {
    1: "学籍基础信息及信息变动情况",
    2: "学籍信息证明材料",
    3: "综合素质发展报告",
    4: "体质健康测试、健康体检及预防接种信息",
    5: "在校期间的奖惩信息",
    6: "享受资助信息",
}
SECTION_OF: dict[type[Body], int] = {
    Exam: 3,
    Evaluation: 3,
    FitnessTest: 4,
    Checkup: 4,
    Vaccination: 4,
    Award: 5,
    Sanction: 5,
    Aid: 6,
}
Section = Literal[3, 4, 5, 6]


class ArchiveItem(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry for one student. `on`: the day that it is about."""

    student_id: Annotated[str, Meta(pattern=r"^[A-Za-z0-9-]{1,64}$")]
    on: date
    entry: Entry
    evidence: Annotated[tuple[EvidenceGiven, ...], Meta(max_length=MOST_EVIDENCE)] = ()


class ArchiveEntryView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.archive_entry"):
    """`superseded_by`: the entry that says it right, None for what holds. `journal_seq`: the entry of the journal whose
    content has this one's `digest`, so that the chain vouches for it."""

    id: str
    student_id: str
    section: int
    on: date
    entry: Entry
    school: str
    recorded_by: str
    recorded_at: Moment
    journal_seq: int
    digest: str
    evidence: tuple[str, ...] = ()
    supersedes: str | None = None
    superseded_by: str | None = None
    reason: str = ""


class EntriesAdded(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.entries_added"):
    """In the order given. Nothing of what they say: marks of many pupils are nowhere side by side (clause 34.2)."""

    ids: tuple[str, ...]


class FiledEvidence(Message, frozen=True, kw_only=True, gc=False):
    """A file of section 2, from when it belongs there."""

    evidence: EvidenceView
    filed_on: date
    filed_at: Moment
    journal_seq: int


class ArchiveView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.archive_view"):
    """The six sections, as of a day. `form`: the national form's fields, as they were then.

    `intact`: the chain closes and vouches for every entry and file. `copy_as_of`: what a former school keeps.
    """

    student: StudentView
    as_of: date
    journal: tuple[JournalEntry, ...]
    evidence: tuple[FiledEvidence, ...]
    entries: tuple[ArchiveEntryView, ...]
    intact: bool
    form: dict[str, str] = {}
    copy_as_of: date | None = None


class ArchiveMade(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.archive_made"):
    """A file to be fetched at once, from the file store."""

    student_id: str
    file: FileRef


class AddArchiveEntries(Command, frozen=True, kw_only=True, gc=False, tag="registry.add_archive_entries"):
    """Add entries to sections 3 to 6, of one student or of many; all or none. Reply: EntriesAdded."""

    items: Annotated[tuple[ArchiveItem, ...], Meta(min_length=1, max_length=MOST_ITEMS)]


class SupersedeArchiveEntry(Command, frozen=True, kw_only=True, gc=False, tag="registry.supersede_archive_entry"):
    """Say right what an entry says wrong: of the same kind, with the reason. Both stay. Reply: ArchiveEntryView."""

    entry_id: str
    on: date
    entry: Entry
    reason: str
    evidence: tuple[EvidenceGiven, ...] = ()


class FileEvidence(Command, frozen=True, kw_only=True, gc=False, tag="registry.file_evidence"):
    """Put uploaded files into a student's section 2. Reply: ArchiveView's evidence as it then is: EvidenceFiled."""

    student_id: str
    on: date
    evidence: Annotated[tuple[EvidenceGiven, ...], Meta(min_length=1, max_length=20)]


class EvidenceFiled(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.evidence_filed"):
    student_id: str
    evidence: tuple[FiledEvidence, ...]


class MakeArchive(Command, frozen=True, kw_only=True, gc=False, tag="registry.make_archive"):
    """The whole archive as of a day (today without one), to print or to hand on: a PDF/A, or a package that proves itself
    (`python -m registry.archive.verify`). Marked with who fetched it; made anew each time. Reply: ArchiveMade."""

    kept: ClassVar[bool] = False
    student_id: str
    form: Literal["pdf", "package"]
    as_of: date | None = None


class GetArchive(Query, frozen=True, kw_only=True, gc=False, tag="registry.archive"):
    """Reply: ArchiveView."""

    student_id: str
    as_of: date | None = None


Commands = AddArchiveEntries | SupersedeArchiveEntry | FileEvidence | MakeArchive
Queries = GetArchive

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    AddArchiveEntries: EntriesAdded,
    SupersedeArchiveEntry: ArchiveEntryView,
    FileEvidence: EvidenceFiled,
    MakeArchive: ArchiveMade,
    GetArchive: ArchiveView,
}
"""Part of the registry's (`registry.REPLIES`)."""
