"""A record as of any day is folded from its journal: nothing later is ever shown, and today is the present."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.records import kinds
from registry.records.as_of import counts, fold
from registry.records.journal import GENESIS, Entry, entry
from shared_contracts.identity import NumberKind, Verification
from shared_contracts.records import StudentState, StudentView

BEGIN = date(2026, 9, 10)
OLD, NEW = "2123010001", "2123020001"


def view(**changes: Any) -> StudentView:
    values: dict[str, Any] = {
        "id": "s",
        "person_id": "p",
        "school": OLD,
        "school_name": "旧校",
        "name": "王小明",
        "sex": "1",
        "birth_date": date(2020, 3, 5),
        "masked_document": "23**************15",
        "student_number": "L2**************15",
        "number_kind": NumberKind.L,
        "former_numbers": (),
        "verification": Verification.NOT_FOUND,
        "stage": "primary",
        "grade": 1,
        "class_no": 1,
        "cohort": 2026,
        "placement": "ordinary",
        "state": StudentState.IN_SCHOOL,
        "registered_at": datetime(2026, 9, 10, 2, 0, tzinfo=UTC),
        "version": 7,
    }
    return StudentView(**(values | changes))


def chain(*changes: tuple[str, date, dict[str, Any]], recorded: list[date] | None = None) -> list[Entry]:
    """A chain that begins with a registration on `BEGIN`, each entry recorded on its legal date unless said otherwise."""
    first = {
        "school": OLD,
        "stage": "primary",
        "grade": 1,
        "class_no": 1,
        "placement": "ordinary",
        "kind": "new",
        "student_number": "L2**************15",
        "number_kind": "L",
        "verification": "not_found",
    }
    made: list[Entry] = []
    end = (0, GENESIS)
    for at, (kind, on, content) in enumerate([(kinds.REGISTERED, BEGIN, first), *changes]):
        known = on if recorded is None or at == 0 else recorded[at - 1]
        one = entry(
            "s",
            end,
            kind=kind,
            clause="21.1",
            legal_date=on,
            recorded_at=datetime(known.year, known.month, known.day, 3, 0, tzinfo=UTC),
            actor="a",
            content=content,
        )
        made.append(one)
        end = (one.seq, one.hash)
    return made


def corrected(name: str, to: str) -> dict[str, Any]:
    return kinds.changed({"name": name}, {"name": to})


@pytest.mark.clause("21.1", "44")
def test_before_it_begins_there_is_no_record() -> None:
    entries = chain()
    assert fold(entries, view(), BEGIN - timedelta(days=1)) is None
    shown = fold(entries, view(), BEGIN)
    assert shown is not None
    assert (shown.as_of, shown.version) == (BEGIN, 1)


@pytest.mark.clause("21.1", "44")
def test_a_name_is_what_it_was_until_the_day_of_its_correction() -> None:
    day = date(2026, 11, 2)
    entries = chain(("corrected", day, corrected("王小名", "王小明")))
    for on, name in [
        (BEGIN, "王小名"),
        (day - timedelta(days=1), "王小名"),
        (day, "王小明"),
        (date(2030, 1, 1), "王小明"),
    ]:
        shown = fold(entries, view(), on)
        assert shown is not None
        assert shown.name == name, on


@pytest.mark.clause("21.1", "21.2")
def test_a_move_and_a_number_show_on_their_days() -> None:
    upgraded, moved = date(2026, 10, 1), date(2026, 12, 1)
    entries = chain(
        (
            kinds.NUMBER_UPGRADED,
            upgraded,
            kinds.changed(
                {"student_number": "L2**************15", "number_kind": "L"},
                {"student_number": "G2**************15", "number_kind": "G"},
            ),
        ),
        (kinds.CUSTODY_PASSED, moved, kinds.changed({"school": OLD, "class_no": 1}, {"school": NEW, "class_no": 3})),
    )
    present = view(
        school=NEW,
        school_name="新校",
        class_no=3,
        student_number="G2**************15",
        number_kind=NumberKind.G,
        former_numbers=("L2**************15",),
    )
    table = [
        (BEGIN, OLD, 1, NumberKind.L, ()),
        (upgraded, OLD, 1, NumberKind.G, ("L2**************15",)),
        (moved, NEW, 3, NumberKind.G, ("L2**************15",)),
    ]
    for on, school, class_no, kind, former in table:
        shown = fold(entries, present, on)
        assert shown is not None
        assert (shown.school, shown.class_no, shown.number_kind, shown.former_numbers) == (
            school,
            class_no,
            kind,
            former,
        )


@pytest.mark.clause("21.1")
def test_a_grade_goes_up_with_the_school_year_and_no_further_than_the_class() -> None:
    entries = chain()
    for on, grade in [
        (BEGIN, 1),
        (date(2027, 7, 31), 1),
        (date(2027, 8, 1), 2),
        (date(2028, 9, 1), 3),
        (date(2030, 9, 1), 3),
    ]:
        shown = fold(entries, view(grade=3), on)
        assert shown is not None
        assert shown.grade == grade, on


@pytest.mark.clause("21.1")
def test_what_was_recorded_later_wins_for_the_time_it_speaks_of() -> None:
    entries = chain(
        ("corrected", date(2026, 11, 1), corrected("甲", "乙")),
        ("corrected", date(2026, 10, 1), corrected("乙", "丙")),
        recorded=[date(2026, 11, 1), date(2026, 12, 1)],
    )
    present = view(name="丙")
    asked = [
        (date(2026, 9, 20), None, "甲"),
        (date(2026, 10, 5), None, "丙"),
        (date(2026, 11, 5), None, "丙"),
        (date(2026, 10, 5), date(2026, 11, 30), "甲"),
        (date(2026, 11, 5), date(2026, 11, 30), "乙"),
        (date(2026, 11, 5), date(2026, 12, 1), "丙"),
    ]
    for on, known_on, name in asked:
        shown = fold(entries, present, on, known_on)
        assert shown is not None
        assert (shown.name, shown.known_on) == (name, known_on), (on, known_on)


@pytest.mark.clause("21.1")
def test_a_cancelled_record_was_alive_before() -> None:
    day = date(2026, 10, 1)
    entries = chain(("cancelled", day, kinds.changed({"state": "in_school"}, {"state": "cancelled"})))
    present = view(state=StudentState.CANCELLED, grade=None, class_no=None)
    states = [shown.state for on in (BEGIN, day) if (shown := fold(entries, present, on))]
    assert states == [StudentState.IN_SCHOOL, StudentState.CANCELLED]


@pytest.mark.clause("21.1")
def test_an_erased_entry_is_passed_over() -> None:
    entries = chain(("corrected", date(2026, 10, 1), corrected("甲", "乙")))
    erased = [entries[0], msgspec.structs.replace(entries[1], content=None, salt=None)]
    shown = fold(erased, view(name="乙"), BEGIN)
    assert shown is not None
    assert shown.name == "乙"


days = st.dates(date(2026, 9, 10), date(2030, 12, 31))
names = st.sampled_from("甲乙丙丁戊")


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Entry], StudentView]:
    """Names that change, each `before` the `after` of the entry recorded before it."""
    steps = draw(st.lists(st.tuples(days, days, names), max_size=8))
    recorded = sorted(known for _, known, _ in steps)
    changes, now = [], "始"
    for on, _, name in steps:
        changes.append(("corrected", on, {"before": {"name": now}, "after": {"name": name}}))
        now = name
    return chain(*changes, recorded=recorded), view(name=now)


@pytest.mark.clause("21.1", "44")
@given(histories(), days, st.none() | days)
def test_nothing_of_a_later_day_is_ever_shown(history: Any, day: date, known_on: date | None) -> None:
    entries, present = history
    shown = fold(entries, present, day, known_on)
    counting = [one for one in entries if counts(one, day, known_on)]
    if not counting:
        assert shown is None
        return
    assert shown is not None
    last = next((one for one in reversed(counting) if one.kind == "corrected"), None)  # recorded last
    assert shown.name == (last.content["after"]["name"] if last and last.content else "始")
    assert shown.version == counting[-1].seq


@given(histories())
def test_the_record_as_of_the_end_of_time_is_the_present(history: Any) -> None:
    entries, present = history
    shown = fold(entries, present, date(2099, 1, 1))
    assert shown is not None
    assert (shown.name, shown.grade, shown.school) == (present.name, present.grade, present.school)
