"""The form in words, for whoever fills it in: its sections, whether a field must be filled in, and how (clause 14)."""

from __future__ import annotations

from shared_contracts.registrations import FormDescribed, FormField, FormSection

from registry.form.fields import FIELDS, Field

SECTIONS = (
    (range(1, 14), "学生个人基础信息"),
    (range(14, 20), "学生个人辅助信息"),
    (range(20, 28), "学生学籍基本信息"),
    (range(28, 35), "学生个人联系信息"),
    (range(35, 46), "学生个人扩展信息"),
    (range(46, 49), "学生上下学交通方式"),
    (range(49, 61), "家庭成员或监护人信息（成员1）"),
    (range(61, 73), "家庭成员或监护人信息（成员2）"),
)
"""The national form's, by its items' numbers."""
_BEYOND = "学生个人扩展信息"
"""Where what has no number on the form is asked for."""
_NOT_TYPED = frozenset({"school_code", "photo"})

_HOW: dict[str, str] = {
    "school": "本校的10位学校标识码，已填好",
    "name": "按户口簿或证件填写；生僻字用国家标准编码，不用自造字；少数民族姓名间隔号用“·”",
    "date": "8位数字，如20200305，或2020-3-5",
    "month": "6位数字，如202609",
    "division": "12位统计用区划代码；只知道县（区）的填6位行政区划代码，如230102",
    "document": "文本格式，按证件原件填写；身份证号末位X大写",
    "grade": "1至9，如1、一年级、七年级",
    "class": "班号，如1、1班",
    "phone": "11位手机号，或区号加座机号，如0451-82345678",
    "postcode": "6位数字，如150010",
    "number": "单位公里，如1.5",
    "email": "如name@example.cn",
}
_NEED = {
    "yes": "必填",
    "no": "选填",
    "mainland": "持居民身份证的学生必填",
    "document": "必填（身份证件类型为Z-其他的可以不填）",
    "member": "填写了该成员的必填",
}


def need(field: Field) -> str:
    """Whether a field must be filled in, in words."""
    if field.key in ("member1_name", "member1_phone"):
        return "必填：至少一名监护人及其联系电话"
    return _NEED[field.required]


def how(field: Field) -> str:
    """How a field is filled in."""
    table = field.codes
    if table is None:
        return _HOW.get(field.kind, f"不超过{field.max}个字")
    options = "、".join(table.options[:8])
    return f"从下拉列表选择，或填代码、名称：{options}{' 等' if len(table.options) > 8 else ''}"


def _described(field: Field) -> FormField:
    return FormField(
        key=field.key,
        title=field.header,
        kind=field.kind,
        need=need(field),
        how=how(field),
        max=field.max,
        required=field.required,
        no=field.no,
        table=field.table,
    )


def _section(numbers: range, title: str) -> FormSection:
    own = [one for one in FIELDS if one.no in numbers or (one.no is None and title == _BEYOND)]
    return FormSection(title=title, fields=tuple(_described(one) for one in own if one.key not in _NOT_TYPED))


FORM = FormDescribed(sections=tuple(_section(numbers, title) for numbers, title in SECTIONS))
