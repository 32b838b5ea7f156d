"""One made-up pupil as a row of the national form (学生基本信息表): 学校标识码 and its 72 items, by the columns' titles.

The titles stand here as the published form prints them, not as the registry's code has them: the generator is a school that
fills in the form, and must notice when the registry reads another one.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import date
from itertools import chain
from typing import Literal

import msgspec
from matcher.population import Guardian, Person
from regulation.codetables import (
    BOARDING,
    COMMUTE,
    DISABILITY,
    DOCUMENT_KIND,
    ENTRY_WAY,
    ETHNICITY,
    HEALTH,
    HUKOU,
    LEFT_BEHIND,
    MAINSTREAMED,
    NATIONALITY,
    OVERSEAS,
    POLITICAL,
    RELATION,
    SEX,
    SOURCE,
    YES_NO,
    CodeTable,
)
from regulation.divisions import full_name

Cell = str | int | float | date | None
Style = Literal["label", "name", "code"]
"""How a registrar writes a coded value: 1-男, 男, 1."""

_MEMBER = "姓名 关系 关系说明 民族 工作单位 现住址 户口所在地 联系电话 是否监护人 身份证件类型 身份证件号 职务"

GROUPS: Mapping[str, str] = {
    "": "学校标识码",
    "学生个人基础信息": (
        "姓名 性别 出生日期 出生地 籍贯 民族 国籍/地区 身份证件类型 身份证件号 港澳台侨外 政治面貌 健康状况 照片"
    ),
    "学生个人辅助信息": "姓名拼音 曾用名 身份证件有效期 户口所在地 户口性质 特长",
    "学生学籍基本信息": "学籍辅号 班内学号 年级 班级 入学年月 入学方式 就读方式 学生来源",
    "学生个人联系信息": "现住址 通信地址 家庭地址 联系电话 邮政编码 电子信箱 主页地址",
    "学生个人扩展信息": (
        "是否独生子女 是否受过学前教育 是否留守儿童 是否进城务工人员随迁子女 是否孤儿 是否烈士或优抚子女 "
        "随班就读 残疾类型 是否由政府购买学位 是否需要申请资助 是否享受一补"
    ),
    "学生上下学交通方式": "上下学距离(公里) 上下学交通方式 是否需要乘坐校车",
    "学生家庭成员或监护人信息一": " ".join(f"成员1{item}" for item in _MEMBER.split()),
    "学生家庭成员或监护人信息二": " ".join(f"成员2{item}" for item in _MEMBER.split()),
}
"""The form's blocks in their order, each with the titles of its columns."""

HEADERS: tuple[str, ...] = tuple(chain.from_iterable(titles.split() for titles in GROUPS.values()))
"""学校标识码 and the 72 items."""


