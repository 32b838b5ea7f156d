"""Printable sheets (PDF/A-2b): a pupil's confirmation sheet to be signed, and the blank form (clause 15.1).

One `Printer` keeps one compiler alive: fonts are loaded once, a class of 45 pupils then takes a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from importlib.resources import files

import segno
from regulation.divisions import division, full_name
from regulation.mark import clause
from regulation.school_year import grade_name
from service_kit.glyphs import Glyphs
from service_kit.typeset import MEDIA_TYPE, Typesetter

from registry.form.fields import BY_KEY, MEMBERS, Field
from registry.rosters.frames import Page

__all__ = ["MEDIA_TYPE", "SECTIONS", "TITLE", "Printer", "by_class", "class_title", "value_text"]

TITLE = "学生基本信息确认表"

SECTIONS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "一、学生个人基础信息",
        (
            "name sex birth_date",
            "birth_place native_place ethnicity",
            "nationality document_kind document_number",
            "overseas political health",
        ),
    ),
    (
        "二、学生个人辅助信息",
        (
            "name_pinyin former_name document_expiry",
            "household_place household_kind talents",
        ),
    ),
    (
        "三、学生学籍信息",
        (
            "auxiliary_number class_seat grade",
            "class_no enrolled_month entry_way",
            "boarding source -",
        ),
    ),
    (
        "四、学生个人联系信息",
        (
            "current_address:3",
            "postal_address:3",
            "home_address:3",
            "phone postcode email",
            "homepage:3",
        ),
    ),
    (
        "五、学生个人扩展信息",
        (
            "only_child preschool left_behind",
            "migrant_child orphan martyr_child",
            "mainstreamed disability purchased_place",
            "needs_aid subsidised home_teaching",
        ),
    ),
    ("六、学生上下学交通方式", ("distance_km commute school_bus",)),
    *(
        (
            f"{'七八'[n - 1]}、家庭成员或监护人信息{'一二'[n - 1]}",
            (
                f"member{n}_name member{n}_relation member{n}_relation_note",
                f"member{n}_ethnicity member{n}_guardian member{n}_phone",
                f"member{n}_document_kind member{n}_document_number:2",
                f"member{n}_employer:2 member{n}_duty",
                f"member{n}_address:2 member{n}_household_place",
            ),
        )
        for n in MEMBERS
    ),
)
"""The official form's sections, its rows, and how many thirds of a row a field takes. 照片 is kept as a file (clause 14)."""


class Printer:
    """Prints sheets. Not for use in two threads at once: a compiler works on one document at a time."""

    def __init__(self) -> None:
        self._typesetter = Typesetter(files("registry.rosters").joinpath("confirmation.typ").read_bytes())

    @clause("15.1")
    def confirmation_sheets(self, school: str, grade_and_class: str, pages: Sequence[Page], printed_on: date) -> bytes:
        """The sheets of one class, a page each, for guardian and class teacher to sign."""
        return self._typesetter.pdf(
            {
                "title": TITLE,
                "blank": False,
                "note": "以上信息经核对无误。监护人确认签字后，由学校留存，作为建立学籍的依据。",
                "signatures": ["监护人签字", "班主任签字", "签字日期"],
                "pupils": [
                    {
                        "head": [["学校", school], ["班级", grade_and_class], ["打印日期", printed_on.isoformat()]],
                        "qr": _qr(page.registration_id),
                        "id": page.registration_id,
                        "sections": _sections({**page.form, **page.documents}, self._typesetter.glyphs),
                    }
                    for page in pages
                ],
            }
        )

    @clause("15.1")
    def blank_form(self, school: str) -> bytes:
        """The form that the school hands out; short code tables are printed as boxes to tick."""
        return self._typesetter.pdf(
            {
                "title": "学生基本信息表",
                "blank": True,
                "note": "请按户口簿和证件用黑色笔填写。带□的项目请打勾；区划代码由学校填写。",
                "signatures": ["学生或监护人签字", "班主任签字", "填写日期"],
                "pupils": [{"head": [["学校", school]], "qr": [], "id": "", "sections": _sections({}, None)}],
            }
        )


def _qr(text: str) -> list[int]:
    """The code's modules as pixels, 0 black, 255 white, row after row: a square.

    Any mask gives a valid code; trying all eight for the best-looking one would take as long as the rest of the page.
    """
    code = segno.make(text, error="m", micro=False, mask=3)
    return [0 if dark else 255 for row in code.matrix for dark in row]


def _sections(values: Mapping[str, str], glyphs: Glyphs | None) -> list[dict[str, object]]:
    return [{"title": title, "rows": [_row(line, values, glyphs) for line in lines]} for title, lines in SECTIONS]


def _row(line: str, values: Mapping[str, str], glyphs: Glyphs | None) -> list[tuple[str, str, int]]:
    cells: list[tuple[str, str, int]] = []
    for word in line.split():
        key, _, thirds = word.partition(":")
        if key == "-":
            cells.append(("", "", 1))
            continue
        field = BY_KEY[key]
        text = _blank(field) if glyphs is None else glyphs.printable(value_text(field, values.get(key, "")))
        cells.append((_short(field), text, int(thirds or "1")))
    return cells


def _short(field: Field) -> str:
    """成员1姓名 stands in its member's section: 姓名."""
    return field.header.removeprefix(f"成员{field.member}") if field.member else field.header


def _blank(field: Field) -> str:
    table = field.codes
    if table is None or len(table.options) > 9 or sum(map(len, table.options)) > 70:
        return ""
    return " ".join(f"□{option.split('-', 1)[1]}" for option in table.options)


def value_text(field: Field, value: str) -> str:
    """A normalised value as people read it: the name of a code, of a division, a date with dashes."""
    if not value:
        return ""
    if table := field.codes:
        entry = table.get(value)
        return entry.name if entry else value
    if field.kind == "division":
        return f"{full_name(value)}（{value}）" if division(value) else value
    if field.kind == "month":
        return f"{value[:4]}年{int(value[4:])}月"
    if field.kind == "grade":
        return grade_name(int(value))
    if field.kind == "class":
        return f"{value}班"
    return value


def class_title(grade: int, class_no: int) -> str:
    """一年级1班."""
    return f"{grade_name(grade)}{class_no}班"


def by_class(classes: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Grades and classes in the order of a school."""
    return sorted(set(classes))
