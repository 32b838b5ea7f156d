"""What a school of ours, the authority, the province office and the school's own people do for a child who comes from another
province, from the application to its record."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

from outside_world import SECOND_CLERK, THERE, THIRD_CLERK, OutsideWorld
from registry.organisations.facts import SchoolFacts
from registry.registration.intake import admit, seat
from registry_world import actor
from regulation.documents import check_digit
from regulation.findings import refuse
from shared_contracts.actors import Role
from shared_contracts.decisions import Refused
from shared_contracts.evidence import EvidenceKind
from shared_contracts.holds import ComingChild
from shared_contracts.identity import (
    OTHERS_NUMBER,
    FindPersons,
    FoundPersons,
    Holder,
    Issued,
    KnownPerson,
    KnownPersons,
    KnowPersons,
    NumberKind,
    NumbersIssued,
    Verification,
)
from shared_contracts.outside_transfers import OpenInward, PrecheckInward
from shared_contracts.transfer import Application, Ground, Step, TransfersStand
from transfer_world import HOME, OFFICER, RECEIVING, REGISTRAR

BORN = date(2018, 3, 5)


def document(serial: int) -> str:
    first17 = f"33010620180305{2 * serial + 1:03d}"
    return first17 + check_digit(first17)


def child(serial: int = 1, **changes: Any) -> ComingChild:
    values: dict[str, Any] = {
        "name": f"来生{serial}", "sex": "1", "birth_date": BORN, "document_kind": "1", "document_number": document(serial),
        "area": "330106",
    }  # fmt: skip
    return ComingChild(**{**values, **changes})


def code(reply: Any) -> str:
    """What a refusal says first."""
    assert isinstance(reply, Refused), reply
    return reply.findings[0].code if reply.findings else reply.kind


class WhoIsWho:
    """Identity's two answers that the registry needs here: who has a number (`no:<student>`), and who has a document. Who
    holds a person is what the registry says itself."""

    def __init__(self, world: ComingWorld) -> None:
        self.world = world
        self.numbers: dict[str, str] = {}  # of another province: whose they are

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        del timeout
        if isinstance(message, FindPersons):
            return FoundPersons(person_ids=("p-" + message.number.removeprefix("no:"),))
        assert isinstance(message, KnowPersons)
        (entry,) = message.rows
        if entry.document_number.startswith("no:"):  # of a pupil who had a record before
            student = entry.document_number.removeprefix("no:")
            (row,) = await self.world.registry.sql("SELECT person_id, school FROM students WHERE id = $1", student)
            held = Holder(person_id=row["person_id"], registration_id=student, school=row["school"])
            return KnownPersons(rows=(KnownPerson(row=entry.row, masked_document="", person_id=None, holder=held),))
        person = "p-" + hashlib.sha256(entry.document_number.encode()).hexdigest()[:12]
        if entry.former_number and self.numbers.get(entry.former_number, person) != person:
            wrong = refuse("20.1", OTHERS_NUMBER, "另一名学生的学籍号", cure="核对")
            return KnownPersons(rows=(KnownPerson(row=entry.row, masked_document="", findings=(wrong,)),))
        if entry.former_number and message.make:
            self.numbers[entry.former_number] = person
        rows = await self.world.registry.sql(
            "SELECT id, school FROM registrations WHERE person_id = $1 AND NOT closed", person
        )
        holder = Holder(person_id=person, registration_id=rows[0]["id"], school=rows[0]["school"]) if rows else None
        return KnownPersons(rows=(KnownPerson(row=entry.row, masked_document="", person_id=person, holder=holder),))

    need = ask


class ComingWorld(OutsideWorld):
    def __init__(self, env: dict[str, str], registry: Any) -> None:
        super().__init__(env, registry)
        self.who = WhoIsWho(self)
        object.__setattr__(registry.deps, "bus", self.who)

    async def asked_in(self, serial: int = 1, **changes: Any) -> dict[str, Any]:
        who = changes.pop("child", None) or child(serial)
        organisation = changes.pop("organisation", RECEIVING.code)
        mine = {"school": THERE, "grade": 3}
        given = {name: changes.pop(name, value) for name, value in mine.items()}
        values: dict[str, Any] = {
            "name": who.name, "number": "G" + who.document_number, "ground": Ground.RESIDENCE_CHANGED, "residence": HOME,
            "guardian": "来家长", "phone": "13857110001", **changes,
        }  # fmt: skip
        if "evidence" not in values:
            values["evidence"] = await self.papers(EvidenceKind.RESIDENCE, organisation=organisation)
        return {**given, "child": who, "application": Application(**values)}

    async def come(self, serial: int = 1, who: Any = REGISTRAR, exception: str = "", **changes: Any) -> Any:
        """Our school applies for a child of another province."""
        command = changes.pop("command_id", None) or self.id("command")
        transfer = changes.pop("transfer_id", None) or self.id("transfer")
        return await self.do(
            OpenInward(
                command_id=command,
                actor=who,
                transfer_id=transfer,
                exception=exception,
                **await self.asked_in(serial, organisation=who.organisation, **changes),
            )
        )

    async def look_in(self, serial: int = 1, who: Any = REGISTRAR, **changes: Any) -> Any:
        return await self.ask(PrecheckInward(actor=who, **await self.asked_in(serial, **changes)))

    async def approved_in(self, serial: int = 1, **changes: Any) -> str:
        """From the application to the last approval; the case's id."""
        opened = await self.come(serial, **changes)
        assert not isinstance(opened, Refused), opened
        await self.decide(opened.id, Step.RECEIVING_AUTHORITY, who=OFFICER)
        await self.enter(opened.id, Step.RELEASING_SCHOOL, who=SECOND_CLERK)
        await self.enter(opened.id, Step.RELEASING_AUTHORITY, who=THIRD_CLERK)
        found: str = opened.id
        return found

    async def register(self, case: str, school: SchoolFacts = RECEIVING, grade: int = 3) -> str | None:
        """The school enters the child as its registration form does; None where its transfer is none any more."""
        world = self.registry
        (row,) = await world.sql("SELECT person_id FROM expected_arrivals WHERE case_id = $1", case)
        made = world.admission(school, grade=grade, birth_date=BORN, person_id=row["person_id"], arrival=case)
        async with world.db.unit(world.deps) as work:
            fitting, _ = await seat(work, school, [made])
            await admit(work, school, fitting, held=True)
        return made.registration_id if fitting else None

    async def number(self, registration: str, kind: NumberKind = NumberKind.G, school: SchoolFacts = RECEIVING) -> None:
        """All have approved the registration, and identity has issued a number."""
        await self.agree_to(registration, school)
        await self.issue(registration, kind)

    async def agree_to(self, registration: str, school: SchoolFacts = RECEIVING) -> None:
        world = self.registry
        principal, registrar = actor(Role.PRINCIPAL, school.code, "p"), actor(Role.REGISTRAR, school.code, "r")
        await world.decide(registration, "class_teacher", actor(Role.CLASS_TEACHER, school.code, "t", ["3"]))
        await world.decide(registration, "principal", principal)
        await world.sql("UPDATE registrations SET sheet_printed_at = $2 WHERE id = $1", registration, world.clock.now())
        await world.decide(registration, "guardian", registrar)
        await world.decide(registration, "school", principal)
        reply = await world.decide(registration, "authority", OFFICER)
        assert not isinstance(reply, Refused), reply

    async def issue(self, registration: str, kind: NumberKind = NumberKind.G) -> None:
        world = self.registry
        issued = Issued(
            person_id="", registration_id=registration, kind=kind, masked=f"{kind}33**************15",
            verification=Verification.MATCHED if kind is NumberKind.G else Verification.NAME_MISMATCH,
        )  # fmt: skip
        await world.tell(NumbersIssued(numbers=(issued,), issued_at=world.clock.now()))

    async def last_stand(self) -> Any:
        """Where the work queues were last told that a case stands."""
        return (await self.events(TransfersStand))[-1].cases[0]

    async def expected(self) -> list[tuple[Any, ...]]:
        rows = await self.registry.sql(
            """SELECT a.case_id, h.state, h.seat_school, a.open, a.approved FROM expected_arrivals a
               JOIN change_holds h USING (case_id) ORDER BY a.case_id"""
        )
        return [tuple(row) for row in rows]
