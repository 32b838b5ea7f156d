"""A whole form: what an accepted one comes to, and that every fault of a refused one is told once, with its place."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
import pytest
from registry.form.check import SheetCheck, check_form, letters
from registry.form.entry import Checked
from registry.form.fields import BY_KEY, DOCUMENT_FIELDS, FIELDS
from registry.form.rules import FormFacts
from registry.organisations.facts import SchoolFacts
from shared_contracts.decisions import Outcome

Check = Callable[..., Checked]


@pytest.mark.parametrize(("column", "text"), [(0, "A"), (25, "Z"), (26, "AA"), (51, "AZ"), (52, "BA"), (701, "ZZ")])
def test_column_letters(column: int, text: str) -> None:
    assert letters(column) == text


@pytest.mark.clause("14")
def test_an_accepted_form(check: Check, number: Callable[..., str]) -> None:
    checked = check()
    entry = checked.entry
    assert entry is not None
    assert checked.findings == ()
    assert not checked.warned
    assert (entry.name, entry.sex, entry.birth_date) == ("王小明", "1", date(2020, 3, 5))
    assert (entry.document_kind, entry.document_number, entry.area) == ("1", number(), "230102")
    assert (entry.grade, entry.class_no, entry.enrolled_month) == (1, 1, "202609")
    assert (entry.placement, entry.disability, entry.overseas, entry.entry_way) == ("ordinary", "1", "00", "11")
    assert entry.form["ethnicity"] == "01"
    assert entry.form["birth_date"] == "2020-03-05"
    person = entry.person(7)
    assert (person.row, person.document_number, person.members) == (7, number(), entry.members)


@pytest.mark.clause("45.3")
def test_document_numbers_are_not_kept_with_the_form(check: Check, number: Callable[..., str]) -> None:
    entry = check().entry
    assert entry is not None
    assert DOCUMENT_FIELDS.isdisjoint(entry.form)
    assert number() not in msgspec.json.encode(entry.form).decode()


def test_every_fault_is_told_with_its_place_and_cure(school: SchoolFacts, form: Callable[..., dict[str, Any]]) -> None:
    cells = form(name="王1明", sex="未知", birth_date="2020-13-01", phone="12", document_number=2.3e17, postcode=None)
    fields = [*FIELDS, None]
    check = SheetCheck(fields, FormFacts(school=school, today=date(2026, 9, 10)))
    checked = check.row([*(cells.get(f.key) for f in FIELDS), "多余"], 12)
    assert checked.entry is None
    assert {f.fields[0]: (f.code, f.facts["cell"]) for f in checked.findings} == {
        "name": ("form.name_characters", "B12"),
        "sex": ("form.code_unknown", "C12"),
        "birth_date": ("form.date", "D12"),
        "document_number": ("form.digits_lost", "J12"),
        "phone": ("form.phone", "AF12"),
        "postcode": ("form.missing", "AG12"),
    }
    for finding in checked.findings:
        assert finding.outcome is Outcome.REFUSE
        assert finding.cure
        assert BY_KEY[finding.fields[0]].header in finding.message


def test_a_rules_finding_names_the_cell(school: SchoolFacts, form: Callable[..., dict[str, Any]]) -> None:
    cells = form(birth_date="20200306")
    check = SheetCheck(FIELDS, FormFacts(school=school, today=date(2026, 9, 10)))
    found = check.row([cells.get(f.key) for f in FIELDS], 3).findings
    assert [(f.code, f.facts["cell"], f.facts["column"]) for f in found] == [
        ("document.birth_date_differs", "J3", "身份证件号")
    ]


@pytest.mark.clause("45.3")
def test_personal_values_are_masked_in_findings(check: Check) -> None:
    secret = {
        "name": "欧阳小明9",
        "phone": "13845001234567",
        "document_number": "230102202003050199",
        "home_address": "\u200b哈尔滨市道里区中央大街8888号",
        "member1_name": "欧阳建国8",
    }
    checked = check(**secret)
    told = msgspec.json.encode(checked.findings).decode()
    assert len(checked.findings) == 5
    for part in ("小明", "建国", "13845001234", "20200305", "8888"):
        assert part not in told, part


def test_a_refused_form_can_be_found_again(check: Check, number: Callable[..., str]) -> None:
    checked = check(sex="未知")
    assert (checked.name, checked.masked_document) == ("王小明", "23" + "*" * 14 + number()[-2:])
    assert check(name="王1").name == "王1"


def test_unknown_keys_are_refused(school: SchoolFacts, form: Callable[..., dict[str, Any]]) -> None:
    facts = FormFacts(school=school, today=date(2026, 9, 10))
    checked = check_form(form() | {"shoe_size": "36"}, facts)
    assert [f.code for f in checked.findings] == ["form.unknown_field"]


def test_a_correction_does_without_the_documents(check: Check) -> None:
    changes = {"document_number": None, "member1_document_number": None}
    assert check(documents_on_file=True, **changes).entry is not None
    assert check(**changes).entry is None


def test_what_a_column_has_seen_is_taken_the_same_way_again(
    school: SchoolFacts, form: Callable[..., dict[str, Any]]
) -> None:
    check = SheetCheck(FIELDS, FormFacts(school=school, today=date(2026, 9, 10)))
    rows = [form(sex=sex, grade=grade) for sex in ("男", 1.0, True, "女") for grade in ("一年级", 1.0, True)]
    first = [check.row([row.get(f.key) for f in FIELDS]) for row in rows]
    assert [check.row([row.get(f.key) for f in FIELDS]) for row in rows] == first
    assert first[0].entry is not None
    assert first[2].entry is None  # TRUE is no grade, though it equals 1
