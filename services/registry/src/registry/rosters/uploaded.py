"""The rows of a list that somebody has uploaded: read in a child process."""

from __future__ import annotations

import msgspec
from service_kit.files import FileMissing, FileStore
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import FileRef

from registry.context import RegistryWork
from registry.rosters.archive import Limits
from registry.rosters.child import ChildDied, Job, child
from registry.rosters.frames import Unreadable
from registry.rosters.workbook import Rows

_reply = msgspec.msgpack.Decoder(Rows | Unreadable)


GONE = "上传的文件已不存在。请重新上传。"


class CannotRead(Exception):
    """The file as a whole; its text is Chinese, for whoever uploaded it."""


def too_large(file: FileRef, limits: Limits, cure: str = "请删除图片和无关工作表后上传。") -> Refused | None:
    """None where the file may be opened."""
    if file.size <= limits.size:
        return None
    return refused("too_large", f"文件超过{limits.size // 1024**2}MB。{cure}")


async def read(files: FileStore, job: Job, file_id: str) -> Rows:
    """`job`: who reads it (`rosters.jobs`). Raises CannotRead, ChildDied."""
    try:
        content = await files.read(file_id)
    except FileMissing:
        raise CannotRead(GONE) from None
    async with child(job) as reader:
        await reader.send(content)
        reader.close()
        reply: Rows | Unreadable = _reply.decode(await reader.answer())
    if isinstance(reply, Unreadable):
        raise CannotRead(reply.message)
    return reply


async def rows(work: RegistryWork, job: Job, file: FileRef, limits: Limits, *, cure: str) -> Rows | Refused:
    """The same for a command, which is refused where they cannot be read. `cure`: what to do with a file that nobody can
    read."""
    if no := too_large(file, limits):
        return no
    try:
        return await read(work.deps.files, job, file.id)
    except CannotRead as fault:
        return refused("conflict" if str(fault) == GONE else "invalid", str(fault))
    except ChildDied:
        return refused("invalid", f"文件无法处理（内容过大或已损坏）。{cure}")
