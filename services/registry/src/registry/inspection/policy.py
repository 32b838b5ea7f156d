"""Rounds of verification and orders to put right: when they may be opened, answered, closed (clauses 3.4, 48). Pure."""

from __future__ import annotations

from datetime import date

import msgspec
from regulation.findings import passed, refuse
from regulation.mark import clause
from shared_contracts.decisions import Finding
from shared_contracts.inspection import FindingKind

LONGEST_TITLE = 60
LONGEST_TEXT = 1000
MOST_SCHOOLS = 5_000
LONGEST_ROUND = 366
"""Days from today that a round or an order may give at most."""


class Words(msgspec.Struct, frozen=True):
    """How a kind of finding is put to a school. `clause`: what is violated; `cure`: what puts it right."""

    title: str
    clause: str
    cure: str


WORDS: dict[FindingKind, Words] = {
    FindingKind.NO_RECORD: Words("不为已接收学生建立学籍档案", "13.1", "为已报到的学生办理建籍"),
    FindingKind.FALSE_DATA: Words("以虚假信息建立学籍", "20.1", "查明原因，更正或报请注销，并追究责任"),
    FindingKind.CHANGE_NOT_FILED: Words("不及时把学籍变动信息纳入学籍档案", "21.1", "补办更正或变动手续"),
    FindingKind.NOT_TRANSFERRED: Words("接收学生不为其办理转学手续", "24.6.1", "为该学生办理转学手续"),
    FindingKind.ARCHIVE_NOT_PASSED: Words("不按规定为学生转接学籍档案", "21.2", "完成学籍档案的转接"),
    FindingKind.DATA_LEAKED: Words("泄露或非法使用学生学籍信息", "45.2", "停止使用并收回，查明责任"),
    FindingKind.OTHER: Words("违反实施细则的其他行为", "48", "按主管教育行政部门的要求改正"),
    FindingKind.DATA_QUALITY: Words("学籍信息核查发现的问题", "3.4", "逐人核对后更正"),
}
BY_HAND = frozenset(FindingKind) - {FindingKind.DATA_QUALITY}
"""The seven of Article 48; what is found in data comes from a round."""


def text_fault(name: str, text: str, most: int, what: str) -> Finding | None:
    """A text that a person has written: there, of a bearable length, without control characters."""
    stripped = text.strip()
    if not stripped:
        return refuse("48", f"{name}.missing", f"没有填写{what}", cure=f"填写{what}", fields=(name,))
    if len(stripped) > most or not all(ch.isprintable() or ch == "\n" for ch in stripped):
        cure = f"用不超过{most}个字写明，不要含特殊字符"
        return refuse("48", f"{name}.unreadable", f"{what}过长或含有不可见字符", cure=cure, fields=(name,))
    return None


@clause("3.4", "48")
def day_fault(due_on: date, today: date) -> Finding | None:
    """The day until which a school has time: after today, within a year."""
    if not 0 < (due_on - today).days <= LONGEST_ROUND:
        cure = "填写明天起一年以内的日期"
        return refuse("48", "due_on.out_of_range", f"期限{due_on}不在一年之内", cure=cure, fields=("due_on",))
    return None


@clause("48")
def by_hand(kind: FindingKind) -> Finding:
    if kind in BY_HAND:
        return passed("48", "kind.of_article_48", f"责令改正：{WORDS[kind].title}")
    cure = "选择第四十八条所列七种情形之一；学籍信息问题请开展核查"
    return refuse("48", "kind.not_by_hand", "学籍信息问题由核查提出，不能手工登记", cure=cure, fields=("kind",))


@clause("3.4")
def closing_fault(open_findings: int, note: str) -> Finding | None:
    """A round ends when everything in it is closed, or with a word on what is not."""
    if open_findings == 0 or note.strip():
        return None
    message = f"还有{open_findings}项整改没有办结"
    cure = "等全部整改办结，或写明说明后结束（未办结的整改继续办理）"
    return refuse("3.4", "round.open_findings", message, cure=cure, fields=("note",))


def is_overdue(due_on: date, today: date) -> bool:
    """The last day is in time."""
    return today > due_on
