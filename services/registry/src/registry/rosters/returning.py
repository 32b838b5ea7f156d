"""The workbook of refused rows, made in the child from the upload and kept for download."""

from __future__ import annotations

from service_kit.ids import derived
from shared_contracts.registry import RosterFile

from registry.desk import Desk
from registry.rosters import frames, store
from registry.rosters.child import child
from registry.rosters.frames import ReturnOrder
from registry.rosters.store import Roster
from registry.rosters.template import MEDIA_TYPE

MOST = 256 * 1024**2


async def refused_rows(desk: Desk, roster: Roster) -> tuple[RosterFile, ...]:
    """The roster's files with the workbook of its refused rows, as they stand. Made again, it replaces the former one."""
    kept = tuple(file for file in roster.files if file.kind != "refused_rows")
    if not roster.refused:
        return kept
    async with desk.db.transaction() as tx:
        found = await store.refused_findings(tx, roster.id)
    content = await desk.deps.files.read(roster.file.id)
    async with child("returned") as process:
        await process.send(frames.encode(ReturnOrder(findings=found)))
        await process.send(content)
        process.close()
        workbook = await process.answer()
    name = f"退回-{roster.file_name.removesuffix('.xlsx')}.xlsx"
    file = await desk.deps.files.put(name, MEDIA_TYPE, workbook, MOST, file_id=derived("returned", roster.id))
    return (*kept, RosterFile(kind="refused_rows", name=name, file=file, label=f"退回{roster.refused}行"))
