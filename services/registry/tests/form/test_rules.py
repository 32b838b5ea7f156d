"""Rules between fields: each boundary on both sides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from registry.form.entry import Checked
from registry.organisations.facts import SchoolFacts
from shared_contracts.decisions import Outcome

Check = Callable[..., Checked]


def codes(checked: Checked, outcome: Outcome = Outcome.REFUSE) -> list[str]:
    return [f.code for f in checked.findings if f.outcome is outcome]


@pytest.mark.clause("2")
@pytest.mark.parametrize(("way", "refused"), [("11", False), ("12", False), ("21", True), ("99", True)])
def test_entry_ways_of_senior_high_are_refused(check: Check, way: str, refused: bool) -> None:
    assert codes(check(entry_way=way)) == (["form.code_barred"] if refused else [])


@pytest.mark.clause("3.5")
def test_the_class_may_name_its_grade_and_must_then_agree(check: Check) -> None:
    right = check(class_no="一年级2班")
    assert right.entry is not None
    assert (right.entry.class_no, right.entry.form["class_no"]) == (2, "2")
    assert codes(check(class_no="二年级2班")) == ["form.class_of_other_grade"]


@pytest.mark.clause("3.5")
def test_the_resident_number_agrees_with_birth_date_and_sex(check: Check, number: Callable[..., str]) -> None:
    assert codes(check()) == []
    assert codes(check(birth_date="20200306")) == ["document.birth_date_differs"]
    assert codes(check(sex="2")) == ["document.sex_differs"]
    assert codes(check(sex="女", document_number=number(sex="2"))) == []
    wrong = number()[:-1] + ("0" if number()[-1] != "0" else "1")
    assert codes(check(document_number=wrong)) == ["document.check_digit"]
    assert codes(check(document_number=number()[:-1])) == ["document.length"]


@pytest.mark.clause("24.6.1")
def test_borrowed_pupils_are_refused_with_the_clause(check: Check) -> None:
    found = check(source="2-借读").findings
    assert [(f.code, f.clause) for f in found] == [("form.code_barred", "24.6.1")]
    assert codes(check(source="1")) == []


@pytest.mark.clause("14")
@pytest.mark.parametrize("key", ["name", "sex", "birth_date", "health", "phone", "home_address", "grade", "preschool"])
def test_required_fields(check: Check, key: str) -> None:
    found = [f for f in check(**{key: None}).findings if f.code == "form.missing"]
    assert [f.fields for f in found] == [(key,)]
    assert found[0].clause == "14"


@pytest.mark.clause("14")
@pytest.mark.parametrize("key", ["political", "photo", "left_behind", "mainstreamed", "disability", "member2_name"])
def test_fields_that_may_stay_empty(check: Check, key: str) -> None:
    assert check(**{key: None}).findings == ()


@pytest.mark.clause("14")
def test_white_space_is_no_value(check: Check) -> None:
    assert codes(check(home_address=" \u3000")) == ["form.missing"]


@pytest.mark.clause("14")
def test_a_member_is_whole_or_not_there(check: Check, number: Callable[..., str]) -> None:
    assert codes(check(member2_phone="13945001234")) == ["form.member_unnamed"]
    assert codes(check(member2_name="李丽")) == ["form.missing", "form.missing"]
    whole = {"member2_name": "李丽", "member2_relation": "母亲", "member2_guardian": "否"}
    assert codes(check(**whole)) == []
    theirs = number(7, "19900101", "2")
    assert codes(check(**whole, member2_document_number=theirs)) == ["form.member_document_kind"]
    right = check(**whole, member2_document_kind="1", member2_document_number=theirs)
    assert right.entry is not None
    assert [(m.slot, m.document_number) for m in right.entry.members] == [
        (1, number(0, "19880101")),
        (2, theirs),
    ]
    assert codes(check(**whole, member2_document_kind="1", member2_document_number=theirs[:-1])) == ["document.length"]


@pytest.mark.clause("14")
def test_a_member_does_not_carry_the_pupils_document(check: Check, number: Callable[..., str]) -> None:
    assert codes(check(member1_document_number=number())) == ["form.member_document_is_pupils"]


@pytest.mark.clause("15.1")
def test_a_minor_has_a_guardian_who_can_be_reached(check: Check, number: Callable[..., str]) -> None:
    assert codes(check(member1_guardian="否")) == ["form.no_guardian"]
    assert codes(check(member1_guardian="否", member2_name="李丽", member2_relation="母亲", member2_guardian="是",
                       member2_phone="13945001234")) == []  # fmt: skip
    assert codes(check(member1_phone=None)) == ["form.guardian_phone"]
    assert codes(check(member1_phone="无")) == ["form.phone"]  # told once
    # Born on 10 September 2008: eighteen on the day of the check, 10 September 2026.
    grown = {"birth_date": "20080910", "document_number": number(0, "20080910"), "member1_guardian": "否"}
    assert codes(check(**grown)) == []
    grown |= {"birth_date": "20080911", "document_number": number(0, "20080911")}
    assert codes(check(**grown)) == ["form.no_guardian"]


@pytest.mark.clause("17")
@pytest.mark.parametrize(
    ("mainstreamed", "disability", "code"),
    [
        ("0", "1", None),
        (None, None, None),
        ("0", "2", "form.mainstreaming_unmarked"),
        (None, "6", "form.mainstreaming_unmarked"),
        ("1", "2", None),
        ("1", "3", "form.mainstreaming_differs"),
        ("2", "3", None),
        ("3", "6", None),
        ("3", "1", "form.mainstreaming_differs"),
        ("9", "4", None),
        ("9", "8", None),
        ("9", "2", "form.mainstreaming_differs"),
    ],
)
def test_mainstreaming_and_disability(
    check: Check, mainstreamed: str | None, disability: str | None, code: str | None
) -> None:
    checked = check(mainstreamed=mainstreamed, disability=disability)
    assert codes(checked) == ([code] if code else [])
    if checked.entry:
        assert checked.entry.placement == ("ordinary" if mainstreamed in (None, "0") else "mainstreamed")


@pytest.mark.clause("17")
def test_special_schools_and_home_teaching(check: Check, special_school: SchoolFacts) -> None:
    def at_special(**changes: Any) -> Checked:
        return check(at=special_school, school_code=special_school.code, **changes)

    special = at_special(mainstreamed="0", disability="6")
    assert special.entry is not None
    assert special.entry.placement == "special_school"
    assert codes(at_special(mainstreamed="3", disability="6")) == ["form.mainstreamed_in_special_school"]
    home = check(home_teaching="是", disability="8")
    assert home.entry is not None
    assert home.entry.placement == "home_teaching"
    assert codes(check(home_teaching="是", disability="6", mainstreamed="3")) == ["form.two_placements"]


@pytest.mark.clause("40")
def test_the_birth_date_is_not_in_the_future(check: Check, number: Callable[..., str]) -> None:
    from datetime import date

    today = date(2026, 9, 10)
    for day, expected in ((today, []), (today + timedelta(days=1), ["form.birth_in_future"])):
        born = f"{day:%Y%m%d}"
        checked = check(birth_date=born, document_kind="Z", document_number=None)
        assert codes(checked) == expected


HONG_KONG = {
    "document_kind": "6",
    "document_number": "M1234567",
    "overseas": "01",
    "nationality": "HKG",
    "birth_place": None,
    "native_place": None,
    "household_place": None,
    "household_kind": None,
}


@pytest.mark.clause("50")
def test_who_holds_no_resident_card_needs_no_household(check: Check, school: SchoolFacts) -> None:
    checked = check(**HONG_KONG)
    assert codes(checked) == []
    assert checked.entry is not None
    assert checked.entry.area == school.division
    assert codes(check(birth_place=None)) == ["form.missing"]
    assert codes(check(**HONG_KONG | {"document_number": None})) == ["form.missing"]


@pytest.mark.clause("50")
def test_other_documents_may_have_no_number_but_a_proof_is_asked_for(check: Check) -> None:
    checked = check(document_kind="Z", document_number=None)
    assert checked.entry is not None
    assert codes(checked, Outcome.NOTE) == ["document.proof_needed"]


@pytest.mark.clause("50")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"nationality": "USA"}, "form.nationality_document"),
        (HONG_KONG, None),
        (HONG_KONG | {"nationality": "CHN"}, None),
        (HONG_KONG | {"nationality": "USA"}, "form.nationality_overseas"),
        ({"document_kind": "A", "document_number": "E12345678", "overseas": "51", "nationality": "USA"}, None),
        (
            {"document_kind": "A", "document_number": "E12345678", "overseas": "51", "nationality": "CHN"},
            "form.nationality_overseas",
        ),
        ({"document_kind": "A", "document_number": "E12345678", "overseas": "11", "nationality": "CHN"}, None),
        (
            {"document_kind": "A", "document_number": "E12345678", "overseas": "00", "nationality": "USA"},
            "form.nationality_overseas",
        ),
        ({"document_kind": "A", "document_number": "E12345678", "overseas": "99", "nationality": "USA"}, None),
    ],
)
def test_nationality(check: Check, changes: dict[str, Any], code: str | None) -> None:
    assert codes(check(**changes)) == ([code] if code else [])
