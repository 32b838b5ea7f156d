"""Data quality, verification rounds (核查) and rectification (责令改正): clauses 3.4, 3.5, 48. Words of the registry."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.messages import Command, Message, Moment, Query


class FindingKind(StrEnum):
    """The seven kinds of Article 48, in its order; and what a round of checks finds in the data."""

    NO_RECORD = "no_record"  # 不为已接收学生建立学籍档案
    FALSE_DATA = "false_data"  # 以虚假信息建立学籍
    CHANGE_NOT_FILED = "change_not_filed"  # 不及时把学籍变动信息纳入学籍档案
    NOT_TRANSFERRED = "not_transferred"  # 接收学生不为其办理转学手续
    ARCHIVE_NOT_PASSED = "archive_not_passed"  # 不按规定为学生转接学籍档案
    DATA_LEAKED = "data_leaked"  # 泄露或非法使用学生学籍信息
    OTHER = "other"  # 违反本实施细则规定的其他行为
    DATA_QUALITY = "data_quality"  # 核查发现的学籍信息问题


class FindingState(StrEnum):
    OPEN = "open"  # the school has to put it right and answer
    ANSWERED = "answered"  # the authority has to look at the answer
    RETURNED = "returned"  # the answer does not do: put right and answered again
    CLOSED = "closed"


class RoundState(StrEnum):
    CHECKING = "checking"  # the system goes through the records
    OPEN = "open"  # schools answer, the authority looks at the answers
    CLOSED = "closed"


class RuleKind(StrEnum):
    MISSING = "missing"  # 缺项
    INCONSISTENT = "inconsistent"  # 矛盾
    STALE = "stale"  # 久未更新
    SUSPICIOUS = "suspicious"  # 可疑


# ---- quality --------------------------------------------------------------------------------------------------------


class Issue(Message, frozen=True, kw_only=True, gc=False):
    """What is wrong with a record or a school. `points`: what it takes from a hundred. Texts are Chinese."""

    code: str
    kind: RuleKind
    clause: str
    title: str
    cure: str
    points: int


class RecordQuality(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.record_quality_view"):
    """One record, looked at now. `score`: 0 to 100."""

    student_id: str
    score: int
    issues: tuple[Issue, ...]
    checked_on: date


class QualityRow(Message, frozen=True, kw_only=True, gc=False):
    """One record as the last check of its school found it."""

    student_id: str
    name: str
    grade: int | None
    class_no: int | None
    score: int
    issues: tuple[Issue, ...]
    checked_on: date


class QualityPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.quality_page"):
    """Worst first."""

    items: tuple[QualityRow, ...]
    next_cursor: str | None = None


class IssueCount(Message, frozen=True, kw_only=True, gc=False):
    """How many records of a school have an issue; 1 for one of the school itself."""

    issue: Issue
    records: int
    of_school: bool = False


class SchoolQuality(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.school_quality_view"):
    """One school as its last check found it; None where it was never checked. `score`: the mean of its records, less what
    the school itself is charged with. `checking`: a check is under way.
    """

    school: str
    school_name: str
    authority: str
    records: int
    perfect: int
    score: int | None
    issues: tuple[IssueCount, ...]
    checked_on: date | None
    checking: bool


class SchoolQualityPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.school_quality_page"
):
    items: tuple[SchoolQuality, ...]
    next_cursor: str | None = None


# ---- rounds and findings --------------------------------------------------------------------------------------------


class RoundView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.inspection_round_view"):
    """A verification round (clause 3.4). `checked`: schools done of `schools`; findings by state."""

    id: str
    authority: str
    authority_name: str
    title: str
    state: RoundState
    due_on: date
    opened_at: Moment
    opened_by: str
    schools: int
    checked: int
    records: int
    findings: dict[str, int]
    version: int
    closed_at: Moment | None = None
    closing_note: str = ""


class RoundPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.inspection_round_page"):
    items: tuple[RoundView, ...]
    next_cursor: str | None = None


class FindingAct(Message, frozen=True, kw_only=True, gc=False):
    """What was done about a finding. `act`: raised, found_again, answered, returned, closed."""

    act: str
    account: str
    account_name: str
    at: Moment
    text: str = ""


class InspectionFinding(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.inspection_finding_view"
):
    """One thing that a school has to put right (责令改正). `authority`: who decides about it; `records`: how many pupils."""

    id: str
    school: str
    school_name: str
    authority: str
    kind: FindingKind
    code: str
    clause: str
    title: str
    detail: str
    cure: str
    records: int
    state: FindingState
    source: Literal["system", "person"]
    round_id: str | None
    raised_at: Moment
    due_on: date
    overdue: bool
    version: int
    acts: tuple[FindingAct, ...] = ()


class InspectionFindingPage(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.inspection_finding_page"
):
    """Those that are due first come first."""

    items: tuple[InspectionFinding, ...]
    next_cursor: str | None = None


# ---- commands -------------------------------------------------------------------------------------------------------


class CheckSchool(Command, frozen=True, kw_only=True, gc=False, tag="registry.check_school"):
    """Go through all records of a school (clause 3.5). Reply: SchoolQuality, `checking`."""

    school: str


class OpenRound(Command, frozen=True, kw_only=True, gc=False, tag="registry.open_round"):
    """Check schools and list what is to be put right, school by school (clause 3.4). Reply: RoundView.

    `schools`: codes, all under the authority where none is given.
    """

    round_id: str
    title: str
    due_on: date
    schools: tuple[str, ...] = ()


class CloseRound(Command, frozen=True, kw_only=True, gc=False, tag="registry.close_round"):
    """`note`: needed where findings are still open; they stay and go on. Reply: RoundView."""

    round_id: str
    note: str = ""
    version: int | None = None


class RaiseFinding(Command, frozen=True, kw_only=True, gc=False, tag="registry.raise_finding"):
    """Order a school to put something right, by hand (clause 48). Reply: InspectionFinding."""

    finding_id: str
    school: str
    kind: FindingKind
    detail: str
    due_on: date


class AnswerFinding(Command, frozen=True, kw_only=True, gc=False, tag="registry.answer_finding"):
    """The school says what it has done. Reply: InspectionFinding."""

    finding_id: str
    answer: str
    version: int | None = None


class DecideFinding(Command, frozen=True, kw_only=True, gc=False, tag="registry.decide_finding"):
    """The authority closes it, or returns the answer with a reason. Reply: InspectionFinding."""

    finding_id: str
    decision: Literal["close", "return"]
    reason: str = ""
    version: int | None = None


# ---- queries --------------------------------------------------------------------------------------------------------


class GetRecordQuality(Query, frozen=True, kw_only=True, gc=False, tag="registry.record_quality"):
    student_id: str


class ListQuality(Query, frozen=True, kw_only=True, gc=False, tag="registry.quality"):
    """Records of a school with something to mend. `code`: only those with this issue. Reply: QualityPage."""

    school: str
    code: str | None = None
    cursor: str | None = None
    limit: int = 50


class ListSchoolQuality(Query, frozen=True, kw_only=True, gc=False, tag="registry.school_quality"):
    """In the order of their codes. `school`: this one alone. Reply: SchoolQualityPage."""

    school: str | None = None
    cursor: str | None = None
    limit: int = 50


class GetRound(Query, frozen=True, kw_only=True, gc=False, tag="registry.inspection_round"):
    round_id: str


class ListRounds(Query, frozen=True, kw_only=True, gc=False, tag="registry.inspection_rounds"):
    """Newest first. Reply: RoundPage."""

    cursor: str | None = None
    limit: int = 50


class GetFinding(Query, frozen=True, kw_only=True, gc=False, tag="registry.inspection_finding"):
    finding_id: str


class ListFindings(Query, frozen=True, kw_only=True, gc=False, tag="registry.inspection_findings"):
    """Reply: InspectionFindingPage."""

    round_id: str | None = None
    school: str | None = None
    kind: FindingKind | None = None
    state: FindingState | None = None
    cursor: str | None = None
    limit: int = 50


Commands = CheckSchool | OpenRound | CloseRound | RaiseFinding | AnswerFinding | DecideFinding
Queries = GetRecordQuality | ListQuality | ListSchoolQuality | GetRound | ListRounds | GetFinding | ListFindings

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    CheckSchool: SchoolQuality,
    OpenRound: RoundView,
    CloseRound: RoundView,
    RaiseFinding: InspectionFinding,
    AnswerFinding: InspectionFinding,
    DecideFinding: InspectionFinding,
    GetRecordQuality: RecordQuality,
    ListQuality: QualityPage,
    ListSchoolQuality: SchoolQualityPage,
    GetRound: RoundView,
    ListRounds: RoundPage,
    GetFinding: InspectionFinding,
    ListFindings: InspectionFindingPage,
}
"""Part of the registry's (`registry.REPLIES`)."""
