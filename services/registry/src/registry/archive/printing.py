"""The archive as a PDF/A to print and file: what the typesetter is given, made of an ArchiveView alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib.resources import files
from typing import Any, Final

import msgspec
from regulation.school_year import grade_name
from service_kit.typeset import Typesetter
from shared_contracts.archive import SECTIONS, ArchiveEntryView, ArchiveView
from shared_contracts.evidence import EVIDENCE_TITLES
from shared_contracts.records import STATE_TITLES

from registry.archive.wording import line
from registry.exports.columns import PLACEMENTS, SEXES, STAGES, VERIFICATIONS
from registry.form.fields import BY_KEY
from registry.rosters.sheets import value_text

TITLE: Final = "学生学籍档案"
_NUMERALS: Final = "一二三四五六"


class ArchiveOrder(msgspec.Struct, frozen=True, kw_only=True):
    """`mark`: who fetched it and when, on every page. `timestamp`: the document's date, seconds since 1970."""

    view: ArchiveView
    mark: str
    foot: str
    timestamp: int


class ArchivePrinter:
    """Not for use in two threads at once."""

    def __init__(self) -> None:
        self._typesetter = Typesetter(files("registry.archive").joinpath("archive.typ").read_bytes())

    def pdf(self, order: ArchiveOrder) -> bytes:
        view, show = order.view, self._typesetter.glyphs.printable
        data = {
            "title": TITLE,
            "author": ["黑龙江省义务教育学籍管理系统"],
            "keywords": [f"学籍档案 {view.student.id}", f"截至 {view.as_of}", order.foot],
            "mark": show(order.mark),
            "foot": show(order.foot),
            "head": [[name, show(value)] for name, value in _head(view)],
            "sections": [_section(number, view, show) for number in SECTIONS],
        }
        return self._typesetter.pdf(data, order.timestamp)


def _head(view: ArchiveView) -> list[tuple[str, str]]:
    s = view.student
    klass = "—" if s.grade is None else f"{grade_name(s.grade)}{s.class_no}班"
    rows = [
        ("姓名", s.name),
        ("性别", SEXES.get(s.sex, s.sex)),
        ("出生日期", s.birth_date.isoformat()),
        ("身份证件号", s.masked_document),
        ("学籍号", s.student_number),
        ("曾用学籍号", "、".join(s.former_numbers) or "—"),
        ("公安比对", VERIFICATIONS.get(s.verification, s.verification)),
        ("学籍状态", STATE_TITLES[s.state]),
        ("学校", f"{s.school_name}（{s.school}）"),
        ("年级班", klass),
        ("学段", STAGES.get(s.stage, s.stage)),
        ("就读方式", PLACEMENTS.get(s.placement, s.placement)),
        ("截至日期", view.as_of.isoformat()),
        ("档案完整性", "记录链完整" if view.intact else "记录链不完整，请向主管教育行政部门查询"),
    ]
    if view.copy_as_of is not None:
        rows += [("性质", f"{view.copy_as_of}转出时的档案备份"), ("", "")]
    return rows


def _section(number: int, view: ArchiveView, show: Callable[[str], str]) -> dict[str, Any]:
    title = f"{_NUMERALS[number - 1]}、{SECTIONS[number]}"
    if number == 1:
        columns, widths, rows, note = _base(view)
    elif number == 2:
        columns, widths, rows, note = _evidence(view)
    else:
        columns, widths, rows, note = _entries([entry for entry in view.entries if entry.section == number])
    shown = [[show(cell) for cell in row] for row in rows]
    return {"title": title, "columns": columns, "widths": widths, "rows": shown, "note": note}


Table = tuple[list[str], list[float], list[list[str]], str]


def _base(view: ArchiveView) -> Table:
    form = [
        [BY_KEY[key].header, value_text(BY_KEY[key], value), "", ""]
        for key, value in view.form.items()
        if key in BY_KEY and value
    ]
    changes = [
        [
            entry.legal_date.isoformat(),
            entry.title,
            _change(entry.content),
            f"第{entry.clause}条" if entry.clause else "",
        ]
        for entry in view.journal
    ]
    head = [["《学生基本信息表》", "", "", ""], *form, ["信息变动情况", "", "", ""]] if form else []
    return ["日期或项目", "变动或内容", "由何变为何", "依据"], [1.1, 1.7, 2.6, 0.7], [*head, *changes], ""


def _change(content: dict[str, Any]) -> str:
    before, after = content.get("before") or {}, content.get("after") or {}
    return "；".join(f"{before.get(key, '—')} → {value}" for key, value in after.items())


def _evidence(view: ArchiveView) -> Table:
    rows = [
        [
            one.filed_on.isoformat(),
            EVIDENCE_TITLES[one.evidence.kind],
            one.evidence.name,
            f"{one.evidence.size / 1000:.0f} KB",
            one.evidence.sha256[:16],
        ]
        for one in view.evidence
    ]
    note = "校验值为文件内容 SHA-256 的前 16 位；文件本身在电子档案中。" if rows else ""
    return ["归档日期", "材料", "文件", "大小", "校验值"], [1, 1.6, 2.4, 0.7, 1.3], rows, note


def _entries(entries: Sequence[ArchiveEntryView]) -> Table:
    """What was superseded is counted, not printed: the electronic archive keeps it."""
    rows = [
        [entry.on.isoformat(), said.what, said.said, entry.recorded_by]
        for entry in entries
        if entry.superseded_by is None and (said := line(entry.entry))
    ]
    superseded = sum(entry.superseded_by is not None for entry in entries)
    note = f"另有{superseded}条已更正的记录，原文保留在电子档案中。" if superseded else ""
    return ["日期", "事项", "内容", "记录人"], [1, 2, 3.2, 0.9], rows, note
