"""School identification codes (学校标识码) and the school types that this regulation knows (clause 2)."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import msgspec
from shared_contracts.decisions import Finding

from regulation.codetables import SCHOOL_KIND
from regulation.findings import refuse
from regulation.mark import clause
from regulation.school_year import Stage


class SchoolType(msgspec.Struct, frozen=True, kw_only=True):
    """办学类型. `code`: JY/T 1001 BXLX; `kind`: first two digits of its schools' codes; `stages`: what falls under 2."""

    code: str
    name: str
    kind: str
    stages: tuple[Stage, ...]


_BOTH = (Stage.PRIMARY, Stage.JUNIOR)


def _types(*rows: tuple[str, str, str, tuple[Stage, ...]]) -> Mapping[str, SchoolType]:
    return MappingProxyType(
        {code: SchoolType(code=code, name=name, kind=kind, stages=stages) for code, name, kind, stages in rows}
    )


SCHOOL_TYPES = _types(
    ("211", "小学", "21", (Stage.PRIMARY,)),
    ("218", "小学教学点", "21", (Stage.PRIMARY,)),
    ("311", "初级中学", "31", (Stage.JUNIOR,)),
    ("312", "九年一贯制学校", "31", _BOTH),
    ("341", "完全中学", "34", (Stage.JUNIOR,)),
    ("345", "十二年一贯制学校", "34", _BOTH),
    ("371", "专门学校", "37", _BOTH),
    ("511", "盲人学校", "51", _BOTH),
    ("512", "聋人学校", "51", _BOTH),
    ("513", "培智学校", "51", _BOTH),
    ("514", "其他特殊教育学校", "51", _BOTH),
)
"""The closed set of clause 2. Names are today's: 371 was 工读学校, 513 弱智学校 in JY/T 1001."""

COMPULSORY_KINDS = frozenset(t.kind for t in SCHOOL_TYPES.values())
SPECIAL_EDUCATION = frozenset(t.code for t in SCHOOL_TYPES.values() if t.kind == "51")


@clause("2")
def compulsory_stages(school_type: str) -> tuple[Stage, ...]:
    """The stages in which a school of this type (BXLX code) keeps compulsory records; none for a type outside clause 2."""
    known = SCHOOL_TYPES.get(school_type)
    return known.stages if known else ()


@clause("2")
def check_school_code(code: str, *, school_type: str | None = None, field: str = "school_code") -> Finding | None:
    """What is wrong with a 学校标识码, or None.

    Ten digits, the first two the kind (school_code.digits, .kind), a kind that has compulsory education
    (.not_compulsory), and, when `school_type` is given, the kind of that type (.type_differs).
    """

    def fault(name: str, message: str, cure: str) -> Finding:
        return refuse("2", f"school_code.{name}", message, cure=cure, fields=(field,), school_code=code)

    if not (len(code) == 10 and code.isascii() and code.isdigit()):
        return fault("digits", f"学校标识码“{code[:20]}”应为10位数字", "请按学校标识码证书填写10位数字")
    kind = SCHOOL_KIND.get(code[:2])
    if kind is None:
        message = f"学校标识码前两位“{code[:2]}”不是学校类别代码"
        return fault("kind", message, "请按学校标识码证书核对")
    if code[:2] not in COMPULSORY_KINDS:
        message = f"学校标识码前两位“{code[:2]}”表示{kind.name}，不在本细则适用范围"
        return fault("not_compulsory", message, "请确认是否填错学校")
    wanted = SCHOOL_TYPES.get(school_type) if school_type else None
    if wanted is not None and wanted.kind != code[:2]:
        message = f"学校标识码前两位“{code[:2]}”与办学类型“{wanted.name}”不符，应为“{wanted.kind}”"
        return fault("type_differs", message, "请核对学校标识码和办学类型")
    return None
