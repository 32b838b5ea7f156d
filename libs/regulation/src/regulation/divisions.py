"""Administrative divisions (行政区划) of Heilongjiang by their six-digit code (GB/T 2260, statistical areas).

Rolls change: an unknown code is something to look at, never a reason to refuse a pupil (codes of dissolved
districts live on in documents).
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import msgspec

from regulation import _data

PROVINCE = "230000"

Level = Literal["province", "city", "county"]


class Division(msgspec.Struct, frozen=True, kw_only=True):
    """One division. `level`: tier of its education authority; `kind`: what it is (`district`, `county_city`)."""

    code: str
    name: str
    level: Level
    kind: str
    parent: str | None


def _level(kind: str) -> Level:
    if kind == "province":
        return "province"
    return "city" if kind == "prefecture" else "county"


DIVISIONS: Mapping[str, Division] = MappingProxyType(
    {
        row["code"]: Division(
            code=row["code"],
            name=row["name"],
            level=_level(row["level"]),
            kind=row["level"],
            parent=row["parent"] or None,
        )
        for row in _data.rows("divisions.csv")
    }
)

CITIES: tuple[Division, ...] = tuple(d for d in DIVISIONS.values() if d.level == "city")
"""The 13 prefectures (地级市、地区), in code order."""

_CODE_LENGTHS = (6, 12)

PROVINCE_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "11": "北京",
        "12": "天津",
        "13": "河北",
        "14": "山西",
        "15": "内蒙古",
        "21": "辽宁",
        "22": "吉林",
        "23": "黑龙江",
        "31": "上海",
        "32": "江苏",
        "33": "浙江",
        "34": "安徽",
        "35": "福建",
        "36": "江西",
        "37": "山东",
        "41": "河南",
        "42": "湖北",
        "43": "湖南",
        "44": "广东",
        "45": "广西",
        "46": "海南",
        "50": "重庆",
        "51": "四川",
        "52": "贵州",
        "53": "云南",
        "54": "西藏",
        "61": "陕西",
        "62": "甘肃",
        "63": "青海",
        "64": "宁夏",
        "65": "新疆",
        "71": "台湾",
        "81": "香港",
        "82": "澳门",
        "83": "台湾",
    }
)
"""First two digits of GB/T 2260; 81, 82, 83: residence permits of Hong Kong, Macao and Taiwan residents."""


def counties(city: str) -> tuple[Division, ...]:
    """The counties, districts and county-level cities of a prefecture."""
    return tuple(d for d in DIVISIONS.values() if d.parent == city)


def division(code: str) -> Division | None:
    """By six digits, or by the first six of a twelve-digit statistical code (统计用区划代码)."""
    return DIVISIONS.get(code[:6]) if len(code) in _CODE_LENGTHS else None


def is_division_code(code: str) -> bool:
    """Shaped like a code of a known province: 6 or 12 digits. Says nothing of whether the county exists."""
    return len(code) in _CODE_LENGTHS and code.isascii() and code.isdigit() and code[:2] in PROVINCE_NAMES


def chain(code: str) -> tuple[str, ...]:
    """Province, city, county of a code, top first: ``"230183"`` -> 230000, 230100, 230183."""
    tiers = (code[:2] + "0000", code[:4] + "00", code)
    return tuple(dict.fromkeys(tiers))


def full_name(code: str) -> str:
    """黑龙江省哈尔滨市道里区; the code itself where the roll does not know it."""
    known = division(code)
    if known is None:
        return code
    return "".join(DIVISIONS[c].name for c in chain(known.code) if c in DIVISIONS)
