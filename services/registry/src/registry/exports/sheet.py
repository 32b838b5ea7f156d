"""The workbook of an export: banner, marked titles, the pupils. Written as the rows come, in memory that does not grow."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, BinaryIO, cast

import msgspec
import rustpy_xlsxwriter
from regulation.mark import clause
from shared_contracts.discreet import Discreet

from registry.exports import watermark
from registry.exports.package import add_properties

TITLE_ROW = 3
"""Row of the titles, counted from 0: three rows of banner above."""
SHEET = "学生"
_WIDTH = 16.0
_WIDER = {"name": 12.0, "school_name": 30.0, "county_name": 26.0, "document_number": 24.0, "student_number": 24.0}


class Column(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    key: str
    title: str
    tells: bool


class SheetOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What the writing child is told. `banner`: three lines. `footer`: of each printed page. `mark_key`: for the marks
    alone, derived."""

    number: str
    columns: tuple[Column, ...]
    banner: tuple[str, str, str]
    footer: str
    properties: dict[str, str]
    creator: str
    mark_key: bytes


class Row(Discreet, msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`group`: the class; rows of one class follow each other. `values`: in the order of the columns."""

    group: str
    values: tuple[str, ...]


class Rows(msgspec.Struct, frozen=True, array_like=True):
    """A chunk of rows; an empty one is the last."""

    rows: tuple[Row, ...]


@clause("45.2")
def write(order: SheetOrder, rows: Iterable[Row], target: IO[bytes]) -> int:
    """Write the workbook to `target`, an empty file that can be sought in; returns the number of pupils.

    The writer takes rows as they come and keeps what it writes in files without a name (they go with the process), in the
    folder that TMPDIR names.
    """
    bits = watermark.payload(order.mark_key, order.number)
    titles = [watermark.marked_title(column.title, bits) for column in order.columns]
    last = max(len(titles) - 1, 1)  # one cell cannot be merged
    count = 0

    def records() -> Iterator[dict[str, str]]:
        nonlocal count
        for row in in_marked_order(order, rows, bits):
            count += 1
            yield dict(zip(titles, row.values, strict=True))

    bold = rustpy_xlsxwriter.Format().set_bold().set_font_color("#C00000").set_text_wrap()
    with tempfile.TemporaryFile() as bare:
        rustpy_xlsxwriter.write_worksheet(
            records(),
            _target(bare),
            sheet_name=SHEET,
            header_row=TITLE_ROW,
            bold_headers=True,
            freeze_row=TITLE_ROW + 1,
            column_widths=[_WIDER.get(column.key, _WIDTH) for column in order.columns],
            merge_ranges=[(line, 0, line, last, text, bold) for line, text in enumerate(order.banner)],
            page_setup={
                "landscape": True,
                "repeat_rows": (0, TITLE_ROW),
                "header": "&C" + _for_page(order.banner[0]),
                "footer": "&L" + _for_page(order.footer) + "&R第 &P 页，共 &N 页",
            },
        )
        add_properties(bare, target, order.properties, order.creator)
    return count


def in_marked_order(order: SheetOrder, rows: Iterable[Row], bits: int) -> Iterator[Row]:
    """The same rows; each whole block of a class in the order that tells the number. Holds one block at a time.

    Blocks take turns with the telling columns: who deletes one of them from a leaked file deletes some marks, not all.
    """
    tells = [place for place, column in enumerate(order.columns) if column.tells]
    block: list[Row] = []
    turn = 0
    for row in rows:
        if block and row.group != block[0].group:
            yield from block
            block = []
        block.append(row)
        if len(block) == watermark.BLOCK:
            yield from _marked(order.mark_key, block, tells[turn:] + tells[:turn], bits)
            turn = (turn + 1) % len(tells) if tells else 0
            block = []
    yield from block


def _marked(key: bytes, block: list[Row], tells: Sequence[int], bits: int) -> list[Row]:
    for place in tells:
        found = watermark.arranged(key, block, [row.values[place] for row in block], bits)
        if found is not None:
            return found
    return block


def _target(file: IO[bytes]) -> str | BinaryIO:
    """The writer keeps a whole workbook in memory for a file object, and nothing for a path: give the file's path."""
    path = f"/proc/self/fd/{file.fileno()}"
    return path if os.name == "posix" and Path(path).exists() else cast("BinaryIO", file)


def _for_page(text: str) -> str:
    """A page's header holds 255 characters, `&` begins a code."""
    return text.replace("&", "＆")[:200]
