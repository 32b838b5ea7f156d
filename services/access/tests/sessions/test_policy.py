"""The rules of sessions and keys, on both sides of each boundary."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from access.sessions import policy
from access.sessions.policy import KeyTimes, Verdict
from hypothesis import given
from hypothesis import strategies as st

NOW = datetime.fromisoformat("2026-11-24T12:00:00+08:00")
LIFE, TOKEN = timedelta(days=30), timedelta(minutes=5)
SECOND = timedelta(seconds=1)
IDLE = timedelta(minutes=30)


@pytest.mark.clause("45.3")
def test_a_session_ends_idle_or_at_its_own_end():
    assert policy.goes_until(NOW, NOW + timedelta(hours=12), IDLE) == NOW + IDLE
    assert policy.goes_until(NOW, NOW + timedelta(minutes=10), IDLE) == NOW + timedelta(minutes=10)


@pytest.mark.clause("45.3")
@pytest.mark.parametrize(
    ("number", "used", "replaced", "due", "verdict"),
    [
        (3, None, False, 3, "next"),
        (3, timedelta(seconds=9.9), False, 4, "again"),
        (3, timedelta(seconds=10), False, 4, "reused"),
        (3, timedelta(seconds=1), False, 5, "reused"),  # its successor was used: no reply was lost
        (3, None, True, 3, "reused"),  # another was given out in its place
        (3, timedelta(seconds=1), True, 4, "reused"),
    ],
)
def test_what_the_use_of_a_refresh_token_means(number, used, replaced, due, verdict: Verdict):
    used_at = None if used is None else NOW - used
    assert policy.judge(number=number, used_at=used_at, replaced=replaced, due=due, now=NOW) == verdict


def test_a_token_is_never_issued_before_what_makes_tokens_stale():
    assert policy.issue_at(NOW, None) == NOW
    assert policy.issue_at(NOW, NOW - SECOND) == NOW
    assert policy.issue_at(NOW, NOW + SECOND) == NOW + SECOND


# ---- keys -----------------------------------------------------------------------------------------------------------


def key(kid: str, signs_from: datetime) -> KeyTimes:
    return KeyTimes(kid=kid, signs_from=signs_from)


@pytest.mark.clause("45.3")
def test_the_first_key_signs_at_once():
    assert policy.next_key([], NOW, LIFE) == NOW


@pytest.mark.clause("45.3")
def test_the_next_key_is_published_an_hour_before_it_signs():
    first = [key("a", NOW)]
    due = NOW + LIFE - policy.AHEAD
    assert policy.next_key(first, due - SECOND, LIFE) is None
    assert policy.next_key(first, due, LIFE) == NOW + LIFE
    both = [*first, key("b", NOW + LIFE)]
    assert policy.next_key(both, due + SECOND, LIFE) is None
    assert policy.signing(both, NOW + LIFE - SECOND) == both[0]
    assert policy.signing(both, NOW + LIFE) == both[1]


@pytest.mark.clause("45.3")
def test_a_service_that_was_away_publishes_first_too():
    late = NOW + LIFE * 2
    assert policy.next_key([key("a", NOW)], late, LIFE) == late + policy.AHEAD


@pytest.mark.clause("45.3")
def test_a_key_is_destroyed_when_its_last_token_is_dead():
    keys = [key("a", NOW - LIFE), key("b", NOW)]
    last = NOW + TOKEN + policy.LINGER
    assert policy.dead_keys(keys, last - SECOND, TOKEN) == []
    assert policy.dead_keys(keys, last, TOKEN) == ["a"]
    assert policy.dead_keys([key("a", NOW - LIFE)], NOW + LIFE, TOKEN) == []


@given(st.lists(st.integers(min_value=1, max_value=5_000), max_size=60))
def test_whenever_the_worker_comes_a_token_can_always_be_verified(pauses: list[int]):
    """Keys are made and destroyed at any moments; every live token's key is published, and no key signs unannounced."""
    now, keys, tokens = NOW, list[KeyTimes](), list[tuple[str, datetime]]()
    for minutes in pauses:
        begins = policy.next_key(keys, now, LIFE)
        dead = policy.dead_keys(keys, now, TOKEN)
        if begins is not None:
            assert begins >= now + policy.AHEAD or not keys
            keys.append(key(str(len(tokens)) + begins.isoformat(), begins))
        keys = [one for one in keys if one.kid not in dead]
        signing = policy.signing(keys, now)
        assert signing is not None
        tokens.append((signing.kid, now + TOKEN))
        published = {one.kid for one in keys}
        assert all(kid in published for kid, ends in tokens if ends > now)
        assert len(keys) <= 3
        now += timedelta(minutes=minutes * 10)
