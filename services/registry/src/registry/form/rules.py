"""Rules between the fields of one form, in the order of the regulation's articles. Pure; what they see is normalised.

Each returns a finding or None; `bad` names the fields whose own cells were already refused, so that no fault is told
twice. What depends on the school, the age or the day of registration is `registration.policy`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date

import msgspec
from regulation.documents import DocumentKind, check_document
from regulation.findings import refuse
from regulation.mark import clause
from regulation.school_year import age_on
from shared_contracts.decisions import Finding

from registry.form.fields import BY_KEY, FIELDS, MEMBERS
from registry.organisations.facts import SchoolFacts
from registry.registration.policy import NO_DISABILITY, Placement

Form = dict[str, str]


class FormFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a form is checked against. `documents_on_file`: a correction, whose document numbers identity already has."""

    school: SchoolFacts
    today: date
    documents_on_file: bool = False


Rule = Callable[[Form, FormFacts, Collection[str]], "Finding | None"]

NOT_MAINSTREAMED = "0"
_DISABILITIES = {  # SBJD_FORM -> the CJLX_FORM codes that go with it
    "1": frozenset("2"),
    "2": frozenset("3"),
    "3": frozenset("6"),
    "9": frozenset("45789"),
}
_CHINA = frozenset({"CHN", "HKG", "MAC", "TWN"})
_FOREIGN = frozenset({"41", "51"})  # GATQW: 外籍华裔人, 外国人


def placement_of(form: Form, special: bool) -> Placement:
    """就读形式 (clause 17) as the form tells it."""
    if form.get("home_teaching") == "1":
        return "home_teaching"
    if special:
        return "special_school"
    return "mainstreamed" if form.get("mainstreamed", NOT_MAINSTREAMED) != NOT_MAINSTREAMED else "ordinary"


@clause("3.5")
def class_of_its_grade(form: Form, _facts: FormFacts, _bad: Collection[str]) -> Finding | None:
    """三年级2班 in the class's column must agree with the grade's column; the form keeps the class number alone."""
    grade, dash, number = form.get("class_no", "").partition("-")
    if not dash:
        return None
    form["class_no"] = number
    if grade == form.get("grade", grade):
        return None
    return refuse(
        "3.5",
        "form.class_of_other_grade",
        f"“班级”写的是{grade}年级{number}班，“年级”填的是{form['grade']}年级",
        cure="请核对年级和班级；班级只填班号即可",
        fields=("grade", "class_no"),
    )


@clause("3.5", "50")
def document_in_order(form: Form, facts: FormFacts, bad: Collection[str]) -> tuple[Finding, ...]:
    """The number by its kind; a resident number agrees with birth date and sex."""
    kind = form.get("document_kind")
    number = form.get("document_number", "")
    if kind is None or facts.documents_on_file or "document_number" in bad:
        return ()
    if not number and kind != DocumentKind.OTHER:
        return ()  # told as a missing field
    born = form.get("birth_date")
    return check_document(
        kind,
        number,
        birth_date=None if born is None else date.fromisoformat(born),
        sex=form.get("sex"),
        today=facts.today,
    )


@clause("14")
def members_in_order(form: Form, facts: FormFacts, bad: Collection[str]) -> tuple[Finding, ...]:
    """A family member has a name and a relation; a document has its kind, its right form, and is not the pupil's own."""
    found: list[Finding] = []
    for n in MEMBERS:
        prefix = f"member{n}_"
        number = form.get(prefix + "document_number")
        kind = form.get(prefix + "document_kind")
        if prefix + "name" not in form and prefix + "name" not in bad:
            if filled := tuple(key for key in form if key.startswith(prefix)):
                title = "、".join(BY_KEY[key].header for key in filled[:3])
                message = f"“成员{n}姓名”没有填写，但填写了“{title}”"
                cure = f"请填写成员{n}姓名；没有成员{n}的，请清空成员{n}的全部单元格"
                found.append(refuse("14", "form.member_unnamed", message, cure=cure, fields=(prefix + "name",)))
            continue
        if number is None or facts.documents_on_file:
            continue
        fields = (prefix + "document_number",)
        if number == form.get("document_number"):
            message, cure = f"成员{n}的身份证件号与学生本人相同", "请填写成员本人的证件号，不清楚的可以留空"
            found.append(refuse("14", "form.member_document_is_pupils", message, cure=cure, fields=fields))
        elif kind is None and prefix + "document_kind" not in bad:
            message, cure = f"填写了成员{n}身份证件号，没有填写其证件类型", f"请填写“成员{n}身份证件类型”"
            fields = (prefix + "document_kind",)
            found.append(refuse("14", "form.member_document_kind", message, cure=cure, fields=fields))
        elif kind is not None:
            found += check_document(kind, number, today=facts.today, field=fields[0])
    return tuple(found)


