"""Documents of pupils, identity's answers about them, and what a class is asked."""

from __future__ import annotations

from datetime import date
from typing import Any

from registry.organisations.facts import SchoolFacts
from registry.records.custody import pass_custody
from registry.records.store import Klass
from registry_world import REGISTRAR, SCHOOL, World
from regulation.documents import check_digit
from service_kit.ids import derived
from shared_contracts.actors import Actor, system
from shared_contracts.attendance import CheckAttendance, Seated
from shared_contracts.identity import Holder, KnownPerson, KnownPersons, KnowPersons
from shared_contracts.records import StudentView

BORN = date(2020, 3, 5)


def number(serial: int) -> str:
    first17 = f"230102{BORN:%Y%m%d}{serial * 2 + 1:03d}"
    return first17 + check_digit(first17)


def person(serial: int) -> str:
    return derived("person", number(serial))


class Documents:
    """Identity's part of the bus. `holders`: who has claimed whom; `asked`: every question; `away`: nobody answers."""

    def __init__(self) -> None:
        self.holders: dict[str, Holder] = {}
        self.asked: list[KnowPersons] = []
        self.away: BaseException | None = None

    async def ask(self, message: Any, timeout: float = 5.0) -> Any:
        assert isinstance(message, KnowPersons) and not message.make
        if self.away is not None:
            raise self.away
        self.asked.append(message)
        rows = []
        for row in message.rows:
            known = derived("person", row.document_number)
            there = self.holders.get(known)
            rows.append(
                KnownPerson(row=row.row, masked_document="2*", person_id=known if there else None, holder=there)
            )
        return KnownPersons(rows=tuple(rows))


async def pupil(world: World, serial: int, school: SchoolFacts = SCHOOL, *, recorded: bool = True, **more: Any) -> str:
    """Somebody with a record (or on the way to one) at a school; identity knows him."""
    admission = world.admission(person_id=person(serial), name=f"学生{serial}", **more)
    (one,) = await world.admit(admission)
    world.deps.bus.holders[person(serial)] = Holder(  # type: ignore[attr-defined]
        person_id=person(serial), registration_id=one, school=school.code
    )
    if recorded:
        await world.bring_to(one, "done")
        await world.number(one)
    if school is not SCHOOL:
        async with world.db.unit(world.deps) as work:
            moved = await pass_custody(work, one, school, Klass(1, 1), actor=system("transfer"), on=work.today)
            assert isinstance(moved, StudentView)
    return one


def seated(*serials: int) -> tuple[Seated, ...]:
    return tuple(Seated(name=f"学生{serial}", document_number=number(serial)) for serial in serials)


async def check(world: World, *rows: Seated, who: Actor = REGISTRAR, **more: Any) -> Any:
    values = {"school": SCHOOL.code, "grade": 1, "class_no": 1, "check_id": world.id("check")} | more
    return await world.do(CheckAttendance(command_id=world.id(), actor=who, rows=rows, **values))


def standings(found: Any) -> dict[str, str]:
    return {row.name: row.standing.value for row in found.rows}
