"""What a search costs in a province of any size: p95 of each kind of search and list, as a ratio to a read by key.

    make up; make seed-province STUDENTS=2000000; make bench-search
    python benchmarks/search.py [--rounds 40] [--repeats 5] [--limit 20] [--only surname] [--write]

Asked over the bus of the running stack, as the gateway asks: the registry's own handlers, their statements, and the entry
in the audit log before each answer. A read by key (`registry.student`) stands between any two searches, so that both see
the same machine. Values are drawn from the pupils that there are. `--write` puts the report, with the plans of the hot
statements, into `search.md`.

Exit status: 0; 1 where a kind of search is above three reads by key; 2 where nothing was measured.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import asyncpg
import msgspec
import nats
import sqlalchemy as sa
from registry.records import listing
from registry.search import candidates, facts, handlers
from registry.search.candidates import Search, Stretch
from registry.search.handlers import MOST_EXAMINED
from regulation import pinyin
from regulation.authorisation import Reach
from service_kit.bus import Bus
from shared_contracts.actors import Actor, Role
from shared_contracts.identity import FindPersons
from shared_contracts.messages import Message, Query
from shared_contracts.records import GetStudent, ListStudents
from shared_contracts.registry import ListRegistrations
from shared_contracts.search import SearchStudents
from sqlalchemy.dialects import postgresql
from xueji_infra.nats_conf import inbox_prefix
from xueji_local.layout import Layout
from xueji_local.seeding import checking
from xueji_local.seeding.__main__ import environment
from xueji_local.seeding.loading import Target

AIM = 3.0
RESULTS = Path(__file__).with_name("search.md")
SECONDS = 30.0


class Pupil(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    id: str
    name: str
    school: str
    authority: str
    grade: int
    class_no: int

    @property
    def sound(self) -> str:
        return " ".join(pinyin.syllables(self.name))

    @property
    def initials(self) -> str:
        return "".join(syllable[0] for syllable in pinyin.syllables(self.name))


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds of the kind, and of the reads by key that stood between. `rows`: of the page, on average."""

    what: str
    p50: float
    p95: float
    by_key_p50: float
    by_key_p95: float
    rows: float

    @classmethod
    def of(cls, what: str, asked: list[float], by_key: list[float], rows: list[int]) -> Row:
        return cls(
            what=what,
            p50=statistics.median(asked),
            p95=p95(asked),
            by_key_p50=statistics.median(by_key),
            by_key_p95=p95(by_key),
            rows=statistics.mean(rows),
        )

    @property
    def ratio(self) -> float:
        return self.p95 / self.by_key_p95

    @property
    def middle(self) -> float:
        """The same of the medians: what else runs on the machine counts for less."""
        return self.p50 / self.by_key_p50


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


# ---- who asks, and for what -----------------------------------------------------------------------------------------


def who(role: Role, organisation: str, classes: tuple[str, ...] = ()) -> Actor:
    return Actor(account=f"bench.{role}", name="测量", organisation=organisation, roles=(role,), classes=classes)


NOBODY: Actor = who(Role.AUDITOR, "230000")


def reaches(pupil: Pupil) -> dict[str, Actor]:
    officer = Role.AUTHORITY_OFFICER
    return {
        "province": who(officer, "230000"),
        "city": who(officer, pupil.authority[:4] + "00"),
        "county": who(officer, pupil.authority),
        "school": who(Role.REGISTRAR, pupil.school),
        "class": who(Role.CLASS_TEACHER, pupil.school, (f"{pupil.grade}-{pupil.class_no:02d}",)),
    }


SEARCHES: dict[str, Callable[[Pupil], dict[str, Any]]] = {
    "whole name": lambda p: {"text": p.name, "exact": True},
    "beginning (surname)": lambda p: {"text": p.name[:1]},
    "beginning (two)": lambda p: {"text": p.name[:2]},
    "part (given name)": lambda p: {"text": p.name[1:]},
    "part (last character)": lambda p: {"text": p.name[-1:]},
    "pinyin, whole": lambda p: {"text": p.sound},
    "pinyin, beginning": lambda p: {"text": p.sound.replace(" ", "")[:5]},
    "initials": lambda p: {"text": p.initials},
    "initials, beginning": lambda p: {"text": p.initials[:2]},
    "nobody": lambda _: {"text": "龘龘"},
    "surname and grade": lambda p: {"text": p.name[:1], "grade": p.grade},
    "initials, grade and class": lambda p: {"text": p.initials, "grade": p.grade, "class_no": p.class_no},
    "surname, grade, a class of few schools": lambda p: {"text": p.name[:1], "grade": p.grade, "class_no": 12},
    "surname, in school": lambda p: {"text": p.name[:1], "state": "in_school"},
    "surname, graduated": lambda p: {"text": p.name[:1], "state": "graduated"},
    "surname, mainstreamed": lambda p: {"text": p.name[:1], "placement": "mainstreamed"},
    "surname, taught at home": lambda p: {"text": p.name[:1], "placement": "home_teaching"},
    "name in a school": lambda p: {"text": p.name, "school": p.school},
}
"""From those that everybody has to those whose filter leaves hardly anybody."""

