"""One-click class assignment: whatever the list, what is promised holds, or it is said which rules cannot."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from pathlib import Path

import msgspec
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from regulation.assignment import (
    BOY,
    FORMAT,
    GIRL,
    Impossible,
    Klass,
    Listing,
    Placed,
    Published,
    Pupil,
    assign,
    commitment_of,
    fault,
    list_hash,
    main,
    seed_of,
    verify,
)

pytestmark = pytest.mark.clause("17")


def listing(
    boys: int = 45,
    girls: int = 45,
    classes: int = 2,
    *,
    placed: dict[int, int] | None = None,
    standard: int = 45,
    together: tuple[tuple[str, ...], ...] = (),
    apart: tuple[tuple[str, ...], ...] = (),
    attributes: dict[str, dict[str, str]] | None = None,
) -> Listing:
    """Pupils B000, B001, … and G000, …; classes 1, 2, …"""
    codes = [(f"B{n:03}", BOY) for n in range(boys)] + [(f"G{n:03}", GIRL) for n in range(girls)]
    return Listing(
        number="FB-2026-000001",
        school="2123000101",
        school_year=2026,
        grade=1,
        standard=standard,
        classes=tuple(Klass(class_no=n, placed=(placed or {}).get(n, 0)) for n in range(1, classes + 1)),
        pupils=tuple(Pupil(code=code, sex=sex, attributes=(attributes or {}).get(code, {})) for code, sex in codes),
        together=together,
        apart=apart,
    )


def counts(of: Listing, result: dict[str, int], sex: str = "") -> list[int]:
    by_code = {pupil.code: pupil for pupil in of.pupils}
    found = Counter(class_no for code, class_no in result.items() if not sex or by_code[code].sex == sex)
    return [found[klass.class_no] for klass in of.classes]


def sizes(of: Listing, result: dict[str, int]) -> list[int]:
    return [n + klass.placed for n, klass in zip(counts(of, result), of.classes, strict=True)]


def spread(numbers: list[int]) -> int:
    return max(numbers) - min(numbers)


@st.composite
def listings(draw: st.DrawFn) -> Listing:
    boys, girls = draw(st.integers(0, 60)), draw(st.integers(0, 60))
    classes = draw(st.integers(1, 6))
    attributes = {
        code: {"boarding": draw(st.sampled_from(["1", "2"])), "home": draw(st.sampled_from(["东街", "西街", ""]))}
        for code in [f"B{n:03}" for n in range(boys)] + [f"G{n:03}" for n in range(girls)]
    }
    codes = sorted(attributes)
    rule = st.lists(st.sampled_from(codes), min_size=2, max_size=3, unique=True).map(tuple) if len(codes) > 2 else None
    return listing(
        boys,
        girls,
        classes,
        placed={draw(st.integers(1, 6)): draw(st.integers(0, 3))},
        standard=50,
        attributes=attributes,
        together=tuple(draw(st.lists(rule, max_size=4))) if rule is not None else (),
        apart=tuple(draw(st.lists(rule, max_size=4))) if rule is not None else (),
    )


# ---- what must never be otherwise ----------------------------------------


@settings(max_examples=150, deadline=None)
@given(listings(), st.text("0123456789abcdef", min_size=4, max_size=8))
def test_whatever_the_list_the_promise_holds_or_it_is_said_why_not(of: Listing, seed: str) -> None:
    why = fault(of)
    if why is not None:
        with pytest.raises(Impossible):
            assign(of, seed)
        assert why.message
        assert (why.code == "rules") == bool(why.rules)
        return
    result = assign(of, seed)
    assert set(result) == {pupil.code for pupil in of.pupils}
    assert spread(sizes(of, result)) <= 1
    assert max(sizes(of, result)) <= of.standard
    for rule in of.together:
        assert len({result[code] for code in rule}) == 1
    for rule in of.apart:
        assert len({result[code] for code in rule}) == len(rule)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 9), st.text(min_size=1, max_size=5))
def test_boys_and_girls_differ_by_one_at_most(boys: int, girls: int, classes: int, seed: str) -> None:
    of = listing(boys, girls, classes, standard=400)
    result = assign(of, seed)
    for numbers in (counts(of, result), counts(of, result, BOY), counts(of, result, GIRL)):
        assert spread(numbers) <= 1


@settings(max_examples=60, deadline=None)
@given(listings(), st.randoms(use_true_random=False))
def test_the_order_of_the_file_changes_nothing(of: Listing, chance: random.Random) -> None:
    assume(fault(of) is None)

    def mixed(things: tuple[object, ...]) -> tuple[object, ...]:
        return tuple(chance.sample(things, len(things)))

    other = msgspec.structs.replace(
        of,
        pupils=mixed(of.pupils),
        classes=mixed(of.classes),
        together=mixed(tuple(mixed(rule) for rule in of.together)),
        apart=mixed(tuple(mixed(rule) for rule in of.apart)),
    )
    assert list_hash(of) == list_hash(other)
    assert assign(of, "seed") == assign(of, "seed") == assign(other, "seed")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=120), st.integers(1, 6))
def test_each_value_of_an_attribute_is_spread_evenly(values: list[str], classes: int) -> None:
    attributes = {f"B{n:03}": {"boarding": value} for n, value in enumerate(values)}
    of = listing(len(values), 0, classes, standard=400, attributes=attributes)
    result = assign(of, "x")
    for value in set(values):
        in_class = Counter(result[code] for code, has in attributes.items() if has["boarding"] == value)
        assert spread([in_class[klass.class_no] for klass in of.classes]) <= 1


# ---- both sides of every line ----------------------------------------


@pytest.mark.clause("11")
@pytest.mark.parametrize(
    ("pupils", "standard", "fits"), [(90, 45, True), (91, 45, False), (100, 50, True), (101, 50, False)]
)
def test_no_class_is_above_the_standard(pupils: int, standard: int, fits: bool) -> None:
    of = listing(pupils, 0, 2, standard=standard)
    why = fault(of)
    assert (why is None) == fits
    if why:
        assert (why.clause, why.code) == ("11", "too_few_classes")
        assert "至少需要3个班" in why.message


@pytest.mark.clause("11")
def test_who_was_placed_by_hand_takes_a_place() -> None:
    assert fault(listing(44, 45, 2, placed={1: 1})) is None
    full = fault(listing(45, 45, 2, placed={1: 1}))
    assert full and full.code == "too_few_classes"
    of = listing(5, 4, 2, placed={2: 3})
    assert sizes(of, assign(of, "x")) == [6, 6]
    assert fault(listing(1, 1, 2, placed={1: 3})) is None
    crowded = fault(listing(1, 0, 2, placed={1: 3}))
    assert crowded and crowded.code == "placed_too_many"


def test_as_many_as_there_are_classes_can_be_kept_apart() -> None:
    assert fault(listing(classes=3, apart=(("B000", "B001", "G000"),))) is None
    why = fault(listing(classes=2, apart=(("B000", "B001", "G000"),)))
    assert why and why.rules == (("apart", ("B000", "B001", "G000")),)


def test_which_rules_stand_in_each_others_way_is_said_and_no_others() -> None:
    harmless = (("B010", "B011"), ("G010", "G011"))
    of = listing(classes=2, together=(("B000", "G000"), *harmless), apart=(("G000", "B000"), ("B020", "B021")))
    why = fault(of)
    assert why and set(why.rules) == {("together", ("B000", "G000")), ("apart", ("B000", "G000"))}
    chain = listing(classes=2, together=(("B000", "B001"), ("B001", "B002")), apart=(("B000", "B002"), *harmless))
    why = fault(chain)
    assert why and len(why.rules) == 3


def test_siblings_of_one_sex_may_outnumber_its_seats_but_not_the_class() -> None:
    """The sexes give way to what must hold; sizes never do."""
    of = listing(4, 4, 4, together=(("B000", "B001"),))
    result = assign(of, "x")
    assert counts(of, result) == [2, 2, 2, 2]
    assert max(counts(of, result, BOY)) == 2
    assert fault(listing(4, 4, 4, together=(("B000", "B001", "B002"),)))


def test_who_is_not_on_the_list_can_have_no_rule_and_no_code_stands_twice() -> None:
    for of in (listing(apart=(("B000", "X999"),)), msgspec.structs.replace(listing(1, 0, 1), pupils=(
        Pupil(code="A", sex=BOY), Pupil(code="A", sex=GIRL)))):  # fmt: skip
        why = fault(of)
        assert why and why.code in ("unknown_code", "bad_list")
    assert fault(listing(0, 0, 0))


def test_entangled_rules_end() -> None:
    """Thirteen who must all be apart, in twelve classes: not every way is tried, and it is refused."""
    why = fault(listing(300, 300, 12, standard=60, apart=(tuple(f"B{n:03}" for n in range(13)),)))
    assert why and why.code == "rules"


# ---- chance ----------------------------------------


def test_every_pupil_comes_into_every_class_equally_often() -> None:
    """Over a thousand seeds: what differs by more than six deviations is no chance."""
    of = listing(9, 9, 3, apart=(("B000", "B001"),))
    seen: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for seed in range(1000):
        for code, class_no in assign(of, str(seed)).items():
            seen[code][class_no] += 1
    for code, found in seen.items():
        assert all(abs(found[n] - 333) < 6 * 15 for n in (1, 2, 3)), (code, found)


# ---- what is published ----------------------------------------

SECRET = "5e" * 32


def published(of: Listing | None = None, value: str = "03 07 12 20 25 31 + 09") -> Published:
    of = of or listing(20, 21, 2, together=(("B000", "G000"),))
    seed = seed_of(SECRET, list_hash(of), value)
    return Published(
        format=FORMAT,
        listing=of,
        list_sha256=list_hash(of),
        commitment=commitment_of(SECRET, list_hash(of)),
        public_source="双色球 2026101 期",
        secret=SECRET,
        public_value=value,
        seed=seed,
        result=tuple(Placed(code=code, class_no=n) for code, n in assign(of, seed).items()),
    )


def test_what_is_published_can_be_repeated_by_anybody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "published.json"
    file.write_bytes(msgspec.json.encode(published()))
    assert main(["verify", str(file)]) == 0
    assert "✗" not in capsys.readouterr().out


def test_before_the_draw_the_list_can_be_checked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    closed = msgspec.structs.replace(published(), secret=None, public_value=None, seed=None, result=())
    file = tmp_path / "published.json"
    file.write_bytes(msgspec.json.encode(closed))
    assert main(["verify", str(file)]) == 0
    assert "尚未抽签" in capsys.readouterr().out
    (tmp_path / "other.txt").write_text("no")
    assert main(["verify", str(tmp_path / "other.txt")]) == main(["verify", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize(
    "what", ["secret", "public_value", "seed", "commitment", "list_sha256", "result", "pupil", "rule"]
)
def test_no_part_of_it_can_be_changed_afterwards(what: str, tmp_path: Path) -> None:
    true = published()
    swapped = (msgspec.structs.replace(true.result[0], class_no=3 - true.result[0].class_no), *true.result[1:])
    changes: dict[str, dict[str, object]] = {
        "result": {"result": swapped},
        "pupil": {"listing": msgspec.structs.replace(true.listing, pupils=true.listing.pupils[1:])},
        "rule": {"listing": msgspec.structs.replace(true.listing, together=())},
        "public_value": {"public_value": "04"},
    }
    false = msgspec.structs.replace(true, **changes.get(what, {what: "00" * 32}))
    assert not all(good for _, good in verify(false))
    file = tmp_path / "published.json"
    file.write_bytes(msgspec.json.encode(false))
    assert main(["verify", str(file)]) == 1


def test_assignments_that_were_published_stay_as_they_are() -> None:
    """Whatever is shared with other draws: an assignment of years ago is recomputed to the same classes."""
    of = Listing(
        number="FB-2026-2123010001-7-01",
        school="2123010001",
        school_year=2026,
        grade=7,
        standard=50,
        classes=tuple(Klass(class_no=n, placed=n % 2) for n in range(1, 4)),
        pupils=tuple(
            Pupil(
                code=f"C{n:03}",
                sex="12"[n % 2],
                attributes={"home": ("东街", "西街")[n % 3 == 0], "level": "AB"[n % 2]},
            )
            for n in range(23)
        ),
        together=(("C001", "C002"),),
        apart=(("C003", "C004"), ("C001", "C010")),
    )
    hash_, secret = list_hash(of), "ab" * 32
    seed = seed_of(secret, hash_, "03 07 12 + 09")
    assert hash_ == "54434651f847ffc26d4d28d2c8d1df8f3e3c76e7ad6d37dbcab5a799a48fdac0"
    assert commitment_of(secret, hash_) == "fa459c95cc79a5b83506d02d66742517e13feca668026bf172adea5e9edd216b"
    assert seed == "5a0561fe0012ca9312914785a10763bf1308ab0e5eb60efc55448dbaab479f46"
    assert "".join(str(class_no) for class_no in assign(of, seed).values()) == "31131121322313313212222"
