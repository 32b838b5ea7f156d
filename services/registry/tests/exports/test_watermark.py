"""Marks that are written and read back, and what they outlive (clause 45.2)."""

from __future__ import annotations

import io
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple
from registry.exports import watermark
from registry.exports.sheet import Column, Row, SheetOrder, in_marked_order
from registry.exports.watermark import BLOCK

KEY = bytes(range(32))
NUMBER = "DC-2026-000123"
pytestmark = pytest.mark.clause("45.2")


@given(year=st.integers(2020, 2083), serial=st.integers(0, (1 << 22) - 1))
def test_every_number_comes_back(year: int, serial: int) -> None:
    number = f"DC-{year}-{serial:06d}"
    bits = watermark.payload(KEY, number)
    assert 0 <= bits < 1 << 64
    assert watermark.number_of(KEY, bits) == number
    assert watermark.title_bits(watermark.marked_title("姓名", bits)) == bits
    texts = [f"学生{i}" for i in range(BLOCK)]
    order = watermark.arranged(KEY, texts, texts, bits)
    assert order is not None and sorted(order) == sorted(texts)
    assert watermark.order_bits(KEY, order) == bits


@pytest.mark.parametrize("number", ["DC-2019-000001", "DC-2084-000001", "DC-2026-4194304", "DC-26-1", "x", ""])
def test_what_is_no_number(number: str) -> None:
    with pytest.raises(ValueError, match="export number"):
        watermark.payload(KEY, number)


@given(bits=st.integers(0, (1 << 64) - 1))
def test_chance_is_no_mark(bits: int) -> None:
    assert watermark.number_of(KEY, bits) is None


def test_a_mark_of_another_key_is_none() -> None:
    bits = watermark.payload(KEY, NUMBER)
    other = bytes(32)
    assert watermark.number_of(other, bits) is None
    texts = [f"学生{i}" for i in range(BLOCK)]
    order = watermark.arranged(KEY, texts, texts, bits)
    assert order is not None
    found = watermark.order_bits(other, order)
    assert found is None or watermark.number_of(other, found) is None


def test_titles_look_as_they_did() -> None:
    title = watermark.marked_title("姓名", watermark.payload(KEY, NUMBER))
    assert title != "姓名" and watermark.plain(title) == "姓名" and len(title) == 34
    assert watermark.title_bits("姓名") is None and watermark.title_bits(title[:-1]) is None


def test_rows_that_cannot_be_told_apart_carry_no_mark() -> None:
    texts = ["王小明"] * 2 + [f"学生{i}" for i in range(BLOCK - 2)]
    assert watermark.arranged(KEY, texts, texts, 1) is None
    assert watermark.order_bits(KEY, texts) is None
    assert watermark.order_bits(KEY, texts[:5]) is None
    assert watermark.order_bits(KEY, ["", *(f"学生{i}" for i in range(BLOCK - 1))]) is None


def order(*columns: tuple[str, bool]) -> SheetOrder:
    return SheetOrder(
        number=NUMBER,
        columns=tuple(Column(key=key, title=key, tells=tells) for key, tells in columns),
        banner=("", "", ""),
        footer="",
        properties={},
        creator="",
        mark_key=KEY,
    )


def rows(count: int, group: str = "1", seed: int = 1) -> list[Row]:
    chance = random.Random(seed)
    return [Row(group=group, values=(f"{group}生{i}", "男", f"{chance.randrange(10**17)}")) for i in range(count)]


def marks(texts: list[str]) -> list[int]:
    """Places at which a window of rows tells the number."""
    found = []
    for at in range(len(texts) - BLOCK + 1):
        bits = watermark.order_bits(KEY, texts[at : at + BLOCK])
        if bits is not None and watermark.number_of(KEY, bits) == NUMBER:
            found.append(at)
    return found


PLAN = (("name", True), ("sex", False), ("number", True))


def test_nobody_leaves_his_class_and_nobody_is_lost() -> None:
    bits = watermark.payload(KEY, NUMBER)
    given_rows = [*rows(45, "a"), *rows(20, "b"), *rows(22, "c")]
    out = list(in_marked_order(order(*PLAN), given_rows, bits))
    assert sorted(out, key=astuple) == sorted(given_rows, key=astuple)
    assert [row.group for row in out] == [row.group for row in given_rows]
    assert out[45:65] == given_rows[45:65], "too small for a mark: as it was"


def test_marks_take_turns_with_the_columns() -> None:
    """Whoever deletes the names still leaves marks in the numbers, and the other way round."""
    out = list(in_marked_order(order(*PLAN), rows(45), watermark.payload(KEY, NUMBER)))
    assert marks([row.values[0] for row in out]) == [0]
    assert marks([row.values[2] for row in out]) == [BLOCK]
    assert marks([row.values[1] for row in out]) == []


def test_marks_outlive_missing_rows_and_a_piece_is_enough() -> None:
    out = list(in_marked_order(order(("name", True)), rows(210), watermark.payload(KEY, NUMBER)))
    names = [row.values[0] for row in out]
    chance = random.Random(3)
    for gone in sorted(chance.sample(range(len(names)), 6), reverse=True):
        del names[gone]
    assert len(marks(names)) >= 4
    assert marks(names[: BLOCK - 1]) == []
    piece = [row.values[0] for row in out[60:105]]
    assert marks(piece), "45 rows out of the middle hold a whole block"


def test_width_and_blanks_do_not_matter() -> None:
    bits = watermark.payload(KEY, NUMBER)
    texts = [f"A学生{i}" for i in range(BLOCK)]
    out = watermark.arranged(KEY, texts, texts, bits)
    assert out is not None
    copied = [f" {text.replace('A', 'Ａ')}\u200b " for text in out]
    assert watermark.order_bits(KEY, copied) == bits


def test_sorting_undoes_the_order_and_nothing_false_is_read() -> None:
    out = list(in_marked_order(order(("name", True)), rows(210), watermark.payload(KEY, NUMBER)))
    assert marks(sorted(row.values[0] for row in out)) == []


def test_the_seal_sees_every_change() -> None:
    said = {"导出编号": NUMBER, "申请人": "甲"}
    seal = watermark.seal(KEY, said)
    assert watermark.seal(KEY, dict(reversed(said.items()))) == seal
    for changed in ({**said, "申请人": "乙"}, {"导出编号": NUMBER}, {**said, "x": ""}):
        assert watermark.seal(KEY, changed) != seal
    assert watermark.seal(bytes(32), said) != seal


def test_a_frame_that_breaks_off_is_no_end() -> None:
    from registry.exports import job

    with pytest.raises(EOFError):
        list(job.rows(io.BytesIO(b"")))
