"""When a use is unusual: each line with both of its sides."""

from __future__ import annotations

from datetime import datetime, timedelta
from itertools import count

import pytest
from access.audit import policy
from access.audit.policy import KINDS, Lines, Use, pupils_shown
from regulation.calendar import Calendar, CalendarRow
from regulation.parameters import Parameters

pytestmark = pytest.mark.clause("45.1")

START = datetime.fromisoformat("2026-11-24T10:00:00+08:00")  # a Tuesday
LINES = Lines.of(Parameters.for_("230102", START.date()))
CALENDAR = Calendar()
HOUR = timedelta(hours=1)
_fresh = count()


def use(
    at: datetime = START, pupils: int | tuple[str, ...] = 1, outcome: str = "done", *, machine: bool = False
) -> Use:
    ids = pupils if isinstance(pupils, tuple) else tuple(f"p{next(_fresh)}" for _ in range(pupils))
    return Use(account="a", organisation="2123010001", authority="230102", at=at, outcome=outcome, pupils=ids,
               machine=machine)  # fmt: skip


def test_the_lines_of_today() -> None:
    assert (LINES.window, LINES.many_pupils, LINES.many_pupils_client) == (HOUR, 500, 20_000)
    assert (LINES.refusals, LINES.off_hours_pupils) == (20, 50)
    assert (LINES.quiet_from.hour, LINES.quiet_to.hour) == (22, 6)


