"""The form in words: every item that somebody types stands in exactly one section (clause 14)."""

from __future__ import annotations

import pytest
from registry.form.fields import FIELDS
from registry.form.telling import FORM, SECTIONS
from regulation.codetables import TABLES

pytestmark = pytest.mark.clause("14")


def test_every_item_stands_in_one_section() -> None:
    shown = [one.key for section in FORM.sections for one in section.fields]
    assert len(shown) == len(set(shown))
    assert set(shown) == {one.key for one in FIELDS} - {"school_code", "photo"}
    numbers = [number for found, _ in SECTIONS for number in found]
    assert numbers == list(range(1, 73)), "the form's items in their order, without a gap"
    assert [section.title for section in FORM.sections] == [title for _, title in SECTIONS]


def test_an_item_says_whether_and_how_it_is_filled_in() -> None:
    for section in FORM.sections:
        for one in section.fields:
            assert one.need and one.how and one.max > 0, one.key
            assert (one.kind == "code") == bool(one.table)
            assert not one.table or one.table in TABLES
