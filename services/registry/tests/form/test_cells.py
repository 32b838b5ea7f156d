"""One cell, one kind: every way of writing it that is taken, and the nearest that is not."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest
from registry.form.cells import checker
from registry.form.faults import Fault
from registry.form.fields import BY_KEY
from registry.form.reading import read_class, read_date, read_grade, read_month
from registry.organisations.facts import SchoolFacts
from regulation.school_year import SchoolSystem

SIX_THREE, FIVE_FOUR = SchoolSystem.SIX_THREE, SchoolSystem.FIVE_FOUR


@pytest.fixture(scope="session")
def cell(school: SchoolFacts) -> Any:
    checkers = {key: checker(field, school) for key, field in BY_KEY.items()}

    def run(key: str, value: Any) -> Any:
        result = checkers[key](value)
        if isinstance(result, Fault):
            return (result.code, result.value) if result.value is not None else result.code
        return result

    return run


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (date(2016, 3, 5), date(2016, 3, 5)),
        (datetime(2016, 3, 5, 0, 0), date(2016, 3, 5)),
        ("20160305", date(2016, 3, 5)),
        (20160305.0, date(2016, 3, 5)),
        ("2016-3-5", date(2016, 3, 5)),
        ("2016-03-05 00:00:00", date(2016, 3, 5)),
        ("2016/3/5", date(2016, 3, 5)),
        ("2016.3.5", date(2016, 3, 5)),
        ("2016年3月5日", date(2016, 3, 5)),
        ("２０１６年３月５日", date(2016, 3, 5)),
        (42434.0, date(2016, 3, 5)),
        ("42434", date(2016, 3, 5)),
        ("20160229", date(2016, 2, 29)),
        ("20170229", None),
        ("20161305", None),
        ("2016-3", None),
        ("16-3-5", None),
        ("2016", None),
        (2016.0, None),
        (1.5, None),
        (18263.0, None),  # 1949-12-31: no pupil's date, more likely another number
        (18264.0, date(1950, 1, 1)),
        (True, None),
        ("18991231", None),
        ("三月五日", None),
    ],
)
def test_dates(value: Any, expected: date | None) -> None:
    assert read_date(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("202609", "202609"),
        (202609.0, "202609"),
        ("2026-9", "202609"),
        ("2026.09", "202609"),
        ("2026年9月", "202609"),
        ("20260901", "202609"),
        ("2026-9-1", "202609"),
        (date(2026, 9, 1), "202609"),
        (46266.0, "202609"),
        (2026.9, "202609"),
        (2026.12, "202612"),
        (2026.1, None),  # January, or October whose 0 Excel dropped
        ("2026.10", "202610"),
        ("202613", None),
        ("202600", None),
        ("2026", None),
        ("9月", None),
        (2026.0, None),
    ],
)
def test_months(value: Any, expected: str | None) -> None:
    assert read_month(value) == expected


@pytest.mark.parametrize(
    ("text", "system", "expected"),
    [
        ("1", SIX_THREE, 1),
        ("一年级", SIX_THREE, 1),
        ("小学一年级", SIX_THREE, 1),
        ("9", SIX_THREE, 9),
        ("七年级", SIX_THREE, 7),
        ("初一", SIX_THREE, 7),
        ("初一", FIVE_FOUR, 6),
        ("初四", FIVE_FOUR, 9),
        ("初四", SIX_THREE, None),
        ("初中一年级", SIX_THREE, 7),
        ("初中七年级", SIX_THREE, 7),
        ("初中四年级", SIX_THREE, None),
        ("小学六年级", SIX_THREE, 6),
        ("小学六年级", FIVE_FOUR, None),
        ("0", SIX_THREE, None),
        ("10", SIX_THREE, None),
        ("高一", SIX_THREE, None),
        ("2026级", SIX_THREE, None),
    ],
)
def test_grades(text: str, system: SchoolSystem, expected: int | None) -> None:
    assert read_grade(text, system) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", (1, None)),
        ("01", (1, None)),
        ("1班", (1, None)),
        ("（1）班", (1, None)),
        ("一班", (1, None)),
        ("十二班", (12, None)),
        ("二十班", (20, None)),
        ("99", (99, None)),
        ("100", None),
        ("0", None),
        ("〇班", None),
        ("十十班", None),
        ("一年级2班", (2, 1)),
        ("三年级（2）班", (2, 3)),
        ("初一3班", (3, 7)),
        ("高一3班", None),
        ("火箭班", None),
    ],
)
def test_classes(text: str, expected: tuple[int, int | None] | None) -> None:
    assert read_class(text, SIX_THREE) == expected


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        # names
        ("name", "王小明", "王小明"),
        ("name", " 王小明\u3000", "王小明"),
        ("name", "张 三", "张三"),
        ("name", "张\u3000三", "张三"),
        ("name", "王䶮", "王䶮"),
        ("name", "𠮷田", "𠮷田"),
        ("name", "王\U0002ebf0", "王\U0002ebf0"),  # extension I, newer than this Python's tables
        ("name", "⼀帆", "一帆"),  # a Kangxi radical out of a PDF
        ("name", "阿依古丽•买买提", "阿依古丽·买买提"),
        ("name", "Anna-Maria O'Neil", "Anna-Maria O'Neil"),
        ("name", "Ｊohn", "John"),
        ("name", "李", ("form.name_short", "李")),
        ("name", "王小明1", "form.name_characters"),
        ("name", "王？明", "form.name_characters"),
        ("name", "王（小明）", "form.name_characters"),
        ("name", 12.0, "form.name_characters"),
        ("name", "···", "form.name_characters"),
        ("name", "王\u200b小明", "form.invisible_character"),
        ("name", "王\x07小明", "form.invisible_character"),
        ("name", "王\ufeff小明", "form.invisible_character"),
        ("name", "王\ue000明", "form.private_character"),
        ("name", "王\U000f0000明", "form.private_character"),
        ("name", "王" * 61, "form.too_long"),
        # code tables
        ("sex", "1", "1"),
        ("sex", 1.0, "1"),
        ("sex", "男", "1"),
        ("sex", "２-女", "2"),
        ("sex", "1-女", "form.code_unknown"),
        ("sex", "9", "form.code_unknown"),
        ("ethnicity", 1.0, "01"),
        ("ethnicity", "满", "11"),
        ("ethnicity", "精灵族", "form.code_unknown"),
        ("overseas", 0.0, "00"),
        ("orphan", True, "1"),
        ("orphan", False, "0"),
        ("sex", True, "form.code_unknown"),
        ("source", "1", "1"),
        ("source", "借读", "form.code_barred"),
        # documents
        ("document_number", "23010220200305001x", "23010220200305001X"),
        ("document_number", " ２３０１０２２０２００３０５００１Ｘ ", "23010220200305001X"),
        ("document_number", 2.30102202003050e17, "form.digits_lost"),
        ("document_number", "2.30102E+17", "form.digits_lost"),
        ("document_number", 123456789.0, "123456789"),
        ("document_number", 999999999999999.0, "999999999999999"),
        ("document_number", 1e15, "form.digits_lost"),
        ("document_number", 1.5, "form.digits_lost"),
        ("document_number", -5.0, "form.digits_lost"),
        ("document_number", True, "form.digits_lost"),
        ("document_number", "A" * 31, "form.too_long"),
        # phones
        ("phone", "13845001234", "13845001234"),
        ("phone", 13845001234.0, "13845001234"),
        ("phone", "138-4500-1234", "13845001234"),
        ("phone", "+86 138 4500 1234", "13845001234"),
        ("phone", "0451-82345678", "045182345678"),
        ("phone", "(0451)82345678", "045182345678"),
        ("phone", "0451-82345678-803", "045182345678-803"),
        ("phone", "82345678", "82345678"),
        ("phone", 82345678.0, "82345678"),
        ("phone", "+85291234567", "+85291234567"),
        ("phone", "12845001234", "form.phone"),
        ("phone", "1384500123", "form.phone"),
        ("phone", "138450012345", "form.phone"),
        ("phone", "13845001234/13945001234", "form.phone"),
        ("phone", 45182345678.0, "form.phone"),  # 0451-82345678 that lost its 0
        ("phone", "无", "form.phone"),
        # small ones
        ("postcode", "150010", "150010"),
        ("postcode", 150010.0, "150010"),
        ("postcode", 10000.0, "010000"),
        ("postcode", "15001", "form.postcode"),
        ("postcode", "1500100", "form.postcode"),
        ("email", "a@b.cn", "a@b.cn"),
        ("email", "a@b", "form.email"),
        ("distance_km", 1.5, "1.5"),
        ("distance_km", 2.0, "2"),
        ("distance_km", "3公里", "3"),
        ("distance_km", "很近", "form.number"),
        ("distance_km", -1.0, "form.number"),
        ("birth_place", "230102003005", "230102003005"),
        ("birth_place", 230102003005.0, "230102003005"),
        ("birth_place", "230102", "230102000000"),
        ("birth_place", "230102003", "230102003000"),
        ("birth_place", "黑龙江省哈尔滨市道里区", "230102000000"),
        ("birth_place", "哈尔滨市道里区", "230102000000"),
        ("birth_place", "110105000000", "110105000000"),
        ("birth_place", "230199000000", ("form.division_unknown", "230199000000")),
        ("birth_place", "990102000000", "form.division"),
        ("birth_place", "23010200300", "form.division"),
        ("birth_place", "道里", "form.division"),
        ("school_code", "2123010001", "2123010001"),
        ("school_code", 2123010001.0, "2123010001"),
        ("school_code", "2123010002", "form.other_school"),
        ("grade", 1.0, "1"),
        ("grade", "十年级", "form.grade"),
        ("class_no", 2.0, "2"),
        ("class_no", "一年级2班", "1-2"),
        ("class_no", "A班", "form.class"),
        ("document_expiry", date(2031, 1, 1), "2031-01-01"),
        ("home_address", "中央大街１号\n3单元", "中央大街1号 3单元"),
        ("home_address", "中\u200d央大街1号", "form.invisible_character"),
        ("home_address", "街" * 200, "街" * 200),
        ("home_address", "街" * 201, "form.too_long"),
        ("home_address", "\u3000 ", ""),
    ],
)
def test_cells(cell: Any, key: str, value: Any, expected: Any) -> None:
    assert cell(key, value) == expected
