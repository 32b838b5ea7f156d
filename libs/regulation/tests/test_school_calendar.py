from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regulation.parameters import LocalValue, Parameters, ParameterValue, PolicyBook, province_parameters
from regulation.school_calendar import Season, Terms, calendar, enrolment, terms

DAOLI, HARBIN = "230102", "230100"


def book(*rows: tuple[str, str, date, str]) -> PolicyBook:
    """`rows`: division, key, valid from, value."""
    return PolicyBook(
        province_parameters(),
        [
            LocalValue(key=key, value=ParameterValue(division=division, valid_from=since, value=value))
            for division, key, since, value in rows
        ],
    )


@pytest.mark.clause("10.1")
def test_the_usual_year() -> None:
    assert terms(DAOLI, 2026, Parameters.for_(DAOLI, date(2026, 9, 1))) == Terms(
        division=DAOLI,
        school_year=2026,
        autumn_first=date(2026, 9, 1),
        autumn_last=date(2027, 1, 15),
        spring_first=date(2027, 3, 1),
        spring_last=date(2027, 7, 15),
    )


@pytest.mark.clause("10.1")
@pytest.mark.parametrize(
    ("day", "term"),
    [
        (date(2026, 8, 31), None),
        (date(2026, 9, 1), "autumn"),
        (date(2027, 1, 15), "autumn"),
        (date(2027, 1, 16), None),
        (date(2027, 2, 28), None),
        (date(2027, 3, 1), "spring"),
        (date(2027, 7, 15), "spring"),
        (date(2027, 7, 16), None),
    ],
)
def test_both_sides_of_each_term(day: date, term: str | None) -> None:
    assert terms(DAOLI, 2026, Parameters.for_(DAOLI, day)).term(day) == term


@pytest.mark.clause("49")
def test_a_county_has_its_own_and_its_neighbour_the_city_s() -> None:
    held = book((DAOLI, "spring_term_start", date(2026, 12, 1), "03-08"))
    assert calendar(held, DAOLI, 2026).spring_first == date(2027, 3, 8)
    assert calendar(held, "230103", 2026).spring_first == date(2027, 3, 1)


@pytest.mark.clause("49")
@pytest.mark.parametrize(
    ("since", "first"),
    [
        (date(2026, 9, 1), date(2026, 9, 7)),  # the first day of term is still to come: it moves
        (date(2026, 9, 2), date(2026, 9, 1)),  # it has come: what was stays
    ],
)
def test_what_has_come_is_not_rewritten(since: date, first: date) -> None:
    held = book((DAOLI, "autumn_term_start", since, "09-07"))
    assert calendar(held, DAOLI, 2026).autumn_first == first
    assert calendar(held, DAOLI, 2027).autumn_first == date(2027, 9, 7)


@pytest.mark.clause("49")
def test_a_day_does_not_move_into_the_past() -> None:
    held = book((DAOLI, "spring_term_start", date(2027, 2, 20), "02-15"))
    assert calendar(held, DAOLI, 2026).spring_first == date(2027, 3, 1)
    assert calendar(held, DAOLI, 2027).spring_first == date(2028, 2, 15)


@pytest.mark.clause("49")
def test_the_latest_value_that_begins_in_time_counts() -> None:
    rows = [(date(2027, 1, 1), "07-10"), (date(2027, 7, 1), "07-20"), (date(2027, 7, 21), "07-31")]
    held = book(*((DAOLI, "spring_term_end", since, value) for since, value in rows))
    assert calendar(held, DAOLI, 2026).spring_last == date(2027, 7, 20)
    assert calendar(held, DAOLI, 2027).spring_last == date(2028, 7, 31)


def test_the_first_year_of_the_law_and_none_before() -> None:
    assert calendar(book(), DAOLI, 2006).autumn_first == date(2006, 9, 1)
    with pytest.raises(LookupError):
        calendar(book(), DAOLI, 2005)


@pytest.mark.clause("4.1", "49")
@pytest.mark.parametrize(
    ("since", "season"),
    [
        (date(2027, 6, 30), Season(first=date(2027, 7, 15), last=date(2027, 9, 30))),
        (date(2027, 7, 2), Season(first=date(2027, 7, 1), last=date(2027, 9, 30))),  # it has begun
    ],
)
def test_the_enrolment_season_of_a_county(since: date, season: Season) -> None:
    held = book((DAOLI, "enrolment_from", since, "07-15"))
    assert enrolment(held, DAOLI, 2027) == season
    assert enrolment(held, HARBIN, 2027) == Season(first=date(2027, 7, 1), last=date(2027, 9, 30))


BOUNDS = {p.key: (p.values[0].min, p.values[0].max) for p in province_parameters() if "_term_" in p.key}


@pytest.mark.clause("10.1", "49")
@given(
    st.dictionaries(st.sampled_from(sorted(BOUNDS)), st.sampled_from([0, 1]), min_size=1),
    st.dates(date(2026, 8, 31), date(2027, 8, 31)),
)
def test_terms_never_overlap_whatever_is_set_and_when(chosen: dict[str, int], since: date) -> None:
    held = book(*((DAOLI, key, since, str(BOUNDS[key][end])) for key, end in chosen.items()))
    found, before = calendar(held, DAOLI, 2026), calendar(book(), DAOLI, 2026)
    days = [found.autumn_first, found.autumn_last, found.spring_first, found.spring_last]
    assert days == sorted(set(days))
    assert date(2026, 9, 1) <= days[0]
    assert days[-1] < date(2027, 9, 1)
    for was, now in zip(
        [before.autumn_first, before.autumn_last, before.spring_first, before.spring_last], days, strict=True
    ):
        assert was == now or was >= since
