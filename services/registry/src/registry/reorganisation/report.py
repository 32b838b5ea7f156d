"""The report of a reorganisation as a workbook: classes before and after, and whether the two come to the same."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter
from shared_contracts.files import Template
from shared_contracts.reorganisation import ClassCount, ReorganisationView

from registry.rosters.template import MEDIA_TYPE

_TITLES = {"merger": "学校合并", "closure": "学校撤销", "redivision": "行政区划调整"}
_HEADS = ("学校标识码", "学校名称", "年级", "班级", "学籍", "人数")


def workbook(view: ReorganisationView) -> Template:
    """Numbers by class; no pupil is named."""
    assert view.report is not None
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        cell = book.add_format({"border": 1, "text_wrap": True, "valign": "top"})
        summary = book.add_worksheet("概况")
        summary.set_column(0, 0, 22)
        summary.set_column(1, 1, 60)
        for at, (name, value) in enumerate(_summary(view)):
            summary.write_string(at, 0, name, head)
            summary.write_string(at, 1, value, cell)
        _counts(book.add_worksheet("办理前"), view.report.before, head, cell)
        _counts(book.add_worksheet("办理后"), view.report.after, head, cell)
    return Template(name=f"{view.title}办理报告.xlsx", content=out.getvalue(), media_type=MEDIA_TYPE)


def _summary(view: ReorganisationView) -> list[tuple[str, str]]:
    report = view.report
    assert report is not None
    ended = view.ended_at.astimezone().strftime("%Y-%m-%d %H:%M") if view.ended_at else ""
    return [
        ("事项", view.title),
        ("类别", _TITLES[view.kind]),
        ("依据文件", view.document),
        ("办理单位", view.organisation_name),
        ("核准单位", f"{view.approver_name}（{view.decided_by or ''}）"),
        ("生效日期", view.effective_from.isoformat()),
        ("结果", "已撤回" if view.state == "undone" else "已办理完毕"),
        ("完成时间", ended),
        ("应移交学籍", str(report.records_before)),
        ("已到位学籍", str(report.records_after)),
        ("遗留学籍", str(report.left_behind)),
        ("原学校留存副本", str(report.copies)),
        ("核对", "一致" if report.whole else "不一致，请联系运维人员"),
    ]


def _counts(sheet: Any, counts: Sequence[ClassCount], head: Any, cell: Any) -> None:
    sheet.set_column(0, 0, 14)
    sheet.set_column(1, 1, 32)
    sheet.freeze_panes(1, 0)
    for at, title in enumerate(_HEADS):
        sheet.write_string(0, at, title, head)
    for row, one in enumerate(counts, start=1):
        grade = f"{one.grade}年级" if one.grade else ""
        class_ = f"{one.class_no}班" if one.class_no else "未分班" if one.live else ""
        texts = (one.school, one.school_name, grade, class_, "在籍" if one.live else "已结束")
        for at, text in enumerate(texts):
            sheet.write_string(row, at, text, cell)
        sheet.write_number(row, len(texts), one.records, cell)
    last = len(counts) + 1
    sheet.write_string(last, 0, "合计", head)
    sheet.write_number(last, len(_HEADS) - 1, sum(one.records for one in counts), head)
