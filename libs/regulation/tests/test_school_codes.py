import pytest
from regulation.codetables import SCHOOL_KIND, SCHOOL_TYPE
from regulation.school_codes import SCHOOL_TYPES, check_school_code, compulsory_stages
from regulation.school_year import Stage


@pytest.mark.clause("2")
@pytest.mark.parametrize("code", ["2123001234", "3123001234", "3423001234", "3723001234", "5123001234"])
def test_codes_of_schools_under_the_regulation(code: str) -> None:
    assert check_school_code(code) is None


@pytest.mark.clause("2")
@pytest.mark.parametrize(
    ("code", "fault"),
    [
        ("", "digits"),
        ("212300123", "digits"),
        ("21230012345", "digits"),
        ("21230012A4", "digits"),
        ("２１２３００１２３４", "digits"),
        ("9923001234", "kind"),
        ("1123001234", "not_compulsory"),  # 幼儿园
        ("3623001234", "not_compulsory"),  # 中等职业学校
    ],
)
def test_other_codes_are_refused(code: str, fault: str) -> None:
    finding = check_school_code(code)
    assert finding is not None
    assert finding.code == f"school_code.{fault}"
    assert finding.clause == "2"


@pytest.mark.clause("2")
def test_the_kind_fits_the_type() -> None:
    assert check_school_code("3123001234", school_type="312") is None
    finding = check_school_code("2123001234", school_type="312")
    assert finding is not None
    assert finding.code == "school_code.type_differs"


@pytest.mark.clause("2")
def test_the_types_are_a_closed_set_with_their_stages() -> None:
    assert compulsory_stages("211") == (Stage.PRIMARY,)
    assert compulsory_stages("311") == (Stage.JUNIOR,)
    assert compulsory_stages("341") == (Stage.JUNIOR,)  # 完全中学: its junior part only
    for nine_years in ("312", "345", "371", "514"):
        assert compulsory_stages(nine_years) == (Stage.PRIMARY, Stage.JUNIOR)
    for outside in ("111", "342", "365", "411", ""):
        assert compulsory_stages(outside) == ()


def test_types_and_kinds_are_those_of_the_national_tables() -> None:
    for school_type in SCHOOL_TYPES.values():
        assert SCHOOL_TYPE.get(school_type.code) is not None
        assert SCHOOL_KIND.get(school_type.kind) is not None
        assert school_type.code[:2] == school_type.kind
