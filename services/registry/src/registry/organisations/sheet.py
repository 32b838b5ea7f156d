"""Organisations in a workbook: its columns with their code tables, its rows as values, what would change in words.

Rows are read in a child process (`registry.rosters.jobs`), which knows nothing but the file; what they mean is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from regulation.codetables import TABLES, CodeTable, Entry
from regulation.school_codes import SCHOOL_TYPES
from regulation.school_year import SchoolSystem, Stage
from shared_contracts.decisions import Finding, Outcome
from shared_contracts.organisations import Kind, OrganisationView

from registry.rosters.archive import Limits
from registry.rosters.lists import Column, Layout, column
from registry.rosters.workbook import Rows

TITLE = "机构信息表"
LIMITS = Limits(size=8 * 1024**2, unpacked=128 * 1024**2, rows=5_000, columns=100)

_KINDS: dict[str, tuple[Kind, str]] = {
    "1": ("province", "省级教育行政部门"),
    "2": ("city", "市级教育行政部门"),
    "3": ("county", "县级教育行政部门"),
    "4": ("school", "学校"),
    "5": ("external", "外省教育行政部门"),
}
_SYSTEMS = {"63": SchoolSystem.SIX_THREE.value, "54": SchoolSystem.FIVE_FOUR.value}
_OWNERSHIPS = {"1": "public", "2": "private"}
_LOCALITIES = {"1": "urban", "2": "town", "3": "rural"}
_STAGES: dict[str, tuple[str, ...]] = {
    "1": (Stage.PRIMARY.value,),
    "2": (Stage.JUNIOR.value,),
    "3": (Stage.PRIMARY.value, Stage.JUNIOR.value),
}


def _table(key: str, title: str, names: Mapping[str, str], **aliases: str) -> CodeTable:
    entries = tuple(Entry(code, name) for code, name in names.items())
    return CodeTable(key=key, title=title, standard="", entries=entries, aliases=aliases)


COLUMNS: tuple[Column, ...] = (
    column("code", "机构代码", "学校填10位学校标识码，教育行政部门填6位行政区划代码", must=True),
    column("name", "机构名称", "全称", must=True, most=60),
    column(
        "kind",
        "机构类别",
        "从下拉列表选择",
        must=True,
        options=_table("kind", "机构类别", {code: name for code, (_, name) in _KINDS.items()}),
    ),
    column(
        "authority",
        "主管教育行政部门代码",
        "学校填主管教育行政部门的6位代码（市、省直管学校填市、省）；教育行政部门填上级的代码；省级和外省留空",
    ),
    column("division", "所在县区代码", "学校填所在县（市、区）的6位行政区划代码；教育行政部门留空"),
    column(
        "school_type",
        "办学类型",
        "学校必填",
        options=_table("school_type", "办学类型", {t.code: t.name for t in SCHOOL_TYPES.values()}),
    ),
    column(
        "stages",
        "学段",
        "只有专门学校和特殊教育学校需要填写；留空为办学类型的全部学段",
        options=_table("stages", "学段", {"1": "小学", "2": "初中", "3": "小学和初中"}),
    ),
    column(
        "system",
        "学制",
        "学校必填",
        options=_table("system", "学制", {"63": "六三制", "54": "五四制"}, **{"6-3": "63", "5-4": "54"}),
    ),
    column("ownership", "办别", "学校必填", options=_table("ownership", "办别", {"1": "公办", "2": "民办"})),
    column(
        "locality",
        "城乡类型",
        "学校必填",
        options=_table("locality", "城乡类型", {"1": "城区", "2": "镇区", "3": "乡村"}),
    ),
    column(
        "accepts_international",
        "可接收外籍学生",
        "具有接收外国学生资格的学校填“是”，其他留空",
        options=TABLES["yes_no"],
    ),
)
LAYOUT = Layout(TITLE, "机构", COLUMNS, LIMITS)


class Read(msgspec.Struct, frozen=True, kw_only=True):
    """A row as an organisation; None where it cannot be one, and why. `code`, `name`: as written, for the list."""

    row: int
    code: str
    name: str
    view: OrganisationView | None
    findings: tuple[Finding, ...] = ()


def organisations(rows: Rows) -> list[Read]:
    """Each row by itself, and codes that stand twice."""
    first: dict[str, int] = {}
    out = []
    for number, cells in rows.rows:
        one = _read(number, cells)
        earlier = first.setdefault(one.code, one.row) if one.code else one.row
        if earlier != one.row:
            fault = Finding(
                code="organisation.twice",
                outcome=Outcome.REFUSE,
                message=f"机构代码{one.code}与第{earlier}行重复",
                cure="每个机构只保留一行",
                fields=("code",),
            )
            one = msgspec.structs.replace(one, view=None, findings=(*one.findings, fault))
        out.append(one)
    return out


def _read(number: int, cells: Mapping[str, str]) -> Read:
    values, found = LAYOUT.values(cells)
    code, name = cells.get("code", "")[:20], cells.get("name", "")[:60]
    view = None if found else _view(values)
    return Read(row=number, code=code, name=name, view=view, findings=found)


def _view(values: Mapping[str, str]) -> OrganisationView:
    kind = _KINDS[values["kind"]][0]
    authority = values.get("authority")
    if kind != "school":
        above = None if kind in ("province", "external") else authority
        code = values["code"]
        return OrganisationView(code=code, name=values["name"], kind=kind, parent=above, authority=above, division=code)
    school_type = values.get("school_type", "")
    whole = tuple(stage.value for stage in SCHOOL_TYPES[school_type].stages) if school_type else ()
    return OrganisationView(
        code=values["code"],
        name=values["name"],
        kind=kind,
        parent=authority,
        authority=authority,
        division=values.get("division", ""),
        school_type=school_type or None,
        stages=_STAGES[values["stages"]] if "stages" in values else whole,
        system=_SYSTEMS.get(values.get("system", "")),
        ownership=_OWNERSHIPS.get(values.get("ownership", "")),
        locality=_LOCALITIES.get(values.get("locality", "")),
        accepts_international=values.get("accepts_international") == "1",
    )


# ---- in words ---------------------------------------------------------------------------------------------------------


def _naming(key: str, values: Mapping[str, str]) -> Callable[[str], str]:
    table = LAYOUT.by_key[key].options
    assert table is not None
    names = {value: entry.name for code, value in values.items() if (entry := table.get(code))}
    return lambda value: names.get(value, value)


_WORDS: dict[str, Callable[..., str]] = {
    "system": _naming("system", _SYSTEMS),
    "ownership": _naming("ownership", _OWNERSHIPS),
    "locality": _naming("locality", _LOCALITIES),
    "stages": lambda stages: "、".join({"primary": "小学", "junior": "初中"}[stage] for stage in stages),
    "accepts_international": lambda yes: "是" if yes else "否",
}


def changes(before: OrganisationView, after: OrganisationView) -> dict[str, tuple[str, str]]:
    """What differs, by the column's title, as people say it."""
    differing = [c for c in COLUMNS if getattr(before, c.key) != getattr(after, c.key)]
    return {column.header: (_said(column, before), _said(column, after)) for column in differing}


def _said(column: Column, view: OrganisationView) -> str:
    value = getattr(view, column.key)
    if value is None or value == "":
        return ""
    return _WORDS.get(column.key, str)(value)


def keep_parent(view: OrganisationView, before: OrganisationView | None) -> OrganisationView:
    """The sheet has no column for the parent: a school that has another than its authority keeps it."""
    if before is None or before.parent == before.authority or before.authority != view.authority:
        return view
    return msgspec.structs.replace(view, parent=before.parent)