@clause("15.1")
def guardian_named(form: Form, facts: FormFacts, bad: Collection[str]) -> Finding | None:
    """A guardian signs the confirmation sheet: at least one member is one, and can be reached."""
    guardians = [n for n in MEMBERS if form.get(f"member{n}_guardian") == "1" and f"member{n}_name" in form]
    for n in guardians:
        if f"member{n}_phone" in form or f"member{n}_phone" in bad:
            return None
    if guardians:
        n = guardians[0]
        return refuse(
            "15.1",
            "form.guardian_phone",
            f"监护人（成员{n}）没有联系电话",
            cure=f"请填写“成员{n}联系电话”",
            fields=(f"member{n}_phone",),
        )
    born = form.get("birth_date")
    minor = born is None or age_on(date.fromisoformat(born), facts.today) < 18
    if not minor or any(f"member{n}_{what}" in bad for n in MEMBERS for what in ("guardian", "name")):
        return None
    return refuse(
        "15.1",
        "form.no_guardian",
        "没有填写监护人，《学生基本信息表》须由监护人确认签字",
        cure="请至少填写一名成员，其“是否监护人”填1-是",
        fields=("member1_name", "member1_guardian"),
    )


@clause("17")
def mainstreaming_fits_disability(form: Form, facts: FormFacts, bad: Collection[str]) -> Finding | None:
    """随班就读 and 残疾类型 tell one story. A special school's pupils have a disability and are not mainstreamed."""
    if "mainstreamed" in bad or "disability" in bad:
        return None
    mainstreamed = form.get("mainstreamed", NOT_MAINSTREAMED)
    disability = form.get("disability", NO_DISABILITY)
    fields = ("mainstreamed", "disability")
    if mainstreamed == NOT_MAINSTREAMED:
        if facts.school.special or disability == NO_DISABILITY or form.get("home_teaching") == "1":
            return None
        return refuse(
            "17",
            "form.mainstreaming_unmarked",
            f"残疾类型为“{_label(form, 'disability')}”，没有标注随班就读",
            cure="普通学校的残疾学生须标注随班就读类型；送教上门的，“是否送教上门”填1-是；没有残疾的填1-无残疾",
            fields=fields,
        )
    if facts.school.special:
        return refuse(
            "17",
            "form.mainstreamed_in_special_school",
            f"特殊教育学校的学生不能标注“{_label(form, 'mainstreamed')}”",
            cure="“随班就读”填0-非随班就读，“残疾类型”按残疾证填写",
            fields=fields,
        )
    if form.get("home_teaching") == "1":
        return refuse(
            "17",
            "form.two_placements",
            "同时填写了随班就读和送教上门",
            cure="请只保留一种安置方式",
            fields=("mainstreamed", "home_teaching"),
        )
    if disability not in _DISABILITIES[mainstreamed]:
        kinds = "、".join(BY_KEY["disability"].codes.get(c).name for c in sorted(_DISABILITIES[mainstreamed]))  # type: ignore[union-attr]
        return refuse(
            "17",
            "form.mainstreaming_differs",
            f"随班就读为“{_label(form, 'mainstreamed')}”，残疾类型为“{_label(form, 'disability')}”，两者不一致",
            cure=f"请按残疾证更正；“{_label(form, 'mainstreamed')}”对应的残疾类型是：{kinds}",
            fields=fields,
        )
    return None


