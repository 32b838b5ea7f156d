"""The population on disk."""

from __future__ import annotations

import threading
from datetime import date
from pathlib import Path

import pytest
from matcher.matching import Record
from matcher.population import person
from matcher.store import CHUNK, Store, WrongSeed


def test_built_once_then_extended(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "population.sqlite"
    store = Store(path, seed=5, school_year=2026)
    assert (store.extend(300), store.count(), store.generated) == (300, 300, 300)
    store.close()
    again = Store(path, seed=5)
    assert (again.extend(300), again.extend(200), again.extend(450), again.count()) == (0, 0, 150, 450)
    wanted = person(5, 449)
    assert again.find([wanted.document_number, "no such number"]) == {
        wanted.document_number: Record(
            document_number=wanted.document_number, name=wanted.name, sex=wanted.sex, birth_date=wanted.birth_date
        )
    }
    again.close()


def test_a_stop_in_the_middle_goes_on_later(tmp_path: Path) -> None:
    path, stop = tmp_path / "p.sqlite", threading.Event()
    store = Store(path, seed=5)
    stop.set()
    assert store.extend(CHUNK + 1, stop=stop) == 0
    store.close()
    assert Store(path, seed=5).extend(100) == 100


def test_added_people_are_kept_when_the_line_reaches_them(tmp_path: Path) -> None:
    store = Store(tmp_path / "p.sqlite", seed=5)
    p = person(5, 10, store.school_year)
    renamed = Record(document_number=p.document_number.lower(), name="改名", sex=p.sex, birth_date=date(2020, 1, 1))
    assert store.put([renamed]) == 1
    store.extend(20)
    assert store.find([p.document_number])[p.document_number].name == "改名"
    assert store.count() == 20
    store.close()


def test_another_seed_on_the_same_file_is_refused_with_the_way_out(tmp_path: Path) -> None:
    Store(tmp_path / "p.sqlite", seed=5).close()
    with pytest.raises(WrongSeed, match="Cure"):
        Store(tmp_path / "p.sqlite", seed=6)
    Store(tmp_path / "q.sqlite", seed=5, school_year=2025).close()
    assert Store(tmp_path / "q.sqlite", seed=5).school_year == 2025
    with pytest.raises(WrongSeed):
        Store(tmp_path / "q.sqlite", seed=5, school_year=2027)


def test_readers_in_many_threads_while_somebody_writes(tmp_path: Path) -> None:
    store = Store(tmp_path / "p.sqlite", seed=5)
    store.extend(1000)
    numbers = [person(5, i, store.school_year).document_number for i in range(1000)]
    seen: list[int] = []
    threads = [threading.Thread(target=lambda: seen.append(len(store.find(numbers)))) for _ in range(8)]
    threads.append(threading.Thread(target=store.extend, args=(5000,)))
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert seen == [1000] * 8
    assert store.count() == 5000
    store.close()
