"""The transfer service and the registry, their real handlers on real databases; what is between them is a call, which can
break off before or after it was answered, and events that are carried over when a test says so."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any, Self

import msgspec
from kit_deadly import let_go, until_killed
from kit_recorder import Notebook
from moving_world import ALL, CITY, MovingWorld
from registry_world import AUTHORITY, OTHER_SCHOOL, PROVINCE, SCHOOL, actor, authorities, view
from regulation.parameters import LocalValue, ParameterValue, PolicyBook, province_parameters
from service_kit import commands, organisations, settings
from service_kit.bus import Unavailable
from service_kit.codec import decode_reply
from service_kit.database import Database, driver
from service_kit.ids import derived
from service_kit.service import Kit
from shared_contracts import holds
from shared_contracts import registry as registry_contract
from shared_contracts import transfer as contract
from shared_contracts.actors import Role
from shared_contracts.evidence import EvidenceGiven, EvidenceKind
from shared_contracts.holds import Place
from shared_contracts.identity import FindPersons, FoundPersons
from shared_contracts.messages import members, subject
from shared_contracts.organisations import OrganisationChanged, OrganisationView
from shared_contracts.transfer import Application, DecideTransfer, GetTransfer, Ground, OpenTransfer, Step, TransferView
from transfer.app import SERVICE
from transfer.cases import settling, telling
from transfer.context import assemble

RECEIVING = OTHER_SCHOOL
RELEASING = SCHOOL
REGISTRAR = actor(Role.REGISTRAR, RECEIVING.code, "receiving.registrar")
OFFICER = actor(Role.AUTHORITY_OFFICER, AUTHORITY, "daoli.officer")
SECOND_OFFICER = actor(Role.AUTHORITY_OFFICER, AUTHORITY, "daoli.second")
PRINCIPAL = actor(Role.PRINCIPAL, RELEASING.code, "releasing.principal")
STRANGER = actor(Role.REGISTRAR, "2123010301", "nangang.registrar")
HOME = Place(division="230102", address="道里区中央大街1号")
DECIDERS = {
    Step.RECEIVING_AUTHORITY: OFFICER,
    Step.RELEASING_SCHOOL: PRINCIPAL,
    Step.RELEASING_AUTHORITY: SECOND_OFFICER,
}


class Broken(BaseException):
    """Stands for a kill: no handler of ours catches it."""


@contextlib.contextmanager
def killed_before_the_commit() -> Iterator[None]:
    """Whoever acts here is killed after everything was done and before it is committed."""
    original = telling.stands

    async def breaks(*args: Any, **kwargs: Any) -> None:
        await original(*args, **kwargs)
        raise Broken

    telling.stands = breaks  # type: ignore[assignment]
    try:
        yield
    finally:
        telling.stands = original


class Between:
    """What is between the two: calls the registry's handlers. `before`, `after`: what breaks a message of this kind off."""

    def __init__(self, registry: MovingWorld) -> None:
        self.registry = registry
        self.before: dict[type, BaseException] = {}
        self.after: dict[type, BaseException] = {}
        self.away = False

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        del timeout
        if self.away:
            raise Unavailable("the registry is away")
        if fault := self.before.pop(type(message), None):
            raise fault
        take = self.registry.do if isinstance(message, members(holds.Commands)) else self.registry.ask
        reply = await take(message)
        if fault := self.after.pop(type(message), None):
            raise fault
        return reply

    need = ask


class Identity:
    """Identity's one answer that the registry needs here: who has a number. Numbers are `no:<student>`."""

    async def need(self, message: Any, timeout: float = 5.0) -> Any:
        del timeout
        assert isinstance(message, FindPersons)
        return FoundPersons(person_ids=("p-" + message.number.removeprefix("no:"),))

    ask = need


