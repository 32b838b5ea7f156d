"""Where a case stands: the order of steps, the clock of working days, returns, re-routings."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from casework.kinds import CaseKind
from casework.state import DecisionRow, advance, day_of, opened, state
from casework_samples import CALENDAR, REGISTRATION, TRANSFER, at

D = date


def rows(kind: CaseKind, *acts: tuple[str, str] | tuple[str, str, dict]) -> list[DecisionRow]:
    """(act, moment[, details]) in order; the step is the one the case is at then."""
    made: list[DecisionRow] = []
    for number, (act, moment, *details) in enumerate(acts, start=1):
        now = state(kind, at("2026-09-01T09:00"), made, today=D(2026, 9, 1), calendar=CALENDAR)
        made.append(
            DecisionRow(
                seq=number,
                step=now.standing.step or "",
                decision=act,
                account=f"account-{number}",
                account_name="某人",
                role="principal",
                organisation="o",
                decided_at=at(moment),
                reason="原因",
                details=details[0] if details else {},
            )
        )
    return made


def after(kind: CaseKind, *acts, today: date | None = None, parties=None):
    return state(
        kind,
        at("2026-09-01T09:00"),
        rows(kind, *acts),
        today=today or D(2026, 9, 2),
        calendar=CALENDAR,
        parties=parties,
    )


def test_an_open_case_waits_for_its_first_step():
    case = after(REGISTRATION)
    assert (case.status, case.waits_for, case.due) == ("open", "class_teacher", D(2026, 9, 15))


def test_approvals_lead_from_step_to_step_and_to_the_end():
    moments = [("approve", f"2026-09-0{n}T10:00") for n in range(2, 6)]
    assert [after(REGISTRATION, *moments[:n]).waits_for for n in range(5)] == [
        "class_teacher", "principal", "guardian", "authority", None,
    ]  # fmt: skip
    assert after(REGISTRATION, *moments).status == "approved"


def test_a_step_without_days_has_no_deadline():
    case = after(REGISTRATION, ("approve", "2026-09-02T10:00"), ("approve", "2026-09-02T11:00"))
    assert case.waits_for == "guardian"
    assert case.due is None
    assert not case.overdue


def test_the_clock_counts_working_days_over_the_national_day_week():
    # 25 September 2026 is a Friday; the holidays follow, and Saturday 10 October makes up for one.
    case = after(REGISTRATION, ("approve", "2026-09-25T10:00"))
    assert case.due == CALENDAR.add_working_days(D(2026, 9, 25), 10).date == D(2026, 10, 15)


@pytest.mark.parametrize(("today", "overdue"), [(D(2026, 9, 15), False), (D(2026, 9, 16), True)])
def test_overdue_begins_the_day_after_the_deadline(today, overdue):
    assert after(REGISTRATION, today=today).overdue is overdue


def test_a_deadline_in_a_year_without_a_notice_is_provisional():
    assert not after(REGISTRATION).provisional
    assert after(REGISTRATION, ("approve", "2026-12-30T10:00")).provisional


def test_a_rejection_ends_the_case():
    case = after(REGISTRATION, ("reject", "2026-09-02T10:00"))
    assert (case.status, case.waits_for, case.due) == ("rejected", None, None)


def test_a_return_stops_the_clock_and_the_case_begins_again():
    returned = after(REGISTRATION, ("approve", "2026-09-02T10:00"), ("return", "2026-09-03T10:00"), today=D(2027, 9, 1))
    assert (returned.status, returned.waits_for, returned.due) == ("returned", None, None)
    assert not returned.overdue
    assert returned.standing.deciders == ()
    again = after(
        REGISTRATION,
        ("approve", "2026-09-02T10:00"),
        ("return", "2026-09-03T10:00"),
        ("resubmit", "2026-09-25T10:00"),
    )
    assert (again.status, again.waits_for, again.due) == ("open", "class_teacher", D(2026, 10, 15))


def test_a_return_to_the_same_step_leaves_the_days_that_were_left():
    # to_school has 5 working days: from 1 September until the 8th; returned on the 3rd with 3 left.
    acts = [("return", "2026-09-03T10:00"), ("resubmit", "2026-09-21T10:00")]
    assert after(TRANSFER, acts[0]).standing.days_left == 3
    assert after(TRANSFER, *acts).due == CALENDAR.add_working_days(D(2026, 9, 21), 3).date


def test_a_clock_that_had_run_out_gives_one_more_day():
    acts = [("return", "2026-09-20T10:00"), ("resubmit", "2026-09-21T10:00")]
    assert after(TRANSFER, acts[0]).standing.days_left == 0
    assert after(TRANSFER, *acts).due == D(2026, 9, 22)


def test_returned_and_open_cases_can_be_withdrawn():
    assert after(TRANSFER, ("withdraw", "2026-09-03T10:00")).status == "withdrawn"
    assert after(TRANSFER, ("return", "2026-09-03T10:00"), ("withdraw", "2026-09-03T11:00")).status == "withdrawn"


def test_a_rerouting_goes_back_to_the_new_party_and_keeps_what_stands_before():
    parties = {"to_school": "A", "to_authority": "B", "from_school": "C", "from_authority": "D"}
    case = after(
        TRANSFER,
        ("approve", "2026-09-02T10:00"),
        ("reroute", "2026-09-03T10:00", {"parties": {"to_school": "E"}}),
        parties=parties,
    )
    assert case.parties == parties | {"to_school": "E"}
    assert (case.waits_for, case.due) == ("to_school", CALENDAR.add_working_days(D(2026, 9, 3), 5).date)
    assert case.standing.deciders == ()


def test_a_rerouting_of_a_later_party_goes_on_where_the_case_is():
    case = after(TRANSFER, ("reroute", "2026-09-03T10:00", {"parties": {"from_school": "E"}}))
    assert (case.waits_for, case.due) == ("to_school", D(2026, 9, 8))


def test_a_returned_case_that_is_rerouted_stays_returned_and_begins_with_the_new_party():
    parties = {"to_school": "A", "to_authority": "B", "from_school": "C", "from_authority": "D"}
    acts = [
        ("approve", "2026-09-02T10:00"),
        ("return", "2026-09-03T10:00"),
        ("reroute", "2026-09-04T10:00", {"parties": {"to_school": "E"}}),
    ]
    case = after(TRANSFER, *acts, parties=parties)
    assert (case.status, case.waits_for, case.due, case.parties["to_school"]) == ("returned", None, None, "E")
    again = after(TRANSFER, *acts, ("resubmit", "2026-09-21T10:00"), parties=parties)
    assert (again.waits_for, again.due) == ("to_school", CALENDAR.add_working_days(D(2026, 9, 21), 5).date)
    assert again.standing.deciders == ()


def test_a_returned_case_keeps_its_place_where_a_later_party_is_rerouted():
    acts = [("return", "2026-09-03T10:00"), ("reroute", "2026-09-04T10:00", {"parties": {"from_school": "E"}})]
    case = after(TRANSFER, *acts)
    assert (case.status, case.standing.step, case.standing.days_left) == ("returned", "to_school", 3)


def test_overrides_are_kept_and_counted():
    import msgspec

    acts = rows(TRANSFER, ("approve", "2026-09-02T10:00"), ("approve", "2026-09-03T10:00"))
    acts[1] = msgspec.structs.replace(acts[1], override=True)
    case = state(TRANSFER, at("2026-09-01T09:00"), acts, today=D(2026, 9, 4), calendar=CALENDAR)
    assert [row.step for row in case.overrides] == ["to_authority"]


@pytest.mark.parametrize("act", ["approve", "reject", "return", "reroute", "withdraw", "resubmit"])
def test_nothing_moves_a_case_that_has_ended(act):
    ended = after(REGISTRATION, ("reject", "2026-09-02T10:00")).standing
    with pytest.raises(ValueError, match="rejected"):
        advance(REGISTRATION, ended, act, "a", day=D(2026, 9, 3), calendar=CALENDAR)


def test_an_open_case_cannot_be_resubmitted_and_a_returned_one_not_decided():
    fresh = opened(REGISTRATION, D(2026, 9, 1), CALENDAR)
    with pytest.raises(ValueError, match="open"):
        advance(REGISTRATION, fresh, "resubmit", "a", day=D(2026, 9, 3), calendar=CALENDAR)
    returned = advance(REGISTRATION, fresh, "return", "a", day=D(2026, 9, 3), calendar=CALENDAR)
    with pytest.raises(ValueError, match="returned"):
        advance(REGISTRATION, returned, "approve", "a", day=D(2026, 9, 3), calendar=CALENDAR)


def test_the_business_day_is_that_of_shanghai():
    assert day_of(datetime.fromisoformat("2026-09-01T16:30:00+00:00")) == D(2026, 9, 2)
    assert day_of(datetime.fromisoformat("2026-09-01T15:59:59+00:00")) == D(2026, 9, 1)