class School(msgspec.Struct, frozen=True, kw_only=True):
    """`code`: 10 digits. `division`: 6 digits of the county it lies in. `grades`: those a roster may fill, from its first."""

    code: str
    name: str
    division: str
    grades: tuple[int, ...] = (1, 2, 3, 4, 5, 6)


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a pupil sits. `enrolled`: YYYYMM."""

    school: School
    grade: int
    class_no: int
    seat: int
    enrolled: str


_NUMERALS = "〇一二三四五六七八九"


def _coded(table: CodeTable, code: str, style: Style) -> str:
    entry = table.get(code)
    if entry is None:
        raise ValueError(f"{table.key} has no code {code}")
    return {"label": entry.label, "name": entry.name, "code": entry.code}[style]


def twelve(division: str) -> str:
    """A county as a 12-digit statistical code."""
    return division.ljust(12, "0")


def form_of(person: Person, place: Place, rng: random.Random) -> dict[str, Cell]:
    """The row of a pupil, everything filled in that a careful family fills in, in one of the ways people write.

    The household is registered in the school's county, wherever the child was born: who lives elsewhere needs a place that
    somebody has given him (clauses 7, 19).
    """
    style: Style = rng.choices(("label", "name", "code"), (8, 3, 1))[0]
    school = place.school
    here = person.address
    if person.county != school.division:
        here = full_name(school.division) + here.split(_county_name(person.county), 1)[-1]
    urban = _county_name(school.division).endswith("区")
    near = round(rng.uniform(0.2, 3.5), 1)
    carried = rng.choices(("1", "2", "3", "4"), (5, 1, 3, 4))[0]
    row: dict[str, Cell] = {
        "学校标识码": school.code,
        "姓名": person.name,
        "性别": _coded(SEX, person.sex, style),
        "出生日期": person.birth_date.strftime("%Y%m%d"),
        "出生地": twelve(person.county),
        "籍贯": twelve(person.county),
        "民族": _coded(ETHNICITY, person.nationality, style),
        "国籍/地区": _coded(NATIONALITY, "CHN", style),
        "身份证件类型": _coded(DOCUMENT_KIND, "1", style),
        "身份证件号": person.document_number,
        "港澳台侨外": _coded(OVERSEAS, "00", style),
        "政治面貌": _coded(POLITICAL, "13", style),
        "健康状况": _coded(HEALTH, "10", style),
        "户口所在地": twelve(school.division),
        "户口性质": _coded(HUKOU, "2" if urban or rng.random() < 0.4 else "1", style),
        "班内学号": f"{place.seat:02d}",
        "年级": rng.choice((str(place.grade), f"{_NUMERALS[place.grade]}年级")),
        "班级": rng.choice((str(place.class_no), f"{place.class_no}班", f"（{place.class_no}）班")),
        "入学年月": place.enrolled,
        "入学方式": _coded(ENTRY_WAY, "11", style),
        "就读方式": _coded(BOARDING, "1", style),
        "学生来源": _coded(SOURCE, "1", style),
        "现住址": here,
        "通信地址": here,
        "家庭地址": here,
        "联系电话": person.guardians[rng.randrange(2)].phone,
        "邮政编码": person.postcode,
        "是否独生子女": _coded(YES_NO, rng.choice("01"), style),
        "是否受过学前教育": _coded(YES_NO, "1", style),
        "是否留守儿童": _coded(LEFT_BEHIND, "0", style),
        "是否进城务工人员随迁子女": _coded(YES_NO, "0", style),
        "是否孤儿": _coded(YES_NO, "0", style),
        "是否烈士或优抚子女": _coded(YES_NO, "0", style),
        "随班就读": _coded(MAINSTREAMED, "0", style),
        "残疾类型": _coded(DISABILITY, "1", style),
        "是否由政府购买学位": _coded(YES_NO, "0", style),
        "是否需要申请资助": _coded(YES_NO, "0", style),
        "是否享受一补": _coded(YES_NO, "0", style),
        "上下学距离(公里)": near,
        "上下学交通方式": _coded(COMMUTE, carried, style),
        "是否需要乘坐校车": _coded(YES_NO, "0", style),
    }
    members = person.guardians if rng.random() < 0.95 else person.guardians[1:]
    for n, guardian in enumerate(members, 1):
        row |= _member(n, guardian, here, school.division, style)
    return row


def _member(n: int, guardian: Guardian, address: str, county: str, style: Style) -> dict[str, Cell]:
    relation = "51" if guardian.sex == "1" else "52"
    values: dict[str, Cell] = {
        "姓名": guardian.name,
        "关系": _coded(RELATION, relation, style),
        "民族": _coded(ETHNICITY, guardian.nationality, style),
        "工作单位": guardian.employer,
        "现住址": address,
        "户口所在地": twelve(county),
        "联系电话": guardian.phone,
        "是否监护人": _coded(YES_NO, "1", style),
        "身份证件类型": _coded(DOCUMENT_KIND, "1", style),
        "身份证件号": guardian.document_number,
        "职务": guardian.post,
    }
    return {f"成员{n}{item}": value for item, value in values.items()}


def _county_name(code: str) -> str:
    whole = full_name(code)
    return whole.removeprefix(full_name(code[:4] + "00")) or whole
