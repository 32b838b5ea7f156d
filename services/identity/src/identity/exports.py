"""Full numbers for the files of approved exports (clause 45.2), and for those alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from regulation import authorisation
from regulation.findings import refuse
from regulation.mark import clause
from service_kit.database import driver
from service_kit.work import CommandHandler, EventHandler
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.exports import FULL_NUMBERS, ExportApproved
from shared_contracts.identity import ExportedNumbers, RevealedForExport, RevealForExport
from shared_contracts.messages import Command, Event, word
from sqlalchemy.ext.asyncio import AsyncConnection

from identity import store
from identity.context import IdentityWork

CHUNK: Final = 1_000
"""Persons of one command at most."""
TIMES: Final = 5
"""A file may be begun anew after a fault: so many times its rows may be shown, and no more."""


class Approved(msgspec.Struct, frozen=True, kw_only=True):
    """What `access.export_approved` said, and how many persons have been shown for it."""

    export_id: str
    number: str
    fields: tuple[str, ...]
    purpose: str
    account: str
    organisation: str
    roles: tuple[str, ...]
    row_cap: int
    expires_at: datetime
    shown: int

    @property
    def requester(self) -> Actor:
        roles = tuple(Role(role) for role in self.roles)
        return Actor(account=self.account, name="", organisation=self.organisation, roles=roles)


@clause("45.2")
def against(approved: Approved, asked: int, now: datetime) -> Refused | None:
    """Why this export gets no full number of so many more persons; None where it does."""
    if now >= approved.expires_at:
        return _no("expired", "导出申请已过有效期", "仍需要的，请重新申请并取得书面核准")
    if not FULL_NUMBERS.intersection(approved.fields):
        return _no("not_named", "核准的字段中没有完整号码", "需要完整号码的，请在申请中列明并取得书面核准")
    if approved.shown + asked > approved.row_cap * TIMES:
        return _no("too_many", "取用的人数超过了核准的范围", "请核对导出范围，重新申请")
    return None


def _no(code: str, message: str, cure: str) -> Refused:
    return refused("refused", f"{message}。{cure}。", refuse("45.2", f"export.{code}", message, cure=cure))


async def reveal_for_export(work: IdentityWork, command: RevealForExport) -> RevealedForExport | Refused:
    """By a service acting by itself; recorded as shown to whoever asked for the export."""
    if no := authorisation.check(command.actor, word(command)):
        return no
    wanted = list(dict.fromkeys(command.person_ids))
    if not 0 < len(wanted) <= CHUNK:
        return refused("too_large" if wanted else "invalid", f"一次须为 1 至 {CHUNK} 人。")
    approved = await _lock(work.tx, command.export_id)
    if approved is None:  # the approval may be on its way: whoever asks comes again
        return refused("unavailable", "尚未收到该导出申请的核准，请稍后重试。")
    if no := against(approved, len(wanted), work.now):
        return no
    found = await store.sealed_persons(work.tx, wanted)
    purpose = f"导出 {approved.number}：{approved.purpose}"
    await store.record_reveal(work.tx, approved.requester, purpose, wanted, work.now)
    await _count(work.tx, command.export_id, len(wanted))
    vault, fields = work.deps.vault, approved.fields
    return RevealedForExport(
        persons=tuple(
            ExportedNumbers(
                person_id=record["id"],
                document_number=vault.open_document(record["id"], record["document"])
                if "document_number" in fields
                else None,
                student_number=vault.open_number(record["id"], record["number"])
                if "student_number" in fields and record["number"]
                else None,
            )
            for record in found
        )
    )


async def export_approved(work: IdentityWork, event: ExportApproved) -> None:
    """Told twice, the first stays."""
    by = event.requester
    await (await driver(work.tx)).execute(
        """
        INSERT INTO approved_exports (export_id, number, fields, purpose, account, organisation, roles, row_cap,
                                      approved_at, expires_at)
        VALUES ($1, $2, $3::text[], $4, $5, $6, $7::text[], $8, $9, $10) ON CONFLICT (export_id) DO NOTHING
        """,
        event.export_id,
        event.number,
        list(event.fields),
        event.purpose,
        by.account,
        by.organisation,
        list(by.roles),
        event.row_cap,
        event.approved_at,
        event.expires_at,
    )


_NAMES: Sequence[str] = Approved.__struct_fields__


async def _lock(tx: AsyncConnection, export_id: str) -> Approved | None:
    row = await (await driver(tx)).fetchrow(
        f"SELECT {', '.join(_NAMES)} FROM approved_exports WHERE export_id = $1 FOR UPDATE",  # noqa: S608 - our names
        export_id,
    )
    return None if row is None else msgspec.convert(dict(row), Approved)


async def _count(tx: AsyncConnection, export_id: str, persons: int) -> None:
    await (await driver(tx)).execute(
        "UPDATE approved_exports SET shown = shown + $2 WHERE export_id = $1", export_id, persons
    )


COMMANDS: dict[type[Command], CommandHandler] = {RevealForExport: reveal_for_export}
EVENTS: dict[type[Event], EventHandler] = {ExportApproved: export_approved}
