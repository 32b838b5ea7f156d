"""A desk in front of the audit log: its real database, a clock that is moved, and entries as services send them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
from access.audit import closing, watching
from access.audit.chain import Signer
from access.audit.handlers import COMMANDS, EVENTS, QUERIES
from access.context import Access, assemble
from access.settings import AccessSettings
from kit_recorder import Notebook
from service_kit import commands, organisations, settings
from service_kit.clock import FixedClock
from service_kit.codec import decode_reply
from service_kit.database import Database
from service_kit.ids import new_id
from service_kit.service import Kit
from shared_contracts import audit as contract
from shared_contracts.actors import Actor, Role
from shared_contracts.audit import Audited
from shared_contracts.messages import subject
from shared_contracts.organisations import OrganisationChanged

NOW = datetime.fromisoformat("2026-11-24T10:00:00+08:00")  # a Tuesday
PROVINCE, CITY, COUNTY, OTHER_COUNTY, OTHER_CITY = "230000", "230100", "230102", "230103", "230200"
SCHOOL, OTHER_SCHOOL = "2123010001", "2123010002"


def auditor(organisation: str, account: str = "auditor") -> Actor:
    return Actor(account=account, name="审计员", organisation=organisation, roles=(Role.AUDITOR,))


class MovingClock(FixedClock):
    def move(self, by: timedelta) -> None:
        self._moment += by

    def to(self, text: str) -> None:
        self._moment = datetime.fromisoformat(text)


@dataclass(repr=False)
class Desk:
    kit: Kit
    deps: Access
    clock: MovingClock
    env: dict[str, str]
    admin_url: str
    notebook: Notebook = field(default_factory=lambda: Notebook("access"))

    @property
    def signer(self) -> Signer:
        return Signer(self.deps.settings.audit_seed())

    def entry(self, **changes: Any) -> Audited:
        """A registrar's look at one record, now."""
        values: dict[str, Any] = {
            "id": new_id(),
            "at": self.clock.now(),
            "service": "registry",
            "act": "registry.student",
            "account": "li.na",
            "name": "李娜",
            "organisation": SCHOOL,
            "roles": (Role.REGISTRAR,),
            "objects": ("student-1", "person-1"),
            "address": "10.0.0.7",
            "session": "s-1",
            "operation": "GET /v1/students/{student_id}",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        } | changes
        return Audited(**({"count": len(values["objects"])} | values))

    async def take(self, entries: Sequence[Audited]) -> None:
        """One batch, as the kit's EventTaker applies it."""
        async with self.kit.db.unit(self.deps) as work:
            for one in entries:
                await EVENTS[Audited](work, one)

    async def keep(self, count: int = 1, **changes: Any) -> list[Audited]:
        entries = [self.entry(**changes) for _ in range(count)]
        await self.take(entries)
        return entries

    async def close(self) -> int:
        return await closing.close_ended(self.kit, self.deps, self.signer)

    async def look(self) -> int:
        async with self.kit.db.unit(self.deps) as work:
            return await watching.look(work)

    async def send(self, command: Any) -> Any:
        reply = await commands.once(self.kit.db, self.clock, self.deps, COMMANDS[type(command)], command, self.notebook)
        return decode_reply(contract.REPLIES[type(command)], reply)

    async def ask(self, query: Any) -> Any:
        reply = await commands.ask(self.kit.db, self.clock, self.deps, QUERIES[type(query)], query, self.notebook)
        return decode_reply(contract.REPLIES[type(query)], reply)

    async def organisations(self) -> None:
        """Two schools, in a county and in its neighbour; three authorities."""
        rows = [
            (PROVINCE, "黑龙江省教育厅", "province", None, None),
            (CITY, "哈尔滨市教育局", "city", PROVINCE, PROVINCE),
            (COUNTY, "道里区教育局", "county", CITY, CITY),
            (OTHER_COUNTY, "南岗区教育局", "county", CITY, CITY),
            (SCHOOL, "第一小学", "school", COUNTY, COUNTY),
            (OTHER_SCHOOL, "第二小学", "school", OTHER_COUNTY, OTHER_COUNTY),
        ]
        made = []
        for code, name, kind, parent, authority in rows:
            values: dict[str, Any] = {
                "code": code, "name": name, "kind": kind, "parent": parent, "authority": authority,
                "division": code[:6] if len(code) == 6 else (authority or PROVINCE),
                "valid_from": self.clock.today(), "closed": False, "version": 1,
            }  # fmt: skip
            made.append(OrganisationChanged(**values))
        async with self.kit.db.transaction() as tx:
            await organisations.put(tx, made)

    async def rows(self, sql: str, *args: Any) -> list[asyncpg.Record]:
        connection = await asyncpg.connect(self.env["XUEJI_DATABASE_URL"])
        try:
            return await connection.fetch(sql, *args)
        finally:
            await connection.close()

    async def value(self, sql: str, *args: Any) -> Any:
        return (await self.rows(sql, *args))[0][0]

    async def events(self, kind: type[Any]) -> list[Any]:
        import msgspec

        rows = await self.rows("SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq", subject(kind))
        return [msgspec.json.decode(row["payload"], type=kind) for row in rows]

    @asynccontextmanager
    async def tampering(self) -> Any:
        """A connection of a superuser for whom no trigger fires."""
        connection = await asyncpg.connect(self.admin_url)
        try:
            await connection.execute("SET session_replication_role = replica")
            yield connection
        finally:
            await connection.close()

    async def shut(self) -> None:
        await self.deps.outside.close()
        await self.kit.db.close()


def make_desk(env: dict[str, str], server_url: str) -> Desk:
    loaded = settings.load(env)
    clock = MovingClock(NOW)
    kit = Kit("access", loaded, Database.from_settings(loaded, clock, "access"), None, clock)  # type: ignore[arg-type]
    deps = assemble(kit, settings.read(AccessSettings, env))
    database = urlsplit(env["XUEJI_DATABASE_URL"]).path
    return Desk(kit, deps, clock, env, urlunsplit(urlsplit(server_url)._replace(path=database)))
