from __future__ import annotations

import pytest
from regulation.purposes import LONGEST, SHORTEST, states_purpose


@pytest.mark.clause("45.1")
@pytest.mark.parametrize(
    ("purpose", "states"),
    [
        ("办理升学", True),
        ("办升学", False),
        ("　办升学　", False),
        ("核" * LONGEST, True),
        ("核" * (LONGEST + 1), False),
        ("核对2026至2027学年名册", True),
        ("核对12345号名单", True),
        ("核对123456号名单", False),
        ("核对１２３４５６号名单", False),
        ("核对\n名单用途", False),
        ("    ", False),
    ],
)
def test_a_purpose_is_a_sentence_without_numbers(purpose: str, states: bool) -> None:
    assert states_purpose(purpose) is states


def test_the_shortest_is_a_word() -> None:
    assert states_purpose("字" * SHORTEST) and not states_purpose("字" * (SHORTEST - 1))