LISTS: dict[str, Callable[[Pupil], Query]] = {
    "students": lambda p: ListStudents(actor=NOBODY),
    "students of a grade": lambda p: ListStudents(actor=NOBODY, grade=p.grade),
    "students of a class": lambda p: ListStudents(actor=NOBODY, school=p.school, grade=p.grade, class_no=p.class_no),
    "students taught at home": lambda _: ListStudents(actor=NOBODY, placement="home_teaching"),
    "students, graduated": lambda _: ListStudents(actor=NOBODY, state="graduated"),
    "registrations": lambda _: ListRegistrations(actor=NOBODY),
}


def kinds(limit: int) -> Iterator[tuple[str, str, Callable[[Pupil, Actor], Query], bool]]:
    """Group, name, query, whether it is part of the gate."""
    for name, make in SEARCHES.items():

        def search(pupil: Pupil, actor: Actor, make: Callable[[Pupil], dict[str, Any]] = make) -> Query:
            return SearchStudents(actor=actor, limit=limit, **make(pupil))

        yield "search", name, search, True
    for name, make_list in LISTS.items():

        def listed(pupil: Pupil, actor: Actor, make: Callable[[Pupil], Query] = make_list) -> Query:
            return msgspec.structs.replace(make(pupil), actor=actor, limit=limit)

        yield "list", name, listed, False


# ---- measuring ------------------------------------------------------------------------------------------------------


class Bench:
    def __init__(self, bus: Bus, pupils: list[Pupil], rounds: int, repeats: int) -> None:
        self._bus, self._pupils, self._rounds, self._repeats = bus, pupils, rounds, repeats
        self._chance = random.Random(20260901)

    async def ask(self, query: Query) -> tuple[float, Message]:
        begun = time.perf_counter()
        reply = await self._bus.ask(query, timeout=SECONDS)
        took = time.perf_counter() - begun
        if getattr(reply, "kind", "") in ("invalid", "forbidden", "unavailable"):
            raise RuntimeError(f"{type(query).__name__}: {reply}")
        return took, reply

    async def measure(self, what: str, make: Callable[[Pupil], Query]) -> Row:
        asked: list[float] = []
        by_key: list[float] = []
        rows: list[int] = []
        await self.ask(make(self._pupils[0]))  # the first one prepares
        for _ in range(self._rounds):
            pupil = self._chance.choice(self._pupils)
            for _ in range(self._repeats):
                took, reply = await self.ask(make(pupil))
                key, _ = await self.ask(GetStudent(actor=who(Role.REGISTRAR, pupil.school), student_id=pupil.id))
                asked.append(took)
                by_key.append(key)
            rows.append(len(getattr(reply, "items", ())))
        return Row.of(what, asked, by_key, rows)

    async def numbers(self, known: list[tuple[str, str, str]], authority: str, limit: int) -> Row:
        """Through identity and the registry, as the gateway does it: two questions."""
        officer = who(Role.AUTHORITY_OFFICER, authority)
        asked: list[float] = []
        by_key: list[float] = []
        for number in range(self._rounds * self._repeats):
            student, present, former = self._chance.choice(known)
            first, found = await self.ask(FindPersons(actor=officer, number=former if number % 2 else present))
            second, page = await self.ask(SearchStudents(actor=officer, person_ids=found.person_ids, limit=limit))  # type: ignore[attr-defined]
            if [one.id for one in page.items] != [student]:  # type: ignore[attr-defined]
                raise RuntimeError("a number does not find its pupil")
            asked.append(first + second)
            key, _ = await self.ask(GetStudent(actor=officer, student_id=student))
            by_key.append(key)
        return Row.of("number", asked, by_key, [1])


