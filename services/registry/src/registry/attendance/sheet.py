"""Who sits in a class, in a workbook: a row for each pupil, and the sheet that whoever checks a class fills in.

Rows are read in a child process (`registry.rosters.jobs`), which knows nothing but the file; what they mean is decided here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from shared_contracts.attendance import MOST_SEATED, Seated, SeatedRow
from shared_contracts.identity import Sex

from registry.rosters.archive import Limits
from registry.rosters.lists import Column, Layout, national, refusing, workbook
from registry.rosters.template import MEDIA_TYPE as MEDIA_TYPE  # noqa: PLC0414 - the same kind of file
from registry.rosters.workbook import Rows

TITLE: Final = "就读名单"
LIMITS: Final = Limits(size=2 * 1024**2, unpacked=32 * 1024**2, rows=MOST_SEATED + 50, columns=50)

COLUMNS: tuple[Column, ...] = (
    national("name", "坐在班里的学生的姓名，按证件填写"),
    national("document_number", "文本格式，按证件原件填写"),
    national("document_kind", "不填为居民身份证", must=False),
    national("sex", "居民身份证不用填", must=False),
    national("birth_date", "居民身份证不用填；8位数字，如20200305", must=False),
)
LAYOUT = Layout(TITLE, "学生", COLUMNS, LIMITS)
rows_of = LAYOUT.rows_of
"""Opens an untrusted workbook (in the child)."""

_SEXES: Mapping[str, Sex] = {"1": "1", "2": "2"}
_LINES = (
    "一、只写今天坐在这个班里的学生，每行一名；请假的不写，比对后会列为“在籍未到”，由学校核实。",
    "二、居民身份证的只填姓名和身份证件号；其他证件的，再填证件类型、性别和出生日期。",
    f"三、一个班一份，最多{MOST_SEATED}名。上传后先比对、不保存。",
)


def lines(rows: Rows) -> tuple[SeatedRow, ...]:
    """Each row by itself."""
    return tuple(_line(number, cells) for number, cells in rows.rows)


def _line(number: int, cells: Mapping[str, str]) -> SeatedRow:
    values, found = LAYOUT.values(cells)
    name = values.get("name", cells.get("name", "")[:60])
    if refusing(found):
        return SeatedRow(row=number, name=name, findings=found)
    born = values.get("birth_date")
    seated = Seated(
        name=values["name"],
        document_number=values["document_number"],
        document_kind=values.get("document_kind", "1"),
        sex=_SEXES.get(values.get("sex", "")),
        birth_date=date.fromisoformat(born) if born else None,
    )
    return SeatedRow(row=number, name=name, seated=seated, findings=found)


def template() -> bytes:
    return workbook(LAYOUT, TITLE, _LINES, ())
