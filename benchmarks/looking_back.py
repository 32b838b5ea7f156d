"""What looking back costs: a student with 100 journal entries as of a day, against the same student now; and what it costs
that the database itself refuses an entry that does not follow its chain.

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
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
from exporting import prepare, servers
from registry.records import journal, kinds, store
from registry.records.handlers import get_student
from service_kit import settings
from service_kit.clock import Clock
from service_kit.database import Database
from service_kit.work import Work
from shared_contracts.actors import Actor, Role
from shared_contracts.records import GetStudent, StudentView
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


def chain(student_id: str, entries: int) -> list[journal.Entry]:
    """A registration, and corrections of the name a day apart."""
    made, end = [], (0, journal.GENESIS)
    for number in range(entries):
        first: dict[str, Any] = {"school": SCHOOL, "stage": "primary", "grade": 1, "class_no": 1, "kind": "new"}
        said = kinds.changed({"name": f"王{number}"}, {"name": f"王{number + 1}"}, case_id=f"case-{number}")
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


async def fill(db: Database, owner: asyncpg.Connection[asyncpg.Record], entries: int) -> None:
    await owner.execute(_ORGANISATION, SCHOOL, COUNTY)
    await owner.execute(_STUDENT, SCHOOL, MOMENT)
    await owner.execute(_CLASS, SCHOOL)
    await owner.execute("INSERT INTO class_memberships (student_id, joined_on, class_id) VALUES ('s', $1, 'k')", BEGIN)
    async with db.transaction() as tx:
        await store.append(tx, chain("s", entries))
    await owner.execute("ANALYZE")


async def views(db: Database, entries: int, rounds: int) -> tuple[float, float]:
    """Milliseconds of the present view and of one in the middle of the chain: the quickest of each, taken in turns."""
    clock = Clock()
    queries = [
        GetStudent(actor=REGISTRAR, student_id="s"),
        GetStudent(actor=REGISTRAR, student_id="s", as_of=min(BEGIN + timedelta(days=entries // 2), clock.today())),
    ]
    taken: list[list[float]] = [[], []]
    async with db.transaction() as tx:
        work: Work[Any] = Work(tx=tx, deps=None, now=clock.now())
        for number in range(rounds * 10):
            for which, query in enumerate(queries):
                begun = time.perf_counter()
                shown = await get_student(work, query)
                if number >= rounds:  # the first ones warm what is kept
                    taken[which].append((time.perf_counter() - begun) * 1000)
                assert isinstance(shown, StudentView), shown
    return min(taken[0]), min(taken[1])


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


async def measure(entries: int, rounds: int) -> tuple[tuple[float, float], tuple[float, float]]:
    keys = credentials.generate()
    with servers(keys) as places:
        environment = (await prepare(places, keys))["registry"]
        loaded = settings.load(environment)
        owner = await asyncpg.connect(environment["XUEJI_MIGRATION_DATABASE_URL"])
        db = Database.from_settings(loaded, Clock(), "benchmark")
        try:
            await fill(db, owner, entries)
            return await views(db, entries, rounds), await first_entries(db, owner, rounds)
        finally:
            await db.close()
            await owner.close()


def report(entries: int, looked: tuple[float, float], wrote: tuple[float, float]) -> str:
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
    return 0 if looked[1] <= MOST * looked[0] else 1


if __name__ == "__main__":
    sys.exit(main())
