"""Is this file a workbook that may be opened? Everything is judged on the container, before a parser sees the content.

An .xlsx file is a zip archive of XML parts. Refused: what is none, too much of it (zip bombs), and whatever would act:
macros, formulas, links to other files, embedded objects.
"""

from __future__ import annotations

import io
import re
import zipfile
import zlib
from collections.abc import Iterator

import msgspec

_MB = 1024 * 1024


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """`size`: bytes of the file; `unpacked`: of all parts together; `ratio`: unpacked to packed, for parts over 1 MB."""

    size: int = 32 * _MB
    unpacked: int = 512 * _MB
    ratio: int = 150
    parts: int = 500
    rows: int = 50_000
    columns: int = 702  # ZZ
    header_rows: int = 20


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a file as a whole cannot be taken: Chinese, with the cure."""

    code: str
    message: str

    def __str__(self) -> str:
        return self.message


def problem(code: str, reason: str, cure: str) -> Problem:
    return Problem(code=f"workbook.{code}", message=f"{reason}{cure}")


_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # the container of .xls and of encrypted .xlsx
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_SHEETS = re.compile(r"xl/worksheets/[^/]+\.xml", re.IGNORECASE)
_AS_XLSX = "请在Excel或WPS中另存为“Excel工作簿（*.xlsx）”后上传。"
_ACTIVE: tuple[tuple[str, re.Pattern[str], str, str], ...] = (
    (
        "macros",
        re.compile(r"vbaProject|xl/macrosheets/|xl/activeX/|customUI", re.IGNORECASE),
        "文件含有宏或控件，不予读取。",
        "请另存为不含宏的“Excel工作簿（*.xlsx）”后上传。",
    ),
    (
        "external_links",
        re.compile(r"xl/externalLinks/|xl/connections\.xml|xl/queryTables/", re.IGNORECASE),
        "文件链接了其他文件或数据源，不予读取。",
        "请在“数据—编辑链接”中断开链接，或复制数据并“选择性粘贴—数值”到空白模板后上传。",
    ),
    (
        "embedded_objects",
        re.compile(r"xl/embeddings/", re.IGNORECASE),
        "文件嵌入了其他文件，不予读取。",
        "请删除嵌入的对象后上传。",
    ),
)


def examine(content: bytes, limits: Limits) -> Problem | None:
    """What keeps this file from being read, or None. Reads every part once, and keeps none."""
    if found := _container(content, limits):
        return found
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return _parts(archive, limits)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
        return problem("broken", "文件已损坏，无法读取。", "请在Excel中打开并另存后重新上传。")


def _container(content: bytes, limits: Limits) -> Problem | None:
    if not content:
        return problem("empty", "文件是空的。", "请重新保存后上传。")
    if len(content) > limits.size:
        size = f"{len(content) / _MB:.1f}MB，上限{limits.size // _MB}MB"
        return problem("too_large", f"文件过大（{size}）。", "请删除图片和无关工作表，或分成几个文件上传。")
    if content.startswith(_COMPOUND):
        if _ENCRYPTED in content:
            return problem(
                "encrypted", "文件设有打开密码，无法读取。", "请在Excel中取消密码（文件—信息—保护工作簿）后上传。"
            )
        return problem("old_format", "文件是旧版Excel格式（*.xls）。", _AS_XLSX)
    if not content.startswith(b"PK"):
        return problem("not_a_workbook", "文件不是Excel工作簿（*.xlsx）。", _AS_XLSX)
    return None


def _parts(archive: zipfile.ZipFile, limits: Limits) -> Problem | None:
    parts = archive.infolist()
    names = {part.filename for part in parts}
    if len(parts) > limits.parts:
        return problem(
            "too_many_parts", f"文件内含{len(parts)}个部分，不像正常的工作簿。", "请把数据复制到空白模板后上传。"
        )
    if any(part.flag_bits & 0x1 for part in parts):
        return problem("encrypted", "文件已加密，无法读取。", "请取消密码后上传。")
    if found := _active(names):
        return found
    if "[Content_Types].xml" not in names or "xl/workbook.xml" not in names:
        return problem("not_a_workbook", "文件不是Excel工作簿（*.xlsx）。", _AS_XLSX)
    left = limits.unpacked
    for part in parts:
        seen = _Part(part.filename)
        packed = max(part.compress_size, 1)
        for piece in _unpack(archive, part, left):
            left -= len(piece)
            if left < 0 or (seen.size > _MB and seen.size > packed * limits.ratio):
                return problem("bomb", "文件解压后过大，不予读取。", "请把数据复制到空白模板后上传，不要带整列格式。")
            if found := seen.feed(piece, limits):
                return found
    return None


def _active(names: set[str]) -> Problem | None:
    for code, pattern, reason, cure in _ACTIVE:
        if any(pattern.search(name) for name in names):
            return problem(code, reason, cure)
    return None


def _unpack(archive: zipfile.ZipFile, part: zipfile.ZipInfo, left: int) -> Iterator[bytes]:
    """A part's content in pieces, as much as there really is, whatever size the directory claims."""
    claimed = part.file_size
    part.file_size = left + 2
    real = 0
    with archive.open(part) as stream:
        while piece := stream.read(_MB):
            real += len(piece)
            yield piece
    if real != claimed:
        raise zipfile.BadZipFile("the directory lies about a part's size")


_ROOT = re.compile(rb"<(?:(\w+):)?worksheet[\s>]")
_FAR = re.compile(rb'\sr="(?:[A-Z]{3,}\d+|[A-Z]*\d{6,})"')
_DOCTYPE = re.compile(rb"<!(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_OVERLAP = 400


class _Part:
    """Looks at one part as it streams by."""

    def __init__(self, name: str) -> None:
        self.size = 0
        self._xml = name.lower().endswith((".xml", ".rels"))
        self._sheet = bool(_SHEETS.fullmatch(name))
        self._tail = b""
        self._formula: re.Pattern[bytes] | None = None
        self._cell: re.Pattern[bytes] | None = None

    def feed(self, piece: bytes, limits: Limits) -> Problem | None:
        first = self.size == 0
        self.size += len(piece)
        if first and self._xml:
            if piece.startswith((b"\xff\xfe", b"\xfe\xff")) or _DOCTYPE.search(piece[:4096]):
                return problem("unusual_xml", "文件的内部格式不常见，不予读取。", "请在Excel中打开并另存后上传。")
            if self._sheet:
                root = _ROOT.search(piece[:4096])
                prefix = root[1] + b":" if root and root[1] else b""
                self._formula = re.compile(rb"<" + prefix + rb"f[\s/>]")
                self._cell = re.compile(rb"<" + prefix + rb'c\s[^>]*?\br="([A-Z]+\d+)"[^>]*>\s*$')
        if not self._formula or not self._cell:
            return None
        text = self._tail + piece
        self._tail = text[-_OVERLAP:]
        if found := self._formula.search(text):
            cell = self._cell.search(text, max(0, found.start() - _OVERLAP), found.start())
            where = f"单元格{cell[1].decode()}" if cell else "有单元格"
            return problem(
                "formulas",
                f"{where}含有公式，不予读取。",
                "请选中全部数据，复制后“选择性粘贴—数值”，再上传。",
            )
        if _FAR.search(text):
            return problem(
                "too_wide",
                f"工作表的范围过大（最多{limits.rows}行、{limits.columns}列）。",
                "请删除数据以外的空行空列（选中后“删除”，不是“清除内容”），或复制到空白模板后上传。",
            )
        return None
