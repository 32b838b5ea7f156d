"""A registry with pupils, its export worker, and somebody who answers in identity's place."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
from registry.app import SERVICE
from registry.context import Registry
from registry.exports import store, worker
from registry.exports.watermark import mark_key
from registry.organisations.store import put_versions
from registry.registration.intake import form_context
from regulation.calendar import Calendar
from regulation.divisions import DIVISIONS
from service_kit import bus, commands, settings
from service_kit.bus import Unavailable
from service_kit.clock import FixedClock
from service_kit.codec import decode_reply
from service_kit.crypto import FieldCipher
from service_kit.database import Database
from service_kit.files import FileStore
from service_kit.ids import new_id
from service_kit.service import Kit
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.exports import ExportApproved, ExportFailed, ExportMade, ExportParty, ExportSelection, Recipient
from shared_contracts.identity import ExportedNumbers, RevealedForExport, RevealForExport
from shared_contracts.messages import subject
from shared_contracts.organisations import OrganisationView

NOW = datetime.fromisoformat("2026-11-24T10:00:00+08:00")
CITY, COUNTY, OTHER_COUNTY = "230100", "230102", "230103"
SCHOOL, SECOND, OTHER_SCHOOL = "2123010001", "2123010002", "2123010003"
NAMES = {SCHOOL: "第一小学", SECOND: "第二小学", OTHER_SCHOOL: "第三小学"}


def actor(organisation: str, *roles: Role, account: str = "r1") -> Actor:
    return Actor(account=account, name="赵学籍", organisation=organisation, roles=roles)


REGISTRAR = actor(SCHOOL, Role.REGISTRAR)
OFFICER = actor(COUNTY, Role.AUTHORITY_OFFICER, account="o1")


def number_of(person_id: str) -> str:
    """A document number of eighteen digits, the same for the same person."""
    return f"2301{int(hashlib.sha256(person_id.encode()).hexdigest(), 16) % 10**14:014d}"


class Identity:
    """Gives numbers; keeps what it was asked. `refusal`: what it answers instead; `away`: so many questions are lost."""

    def __init__(self) -> None:
        self.asked: list[RevealForExport] = []
        self.refusal: Refused | None = None
        self.away = 0

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        assert isinstance(message, RevealForExport), message
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        self.asked.append(message)
        if self.refusal is not None:
            return self.refusal
        return RevealedForExport(
            persons=tuple(
                ExportedNumbers(person_id=p, document_number=number_of(p), student_number="G" + number_of(p))
                for p in message.person_ids
            )
        )


class MovingClock(FixedClock):
    def move(self, **by: float) -> None:
        self._moment += timedelta(**by)


_INSERT = """
WITH pupils AS (
    SELECT i, (i - 1) / $5::int + 1 AS class_no, md5($1::text || '-' || i) AS id FROM generate_series(1, $2::int) i
), made AS (
    INSERT INTO classes (id, school, stage, cohort, class_no, grade, system)
    SELECT DISTINCT 'k-' || $1::text || '-' || class_no, $1::text, 'primary', 2026, class_no, $3::int, '6-3' FROM pupils
    ON CONFLICT DO NOTHING
), members AS (
    INSERT INTO class_memberships (student_id, joined_on, class_id)
    SELECT id, '2026-09-01', 'k-' || $1::text || '-' || class_no FROM pupils
)
INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document, student_number,
                      number_kind, verification, stage, cohort, placement, state, registered_at)
SELECT id, 'p-' || id, $1::text, $4::text || '生' || i, (1 + i % 2)::text, '2019-09-01'::date + i % 360, '1',
       '2301**********' || lpad((i % 10000)::text, 4, '0'), 'G2301**********' || lpad((i % 10000)::text, 4, '0'), 'G',
       'matched', 'primary', 2026, 'ordinary', 'in_school', '2026-09-20T10:00:00+08:00'
