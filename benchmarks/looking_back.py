"""What looking back costs: a student with 100 journal entries as of a day, against the same student now; the same of the
form, each entry a change of it; and what it costs that the database itself refuses an entry that does not follow its chain.

    python benchmarks/looking_back.py [--entries 100] [--rounds 30] [--write]

A PostgreSQL of its own (fsync on), the registry's handlers in this process, no bus. The two views are asked for in turns
within one connection; the two ways of writing first entries (500 a statement, as a registration of a roster does) too, the
trigger switched off and on by the owner. Exit status 1 where the view as of a day takes more than three times the other.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import asyncpg
import msgspec
from exporting import prepare, servers
from registry.records import forms, journal, kinds, store
from registry.records.handlers import get_student, get_student_form
from registry.registration.intake import form_context
from registry.registration.tables import profiles
from service_kit import settings
from service_kit.clock import Clock
from service_kit.crypto import FieldCipher
from service_kit.database import Database, insert_rows
from service_kit.work import Work
from shared_contracts.actors import Actor, Role
from shared_contracts.records import GetStudent, GetStudentForm, StudentForm, StudentView
from xueji_local import credentials

RESULTS = Path(__file__).resolve().parent / "looking-back-results.md"
SCHOOL, COUNTY = "2123010001", "230102"
REGISTRAR = Actor(account="r", name="r", organisation=SCHOOL, roles=(Role.REGISTRAR,))
BEGIN = date(2026, 9, 1)
MOMENT = datetime.fromisoformat("2026-09-01T10:00:00+08:00")
MOST = 3.0
BATCH = 500

_ORGANISATION = """
INSERT INTO organisations (code, valid_from, name, kind, parent, authority, division, school_type, stages, system,
                           ownership, locality, accepts_international)
VALUES ($1, '2020-01-01', '第一小学', 'school', $2, $2, $2, '211', '{primary}', '6-3', 'public', 'urban', false)
"""
_STUDENT = """
INSERT INTO students (id, person_id, school, name, sex, birth_date, document_kind, masked_document, student_number,
                      number_kind, verification, stage, cohort, placement, state, registered_at)
VALUES ('s', 'p', $1, '王小明', '1', '2020-03-05', '1', '23**************15', 'G2**************15', 'G', 'matched',
        'primary', 2026, 'ordinary', 'in_school', $2)
