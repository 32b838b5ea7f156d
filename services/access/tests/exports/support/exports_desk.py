"""A desk in front of exports: access' real database and file store; a registry that counts as it is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg
import msgspec
from access.app import SERVICE
from access.context import Access, assemble
from access.exports import sweeping
from access.settings import AccessSettings
from kit_recorder import Notebook
from service_kit import bus, commands, organisations, settings
from service_kit.bus import Unavailable
from service_kit.clock import FixedClock
from service_kit.codec import decode_reply
from service_kit.database import Database
from service_kit.ids import new_id
from service_kit.service import Kit
from shared_contracts.actors import Actor, Role
from shared_contracts.exports import (
    AttachApproval,
    CountExportRows,
    DecideExport,
    DownloadExport,
    ExportApproved,
    ExportMade,
    ExportRequest,
    ExportRows,
    ExportSelection,
    ExportStands,
    ExportView,
    GetExport,
    Recipient,
    RequestExport,
)
from shared_contracts.files import FileRef
from shared_contracts.messages import subject
from shared_contracts.organisations import OrganisationChanged

NOW = datetime.fromisoformat("2026-11-24T10:00:00+08:00")
PROVINCE, CITY, COUNTY, OTHER_COUNTY = "230000", "230100", "230102", "230103"
SCHOOL, OTHER_SCHOOL = "2123010001", "2123010002"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def actor(account: str, organisation: str, *roles: Role) -> Actor:
    return Actor(account=account, name=f"{account}甲", organisation=organisation, roles=roles)


REGISTRAR = actor("registrar", SCHOOL, Role.REGISTRAR)
PRINCIPAL = actor("principal", SCHOOL, Role.PRINCIPAL)
TEACHER = actor("teacher", SCHOOL, Role.CLASS_TEACHER)
OTHER_REGISTRAR = actor("registrar2", OTHER_SCHOOL, Role.REGISTRAR)
OFFICER = actor("officer", COUNTY, Role.AUTHORITY_OFFICER)
LEADER = actor("leader", COUNTY, Role.LEADER)
CITY_LEADER = actor("city_leader", CITY, Role.LEADER)
OTHER_LEADER = actor("leader2", OTHER_COUNTY, Role.LEADER)
BOTH = actor("both", COUNTY, Role.AUTHORITY_OFFICER, Role.LEADER)
AUDITOR = actor("auditor", COUNTY, Role.AUDITOR)


def request(**changes: Any) -> ExportRequest:
    values: dict[str, Any] = {
        "fields": ("name", "school_name", "student_number"),
        "selection": ExportSelection(organisation=SCHOOL),
        "recipient": Recipient(kind="outside", name="哈尔滨市招生考试院"),
        "purpose": "核对升学名册",
        "expires_on": date(2026, 11, 30),
    } | changes
    return ExportRequest(**values)


class MovingClock(FixedClock):
    def move(self, **by: float) -> None:
        self._moment += timedelta(**by)


class Registry:
    """Answers what access asks of the registry. `rows`: how many pupils every selection has; None: it is away."""

    def __init__(self) -> None:
        self.rows: int | None = 120
        self.asked: list[CountExportRows] = []

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        assert isinstance(message, CountExportRows)
        self.asked.append(message)
        if self.rows is None:
            raise Unavailable("away")
        return ExportRows(rows=self.rows)


@dataclass(repr=False)
class ExportsDesk:
    kit: Kit
    deps: Access
    clock: MovingClock
    registry: Registry
    env: dict[str, str]
    notebook: Notebook = field(default_factory=lambda: Notebook("access"))

    async def send(self, command: Any) -> Any:
        handler = SERVICE.commands[type(command)]
        reply = await commands.once(self.kit.db, self.clock, self.deps, handler, command, self.notebook)
        return decode_reply(bus.REPLIES[type(command)], reply)

    async def ask(self, query: Any) -> Any:
        handler = SERVICE.queries[type(query)]
        reply = await commands.ask(self.kit.db, self.clock, self.deps, handler, query, self.notebook)
        return decode_reply(bus.REPLIES[type(query)], reply)

    async def tell(self, event: Any) -> None:
        async with self.kit.db.unit(self.deps) as work:
            await SERVICE.events[type(event)](work, event)

    # ---- what people do ------------------------------------------------------------------------------------------

    async def request(self, who: Actor = REGISTRAR, **changes: Any) -> Any:
        command = RequestExport(command_id=new_id(), actor=who, export_id=new_id(), request=request(**changes))
        return await self.send(command)

    async def attach(self, export_id: str, who: Actor = LEADER, content: bytes = PDF, name: str = "核准.pdf") -> Any:
        file = await self.deps.files.put(name, "application/octet-stream", content, 20_000_000)
        return await self.send(AttachApproval(command_id=new_id(), actor=who, export_id=export_id, document=file))

    async def decide(self, export_id: str, who: Actor = LEADER, decision: str = "approve", **more: Any) -> Any:
        values = {"command_id": new_id(), "actor": who, "export_id": export_id, "decision": decision} | more
        return await self.send(DecideExport(**values))

    async def approved(self, who: Actor = REGISTRAR, **changes: Any) -> ExportView:
        view = await self.request(who, **changes)
        await self.attach(view.id)
        done = await self.decide(view.id)
        assert isinstance(done, ExportView), done
        return done

    async def made(self, export_id: str, rows: int = 120) -> FileRef:
        """What the registry says once the file is whole; the file is there."""
        file = await self.deps.files.put("x.xlsx", "application/x", b"workbook", 100, file_id=new_id())
        await self.tell(ExportMade(export_id=export_id, file=file, rows=rows, made_at=self.clock.now()))
        return file

    async def ready(self, **changes: Any) -> tuple[ExportView, FileRef]:
        view = await self.approved(**changes)
        file = await self.made(view.id)
        return await self.view(view.id), file

    async def download(self, export_id: str, who: Actor = REGISTRAR, command_id: str = "") -> Any:
        command_id = command_id or new_id()
        return await self.send(DownloadExport(command_id=command_id, actor=who, export_id=export_id))

    async def view(self, export_id: str, who: Actor = REGISTRAR) -> Any:
        return await self.ask(GetExport(actor=who, export_id=export_id))

    async def sweep(self) -> int:
        return await sweeping.sweep(self.kit, self.deps)

    # ---- behind it ------------------------------------------------------------------------------------------------

    async def events(self) -> list[ExportApproved]:
        rows = await self.rows("SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq", subject(ExportApproved))
        return [msgspec.json.decode(row["payload"], type=ExportApproved) for row in rows]

    async def told(self) -> list[ExportStands]:
        rows = await self.rows("SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq", subject(ExportStands))
        return [msgspec.json.decode(row["payload"], type=ExportStands) for row in rows]

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.env["XUEJI_DATABASE_URL"])
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def organisations(self) -> None:
        rows = [
            (PROVINCE, "黑龙江省教育厅", "province", None),
            (CITY, "哈尔滨市教育局", "city", PROVINCE),
            (COUNTY, "道里区教育局", "county", CITY),
            (OTHER_COUNTY, "南岗区教育局", "county", CITY),
            (SCHOOL, "第一小学", "school", COUNTY),
            (OTHER_SCHOOL, "第二小学", "school", OTHER_COUNTY),
        ]
        changed = [
            OrganisationChanged(
                code=code,
                name=name,
                kind=kind,  # type: ignore[arg-type]
                parent=above,
                authority=above,
                division=code if len(code) == 6 else (above or PROVINCE),
                valid_from=self.clock.today(),
                closed=False,
                version=1,
            )
            for code, name, kind, above in rows
        ]
        async with self.kit.db.transaction() as tx:
            await organisations.put(tx, changed)

    async def shut(self) -> None:
        await self.deps.outside.close()
        await self.kit.db.close()


def make_desk(env: dict[str, str]) -> ExportsDesk:
    loaded = settings.load(env)
    clock, registry = MovingClock(NOW), Registry()
    database = Database.from_settings(loaded, clock, "access")
    kit = Kit("access", loaded, database, registry, clock)  # type: ignore[arg-type]
    return ExportsDesk(kit, assemble(kit, settings.read(AccessSettings, env)), clock, registry, env)
