from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from identity import policy
from identity.policy import Known
from identity_support import NOW, REGISTRAR, SCHOOL, People
from shared_contracts.actors import Actor, Role, system
from shared_contracts.identity import Holder, NumberKind, PersonEntry, Verification

G, L, J = NumberKind.G, NumberKind.L, NumberKind.J
TODAY = NOW.date()
V = Verification


def known(entry: PersonEntry, **changes: Any) -> Known:
    values = {
        "person_id": "p",
        "name": entry.name,
        "sex": entry.sex,
        "birth_date": entry.birth_date,
        "area": entry.area,
        "document_kind": entry.document_kind,
        "masked_document": "23*",
    } | changes
    return Known(**values)


@pytest.mark.clause("15.2")
@pytest.mark.clause("20.1")
def test_the_holder_stands_in_everybodys_way_but_his_own() -> None:
    holder = Holder(person_id="p", registration_id="r1", school=SCHOOL)
    assert policy.in_the_way(holder, "r2") == holder
    assert policy.in_the_way(holder) == holder
    assert policy.in_the_way(holder, "r1") is None
    assert policy.in_the_way(None, "r1") is None


@pytest.mark.clause("15.3")
@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (V.MATCHED, G),
        (V.NOT_FOUND, L),
        (V.NAME_MISMATCH, L),
        (V.SEX_MISMATCH, L),
        (V.BIRTH_DATE_MISMATCH, L),
        (V.NOT_MATCHABLE, L),
        (V.UNAVAILABLE, L),
        (V.PENDING, L),
    ],
)
def test_only_a_match_gives_a_g(outcome: Verification, kind: NumberKind) -> None:
    assert policy.number_kind(outcome) is kind


@pytest.mark.clause("15.3")
@pytest.mark.parametrize(
    ("outcome", "attempts", "pause"),
    [
        (V.UNAVAILABLE, 1, timedelta(seconds=30)),
        (V.UNAVAILABLE, 2, timedelta(seconds=60)),
        (V.UNAVAILABLE, 7, timedelta(minutes=32)),
        (V.UNAVAILABLE, 8, timedelta(hours=1)),
        (V.UNAVAILABLE, 500, timedelta(hours=1)),
        (V.NOT_FOUND, 1, timedelta(days=1)),
        (V.NOT_FOUND, 90, timedelta(days=1)),
        (V.NAME_MISMATCH, 1, None),
        (V.SEX_MISMATCH, 1, None),
        (V.BIRTH_DATE_MISMATCH, 1, None),
        (V.NOT_MATCHABLE, 1, None),
    ],
)
def test_when_to_ask_again(outcome: Verification, attempts: int, pause: timedelta | None) -> None:
    assert policy.next_check(outcome, attempts, NOW) == (None if pause is None else NOW + pause)


@pytest.mark.clause("15.4")
@pytest.mark.parametrize(
    ("current", "outcome", "taken", "issued"),
    [
        (None, V.MATCHED, False, G),
        (None, V.MATCHED, True, L),  # that G has been somebody else's
        (None, V.NOT_FOUND, False, L),
        (L, V.MATCHED, False, G),
        (L, V.MATCHED, True, None),
        (L, V.NOT_FOUND, False, None),
        (L, V.UNAVAILABLE, False, None),
        (J, V.MATCHED, False, G),
        (G, V.MATCHED, False, None),
        (G, V.NAME_MISMATCH, False, None),
    ],
)
def test_what_follows_what(
    current: NumberKind | None, outcome: Verification, taken: bool, issued: NumberKind | None
) -> None:
    assert policy.succession(current, outcome, formal_taken=taken) is issued


BASE = People(1).entry(name="王小明", sex="1", area="230102")


@pytest.mark.clause("20.1")
@pytest.mark.parametrize(
    ("likely", "entry", "other"),
    [
        (True, {}, {}),
        (True, {}, {"sex": "2"}),
        (True, {}, {"document_kind": "A", "area": "230103"}),
        (True, {}, {"name": "王晓明"}),
        (False, {}, {"name": "王晓明", "sex": "2"}),
        (False, {}, {"birth_date": BASE.birth_date + timedelta(days=1)}),
        # One character apart: only when a card does not tell them apart, and they come from one county.
        (True, {"document_kind": "Z"}, {"name": "王大明"}),
        (True, {}, {"name": "王大明", "document_kind": "A"}),
        (False, {}, {"name": "王大明"}),
        (False, {"document_kind": "Z"}, {"name": "王大明", "area": "230103"}),
        (False, {"document_kind": "Z"}, {"name": "王大明", "sex": "2"}),
        (False, {"document_kind": "Z"}, {"name": "李大华"}),
    ],
)
def test_likely_duplicates(likely: bool, entry: dict[str, Any], other: dict[str, Any]) -> None:
    pupil = msgspec.structs.replace(BASE, **entry)
    reasons = policy.likely_reasons(pupil, known(BASE, **other))
    assert bool(reasons) is likely


@pytest.mark.clause("20.1")
def test_equal_names_come_first_and_the_list_is_short() -> None:
    others = [known(BASE, person_id=f"s{i}", name="王晓明") for i in range(10)]
    others.append(known(BASE, person_id="same", school="S9", registration_id="r"))
    found = policy.likely(BASE, others)
    assert found[0].person_id == "same"
    assert found[0].school == "S9"
    assert len(found) == policy.LIKELY_SHOWN


