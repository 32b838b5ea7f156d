"""Rules of reorganisations, on both sides of every boundary."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.moving.rooms import Rooms
from registry.reorganisation import policy
from shared_contracts.decisions import Outcome

DAY = date(2026, 9, 10)
ENDING = policy.Ending(
    code="2123010002", name="另一小学", authority="230102", known_from=date(2020, 1, 1), registrations=0, admissions=0,
    later=0,
)  # fmt: skip


def codes(findings: object) -> list[str]:
    return [finding.code.removeprefix("reorganisation.") for finding in findings]  # type: ignore[attr-defined]


@pytest.mark.clause("3.1")
@pytest.mark.parametrize(
    ("organisation", "authority", "fine"),
    [
        ("230102", "230102", True),
        ("230100", "230102", True),
        ("230000", "230102", True),
        ("230103", "230102", False),
        ("230102", "230100", False),
    ],
)
def test_an_authority_reorganises_what_is_under_it(organisation: str, authority: str, fine: bool) -> None:
    assert (policy.reach_faults(organisation, {"2123010001": authority}) == ()) == fine


@pytest.mark.clause("13.2")
@pytest.mark.clause("21.3")
@pytest.mark.clause("44")
@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, []),
        ({"known_from": date(2026, 9, 9)}, []),
        ({"known_from": DAY}, ["too_early"]),
        ({"registrations": 1}, ["registrations"]),
        ({"admissions": 1}, ["admissions"]),
        ({"transfers": 1}, ["transfers"]),
        ({"later": 1}, ["came_later"]),
    ],
)
def test_a_school_ends_with_nothing_under_way(changes: dict[str, object], wanted: list[str]) -> None:
    found = policy.ending_faults(msgspec.structs.replace(ENDING, **changes), DAY)
    assert codes(found) == wanted
    assert all(f.cure and f.clause and f.fields for f in found)


@pytest.mark.clause("24.2.1")
@pytest.mark.parametrize(("coming", "outcome"), [(0, None), (100, None), (101, Outcome.NEEDS_OVERRIDE)])
def test_in_principle_no_school_grows_past_the_large(coming: int, outcome: Outcome | None) -> None:
    school = policy.Receiving(code="2123010001", name="小学", authority="230102", pupils=1900, coming=coming, most=2000)
    assert [f.outcome for f in policy.size_faults(school)] == ([outcome] if outcome else [])


@pytest.mark.clause("24.2.1")
def test_a_school_that_is_too_large_already_and_takes_nobody_stands_in_nobody_s_way() -> None:
    school = policy.Receiving(code="2123010001", name="小学", authority="230102", pupils=2500, coming=0, most=2000)
    assert policy.size_faults(school) == ()


@pytest.mark.clause("11")
@pytest.mark.parametrize(
    ("pupils", "coming", "wanted"), [(44, 1, []), (44, 2, ["class_full"]), (45, 1, ["class_full"])]
)
def test_a_class_takes_up_to_the_standard_size(pupils: int, coming: int, wanted: list[str]) -> None:
    room = policy.ClassRoom(title="一年级1班", exists=True, pupils=pupils, coming=coming, standard=45)
    assert codes(policy.room_faults(room)) == wanted
    assert codes(policy.room_faults(msgspec.structs.replace(room, exists=False))) == ["no_such_class"]


@pytest.mark.clause("21.3")
@pytest.mark.parametrize(
    ("keeper", "kind", "fine"),
    [
        ("2123010001", "school", True),
        ("2123010002", "school", False),
        ("230102", "county", True),
        ("230100", "city", True),
        ("230103", "county", False),
        ("110108", "external", False),
        ("2123010001", None, False),
    ],
)
def test_who_keeps_the_archive_of_a_school_that_is_no_more(keeper: str, kind: str | None, fine: bool) -> None:
    assert (policy.keeper_faults("2123010002", keeper, kind=kind, authority="230102") == ()) == fine


@pytest.mark.clause("44")
@pytest.mark.parametrize(
    ("changed", "closed", "wanted"),
    [(0, (), []), (1, (), ["changed_since"]), (0, ("2123010001",), ["closed_since"])],
)
def test_taken_back_is_what_stands_as_it_was_left(changed: int, closed: tuple[str, ...], wanted: list[str]) -> None:
    assert codes(policy.undo_faults(changed, closed)) == wanted


@pytest.mark.clause("44")
def test_what_waits_for_its_day_is_only_noted() -> None:
    assert policy.day_note(DAY, DAY) == ()
    assert [f.outcome for f in policy.day_note(date(2026, 9, 11), DAY)] == [Outcome.NOTE]


@pytest.mark.clause("44")
def test_a_redivision_says_what_is_wrong_with_it() -> None:
    good = {"empty": False, "unknown": (), "unchanged": (), "still_under": {}, "admitting": {}}
    assert policy.redividing_faults(**good) == ()  # type: ignore[arg-type]
    for values, code in (
        ({"empty": True}, "nothing"),
        ({"unknown": ("230199",)}, "no_such_authority"),
        ({"unchanged": ("2123010001",)}, "unchanged"),
        ({"still_under": {"230103": 1}}, "has_below"),
        ({"admitting": {"230103": 1}}, "is_admitting"),
    ):
        assert codes(policy.redividing_faults(**(good | values))) == [code]  # type: ignore[arg-type]


@pytest.mark.clause("11")
@given(
    sizes=st.dictionaries(st.integers(1, 6), st.integers(0, 50), max_size=6),
    standard=st.integers(1, 50),
    most=st.integers(0, 6),
    coming=st.integers(0, 400),
)
def test_nobody_is_placed_above_the_standard_and_nobody_is_turned_away_while_there_is_room(
    sizes: dict[int, int], standard: int, most: int, coming: int
) -> None:
    rooms = Rooms(sizes, standard=standard, most=most)
    numbers = set(sizes) | set(range(1, most + 1))
    room = sum(max(0, standard - sizes.get(number, 0)) for number in numbers)
    placed = [number for _ in range(coming) if (number := rooms.place()) is not None]
    assert len(placed) == min(coming, room)
    assert all(rooms.sizes.get(n, 0) <= max(standard, sizes.get(n, 0)) for n in numbers)
    grown = [rooms.sizes[n] for n in numbers if rooms.sizes.get(n, 0) > sizes.get(n, 0)]
    assert not grown or max(grown) - min(grown) <= 1, "even"
