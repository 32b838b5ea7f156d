"""Document properties for a finished workbook: the fast writer knows none, so they are added to the package it wrote.

All other parts are copied as they are, compressed bytes and all: 200,000 rows cost nothing but the copying.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from typing import IO
from xml.sax.saxutils import escape, quoteattr

CUSTOM = "docProps/custom.xml"
_TYPES, _RELATIONS, _CORE = "[Content_Types].xml", "_rels/.rels", "docProps/core.xml"
_FORMAT = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"  # of user-defined properties (ECMA-376, part 1, 22.3)
_LOCAL_HEAD = struct.Struct("<26xHH")
_COPY = 1 << 20

_OVERRIDE = (
    f'<Override PartName="/{CUSTOM}" '
    'ContentType="application/vnd.openxmlformats-officedocument.custom-properties+xml"/>'
)
_RELATION = (
    '<Relationship Id="rIdXueji" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/custom-properties" '
    f'Target="{CUSTOM}"/>'
)


def add_properties(source: IO[bytes], target: IO[bytes], properties: Mapping[str, str], creator: str) -> None:
    """Copy a workbook with custom properties and a creator. Both files can be sought in; neither is held in memory."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename == _TYPES:
                new.writestr(info.filename, _before(old.read(info), "</Types>", _OVERRIDE))
            elif info.filename == _RELATIONS:
                new.writestr(info.filename, _before(old.read(info), "</Relationships>", _RELATION))
            elif info.filename == _CORE:
                text = old.read(info).decode().replace("<dc:creator></dc:creator>", _creator(creator))
                new.writestr(info.filename, text)
            else:
                _copy(source, info, new)
        new.writestr(CUSTOM, custom(properties))


def custom(properties: Mapping[str, str]) -> str:
    """The part of user-defined properties."""
    items = "".join(
        f'<property fmtid="{_FORMAT}" pid="{pid}" name={quoteattr(name)}><vt:lpwstr>{escape(value)}</vt:lpwstr></property>'
        for pid, (name, value) in enumerate(properties.items(), start=2)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
        '<Properties xmlns="http://schemas.openxmlformats.org/officeDocument/2006/custom-properties" '
        'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes">'
        f"{items}</Properties>"
    )


def _before(part: bytes, end: str, addition: str) -> str:
    text = part.decode()
    if end not in text:
        raise ValueError("the workbook's package is not as expected")
    return text.replace(end, addition + end)


def _creator(name: str) -> str:
    return f"<dc:creator>{escape(name)}</dc:creator>"


def _copy(source: IO[bytes], info: zipfile.ZipInfo, new: zipfile.ZipFile) -> None:
    """One part with its compressed bytes. `zipfile` cannot do that; what it keeps of a part is told to it."""
    source.seek(info.header_offset)
    name, extra = _LOCAL_HEAD.unpack(source.read(_LOCAL_HEAD.size))
    source.seek(name + extra, 1)
    left = info.compress_size
    target = new.fp
    assert target is not None
    target.seek(new.start_dir)
    part = zipfile.ZipInfo(info.filename, info.date_time)
    part.compress_type = info.compress_type
    part.external_attr = info.external_attr
    part.CRC, part.file_size, part.compress_size = info.CRC, info.file_size, info.compress_size
    part.header_offset = target.tell()
    target.write(part.FileHeader())
    while left:
        piece = source.read(min(_COPY, left))
        if not piece:
            raise EOFError("the workbook breaks off")
        target.write(piece)
        left -= len(piece)
    new.filelist.append(part)
    new.NameToInfo[part.filename] = part
    new.start_dir = target.tell()
    new._didModify = True  # type: ignore[attr-defined]
