"""What needs no account is asked so often a minute and not oftener."""

from __future__ import annotations

import httpx
import pytest
from gateway.allowance import A_MINUTE, Allowance
from gateway_support import StandInBus
from shared_contracts.classes import GetPublishedAssignment, PublishedAssignment

ADDRESS = "/v1/class-assignments/published/FB-2026-2123010001-1-01"


class Ticking:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_has_its_share_and_gets_it_back_by_and_by() -> None:
    clock = Ticking()
    allowance = Allowance(60, clock)
    assert all(allowance.take("here") == 0 for _ in range(60))
    assert allowance.take("here") == pytest.approx(1)
    assert allowance.take("there") == 0
    clock.now += 1
    assert allowance.take("here") == 0
    assert allowance.take("here") > 0
    clock.now += 3600
    assert all(allowance.take("here") == 0 for _ in range(60)) and allowance.take("here") > 0


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No time passes for the gateway's allowance: a slow machine gets nothing back between two questions."""
    monkeypatch.setattr("gateway.app.Allowance", lambda: Allowance(clock=Ticking()))


@pytest.mark.clause("17")
@pytest.mark.usefixtures("at_once")
async def test_the_published_file_needs_no_account_and_is_not_asked_for_without_end(
    anonymous: httpx.AsyncClient, stand_in: StandInBus
) -> None:
    stand_in.answer(GetPublishedAssignment, PublishedAssignment(document='{"format":"x"}'))
    answers = [await anonymous.get(ADDRESS) for _ in range(A_MINUTE + 1)]
    assert answers[0].json() == {"format": "x"}
    assert answers[0].headers["content-type"] == "application/json"
    assert {answer.status_code for answer in answers[:A_MINUTE]} == {200}
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


async def test_a_number_that_is_none_is_not_passed_on(anonymous: httpx.AsyncClient, stand_in: StandInBus) -> None:
    for number in ("x", "FB-2026-2123010001-1-1", "FB-2026-2123010001-1-01%20"):
        answer = await anonymous.get(ADDRESS.replace("FB-2026-2123010001-1-01", number))
        assert answer.status_code in (400, 404, 422), number
    assert not stand_in.asked