# ---- many pupils ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("pupils", "raised"), [(499, 0), (500, 1), (501, 1)])
def test_many_pupils(pupils: int, raised: int) -> None:
    assert len(policy.many_pupils([use(START, pupils // 2), use(START, pupils - pupils // 2)], LINES)) == raised


@pytest.mark.parametrize(("pupils", "raised"), [(19_999, 0), (20_000, 1)])
def test_a_machine_reads_more(pupils: int, raised: int) -> None:
    assert len(policy.many_pupils([use(pupils=pupils, machine=True)], LINES)) == raised


@pytest.mark.parametrize(("after", "raised"), [(HOUR - timedelta(microseconds=1), 1), (HOUR, 0)])
def test_within_the_window(after: timedelta, raised: int) -> None:
    assert len(policy.many_pupils([use(START, 300), use(START + after, 200)], LINES)) == raised


def test_the_same_pupils_again_are_not_more() -> None:
    same = tuple(f"s{n}" for n in range(499))
    uses = [use(START + n * timedelta(minutes=1), same) for n in range(50)]
    assert policy.many_pupils(uses, LINES) == []
    assert len(policy.many_pupils([*uses, use(START + timedelta(minutes=55))], LINES)) == 1


def test_one_alert_a_window_with_the_highest_count() -> None:
    uses = [use(START + n * timedelta(minutes=1), 100) for n in range(60)]
    found = policy.many_pupils(uses, LINES)
    assert [(one.at, one.count, one.window) for one in found] == [
        (START + timedelta(minutes=4), 6000, "2026-11-24T10:00+08:00")
    ]
    later = [use(START + HOUR + n * timedelta(minutes=1), 100) for n in range(10)]
    assert len(policy.many_pupils([*uses, *later], LINES)) == 2


# ---- off hours --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("moment", "off"),
    [
        ("2026-11-24T21:59:59", False), ("2026-11-24T22:00:00", True), ("2026-11-25T05:59:59", True),
        ("2026-11-25T06:00:00", False), ("2026-11-28T10:00:00", True), ("2026-11-27T10:00:00", False),
        ("2025-10-01T10:00:00", True), ("2025-09-28T10:00:00", False),  # National Day; a Sunday worked for it
    ],
)  # fmt: skip
def test_off_hours(moment: str, off: bool) -> None:
    assert policy.is_off_hours(datetime.fromisoformat(f"{moment}+08:00"), LINES, CALENDAR) is off


def test_a_make_up_day_of_a_later_notice_is_a_working_day() -> None:
    saturday = datetime.fromisoformat("2026-11-28T10:00:00+08:00")
    calendar = Calendar([CalendarRow(saturday.date(), working=True)])
    assert not policy.is_off_hours(saturday, LINES, calendar)


@pytest.mark.parametrize(("pupils", "raised"), [(49, 0), (50, 1)])
def test_pupils_in_one_night(pupils: int, raised: int) -> None:
    evening, morning = (datetime.fromisoformat(f"2026-11-{t}:00:00+08:00") for t in ("24T23", "25T05"))
    uses = [use(evening, 20), use(morning, pupils - 20)]
    assert [one.window for one in policy.off_hours(uses, LINES, CALENDAR)] == ["2026-11-24"] * raised


def test_two_nights_are_two() -> None:
    nights = [datetime.fromisoformat(f"2026-11-{day}T23:00:00+08:00") for day in (24, 25)]
    assert policy.off_hours([use(night, 49) for night in nights], LINES, CALENDAR) == []
    assert len(policy.off_hours([use(night, 50) for night in nights], LINES, CALENDAR)) == 2


def test_machines_and_working_hours_are_left_alone() -> None:
    night = datetime.fromisoformat("2026-11-24T23:00:00+08:00")
    assert policy.off_hours([use(night, 400, machine=True), use(START, 400)], LINES, CALENDAR) == []


# ---- refusals, sealed accounts, stolen tokens ---------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", ["forbidden", "not_found"])
@pytest.mark.parametrize(("times", "raised"), [(19, 0), (20, 1)])
def test_refused_often(outcome: str, times: int, raised: int) -> None:
    uses = [use(START + n * timedelta(minutes=1), 0, outcome) for n in range(times)]
    assert len(policy.refused_often(uses, LINES)) == raised


@pytest.mark.parametrize(("last", "raised"), [(timedelta(minutes=59), 1), (HOUR, 0)])
def test_refused_often_within_the_window(last: timedelta, raised: int) -> None:
    uses = [use(START + n * timedelta(seconds=0), 0, "forbidden") for n in range(19)]
    assert len(policy.refused_often([*uses, use(START + last, 0, "forbidden")], LINES)) == raised


@pytest.mark.parametrize("outcome", ["refused", "invalid", "conflict", "unavailable", "wrong", "done"])
def test_what_a_rule_refused_is_no_probing(outcome: str) -> None:
    assert policy.refused_often([use(START, 0, outcome) for _ in range(100)], LINES) == []


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(("outcome", "kind"), [("sealed", "sealed_account"), ("reused", "token_reuse")])
def test_once_is_too_often_and_told_once_a_day(outcome: str, kind: str) -> None:
    uses = [use(START + n * HOUR, 0, outcome) for n in (0, 1, 24)]
    assert [(one.kind, one.window, one.count) for one in policy.one_by_one(uses)] == [
        (kind, "2026-11-24", 2), (kind, "2026-11-25", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("outcome", ["wrong", "locked", "code", "expired", "ended", "done"])
def test_other_ends_of_signing_in_are_ordinary(outcome: str) -> None:
    assert policy.one_by_one([use(START, 0, outcome)]) == []


def test_all_rules_together() -> None:
    night = datetime.fromisoformat("2026-11-24T23:00:00+08:00")
    uses = [
        use(night, 0, "reused"), use(night, 500), *(use(night, 0, "not_found") for _ in range(20)),
        use(night, 0, "sealed"),
    ]  # fmt: skip
    assert {one.kind for one in policy.unusual(uses, LINES, CALENDAR)} == set(KINDS)


# ---- whom an entry showed -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("act", "outcome", "objects", "total", "shown"),
    [
        ("registry.student", "done", ("s", "p"), 2, ("s",)),  # one pupil by two ids
        ("registry.students", "done", ("a", "b", "c"), 3, ("a", "b", "c")),
        ("registry.students", "done", ("a",), 1, ("a",)),
        ("identity.reveal_documents", "repeated", ("a", "b"), 2, ("a", "b")),
        ("identity.find_persons", "done", ("a",), 1, ("a",)),
        ("registry.roster_rows", "done", ("a", "b", "roster"), 3, ("a", "b")),
        ("registry.roster_rows", "done", ("a", "roster"), 2, ("a",)),
        ("registry.roster_rows", "done", ("roster",), 1, ()),  # rows that were refused have no registration
        ("registry.student", "forbidden", ("s",), 1, ()),
        ("registry.students", "done", (), 0, ()),
        ("access.create_account", "done", ("u",), 1, ()),  # shows no pupil
        ("registry.of_old", "done", ("u",), 1, ()),
    ],
)
def test_whom_an_entry_showed(
    act: str, outcome: str, objects: tuple[str, ...], total: int, shown: tuple[str, ...]
) -> None:
    assert pupils_shown(act, outcome, objects, total) == shown


# ---- handling -----------------------------------------------------------------------------------------------------------


def test_nobody_judges_the_own_case() -> None:
    assert policy.no_judge_of_oneself("a", "b") is None
    found = policy.no_judge_of_oneself("a", "a")
    assert found and found.code == "alert.own" and "上级审计员" in (found.cure or "")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "text.missing"), ("  \n", "text.missing"), ("已核实", None), ("字" * 10, None), ("字" * 11, "text.too_long"),
        ("12345678901234", None), ("123456789012345", "text.number"), ("某23010220190101123X", "text.number"),
    ],
)  # fmt: skip
def test_what_is_written(text: str, code: str | None) -> None:
    longest = 100 if any(c.isdigit() for c in text) else 10
    assert [found.code for found in policy.written([("结论", text, longest)])] == ([code] if code else [])


@pytest.mark.parametrize(("days", "fine"), [(0, True), (-1, True), (1, False)])
def test_an_incident_has_happened(days: int, fine: bool) -> None:
    found = policy.happened(START.date() + timedelta(days=days), START.date())
    assert (found is None) is fine
