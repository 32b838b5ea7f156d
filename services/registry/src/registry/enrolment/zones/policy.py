"""What a zone may be and from when it holds (clauses 5.2, 8). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from regulation.divisions import DIVISIONS, chain
from regulation.findings import refuse
from regulation.mark import clause
from regulation.school_year import Stage
from shared_contracts.admission import ZoneGiven
from shared_contracts.decisions import Finding

from registry.enrolment.zones.matching import normalise
from registry.organisations.facts import SchoolFacts

LONGEST_NAME = 60
MOST_STREETS = 1_000
MOST_AREAS = 20


@clause("5.2")
def faults(zone: ZoneGiven, school: SchoolFacts) -> tuple[Finding, ...]:
    """Only public schools serve a zone, for a stage that they carry, in the county where they lie or next to it."""
    found = []
    if school.ownership != "public":
        found.append(_no(zone, "private", "民办学校没有学区", "民办学校按经批准的招生方案招生，不设学区", "school"))
    if Stage(zone.stage) not in school.stages:
        found.append(_no(zone, "stage", f"学校没有{Stage(zone.stage).zh}学段", "核对学校和学段", "stage"))
    if not zone.areas or len(zone.areas) > MOST_AREAS:
        cure = f"填写1至{MOST_AREAS}个县（市、区）范围；不再设学区的，办理撤销"
        found.append(_no(zone, "areas", "没有填写范围，或范围过多", cure, "areas"))
    if len({area.division for area in zone.areas}) < len(zone.areas):
        found.append(_no(zone, "twice", "同一县（市、区）填写了两次", "合并为一项，列出全部街道社区", "areas"))
    city = chain(school.division)[:2]
    for area in zone.areas:
        division = DIVISIONS.get(area.division)
        if division is None or division.level != "county" or chain(area.division)[:2] != city:
            cure = "填写学校所在市的县（市、区）6位行政区划代码"
            found.append(_no(zone, "division", f"{area.division[:12]}不是学校所在市的县（市、区）", cure, "areas"))
        found.extend(_streets(zone, area.streets))
    return tuple(found)


def _streets(zone: ZoneGiven, streets: Sequence[str]) -> list[Finding]:
    found = []
    if len(streets) > MOST_STREETS:
        message = f"一个县（市、区）内有{len(streets)}个街道社区名称，最多{MOST_STREETS}个"
        found.append(_no(zone, "too_many", message, "按街道合并填写", "areas"))
    seen: set[str] = set()
    for street in streets[:MOST_STREETS]:
        name = normalise(street)
        if not name or len(street) > LONGEST_NAME or not street.isprintable():
            message = "街道社区名称为空、过长或含有不可见的字符"
            found.append(_no(zone, "street", message, f"填写全称，不超过{LONGEST_NAME}个字", "areas"))
        elif name in seen:
            found.append(_no(zone, "street_twice", f"“{street}”填写了两次", "每个街道社区只保留一个", "areas"))
        seen.add(name)
    return found


@clause("5.2")
def day_fault(valid_from: date, last_from: date | None, last_to: date | None, today: date) -> Finding | None:
    """What was in force on earlier days is not rewritten; what is to come may be set anew. `last_*`: of the last
    version, None where there was none before (then a zone may begin in the past: nothing is rewritten)."""
    if last_from is None:
        return None
    if valid_from < last_from or (last_to is not None and valid_from < last_to):
        message = f"已有自{last_from}起的学区，不能从更早的{valid_from}起更改"
        return refuse(
            "5.2", "zone.too_early", message, cure=f"使用不早于{last_to or last_from}的日期", fields=("valid_from",)
        )
    if valid_from < today:
        message = f"生效日期{valid_from}早于今天，已经生效的学区不追溯更改"
        return refuse("5.2", "zone.past", message, cure="使用今天或以后的日期", fields=("valid_from",))
    return None


@clause("5.2")
def end_fault(on: date, valid_from: date, today: date) -> Finding | None:
    """A zone ends today or later, and not before it has begun."""
    if on <= valid_from:
        message = f"现行学区自{valid_from}起，撤销须晚于该日"
        return refuse("5.2", "zone.too_early", message, cure="使用较晚的日期", fields=("on",))
    if on < today:
        message = f"撤销日期{on}早于今天，已经生效的学区不追溯更改"
        return refuse("5.2", "zone.past", message, cure="使用今天或以后的日期", fields=("on",))
    return None


def _no(zone: ZoneGiven, code: str, message: str, cure: str, field: str) -> Finding:
    return refuse(
        "5.2", f"zone.{code}", f"{zone.school[:12]}：{message}", cure=cure, fields=(field,), school=zone.school[:12]
    )
