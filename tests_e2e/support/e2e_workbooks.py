"""Files that are no rosters, each in its own way."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import xlsxwriter
from e2e_people import Made
from openpyxl.worksheet.worksheet import Worksheet
from xueji_local.generator_form import HEADERS

Maker = Callable[[Made], bytes]


def not_a_zip(_: Made) -> bytes:
    return "学校标识码,姓名,性别\n2123000101,王小明,男\n".encode()


def old_excel(_: Made) -> bytes:
    return _compound("Workbook")


def encrypted(_: Made) -> bytes:
    """What Excel writes when a password is set: an OLE container with the package in it."""
    return _compound("EncryptedPackage")


def _compound(stream: str) -> bytes:
    """A compound file (MS-CFB) with one stream's name in its directory."""
    name = stream.encode("utf-16-le")
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    directory = name.ljust(64, b"\0") + struct.pack("<HBB", len(name) + 2, 2, 1)
    return head.ljust(512, b"\0") + directory.ljust(512, b"\0") + bytes(4096)


def with_macros(made: Made) -> bytes:
    return _with_part(made.path.read_bytes(), "xl/vbaProject.bin", b"Attribute VB_Name")


def with_a_formula(made: Made) -> bytes:
    return _changed(
        made, lambda sheet: sheet.cell(made.roster.header_row + 1, 2, '=HYPERLINK("http://x.example","王")')
    )


def zip_bomb(made: Made) -> bytes:
    """A hundred kilobytes that unpack to a hundred megabytes."""
    return _with_part(made.path.read_bytes(), "xl/media/image1.bin", bytes(1024**2), times=100)


def wrong_sheet(_: Made) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = "食堂采购"
    sheet.append(["品名", "数量", "单价"])
    sheet.append(["大米", 50, 4.2])
    return _bytes(book)


def missing_column(made: Made) -> bytes:
    return _changed(made, lambda sheet: sheet.delete_cols(HEADERS.index("身份证件号") + 1))


def without_rows(made: Made) -> bytes:
    return _changed(made, lambda sheet: sheet.delete_rows(made.roster.header_row + 1, made.size))


def too_many_rows(made: Made) -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"constant_memory": True}) as book:
        sheet = book.add_worksheet("学生基本信息表")
        for column, header in enumerate(HEADERS):
            sheet.write_string(0, column, header)
        name = HEADERS.index("姓名")
        for row in range(1, 50_002):
            sheet.write_string(row, 0, made.roster.school.code)
            sheet.write_string(row, name, "王小明")
    return out.getvalue()


def _changed(made: Made, change: Callable[[Worksheet], object]) -> bytes:
    book = openpyxl.load_workbook(made.path)
    sheet = book.worksheets[0]
    assert isinstance(sheet, Worksheet)
    change(sheet)
    return _bytes(book)


def _bytes(book: openpyxl.Workbook) -> bytes:
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _with_part(content: bytes, name: str, piece: bytes, times: int = 1) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            target.writestr(part, source.read(part))
        with target.open(name, "w", force_zip64=True) as added:
            for _ in range(times):
                added.write(piece)
    return out.getvalue()


def write(content: bytes, folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path
