from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity import names

DAY = date(2019, 10, 3)
NEXT_DAY = date(2019, 10, 4)
CHINESE = st.text(st.sampled_from("王李张子轩涵浩宇梓欣怡雨晨明小晓𠮷䶮"), min_size=3, max_size=5)


def meet(a: str, b: str, day: date = DAY) -> bool:
    return bool(set(names.keys(a, DAY)) & set(names.keys(b, day)))


@pytest.mark.parametrize(
    ("a", "b"),
    [
        ("王小明", "王小明"),
        ("王小明", "王 小明"),
        ("王小明", "王晓明"),  # same sound
        ("王小明", "王小名"),
        ("章梓涵", "张紫涵"),
        ("陈思睿", "程思睿"),  # en and eng
        ("王伟", "王小伟"),  # a character left out
        ("阿卜杜热西提·买买提", "阿卜杜热西提买买提"),
        ("曾子墨", "增子墨"),  # the surname is read zeng
        ("𠮷小明", "吉小明"),  # one character replaced, and none of the readings known
    ],
)
def test_near_names_share_a_key(a: str, b: str) -> None:
    assert meet(a, b)
    assert meet(b, a)


@pytest.mark.parametrize(("a", "b"), [("王小明", "李大华"), ("王伟", "王芳"), ("王小明", "王大华")])
def test_other_names_do_not(a: str, b: str) -> None:
    assert not meet(a, b)


def test_nobody_meets_across_birth_dates() -> None:
    assert not meet("王小明", "王小明", NEXT_DAY)


@given(CHINESE, st.data())
def test_one_changed_character_is_always_found(name: str, data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(name) - 1))
    act = data.draw(st.sampled_from(["leave out", "replace", "add"]))
    other = {
        "leave out": name[:place] + name[place + 1 :],
        "replace": name[:place] + "翀" + name[place + 1 :],
        "add": name[:place] + "翀" + name[place:],
    }[act]
    assert names.one_character_apart(names.normalise(name), names.normalise(other))
    # A name of two characters has no deletion keys; it is met by its own full key.
    assert meet(name, other)


@given(CHINESE, CHINESE)
def test_apart_means_exactly_one_edit(a: str, b: str) -> None:
    expected = a != b and (
        (len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1)
        or any(
            longer[:i] + longer[i + 1 :] == shorter for longer, shorter in ((a, b), (b, a)) for i in range(len(longer))
        )
    )
    assert names.one_character_apart(a, b) == expected


def test_keys_fit_a_signed_64_bit_column() -> None:
    found = names.keys("阿卜杜热西提·买买提", DAY)
    assert all(-(2**63) <= key < 2**63 for key in found)
    assert list(found) == sorted(set(found))


def test_compound_surnames_are_read_as_such() -> None:
    assert names.sound("单于明") == names.sound("单于鸣")
    assert names.sound("单小明") != names.sound("丹小明")  # shan, not dan
