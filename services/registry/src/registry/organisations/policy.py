"""What an organisation must be before anything can be registered at it (clauses 2, 3.1, 44)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from regulation.divisions import DIVISIONS, PROVINCE, chain, is_division_code
from regulation.findings import refuse
from regulation.mark import clause
from regulation.school_codes import SCHOOL_TYPES, check_school_code
from regulation.school_year import SchoolSystem
from shared_contracts.decisions import Finding
from shared_contracts.organisations import OrganisationView

KIND_TITLES = {"province": "省级", "city": "市级", "county": "县级", "school": "学校", "external": "外省"}
LONGEST_NAME = 100
_ABOVE = {"city": "province", "county": "city"}
_SOME_STAGES = frozenset({"37", "51"})
"""Kinds of school (first two digits) that may carry part of their type's stages: 专门学校, 特殊教育学校."""


@clause("2", "3.1")
def faults(view: OrganisationView, kinds: Mapping[str, str]) -> tuple[Finding, ...]:
    """What is wrong with an organisation. `kinds`: the kind of every organisation there is, by code."""
    if not view.name.strip() or len(view.name) > LONGEST_NAME or not view.name.isprintable():
        cure = f"填写机构全称，不超过{LONGEST_NAME}个字"
        return (_no(view, "3.1", "name", "名称为空、过长或含有不可见的字符", cure),)
    if view.kind == "school":
        return _school(view, kinds)
    return _external(view) if view.kind == "external" else _authority(view, kinds)


@clause("3.1")
def answerable(view: OrganisationView) -> str | None:
    """The authority that decides about an organisation: a school's supervising one, an authority's superior, the
    province for those of other provinces. None for the province itself."""
    return PROVINCE if view.kind == "external" else view.authority


@clause("44")
def day_fault(effective_from: date, today: date) -> Finding | None:
    """A change is entered when it has come: what stands open in the database is the present."""
    if effective_from <= today:
        return None
    message = f"生效日期{effective_from}晚于今天"
    return refuse("44", "organisation.not_yet", message, cure="在生效当日或之后办理", fields=("effective_from",))


@clause("44")
def order_fault(view: OrganisationView, effective_from: date, known_from: date) -> Finding | None:
    """What was recorded for earlier days is not rewritten."""
    if effective_from >= known_from:
        return None
    message = f"已有自{known_from}起的信息，不能从更早的{effective_from}起更改"
    return _no(view, "44", "too_early", message, f"使用不早于{known_from}的生效日期", "effective_from")


@clause("44")
def close_faults(
    view: OrganisationView,
    effective_from: date,
    known_from: date,
    *,
    below: int,
    students: int,
    under_way: int,
    admitting: int = 0,
    transferring: int = 0,
) -> tuple[Finding, ...]:
    """An organisation ends when nobody depends on it any more. `below`: organisations under it; `students`: records
    it keeps; `under_way`: registrations and rosters that have not ended; `admitting`: children on a county's
    lists who wait for a place, and applications that it has not decided; `transferring`: pupils who are to come to a
    school or to leave it by open transfers."""
    found = []
    if effective_from <= known_from:
        message = f"现行信息自{known_from}起有效，撤销须晚于该日"
        found.append(_no(view, "44", "too_early", message, f"使用晚于{known_from}的生效日期", "effective_from"))
    if below:
        cure = "先将其下属机构划归其他教育行政部门，或先撤销"
        found.append(_no(view, "44", "has_below", f"还有{below}个下属机构", cure))
    if students:
        found.append(_no(view, "44", "has_students", f"还有{students}名在籍学生", "先为学生办理转学"))
    if under_way:
        cure = "先办结或撤回"
        found.append(_no(view, "44", "has_cases", f"还有{under_way}项建籍申请或名册没有办结", cure))
    if admitting:
        message = f"还有{admitting}名适龄儿童等待安排，或入学申请没有办结"
        found.append(_no(view, "44", "is_admitting", message, "先安排这些儿童入学，办结申请"))
    if transferring:
        cure = "先办结、撤回，或者由主管教育行政部门改派到其他学校、终止办理"
        found.append(_no(view, "44", "has_transfers", f"还有{transferring}项转学没有办结", cure))
    return tuple(found)


@clause("44")
def change_faults(view: OrganisationView, known: OrganisationView, open_: bool) -> tuple[Finding, ...]:
    """A code stays what it was given for: never another kind or type, never taken up again once closed."""
    if not open_:
        cure = "为新的机构使用新的代码"
        return (_no(view, "44", "code_reused", "代码属于已撤销的机构，不得再次使用", cure),)
    if (view.kind, view.school_type) != (known.kind, known.school_type):
        cure = "办学类型改变的，撤销原代码，为新的学校使用新的代码"
        return (_no(view, "44", "kind_changed", "同一代码的机构类别或办学类型不得改变", cure),)
    return ()


