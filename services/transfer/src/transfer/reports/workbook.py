"""A report as an Excel workbook: totals by county, then every school and ground."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import xlsxwriter
from shared_contracts.transfer_reports import Figures, ReportLine, ReportView

from transfer.reports.policy import TERMS, total

MEDIA_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_COUNTS = ("转入人数", "转出人数", "其中市内互转", "其中外省转入", "其中转往外省", "突破“原则上”规定", "有环节逾期")
_WAYS = {False: "省内", True: "省外"}


def title(report: ReportView) -> str:
    """Of the county, where the report is one county's alone."""
    return f"{report.county_name if report.county else report.city_name}{report.year}年{TERMS[report.term]}学期转学情况汇总表"


def workbook(report: ReportView) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": title(report)})
        _by_county(book, book.add_worksheet("各县（市、区）"), report)
        _by_school(book, book.add_worksheet("各校"), report)
    return out.getvalue()


def _by_county(book: Any, sheet: Any, report: ReportView) -> None:
    counties: defaultdict[tuple[str, str], list[ReportLine]] = defaultdict(list)
    for line in report.lines:
        counties[line.county, line.county_name].append(line)
    rows = [((name,), total(lines)) for (_, name), lines in sorted(counties.items())]
    _sheet(book, sheet, report, ("主管教育行政部门",), [*rows, (("合计",), report.totals)])


def _by_school(book: Any, sheet: Any, report: ReportView) -> None:
    rows = [
        ((one.county_name, one.school, one.school_name, one.ground_title, _WAYS[one.outside]), one.figures)
        for one in report.lines
    ]
    _sheet(book, sheet, report, ("主管教育行政部门", "学校标识码", "学校", "转学理由", "范围"), rows)


def _sheet(
    book: Any, sheet: Any, report: ReportView, heads: tuple[str, ...], rows: Sequence[tuple[tuple[str, ...], Figures]]
) -> None:
    head = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1, "text_wrap": True, "align": "center"})
    cell, big = book.add_format({"border": 1}), book.add_format({"bold": True, "font_size": 14})
    columns = (*heads, *_COUNTS)
    sheet.write_string(0, 0, title(report), big)
    by = report.city_name if report.county else ""
    state = f"{by}已于{report.submitted_at:%Y-%m-%d}报送" if report.submitted_at else f"{by}未报送"
    sheet.write_string(1, 0, f"统计办结日期：{report.first:%Y-%m-%d}至{report.last:%Y-%m-%d}；{state}")
    for column, text in enumerate(columns):
        sheet.write_string(2, column, text, head)
        sheet.set_column(column, column, 30 if column < len(heads) and len(heads) == 1 else 20)
    for number, (names, figures) in enumerate(rows, start=3):
        for column, text in enumerate(names):
            sheet.write_string(number, column, text, cell)
        counts = (
            figures.transfers_in,
            figures.transfers_out,
            figures.within,
            figures.from_outside,
            figures.to_outside,
            figures.overridden,
            figures.late,
        )
        for column, count in enumerate(counts, start=len(names)):
            sheet.write_number(number, column, count, cell)
    sheet.freeze_panes(3, len(heads))
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(2)
