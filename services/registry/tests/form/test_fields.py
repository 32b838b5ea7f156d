"""The form's fields as data: complete, stable, found by the titles that people write."""

from __future__ import annotations

import pytest
from registry.form.fields import BY_KEY, DOCUMENT_FIELDS, FIELDS, by_header


def test_the_72_items_stand_in_the_forms_order() -> None:
    numbered = [field.no for field in FIELDS if field.no]
    assert numbered == list(range(1, 73))
    assert FIELDS[0].key == "school_code"
    assert FIELDS[0].no == 0
    assert [field.key for field in FIELDS if field.no is None] == ["home_teaching"]


def test_every_code_field_has_its_table_and_no_other() -> None:
    for field in FIELDS:
        assert (field.kind == "code") == (field.codes is not None), field.key


def test_both_members_have_the_same_twelve_fields() -> None:
    first, second = ([f for f in FIELDS if f.member == n] for n in (1, 2))
    assert len(first) == 12
    assert [(f.key.replace("member1", "member2"), f.kind, f.max) for f in first] == [
        (f.key, f.kind, f.max) for f in second
    ]


def test_document_numbers_are_personal() -> None:
    assert {"document_number", "member1_document_number", "member2_document_number"} == DOCUMENT_FIELDS
    assert all(BY_KEY[key].personal for key in DOCUMENT_FIELDS)


@pytest.mark.parametrize(
    ("title", "key"),
    [
        ("姓名", "name"),
        ("* 姓 名（必填）", "name"),
        ("姓名*", "name"),
        ("1.姓名", "name"),
        ("身份证件号码", "document_number"),
        ("国籍／地区", "nationality"),
        ("上下学距离（公里）", "distance_km"),
        ("上下学距离", "distance_km"),
        ("性别\n(1-男 2-女)", "sex"),
        ("成员２身份证件号", "member2_document_number"),
        ("成员1身份证件号", "member1_document_number"),
        ("通讯地址", "postal_address"),
    ],
)
def test_titles_as_people_write_them(title: str, key: str) -> None:
    field = by_header(title)
    assert field is not None
    assert field.key == key


@pytest.mark.parametrize("title", ["备注", "", "姓", "成员3姓名", "班主任", "20260901"])
def test_other_titles_are_no_field(title: str) -> None:
    assert by_header(title) is None
