"""What the rooms of admission share: stages, and on what ground a child has a place."""

from __future__ import annotations

from typing import Literal

StageName = Literal["primary", "junior"]


Way = Literal["zone", "placed", "migrant", "private", "international", "intake"]
"""On what ground a child has a place: 学区就近, 统筹安排, 随迁子女, 民办招生, 国际学生, 初中招生名单."""