@clause("40")
def born_in_the_past(form: Form, facts: FormFacts, _bad: Collection[str]) -> Finding | None:
    """The birth date is that of the household register and never changes afterwards."""
    born = form.get("birth_date")
    if born is None or born <= facts.today.isoformat():
        return None
    return refuse(
        "40",
        "form.birth_in_future",
        f"出生日期“{born}”晚于今天",
        cure="请按户口簿或出生证明更正；建籍后出生日期不予变更",
        fields=("birth_date",),
    )


@clause("50")
def nationality_fits(form: Form, _facts: FormFacts, _bad: Collection[str]) -> Finding | None:
    """Nationality against document and 港澳台侨外 (how those two go together: `registration.policy`)."""
    nationality, overseas, kind = (form.get(k) for k in ("nationality", "overseas", "document_kind"))
    if nationality is None:
        return None
    name = _label(form, "nationality")
    if kind == DocumentKind.RESIDENT and nationality != "CHN":
        message = f"身份证件类型是居民身份证，国籍/地区填写的是“{name}”"
        cure, fields = (
            "持居民身份证的学生国籍/地区填CHN-中国；外籍学生请更正身份证件类型",
            ("nationality", "document_kind"),
        )
        return refuse("50", "form.nationality_document", message, cure=cure, fields=fields)
    if overseas is None:
        return None
    if overseas in _FOREIGN and nationality in _CHINA:
        message = f"港澳台侨外填写的是“{_label(form, 'overseas')}”，国籍/地区填写的是“{name}”"
        cure = "外籍学生请按护照填写国籍"
    elif overseas not in _FOREIGN and overseas != "99" and nationality not in _CHINA:
        message = f"国籍/地区填写的是“{name}”，港澳台侨外填写的是“{_label(form, 'overseas')}”"
        cure = "外籍学生的港澳台侨外填41-外籍华裔人或51-外国人；中国籍学生国籍/地区填CHN-中国"
    else:
        return None
    return refuse("50", "form.nationality_overseas", message, cure=cure, fields=("nationality", "overseas"))


def _label(form: Form, key: str) -> str:
    table = BY_KEY[key].codes
    entry = table.get(form.get(key, "")) if table else None
    return entry.name if entry else "空"


RULES: tuple[Callable[[Form, FormFacts, Collection[str]], Finding | tuple[Finding, ...] | None], ...] = (
    class_of_its_grade,  # 3.5
    document_in_order,  # 3.5, 50
    members_in_order,  # 14
    guardian_named,  # 15.1
    mainstreaming_fits_disability,  # 17
    born_in_the_past,  # 40
    nationality_fits,  # 50
)

ALWAYS = frozenset(field.key for field in FIELDS if field.required == "yes")
RESIDENTS = frozenset(field.key for field in FIELDS if field.required == "mainland")
OF_MEMBERS = tuple(field for field in FIELDS if field.required == "member")


@clause("14")
def required_fields(form: Form, facts: FormFacts, bad: Collection[str]) -> tuple[str, ...]:
    """Keys of the fields that must be filled in and are not, in the form's order.

    Who holds no resident identity card need not have a household registration, a native place or a division of birth.
    """
    lacking: set[str] = set()
    if not form.keys() >= ALWAYS:
        lacking.update(ALWAYS - form.keys())
    kind = form.get("document_kind")
    if kind == DocumentKind.RESIDENT and not form.keys() >= RESIDENTS:
        lacking.update(RESIDENTS - form.keys())
    if kind not in (None, DocumentKind.OTHER) and "document_number" not in form and not facts.documents_on_file:
        lacking.add("document_number")
    for field in OF_MEMBERS:
        if field.key not in form and f"member{field.member}_name" in form:
            lacking.add(field.key)
    if not lacking:
        return ()
    lacking.difference_update(bad)
    return tuple(field.key for field in FIELDS if field.key in lacking)
