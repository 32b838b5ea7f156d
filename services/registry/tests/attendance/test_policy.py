"""How somebody in a class stands to the records: each rule on both sides (clauses 24.4, 24.6.1)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from attendance_desk import number, seated
from hypothesis import given
from hypothesis import strategies as st
from registry.attendance.policy import Known, row_faults, standing
from shared_contracts.attendance import Seated, Standing

TODAY = date(2026, 9, 10)
OWN, OTHER = "2123010001", "2123010002"


@pytest.mark.clause("24.6.1", "24.4")
@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({"school": OWN, "recorded": True, "class_id": "k"}, "here"),
        ({"school": OWN, "recorded": True, "class_id": "l"}, "other_class"),
        ({"school": OWN, "recorded": True}, "other_class"),
        ({"school": OWN}, "under_way"),
        ({"school": OTHER, "recorded": True, "class_id": "k"}, "elsewhere"),
        ({"school": OTHER}, "elsewhere"),
        ({"school": OTHER, "recorded": True, "studies_at": OWN}, "studies_here"),
        ({"school": OTHER, "recorded": True, "studies_at": "2123010003"}, "elsewhere"),
        ({}, "unknown"),
    ],
)
def test_where_a_record_is(known: Any, expected: str) -> None:
    assert standing(Known(**known), OWN, "k") == expected


@pytest.mark.clause("24.6.1")
@given(
    st.builds(
        Known,
        school=st.sampled_from([None, OWN, OTHER]),
        recorded=st.booleans(),
        class_id=st.sampled_from([None, "k", "l"]),
        studies_at=st.sampled_from([None, OWN, OTHER]),
    )
)
def test_nobody_whose_record_is_elsewhere_counts_as_a_pupil(known: Known) -> None:
    found = standing(known, OWN, "k")
    if known.school == OTHER and known.studies_at != OWN:
        assert found is Standing.ELSEWHERE
    if found in (Standing.HERE, Standing.OTHER_CLASS, Standing.UNDER_WAY):
        assert known.school == OWN


@pytest.mark.clause("3.5")
@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (seated(1, 2), {}),
        ((*seated(1), *seated(2), *seated(1)), {3: "attendance.twice"}),
        (
            (Seated(name="王", document_number=number(1)[:-1] + ("0" if number(1)[-1] != "0" else "1")),),
            {1: "check_digit"},
        ),
        ((Seated(name="王", document_number="123"),), {1: ""}),
        ((Seated(name="王", document_number="E12345678", document_kind="A"),), {1: "attendance.birth_date"}),
        (
            (Seated(name="王", document_number="E12345678", document_kind="A", sex="1", birth_date=date(2020, 1, 1)),),
            {},
        ),
    ],
)
def test_rows_that_cannot_be_compared(rows: Any, expected: dict[int, str]) -> None:
    found = row_faults(rows, TODAY)
    assert found.keys() == expected.keys()
    for number_, code in expected.items():
        assert code in found[number_][0].code
        assert all(fault.cure and fault.fields[0].startswith(f"rows[{number_ - 1}]") for fault in found[number_])
