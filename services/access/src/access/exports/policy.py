"""The rules of exports (clause 45.2), for a request and its precheck alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

import msgspec
from casework.kinds import ENTRANT, CaseKind, StepKind
from regulation import papers
from regulation.authorisation import deciders
from regulation.findings import note, passed, refuse
from regulation.mark import clause
from regulation.purposes import HINT, states_purpose
from shared_contracts.decisions import Finding
from shared_contracts.exports import CATALOGUE, FULL_NUMBERS, ExportRequest, ExportState, Recipient

ZONE: Final = ZoneInfo("Asia/Shanghai")
AGAIN: Final = timedelta(minutes=15)
"""After it was fetched, a repeat of the same download gets the file for so long: a broken connection is no second one."""
STEP: Final = "leader"
STATES: Final = ("in_school",)
"""States of a record that a selection may name."""
NAME_LENGTH: Final = (2, 100)

STATE_TITLES: Final = {
    ExportState.WAITING: "待核准",
    ExportState.RETURNED: "已退回补正",
    ExportState.REJECTED: "未予核准",
    ExportState.CANCELLED: "已撤销",
    ExportState.MAKING: "已核准，文件生成中",
    ExportState.READY: "可下载",
    ExportState.DOWNLOADED: "已下载",
    ExportState.EXPIRED: "已过期",
    ExportState.FAILED: "文件未能生成",
}


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules look at beside the request. `rows`: pupils of the selection, None where they were not counted.

    `recipient_known`: whether the organisation inside exists and is not closed.
    """

    today: date
    max_days: int
    max_rows: int
    rows: int | None
    recipient_known: bool


@clause("45.2")
@cache
def chain(days: int) -> CaseKind:
    """One step: a leader of the supervising authority (or of one above it) who is not the one who asked."""
    return CaseKind(
        name="export",
        title="导出申请",
        clause="45.2",
        entrant_party="organisation",
        entrant_roles=deciders("access.request_export"),
        steps=(
            StepKind(
                name=STEP,
                title="主管教育行政部门书面核准",
                party="authority",
                roles=deciders("access.decide_export"),
                days=days,
                distinct_from=(ENTRANT,),
            ),
        ),
    )


def expires_at(request: ExportRequest) -> datetime:
    """The end of its last day."""
    day = request.expires_on + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def sensitive(fields: Iterable[str]) -> bool:
    """Whether full numbers leave."""
    return not FULL_NUMBERS.isdisjoint(fields)


@clause("45.2")
def findings(request: ExportRequest, facts: Facts) -> tuple[Finding, ...]:
    """Everything there is to say about a request, in the order of its form."""
    return tuple(
        finding
        for finding in (
            fields_named(request.fields),
            selection_possible(request),
            recipient_named(request.recipient, known=facts.recipient_known),
            purpose_stated(request.purpose),
            expiry_bounded(request.expires_on, facts.today, facts.max_days),
            None if facts.rows is None else rows_bounded(facts.rows, facts.max_rows),
            full_numbers(request.fields),
        )
        if finding is not None
    )


@clause("45.2")
def fields_named(fields: tuple[str, ...]) -> Finding:
    unknown = [field for field in fields if field not in CATALOGUE]
    if unknown or not fields:
        cure = "从可导出字段目录中选择：" + "、".join(field.title for field in CATALOGUE.values())
        message = f"有{len(unknown)}个字段不在可导出字段目录中" if unknown else "没有选择要导出的字段"
        return refuse("45.2", "export.fields", message, cure=cure, fields=("fields",))
    if len(set(fields)) < len(fields):
        return refuse("45.2", "export.fields", "同一字段选择了两次", cure="每个字段只选一次", fields=("fields",))
    return passed("45.2", "export.fields", f"列明了{len(fields)}个字段", fields=("fields",))


@clause("45.2")
def selection_possible(request: ExportRequest) -> Finding | None:
    chosen = request.selection
    grade_wrong = chosen.grade is not None and not 1 <= chosen.grade <= 9
    class_wrong = chosen.class_no is not None and (chosen.grade is None or not 1 <= chosen.class_no <= 99)
    state_wrong = chosen.state is not None and chosen.state not in STATES
    if grade_wrong or class_wrong or state_wrong:
        cure = "年级为1至9；选择班级时须同时选择年级；学籍状态从列表中选择"
        return refuse("45.2", "export.selection", "学生范围填写有误", cure=cure, fields=("selection",))
    return None


