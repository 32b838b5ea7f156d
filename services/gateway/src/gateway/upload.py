"""A file that comes as multipart/form-data goes to the file store as it arrives: never whole in memory, never plain on
disk. Exactly one part, named `file`."""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from litestar import Request
from litestar.exceptions import InternalServerException
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from service_kit.files import FileStore
from service_kit.ids import derived, new_id
from shared_contracts.files import FileRef

from gateway.problems import ProblemError, invalid

FIELD = "file"
SPLIT = "请按年级或班级拆分后分别上传。"
"""What to do about a roster that is too large."""
OVERHEAD = 64 * 1024
"""Bytes of a multipart body that are not the file."""
_MEDIA_TYPE = re.compile(r"^[\w.+-]{1,80}/[\w.+-]{1,80}$", re.ASCII)
_NAME_LENGTH = 120


class Upload:
    """`await begin()` reads up to the file's first byte: then `name` and `media_type` are known and `content()` gives
    the rest. Raises ProblemError where the body is not what it should be, or ends too early. `cure`: what to do about a file
    that is too large."""

    def __init__(self, request: Request[Any, Any, Any], max_size: int, cure: str = SPLIT) -> None:
        self._cure = cure
        if (length := request.content_length) is not None and length > max_size + OVERHEAD:
            raise _too_large(max_size, cure)
        boundary = request.content_type[1].get("boundary", "")
        if not boundary:
            raise ProblemError("bad_request", "multipart 请求缺少 boundary。")
        self.name = ""
        self.media_type = "application/octet-stream"
        self._max_size = max_size
        self._body = request.stream()
        self._headers: dict[str, str] = {}
        self._field = self._value = b""
        self._parts = 0
        self._begun = self._ended = False
        self._pieces: deque[bytes] = deque()
        try:
            self._parser = MultipartParser(boundary, self._callbacks(), max_header_count=8, max_header_size=2048)
        except FormParserError:
            raise ProblemError("bad_request") from None

    async def begin(self) -> None:
        while not self._begun:
            if not await self._read():
                raise invalid(FIELD, "没有收到文件", "以 multipart/form-data 的 file 字段上传文件。")

    async def content(self) -> AsyncIterator[bytes]:
        size = 0
        while True:
            while self._pieces:
                piece = self._pieces.popleft()
                size += len(piece)
                if size > self._max_size:
                    raise _too_large(self._max_size, self._cure)
                yield piece
            if not await self._read():
                break
        if not self._ended:
            raise ProblemError("bad_request", "上传内容不完整，请重新上传。")
        if not size:
            raise invalid(FIELD, "文件是空的", "请选择有内容的文件。")

    async def _read(self) -> bool:
        """Feed the parser one chunk of the body; False at its end."""
        try:
            self._parser.write(await anext(self._body))
            return True
        except StopAsyncIteration:
            return False
        except FormParserError:
            raise ProblemError("bad_request", "multipart 内容不正确。") from None
        except InternalServerException:  # what Litestar raises when the client goes away
            raise ProblemError("client_gone") from None

    # ---- the parser's callbacks -----------------------------------------------------------------------------------

    def _callbacks(self) -> Any:
        return {
            "on_part_begin": self._part_begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": lambda data, start, end: self._pieces.append(data[start:end]),
            "on_end": self._end,
        }

    def _part_begin(self) -> None:
        self._parts += 1
        if self._parts > 1:
            raise invalid(FIELD, "只能上传一个文件", "请求中只放一个 file 字段。")
        self._headers.clear()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = self._value.decode("latin-1")
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get("content-disposition", ""))
        if options.get(b"name") != FIELD.encode() or b"filename" not in options:
            raise invalid(FIELD, "没有收到文件", "以 multipart/form-data 的 file 字段上传文件。")
        self.name = clean_name(options[b"filename"].decode("utf-8", errors="replace"))
        declared = self._headers.get("content-type", "").split(";")[0].strip()
        if _MEDIA_TYPE.match(declared):
            self.media_type = declared
        self._begun = True

    def _end(self) -> None:
        self._ended = True


async def keep(files: FileStore, incoming: Upload, what: str, command_id: str, most: int) -> FileRef:
    """Store an upload that has begun, named after the command and its content: the same file under the same key is the
    same command, another file under it is not. Raises FileTooLarge."""
    first = await files.put(incoming.name, incoming.media_type, incoming.content(), most, new_id())
    try:
        named = derived(what, command_id, first.sha256)
        return await files.put(first.name, first.media_type, files.stream(first.id), most, named)
    finally:
        await files.delete(first.id)


@asynccontextmanager
async def passing(files: FileStore, incoming: Upload, file_id: str, most: int) -> AsyncIterator[FileRef]:
    """An upload that is read while its caller waits, and kept no longer than that."""
    await incoming.begin()
    file = await files.put(incoming.name, incoming.media_type, incoming.content(), most, file_id=file_id)
    try:
        yield file
    finally:
        await files.delete(file_id)


def clean_name(name: str) -> str:
    """A file's name without folders and without characters that do not show; the end is kept where it is too long."""
    name = re.split(r"[\\/]", name)[-1]
    name = "".join(c for c in name if unicodedata.category(c)[0] != "C").strip(" .")
    return name[-_NAME_LENGTH:] or "roster.xlsx"


def _too_large(max_size: int, cure: str) -> ProblemError:
    return ProblemError("too_large", f"文件不得超过 {max_size / 1_000_000:g} MB。{cure}")