def _authority(view: OrganisationView, kinds: Mapping[str, str]) -> tuple[Finding, ...]:
    found = []
    division = DIVISIONS.get(view.code)
    if division is None or division.level != view.kind:
        cure = "按行政区划代码核对代码和级别"
        found.append(_no(view, "3.1", "division", f"不是{KIND_TITLES[view.kind]}行政区划代码", cure))
    if view.division != view.code:
        found.append(_no(view, "3.1", "division", "行政区划与代码不一致", "教育行政部门的代码即其行政区划代码"))
    above = _ABOVE.get(view.kind)
    if above is None:
        if view.parent is not None:
            found.append(_no(view, "3.1", "parent", "省级教育行政部门没有上级", "上级留空"))
    elif view.parent is None or kinds.get(view.parent) != above or view.parent not in chain(view.code):
        cure = f"填写其所属的{KIND_TITLES[above]}教育行政部门，并先载入上级"
        found.append(_no(view, "3.1", "parent", "上级教育行政部门不存在或不是其所属", cure))
    return tuple(found)


def _external(view: OrganisationView) -> tuple[Finding, ...]:
    found = []
    if len(view.code) != 6 or not is_division_code(view.code) or view.code[:2] == PROVINCE[:2]:
        cure = "填写外省教育行政部门的6位行政区划代码"
        found.append(_no(view, "3.1", "division", "不是外省的行政区划代码", cure))
    if view.division != view.code:
        found.append(_no(view, "3.1", "division", "行政区划与代码不一致", "教育行政部门的代码即其行政区划代码"))
    if view.parent is not None or view.authority is not None:
        found.append(_no(view, "3.1", "parent", "外省机构在本系统中没有上级", "上级和主管部门留空"))
    return tuple(found)


def _school(view: OrganisationView, kinds: Mapping[str, str]) -> tuple[Finding, ...]:
    found = []
    kind = SCHOOL_TYPES.get(view.school_type or "")
    if kind is None:
        cure = "办学类型代码：" + "、".join(f"{t.code}{t.name}" for t in SCHOOL_TYPES.values())
        found.append(_no(view, "2", "school_type", "办学类型不在本细则适用范围", cure))
    elif (wrong := check_school_code(view.code, school_type=view.school_type, field="code")) is not None:
        found.append(wrong)
    if kind is not None:
        whole = tuple(stage.value for stage in kind.stages)
        some = tuple(stage for stage in whole if stage in view.stages)
        part = kind.kind in _SOME_STAGES and some and view.stages == some
        if view.stages != whole and not part:
            cure = "学段：" + "、".join(whole)
            found.append(_no(view, "2", "stages", f"学段与办学类型“{kind.name}”不符", cure))
    if view.system not in tuple(SchoolSystem):
        found.append(_no(view, "2", "system", "学制无效", "学制为6-3或5-4"))
    if view.ownership not in ("public", "private"):
        found.append(_no(view, "2", "ownership", "办别无效", "办别为public（公办）或private（民办）"))
    if view.locality not in ("urban", "town", "rural"):
        found.append(_no(view, "2", "locality", "城乡类型无效", "城乡类型为urban、town或rural"))
    division = DIVISIONS.get(view.division)
    if division is None or division.level != "county":
        found.append(_no(view, "3.1", "division", "所在县（市、区）不在行政区划表中", "填写6位县级行政区划代码"))
    if kinds.get(view.authority or "", "school") == "school" or view.authority not in chain(view.division):
        cure = "填写所在县、市或省的教育行政部门（市、省直管学校填市、省），并先载入该部门"
        found.append(_no(view, "3.1", "authority", "主管教育行政部门不存在或不管辖所在地", cure))
    elif kinds.get(view.parent or "", "school") == "school" or view.parent not in chain(view.authority):
        cure = "填写主管教育行政部门或其上级"
        found.append(_no(view, "3.1", "parent", "上级机构不存在，或不是主管教育行政部门及其上级", cure))
    return tuple(found)


def _no(view: OrganisationView, clause_id: str, code: str, message: str, cure: str, field: str = "") -> Finding:
    """`fields` holds the organisation's own; which organisation it is stands in the message."""
    return refuse(
        clause_id,
        f"organisation.{code}",
        f"{view.code[:20]}：{message}",
        cure=cure,
        fields=(field or code,),
        organisation=view.code,
    )
