"""Admission notices (入学通知书, clause 10.1) as PDF/A-2b: number, school, when and where to report, a code to scan."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from importlib.resources import files
from typing import Any

import msgspec
import segno
from regulation.mark import clause
from service_kit.typeset import MEDIA_TYPE, Typesetter
from shared_contracts.discreet import Discreet

__all__ = ["MEDIA_TYPE", "TITLE", "Notice", "NoticesOrder", "Printer"]

TITLE = "入学通知书"
PAPERS = "本通知书、户口簿；随迁子女另带居住证"
WORDS: dict[str, str] = {
    "zone": "按照免试就近入学的原则，根据户籍所在学区",
    "placed": "按照免试就近入学的原则，由教育行政部门统筹安排",
    "migrant": "根据随迁子女就学申请，由教育行政部门统筹安排",
    "private": "按照经批准的招生方案",
    "international": "根据国际学生就读申请，经学校和主管教育行政部门同意",
    "intake": "按照当地初中升学政策",
}


class Notice(Discreet, msgspec.Struct, frozen=True, kw_only=True):
    """One child's. `place`: the school's division in words; `authority`: who signs."""

    number: str
    name: str
    school: str
    place: str
    stage: str
    school_year: int
    way: str
    report_from: date
    report_to: date
    authority: str
    admitted_on: date


class NoticesOrder(msgspec.Struct, frozen=True, kw_only=True):
    notices: tuple[Notice, ...]


class Printer:
    """Keeps one compiler alive: fonts are loaded once."""

    def __init__(self) -> None:
        self._setter = Typesetter(files("registry.enrolment.admission").joinpath("notices.typ").read_bytes())

    @clause("10.1")
    def notices(self, order: NoticesOrder) -> bytes:
        """One page a notice, in the order given."""
        shown = self._setter.glyphs.printable
        return self._setter.pdf({"title": TITLE, "notices": [_content(one, shown) for one in order.notices]})


def _content(one: Notice, shown: Callable[[str], str]) -> dict[str, Any]:
    school = shown(one.school)
    return {
        "number": one.number,
        "name": shown(one.name),
        "lines": [
            f"{WORDS[one.way]}，你被安排到{school}就读（{one.stage}，{one.school_year}年秋季入学）。",
            "因病或其他特殊情况不能按时报到的，请在开学前一周内持有关证明向学校申请延期。"
            "父母或其他法定监护人应依法送适龄儿童、少年按时入学，完成义务教育。",
        ],
        "report": f"{_day(one.report_from)}至{_day(one.report_to)}，到{school}（{shown(one.place)}）",
        "papers": PAPERS,
        "authority": shown(one.authority),
        "date": _day(one.admitted_on),
        "qr": _code(one.number),
    }


def _day(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def _code(number: str) -> list[int]:
    """A square of gray values: the notice's number, nothing about the child."""
    return [
        0 if dark else 255 for row in segno.make(number, micro=False, error="m").matrix_iter(border=1) for dark in row
    ]
