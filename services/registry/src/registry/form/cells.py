"""One checker a kind of field: a cell's value in, the normalised text or a `Fault` out.

A checker is made once a sheet and called for each row, so the usual value takes the short way: one regular expression
or one look into a table. Whoever calls it has already skipped empty cells.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

from regulation.codetables import CodeTable
from regulation.divisions import DIVISIONS, PROVINCE, division, full_name, is_division_code
from regulation.documents import normalise
from regulation.mark import clause

from registry.form.faults import Cell, Fault
from registry.form.fields import Field
from registry.form.reading import EXACT, number_of, read_class, read_date, read_grade, read_month, text_of
from registry.organisations.facts import SchoolFacts

Checker = Callable[[Cell], "str | Fault"]


def too_long(field: Field, text: str) -> Fault:
    return Fault(
        code="form.too_long",
        reason=f"有{len(text)}个字，最多{field.max}个字",
        cure=f"请精简到{field.max}个字以内",
    )


# ---- text and names -------------------------------------------------------------------------------------------------

_HIDDEN = Fault(
    code="form.invisible_character",
    reason="含有不可见或无法识别的字符",
    cure="请删除该单元格内容后手工重新录入（不要从网页、PDF或聊天软件粘贴）",
)
_PRIVATE = Fault(
    code="form.private_character",
    reason="含有自造字（本机字库专用的编码），其他电脑无法显示",
    cure="请用输入法的生僻字功能录入该字的国家标准编码（如“䶮”“𠮷”），不要使用自造字",
)
_IDEOGRAPH = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"


def character_fault(text: str) -> Fault | None:
    """Control, zero-width, private-use and unknown characters. Rare characters of all planes are fine."""
    if text.isprintable():
        return None
    for c in text:
        category = unicodedata.category(c)
        if category == "Co" or c == "\ufffd":
            return _PRIVATE
        # Ideographs newer than this Python's Unicode are "unassigned" to it; line breaks are judged by the caller.
        if category in ("Cc", "Cf", "Cs", "Zl", "Zp") or (category == "Cn" and not "\U00020000" <= c <= "\U0003fffd"):
            return _HIDDEN
    return None


def text_checker(field: Field) -> Checker:
    limit = field.max

    def check(cell: Cell) -> str | Fault:
        text = text_of(cell)
        if not text.isprintable():
            text = " ".join(text.split())  # a line break in a cell is a space
            if fault := character_fault(text):
                return fault
        return text if len(text) <= limit else too_long(field, text)

    return check


_CHINESE_NAME = re.compile(f"[{_IDEOGRAPH}]{{2,30}}")
_NAME = re.compile(rf"[{_IDEOGRAPH}A-Za-zÀ-ɏḀ-ỿ·.,'’ \-]+")
_DOTS = re.compile("[•‧∙⋅・･．。●﹒]")  # noqa: RUF100
_RADICALS = re.compile("[\u2e80-\u2fdf]")
_BETWEEN_IDEOGRAPHS = re.compile(rf"(?<=[{_IDEOGRAPH}·])\s+(?=[{_IDEOGRAPH}·])")


def name_checker(field: Field) -> Checker:
    limit = field.max

    def check(cell: Cell) -> str | Fault:
        if type(cell) is str and _CHINESE_NAME.fullmatch(cell):
            return cell
        text = text_of(cell)
        if fault := character_fault(text):
            return fault
        # Radicals that look like ideographs come out of PDF files; 张  三 is written so to line names up.
        text = _RADICALS.sub(lambda m: unicodedata.normalize("NFKC", m[0]), unicodedata.normalize("NFC", text))
        text = _BETWEEN_IDEOGRAPHS.sub("", _DOTS.sub("·", text))
        if len(text) > limit:
            return too_long(field, text)
        if not _NAME.fullmatch(text) or not any(c.isalpha() or c == "〇" for c in text):
            return Fault(
                code="form.name_characters",
                reason="含有姓名中不应有的字符（数字、括号、问号等）",
                cure="请按户口簿或证件填写姓名，少数民族姓名间隔号用“·”，外籍学生可用拉丁字母",
            )
        if len(text) == 1:
            return Fault(code="form.name_short", reason="只有一个字", cure="请核对是否漏填；确无误可以继续", value=text)
        return text

    return check


# ---- code tables ----------------------------------------------------------------------------------------------------


@clause("2", "14", "24.6.1")
def code_checker(field: Field, table: CodeTable) -> Checker:
    """A code, a name or both. A code that a clause bars (借读, ways of entering senior high school) says which."""

    def check(cell: Cell) -> str | Fault:
        if type(cell) is bool and table.key == "yes_no":
            return "1" if cell else "0"
        text = text_of(cell)
        entry = table.find(text)
        if entry is None:
            options = "、".join(table.suggest(text))
            return Fault(
                code="form.code_unknown",
                reason=f"不在代码表“{table.title}”中",
                cure=f"请填代码或名称，如：{options}",
                clause="14",
            )
        if entry.barred:
            return Fault(
                code="form.code_barred",
                reason=f"（{entry.label}）不允许",
                cure=f"请改填：{'、'.join(table.options)}",
                clause=entry.barred,
            )
        return entry.code

    return check


# ---- dates ----------------------------------------------------------------------------------------------------------


def date_checker(field: Field) -> Checker:
    fault = Fault(code="form.date", reason="不是有效的日期", cure="请填8位数字，如20160305，或2016-3-5，或设为日期格式")

    def check(cell: Cell) -> str | Fault:
        found = read_date(cell)
        return fault if found is None else found.isoformat()

    return check


def month_checker(field: Field) -> Checker:
    fault = Fault(
        code="form.month", reason="不是有效的年月", cure="请填6位数字，如202609（2026年10月请填202610，不要填2026.10）"
    )

    def check(cell: Cell) -> str | Fault:
        return read_month(cell) or fault

    return check


# ---- numbers that are names -----------------------------------------------------------------------------------------

_SCIENTIFIC = re.compile(r"\d(?:\.\d+)?[Ee]\+?\d{1,2}")


def digits_lost(what: str) -> Fault:
    return Fault(
        code="form.digits_lost",
        reason=f"是数值格式，Excel只保留15位，{what}的末几位已经丢失",
        cure=f"请先把该列设为文本格式，再按原件重新录入完整的{what}",
    )


def document_checker(field: Field) -> Checker:
    """The number as it may be compared: half-width, upper case. What it must look like depends on its kind (`rules`)."""
    lost = digits_lost("证件号")
    limit = field.max

    def check(cell: Cell) -> str | Fault:
        if type(cell) is str:
            if _SCIENTIFIC.fullmatch(cell.strip()):
                return lost
            text = normalise(cell)
            if fault := character_fault(text):
                return fault
            return text if len(text) <= limit else too_long(field, text)
        number = number_of(cell)
        if number is None or not 0 < number < EXACT:
            return lost
        return str(number)

    return check


_MOBILE = re.compile(r"1[3-9]\d{9}")
_PHONE = re.compile(r"1[3-9]\d{9}|0\d{9,11}(?:-\d{1,5})?|[2-8]\d{6,7}|\+\d{6,15}")
_PHONE_NOISE = re.compile(r"[\s()（）\u00a0]+|(?<=\d)-(?=\d{7,8}(?:\D|$))|(?<=\d{3})-(?=\d{4})")
_CHINA = re.compile(r"^(?:\+86|0086|86(?=1[3-9]\d{9}$))-?")


def phone_checker(field: Field) -> Checker:
    fault = Fault(
        code="form.phone",
        reason="不是有效的电话号码",
        cure="请填一个号码：11位手机号，或区号加座机号（如0451-82345678），境外号码以+开头",
    )
    zero = Fault(
        code="form.phone",
        reason="是数值格式，可能丢失了开头的0",
        cure="请先把该列设为文本格式，再填11位手机号或带区号的座机号",
    )

    def check(cell: Cell) -> str | Fault:
        if type(cell) is str:
            if _MOBILE.fullmatch(cell):
                return cell
            text = _CHINA.sub("", _PHONE_NOISE.sub("", unicodedata.normalize("NFKC", cell)))
            return text if _PHONE.fullmatch(text) else fault
        number = number_of(cell)
        if number is None or number <= 0:
            return fault
        text = str(number)
        return text if _MOBILE.fullmatch(text) or len(text) in (7, 8) else zero

    return check


_POSTCODE = re.compile(r"\d{6}")


def postcode_checker(field: Field) -> Checker:
    fault = Fault(code="form.postcode", reason="不是6位邮政编码", cure="请填6位数字，如150001")

    def check(cell: Cell) -> str | Fault:
        number = number_of(cell)
        text = str(number).zfill(6) if number is not None and number > 0 else text_of(cell)
        return text if _POSTCODE.fullmatch(text) else fault

    return check


_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s.]+(?:\.[^@\s.]+)+")


def email_checker(field: Field) -> Checker:
    fault = Fault(code="form.email", reason="不是有效的电子信箱", cure="请填形如name@example.cn的地址，没有的留空")

    def check(cell: Cell) -> str | Fault:
        text = text_of(cell)
        if not _EMAIL.fullmatch(text):
            return fault
        return text if len(text) <= field.max else too_long(field, text)

    return check


_QUANTITY = re.compile(r"(\d{1,4}(?:\.\d{1,3})?)\s*(?:公里|千米|KM|km|Km)?")


def number_checker(field: Field) -> Checker:
    fault = Fault(code="form.number", reason="不是有效的数", cure="请填以公里为单位的数，如1.5")

    def check(cell: Cell) -> str | Fault:
        text = f"{cell:.3f}".rstrip("0").rstrip(".") if type(cell) is float else text_of(cell)
        found = _QUANTITY.fullmatch(text)
        return fault if found is None else found[1]

    return check


# ---- divisions ------------------------------------------------------------------------------------------------------

_DIVISION = re.compile(r"\d{6}(?:\d{3}){0,2}")
_BY_NAME = {full_name(code): code for code in DIVISIONS} | {
    full_name(code).removeprefix("黑龙江省"): code for code in DIVISIONS if code != PROVINCE
}


def division_checker(field: Field) -> Checker:
    """Twelve digits; six or nine are completed with zeros, the full name of a division of this province is taken too."""
    fault = Fault(
        code="form.division",
        reason="不是统计用区划代码",
        cure="请填12位统计用区划代码，只知道县（区）的填6位行政区划代码，如230102",
        clause="14",
    )

    def check(cell: Cell) -> str | Fault:
        number = number_of(cell)
        text = str(number) if number is not None else text_of(cell)
        text = _BY_NAME.get(text, text)
        if not _DIVISION.fullmatch(text):
            return fault
        code = text.ljust(12, "0")
        if not is_division_code(code):
            return fault
        if code.startswith("23") and division(code) is None:
            return Fault(
                code="form.division_unknown",
                reason="前6位不在黑龙江省现行行政区划中",
                cure="请核对；已撤并的旧区划代码可以保留",
                value=code,
            )
        return code

    return check


# ---- the school, the grade, the class -------------------------------------------------------------------------------


def school_checker(field: Field, school: SchoolFacts) -> Checker:
    fault = Fault(
        code="form.other_school",
        reason="不是本校的学校标识码",
        cure=f"本校标识码是{school.code}；其他学校的学生请由其学校上传",
        clause="15.1",
    )

    def check(cell: Cell) -> str | Fault:
        return school.code if text_of(cell) == school.code else fault

    return check


def grade_checker(field: Field, school: SchoolFacts) -> Checker:
    fault = Fault(code="form.grade", reason="不是义务教育的年级", cure="请填1至9，如1、一年级、七年级")

    def check(cell: Cell) -> str | Fault:
        grade = read_grade(text_of(cell), school.system)
        return fault if grade is None else str(grade)

    return check


def class_checker(field: Field, school: SchoolFacts) -> Checker:
    """`3`, or `2-3` where the cell says the grade too; `rules` compares it with the grade's column."""
    fault = Fault(code="form.class", reason="不是班号", cure="请填1至99的班号，如1、1班、（1）班")

    def check(cell: Cell) -> str | Fault:
        found = read_class(text_of(cell), school.system)
        if found is None:
            return fault
        number, grade = found
        return str(number) if grade is None else f"{grade}-{number}"

    return check


def checker(field: Field, school: SchoolFacts) -> Checker:
    """The checker of a field for one school's forms."""
    if field.kind in _SCHOOL_KINDS:
        return _SCHOOL_KINDS[field.kind](field, school)
    table = field.codes
    return code_checker(field, table) if table else _KINDS[field.kind](field)


_SCHOOL_KINDS: dict[str, Callable[[Field, SchoolFacts], Checker]] = {
    "school": school_checker,
    "grade": grade_checker,
    "class": class_checker,
}
_KINDS: dict[str, Callable[[Field], Checker]] = {
    "name": name_checker,
    "text": text_checker,
    "date": date_checker,
    "month": month_checker,
    "division": division_checker,
    "document": document_checker,
    "phone": phone_checker,
    "postcode": postcode_checker,
    "email": email_checker,
    "number": number_checker,
}