async def pupils_of(target: Target, many: int) -> list[Pupil]:
    connection = await asyncpg.connect(target.owner_url("registry"))
    try:
        size = await connection.fetchval("SELECT count(*) FROM search_entries")
        found = await connection.fetch(
            """SELECT s.id, s.name, s.school, e.authority, k.grade, k.class_no
               FROM students s TABLESAMPLE BERNOULLI ($1) JOIN search_entries e ON e.student_id = s.id
               JOIN class_memberships m ON m.student_id = s.id AND m.left_on IS NULL JOIN classes k ON k.id = m.class_id
               WHERE s.name ~ '^[一-龥]+$' LIMIT $2""",
            min(100.0, 150.0 * many / max(size, 1)),
            many,
        )
    finally:
        await connection.close()
    return [Pupil(**row) for row in found]


async def run(
    rounds: int, repeats: int, limit: int, only: str
) -> tuple[int, list[tuple[str, str, Row, bool]], dict[str, str]]:
    layout = Layout()
    target = Target(registry=environment(layout, "registry"), identity=environment(layout, "identity"))
    gateway = environment(layout, "gateway")
    client = await nats.connect(
        gateway["XUEJI_NATS_URL"], user="gateway", password=gateway["XUEJI_NATS_PASSWORD"],
        inbox_prefix=inbox_prefix("gateway").encode(),
    )  # fmt: skip
    try:
        pupils = await pupils_of(target, 2_000)
        bench = Bench(Bus(client), pupils, rounds, repeats)
        found: list[tuple[str, str, Row, bool]] = []
        for group, name, make, gated in kinds(limit):
            for reach in ("province", "city", "county", "school", "class"):
                if only not in f"{group}: {name} {reach}":
                    continue
                if name == "name in a school" and reach in ("school", "class"):
                    continue

                def query(pupil: Pupil, reach: str = reach, make: Callable[[Pupil, Actor], Query] = make) -> Query:
                    return make(pupil, reaches(pupil)[reach])

                found.append((group, reach, await bench.measure(name, query), gated))
                print(_line(*found[-1]), flush=True)
        authority = pupils[0].authority
        known = await checking.known_numbers(target, authority, 60)
        found.append(("search", "county", await bench.numbers(known, authority, limit), True))
        print(_line(*found[-1]))
        plans = await explain(target, pupils[0], limit)
    finally:
        await client.close()
    connection = await asyncpg.connect(target.owner_url("registry"))
    size = await connection.fetchval("SELECT count(*) FROM students")
    await connection.close()
    return size, found, plans


async def explain(target: Target, pupil: Pupil, limit: int) -> dict[str, str]:
    """The plans of the hot statements, as the service's own role and settings get them."""
    connection = await asyncpg.connect(
        target.registry["XUEJI_DATABASE_URL"], server_settings={"plan_cache_mode": "force_custom_plan", "jit": "off"}
    )
    officer, province = Reach(subtree=pupil.authority), Reach(subtree="230000")
    of_county, of_all = candidates.stretch_of(officer), candidates.stretch_of(province)
    surname = pupil.name[0]

    def proposed(stretch: Stretch, text: str, **asked: Any) -> tuple[Any, tuple[Any, ...]]:
        filtered = facts.wanted(*(asked.get(name) for name in ("grade", "class_no", "stage", "state", "placement")))
        search = Search(stretch, text, False, filtered)
        window = MOST_EXAMINED if filtered.leaves_out else limit + 1
        sql, *values = candidates.statement(search, candidates.START, window=window, most=limit + 2)
        return sql, tuple(values)

    asked: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "candidates of a county, by surname": proposed(of_county, surname),
        "candidates of the province, by whole pinyin": proposed(of_all, pupil.sound.replace(" ", "")),
        "candidates of the province, by surname and grade": proposed(of_all, surname, grade=pupil.grade),
        "candidates of the province, by surname, taught at home": proposed(of_all, surname, placement="home_teaching"),
        "pupils of a school, by initials and grade": (_in_school(pupil, limit), ()),
        "a county's list": (_literal(ListStudents(actor=NOBODY), officer, limit), ()),
        "the province's list of a grade": (_literal(ListStudents(actor=NOBODY, grade=pupil.grade), province, limit), ()),
    }  # fmt: skip
    found = {}
    try:
        for title, (statement, values) in asked.items():
            await connection.fetch(statement, *values)  # warm
            rows = await connection.fetch("EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) " + statement, *values)
            plan = "\n".join(row[0] for row in rows)
            found[title] = re.sub(r"'[\u3400-\u9fff]+[^']*'", "'…'", plan)
    finally:
        await connection.close()
    return found


