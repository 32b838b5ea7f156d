"""The grounds on which a child enters a school (clauses 5.2, 7, 8, 9, 16), and what people call them."""

from __future__ import annotations

from typing import Literal

Way = Literal["zone", "placed", "migrant", "private", "international", "intake"]

TITLES: dict[str, str] = {
    "zone": "学区内就近入学",
    "placed": "教育行政部门统筹安排",
    "migrant": "随迁子女就学安排",
    "private": "民办学校招生录取",
    "international": "国际学生入学",
    "intake": "初中招生名单",
}
