"""The lottery for a private school's places: whatever the list, nobody is favoured, and anybody can repeat it."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import regulation
from hypothesis import given, settings
from hypothesis import strategies as st
from regulation import lottery
from regulation.drawing import Unreadable
from regulation.lottery import FORMAT, Listing, Notice, Published, draw, list_hash, main, transferable, verify

pytestmark = pytest.mark.clause("24.5.4")
SECRET, VALUE, NUMBER = "5e" * 32, "03 07 12 20 25 31 + 09", "YH-2026-2-2123010001-3-01"
NOTICE = Notice(
    number=NUMBER,
    school="2123010001",
    school_year=2026,
    term=2,
    grade=3,
    closes_on="2027-02-20",
    commitment=lottery.commitment_of(NUMBER, SECRET),
    public_source="双色球 2027020 期",
    public_at="2027-02-23T21:15:00+08:00",
)


def listing(applicants: int = 12, free: int = 36, taken: int = 0, ratio: str = "1/9") -> Listing:
    places = transferable(free, taken, Fraction(ratio))
    codes = tuple(f"C{n:03}" for n in range(applicants))
    return Listing(free=free, taken=taken, ratio=ratio, places=places, applicants=codes)


def published(of: Listing | None = None, left: tuple[str, ...] = ()) -> Published:
    of = of or listing()
    hash_ = list_hash(NOTICE, of)
    if not lottery.is_drawn(of, left):
        everybody = tuple(code for code in of.applicants if code not in left)
        return Published(
            format=FORMAT, notice=NOTICE, listing=of, list_sha256=hash_, left=left, secret=SECRET, winners=everybody
        )
    seed = lottery.seed_of(SECRET, hash_, VALUE)
    order, winners = draw(of, seed, left)
    return Published(
        format=FORMAT,
        notice=NOTICE,
        listing=of,
        list_sha256=hash_,
        left=left,
        secret=SECRET,
        public_value=VALUE,
        seed=seed,
        order=order,
        winners=winners,
    )


def written(file: Published, at: Path, **more: Any) -> Path:
    at.write_text(json.dumps(dataclasses.asdict(file) | more, ensure_ascii=False))
    return at


lists = st.builds(listing, st.integers(0, 60), st.integers(0, 400), st.integers(0, 40), st.sampled_from(["1/9", "1/3"]))


# ---- what must never be otherwise ----------------------------------------------------------------------------------------


@settings(max_examples=200, deadline=None)
@given(lists, st.text("0123456789abcdef", min_size=4, max_size=8), st.data())
def test_never_more_winners_than_places_and_none_who_left(of: Listing, seed: str, data: st.DataObject) -> None:
    left = data.draw(st.sets(st.sampled_from(of.applicants))) if of.applicants else set()
    order, winners = draw(of, seed, left)
    assert sorted(order) == sorted(of.applicants)
    assert len(winners) == len(set(winners)) == min(of.places, len(of.applicants) - len(left))
    assert not set(winners) & left
    staying = [code for code in order if code not in left]
    assert list(winners) == staying[: len(winners)]


@settings(max_examples=100, deadline=None)
@given(lists, st.randoms(use_true_random=False))
def test_who_came_first_and_how_it_is_written_changes_nothing(of: Listing, chance: random.Random) -> None:
    mixed = dataclasses.replace(of, applicants=tuple(chance.sample(of.applicants, len(of.applicants))))
    assert list_hash(NOTICE, mixed) == list_hash(NOTICE, of)
    assert draw(mixed, "seed") == draw(of, "seed")


@settings(max_examples=100, deadline=None)
@given(lists, st.data())
def test_a_changed_list_has_another_hash(of: Listing, data: st.DataObject) -> None:
    changes: list[dict[str, Any]] = [{"places": of.places + 1}, {"free": of.free + 1}, {"taken": of.taken + 1}]
    changes += [{"ratio": "1/2"}, {"applicants": (*of.applicants, "X999")}]
    if of.applicants:
        gone = data.draw(st.sampled_from(of.applicants))
        changes.append({"applicants": tuple(code for code in of.applicants if code != gone)})
    hashes = {list_hash(NOTICE, dataclasses.replace(of, **change)) for change in changes}
    assert len(hashes) == len(changes) and list_hash(NOTICE, of) not in hashes
    for field in dataclasses.fields(Notice):
        value = getattr(NOTICE, field.name)
        other = dataclasses.replace(NOTICE, **{field.name: value + (1 if isinstance(value, int) else "x")})
        assert list_hash(other, of) != list_hash(NOTICE, of)


def test_every_applicants_chance_is_the_same() -> None:
    """Over two thousand seeds: what differs by more than six deviations is no chance."""
    of = listing(12, 36)
    assert of.places == 4
    won: Counter[str] = Counter()
    together: Counter[tuple[str, str]] = Counter()
    for seed in range(2000):
        _, winners = draw(of, str(seed))
        won.update(winners)
        together.update((a, b) for a in winners for b in winners if a < b)
    expected, deviation = 2000 / 3, (2000 * 1 / 3 * 2 / 3) ** 0.5
    assert set(won) == set(of.applicants)
    assert all(abs(found - expected) < 6 * deviation for found in won.values()), won
    pair = 2000 * 4 * 3 / (12 * 11)
    assert len(together) == 66 and all(abs(found - pair) < 6 * pair**0.5 for found in together.values()), together


# ---- how many places (24.5.3) --------------------------------------------------------------------------------------------


@pytest.mark.clause("24.5.3")
@pytest.mark.parametrize(
    ("free", "taken", "ratio", "places"),
    [
        (9, 0, "1/9", 1), (8, 0, "1/9", 0), (17, 0, "1/9", 1), (18, 0, "1/9", 2),
        (8, 1, "1/9", 0), (17, 1, "1/9", 1), (36, 0, "1/3", 12), (26, 10, "1/3", 2), (24, 12, "1/3", 0),
        (7, 0, "1/7", 1), (5, 0, "1/5", 1), (4, 0, "1/5", 0), (0, 0, "1/3", 0), (0, 9, "1/3", 0), (-3, 0, "1/3", 0),
        (30, 0, "0", 0), (3, 300, "1/3", 0), (2, 0, "1", 2), (100, 0, "1/10", 10),
    ],
)  # fmt: skip
def test_places_follow_from_free_ones_and_the_ratio(free: int, taken: int, ratio: str, places: int) -> None:
    assert transferable(free, taken, Fraction(ratio)) == places


@pytest.mark.clause("24.3.1")
@pytest.mark.clause("24.5.3")
@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, 300), st.fractions(0, Fraction(1, 3), max_denominator=40), st.lists(st.integers(0, 50), max_size=8)
)
def test_a_year_never_passes_the_ratio_of_its_free_places(free: int, ratio: Fraction, asked: list[int]) -> None:
    """Round after round of one year: what came in is never above the ratio of what was free when the year began."""
    taken, left = 0, free
    for many in asked:
        came = min(many, transferable(left, taken, ratio))
        taken, left = taken + came, left - came
        assert taken <= ratio * free
        assert left >= 0


# ---- what is published ---------------------------------------------------------------------------------------------------


def test_what_is_published_can_be_repeated_by_anybody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for left in ((), ("C000", "C007")):
        file = published(left=left)
        assert len(file.winners) == 4 and not set(left) & set(file.winners)
        assert main(["verify", str(written(file, tmp_path / "p.json", history={"state": "drawn"}))]) == 0
        said = capsys.readouterr().out
        assert "✗" not in said and said.count("✓") == 9


def test_where_there_is_room_for_all_nothing_is_drawn(tmp_path: Path) -> None:
    full = published(listing(4, 36))
    assert full.seed is None and main(["verify", str(written(full, tmp_path / "p.json"))]) == 0
    assert not all(good for _, good in verify(dataclasses.replace(full, winners=full.winners[1:])))
    one_more = published(listing(5, 36))
    assert one_more.seed is not None and len(one_more.winners) == 4
    made_room = published(listing(5, 36), left=("C002",))
    assert made_room.seed is None and len(made_room.winners) == 4


def test_it_can_be_checked_at_every_stage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    opened = Published(format=FORMAT, notice=NOTICE)
    assert main(["verify", str(written(opened, tmp_path / "p.json"))]) == 0
    assert "报名截止" in capsys.readouterr().out
    closed = dataclasses.replace(published(), secret=None, public_value=None, seed=None, order=(), winners=())
    assert main(["verify", str(written(closed, tmp_path / "p.json"))]) == 0
    assert NOTICE.public_source in capsys.readouterr().out


@pytest.mark.parametrize(
    "content", ["no", "[]", "{}", '{"format": "x", "notice": 1}', '{"format": 1, "notice": {}}', "\udcff", "null"]
)
def test_what_is_no_such_file_is_said(content: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "other.json").write_text(content, errors="surrogateescape")
    assert main(["verify", str(tmp_path / "other.json")]) == main(["verify", str(tmp_path / "none")]) == 2
    assert "无法读取" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("notice", "term", "2"), ("notice", "term", True), ("notice", "school", 5), ("listing", "applicants", "C1"),
        ("listing", "applicants", [1]), ("listing", "ratio", "1/0"), ("listing", "ratio", "x"), ("listing", "places", None),
    ],
)  # fmt: skip
def test_each_wrong_value_is_said(part: str, field: str, value: Any) -> None:
    whole = json.loads(json.dumps(dataclasses.asdict(published())))
    whole[part][field] = value
    with pytest.raises(Unreadable, match=field):
        lottery.read(json.dumps(whole))
    del whole[part][field]
    with pytest.raises(Unreadable, match=field):
        lottery.read(json.dumps(whole))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("secret", "00" * 32), ("public_value", "04"), ("seed", "00" * 32), ("list_sha256", "00" * 32), ("format", "x"),
        ("order", "turned"), ("winners", "turned"), ("winners", "other"), ("left", ("X999",)),
        ("notice.commitment", "00" * 32), ("notice.closes_on", "2027-02-21"), ("notice.public_source", "抛硬币"),
        ("listing.places", 5), ("listing.free", 45), ("listing.ratio", "1/2"), ("listing.applicants", ("C000",)),
        ("listing.applicants", ("C000",) * 12),
    ],
)  # fmt: skip
def test_no_part_of_it_can_be_changed_afterwards(field: str, value: Any, tmp_path: Path) -> None:
    true = published()
    if value == "turned":
        value = getattr(true, field)[::-1]
    if value == "other":
        value = (*true.winners[:-1], next(code for code in true.order if code not in true.winners))
    if "." in field:
        part, name = field.split(".")
        false = dataclasses.replace(true, **{part: dataclasses.replace(getattr(true, part), **{name: value})})
    else:
        false = dataclasses.replace(true, **{field: value})
    assert main(["verify", str(written(false, tmp_path / "p.json"))]) == 1


def test_nothing_but_a_python_is_needed(tmp_path: Path) -> None:
    """No installed package at all, in a process of its own."""
    sources = Path(next(iter(regulation.__path__))).parent
    command = [
        sys.executable,
        "-S",
        "-m",
        "regulation.lottery",
        "verify",
        str(written(published(), tmp_path / "p.json")),
    ]
    environment = {"PYTHONPATH": str(sources), "PATH": os.environ["PATH"], "PYTHONIOENCODING": "utf-8"}
    checked = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
