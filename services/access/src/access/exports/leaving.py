"""The file: told of by the registry, fetched once, gone afterwards."""

from __future__ import annotations

import logging

from regulation.authorisation import act
from regulation.mark import clause
from service_kit.clock import ZONE
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import DownloadExport, ExportFailed, ExportFile, ExportMade, ExportState
from shared_contracts.messages import word

from access.context import AccessWork
from access.exports import policy, store
from access.exports.requests import own
from access.exports.telling import tell

log = logging.getLogger(__name__)


@clause("45.2")
async def download_export(work: AccessWork, command: DownloadExport) -> ExportFile | Refused:
    """Once. The same command again gets the same answer from the kit, for as long as the file is there."""
    export = await own(work, command.actor, command.export_id, word(command))
    if isinstance(export, Refused):
        return export
    if export.state is ExportState.DOWNLOADED and export.downloaded_at is not None:
        moment = export.downloaded_at.astimezone(ZONE)
        detail = f"文件已于{moment:%Y-%m-%d %H:%M}下载。每个导出文件只能下载一次；仍需要的，请重新申请并取得书面核准。"
        return refused("conflict", detail)
    if export.state is ExportState.EXPIRED:
        return refused("conflict", "申请的有效期已过，文件已删除。仍需要的，请重新申请并取得书面核准。")
    if export.state not in act(word(command)).states or export.file is None:
        return refused("conflict", f"文件现在不能下载，当前状态：{policy.STATE_TITLES[export.state]}。")
    until = min(work.now + policy.AGAIN, export.expires_at)
    await store.change(work.tx, export.id, downloaded_at=work.now, available_until=until)
    return ExportFile(number=export.number, file=export.file, available_until=until)


async def export_made(work: AccessWork, event: ExportMade) -> None:
    """One file an export. One that comes after the export has expired is swept."""
    export = await store.lock(work.tx, event.export_id, work.now)
    if export is None or export.file is not None or export.problem is not None:
        log.warning("a file of export %s is not expected", event.export_id)
        return
    await store.change(work.tx, export.id, file=event.file, rows=event.rows, made_at=event.made_at)
    tell(work, export, "ready")


async def export_failed(work: AccessWork, event: ExportFailed) -> None:
    export = await store.lock(work.tx, event.export_id, work.now)
    if export is None or export.file is not None or export.problem is not None:
        log.warning("a failure of export %s is not expected", event.export_id)
        return
    await store.change(work.tx, export.id, problem=event.message)
    tell(work, export, "failed", event.message)
