"""The population on disk: one SQLite file, filled once from the seed, found by document number.

Blocking: callers on an event loop use a thread. Each thread has a connection of its own; writers wait for each other.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path

from matcher.matching import Record, plain_number
from matcher.population import current_school_year, person

log = logging.getLogger(__name__)

CHUNK = 20_000
"""People of one transaction while the population is built: short enough to see progress and to stop between."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS people (
    document_number TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    sex TEXT NOT NULL CHECK (sex IN ('1', '2')),
    birth_date TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""


class WrongSeed(Exception):
    """The file was built from another seed or school year than asked for: its people are other people."""


class Store:
    """`generated`: how many places of the line (`population.person`) are in the file, from 0. Survives a crash: the count
    is written in the transaction of the people it counts. `school_year`: None takes the file's, a new file the current."""

    def __init__(self, path: Path, *, seed: int, school_year: int | None = None) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self.seed = path, seed
        self._local = threading.local()
        self._writing = threading.Lock()
        self._connections: list[sqlite3.Connection] = []
        with self._writing:
            db = self._db()
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(SCHEMA)
            with db:
                first = (("seed", seed), ("school_year", school_year or current_school_year()), ("generated", 0))
                db.executemany("INSERT OR IGNORE INTO facts VALUES (?, ?)", first)
                facts = dict(db.execute("SELECT key, value FROM facts"))
        self.school_year = int(facts["school_year"])
        if (int(facts["seed"]), self.school_year) != (seed, school_year or self.school_year):
            self.close()
            raise WrongSeed(
                f"{path} was built from seed {facts['seed']} and school year {self.school_year}, asked for are {seed} and "
                f"{school_year or 'any'}. Cure: remove the file, or set XUEJI_MATCHER_SEED and XUEJI_MATCHER_SCHOOL_YEAR "
                "to the old values."
            )

    def _db(self) -> sqlite3.Connection:
        db: sqlite3.Connection | None = getattr(self._local, "db", None)
        if db is None:
            db = sqlite3.connect(self._path, timeout=30, check_same_thread=False)
            db.execute("PRAGMA synchronous = NORMAL")  # a lost tail is generated again
            self._local.db = db
            self._connections.append(db)
        return db

    def close(self) -> None:
        """Close every thread's connection. Nobody may be using the store."""
        while self._connections:
            self._connections.pop().close()
        self._local = threading.local()

    @property
    def generated(self) -> int:
        (value,) = self._db().execute("SELECT value FROM facts WHERE key = 'generated'").fetchone()
        return int(value)

    def count(self) -> int:
        """All people, the generated and the added."""
        (value,) = self._db().execute("SELECT count(*) FROM people").fetchone()
        return int(value)

    def extend(self, size: int, *, stop: threading.Event | None = None) -> int:
        """Generate the line up to `size` places. What is there stays. Returns how many were new; `stop` ends it early."""
        with self._writing:
            db, begun = self._db(), time.monotonic()
            first = done = self.generated
            while done < size and not (stop and stop.is_set()):
                upto = min(done + CHUNK, size)
                rows = (
                    (p.document_number, p.name, p.sex, p.birth_date.isoformat())
                    for p in (person(self.seed, i, self.school_year) for i in range(done, upto))
                )
                with db:
                    # IGNORE: somebody may have added this very person by hand, perhaps under another name on purpose.
                    db.executemany("INSERT OR IGNORE INTO people VALUES (?, ?, ?, ?)", rows)
                    db.execute("UPDATE facts SET value = ? WHERE key = 'generated'", (str(upto),))
                done = upto
                log.info("population: %d of %d (%d %%)", done, size, 100 * done // size)
            if done > first:
                log.info("population: %d people added in %.1f s", done - first, time.monotonic() - begun)
            return done - first

    def put(self, records: Iterable[Record]) -> int:
        """Add people, or replace those with the same number. Returns how many."""
        rows = [(plain_number(r.document_number), r.name, r.sex, r.birth_date.isoformat()) for r in records]
        with self._writing, self._db() as db:
            db.executemany("INSERT OR REPLACE INTO people VALUES (?, ?, ?, ?)", rows)
        return len(rows)

    def find(self, numbers: Sequence[str]) -> Mapping[str, Record]:
        """Those of `numbers` (as `plain_number` writes them) that exist, by number. One query whatever their count."""
        rows = self._db().execute(
            "SELECT document_number, name, sex, birth_date FROM json_each(?) AS wanted "
            "JOIN people ON people.document_number = wanted.value",
            (json.dumps(numbers),),
        )
        return {
            number: Record(document_number=number, name=name, sex=sex, birth_date=date.fromisoformat(born))
            for number, name, sex, born in rows
        }