def _in_school(pupil: Pupil, limit: int) -> str:
    query = SearchStudents(actor=NOBODY, text=pupil.initials, school=pupil.school, grade=pupil.grade)
    wanted = handlers.wanted(query, pupil.initials, Reach(school=pupil.school))
    return _compiled(handlers.of_school(wanted, pupil.school, 0, limit + 2))


def _literal(query: ListStudents, reached: Reach, limit: int) -> str:
    return _compiled(listing.statement(query, reached, None, limit + 1))


def _compiled(statement: sa.Select[Any]) -> str:
    return str(statement.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[no-untyped-call]


# ---- report ---------------------------------------------------------------------------------------------------------


def _line(group: str, reach: str, row: Row, _gated: bool) -> str:
    return (
        f"{group:7} {row.what:38} {reach:9} p50 {row.p50 * 1e3:6.1f} by key {row.by_key_p50 * 1e3:5.1f} ms  "
        f"p95 {row.p95 * 1e3:6.1f} by key {row.by_key_p95 * 1e3:5.1f} ms  ratio {row.ratio:5.2f}  middle {row.middle:5.2f}  "
        f"rows {row.rows:4.1f}"
    )


def report(size: int, found: list[tuple[str, str, Row, bool]], plans: dict[str, str], limit: int) -> str:
    lines = [
        f"# Search: {size:,} pupils, pages of {limit}", "",
        "`make bench-search`: milliseconds over the bus, the entry in the audit log included. Each question is asked several",
        "times, with a read by key after each. *ratio*: the p95 of all of them to that of the reads by key. *middle*: the",
        "same of the medians, which what else runs on the machine moves less. Written by `search.py --write`.", "",
        f"{os.cpu_count()} cores, load while it ran {', '.join(f'{one:.1f}' for one in os.getloadavg())} (the last 1, 5, 15",
        f"minutes). {verdict(found)}", "",
        "| | | p50 | by key | p95 | by key | ratio | middle | rows |", "|---|---|---:|---:|---:|---:|---:|---:|---:|",
    ]  # fmt: skip
    lines += [
        f"| {group}: {row.what} | {reach} | {row.p50 * 1e3:.1f} | {row.by_key_p50 * 1e3:.1f} | {row.p95 * 1e3:.1f} "
        f"| {row.by_key_p95 * 1e3:.1f} | {row.ratio:.2f} | {row.middle:.2f} | {row.rows:.0f} |"
        for group, reach, row, _ in found
    ]
    for title, plan in plans.items():
        lines += ["", f"## {title}", "", "```", plan, "```"]
    return "\n".join(lines) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40, help="of each kind and reach")
    parser.add_argument("--repeats", type=int, default=5, help="of each question")
    parser.add_argument("--limit", type=int, default=20, help="rows of a page")
    parser.add_argument("--only", default="", help="part of what the kinds are called, with their reach")
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    if not Layout().stack.exists():
        print("The stack does not run. Cure: make up, make seed-province, then once more.", file=sys.stderr)
        return 2
    size, found, plans = asyncio.run(run(chosen.rounds, chosen.repeats, chosen.limit, chosen.only))
    if chosen.write:
        RESULTS.write_text(report(size, found, plans, chosen.limit))
    print(f"{size:,} pupils: {verdict(found)}")
    return 0 if all(row.ratio <= AIM for _, _, row, gate in found if gate) else 1


def verdict(found: list[tuple[str, str, Row, bool]]) -> str:
    gated = [row for _, _, row, gate in found if gate]
    above = [row for row in gated if row.ratio > AIM]
    return (
        f"Searches: {statistics.median(row.ratio for row in gated):.2f} reads by key in the middle, "
        f"{max(row.ratio for row in gated):.2f} at the worst, {len(above)} of {len(gated)} above {AIM:g}; "
        f"of the medians {statistics.median(row.middle for row in gated):.2f} and {max(row.middle for row in gated):.2f}."
    )


if __name__ == "__main__":
    sys.exit(main())
