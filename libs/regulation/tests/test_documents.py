from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from regulation.documents import (
    L_CAPACITY,
    DocumentKind,
    check_digit,
    check_document,
    check_resident,
    is_l_body_possible,
    l_body,
    mask_document,
    normalise,
    read_resident,
)
from shared_contracts.decisions import Finding, Outcome

BIRTHS = st.dates(date(1900, 1, 1), date(2099, 12, 31))
AREAS = st.integers(110000, 659999).map(str)


def resident(area: str = "230102", birth: date = date(2019, 5, 15), serial: int = 351) -> str:
    first = f"{area}{birth:%Y%m%d}{serial:03d}"
    return first + check_digit(first)


def codes(findings: tuple[Finding, ...], outcome: Outcome = Outcome.REFUSE) -> list[str]:
    return [f.code.removeprefix("document.") for f in findings if f.outcome is outcome]


def test_the_example_of_the_standard() -> None:
    # GB 11643-1999, annex A: 11010519491231002X and 440524188001010014.
    assert check_digit("11010519491231002") == "X"
    assert check_digit("44052418800101001") == "4"
    read = read_resident("11010519491231002X")
    assert read is not None
    assert (read.area, read.birth_date, read.sex) == ("110105", date(1949, 12, 31), "2")


@pytest.mark.clause("3.5")
def test_a_right_number_has_no_fault() -> None:
    assert check_resident(resident(), birth_date=date(2019, 5, 15), sex="1", today=date(2026, 9, 1)) == ()


@pytest.mark.clause("3.5")
@pytest.mark.parametrize(
    ("number", "fault"),
    [
        ("23010220190515351", "length"),
        ("2301022019051535111", "length"),
        ("230102190515351", "length"),  # 15 digits, out of use since 2013
        ("23010220190515O511", "characters"),
        ("X30102201905153511", "characters"),
        (resident()[:6] + "20190230" + resident()[14:], "birth_date"),
    ],
)
def test_faults_of_form(number: str, fault: str) -> None:
    assert fault in codes(check_resident(number))


@pytest.mark.clause("3.5")
def test_a_wrong_check_digit_is_found_and_the_right_one_not() -> None:
    right = resident()
    for last in "0123456789X":
        expected = [] if last == right[17] else ["check_digit"]
        assert codes(check_resident(right[:17] + last)) == expected


@given(AREAS, BIRTHS, st.integers(0, 999), st.integers(0, 16), st.integers(1, 9))
def test_no_single_wrong_digit_goes_unseen(area: str, birth: date, serial: int, place: int, by: int) -> None:
    right = resident(area, birth, serial)
    wrong = right[:place] + str((int(right[place]) + by) % 10) + right[place + 1 :]
    assert read_resident(right) is not None
    assert read_resident(wrong) is None


@given(AREAS, BIRTHS, st.integers(0, 999), st.integers(0, 15))
def test_no_two_neighbours_swapped_go_unseen(area: str, birth: date, serial: int, place: int) -> None:
    right = resident(area, birth, serial)
    swapped = right[:place] + right[place + 1] + right[place] + right[place + 2 :]
    assert swapped == right or read_resident(swapped) is None


@pytest.mark.clause("3.5")
def test_birth_date_and_sex_are_compared_with_the_form() -> None:
    boy = resident(serial=351)
    assert codes(check_resident(boy, birth_date=date(2019, 5, 16))) == ["birth_date_differs"]
    assert codes(check_resident(boy, sex="2")) == ["sex_differs"]
    girl = resident(serial=352)
    assert codes(check_resident(girl, birth_date=date(2019, 5, 15), sex="2")) == []
    (finding,) = check_resident(boy, birth_date=date(2019, 5, 16), field="id_number")
    assert finding.fields == ("id_number", "birth_date")


@pytest.mark.clause("3.5")
def test_nobody_is_born_tomorrow() -> None:
    number = resident(birth=date(2026, 9, 2))
    assert codes(check_resident(number, today=date(2026, 9, 1))) == ["birth_in_future"]
    assert codes(check_resident(number, today=date(2026, 9, 2))) == []


def test_an_unknown_area_is_a_note_and_never_a_refusal() -> None:
    findings = check_resident(resident(area="770101"))
    assert codes(findings) == []
    assert codes(findings, Outcome.NOTE) == ["area_unknown"]
    # A district dissolved in 2019 is still the area of those who were registered there.
    assert check_resident(resident(area="230702")) == ()


@pytest.mark.clause("50")
def test_permits_entered_as_resident_numbers_are_pointed_out() -> None:
    for area in ("810000", "830000", "911840"):
        findings = check_resident(resident(area=area))
        assert codes(findings) == []
        assert codes(findings, Outcome.NOTE) == ["not_a_resident_number"]


def test_normalise_forgives_what_people_type() -> None:
    assert normalise(" ２３０１０２２０１９０５１５３５１ｘ ") == "23010220190515351X"
    assert normalise("230102 20190515 351x") == "23010220190515351X"
    assert normalise("A123456（7）") == "A1234567"
    assert normalise("\ufeffe１２３４５６７８\u200b") == "E12345678"


