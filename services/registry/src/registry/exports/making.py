"""Making the file of an approved export: rows out of a cursor, full numbers from identity, a child that writes them.

Nothing grows with the rows: a chunk is gathered, filled, sent, and forgotten. The file appears in the store when it is
whole, under an id of this attempt alone.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import msgspec
from regulation import authorisation
from regulation.mark import clause
from service_kit.clock import ZONE
from service_kit.crypto import FieldCipher
from service_kit.database import driver
from service_kit.ids import derived, new_id
from service_kit.settings import Settings
from shared_contracts.actors import Actor, Role, system
from shared_contracts.decisions import Refused
from shared_contracts.exports import ExportApproved, ExportField
from shared_contracts.files import FileRef
from shared_contracts.identity import ExportedNumbers, RevealForExport

from registry.desk import Desk
from registry.exports import columns, reading, watermark
from registry.exports.sheet import Column, Row, Rows, SheetOrder
from registry.exports.store import Export
from registry.registration.intake import form_context
from registry.rosters.child import Child, child
from registry.rosters.frames import encode

CHUNK = 1_000
MOST_BYTES = 1024**3
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ACT = "access.request_export"
"""The act by whose reach the rows are bound once more, when they are gathered."""


_form = msgspec.json.Decoder(dict[str, str])

Numbers = dict[str, ExportedNumbers]
"""Full numbers by person."""


class CannotMake(Exception):
    """There will be no file. `message`: Chinese, with the cure."""

    def __init__(self, code: Literal["too_many_rows", "expired", "no_rows", "refused"], message: str) -> None:
        super().__init__(code)
        self.code: Literal["too_many_rows", "expired", "no_rows", "refused"] = code
        self.message = message


@dataclass(slots=True)
class Meter:
    """How far the file is."""

    done: int = 0
    total: int = 0


def file_id(export_id: str, attempt: int) -> str:
    """Of the file that an attempt makes: two that make one export at once do not meet."""
    return derived("export-file", export_id, attempt)


async def make(desk: Desk, settings: Settings, export: Export, meter: Meter) -> FileRef:
    """The whole file. Raises CannotMake, LostLease, Stopping, ChildDied, BusError."""
    approved = export.approved
    if desk.clock.now() >= approved.expires_at:
        raise CannotMake("expired", "导出申请已过有效期，没有生成文件。仍需要的，请重新申请。")
    folder = Path(settings.files_dir or tempfile.gettempdir()) / "making"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # what the writer keeps there has no name and goes with it
    async with child("export", "registry.exports.job", TMPDIR=str(folder)) as writer:
        await _send(desk, export, writer, watermark.mark_key(settings.files_key), meter)
        return await desk.deps.files.put(
            f"{approved.number}.xlsx", XLSX, _pieces(writer), MOST_BYTES, file_id=file_id(export.id, export.attempts)
        )


async def _send(desk: Desk, export: Export, writer: Child, mark_key: bytes, meter: Meter) -> None:
    """Order, rows and the end of rows, as they are at one moment."""
    approved = export.approved
    fields = columns.chosen(approved.fields)
    reach = authorisation.reach(_requester(approved), ACT)
    if isinstance(reach, Refused):
        raise CannotMake("refused", "申请人已无权导出，没有生成文件。请由有权限的账号重新申请。")
    where = columns.of_selection(approved.selection, reach)
    async with desk.db.transaction() as tx:
        await (await driver(tx)).execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        meter.total = (await tx.execute(columns.counting(where))).scalar_one()
        if refusal := too_many(meter.total, approved.row_cap):
            raise refusal
        await writer.send(encode(order_of(approved, fields, meter.total, mark_key, desk.clock.now())))
        found = await tx.stream(columns.gathering(fields, where), execution_options={"yield_per": CHUNK})
        await _chunks(desk, export, fields, found, writer, meter)
    await writer.send(encode(Rows(rows=())))
    writer.close()


async def _chunks(
    desk: Desk, export: Export, fields: Sequence[ExportField], found: Any, writer: Child, meter: Meter
) -> None:
    """Chunk after chunk; while one is written, identity opens the numbers of the next."""
    ahead: tuple[Sequence[Any], asyncio.Task[Numbers]] | None = None
    try:
        async for part in found.mappings().partitions(CHUNK):
            desk.go_on()
            behind, ahead = ahead, (part, asyncio.create_task(_full_numbers(desk, export, fields, part)))
            if behind is not None:
                await _write(desk, fields, behind, writer, meter)
        if ahead is not None:
            await _write(desk, fields, ahead, writer, meter)
    finally:
        if ahead is not None:
            ahead[1].cancel()
            await asyncio.gather(ahead[1], return_exceptions=True)


async def _write(
    desk: Desk,
    fields: Sequence[ExportField],
    chunk: tuple[Sequence[Any], asyncio.Task[Numbers]],
    writer: Child,
    meter: Meter,
) -> None:
    part, asked = chunk
    full = await asked
    await writer.send(encode(Rows(rows=tuple(_row(desk.deps.cipher, fields, row, full) for row in part))))
    meter.done += len(part)


@clause("45.2")
def too_many(total: int, cap: int) -> CannotMake | None:
    """Why no file is made of so many pupils, None where it may be."""
    if total == 0:
        return CannotMake("no_rows", "所选范围内现在没有学生，没有生成文件。请核对范围后重新申请。")
    if total > cap:
        message = f"所选范围现有{total}名学生，超过一次导出的上限{cap}名，没有生成文件。请缩小范围，分次申请。"
        return CannotMake("too_many_rows", message)
    return None


def _requester(approved: ExportApproved) -> Actor:
    party = approved.requester
    roles = tuple(Role(role) for role in party.roles)
    return Actor(account=party.account, name=party.name, organisation=party.organisation, roles=roles)


async def _full_numbers(desk: Desk, export: Export, fields: Sequence[ExportField], part: Sequence[Any]) -> Numbers:
    if not any(field.origin == "identity" for field in fields):
        return {}
    command = RevealForExport(
        command_id=new_id(),
        actor=system("registry"),
        export_id=export.id,
        person_ids=tuple(row["person_id"] for row in part),
    )
    reply = await desk.ask(command)
    if isinstance(reply, Refused):
        raise CannotMake("refused", f"完整号码未能取得，没有生成文件：{reply.detail}")
    return {person.person_id: person for person in reply.persons}


def _row(cipher: FieldCipher, fields: Sequence[ExportField], row: Any, full: Numbers) -> Row:
    form: dict[str, str] = {}
    if columns.of_the_form(fields) and row["of_form"] is not None:
        form = _form.decode(cipher.open_bytes(row["of_form"], form_context(row["id"])))
    values = []
    for field in fields:
        match field.origin:
            case "identity":
                values.append(getattr(full.get(row["person_id"]), field.key, None) or "")
            case "form":
                values.append(columns.item(field.key, form))
            case _:
                values.append(columns.cell(field.key, row[f"f_{field.key}"]))
    return Row(group=f"{row['of_school']}-{row['of_grade']}-{row['of_class']}", values=tuple(values))


@clause("45.2")
def order_of(
    approved: ExportApproved, fields: Sequence[ExportField], total: int, mark_key: bytes, now: datetime
) -> SheetOrder:
    """What stands on the workbook: who, when, for whom, what for, until when."""
    by, leader = approved.requester, approved.approver
    to, until = approved.recipient.name, (approved.expires_at - timedelta(seconds=1)).astimezone(ZONE).date()
    properties = {
        reading.NUMBER: approved.number,
        "申请单位": by.organisation_name,
        "申请人": by.name,
        "申请账号": by.account,
        "核准单位": leader.organisation_name,
        "核准人": leader.name,
        "核准时间": _moment(approved.approved_at),
        "接收方": to,
        "用途": approved.purpose,
        "有效期至": until.isoformat(),
        "生成时间": _moment(now),
        "人数": str(total),
    }
    banner = (
        f"导出编号 {approved.number}　仅限{to}用于“{approved.purpose}”，不得转发或另作他用",
        f"申请：{by.organisation_name} {by.name}（{by.account}）　"
        f"核准：{leader.organisation_name} {leader.name}，{_moment(approved.approved_at)}",
        f"生成：{_moment(now)}　共{total}人　有效期至{until.isoformat()}　"
        "未经主管教育行政部门书面核准，不得对外提供学籍信息；谁使用谁负责（细则第四十五条）",
    )
    return SheetOrder(
        number=approved.number,
        columns=tuple(Column(key=field.key, title=field.title, tells=field.tells) for field in fields),
        banner=banner,
        footer=f"{approved.number} {by.organisation_name} {by.name} {_moment(now)}",
        properties=properties | {reading.SEAL: watermark.seal(mark_key, properties)},
        creator=f"{by.organisation_name} {by.name}",
        mark_key=mark_key,
    )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


async def _pieces(writer: Child) -> AsyncIterator[bytes]:
    while (piece := await writer.receive()) is not None:
        yield piece