"""
_CLASS = """
INSERT INTO classes (id, school, stage, cohort, class_no, grade, system) VALUES ('k', $1, 'primary', 2026, 1, 1, '6-3')
"""


def forms_of(entries: int) -> list[dict[str, str]]:
    """The form after each entry: a telephone number and an address that move on, beside seventy fields that stay."""
    stays = {f"field{number}": "黑龙江省哈尔滨市南岗区" for number in range(70)}
    return [stays | {"phone": f"138{n:08}", "current_address": f"中央大街{n}号"} for n in range(entries)]


def chain(student_id: str, entries: int, replaced: Sequence[forms.Kept] = ()) -> list[journal.Entry]:
    """A registration, and corrections of the name a day apart. `replaced`: what each of them replaced in the form."""
    made, end = [], (0, journal.GENESIS)
    for number in range(entries):
        first: dict[str, Any] = {"school": SCHOOL, "stage": "primary", "grade": 1, "class_no": 1, "kind": "new"}
        said = kinds.changed({"name": f"王{number}"}, {"name": f"王{number + 1}"}, case_id=f"case-{number}")
        if number and replaced:
            said[forms.SAID] = forms.said(replaced[number - 1])
        one = journal.entry(
            student_id,
            end,
            kind="corrected" if number else kinds.REGISTERED,
            clause="39",
            legal_date=BEGIN + timedelta(days=number),
            recorded_at=MOMENT + timedelta(days=number),
            actor="a",
            content=said if number else first,
        )
        made.append(one)
        end = (one.seq, one.hash)
    return made


async def fill(db: Database, deps: Any, owner: asyncpg.Connection[asyncpg.Record], entries: int) -> None:
    await owner.execute(_ORGANISATION, SCHOOL, COUNTY)
    await owner.execute(_STUDENT, SCHOOL, MOMENT)
    await owner.execute(_CLASS, SCHOOL)
    await owner.execute("INSERT INTO class_memberships (student_id, joined_on, class_id) VALUES ('s', $1, 'k')", BEGIN)
    said = forms_of(entries)
    replaced = [forms.replaced({key: before[key] for key in ("phone", "current_address")}) for before in said]
    made = chain("s", entries, replaced)
    sealed = deps.cipher.seal_bytes(msgspec.json.encode(said[-1]), form_context("s"))
    async with db.unit(deps) as work:
        await store.append(work.tx, made)
        await insert_rows(work.tx, profiles, [{"id": "s", "form": sealed}])
        for entry, kept in zip(made[1:], replaced, strict=False):
            await forms.keep(work, entry, kept)
    await owner.execute("ANALYZE")


async def views(db: Database, deps: Any, entries: int, rounds: int) -> tuple[float, ...]:
    """Milliseconds of the present view and of one in the middle of the chain, of the student and of the form: the quickest
    of each, taken in turns."""
    clock = Clock()
    day = min(BEGIN + timedelta(days=entries // 2), clock.today())
    asked: list[tuple[Any, Any, type[Any]]] = [
        (get_student, GetStudent(actor=REGISTRAR, student_id="s"), StudentView),
        (get_student, GetStudent(actor=REGISTRAR, student_id="s", as_of=day), StudentView),
        (get_student_form, GetStudentForm(actor=REGISTRAR, student_id="s"), StudentForm),
        (get_student_form, GetStudentForm(actor=REGISTRAR, student_id="s", as_of=day), StudentForm),
    ]
    taken: list[list[float]] = [[] for _ in asked]
    async with db.transaction() as tx:
        work: Work[Any] = Work(tx=tx, deps=deps, now=clock.now())
        for number in range(rounds * 10):
            for which, (handler, query, wanted) in enumerate(asked):
                begun = time.perf_counter()
                shown = await handler(work, query)
                if number >= rounds:  # the first ones warm what is kept
                    taken[which].append((time.perf_counter() - begun) * 1000)
                assert isinstance(shown, wanted), shown
    return tuple(map(min, taken))


async def first_entries(db: Database, owner: asyncpg.Connection[asyncpg.Record], rounds: int) -> tuple[float, float]:
    """Milliseconds of a statement of 500 first entries without the trigger and with it, in turns, rolled back."""
    taken: dict[str, list[float]] = {"DISABLE": [], "ENABLE": []}
    batch = [chain(f"s{number}", 1)[0] for number in range(BATCH)]

    async def write() -> float:
        async with db.engine.connect() as tx:
            begun = time.perf_counter()
            await store.append(tx, batch)
            spent = time.perf_counter() - begun
            await tx.rollback()
        return spent * 1000

    for number in range(rounds + 3):
        for which, times in taken.items():
            await owner.execute(f"ALTER TABLE journal {which} TRIGGER journal_chained")
            await write()
            spent = await write()
            if number >= 3:
                times.append(spent)
    return min(taken["DISABLE"]), min(taken["ENABLE"])


async def measure(entries: int, rounds: int) -> tuple[tuple[float, ...], tuple[float, float]]:
    keys = credentials.generate()
    with servers(keys) as places:
        environment = (await prepare(places, keys))["registry"]
        loaded = settings.load(environment)
        owner = await asyncpg.connect(environment["XUEJI_MIGRATION_DATABASE_URL"])
        db = Database.from_settings(loaded, Clock(), "benchmark")
        try:
            deps = SimpleNamespace(cipher=FieldCipher.from_settings(loaded))
            await fill(db, deps, owner, entries)
            return await views(db, deps, entries, rounds), await first_entries(db, owner, rounds)
        finally:
            await db.close()
            await owner.close()


def report(entries: int, looked: tuple[float, ...], wrote: tuple[float, float]) -> str:
    return "\n".join(
        [
            "# Looking back",
            "",
            "The quickest of one run, in turns (other work shares the cores); "
            f"a student with {entries} journal entries; {BATCH} first entries a statement.",
            "",
            "| | ms | ratio |",
            "|---|---:|---:|",
            f"| the student now | {looked[0]:.2f} | 1 |",
            f"| the student as of a day | {looked[1]:.2f} | {looked[1] / looked[0]:.2f} |",
            f"| the form now | {looked[2]:.2f} | 1 |",
            f"| the form as of a day | {looked[3]:.2f} | {looked[3] / looked[2]:.2f} |",
            f"| first entries, without the trigger of the chain | {wrote[0]:.2f} | 1 |",
            f"| first entries, with it | {wrote[1]:.2f} | {wrote[1] / wrote[0]:.3f} |",
            "",
        ]
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--entries", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--write", action="store_true", help=f"into {RESULTS.name}")
    given = parser.parse_args()
    looked, wrote = asyncio.run(measure(given.entries, given.rounds))
    text = report(given.entries, looked, wrote)
    print(text)
    if given.write:
        RESULTS.write_text(text)
    return 0 if looked[1] <= MOST * looked[0] and looked[3] <= MOST * looked[2] else 1


if __name__ == "__main__":
    sys.exit(main())
