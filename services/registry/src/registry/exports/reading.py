"""`python -m registry watermark FILE`: whose export a leaked file is, and where it says so."""

from __future__ import annotations

import csv
import io
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import python_calamine

from registry.exports import watermark
from registry.exports.package import CUSTOM

MOST_ROWS = 20_000
"""Rows of a sheet that are looked through for marks: a file of ours carries one every 21 rows of a class."""
MOST_PARTS = 1 << 20
SEAL = "校验"
NUMBER = "导出编号"

_PROPERTY = "{http://schemas.openxmlformats.org/officeDocument/2006/custom-properties}property"


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """What a file says. `numbers`: export numbers that its marks give, with the places; the first is the likeliest.

    `properties`: what stands in the document properties; `sealed`: whether they are as we wrote them, None without any.
    """

    numbers: dict[str, tuple[str, ...]]
    properties: dict[str, str]
    sealed: bool | None


class NotReadable(Exception):
    """Neither a workbook nor a text table."""


def read(path: Path, key: bytes) -> Found:
    """Raises NotReadable."""
    properties: dict[str, str] = {}
    if zipfile.is_zipfile(path):
        properties = _properties(path)
        tables = list(_sheets(path))
    else:
        tables = [_text_table(path)]
    given = properties.pop(SEAL, None)
    sealed = None if given is None else watermark.seal(key, properties) == given
    places: dict[str, Counter[str]] = {}

    def note(bits: int | None, place: str) -> bool:
        number = None if bits is None else watermark.number_of(key, bits)
        if number is not None:
            places.setdefault(number, Counter())[place] += 1
        return number is not None

    for table in tables:
        for row in table[:10]:
            for cell in row:
                note(watermark.title_bits(cell), "列标题")
        for column in range(max(map(len, table), default=0)):
            _orders(key, [row[column] if column < len(row) else "" for row in table], note)
    if sealed and NUMBER in properties:
        places.setdefault(properties[NUMBER], Counter())["文档属性"] += 1
    likely = sorted(places, key=lambda number: -places[number].total())
    return Found(
        numbers={n: tuple(f"{place}（{times}处）" for place, times in places[n].items()) for n in likely},
        properties=properties,
        sealed=sealed,
    )


def _orders(key: bytes, texts: Sequence[str], note: Any) -> None:
    at = 0
    while at + watermark.BLOCK <= len(texts):
        found = note(watermark.order_bits(key, texts[at : at + watermark.BLOCK]), "学生排列顺序")
        at += watermark.BLOCK if found else 1


def _sheets(path: Path) -> Iterator[list[list[str]]]:
    try:
        book = python_calamine.CalamineWorkbook.from_path(str(path))
        for name in book.sheet_names:
            rows = book.get_sheet_by_name(name).to_python(nrows=MOST_ROWS)
            yield [[_text(cell) for cell in row] for row in rows]
    except (python_calamine.CalamineError, OSError) as error:
        raise NotReadable(type(error).__name__) from None


def _text(cell: Any) -> str:
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _text_table(path: Path) -> list[list[str]]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        dialect = csv.excel_tab if "\t" in text.partition("\n")[0] else csv.excel
        try:
            return [row for row, _ in zip(csv.reader(io.StringIO(text), dialect), range(MOST_ROWS), strict=False)]
        except csv.Error:
            break
    raise NotReadable("no table")


def _properties(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as package:
        if CUSTOM not in package.namelist() or package.getinfo(CUSTOM).file_size > MOST_PARTS:
            return {}
        text = package.read(CUSTOM)
    if b"<!" in text:  # no document type of anybody else's is read
        return {}
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without a document type there are no entities
    except ElementTree.ParseError:
        return {}
    return {item.get("name", ""): "".join(item.itertext()) for item in root.iter(_PROPERTY)}
