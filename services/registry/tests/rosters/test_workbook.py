"""Workbooks: what is read, and that each unreadable one is refused with its reason and cure before anything is parsed."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from datetime import datetime
from typing import Any

import openpyxl
import pytest
from registry.form.fields import FIELDS
from registry.rosters.archive import Limits, Problem
from registry.rosters.workbook import Sheet, read

SHEET_XML = "xl/worksheets/sheet1.xml"
Pupil = Callable[..., dict[str, Any]]
Make = Callable[..., bytes]


def sheet_of(content: bytes, **limits: int) -> Sheet:
    found = read(content, Limits(**limits))
    assert isinstance(found, Sheet), found
    return found


def problem_of(content: bytes, **limits: int) -> Problem:
    found = read(content, Limits(**limits))
    assert isinstance(found, Problem)
    assert "请" in found.message  # a cure
    return found


def test_the_plain_case(workbook: Make, pupil: Pupil) -> None:
    sheet = sheet_of(workbook([pupil(1), pupil(2, name="李丽")]))
    assert sheet.header_row == 1
    assert [field.key for field in sheet.columns if field] == [field.key for field in FIELDS]
    assert [number for number, _ in sheet.rows] == [2, 3]
    assert [cells[1] for _, cells in sheet.rows] == ["王小明", "李丽"]
    assert sheet.notes == ()


def test_the_header_stands_below_merged_titles(workbook: Make, pupil: Pupil) -> None:
    sheet = sheet_of(workbook([pupil()], above=("道里区测试小学2026级新生名册", "填表日期：2026年9月1日", "")))
    assert sheet.header_row == 4
    assert [number for number, _ in sheet.rows] == [5]


@pytest.mark.parametrize(("lines", "found"), [(19, True), (20, False)])
def test_the_header_is_looked_for_in_the_first_twenty_rows(
    workbook: Make, pupil: Pupil, lines: int, found: bool
) -> None:
    content = workbook([pupil()], above=["标题"] * lines)
    if found:
        assert sheet_of(content).header_row == lines + 1
    else:
        assert problem_of(content).code == "workbook.no_header"


def test_columns_in_any_order_and_place(workbook: Make, pupil: Pupil) -> None:
    titles = [field.header for field in FIELDS][::-1]
    sheet = sheet_of(workbook([pupil()], headers=titles, left=3))
    assert sheet.first_column == 3
    name = next(index for index, field in enumerate(sheet.columns) if field and field.key == "name")
    assert sheet.rows[0][1][name] == "王小明"


def test_columns_that_may_be_missing(workbook: Make, pupil: Pupil) -> None:
    titles = [f.header for f in FIELDS if f.required == "yes" or f.key.startswith(("document", "member1"))]
    sheet = sheet_of(workbook([pupil()], headers=titles))
    assert len(sheet.rows) == 1


def test_missing_columns_are_all_named(workbook: Make, pupil: Pupil) -> None:
    titles = [f.header for f in FIELDS if f.key not in ("sex", "document_number")]
    found = problem_of(workbook([pupil()], headers=titles))
    assert found.code == "workbook.missing_columns"
    assert "性别、身份证件号" in found.message


def test_duplicate_columns_are_named_with_their_letters(workbook: Make, pupil: Pupil) -> None:
    titles = [*(f.header for f in FIELDS), "证件号码"]
    found = problem_of(workbook([pupil()], headers=titles))
    assert found.code == "workbook.duplicate_columns"
    assert "“身份证件号”（J、BW列）" in found.message


def test_extra_columns_are_noted_and_ignored(workbook: Make, pupil: Pupil) -> None:
    sheet = sheet_of(workbook([pupil()], extra={"备注": "走读", "原行号": "7", "退回原因": "x"}))
    (note,) = sheet.notes
    assert note.code == "workbook.extra_columns"
    assert "BW列“备注”" in note.message
    assert "原行号" not in note.message


def test_empty_rows_are_skipped_and_numbers_kept(workbook: Make, pupil: Pupil) -> None:
    only_code = {"school_code": "2123010001"}
    sheet = sheet_of(workbook([pupil(1), {}, {"name": "  "}, only_code, pupil(2), only_code]))
    assert [number for number, _ in sheet.rows] == [2, 6]


def test_cells_keep_their_types(workbook: Make, pupil: Pupil) -> None:
    day = datetime(2020, 3, 5)
    content = workbook([pupil(birth_date=day, document_number=230102202003050019.0, grade=1)])
    cells = dict(zip([f.key for f in FIELDS], sheet_of(content).rows[0][1], strict=False))
    assert cells["birth_date"] == day.date()
    assert isinstance(cells["document_number"], float)
    assert cells["grade"] == 1.0


@pytest.mark.parametrize(("rows", "fits"), [(3, True), (4, False)])
def test_the_number_of_rows_is_limited(workbook: Make, pupil: Pupil, rows: int, fits: bool) -> None:
    content = workbook([pupil(n) for n in range(rows)])
    if fits:
        assert len(sheet_of(content, rows=3).rows) == 3
    else:
        assert problem_of(content, rows=3).code == "workbook.too_many_rows"


def test_the_sheet_with_the_form_is_found(workbook: Make, pupil: Pupil) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([pupil()])))
    book.create_sheet("说明", 0)["A1"] = "先看这里"
    hidden = book.copy_worksheet(book["学生基本信息表"])
    hidden.sheet_state = "hidden"
    out = io.BytesIO()
    book.save(out)
    sheet = sheet_of(out.getvalue())
    assert (sheet.name, len(sheet.rows)) == ("学生基本信息表", 1)


def test_two_sheets_of_pupils_are_refused(workbook: Make, pupil: Pupil) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([pupil()])))
    book.copy_worksheet(book["学生基本信息表"]).title = "二班"
    out = io.BytesIO()
    book.save(out)
    found = problem_of(out.getvalue())
    assert found.code == "workbook.several_sheets"
    assert "“二班”" in found.message


def test_a_wrong_sheet_says_what_was_recognised(workbook: Make) -> None:
    found = problem_of(workbook([{}], headers=["姓名", "性别", "语文", "数学"]))
    assert found.code == "workbook.no_header"
    assert "姓名、性别" in found.message


def test_a_sheet_without_pupils(workbook: Make) -> None:
    assert problem_of(workbook([])).code == "workbook.no_rows"


def test_an_empty_workbook() -> None:
    out = io.BytesIO()
    openpyxl.Workbook().save(out)
    assert problem_of(out.getvalue()).code == "workbook.no_header"


# ---- files that are not read ----------------------------------------------------------------------------------------


def test_an_empty_file_and_a_text_file() -> None:
    assert problem_of(b"").code == "workbook.empty"
    assert problem_of("姓名,性别\n王小明,男\n".encode()).code == "workbook.not_a_workbook"


def test_old_and_encrypted_formats() -> None:
    compound = bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600)
    assert problem_of(compound).code == "workbook.old_format"
    assert problem_of(compound + "EncryptedPackage".encode("utf-16-le")).code == "workbook.encrypted"


def test_another_kind_of_archive(change: Make) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
        archive.writestr("[Content_Types].xml", "<Types/>")
    assert problem_of(out.getvalue()).code == "workbook.not_a_workbook"


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.999])
def test_a_truncated_file(workbook: Make, pupil: Pupil, cut: float) -> None:
    content = workbook([pupil()])
    assert problem_of(content[: int(len(content) * cut)]).code == "workbook.broken"


def test_a_changed_byte(workbook: Make, pupil: Pupil) -> None:
    content = bytearray(workbook([pupil()]))
    at = content.index(SHEET_XML.encode()) + len(SHEET_XML) + 200
    content[at] ^= 0xFF
    assert problem_of(bytes(content)).code == "workbook.broken"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("xl/vbaProject.bin", "workbook.macros"),
        ("xl/macrosheets/sheet1.xml", "workbook.macros"),
        ("xl/activeX/activeX1.xml", "workbook.macros"),
        ("xl/externalLinks/externalLink1.xml", "workbook.external_links"),
        ("xl/connections.xml", "workbook.external_links"),
        ("xl/embeddings/oleObject1.bin", "workbook.embedded_objects"),
    ],
)
def test_what_would_act_is_refused(workbook: Make, pupil: Pupil, change: Make, name: str, code: str) -> None:
    assert problem_of(change(workbook([pupil()]), {name: b"x"})).code == code


def test_formulas_are_refused_with_their_cell(workbook: Make, pupil: Pupil) -> None:
    book = openpyxl.load_workbook(io.BytesIO(workbook([pupil()])))
    book["学生基本信息表"]["C2"] = "=1+1"
    out = io.BytesIO()
    book.save(out)
    found = problem_of(out.getvalue())
    assert found.code == "workbook.formulas"
    assert "单元格C2" in found.message


def test_a_formula_in_a_prefixed_sheet(workbook: Make, pupil: Pupil, change: Make, read_part: Make) -> None:
    content = workbook([pupil()])
    xml = read_part(content, SHEET_XML)
    prefixed = xml.replace(b"<worksheet ", b"<x:worksheet ").replace(b"<c r=", b"<x:c r=")
    prefixed = prefixed.replace(b"<v>", b"<x:f>1</x:f><v>", 1)
    found = problem_of(change(content, {SHEET_XML: prefixed}))
    assert (found.code, "单元格A1" in found.message) == ("workbook.formulas", True)


def test_drop_downs_are_no_formulas(workbook: Make, pupil: Pupil, change: Make, read_part: Make) -> None:
    """Excel keeps lists on other sheets as <xm:f>, lists of its own as <formula1>."""
    content = workbook([pupil()])
    lists = (
        b'<dataValidations count="1"><dataValidation sqref="C2"><formula1>"1,2"</formula1></dataValidation>'
        b"</dataValidations><extLst><ext><x14:f xmlns:x14='y'/><xm:f xmlns:xm='x'>A!$A$1</xm:f></ext></extLst></worksheet>"
    )
    xml = read_part(content, SHEET_XML).replace(b"</worksheet>", lists)
    assert len(sheet_of(change(content, {SHEET_XML: xml})).rows) == 1


def test_a_formula_across_two_pieces_is_found(workbook: Make, pupil: Pupil, change: Make, read_part: Make) -> None:
    content = workbook([pupil()])
    xml = read_part(content, SHEET_XML)
    head, tail = xml.split(b"<sheetData>")
    room = 1024 * 1024 - len(head) - len(b"<sheetData>")
    cut = tail.index(b"<v>")
    for shift in range(-4, 2):
        padded = head + b" " * (room - cut + shift) + b"<sheetData>" + tail[:cut] + b"<f>1</f>" + tail[cut:]
        assert problem_of(change(content, {SHEET_XML: padded})).code == "workbook.formulas", shift


def test_entities_and_utf_16_are_refused(workbook: Make, pupil: Pupil, change: Make, read_part: Make) -> None:
    content = workbook([pupil()])
    strings = read_part(content, "xl/sharedStrings.xml")
    laughs = strings.replace(b"<sst", b'<!DOCTYPE sst [<!ENTITY a "ha">]><sst', 1)
    assert problem_of(change(content, {"xl/sharedStrings.xml": laughs})).code == "workbook.unusual_xml"
    wide = read_part(content, SHEET_XML).decode().encode("utf-16")
    assert problem_of(change(content, {SHEET_XML: wide})).code == "workbook.unusual_xml"


@pytest.mark.parametrize(("cell", "fits"), [(b"ZZ1", True), (b"AAA1", False), (b"A99999", True), (b"A100000", False)])
def test_a_cell_far_away_is_refused(
    workbook: Make, pupil: Pupil, change: Make, read_part: Make, cell: bytes, fits: bool
) -> None:
    content = workbook([pupil()])
    row = b'<row><c r="' + cell + b'" s="1"/></row></sheetData>'
    xml = read_part(content, SHEET_XML).replace(b"</sheetData>", row)
    found = read(change(content, {SHEET_XML: xml}))
    assert isinstance(found, Sheet) == fits
    if isinstance(found, Problem):
        assert found.code == "workbook.too_wide"


# ---- bombs ----------------------------------------------------------------------------------------------------------


def test_the_size_of_the_file(workbook: Make, pupil: Pupil) -> None:
    content = workbook([pupil()])
    assert problem_of(content, size=len(content) - 1).code == "workbook.too_large"
    assert sheet_of(content, size=len(content))


def test_the_number_of_parts(workbook: Make, pupil: Pupil, change: Make) -> None:
    content = workbook([pupil()])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        parts = len(archive.infolist())
    assert sheet_of(content, parts=parts)
    assert problem_of(content, parts=parts - 1).code == "workbook.too_many_parts"


def test_the_unpacked_size(workbook: Make, pupil: Pupil) -> None:
    content = workbook([pupil()])
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        size = sum(info.file_size for info in archive.infolist())
    assert sheet_of(content, unpacked=size)
    assert problem_of(content, unpacked=size - 1).code == "workbook.bomb"


def test_the_ratio(workbook: Make, pupil: Pupil, change: Make) -> None:
    zeros = change(workbook([pupil()]), {"xl/media/image1.png": bytes(5_000_000)})
    assert problem_of(zeros).code == "workbook.bomb"
    assert sheet_of(zeros, ratio=2000)


def test_a_directory_that_lies_about_sizes(workbook: Make, pupil: Pupil, change: Make) -> None:
    """The parts are counted as they unpack, whatever the directory says."""
    content = bytearray(change(workbook([pupil()]), {"xl/media/image1.png": bytes(5_000_000)}))
    for signature, offset in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        at = content.rindex(
            b"xl/media/image1.png", 0, None if signature == b"PK\x01\x02" else content.index(b"PK\x01\x02")
        )
        start = content.rindex(signature, 0, at)
        struct.pack_into("<I", content, start + offset, 1000)
    assert problem_of(bytes(content)).code in ("workbook.bomb", "workbook.broken")
    assert problem_of(bytes(content), ratio=10**6).code == "workbook.broken"
