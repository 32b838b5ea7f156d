"""Plans in a workbook: its columns, its rows as plans, and the sheet that an authority fills in.

Rows are read in a child process (`registry.rosters.jobs`), which knows nothing but the file; what they mean is decided here.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping

import msgspec
from regulation.codetables import CodeTable, Entry
from regulation.school_year import Stage
from shared_contracts.decisions import Finding
from shared_contracts.plans import PlanGiven, StageCode

from registry.form.faults import Fault
from registry.organisations.facts import SchoolFacts
from registry.rosters.archive import Limits
from registry.rosters.lists import Column, Layout, column, workbook
from registry.rosters.template import MEDIA_TYPE as MEDIA_TYPE  # noqa: PLC0414 - the same kind of file
from registry.rosters.workbook import Rows

TITLE = "招生计划表"
LIMITS = Limits(size=4 * 1024**2, unpacked=64 * 1024**2, rows=1_000, columns=50)
MOST = {"classes": 200, "places": 9_999}
"""No school has more: what is larger has slipped. The same as over HTTP, so that what was checked can be set."""
_STAGES: dict[str, StageCode] = {"1": "primary", "2": "junior"}
_STAGE_TABLE = CodeTable(
    key="plan_stage", title="学段", standard="", entries=(Entry("1", "小学"), Entry("2", "初中")), aliases={}
)


COLUMNS: tuple[Column, ...] = (
    column("school", "学校标识码", "10位学校标识码（已填好，不要改动）", must=True, most=20),
    column("name", "学校名称", "供核对，不导入", most=100),
    column("stage", "学段", "从下拉列表选择", must=True, options=_STAGE_TABLE),
    column("now", "现行计划", "现行班数和学位，供核对，不导入", most=60),
    column("classes", "班数", "计划招收的班数，整数", must=True, most=20),
    column("places", "学位数", "计划招收的人数，整数，不超过班数乘标准班额", must=True, most=20),
    column("reason", "说明", "文件名称和文号，或调整原因", most=200),
)
LAYOUT = Layout(TITLE, "招生计划", COLUMNS, LIMITS, prefilled=frozenset({"school", "name", "stage", "now"}))
rows_of = LAYOUT.rows_of
"""Opens an untrusted workbook (in the child)."""


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A row as a plan; None where it cannot be one, and why. `school`, `stage`: as written, for the list."""

    row: int
    school: str
    name: str
    stage: str
    given: PlanGiven | None
    findings: tuple[Finding, ...] = ()


def plans(rows: Rows, school_year: int) -> list[Read]:
    """Each row by itself."""
    return [_read(number, cells, school_year) for number, cells in rows.rows]


def _read(number: int, cells: Mapping[str, str], school_year: int) -> Read:
    values, found = LAYOUT.values(cells, _NUMBERS)
    given = None
    if not found:
        given = PlanGiven(
            school=values["school"],
            school_year=school_year,
            stage=_STAGES[values["stage"]],
            classes=int(values["classes"]),
            places=int(values["places"]),
            reason=values.get("reason", ""),
        )
    return Read(
        row=number,
        school=cells.get("school", "")[:20],
        name=cells.get("name", "")[:100],
        stage=_STAGES.get(values.get("stage", ""), ""),
        given=given,
        findings=found,
    )


def _number(text: str, most: int) -> str | Fault:
    if not text.isascii() or not text.isdigit() or int(text) > most:
        return Fault(code="plan.not_a_number", reason=f"不是0至{most}的整数", cure=f"填写0至{most}的整数")
    return text


_NUMBERS = {key: functools.partial(_number, most=most) for key, most in MOST.items()}


# ---- the sheet to fill in ---------------------------------------------------------------------------------------------

_LINES = (
    "一、每所学校每个学段一行，已填好学校和学段；填写“班数”和“学位数”，不下达计划的行留空即可。",
    "二、学位数不超过班数乘标准班额（小学45人、初中50人，以本地参数为准），学校招满后不得新增大校额。",
    "三、上传后先检查、不下达，逐行列出结果；全部无误再确认，一次下达并报上级备案。",
    "四、已有计划的学校也可以填写：与现行计划相同的不变，不同的作为新的版本下达。",
)


def template(schools: Iterable[SchoolFacts], planned: Mapping[tuple[str, str], tuple[int, int]], year: int) -> bytes:
    """The workbook (.xlsx) with a row for each school and stage. `planned`: classes and places in force."""
    rows = []
    for school in schools:
        for stage in school.stages:
            now = planned.get((school.code, stage.value))
            said = f"{now[0]}个班，{now[1]}个学位" if now else "未下达"
            rows.append((school.code, school.name, "1-小学" if stage is Stage.PRIMARY else "2-初中", said))
    return workbook(LAYOUT, f"{year}年秋季{TITLE}", _LINES, rows)
