"""Workbooks as schools make them, good and bad."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import xlsxwriter
from registry.form.fields import FIELDS


def make_workbook(
    pupils: Iterable[Mapping[str, Any]],
    *,
    headers: Sequence[str] | None = None,
    above: Sequence[str] = (),
    extra: Mapping[str, str] | None = None,
    sheet: str = "学生基本信息表",
    left: int = 0,
) -> bytes:
    """A workbook with the form's columns (or `headers`), lines above the header, extra columns at the end."""
    extra = extra or {}
    titles = [*(headers if headers is not None else (f.header for f in FIELDS)), *extra]
    keys = {f.header: f.key for f in FIELDS}
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True, "strings_to_formulas": False}) as book:
        page = book.add_worksheet(sheet)
        day = book.add_format({"num_format": "yyyy-mm-dd"})
        for line, text in enumerate(above):
            if left or len(titles) < 2:
                page.write_string(line, left, text)
            else:
                page.merge_range(line, 0, line, len(titles) - 1, text)
        top = len(above)
        for column, title in enumerate(titles, start=left):
            page.write_string(top, column, title)
        for line, form in enumerate(pupils, start=top + 1):
            for column, title in enumerate(titles, start=left):
                value = extra.get(title, form.get(keys.get(title, title)))
                if value is None:
                    continue
                if hasattr(value, "year"):
                    page.write_datetime(line, column, value, day)
                else:
                    page.write(line, column, value)
    return out.getvalue()


def repack(content: bytes, changes: Mapping[str, bytes | None], *, compress: int = zipfile.ZIP_DEFLATED) -> bytes:
    """The same archive with parts replaced or added."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w", compress) as new:
        for part in old.infolist():
            if part.filename not in changes:
                new.writestr(part, old.read(part))
        for name, data in changes.items():
            if data is not None:
                new.writestr(name, data)
    return out.getvalue()


def part(content: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read(name)