@pytest.mark.clause("40")
@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({}, []),
        ({"name": "王 小明"}, []),  # a blank is no other name
        ({"birth_date": BASE.birth_date + timedelta(days=1)}, ["person.birth_date_differs"]),
        ({"name": "王大明"}, ["person.name_or_sex_differs"]),
        ({"sex": "2"}, ["person.name_or_sex_differs"]),
    ],
)
def test_a_record_is_not_changed_by_registering_anew(changes: dict[str, Any], codes: list[str]) -> None:
    found = policy.established(known(BASE, **changes), BASE)
    assert [finding.code for finding in found] == codes
    assert all(finding.clause == "40" and finding.cure for finding in found)


@pytest.mark.clause("40")
def test_birth_digits_and_birth_date_agree() -> None:
    assert policy.faults(BASE, TODAY) == ()
    wrong = msgspec.structs.replace(BASE, birth_date=BASE.birth_date + timedelta(days=1))
    assert [f.code for f in policy.faults(wrong, TODAY)] == ["document.birth_date_differs"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": " "}, "person.name"),
        ({"name": "王" * 101}, "person.name"),
        ({"name": "王\x00"}, "person.name"),
        ({"area": "2301"}, "person.area"),
        ({"area": "２３０１０２"}, "person.area"),
        ({"document_kind": "Q", "document_number": "E12345678"}, "person.document_kind"),
        ({"document_kind": "A", "document_number": ""}, "document.missing"),
        ({"document_kind": "A", "document_number": "E1234 5678!"}, "document.characters"),
        ({"document_number": BASE.document_number[:-1] + "?"}, "document.characters"),
        ({"document_kind": "Z", "document_number": "", "birth_date": date(2030, 1, 1)}, "person.birth_date"),
    ],
)
def test_what_can_be_no_person(changes: dict[str, Any], code: str) -> None:
    entry = msgspec.structs.replace(BASE, **changes)
    assert code in [finding.code for finding in policy.faults(entry, TODAY)]


def test_no_finding_shows_a_number() -> None:
    wrong = msgspec.structs.replace(BASE, birth_date=BASE.birth_date + timedelta(days=1), sex="2")
    text = str(policy.faults(wrong, TODAY)) + str(policy.established(known(BASE), wrong))
    assert BASE.document_number not in text
    assert BASE.name not in text


@pytest.mark.clause("50")
@pytest.mark.parametrize(("kind", "asked"), [("1", True), *((kind, False) for kind in "6789AZ")])
def test_only_resident_cards_are_sent_to_the_matcher(kind: str, asked: bool) -> None:
    assert policy.matchable(kind) is asked


def actor(*roles: Role, organisation: str = SCHOOL) -> Actor:
    return Actor(account="a", name="n", organisation=organisation, roles=roles)


@pytest.mark.parametrize(
    ("who", "may"),
    [
        (REGISTRAR, True),
        (actor(Role.PRINCIPAL), True),
        (system("registry"), True),
        (actor(Role.REGISTRAR, organisation="2123010009"), False),
        (actor(Role.CLASS_TEACHER), False),
        (actor(Role.AUTHORITY_OFFICER, organisation="230100"), False),
        (actor(Role.OPERATOR), False),
    ],
)
def test_who_enters_persons(who: Actor, may: bool) -> None:
    assert (policy.against_entering(who, "identity.stage_persons", SCHOOL) is None) is may


NEAR, FAR, CITY_MANAGED = "2123010009", "2123020001", "2123010008"
AUTHORITIES = {SCHOOL: "230102", NEAR: "230103", FAR: "230202", CITY_MANAGED: "230100"}


@pytest.mark.clause("3.1", "45.1")
@pytest.mark.parametrize(
    ("who", "schools", "may"),
    [
        (REGISTRAR, [SCHOOL], True),
        (REGISTRAR, [SCHOOL, NEAR], False),
        (REGISTRAR, [None], False),
        (actor(Role.PRINCIPAL), [SCHOOL], True),
        (actor(Role.CLASS_TEACHER), [SCHOOL], False),
        (actor(Role.AUDITOR), [SCHOOL], False),
        (actor(Role.AUTHORITY_OFFICER, organisation="230102"), [SCHOOL], True),
        (actor(Role.AUTHORITY_OFFICER, organisation="230102"), [SCHOOL, NEAR], False),
        (actor(Role.AUTHORITY_OFFICER, organisation="230102"), [CITY_MANAGED], False),
        (actor(Role.AUTHORITY_OFFICER, organisation="230100"), [SCHOOL, NEAR, CITY_MANAGED], True),
        (actor(Role.AUTHORITY_OFFICER, organisation="230100"), [SCHOOL, FAR], False),
        (actor(Role.AUTHORITY_OFFICER, organisation="230000"), [SCHOOL, FAR], True),
        (actor(Role.AUTHORITY_OFFICER, organisation="230000"), ["2123010099"], False),  # unknown here: nobody's
        (actor(Role.AUTHORITY_OFFICER, organisation="230000"), [None], False),
        (system("registry"), [SCHOOL], True),
    ],
)
def test_who_is_shown_full_numbers(who: Actor, schools: list[str | None], may: bool) -> None:
    assert policy.may_reveal(who, schools, AUTHORITIES) is may


def test_datetimes_are_aware() -> None:
    moment = policy.next_check(V.UNAVAILABLE, 1, NOW)
    assert isinstance(moment, datetime)
    assert moment.tzinfo is not None
