"""Reading what people write in cells: text, whole numbers, dates, months, grades, classes. Pure; no fault is made here."""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta

from regulation.school_year import SchoolSystem, Stage, grades_of

from registry.form.faults import Cell, plain

_WIDE = str.maketrans({c + 0xFEE0: chr(c) for c in range(ord("0"), ord("z") + 1) if chr(c).isalnum()} | {0x3000: " "})
_WIDE_FOUND = re.compile("[０-９Ａ-Ｚａ-ｚ　]")  # noqa: RUF100
_BLANK = "\t\n\r\v\f \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
EXACT = 10**15
"""Excel keeps 15 digits of a number; what is longer has lost its end."""


def text_of(cell: Cell) -> str:
    """A cell as text: full-width digits, letters and spaces made half-width, no white space around."""
    text = cell if type(cell) is str else plain(cell)
    if _WIDE_FOUND.search(text):
        text = text.translate(_WIDE)
    return text.strip(_BLANK)


def number_of(cell: Cell) -> int | None:
    """The whole number of a number cell, None for anything else."""
    if type(cell) is float and cell.is_integer():
        return int(cell)
    return cell if type(cell) is int else None


_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?(?:[ T]0?0:00(?::00(?:\.0+)?)?)?")
_EIGHT = re.compile(r"\d{8}")
_FIVE = re.compile(r"\d{5}")
_EPOCH = date(1899, 12, 30)  # of Excel's serial numbers
_SERIALS = range(18_264, 73_051)  # 1950-01-01 to 2100-01-01


def _ymd(year: str | int, month: str | int, day: str | int) -> date | None:
    try:
        found = date(int(year), int(month), int(day))
    except ValueError:
        return None
    return found if 1900 <= found.year <= 2100 else None


def _digits_date(digits: str) -> date | None:
    if _EIGHT.fullmatch(digits):
        return _ymd(digits[:4], digits[4:6], digits[6:])
    if _FIVE.fullmatch(digits) and int(digits) in _SERIALS:
        return _EPOCH + timedelta(days=int(digits))
    return None


def read_date(cell: Cell) -> date | None:
    """A date cell, 20160305, 2016-3-5 (or with / . 年月日), or Excel's serial number; None for anything else."""
    if isinstance(cell, datetime):
        return cell.date()
    if isinstance(cell, date):
        return cell
    number = number_of(cell)
    if number is not None:
        return _digits_date(str(number))
    if type(cell) is not str:
        return None
    text = unicodedata.normalize("NFKC", cell).strip()
    if found := _DATE.fullmatch(text):
        return _ymd(*found.groups())
    return _digits_date(text)


_SIX = re.compile(r"\d{6}")
_MONTH = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*月?")


def read_month(cell: Cell) -> str | None:
    """YYYYMM of a month written 202609, 2026-9 (or with / . 年月), as a whole date, or as a date cell."""
    digits = str(number) if (number := number_of(cell)) is not None else ""
    if type(cell) is float and not digits and 1900 <= cell <= 2100:
        # 2026.9 typed as a number. 2026.1 may have been 2026.10: it cannot be told.
        year, _, fraction = repr(cell).partition(".")
        return None if fraction == "1" else _month(year, fraction)
    text = digits or (unicodedata.normalize("NFKC", cell).strip() if type(cell) is str else "")
    if _SIX.fullmatch(text):
        return _month(text[:4], text[4:])
    if found := _MONTH.fullmatch(text):
        return _month(*found.groups())
    day = read_date(cell)
    return None if day is None else f"{day:%Y%m}"


def _month(year: str, month: str) -> str | None:
    if not month.isdigit():
        return None
    day = _ymd(year, month, 1)
    return None if day is None else f"{day:%Y%m}"


_NUMERALS = {c: n for n, c in enumerate("〇一二三四五六七八九十")} | {"零": 0, "两": 2}
_GRADE = re.compile(r"(小学|初中)?([一二三四五六七八九]|[1-9])(?:年级|级)?")
_JUNIOR = re.compile(r"初([一二三四])")
_CLASS_NUMBER = r"(\d{1,2}|[一二三四五六七八九十]{1,3})"
_CLASS = re.compile(rf"[(]?{_CLASS_NUMBER}[)]?班?")
_GRADE_AND_CLASS = re.compile(rf"(.{{1,5}}?)[.·\-]?[(]?{_CLASS_NUMBER}[)]?班")


def _numeral(text: str) -> int:
    """1 to 99 in Arabic or Chinese numerals; 0 where it is neither."""
    if text.isascii():
        return int(text)
    tens, ten, ones = text.partition("十")
    if not ten:
        return _NUMERALS[text] if len(text) == 1 else 0
    if len(tens) > 1 or len(ones) > 1 or "十" in ones:
        return 0
    return 10 * (_NUMERALS[tens] if tens else 1) + (_NUMERALS[ones] if ones else 0)


def read_grade(text: str, system: SchoolSystem) -> int | None:
    """1 to 9 of 1, 一年级, 小学一年级, 七年级, 初一, 初中一年级; where junior school begins, the school's system says."""
    folded = unicodedata.normalize("NFKC", text).replace(" ", "")
    first = grades_of(Stage.JUNIOR, system)[0]
    if found := _JUNIOR.fullmatch(folded):
        grade = first - 1 + _NUMERALS[found[1]]
        return grade if grade <= 9 else None
    if not (found := _GRADE.fullmatch(folded)):
        return None
    grade = _numeral(found[2])
    if found[1] == "初中" and grade < first:
        grade += first - 1  # 初中一年级, and 初中七年级 as it is
    return None if grade > 9 or (found[1] == "小学" and grade >= first) else grade


def read_class(text: str, system: SchoolSystem) -> tuple[int, int | None] | None:
    """Class number 1 to 99 of 1, 01, 1班, （1）班, 一班; with the grade where it is written before it: 三年级2班."""
    folded = unicodedata.normalize("NFKC", text).replace(" ", "")
    if found := _CLASS.fullmatch(folded):
        number = _numeral(found[1])
        return (number, None) if number else None
    if found := _GRADE_AND_CLASS.fullmatch(folded):
        number, grade = _numeral(found[2]), read_grade(found[1], system)
        return (number, grade) if number and grade else None
    return None