@pytest.mark.clause("50")
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("6", "A1234567"),
        ("6", "AB987654A"),
        ("6", "H12345678"),
        ("6", "K12345678"),
        ("7", "12345678"),
        ("7", "MA1234567"),
        ("8", "12345678"),
        ("8", "A123456789"),
        ("9", "USA310012345678"),
        ("A", "E12345678"),
        ("A", "123456789"),
        ("A", "TK1234567"),
        ("Z", "B20190001"),
        ("6", resident(area="810000")),
        ("7", resident(area="820000")),
        ("8", resident(area="830000")),
        ("9", resident(area="911840")),  # the permanent-residence card of 2023
        ("1", resident()),
    ],
)
def test_documents_of_every_kind_are_taken(kind: str, number: str) -> None:
    assert check_document(kind, number, birth_date=date(2019, 5, 15), sex="1") == ()


@pytest.mark.clause("50")
def test_an_unusual_foreign_number_is_a_note() -> None:
    for kind, number in (("6", "12345"), ("A", "ABCDEFGH"), ("9", "12345678"), ("A", resident())):
        findings = check_document(kind, number)
        assert codes(findings) == []
        assert codes(findings, Outcome.NOTE) == ["unusual"]


@pytest.mark.clause("50")
def test_a_foreign_number_is_refused_only_when_it_cannot_be_one() -> None:
    assert codes(check_document("A", "E123")) == ["characters"]
    assert codes(check_document("A", "E12345678" * 3)) == ["characters"]
    assert codes(check_document("A", "护照12345678")) == ["characters"]


@pytest.mark.clause("50")
def test_a_residence_permit_has_a_check_digit_and_a_birth_date() -> None:
    right = resident(area="810000")
    wrong = right[:17] + ("0" if right[17] != "0" else "1")
    assert codes(check_document("6", wrong)) == ["check_digit"]
    assert codes(check_document("6", right, birth_date=date(2019, 5, 16))) == ["birth_date_differs"]
    card = resident(area="911840")
    findings = check_document("9", card, birth_date=date(2019, 5, 16))
    assert codes(findings) == []
    assert codes(findings, Outcome.NOTE) == ["birth_date_differs"]


@pytest.mark.clause("3.5")
def test_only_kind_z_may_be_without_a_number() -> None:
    for kind in DocumentKind:
        refused = codes(check_document(kind, ""))
        assert refused == ([] if kind is DocumentKind.OTHER else ["missing"])
    assert codes(check_document("Z", ""), Outcome.NOTE) == ["proof_needed"]


@given(st.sampled_from(list(DocumentKind)), st.text("0123456789ABCX", max_size=24))
def test_no_finding_shows_the_number(kind: DocumentKind, number: str) -> None:
    for finding in check_document(kind, number, birth_date=date(2019, 5, 15), sex="1"):
        if len(number) >= 5:
            assert number not in f"{finding.message}{finding.cure}{finding.facts}"


@given(st.sampled_from(list(DocumentKind)), st.text("0123456789ABCX", max_size=24))
def test_a_mask_keeps_the_length_and_hides_most(kind: DocumentKind, number: str) -> None:
    mask = mask_document(kind, number)
    assert len(mask) == len(number)
    assert mask.count("*") >= len(number) * 4 // 7
    assert all(shown in ("*", real) for shown, real in zip(mask, number, strict=True))


def test_masks() -> None:
    assert mask_document("1", "23010220190515351X") == "23**************1X"
    assert mask_document("A", "E12345678") == "E******78"
    assert mask_document("Z", "") == ""


@pytest.mark.clause("15.3")
@given(AREAS, BIRTHS, st.integers(0, L_CAPACITY - 1))
def test_an_l_body_is_never_a_valid_identity_number(area: str, birth: date, serial: int) -> None:
    body = l_body(area, birth, serial)
    assert body[:14] == f"{area}{birth:%Y%m%d}"
    assert len(body) == 18
    assert body.isdigit()
    assert read_resident(body) is None
    assert "check_digit" in codes(check_resident(body))
    assert is_l_body_possible(body)


@pytest.mark.clause("15.3")
@given(AREAS, BIRTHS, st.integers(0, 999))
def test_no_valid_identity_number_can_be_an_l_body(area: str, birth: date, serial: int) -> None:
    assert not is_l_body_possible(resident(area, birth, serial))


@pytest.mark.clause("15.3")
@pytest.mark.parametrize("birth", [date(2019, 5, 15), date(2020, 2, 29)])
def test_all_bodies_of_one_area_and_day_differ(birth: date) -> None:
    assert len({l_body("230102", birth, n) for n in range(L_CAPACITY)}) == L_CAPACITY


def test_l_bodies_end_where_the_serials_do() -> None:
    for serial in (-1, L_CAPACITY):
        with pytest.raises(ValueError, match="no serial left"):
            l_body("230102", date(2019, 5, 15), serial)
    with pytest.raises(ValueError, match="six digits"):
        l_body("2301", date(2019, 5, 15), 0)


@pytest.mark.parametrize("body", ["", "23010220190515351", "23010220190230351" + "1", "23010220190515351X"])
def test_what_cannot_be_an_l_body(body: str) -> None:
    assert not is_l_body_possible(body)