@clause("45.2")
def recipient_named(recipient: Recipient, *, known: bool) -> Finding:
    if recipient.kind == "inside":
        if not recipient.code or not known:
            cure = "从机构名录中选择接收单位；名录以外的，按外部单位填写名称"
            return refuse("45.2", "export.recipient", "接收单位不在机构名录中", cure=cure, fields=("recipient",))
    else:
        name, (shortest, longest) = recipient.name.strip(), NAME_LENGTH
        if not shortest <= len(name) <= longest or not name.isprintable() or recipient.code:
            cure = f"填写接收单位的全称（{shortest}至{longest}个字），不填机构代码"
            return refuse("45.2", "export.recipient", "没有写明外部接收单位", cure=cure, fields=("recipient",))
    return passed("45.2", "export.recipient", "写明了接收方", fields=("recipient",))


@clause("45.2")
def purpose_stated(purpose: str) -> Finding:
    if not states_purpose(purpose):
        return refuse("45.2", "export.purpose", "没有写明用途", cure=HINT, fields=("purpose",))
    return passed("45.2", "export.purpose", "写明了用途", fields=("purpose",))


@clause("45.2")
def expiry_bounded(expires_on: date, today: date, max_days: int) -> Finding:
    """Today is the first possible day; `max_days` after today is the last."""
    last = today + timedelta(days=max_days)
    if not today <= expires_on <= last:
        cure = f"有效期填写{today}至{last}之间的一天（最长{max_days}天）"
        return refuse("45.2", "export.expiry", "有效期超出范围", cure=cure, fields=("expires_on",))
    return passed("45.2", "export.expiry", f"有效期至{expires_on}", fields=("expires_on",))


@clause("45.2")
def rows_bounded(rows: int, max_rows: int) -> Finding:
    if rows == 0:
        cure = "核对学校、年级、班级和学籍状态"
        return refuse("45.2", "export.no_rows", "所选范围内没有学生", cure=cure, fields=("selection",), rows=0)
    if rows > max_rows:
        message = f"所选范围有{rows}名学生，超过一次导出的上限{max_rows}名"
        cure = "缩小范围（按学校、年级），分次申请"
        return refuse("45.2", "export.too_many_rows", message, cure=cure, fields=("selection",), rows=rows)
    return passed("45.2", "export.rows", f"共{rows}名学生", fields=("selection",), rows=rows)


@clause("45.2")
def full_numbers(fields: tuple[str, ...]) -> Finding | None:
    if not sensitive(fields):
        return None
    named = "、".join(CATALOGUE[field].title for field in fields if field in FULL_NUMBERS)
    message = f"包含完整号码（{named}），属敏感个人信息"
    cure = "确无必要的，改用部分隐去的号码"
    return note("45.2", "export.full_numbers", message, cure=cure, fields=("fields",))


@clause("45.2")
def approval_in_writing(document: bool) -> Finding | None:
    """未经主管教育行政部门书面核准,不得对外提供学籍信息: no approval without its paper."""
    if document:
        return None
    message = "没有上传书面核准文件，不能核准"
    cure = "由主管教育行政部门上传加盖公章的书面核准文件（PDF、JPEG 或 PNG）后再核准"
    return refuse("45.2", "export.no_document", message, cure=cure, fields=("approval_document",))


@clause("45.2")
def approved_in_time(request: ExportRequest, now: datetime) -> Finding | None:
    if now < expires_at(request):
        return None
    cure = "退回申请，由申请人改正有效期后重新提交"
    return refuse("45.2", "export.expired", "申请的有效期已过，不能核准", cure=cure, fields=("expires_on",))


# ---- the paper ------------------------------------------------------------------------------------------------------

DOCUMENT_BYTES: Final = 10_000_000


def document_type(content: bytes) -> str | None:
    """What a scan is by its content, whatever it is called; None for anything but a whole PDF, JPEG or PNG."""
    return papers.media_type(content, content[-papers.TAIL :])


@clause("45.2")
def document_acceptable(content: bytes) -> Finding | None:
    if 0 < len(content) <= DOCUMENT_BYTES and document_type(content) is not None:
        return None
    message = "书面核准文件不是完整的 PDF、JPEG 或 PNG，或者太大"
    cure = f"扫描为 PDF、JPEG 或 PNG，不超过 {DOCUMENT_BYTES // 1_000_000} MB"
    return refuse("45.2", "export.document_type", message, cure=cure, fields=("file",))
