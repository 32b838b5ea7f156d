"""Zones in a workbook: a row for each street or community that a school serves, and the sheet that an authority fills in.

Rows are read in a child process (`registry.rosters.jobs`), which knows nothing but the file; what they mean is decided here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from regulation.codetables import CodeTable, Entry
from regulation.divisions import DIVISIONS, PROVINCE, full_name
from regulation.school_year import Stage
from shared_contracts.admission import StageName

from registry.enrolment.zones.drafting import Key, Line
from registry.enrolment.zones.matching import Area
from registry.enrolment.zones.policy import LONGEST_NAME
from registry.form.faults import Fault
from registry.organisations.facts import SchoolFacts
from registry.rosters.archive import Limits
from registry.rosters.lists import Column, Layout, column, workbook
from registry.rosters.template import MEDIA_TYPE as MEDIA_TYPE  # noqa: PLC0414 - the same kind of file
from registry.rosters.workbook import Rows

TITLE: Final = "学区表"
LIMITS: Final = Limits(size=8 * 1024**2, unpacked=128 * 1024**2, rows=20_000, columns=50)
WHOLE: Final = "全部"
"""Written as a street: the whole of the county. It has to be written, so that a forgotten cell is no county."""

_STAGES: dict[str, StageName] = {"1": "primary", "2": "junior"}
_STAGE_TABLE = CodeTable(
    key="zone_stage", title="学段", standard="", entries=(Entry("1", "小学"), Entry("2", "初中")), aliases={}
)
_PROVINCE_NAME = full_name(PROVINCE)
_COUNTIES = CodeTable(
    key="zone_county",
    title="县（市、区）",
    standard="",
    entries=tuple(
        Entry(one.code, full_name(one.code).removeprefix(_PROVINCE_NAME))
        for one in DIVISIONS.values()
        if one.level == "county"
    ),
    aliases={},
)

COLUMNS: tuple[Column, ...] = (
    column("school", "学校标识码", "10位学校标识码（已填好，不要改动）", must=True, most=20),
    column("name", "学校名称", "供核对，不导入", most=100),
    column("stage", "学段", "从下拉列表选择", must=True, options=_STAGE_TABLE),
    column("division", "县（市、区）", "从下拉列表选择，或填6位行政区划代码", options=_COUNTIES),
    column(
        "street",
        "街道、社区、路段",
        f"每行一个，写全称；整个县（市、区）都归这所学校的，写“{WHOLE}”",
        most=LONGEST_NAME,
    ),
)
LAYOUT = Layout(TITLE, "学区", COLUMNS, LIMITS)
rows_of = LAYOUT.rows_of
"""Opens an untrusted workbook (in the child)."""

_WITHOUT = {
    "division": Fault(code="form.missing", reason="没有写明在哪个县（市、区）", cure="从下拉列表选择县（市、区）"),
    "street": Fault(
        code="form.missing", reason="没有填写街道、社区", cure=f"填写街道、社区的全称；整个县（市、区）的写“{WHOLE}”"
    ),
}


def lines(rows: Rows) -> list[Line]:
    """Each row by itself."""
    return [_line(number, cells) for number, cells in rows.rows]


def _line(number: int, cells: Mapping[str, str]) -> Line:
    values, found = LAYOUT.values(cells)
    given = [key for key in ("division", "street") if cells.get(key)]
    if len(given) == 1:
        (absent,) = {"division", "street"} - set(given)
        found = (*found, LAYOUT.absent(absent, _WITHOUT[absent]))
    street = values.get("street", "")
    return Line(
        row=number,
        school=cells.get("school", "")[:20],
        name=cells.get("name", "")[:100],
        stage=_STAGES.get(values.get("stage", "")),
        division=values.get("division", cells.get("division", "")[:20]),
        street="" if street == WHOLE else street or cells.get("street", "")[:LONGEST_NAME],
        filled=bool(given),
        findings=found,
    )


# ---- the sheet to fill in ---------------------------------------------------------------------------------------------

_LINES = (
    "一、每行是一所学校一个学段的一个街道、社区或路段；同一所学校的其他街道另起一行，学校标识码照抄。",
    f"二、整个县（市、区）都归一所学校的，街道一栏写“{WHOLE}”。没有学区的学校，县区和街道留空。",
    "三、表中写到的学校和学段，以表为准：表中没有的街道从生效日期起不再归它；只留空行的，撤销它的学区。表中没有写到的学校不变。",
    "四、上传后先检查、不设定，逐行列出新增、保留和错误，另列出撤销的和重叠的；全部无误再确认，从所选日期起一次生效。",
)


def template(schools: Iterable[SchoolFacts], served: Mapping[Key, Sequence[Area]]) -> bytes:
    """The workbook (.xlsx). `served`: what each school and stage serves now."""
    rows: list[tuple[str, ...]] = []
    for school in schools:
        for stage in school.stages:
            head = (school.code, school.name, "1-小学" if stage is Stage.PRIMARY else "2-初中")
            areas = served.get((school.code, stage.value), ())
            parts = [(_county(area.division), street or WHOLE) for area in areas for street in area.streets or ("",)]
            rows.extend((*head, *part) for part in parts or [("", "")])
    return workbook(LAYOUT, TITLE, _LINES, rows)


def _county(code: str) -> str:
    entry = _COUNTIES.get(code)
    return entry.label if entry else code
