"""Exports of student data (clause 45.2): asked for and approved in access, made by registry, full numbers from identity.

Every export has a number (`DC-2026-000123`) from the day it is asked for: the authority's written approval cites it. The
file exists from its making until it has been fetched once, or until the export expires.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Literal

from shared_contracts.actors import Role
from shared_contracts.cases import CaseStands
from shared_contracts.decisions import Decision
from shared_contracts.files import FileRef
from shared_contracts.messages import Command, Event, Message, Moment, Query


class Sensitivity(StrEnum):
    """How much harm a field does in wrong hands."""

    ORDINARY = "ordinary"  # 一般
    PERSONAL = "personal"  # 个人信息
    SENSITIVE = "sensitive"  # 敏感个人信息


class ExportField(Message, frozen=True, kw_only=True, gc=False):
    """One column that may be exported. `tells`: pupils of one class mostly differ in it. `origin`: the record as it
    stands, the form that the family filled in (an item's key), or identity, where full numbers are."""

    key: str
    title: str
    sensitivity: Sensitivity
    tells: bool = False
    origin: Literal["record", "form", "identity"] = "record"


def _field(key: str, title: str, sensitivity: Sensitivity, *, tells: bool = False) -> ExportField:
    return ExportField(key=key, title=title, sensitivity=sensitivity, tells=tells)


def _full(key: str, title: str) -> ExportField:
    return ExportField(key=key, title=title, sensitivity=Sensitivity.SENSITIVE, tells=True, origin="identity")


def _item(key: str, title: str, sensitivity: Sensitivity) -> ExportField:
    return ExportField(key=key, title=title, sensitivity=sensitivity, origin="form")


FIELDS: tuple[ExportField, ...] = (
    _field("county_name", "主管教育行政部门", Sensitivity.ORDINARY),
    _field("school", "学校标识码", Sensitivity.ORDINARY),
    _field("school_name", "学校名称", Sensitivity.ORDINARY),
    _field("stage", "学段", Sensitivity.ORDINARY),
    _field("cohort", "入学年份", Sensitivity.ORDINARY),
    _field("grade", "年级", Sensitivity.ORDINARY),
    _field("class_no", "班级", Sensitivity.ORDINARY),
    _field("name", "姓名", Sensitivity.PERSONAL, tells=True),
    _field("sex", "性别", Sensitivity.PERSONAL),
    _field("birth_date", "出生日期", Sensitivity.PERSONAL, tells=True),
    _field("document_kind", "身份证件类型", Sensitivity.PERSONAL),
    _field("masked_document", "身份证件号（部分隐去）", Sensitivity.PERSONAL),
    _full("document_number", "身份证件号"),
    _field("masked_student_number", "学籍号（部分隐去）", Sensitivity.PERSONAL),
    _full("student_number", "学籍号"),
    _field("number_kind", "学籍号类别", Sensitivity.ORDINARY),
    _field("verification", "身份核验结果", Sensitivity.PERSONAL),
    _field("placement", "教育安置方式", Sensitivity.SENSITIVE),  # tells of a disability
    _field("state", "学籍状态", Sensitivity.PERSONAL),
    _field("registered_on", "建籍日期", Sensitivity.ORDINARY),
    _item("ethnicity", "民族", Sensitivity.PERSONAL),
    _item("nationality", "国籍/地区", Sensitivity.PERSONAL),
    _item("household_place", "户口所在地", Sensitivity.PERSONAL),
    _item("household_kind", "户口性质", Sensitivity.PERSONAL),
    _item("entry_way", "入学方式", Sensitivity.ORDINARY),
    _item("boarding", "就读方式", Sensitivity.ORDINARY),
    _item("current_address", "现住址", Sensitivity.SENSITIVE),
    _item("phone", "联系电话", Sensitivity.SENSITIVE),
    _item("health", "健康状况", Sensitivity.SENSITIVE),
    _item("disability", "残疾类型", Sensitivity.SENSITIVE),
    _item("left_behind", "是否留守儿童", Sensitivity.SENSITIVE),
    _item("migrant_child", "是否进城务工人员随迁子女", Sensitivity.SENSITIVE),
    _item("orphan", "是否孤儿", Sensitivity.SENSITIVE),
    _item("member1_name", "成员1姓名", Sensitivity.SENSITIVE),
    _item("member1_relation", "成员1关系", Sensitivity.SENSITIVE),
    _item("member1_phone", "成员1联系电话", Sensitivity.SENSITIVE),
    _item("member2_name", "成员2姓名", Sensitivity.SENSITIVE),
    _item("member2_relation", "成员2关系", Sensitivity.SENSITIVE),
    _item("member2_phone", "成员2联系电话", Sensitivity.SENSITIVE),
)
"""The catalogue: nothing else can be exported. In the order of the columns, whatever order they are asked for in."""

CATALOGUE: dict[str, ExportField] = {field.key: field for field in FIELDS}

FULL_NUMBERS = frozenset({"document_number", "student_number"})
"""Fields that only identity can give, and only for an approved export that names them."""


class ExportSelection(Message, frozen=True, kw_only=True, gc=False):
    """Which pupils. `organisation`: a school, or an authority with all below it. None: any. `state`: as the record says
    (`in_school`)."""

    organisation: str
    grade: int | None = None
    class_no: int | None = None
    state: str | None = None


class Recipient(Message, frozen=True, kw_only=True, gc=False):
    """Who is to get the data. `inside`: an organisation of this system by its `code`; `outside`: a body by its `name`.

    `name` of an organisation inside is filled in by access.
    """

    kind: Literal["inside", "outside"]
    code: str | None = None
    name: str = ""


class ExportRequest(Message, frozen=True, kw_only=True, gc=False):
    """What is asked for. `fields`: keys of the catalogue. `expires_on`: the last day on which the file may be fetched."""

    fields: tuple[str, ...]
    selection: ExportSelection
    recipient: Recipient
    purpose: str
    expires_on: date


class ExportState(StrEnum):
    """Where an export stands (the state's Chinese title is in the view)."""

    WAITING = "waiting"  # 待核准
    RETURNED = "returned"  # 已退回补正
    REJECTED = "rejected"  # 未予核准
    CANCELLED = "cancelled"  # 已撤销
    MAKING = "making"  # 已核准，文件生成中
    READY = "ready"  # 可下载
    DOWNLOADED = "downloaded"  # 已下载
    EXPIRED = "expired"  # 已过期
    FAILED = "failed"  # 文件未能生成


class ExportProgress(
    Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.export_progress_view"
):
    """How far the file is. `waiting`: nobody has begun yet, or it is begun anew after a fault."""

    state: Literal["waiting", "making", "made", "failed"]
    done: int
    total: int


class ExportStep(Message, frozen=True, kw_only=True, gc=False):
    """One act on the request: who, when, why. `decision`: approve, reject, return, resubmit or withdraw."""

    decision: str
    account_name: str
    role: str
    organisation: str
    decided_at: Moment
    reason: str = ""


class ExportView(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.export_view"):
    """`rows`: counted when it was asked for, and the file's own once it is made. `sha256`: of the workbook.

    `progress`: filled in by the gateway while the file is being made. `available_until`: after it was fetched, until when
    a repeat of the same download still gets the file.
    """

    id: str
    number: str
    state: ExportState
    state_title: str
    organisation: str
    organisation_name: str
    authority: str
    authority_name: str
    request: ExportRequest
    requested_by: str
    requested_at: Moment
    rows: int
    version: int
    sensitive: bool
    approval_document: FileRef | None = None
    steps: tuple[ExportStep, ...] = ()
    due_on: date | None = None
    made_at: Moment | None = None
    sha256: str | None = None
    downloaded_at: Moment | None = None
    available_until: Moment | None = None
    problem: str | None = None
    progress: ExportProgress | None = None


class ExportPage(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.export_page"):
    items: tuple[ExportView, ...]
    next_cursor: str | None = None


class ExportPrechecked(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.export_prechecked"):
    """`rows`: how many pupils it would be, None where the selection itself is refused."""

    decision: Decision
    rows: int | None


class ExportFile(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="access.export_file"):
    """The file, for this one download and its repeats until `available_until`."""

    number: str
    file: FileRef
    available_until: Moment


# ---- commands and queries of access ---------------------------------------------------------------------------------


class RequestExport(Command, frozen=True, kw_only=True, gc=False, tag="access.request_export"):
    """Ask for an export. Reply: ExportView."""

    export_id: str
    request: ExportRequest

    @property
    def purpose(self) -> str:
        """For the audit log."""
        return self.request.purpose


class ResubmitExport(Command, frozen=True, kw_only=True, gc=False, tag="access.resubmit_export"):
    """Put a returned request right and send it on its way again, by whoever asked. Reply: ExportView."""

    export_id: str
    request: ExportRequest

    @property
    def purpose(self) -> str:
        """For the audit log."""
        return self.request.purpose


class CancelExport(Command, frozen=True, kw_only=True, gc=False, tag="access.cancel_export"):
    """Take a request back before it is approved, by whoever asked. Reply: ExportView."""

    export_id: str
    reason: str


class AttachApproval(Command, frozen=True, kw_only=True, gc=False, tag="access.attach_approval"):
    """The authority's written approval (scan), already in the file store. It replaces an earlier one. Reply: ExportView."""

    export_id: str
    document: FileRef


class DecideExport(Command, frozen=True, kw_only=True, gc=False, tag="access.decide_export"):
    """The leader's decision. Reply: ExportView."""

    export_id: str
    decision: Literal["approve", "reject", "return"]
    reason: str = ""
    version: int | None = None


class DownloadExport(Command, frozen=True, kw_only=True, gc=False, tag="access.download_export"):
    """Fetch the file, once, by whoever asked for the export. Reply: ExportFile."""

    export_id: str


class GetExport(Query, frozen=True, kw_only=True, gc=False, tag="access.export"):
    """Reply: ExportView."""

    export_id: str


class GetApproval(Query, frozen=True, kw_only=True, gc=False, tag="access.export_approval"):
    """The export with its written approval, for whoever may read that document. Reply: ExportView."""

    export_id: str


class ListExports(Query, frozen=True, kw_only=True, gc=False, tag="access.exports"):
    """Newest first. Reply: ExportPage."""

    state: ExportState | None = None
    cursor: str | None = None
    limit: int = 50


class PrecheckExport(Query, frozen=True, kw_only=True, gc=False, tag="access.precheck_export"):
    """The same rules as RequestExport, opening nothing. Reply: ExportPrechecked."""

    request: ExportRequest


# ---- queries and events of registry ---------------------------------------------------------------------------------


class CountExportRows(Query, frozen=True, kw_only=True, gc=False, tag="registry.count_export_rows"):
    """How many pupils a selection has now, of those that the actor may export. Reply: ExportRows."""

    selection: ExportSelection


class ExportRows(Message, frozen=True, kw_only=True, gc=False, tag_field="type", tag="registry.export_rows"):
    rows: int


class GetExportProgress(Query, frozen=True, kw_only=True, gc=False, tag="registry.export_progress"):
    """How far the file of an approved export is. Reply: ExportProgress."""

    export_id: str


class ExportMade(Event, frozen=True, kw_only=True, gc=False, tag="registry.export_made"):
    """The file of an approved export is whole and in the file store. `file.sha256`: of the plain workbook."""

    export_id: str
    file: FileRef
    rows: int
    made_at: Moment


class ExportFailed(Event, frozen=True, kw_only=True, gc=False, tag="registry.export_failed"):
    """There will be no file. `message`: Chinese, with the cure."""

    export_id: str
    code: Literal["too_many_rows", "expired", "no_rows", "refused"]
    message: str


# ---- the event of access --------------------------------------------------------------------------------------------------


class ExportParty(Message, frozen=True, kw_only=True, gc=False):
    """An account that stands on the file."""

    account: str
    name: str
    organisation: str
    organisation_name: str
    roles: tuple[str, ...] = ()


class ExportApproved(Event, frozen=True, kw_only=True, gc=False, tag="access.export_approved"):
    """The authority has approved in writing: registry makes the file, identity gives the full numbers it names.

    `authority`: the supervising authority of whoever asked (an authority's own is itself). `expires_at`: when nothing may
    leave any more. `row_cap`: rows at most, by the policy of that day.
    """

    export_id: str
    number: str
    authority: str
    requester: ExportParty
    approver: ExportParty
    fields: tuple[str, ...]
    selection: ExportSelection
    recipient: Recipient
    purpose: str
    row_cap: int
    approved_at: Moment
    expires_at: Moment


class ExportStands(Event, frozen=True, kw_only=True, gc=False, tag="access.export_stands"):
    """Somebody has to do something about an export: the authority's leaders (`waits`), or whoever asked (the rest).

    `role`: of whoever asked, in the own organisation. `reason`: of a return or rejection, or why no file could be made.
    `revision`: grows with each change of the request.
    """

    export_id: str
    number: str
    stands: Literal["waits", "returned", "rejected", "ready", "failed"]
    organisation: str
    organisation_name: str
    authority: str
    role: Role
    revision: int
    reason: str = ""


class ExportsStand(Event, frozen=True, kw_only=True, gc=False, tag="access.exports_stand"):
    """Where requests stand after an act, for work queues."""

    cases: tuple[CaseStands, ...]


RegistryQueries = CountExportRows | GetExportProgress
RegistryEvents = ExportMade | ExportFailed
REGISTRY_REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    CountExportRows: ExportRows,
    GetExportProgress: ExportProgress,
}

Commands = RequestExport | ResubmitExport | CancelExport | AttachApproval | DecideExport | DownloadExport
Queries = GetExport | GetApproval | ListExports | PrecheckExport

REPLIES: dict[type[Command] | type[Query], type[Message]] = {
    RequestExport: ExportView,
    ResubmitExport: ExportView,
    CancelExport: ExportView,
    AttachApproval: ExportView,
    DecideExport: ExportView,
    DownloadExport: ExportFile,
    GetExport: ExportView,
    GetApproval: ExportView,
    ListExports: ExportPage,
    PrecheckExport: ExportPrechecked,
}
"""What answers what; any of them may be answered with `decisions.Refused` instead."""
