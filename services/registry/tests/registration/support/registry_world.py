"""The registry without its bus: commands, queries and events handed to it as the kit does, on a real PostgreSQL."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import msgspec
from enrolment_rows import enrol
from kit_recorder import Notebook
from registry.app import OUTSIDE, SERVICE
from registry.archive.key import archive_signer
from registry.context import Registry
from registry.organisations.facts import SchoolFacts
from registry.organisations.store import put_versions
from registry.registration.intake import Admission, admit, form_context
from registry.registration.policy import decide
from registry.registration.situation import Enrolment, PersonFacts, RegistrationFacts
from regulation.divisions import DIVISIONS
from regulation.school_year import SchoolSystem, Stage
from service_kit import commands, settings
from service_kit.clock import Clock
from service_kit.codec import decode_reply
from service_kit.crypto import FieldCipher
from service_kit.database import Database, driver
from service_kit.files import FileStore
from service_kit.ids import derived
from service_kit.service import Kit
from shared_contracts import registry as contract
from shared_contracts.actors import Actor, Role
from shared_contracts.decisions import Refused
from shared_contracts.identity import Issued, NumberKind, NumbersIssued, Verification
from shared_contracts.messages import members, subject
from shared_contracts.registry import OrganisationView

ZONE = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 9, 10)
DIVISION, AUTHORITY, CITY, PROVINCE = "230102", "230102", "230100", "230000"

SCHOOL = SchoolFacts(
    code="2123010001",
    name="哈尔滨市道里区测试小学",
    school_type="211",
    stages=(Stage.PRIMARY,),
    system=SchoolSystem.SIX_THREE,
    ownership="public",
    locality="urban",
    accepts_international=False,
    division=DIVISION,
    authority=AUTHORITY,
)
OTHER_SCHOOL = msgspec.structs.replace(SCHOOL, code="2123010002", name="哈尔滨市道里区另一小学")
FAR_SCHOOL = msgspec.structs.replace(
    SCHOOL, code="2123020001", name="齐齐哈尔市龙沙区测试小学", division="230202", authority="230202"
)


def actor(role: Role, organisation: str = SCHOOL.code, account: str = "", classes: Sequence[str] = ()) -> Actor:
    name = {"registrar": "赵学籍", "class_teacher": "钱班主任", "principal": "孙校长"}.get(role, "李学籍主管")
    return Actor(
        account=account or f"{organisation}.{role}",
        name=name,
        organisation=organisation,
        roles=(role,),
        classes=tuple(classes),
    )


REGISTRAR = actor(Role.REGISTRAR)
TEACHER = actor(Role.CLASS_TEACHER, classes=["1"])
PRINCIPAL = actor(Role.PRINCIPAL)
OFFICER = actor(Role.AUTHORITY_OFFICER, AUTHORITY)
OPERATOR = actor(Role.OPERATOR, PROVINCE)


class MovingClock(Clock):
    """Stands still until it is moved."""

    def __init__(self, day: date = TODAY) -> None:
        self.moment = datetime(day.year, day.month, day.day, 10, 0, tzinfo=ZONE)

    def now(self) -> datetime:
        return self.moment

    def pass_(self, **delta: float) -> None:
        self.moment += timedelta(**delta)


class NoBus:
    """For what must work without identity."""

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        raise AssertionError(f"nobody is to be asked: {subject(message)}")


def view(school: SchoolFacts) -> OrganisationView:
    return OrganisationView(
        code=school.code,
        name=school.name,
        kind="school",
        parent=school.authority,
        authority=school.authority,
        division=school.division,
        school_type=school.school_type,
        stages=tuple(school.stages),
        system=school.system,
        ownership=school.ownership,
        locality=school.locality,
        accepts_international=school.accepts_international,
    )


def authorities(*codes: str) -> list[OrganisationView]:
    return [
        OrganisationView(
            code=code,
            name=DIVISIONS[code].name + "教育局",
            kind=DIVISIONS[code].level,
            parent=DIVISIONS[code].parent,
            authority=DIVISIONS[code].parent,
            division=code,
        )
        for code in codes
    ]


class World:
    """One registry. `do`, `ask`, `tell`: a command, a query, an event."""

    def __init__(self, env: dict[str, str], bus: Any = None) -> None:
        self.env = env
        self.settings = settings.load(env)
        self.clock = MovingClock()
        self.db = Database.from_settings(self.settings, self.clock, "registry")
        small = msgspec.structs.replace(self.settings, database_pool=OUTSIDE)
        self.deps = Registry(
            bus=bus or NoBus(),
            cipher=FieldCipher.from_settings(self.settings),
            files=FileStore.from_settings(self.settings),
            signer=archive_signer(self.settings),
            outside=Database.from_settings(small, self.clock, "registry-outside"),
            wake_rosters=lambda: None,
        )
        self.notebook = Notebook("registry")
        self.kit = Kit("registry", self.settings, self.db, self.deps.bus, self.clock)
        self._numbers = itertools.count(1)
        self._random = random.Random(7)

    async def shut(self) -> None:
        await self.db.close()
        await self.deps.outside.close()

    async def do(self, command: Any) -> Any:
        reply = await commands.once(
            self.db, self.clock, self.deps, SERVICE.commands[type(command)], command, self.notebook
        )
        return decode_reply(contract.REPLIES[type(command)], reply)

    async def ask(self, query: Any) -> Any:
        reply = await commands.ask(self.db, self.clock, self.deps, SERVICE.queries[type(query)], query, self.notebook)
        return decode_reply(contract.REPLIES[type(query)], reply)

    async def tell(self, event: Any) -> None:
        async with self.db.unit(self.deps) as work:
            await SERVICE.events[type(event)](work, event)

    def id(self, word: str = "c") -> str:
        return derived(word, next(self._numbers))

    async def load(self, *schools: SchoolFacts, places: int | None = None) -> None:
        """Authorities of the province in short, and schools, each with a plan of so many places and its whole county
        as its zone (None: with neither)."""
        async with self.db.transaction() as tx:
            found = authorities(PROVINCE, CITY, AUTHORITY, "230200", "230202")
            await put_versions(tx, [*found, *map(view, schools)], date(2020, 1, 1))
            for school in schools:
                if places is not None:
                    await enrol(tx, school, places=places)

    # ---- registrations ----------------------------------------------------------------------------------------

    def admission(self, school: SchoolFacts = SCHOOL, roster_id: str | None = None, **changes: Any) -> Admission:
        number = next(self._numbers)
        registration_id = changes.pop("registration_id", None) or derived("registration", number)
        values: dict[str, Any] = {
            "name": "王小明",
            "sex": "1",
            "birth_date": date(2020, 3, 5),
            "document_kind": "1",
            "overseas": "00",
            "disability": "1",
            "grade": 1,
            "class_no": 1,
            "placement": "ordinary",
            "enrolled_month": "202609",
        } | changes
        form = {"name": values["name"], "grade": str(values["grade"]), "class_no": str(values["class_no"])}
        today = self.clock.today()
        facts = RegistrationFacts(
            school=school,
            today=today,
            school_year=2026,
            parameters=self.deps.policy.parameters(school.division, today),
            enrolment=dict.fromkeys(school.stages, Enrolment(places=9_999, scheme=True)),
            person=PersonFacts(way="zone"),
            **{
                name: values[name]
                for name in (
                    "birth_date", "document_kind", "overseas", "grade", "placement", "disability", "enrolled_month",
                )
            },
        )  # fmt: skip
        return Admission(
            registration_id=registration_id,
            roster_id=roster_id,
            row=number if roster_id else None,
            person_id=values.pop("person_id", None) or derived("person", number),
            masked_document="23**************15",
            masked_members=((1, "23**************11"),),
            kind=facts.kind,
            form_blob=self.deps.cipher.seal_bytes(msgspec.json.encode(form), form_context(registration_id)),
            decision=decide(facts),
            entered_by=values.pop("entered_by", REGISTRAR.account),
            **values,
        )

    async def admit(self, *admissions: Admission, school: SchoolFacts = SCHOOL) -> list[str]:
        async with self.db.unit(self.deps) as work:
            await admit(work, school, admissions)
        return [admission.registration_id for admission in admissions]

    async def one(self, **changes: Any) -> str:
        """A registration that waits for its class teacher."""
        (registration_id,) = await self.admit(self.admission(**changes))
        return registration_id

    async def roster(
        self, size: int, *, state: str = "in_approval", school: SchoolFacts = SCHOOL, **changes: Any
    ) -> str:
        """A confirmed roster and its registrations."""
        roster_id = self.id("roster")
        await self.sql(
            """INSERT INTO rosters (id, school, file_name, file, state, created_at, created_by, created_account, rows,
                                    valid)
               VALUES ($1, $2, '名册.xlsx', '{}', $3, now(), '赵学籍', 'r', $4, $4)""",
            roster_id,
            school.code,
            state,
            size,
        )
        for begin in range(0, size, 500):
            chunk = [
                self.admission(school, roster_id, **{"class_no": 1 + n % 3, **changes})
                for n in range(begin, min(begin + 500, size))
            ]
            await self.admit(*chunk, school=school)
        return roster_id

    async def decide(self, target: str, step: str, who: Actor, decision: str = "approve", **more: Any) -> Any:
        """On a registration, or on a roster whose id is given by `roster=True`."""
        kind = contract.DecideRoster if more.pop("roster", False) else contract.DecideRegistration
        key = "roster_id" if kind is contract.DecideRoster else "registration_id"
        if step == "guardian":
            more.setdefault("signed_on", self.clock.today())
        command_id = more.pop("command_id", None) or self.id("command")
        return await self.do(
            kind(command_id=command_id, actor=who, step=contract.Step(step), decision=decision, **{key: target}, **more)
        )

    async def print(self, *ids: str) -> None:
        await self.sql(
            "UPDATE registrations SET sheet_printed_at = $2 WHERE id = ANY($1::text[])", list(ids), self.clock.now()
        )

    async def bring_to(self, registration_id: str, step: str) -> None:
        """Through the steps before this one ("done": through all)."""
        for at, who in (
            ("class_teacher", TEACHER),
            ("principal", PRINCIPAL),
            ("guardian", REGISTRAR),
            ("school", PRINCIPAL),
            ("authority", OFFICER),
        ):
            if at == step:
                return
            if at == "guardian":
                await self.print(registration_id)
            reply = await self.decide(registration_id, at, who)
            assert not isinstance(reply, Refused), reply

    async def number(self, registration_id: str, masked: str = "G2**************15") -> None:
        """Identity has issued a number: what is approved becomes a student."""
        number = Issued(
            person_id="",
            registration_id=registration_id,
            kind=NumberKind.G,
            masked=masked,
            verification=Verification.MATCHED,
        )
        await self.tell(NumbersIssued(numbers=(number,), issued_at=self.clock.now()))

    async def get(self, registration_id: str, who: Actor = REGISTRAR) -> Any:
        return await self.ask(contract.GetRegistration(actor=who, registration_id=registration_id))

    # ---- looking at the database ----------------------------------------------------------------------------------

    async def sql(self, statement: str, *values: Any) -> list[Any]:
        async with self.db.transaction() as tx:
            return await (await driver(tx)).fetch(statement, *values)

    async def events(self, kind: Any = None) -> list[Any]:
        """What is in the outbox, decoded, in order."""
        kinds = {subject(k): k for k in members(contract.Events)}
        rows = await self.sql("SELECT subject, payload FROM outbox ORDER BY seq")
        found = [msgspec.json.decode(row["payload"], type=kinds[row["subject"]]) for row in rows]
        return [event for event in found if kind is None or isinstance(event, kind)]


def codes(reply: Any) -> list[str]:
    """The codes of a refusal's findings."""
    assert isinstance(reply, Refused), reply
    return [finding.code for finding in reply.findings]


__all__ = [
    "AUTHORITY", "CITY", "FAR_SCHOOL", "OFFICER", "OPERATOR", "OTHER_SCHOOL", "PRINCIPAL", "PROVINCE", "REGISTRAR",
    "SCHOOL", "TEACHER", "TODAY", "MovingClock", "World", "actor", "authorities", "codes", "view",
]  # fmt: skip
