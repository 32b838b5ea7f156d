"""A pupil whose form is in order; tests change what they are about."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
from registry.form.check import check_form
from registry.form.entry import Checked
from registry.form.rules import FormFacts
from registry.organisations.facts import SchoolFacts
from regulation.documents import check_digit
from regulation.school_year import SchoolSystem, Stage

TODAY = date(2026, 9, 10)

SCHOOL = SchoolFacts(
    code="2123010001",
    name="哈尔滨市道里区测试小学",
    school_type="211",
    stages=(Stage.PRIMARY,),
    system=SchoolSystem.SIX_THREE,
    ownership="public",
    locality="urban",
    accepts_international=False,
    division="230102",
    authority="230102",
)


def resident(serial: int = 0, born: str = "20200305", sex: str = "1", area: str = "230102") -> str:
    """A resident number with the right check digit. `serial` 0 to 499 for each area, birth date and sex."""
    first17 = f"{area}{born}{2 * serial + (1 if sex == '1' else 0):03d}"
    return first17 + check_digit(first17)


def pupil(serial: int = 0, **changes: Any) -> dict[str, Any]:
    """A first-year boy as the form has him. `changes` by key; None takes the field away."""
    form: dict[str, Any] = {
        "school_code": SCHOOL.code,
        "name": "王小明",
        "sex": "1-男",
        "birth_date": "20200305",
        "birth_place": "230102000000",
        "native_place": "230102000000",
        "ethnicity": "汉族",
        "nationality": "CHN-中国",
        "document_kind": "1-居民身份证",
        "document_number": resident(serial),
        "overseas": "00-否",
        "health": "10-健康或良好",
        "household_place": "230102003005",
        "household_kind": "2-非农业户口",
        "grade": "1",
        "class_no": "1",
        "enrolled_month": "202609",
        "entry_way": "11-就近入学",
        "boarding": "1-走读",
        "current_address": "黑龙江省哈尔滨市道里区中央大街1号",
        "postal_address": "黑龙江省哈尔滨市道里区中央大街1号",
        "home_address": "黑龙江省哈尔滨市道里区中央大街1号",
        "phone": "13845001234",
        "postcode": "150010",
        "only_child": "是",
        "preschool": "是",
        "member1_name": "王建国",
        "member1_relation": "51-父亲",
        "member1_phone": "13845001234",
        "member1_guardian": "是",
        "member1_document_kind": "1",
        "member1_document_number": resident(serial, "19880101"),
    }
    form.update(changes)
    return {key: value for key, value in form.items() if value is not None}


SPECIAL_SCHOOL = msgspec.structs.replace(
    SCHOOL, code="5123010001", school_type="514", stages=(Stage.PRIMARY, Stage.JUNIOR)
)


def check(at: SchoolFacts = SCHOOL, documents_on_file: bool = False, **changes: Any) -> Checked:
    """The check of the pupil with changes."""
    return check_form(pupil(**changes), FormFacts(school=at, today=TODAY, documents_on_file=documents_on_file))


NAMES = "一二三四五六七八九十"


def class_of(count: int) -> list[dict[str, Any]]:
    """So many pupils, all different, in classes of ten."""
    made = []
    for n in range(count):
        born = f"{date(2019, 9, 1) + timedelta(days=n % 300):%Y%m%d}"
        name = "王" + NAMES[n // 10 % 10] + NAMES[n % 10]
        number = resident(n // 300, born)
        made.append(pupil(0, name=name, birth_date=born, document_number=number, class_no=str(n // 10 % 90 + 1)))
    return made