class TransferWorld:
    def __init__(self, env: dict[str, str], registry: MovingWorld) -> None:
        self.env, self.registry, self.clock = env, registry, registry.clock
        self.settings = settings.load(env)
        self.db = Database.from_settings(self.settings, self.clock, "transfer")
        self.between = Between(registry)
        self.kit = Kit("transfer", self.settings, self.db, self.between, self.clock)  # type: ignore[arg-type]
        self.deps = assemble(self.kit)
        self.notebook = Notebook("transfer")
        self._numbers = itertools.count(1)
        self._carried = {"transfer": 0, "registry": 0}
        object.__setattr__(registry.deps, "bus", Identity())

    async def prepare(self) -> None:
        found = authorities(PROVINCE, CITY, AUTHORITY, "230103", "230200", "230202")
        await self.know([*found, *map(view, ALL)])

    async def know(self, found: Sequence[OrganisationView]) -> None:
        """What the registry would have announced."""
        async with self.db.transaction() as tx:
            await organisations.put(
                tx,
                [
                    OrganisationChanged(
                        code=one.code, name=one.name, kind=one.kind, parent=one.parent, authority=one.authority,
                        division=one.division, valid_from=date(2020, 1, 1), closed=False, version=1,
                    )
                    for one in found
                ],
            )  # fmt: skip

    async def shut(self) -> None:
        await self.db.close()
        await self.deps.outside.close()

    # ---- a process of its own, which is killed (`kit_deadly`) ---------------------------------------------------------

    async def until_killed(self, victim: Path, *argv: object) -> None:
        """Runs a victim over these two databases, at this moment, until it is dead and both servers have noticed."""
        env = {"TRANSFER_ENV": json.dumps(self.env), "REGISTRY_ENV": json.dumps(self.registry.env)}
        env["MOMENT"] = self.clock.now().isoformat()
        await until_killed(victim, *argv, env=env)
        await let_go(self.sql, self.registry.sql)

    @classmethod
    def of_the_victim(cls) -> Self:
        """The world that a victim was started over, in its process."""
        made = cls(json.loads(os.environ["TRANSFER_ENV"]), MovingWorld(json.loads(os.environ["REGISTRY_ENV"])))
        made.clock.moment = datetime.fromisoformat(os.environ["MOMENT"])
        return made

    # ---- the service ------------------------------------------------------------------------------------------------

    def id(self, word: str = "c") -> str:
        return derived(f"transfer-{word}", next(self._numbers))

    async def do(self, command: Any) -> Any:
        handler = SERVICE.commands[type(command)]
        reply = await commands.once(self.db, self.clock, self.deps, handler, command, self.notebook)
        return decode_reply(contract.REPLIES[type(command)], reply)

    async def ask(self, query: Any) -> Any:
        handler = SERVICE.queries[type(query)]
        reply = await commands.ask(self.db, self.clock, self.deps, handler, query, self.notebook)
        return decode_reply(contract.REPLIES[type(query)], reply)

    async def tell(self, event: Any) -> None:
        async with self.db.unit(self.deps) as work:
            await SERVICE.events[type(event)](work, event)

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.db.transaction() as tx:
            return await (await driver(tx)).fetch(statement, *values)

    # ---- what a school and an authority do ----------------------------------------------------------------------------

    def application(self, student: str, **changes: Any) -> Application:
        values: dict[str, Any] = {
            "name": f"学生{student[-4:]}",
            "number": f"no:{student}",
            "ground": Ground.RESIDENCE_CHANGED,
            "residence": HOME,
            "guardian": "王家长",
            "phone": "13804510001",
        }
        return Application(**{**values, **changes})

    async def papers(self, *kinds: EvidenceKind, organisation: str = RECEIVING.code) -> tuple[EvidenceGiven, ...]:
        """Uploaded files of the receiving school."""
        made = []
        for kind in kinds:
            key = self.id("evidence")
            await self.registry.sql(
                """INSERT INTO evidence (id, organisation, account, uploaded_by, uploaded_at, name, media_type, size, sha256,
                                         file_id, scan, kind)
                   VALUES ($1, $2, 'r', '赵学籍', now(), 'a.pdf', 'application/pdf', 10, repeat('0', 64), $1, 'clean',
                           'other')""",
                key,
                organisation,
            )
            made.append(EvidenceGiven(evidence_id=key, kind=kind))
        return tuple(made)

    async def open(self, student: str, who: Any = REGISTRAR, exception: str = "", **changes: Any) -> Any:
        if "evidence" not in changes:
            changes["evidence"] = await self.papers(EvidenceKind.RESIDENCE)
        command = OpenTransfer(
            command_id=changes.pop("command_id", None) or self.id("command"),
            actor=who,
            transfer_id=changes.pop("transfer_id", None) or self.id("transfer"),
            application=self.application(student, **changes),
            exception=exception,
        )
        return await self.do(command)

    async def decide(self, transfer: str, step: Step, decision: str = "approve", **more: Any) -> Any:
        who = more.pop("who", DECIDERS[step])
        return await self.do(
            DecideTransfer(
                command_id=self.id("command"), actor=who, transfer_id=transfer, step=step,
                decision=decision, **more,  # type: ignore[arg-type]
            )
        )  # fmt: skip

    async def through(self, transfer: str) -> Any:
        """All three approvals."""
        reply = None
        for step in Step:
            reply = await self.decide(transfer, step)
        return reply

    async def carry(self) -> None:
        """Events that wait in one outbox reach the other service, in their order, until none is left."""
        while await self._over("transfer", self.sql, contract.Events, self.registry) or await self._over(
            "registry", self.registry.sql, registry_contract.Events, self
        ):
            pass

    async def _over(self, name: str, sql: Any, union: Any, to: Any) -> int:
        kinds: Mapping[str, Any] = {subject(kind): kind for kind in members(union)}
        rows = await sql("SELECT seq, subject, payload FROM outbox WHERE seq > $1 ORDER BY seq", self._carried[name])
        taken = registry_service().events if to is self.registry else SERVICE.events
        for row in rows:
            kind = kinds.get(row["subject"])
            if kind in taken:
                await to.tell(msgspec.json.decode(row["payload"], type=kind))
            self._carried[name] = row["seq"]
        return len(rows)

    async def events(self, kind: Any) -> list[Any]:
        rows = await self.sql("SELECT payload FROM outbox WHERE subject = $1 ORDER BY seq", subject(kind))
        return [msgspec.json.decode(row["payload"], type=kind) for row in rows]

    async def carry_again(self) -> None:
        """All events from the beginning, as if none had ever been acknowledged."""
        self._carried = dict.fromkeys(self._carried, 0)
        await self.carry()

    async def settle_intents(self) -> int:
        """What was interrupted is told to the registry as it stands, without the wait of the worker; how much it was."""
        told = 0
        while await settling.settle_one(self.db, self.deps, self.kit, after=timedelta(seconds=-1)):
            told += 1
        return told

    async def seen(self, transfer: str, who: Any = REGISTRAR) -> TransferView:
        found = await self.ask(GetTransfer(actor=who, transfer_id=transfer))
        assert isinstance(found, TransferView), found
        return found

    async def holds(self) -> list[tuple[Any, ...]]:
        rows = await self.registry.sql("SELECT case_id, state, seat_school FROM change_holds ORDER BY since, case_id")
        return [tuple(row) for row in rows]


def registry_service() -> Any:
    from registry.app import SERVICE as registry

    return registry


def one_signature_from(world: TransferWorld, day: date) -> None:
    """From a day on one signature of an authority of both schools serves both steps in Daoli."""
    value = ParameterValue(division=AUTHORITY, valid_from=day, value=1)
    local = [LocalValue(key="shared_authority_one_signature", value=value)]
    world.deps.policy._book = PolicyBook(province_parameters(), local)
