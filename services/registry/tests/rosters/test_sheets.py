"""Printed sheets: PDF/A, one page a pupil, everything of the form on it, rare characters too."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date
from typing import Any

import pypdf
import pytest
from registry.form.check import check_form
from registry.form.fields import FIELDS
from registry.form.rules import FormFacts
from registry.organisations.facts import SchoolFacts
from registry.rosters.sheets import SECTIONS, Page, Printer, value_text

DAY = date(2026, 9, 10)


@pytest.fixture(scope="module")
def printer() -> Printer:
    return Printer()


@pytest.fixture
def page(
    school: SchoolFacts, pupil: Callable[..., dict[str, Any]], resident: Callable[..., str]
) -> Callable[..., Page]:
    def make(serial: int = 0, **changes: Any) -> Page:
        entry = check_form(pupil(serial, **changes), FormFacts(school=school, today=DAY)).entry
        assert entry is not None
        documents = {"document_number": resident(serial), "member1_document_number": resident(serial, "19880101")}
        return Page(registration_id=f"0198f3c2-0000-7000-8000-{serial:012d}", form=entry.form, documents=documents)

    return make


def text(pdf: pypdf.PdfReader, number: int = 0) -> str:
    return "".join(pdf.pages[number].extract_text().split())


def sheets(printer: Printer, *pages: Page) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(printer.confirmation_sheets("道里区测试小学", "一年级1班", pages, DAY)))


@pytest.mark.clause("15.1")
def test_one_page_a_pupil_with_all_that_is_signed_for(
    printer: Printer, page: Callable[..., Page], resident: Callable[..., str]
) -> None:
    pdf = sheets(printer, page(0), page(1, name="李丽"))
    assert len(pdf.pages) == 2
    first = text(pdf)
    for part in ("道里区测试小学", "一年级1班", "王小明", resident(0), resident(0, "19880101"), "2020-03-05", "汉族",
                 "黑龙江省哈尔滨市道里区", "13845001234", "王建国", "父亲", "2026年9月", "监护人签字", "班主任签字",
                 "签字日期", "0198f3c2-0000-7000-8000-000000000000"):  # fmt: skip
        assert part in first, part
    assert "李丽" in text(pdf, 1)
    assert "王小明" not in text(pdf, 1)


def test_rare_characters_are_shown(printer: Printer, page: Callable[..., Page]) -> None:
    assert "王䶮𠮷" in text(sheets(printer, page(name="王䶮𠮷")))


def test_what_the_font_lacks_is_written_as_its_code(printer: Printer, page: Callable[..., Page]) -> None:
    shown = text(sheets(printer, page(name="王\U0002a6a5", member1_name="李\U000323ae")))
    assert "王〔U+2A6A5〕" in shown
    assert "李〔U+323AE〕" in shown


def test_it_is_pdf_a_2b(printer: Printer, page: Callable[..., Page]) -> None:
    metadata = sheets(printer, page()).trailer["/Root"]["/Metadata"].get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in metadata
    assert "<pdfaid:conformance>B</pdfaid:conformance>" in metadata


def test_the_longest_form_still_has_one_page(printer: Printer, page: Callable[..., Page]) -> None:
    long = {f.key: "长" * min(f.max, 200) for f in FIELDS if f.kind == "text" and f.no and f.no < 49}
    assert len(sheets(printer, page(**long)).pages) <= 2
    address = "黑龙江省哈尔滨市道里区" + "某某街道办事处某某小区" * 3 + "12号楼3单元401室"
    usual = {
        "current_address": address,
        "postal_address": address,
        "home_address": address,
        "name_pinyin": "wangxiaoming",
    }
    usual |= {"member2_name": "李丽", "member2_relation": "母亲", "member2_guardian": "是", "member2_phone": "13945001234",
              "member2_address": address, "member1_address": address, "member1_employer": "某某有限责任公司"}  # fmt: skip
    assert len(sheets(printer, page(**usual)).pages) == 1


def test_every_item_of_the_form_but_the_photograph_is_printed_once() -> None:
    printed = [
        word.partition(":")[0] for _, lines in SECTIONS for line in lines for word in line.split() if word != "-"
    ]
    assert len(printed) == len(set(printed))
    assert {f.key for f in FIELDS} - set(printed) == {"school_code", "photo"}
    for _, lines in SECTIONS:
        for line in lines:
            assert sum(int(word.partition(":")[2] or 1) for word in line.split()) == 3, line


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("sex", "1", "男"),
        ("household_place", "230102003005", "黑龙江省哈尔滨市道里区（230102003005）"),
        ("household_place", "110101000000", "110101000000"),
        ("enrolled_month", "202609", "2026年9月"),
        ("grade", "7", "七年级"),
        ("class_no", "3", "3班"),
        ("name", "", ""),
    ],
)
def test_values_as_people_read_them(key: str, value: str, shown: str) -> None:
    from registry.form.fields import BY_KEY

    assert value_text(BY_KEY[key], value) == shown


@pytest.mark.clause("15.1")
def test_the_blank_form(printer: Printer) -> None:
    pdf = pypdf.PdfReader(io.BytesIO(printer.blank_form("道里区测试小学")))
    assert len(pdf.pages) == 1
    blank = text(pdf)
    for part in ("学生基本信息表", "道里区测试小学", "身份证件号", "□男□女", "□非农业户口", "班主任签字", "填写日期"):
        assert part in blank, part
