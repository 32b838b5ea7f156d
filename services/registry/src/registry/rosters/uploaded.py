"""The rows of a list that somebody has uploaded: read in a child process while the caller waits."""

from __future__ import annotations

import msgspec
from service_kit.files import FileMissing
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import FileRef

from registry.context import RegistryWork
from registry.rosters.archive import Limits
from registry.rosters.child import ChildDied, Job, child
from registry.rosters.frames import Unreadable
from registry.rosters.workbook import Rows

_reply = msgspec.msgpack.Decoder(Rows | Unreadable)


async def rows(work: RegistryWork, job: Job, file: FileRef, limits: Limits, *, cure: str) -> Rows | Refused:
    """`job`: who reads it (`rosters.jobs`). `cure`: what to do with a file that nobody can read."""
    if file.size > limits.size:
        return refused("too_large", f"文件超过{limits.size // 1024**2}MB。请删除图片和无关工作表后上传。")
    try:
        content = await work.deps.files.read(file.id)
    except FileMissing:
        return refused("conflict", "上传的文件已不存在。请重新上传。")
    try:
        async with child(job) as reader:
            await reader.send(content)
            reader.close()
            reply = _reply.decode(await reader.answer())
    except ChildDied:
        return refused("invalid", f"文件无法处理（内容过大或已损坏）。{cure}")
    return refused("invalid", reply.message) if isinstance(reply, Unreadable) else reply
