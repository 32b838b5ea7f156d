"""The archive of one student as a file: a PDF/A, or a package that proves itself (clauses 14, 21.2, 45.1).

Both say on themselves who fetched them and when; the command is in the audit log. The file is fetched at once and removed.
"""

from __future__ import annotations

from regulation.mark import clause
from service_kit.files import FileBroken, FileMissing
from service_kit.ids import derived
from service_kit.typeset import MEDIA_TYPE
from shared_contracts.archive import ArchiveMade, MakeArchive
from shared_contracts.decisions import Refused, refused
from shared_contracts.files import FileRef
from shared_contracts.messages import word

from registry.archive import package
from registry.archive.package import MadeFor
from registry.archive.printing import ArchiveOrder
from registry.archive.reading import Archive, read
from registry.context import RegistryWork
from registry.rosters import frames
from registry.rosters.child import ChildDied, child

LARGEST_PDF = 64 * 1024**2
LARGEST_PACKAGE = 2 * 1024**3


@clause("14", "21.1", "21.2", "45.1")
async def make_archive(work: RegistryWork, command: MakeArchive) -> ArchiveMade | Refused:
    actor = command.actor
    archive = await read(work, actor, word(command), command.student_id, command.as_of)
    if isinstance(archive, Refused):
        return archive
    made_for = MadeFor(account=actor.account, name=actor.name, organisation=actor.organisation)
    file_id = derived("archive", command.command_id)
    if command.form == "package":
        file = await _package(work, archive, made_for, file_id)
    else:
        file = await _pdf(work, archive, made_for, file_id)
    return file if isinstance(file, Refused) else ArchiveMade(student_id=command.student_id, file=file)


async def _package(work: RegistryWork, archive: Archive, made_for: MadeFor, file_id: str) -> FileRef | Refused:
    if work.deps.signer is None:
        return refused("unavailable", "系统没有配置签名密钥，不能生成档案包。请联系运维人员。")
    content = package.stream(archive, work.deps.files, work.deps.signer, work.now, made_for)
    try:
        return await work.deps.files.put(
            package.name_of(archive), "application/zip", content, LARGEST_PACKAGE, file_id=file_id
        )
    except (FileMissing, FileBroken):
        return refused("unavailable", "有证明材料的文件缺失或损坏，没有生成档案包。请联系运维人员。")


async def _pdf(work: RegistryWork, archive: Archive, made_for: MadeFor, file_id: str) -> FileRef | Refused:
    view = archive.view
    when = f"{work.now:%Y-%m-%d %H:%M}"
    order = ArchiveOrder(
        view=view,
        mark=f"{made_for.name} {made_for.account} {when}",
        foot=f"由{made_for.name}（{made_for.account}，{made_for.organisation}）于{when}取得；谁使用、谁负责，不得外泄。",
        timestamp=int(work.now.timestamp()),
    )
    try:
        async with child("pdf", "registry.archive.jobs") as printer:
            await printer.send(frames.encode(order))
            printer.close()
            pdf = await printer.answer()
    except ChildDied:
        return refused("unavailable", "打印没有成功，请稍后重试；多次失败请联系运维人员。")
    name = f"学籍档案-{view.student.name}-{view.as_of.isoformat()}.pdf"
    return await work.deps.files.put(name, MEDIA_TYPE, pdf, LARGEST_PDF, file_id=file_id)
