"""The rules of integration clients."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from access.clients import policy
from regulation.parameters import Parameters

TODAY = date(2026, 11, 24)
PARAMETERS = Parameters.for_("230000", TODAY)
DAY = timedelta(days=1)
GIVEN = ("students:read", "organisations:read")


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("scopes", "fine"),
    [
        (("students:read",), True),
        (GIVEN, True),
        ((), False),
        (("students:write",), False),
        (("students:read", "students:read"), False),
    ],
)
def test_scopes(scopes, fine):
    assert (policy.check_scopes(scopes) is None) is fine


@pytest.mark.clause("45.3")
def test_a_client_does_not_live_for_ever():
    last = TODAY + timedelta(days=PARAMETERS.client_max_days)
    for day, fine in ((TODAY - DAY, False), (TODAY, True), (last, True), (last + DAY, False)):
        assert (policy.check_expiry(day, TODAY, PARAMETERS) is None) is fine
    assert not policy.is_over(TODAY, TODAY)
    assert policy.is_over(TODAY - DAY, TODAY)


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("", GIVEN),
        ("students:read", ("students:read",)),
        ("organisations:read  students:read organisations:read", ("organisations:read", "students:read")),
        ("students:read students:write", None),
        ("STUDENTS:READ", None),
    ],
)
def test_scopes_asked_for(asked, granted):
    assert policy.granted(asked, GIVEN) == granted
