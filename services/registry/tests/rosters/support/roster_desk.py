"""The roster handlers and the worker over a real database and a real bus; somebody who answers in identity's place."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import nats
import registry_pupils
from enrolment_rows import enrol
from kit_recorder import Notebook
from nats.aio.client import Client
from nats.aio.msg import Msg
from registry.context import Registry
from registry.organisations import store as organisations
from registry.organisations.facts import SchoolFacts
from registry.rosters import worker
from registry.rosters.handlers import COMMANDS, QUERIES
from regulation.documents import mask_document
from service_kit import commands, settings
from service_kit.bus import Bus
from service_kit.clock import FixedClock
from service_kit.codec import decode_reply, encode
from service_kit.crypto import FieldCipher
from service_kit.database import Database, fetch_all, fetch_one
from service_kit.ids import new_id
from service_kit.service import Kit
from shared_contracts import registry as contract
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused, refused
from shared_contracts.identity import (
    Claimed,
    ClaimedPersons,
    ClaimPersons,
    DropIntake,
    Holder,
    Likely,
    PersonEntry,
    RevealDocuments,
    Revealed,
    RevealedDocuments,
    Staged,
    StagedPersons,
    StagePersons,
)
from shared_contracts.messages import Command, Message, Ok, subject
from shared_contracts.registry import OrganisationView

NOW = datetime.fromisoformat("2026-09-10T09:00:00+08:00")
SCHOOL = registry_pupils.SCHOOL
OTHER = msgspec.structs.replace(SCHOOL, code="2123010002", name="哈尔滨市道里区另一小学")
REGISTRAR = Actor(account="r1", name="管理员甲", organisation=SCHOOL.code, roles=(Role.REGISTRAR,))
OTHER_REGISTRAR = Actor(account="r2", name="管理员乙", organisation=OTHER.code, roles=(Role.REGISTRAR,))
PRINCIPAL = Actor(account="p1", name="校长甲", organisation=SCHOOL.code, roles=(Role.PRINCIPAL,))
TEACHER = Actor(account="t1", name="班主任甲", organisation=SCHOOL.code, roles=(Role.CLASS_TEACHER,), classes=("1-01",))
OFFICER = Actor(account="o1", name="学籍主管甲", organisation="230102", roles=(Role.AUTHORITY_OFFICER,))
CITY_OFFICER = Actor(account="o2", name="学籍主管乙", organisation="230100", roles=(Role.AUTHORITY_OFFICER,))
OTHER_OFFICER = Actor(account="o3", name="学籍主管丙", organisation="230103", roles=(Role.AUTHORITY_OFFICER,))


class StandIn:
    """Identity's part of the conversation: the same command twice is one, the first claim of a document wins.

    Switches: `away` (nobody answers), `silent` (so many answers are lost, after the work was done), `refusal` (what
    every command is answered with), `likely` (per name), `slow` (seconds), `held` (answers wait until it is lifted).
    """

    def __init__(self, client: Client) -> None:
        self._client = client
        self._replies: dict[str, Message | Refused] = {}
        self.rooms: dict[str, dict[int, PersonEntry]] = {}
        self.holders: dict[tuple[str, str], Holder] = {}
        self.persons: dict[tuple[str, str], str] = {}  # known, and held by nobody
        self.entries: dict[str, PersonEntry] = {}
        self.commands: list[Command] = []
        self.dropped: list[str] = []
        self.away = False
        self.silent = 0
        self.refusal: Refused | None = None
        self.likely: dict[str, tuple[Likely, ...]] = {}
        self.slow = 0.0
        self.held = False
        self.on_claim: Callable[[], None] = lambda: None

    @classmethod
    async def start(cls, url: str, keys: Any) -> StandIn:
        client = await nats.connect(
            url, user="identity", password=keys.nats_users["identity"], inbox_prefix=b"_INBOX_identity"
        )
        stand_in = cls(client)
        for kind in (StagePersons, ClaimPersons, DropIntake, RevealDocuments):
            decoder = msgspec.json.Decoder(kind)
            await client.subscribe(subject(kind), cb=stand_in._receiver(decoder))
        await client.flush()
        return stand_in

    async def stop(self) -> None:
        await self._client.close()

    def _receiver(self, decoder: msgspec.json.Decoder[Any]) -> Any:
        async def receive(message: Msg) -> None:
            if self.away:
                return
            command = decoder.decode(message.data)
            self.commands.append(command)
            await asyncio.sleep(self.slow)
            while self.held:
                await asyncio.sleep(0.01)
            reply = self._once(command)
            if self.silent:
                self.silent -= 1
                return
            await message.respond(encode(reply))

        return receive

    def _once(self, command: Command) -> Message | Refused:
        if self.refusal is not None:
            return self.refusal
        if command.command_id not in self._replies:
            self._replies[command.command_id] = self._answer(command)
        return self._replies[command.command_id]

    def _answer(self, command: Command) -> Message | Refused:
        match command:
            case StagePersons():
                room = self.rooms.setdefault(command.intake_id, {})
                room.update({entry.row: entry for entry in command.rows})
                return StagedPersons(rows=tuple(self._staged(entry) for entry in command.rows))
            case ClaimPersons():
                self.on_claim()
                return self._claim(command)
            case DropIntake():
                self.rooms.pop(command.intake_id, None)
                self.dropped.append(command.intake_id)
                return Ok()
            case RevealDocuments():
                return RevealedDocuments(persons=tuple(self._reveal(person) for person in command.person_ids))
        raise AssertionError(command)

    def _staged(self, entry: PersonEntry) -> Staged:
        return Staged(
            row=entry.row,
            masked_document=mask_document(entry.document_kind, entry.document_number),
            person_id=self.persons.get(_document(entry))
            if (holder := self.holders.get(_document(entry))) is None
            else holder.person_id,
            holder=holder,
            likely=self.likely.get(entry.name, ()),
            masked_members=tuple((m.slot, mask_document(m.document_kind, m.document_number)) for m in entry.members),
        )

    def _claim(self, command: ClaimPersons) -> Message | Refused:
        room = self.rooms.get(command.intake_id)
        if room is None:
            return refused("conflict", "身份信息已不在等候区。请重新上传名册。")
        claimed = []
        for claim in command.claims:
            entry = room[claim.row]
            person = self.persons.get(_document(entry)) or new_id()
            mine = Holder(person_id=person, registration_id=claim.registration_id, school=command.school)
            holder = self.holders.setdefault(_document(entry), mine)
            if holder.registration_id == claim.registration_id:
                self.entries[holder.person_id] = entry
                claimed.append(
                    Claimed(
                        row=claim.row,
                        registration_id=claim.registration_id,
                        person_id=holder.person_id,
                        masked_document=mask_document(entry.document_kind, entry.document_number),
                    )
                )
            else:
                claimed.append(Claimed(row=claim.row, registration_id=claim.registration_id, holder=holder))
        return ClaimedPersons(claims=tuple(claimed))

    def _reveal(self, person_id: str) -> Revealed:
        entry = self.entries[person_id]
        return Revealed(
            person_id=person_id,
            document_number=entry.document_number,
            student_number=None,
            members=tuple((m.slot, m.document_number) for m in entry.members),
        )

    def hold(self, number: str, school: str, kind: str = "1") -> None:
        """Somebody has this document already."""
        self.holders[kind, number] = Holder(person_id=new_id(), registration_id=new_id(), school=school)


def _document(entry: PersonEntry) -> tuple[str, str]:
    return entry.document_kind, entry.document_number


class Clock(FixedClock):
    def move(self, by: timedelta) -> None:
        self._moment += by


@dataclass(repr=False)
class RosterDesk:
    """Sends commands and queries as the bus would, and runs the worker when told to."""

    env: dict[str, str]
    identity: StandIn
    client: Client
    kit: Kit
    deps: Registry
    clock: Clock
    wakes: list[int] = field(default_factory=list)
    notebook: Notebook = field(default_factory=lambda: Notebook("registry"))

    @classmethod
    async def open(cls, env: dict[str, str], identity: StandIn, now: datetime = NOW) -> RosterDesk:
        loaded = settings.load(env)
        client = await nats.connect(
            loaded.nats_url,
            user=loaded.nats_user,
            password=loaded.nats_password,
            inbox_prefix=f"_INBOX_{loaded.nats_user}".encode(),
        )
        clock = Clock(now)
        kit = Kit("registry", loaded, Database.from_settings(loaded, clock, "registry"), Bus(client), clock)
        deps = Registry(
            bus=kit.bus,
            cipher=FieldCipher.from_settings(loaded),
            files=kit.files,
            outside=kit.db,
            wake_rosters=kit.wake(worker.WAKE).set,
        )
        desk = cls(env=env, identity=identity, client=client, kit=kit, deps=deps, clock=clock)
        await desk.load(SCHOOL, OTHER)
        return desk

    async def shut(self) -> None:
        await self.kit.db.close()
        await self.client.close()

    async def load(self, *schools: SchoolFacts) -> None:
        views = [
            OrganisationView(
                code=school.code,
                name=school.name,
                kind="school",
                parent=school.authority,
                authority=school.authority,
                division=school.division,
                school_type=school.school_type,
                stages=school.stages,
                system=school.system,
                ownership=school.ownership,
                locality=school.locality,
                accepts_international=school.accepts_international,
            )
            for school in schools
        ]
        async with self.kit.db.transaction() as tx:
            await organisations.put_versions(tx, views, date(2020, 1, 1))
            for school in schools:
                await enrol(tx, school, replace=False)  # a worker that is killed begins with this, too

    async def send(self, command: Any) -> Any:
        reply = await commands.once(self.kit.db, self.clock, self.deps, COMMANDS[type(command)], command, self.notebook)
        return decode_reply(contract.REPLIES[type(command)], reply)

    async def ask(self, query: Any) -> Any:
        reply = await commands.ask(self.kit.db, self.clock, self.deps, QUERIES[type(query)], query, self.notebook)
        return decode_reply(contract.REPLIES[type(query)], reply)

    async def upload(self, content: bytes, *, name: str = "新生名册.xlsx", actor: Actor = REGISTRAR) -> str:
        """The roster's id."""
        file = await self.deps.files.put(name, "application/octet-stream", content, 64 * 1024**2)
        roster_id = new_id()
        reply = await self.send(contract.OpenRoster(command_id=new_id(), actor=actor, roster_id=roster_id, file=file))
        assert isinstance(reply, contract.RosterView), reply
        return roster_id

    async def view(self, roster_id: str, actor: Actor = REGISTRAR) -> contract.RosterView:
        reply = await self.ask(contract.GetRoster(actor=actor, roster_id=roster_id))
        assert isinstance(reply, contract.RosterView), reply
        return reply

    async def rows(self, roster_id: str, actor: Actor = REGISTRAR) -> dict[int, contract.RosterRow]:
        reply = await self.ask(contract.ListRosterRows(actor=actor, roster_id=roster_id, limit=200))
        return {row.row: row for row in reply.items}

    async def confirm(self, roster_id: str, **more: Any) -> Any:
        return await self.send(
            contract.ConfirmRoster(command_id=new_id(), actor=REGISTRAR, roster_id=roster_id, **more)
        )

    @contextlib.asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """The worker runs inside the block."""
        stop = asyncio.Event()
        task = asyncio.create_task(worker.run(self.kit, self.deps, stop))
        try:
            yield
        finally:
            stop.set()
            await asyncio.wait_for(task, 90)

    async def until(self, roster_id: str, *states: str, seconds: float = 120) -> contract.RosterView:
        """Wait until the roster is in one of these states, with its cleanup done."""
        async with asyncio.timeout(seconds):
            while True:
                view = await self.view(roster_id)
                row = await self.one("SELECT cleanup, lease_owner FROM rosters WHERE id = :id", id=roster_id)
                if view.state.value in states and not row["cleanup"] and row["lease_owner"] is None:
                    return view
                await asyncio.sleep(0.03)

    async def work(self, roster_id: str, *states: str) -> contract.RosterView:
        """Let the worker run until the roster is there."""
        async with self.working():
            return await self.until(roster_id, *states)

    async def all(self, sql: str, **params: Any) -> list[dict[str, Any]]:
        async with self.kit.db.transaction() as tx:
            return [dict(row) for row in await fetch_all(tx, sql, params)]

    async def one(self, sql: str, **params: Any) -> dict[str, Any]:
        async with self.kit.db.transaction() as tx:
            row = await fetch_one(tx, sql, params)
        assert row is not None
        return dict(row)

    async def do(self, sql: str, **params: Any) -> None:
        from service_kit.database import execute

        async with self.kit.db.transaction() as tx:
            await execute(tx, sql, params)

    async def events(self, kind: str) -> list[dict[str, Any]]:
        rows = await self.all(
            "SELECT payload FROM outbox WHERE subject = :subject ORDER BY seq", subject=f"evt.registry.{kind}"
        )
        return [msgspec.json.decode(row["payload"]) for row in rows]
