"""Identity documents: kinds of the form (SFZJLX_FORM), resident identity numbers (GB 11643), masks, L bodies.

A document number is personal: it is masked in every finding and appears in no exception.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date
from enum import StrEnum
from functools import cache

import msgspec
from shared_contracts.decisions import Finding
from shared_contracts.discreet import Discreet

from regulation.divisions import PROVINCE_NAMES
from regulation.findings import note, refuse
from regulation.mark import clause


class DocumentKind(StrEnum):
    """身份证件类型, item 8 of the form."""

    RESIDENT = "1"  # 居民身份证
    HONG_KONG = "6"  # 香港特区护照/身份证明
    MACAO = "7"  # 澳门特区护照/身份证明
    TAIWAN = "8"  # 台湾居民来往大陆通行证
    PERMANENT_RESIDENT = "9"  # 境外永久居住证 (foreigners' permanent-residence card)
    PASSPORT = "A"  # 护照
    OTHER = "Z"  # 其他: the number may be empty


MATCHABLE = frozenset({DocumentKind.RESIDENT})
"""Only these are sent to the public-security matcher; all others get L numbers (clause 50)."""

FOREIGN = frozenset({DocumentKind.PERMANENT_RESIDENT, DocumentKind.PASSPORT})
"""Documents of foreigners: only at schools that may take them (clause 9)."""


class ResidentNumber(Discreet, msgspec.Struct, frozen=True, gc=False):
    """What a resident identity number says. `area`: six digits; `sex`: GB/T 2261.1, 1 男, 2 女."""

    area: str
    birth_date: date
    sex: str


_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECKS = "10X98765432"
_SHAPE = re.compile(r"[0-9]{17}[0-9X]")
_NOISE = re.compile(r"[\s\-‐‑–—·()\u200b-\u200f\ufeff]+")


def normalise(number: str) -> str:
    """Full-width to half-width, x to X; spaces, dashes, brackets and invisible marks taken out."""
    return _NOISE.sub("", unicodedata.normalize("NFKC", number)).upper()


def check_digit(first17: str) -> str:
    """ISO 7064 MOD 11-2 over the first 17 digits, as GB 11643 asks: `"0"` to `"9"` or `"X"`."""
    return _CHECKS[sum(w * int(d) for w, d in zip(_WEIGHTS, first17, strict=True)) % 11]


def read_resident(number: str) -> ResidentNumber | None:
    """The parts of a normalised, valid number; None where structure, date or check digit is wrong."""
    if not _SHAPE.fullmatch(number) or check_digit(number[:17]) != number[17]:
        return None
    birth_date = _date(number[6:14])
    return None if birth_date is None else ResidentNumber(number[:6], birth_date, _sex(number))


def _date(digits: str) -> date | None:
    try:
        return date(int(digits[:4]), int(digits[4:6]), int(digits[6:]))
    except ValueError:
        return None


def _sex(number: str) -> str:
    return "1" if int(number[16]) % 2 else "2"


def mask_document(kind: str, number: str) -> str:
    """What may be shown: two characters at each end of a resident number, one and two of another, less of a short one.

    The birth date and often the county stand beside the mask on screen, so neither serial nor area may show in full.
    """
    first = 2 if kind == DocumentKind.RESIDENT else 1
    first, last = (first, 2) if len(number) >= 8 else (0, 1) if len(number) >= 5 else (0, 0)
    return number[:first] + "*" * (len(number) - first - last) + number[len(number) - last :]


@clause("3.5")
def check_resident(
    number: str,
    *,
    birth_date: date | None = None,
    sex: str | None = None,
    today: date | None = None,
    field: str = "document_number",
) -> tuple[Finding, ...]:
    """Every fault of a normalised resident identity number; empty when it is right.

    `birth_date`, `sex`: what the form says, compared when given. `today`: a birth after it is refused. `field`: key of
    the column. Codes: document.length, .characters, .birth_date, .birth_in_future, .check_digit,
    .birth_date_differs, .sex_differs; notes: .area_unknown, .not_a_resident_number.
    """
    shown = mask_document(DocumentKind.RESIDENT, number)

    def fault(code: str, message: str, cure: str, *also: str) -> Finding:
        return refuse("3.5", f"document.{code}", message, cure=cure, fields=(field, *also), number=shown)

    if len(number) != 18:
        message = f"居民身份证号应为18位，现为{len(number)}位"
        cure = "请按户口簿或居民身份证核对；15位旧号码请换成18位号码"
        return (fault("length", message, cure),)
    if not _SHAPE.fullmatch(number):
        message = "居民身份证号前17位应为数字，第18位应为数字或X"
        return (fault("characters", message, "请核对是否录入了字母O、I或其他字符"),)

    found = []
    born = _date(number[6:14])
    right = check_digit(number[:17]) == number[17]
    if born is None:
        found.append(fault("birth_date", "身份证号第7至14位不是有效日期", "请按户口簿核对身份证号"))
    elif today is not None and born > today:
        found.append(fault("birth_in_future", "身份证号中的出生日期晚于今天", "请按户口簿核对身份证号"))
    if not right:
        cure = "请按户口簿逐位核对；若单元格曾为数值格式，末位已丢失，请改为文本格式后重新录入"
        found.append(fault("check_digit", "身份证号校验码（第18位）不正确", cure))
    if right and born is not None:
        if birth_date is not None and born != birth_date:
            message = "身份证号中的出生日期与所填出生日期不一致"
            found.append(fault("birth_date_differs", message, "请以户口簿为准更正出生日期或身份证号", "birth_date"))
        if sex is not None and _sex(number) != sex:
            message = "身份证号第17位表示的性别与所填性别不一致"
            found.append(fault("sex_differs", message, "请以户口簿为准更正性别或身份证号", "sex"))
        found += _about_area(number, field, shown)
    return tuple(found)


def _about_area(number: str, field: str, shown: str) -> list[Finding]:
    """The area follows the place of the first registration and rolls change: never more than a note."""
    if number[:2] in ("81", "82", "83"):
        message = "该号码是港澳台居民居住证号码，不是居民身份证号"
        cure = "请把身份证件类型改为香港、澳门或台湾对应的类型"
        return [note("50", "document.not_a_resident_number", message, cure=cure, fields=(field,), number=shown)]
    if number[0] == "9":
        message = "该号码像外国人永久居留身份证号码，不是居民身份证号"
        cure = "请把身份证件类型改为“9-境外永久居住证”"
        return [note("50", "document.not_a_resident_number", message, cure=cure, fields=(field,), number=shown)]
    if number[:2] not in PROVINCE_NAMES:
        message = f"身份证号前两位“{number[:2]}”不在行政区划代码表中"
        return [note("3.5", "document.area_unknown", message, cure="请核对身份证号", fields=(field,), number=shown)]
    return []


# Shapes that documents of a kind are known to have. A number of another shape may still be right: it is a note.
_PERMIT = r"8[123]0000[0-9]{11}[0-9X]"  # 港澳台居民居住证, GB 11643 check digit
_TRAVEL_PERMIT = r"[HM][0-9]{8}(?:[0-9]{2})?"  # 港澳居民来往内地通行证
_PLAUSIBLE: dict[str, re.Pattern[str]] = {
    DocumentKind.HONG_KONG: re.compile(rf"[A-Z]{{1,2}}[0-9]{{6}}[0-9A]|(?:H|K|KJ|HA)[0-9]{{8}}|{_TRAVEL_PERMIT}|{_PERMIT}"),
    DocumentKind.MACAO: re.compile(rf"[0-9]{{8}}|M[AB]?[0-9]{{7}}|{_TRAVEL_PERMIT}|{_PERMIT}"),
    DocumentKind.TAIWAN: re.compile(rf"[0-9]{{8}}(?:[0-9]{{2}})?[A-Z]?|[A-Z][0-9A-D][0-9]{{8}}|{_PERMIT}"),
    # 15 characters until 2023: three letters of the state, then 12 digits; since 2023 18 digits that begin with 9.
    DocumentKind.PERMANENT_RESIDENT: re.compile(r"[A-Z]{3}[0-9]{12}|9[0-9]{16}[0-9X]"),
    DocumentKind.PASSPORT: re.compile(r"[A-Z]{0,3}[0-9]{5,9}[A-Z]?[0-9]{0,2}"),
}  # fmt: skip
# 18-character numbers of these kinds end with the check digit of GB 11643: residence permits of Hong Kong, Macao and
# Taiwan residents, and the permanent-residence card of 2023.
_CHECKED: dict[str, str] = {
    DocumentKind.HONG_KONG: "81",
    DocumentKind.MACAO: "82",
    DocumentKind.TAIWAN: "83",
    DocumentKind.PERMANENT_RESIDENT: "9",
}
_ANY = re.compile(r"[0-9A-Z]{5,20}")


@clause("3.5", "50")
def check_document(
    kind: str,
    number: str,
    *,
    birth_date: date | None = None,
    sex: str | None = None,
    today: date | None = None,
    field: str = "document_number",
) -> tuple[Finding, ...]:
    """Every fault of a normalised document number of this kind (a code of SFZJLX_FORM); empty when it is right.

    Kind 1 as `check_resident`. Others: document.missing and .characters refuse; .unusual, a note, when the number has
    no shape known for its kind; .check_digit and .birth_date_differs, refusals for residence permits, notes for the
    permanent-residence card. Kind Z may be empty: document.proof_needed notes that the school files a 在读证明.
    """
    shown = mask_document(kind, number)
    if not number:
        if kind == DocumentKind.OTHER:
            message = "身份证件类型为“其他”且无证件号"
            cure = "学校应提供学生在本校就读证明（学生和家长签字、学校盖章），报主管教育行政部门备案"
            return (note("3.5", "document.proof_needed", message, cure=cure, fields=(field,)),)
        message = "身份证件号为空"
        cure = "请填写证件号；确无证件的，身份证件类型选“Z-其他”"
        return (refuse("3.5", "document.missing", message, cure=cure, fields=(field,)),)
    if kind == DocumentKind.RESIDENT:
        return check_resident(number, birth_date=birth_date, sex=sex, today=today, field=field)
    if not _ANY.fullmatch(number):
        message = "证件号应为5至20位字母或数字"
        return (refuse("50", "document.characters", message, cure="请按证件原件核对", fields=(field,), number=shown),)
    if number.startswith(_CHECKED.get(kind, "-")) and _SHAPE.fullmatch(number):
        return _check_permit(number, birth_date, field, shown)
    pattern = _PLAUSIBLE.get(kind)
    if pattern is not None and not pattern.fullmatch(number):
        message = "证件号的格式与所选证件类型的常见格式不同"
        cure = "请核对证件类型和证件号；确认无误可以继续"
        return (note("50", "document.unusual", message, cure=cure, fields=(field,), number=shown),)
    return ()


def _check_permit(number: str, birth_date: date | None, field: str, shown: str) -> tuple[Finding, ...]:
    # The layout of the permanent-residence card is known from announcements, not from a standard: only a note there.
    say = note if number[0] == "9" else refuse
    if check_digit(number[:17]) != number[17]:
        message, cure = "证件号校验码（第18位）不正确", "请按证件原件逐位核对"
        return (say("50", "document.check_digit", message, cure=cure, fields=(field,), number=shown),)
    born = _date(number[6:14])
    if birth_date is not None and born is not None and born != birth_date:
        message, cure = "证件号中的出生日期与所填出生日期不一致", "请以证件为准更正出生日期或证件号"
        fields = (field, "birth_date")
        return (say("50", "document.birth_date_differs", message, cure=cure, fields=fields, number=shown),)
    return ()


L_CAPACITY = 9000
"""How many L bodies there are for one area and birth date."""


@cache
def _wrong_digits(right: str) -> str:
    """Nine of the ten digits, without the right check digit."""
    return "".join(d for d in "0123456789" if d != right)[:9]


@clause("15.3")
def l_body(area: str, birth_date: date, serial: int) -> str:
    """The 18 digits behind the L of a temporary number: 6 area, 8 birth date, 4 serial.

    The last digit is never the right check digit, so that no body equals an identity number that exists or will ever
    exist. Different `serial`s (0 to L_CAPACITY - 1) of one area and birth date give different bodies.
    Raises ValueError outside that range or when `area` is not six digits.
    """
    if not (len(area) == 6 and area.isascii() and area.isdigit()):
        raise ValueError("an area has six digits")
    if not 0 <= serial < L_CAPACITY:
        raise ValueError(f"no serial left: {serial} of {L_CAPACITY}")
    first17 = f"{area}{birth_date:%Y%m%d}{serial // 9:03d}"
    return first17 + _wrong_digits(check_digit(first17))[serial % 9]


def is_l_body_possible(body: str) -> bool:
    """Whether `l_body` could have made it: 18 digits, a date inside, and not a valid identity number."""
    if not (len(body) == 18 and body.isascii() and body.isdigit()):
        return False
    return _date(body[6:14]) is not None and check_digit(body[:17]) != body[17]
