"""The same child by two schools at the same instant: exactly one wins, the other is told who has the child."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import TypeVar

import e2e_truth
import httpx
import pytest
from e2e_api import problem_of
from e2e_flow import Desk
from e2e_people import People, form_of
from e2e_system import System
from shared_contracts.decisions import Outcome
from shared_contracts.registry import RosterState, RosterView, RowState
from xueji_local import province

T = TypeVar("T")
CHILDREN = 60
BY_HAND = 8


def at_once(*acts: Callable[[], T]) -> list[T]:
    """Every act in a thread of its own, all let go at the same moment."""
    barrier = Barrier(len(acts))

    def act(do: Callable[[], T]) -> T:
        barrier.wait()
        return do()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(act, acts))


@pytest.mark.clause("15.2")
@pytest.mark.clause("20.1")
def test_two_schools_confirm_rosters_with_the_same_children(
    system: System, people: People, xinchun: Desk, qihui: Desk
) -> None:
    ours = people.roster("xinchun", CHILDREN)
    theirs = people.same_pupils("qihui", ours)
    desks = {xinchun.code: xinchun, qihui.code: qihui}
    names = {school.code: school.name for school in province.schools().values()}
    views = {d.code: d.check(made) for d, made in ((xinchun, ours), (qihui, theirs))}
    assert all(view.totals.refused == 0 for view in views.values())

    at_once(*(partial(d.registrar.confirm, views[d.code].id) for d in desks.values()))
    ended = {code: _settled(desks[code], view.id) for code, view in views.items()}

    rows = {code: {row.row: row for row in desks[code].registrar.rows(view.id)} for code, view in views.items()}
    won = {code: {n for n, row in rows[code].items() if row.registration_id} for code in desks}
    lost = {code: set(rows[code]) - won[code] for code in desks}
    assert won[xinchun.code] == lost[qihui.code] and won[qihui.code] == lost[xinchun.code]
    for code, other in ((xinchun.code, qihui.code), (qihui.code, xinchun.code)):
        for number in lost[code]:
            row = rows[code][number]
            found = [f for f in row.findings if f.outcome is Outcome.REFUSE]
            assert row.state is RowState.REFUSED
            assert [f.clause for f in found] == ["15.2"], found
            assert names[other] in found[0].message and found[0].cure, found
    claims = system.sql(
        "identity", "SELECT person_id FROM record_claims WHERE registration_id = ANY($1::text[])",
        [row.registration_id for code in desks for row in rows[code].values() if row.registration_id],
    )  # fmt: skip
    assert len({claim["person_id"] for claim in claims}) == CHILDREN

    for code, view in ended.items():
        if view.state is RosterState.IN_APPROVAL:
            desks[code].approve(view.id)
            desks[code].completed(view.id)
    e2e_truth.settled(system)
    e2e_truth.records_and_numbers_agree(system)
    e2e_truth.numbers_are_issued_once(system)


def _settled(where: Desk, roster_id: str) -> RosterView:
    """Confirmed: in approval, or complete at once where nobody was left."""
    return where.registrar.reach(roster_id, RosterState.IN_APPROVAL, RosterState.COMPLETED)


@pytest.mark.clause("15.2")
def test_two_schools_enter_the_same_child_by_hand(system: System, people: People, xinchun: Desk, qihui: Desk) -> None:
    ours = people.roster("xinchun", BY_HAND)
    names = {school.code: school.name for school in province.schools().values()}
    for row in ours.rows:
        form = form_of(ours, row)

        def enter(where: Desk, form: dict[str, str] = form) -> httpx.Response:
            return where.registrar.send("POST", "/v1/registrations", json={"form": form})

        answers = at_once(partial(enter, xinchun), partial(enter, qihui))
        assert sorted(answer.status_code for answer in answers) == [201, 409], [answer.text for answer in answers]
        winner = xinchun if answers[0].status_code == 201 else qihui
        problem = problem_of(next(answer for answer in answers if answer.status_code == 409))
        (finding,) = [f for f in problem.findings if f.outcome is Outcome.REFUSE]
        assert finding.clause == "15.2" and names[winner.code] in finding.message
    e2e_truth.settled(system)
    e2e_truth.nobody_was_forgotten(system)


def test_one_key_sent_ten_times_at_once_is_one_act(people: People, xinchun: Desk) -> None:
    """A client that loses patience: the same upload, the same key, side by side."""
    made = people.roster("xinchun", 5)
    views = at_once(*[partial(xinchun.registrar.upload, made.path, key="impatient")] * 10)
    assert len({view.id for view in views}) == 1
    view = xinchun.registrar.reach(views[0].id, RosterState.CHECKED)
    assert view.totals.rows == 5
    xinchun.registrar.cancel(view.id)