FROM pupils
"""


@dataclass(repr=False)
class ExportsWorld:
    env: dict[str, str]
    kit: Kit
    deps: Registry
    clock: MovingClock
    identity: Identity
    _serial: Any = field(default_factory=lambda: itertools.count(1))

    @classmethod
    def open(cls, env: dict[str, str], identity: Identity | None = None) -> ExportsWorld:
        loaded, clock, there = settings.load(env), MovingClock(NOW), identity or Identity()
        small = msgspec.structs.replace(loaded, database_pool=2)
        database = Database.from_settings(loaded, clock, "registry")
        values = {
            "bus": there,
            "cipher": FieldCipher.from_settings(loaded),
            "files": FileStore.from_settings(loaded),
            "calendar": Calendar(),
            "outside": Database.from_settings(small, clock, "registry-outside"),
            "wake_rosters": lambda: None,
        }
        deps = Registry(**{name: values[name] for name in Registry.__dataclass_fields__ if name in values})
        return cls(env, Kit("registry", loaded, database, there, clock), deps, clock, there)  # type: ignore[arg-type]

    @property
    def mark_key(self) -> bytes:
        return mark_key(self.env["XUEJI_FILES_KEY"])

    async def prepare(self) -> None:
        views = [
            OrganisationView(
                code=code,
                name=DIVISIONS[code].name + "教育局",
                kind=DIVISIONS[code].level,
                parent=DIVISIONS[code].parent,
                authority=DIVISIONS[code].parent,
                division=code,
            )
            for code in ("230000", CITY, COUNTY, OTHER_COUNTY)
        ]
        for code, authority in ((SCHOOL, COUNTY), (SECOND, COUNTY), (OTHER_SCHOOL, OTHER_COUNTY)):
            views.append(
                OrganisationView(
                    code=code,
                    name=NAMES[code],
                    kind="school",
                    parent=authority,
                    authority=authority,
                    division=authority,
                    school_type="211",
                    stages=("primary",),
                    system="6-3",
                    ownership="public",
                    locality="urban",
                )
            )
        async with self.kit.db.transaction() as tx:
            await put_versions(tx, views, date(2020, 1, 1))

    async def pupils(self, count: int, school: str = SCHOOL, grade: int = 1, name: str = "", a_class: int = 45) -> None:
        """So many pupils of one school, in classes of 45."""
        await self.rows(_INSERT, school, count, grade, name, a_class)

    async def profiles(self, form: dict[str, str]) -> None:
        """The same form for every pupil, sealed as the registration leaves it."""
        for row in await self.rows("SELECT id FROM students"):
            sealed = self.deps.cipher.seal_bytes(msgspec.json.encode(form), form_context(row["id"]))
            await self.rows("INSERT INTO profiles (id, form) VALUES ($1, $2)", row["id"], sealed)

    def approved(self, who: Actor = REGISTRAR, **changes: Any) -> ExportApproved:
        leader = ExportParty(account="l1", name="孙局长", organisation=COUNTY, organisation_name="道里区教育局")
        requester = ExportParty(
            account=who.account,
            name=who.name,
            organisation=who.organisation,
            organisation_name=NAMES.get(who.organisation, who.organisation),
            roles=tuple(role.value for role in who.roles),
        )
        values: dict[str, Any] = {
            "export_id": new_id(),
            "number": f"DC-2026-{next(self._serial):06d}",
            "authority": COUNTY,
            "requester": requester,
            "approver": leader,
            "fields": ("school_name", "grade", "class_no", "name", "sex", "document_number", "student_number"),
            "selection": ExportSelection(organisation=SCHOOL),
            "recipient": Recipient(kind="outside", name="市招生考试院"),
            "purpose": "核对升学名册",
            "row_cap": 1_000,
            "approved_at": self.clock.now(),
            "expires_at": NOW + timedelta(days=5, hours=14),
        } | changes
        return ExportApproved(**values)

    async def tell(self, event: Any) -> None:
        async with self.kit.db.unit(self.deps) as work:
            await SERVICE.events[type(event)](work, event)

    async def ask(self, query: Any) -> Any:
        from kit_recorder import Notebook

        handler = SERVICE.queries[type(query)]
        reply = await commands.ask(self.kit.db, self.clock, self.deps, handler, query, Notebook("registry"))
        return decode_reply(bus.REPLIES[type(query)], reply)

    async def export(self, who: Actor = REGISTRAR, **changes: Any) -> ExportApproved:
        event = self.approved(who, **changes)
        await self.tell(event)
        return event

    @asynccontextmanager
    async def working(self) -> Any:
        """The worker runs inside the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(self.kit, self.deps, stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 90)

    async def ended(self, *export_ids: str, seconds: float = 120) -> None:
        async with self.working(), asyncio.timeout(seconds):
            for export_id in export_ids:
                while (await self.stored(export_id)).state not in ("made", "failed"):
                    await asyncio.sleep(0.03)

    async def stored(self, export_id: str) -> Any:
        async with self.kit.db.transaction() as tx:
            return await store.get(tx, export_id)

    async def said(self, export_id: str) -> list[ExportMade | ExportFailed]:
        """What other services hear of an export."""
        found: list[Any] = []
        for kind in (ExportMade, ExportFailed):
            rows = await self.rows(
                "SELECT payload FROM outbox WHERE subject = $1 AND key = $2", subject(kind), export_id
            )
            found += [msgspec.json.decode(row["payload"], type=kind) for row in rows]
        return found

    async def file(self, event: ExportApproved, folder: Path) -> Path:
        """The finished workbook as whoever fetched it has it."""
        (made,) = await self.said(event.export_id)
        assert isinstance(made, ExportMade), made
        content = await self.deps.files.read(made.file.id)
        assert hashlib.sha256(content).hexdigest() == made.file.sha256
        path = folder / f"{event.number}.xlsx"
        path.write_bytes(content)
        return path

    def kept(self) -> list[str]:
        """Ids of all whole files in the store."""
        folder = Path(self.env["XUEJI_FILES_DIR"])
        return sorted(p.name for p in folder.glob("*/*") if p.is_file() and not p.name.endswith(".part"))

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.env["XUEJI_DATABASE_URL"])
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def shut(self) -> None:
        await self.kit.db.close()
        await self.deps.outside.close()


def column(table: Sequence[Sequence[Any]], title: str) -> list[Any]:
    """The cells below a title, whatever is invisible in it."""
    from registry.exports.watermark import plain

    for at, row in enumerate(table):
        titles = [plain(str(cell)) for cell in row]
        if title in titles:
            return [line[titles.index(title)] for line in table[at + 1 :]]
    raise LookupError(title)
