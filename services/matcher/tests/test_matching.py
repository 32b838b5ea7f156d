"""Comparison of one question with one record."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from matcher.faults import Faults, Switchboard, falsify
from matcher.matching import Answer, Item, Outcome, Record, compare, plain_name

RECORD = Record(document_number="110105202003050017", name="阿依古丽·买买提", sex="2", birth_date=date(2020, 3, 5))
ITEM = Item(
    id="a", name=RECORD.name, sex=RECORD.sex, birth_date=RECORD.birth_date, document_number=RECORD.document_number
)


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, Outcome.MATCHED),
        ({"name": " 阿依古丽 • 买买提\u3000"}, Outcome.MATCHED),
        ({"name": "阿依古丽‧买买提"}, Outcome.MATCHED),
        ({"name": "阿依古丽买买提"}, Outcome.NAME_MISMATCH),
        ({"name": "阿依古丽·买买提江"}, Outcome.NAME_MISMATCH),
        ({"sex": "1"}, Outcome.SEX_MISMATCH),
        ({"birth_date": date(2020, 3, 6)}, Outcome.BIRTH_DATE_MISMATCH),
        ({"name": "王", "sex": "1", "birth_date": date(2020, 3, 6)}, Outcome.NAME_MISMATCH),
        ({"sex": "1", "birth_date": date(2020, 3, 6)}, Outcome.SEX_MISMATCH),
    ],
)
@pytest.mark.clause("15.3")
def test_the_first_difference_is_the_answer(change: dict[str, object], outcome: Outcome) -> None:
    assert compare(msgspec.structs.replace(ITEM, **change), RECORD) is outcome


@pytest.mark.clause("15.3")
def test_nobody_with_this_number() -> None:
    assert compare(ITEM, None) is Outcome.NOT_FOUND


def test_names_are_composed_but_not_made_compatible() -> None:
    assert plain_name("e\u0301") == "é"
    assert plain_name("\u2f3b") != "彳"  # a radical of the compatibility block is another character
    assert plain_name("王䶮 𠮷") == "王䶮𠮷"


def test_faults_end_after_their_times() -> None:
    board = Switchboard()
    board.set(Faults(status=503, times=2))
    assert [board.take().status for _ in range(3)] == [503, 503, None]


def test_a_limit_holds_one_second_of_requests_and_fills_again(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr("matcher.faults.time.monotonic", lambda: now[0])
    board, limited = Switchboard(), Faults(rate_limit=2)
    board.set(limited)
    assert [board.over_limit(limited) for _ in range(3)] == [0, 0, 0.5]
    now[0] += 0.49
    assert board.over_limit(limited) > 0
    now[0] += 0.02
    assert board.over_limit(limited) == 0
    now[0] += 60
    assert [board.over_limit(limited) > 0 for _ in range(3)] == [False, False, True]


def test_wrong_answers_are_a_share_and_always_the_same() -> None:
    items = [msgspec.structs.replace(ITEM, id=str(n), document_number=f"{n:018d}") for n in range(2000)]
    right = [Answer(id=i.id, outcome=Outcome.MATCHED) for i in items]
    wrong = [falsify(i, a, 0.25) for i, a in zip(items, right, strict=True)]
    assert 0.2 < sum(w != r for w, r in zip(wrong, right, strict=True)) / 2000 < 0.3
    assert wrong == [falsify(i, a, 0.25) for i, a in zip(items, right, strict=True)]
    assert all(falsify(i, a, 1.0).outcome is not Outcome.MATCHED for i, a in zip(items, right, strict=True))
    assert all(falsify(i, a, 0.0) == a for i, a in zip(items, right, strict=True))
