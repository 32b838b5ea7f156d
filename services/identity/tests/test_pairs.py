"""Likely duplicates over the province: the rule, and the search for them."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from identity import policy
from identity.policy import Compared
from identity_support import OTHER_SCHOOL, REGISTRAR, REGISTRY, SCHOOL, Desk, People, scan
from shared_contracts.decisions import Refused
from shared_contracts.identity import Member, ScanLikely

BORN = date(2020, 3, 5)


# ---- the rule -------------------------------------------------------------------------------------------------------


def _one(**changes: object) -> Compared:
    values = {
        "person_id": "p", "registration_id": "r", "name": "王小明", "sex": "1", "birth_date": BORN, "area": "230102",
        "document_kind": "1", "number_kind": "L",
    } | changes  # fmt: skip
    return Compared(**values)  # type: ignore[arg-type]


GUARDIAN = {"member_keys": frozenset({7})}
OTHER_DAY = {"birth_date": date(2020, 5, 3)}


@pytest.mark.clause("20.1", "39")
@pytest.mark.parametrize(
    ("a", "b", "codes"),
    [
        ({}, {}, "name sex birth_date area"),
        ({}, {"sex": "2"}, "name birth_date area"),
        ({}, OTHER_DAY, None),
        ({}, {"name": "王晓明"}, "near_name sex birth_date area"),  # sounds alike
        ({}, {"name": "王晓明", "sex": "2"}, None),
        ({}, {"name": "王大明"}, None),  # one character apart, two cards
        ({}, {"name": "王大明", "document_kind": "Z"}, "near_name sex birth_date area"),
        ({}, {"name": "王大明", "document_kind": "Z", "area": "230202"}, None),
        ({"name": "李强"}, {"former_names": ("李强",)}, "former_name sex birth_date area"),
        (GUARDIAN, {"name": "李强", "document_kind": "Z", **GUARDIAN}, "sex birth_date guardian_document area"),
        (GUARDIAN, {"name": "李强", **GUARDIAN}, None),  # twins
        (GUARDIAN, {**OTHER_DAY, **GUARDIAN}, "name sex guardian_document area"),
        (GUARDIAN, {**OTHER_DAY, **GUARDIAN, "name": "王晓明"}, None),  # brothers
        ({"number_kind": "G"}, {"number_kind": "G"}, None),  # the police know both
        (
            {"number_kind": "G", **GUARDIAN},
            {"number_kind": "G", **GUARDIAN},
            "name sex birth_date guardian_document area",
        ),
        ({"number_kind": "G"}, {"number_kind": "L"}, "name sex birth_date area"),
    ],
)
def test_what_is_likely(a: dict[str, object], b: dict[str, object], codes: str | None) -> None:
    found = policy.agreement(_one(**a), _one(person_id="q", registration_id="s", **b))
    assert (" ".join(found.codes) if found else None) == codes


_people = st.builds(
    _one,
    name=st.sampled_from(["王小明", "王晓明", "王大明", "李强", "李墙"]),
    sex=st.sampled_from("12"),
    birth_date=st.sampled_from([BORN, date(2020, 5, 3)]),
    area=st.sampled_from(["230102", "230202"]),
    document_kind=st.sampled_from("1Z"),
    number_kind=st.sampled_from(["G", "L", None]),
    member_keys=st.frozensets(st.integers(1, 3), max_size=2),
    former_names=st.lists(st.sampled_from(["李强", "王小明"]), max_size=1).map(tuple),
)


@pytest.mark.clause("20.1")
@given(_people, _people)
def test_it_is_the_same_from_both_sides_and_never_from_a_sex_or_an_area_alone(a: Compared, b: Compared) -> None:
    found = policy.agreement(a, b)
    assert found == policy.agreement(b, a)
    if found:
        assert set(found.codes) & {"name", "former_name", "near_name", "guardian_document"}
        assert set(found.codes) & {"birth_date", "guardian_document"}
        assert len(found.codes) == len(found.reasons)


# ---- the search -----------------------------------------------------------------------------------------------------


@pytest.mark.integration
@pytest.mark.clause("20.1", "39")
async def test_found_across_the_province_with_how_rare_it_is(desk: Desk, people: People) -> None:
    twin = {"name": "赵子轩", "sex": "1", "birth_date": BORN}
    (here,) = await desk.enter([people.entry(**twin)])
    (there,) = await desk.enter([people.entry(**twin)], school=OTHER_SCHOOL)
    await desk.enter(people.entries(20), school=OTHER_SCHOOL)
    (pair,) = await scan(desk, here)
    assert pair.registrations == tuple(sorted([here.registration_id, there.registration_id]))
    assert (pair.alike, pair.agreements[:3]) == (2, ("name", "sex", "birth_date"))
    assert pair.reasons[0] == "姓名相同"
    assert await scan(desk, there, here) == (pair,)
    await desk.enter([people.entry(**twin, area="230202")], school="2123020001")
    assert {p.alike for p in await scan(desk, here)} == {3}


@pytest.mark.integration
@pytest.mark.clause("20.1")
async def test_found_by_guardian_and_by_former_name(desk: Desk, people: People) -> None:
    guardian = (Member(slot=1, document_kind="1", document_number="230102198001011236"),)
    one = people.entry(name="孙浩宇", sex="1", birth_date=BORN, members=guardian)
    other = people.entry(
        name="周文博", sex="1", birth_date=BORN, members=guardian, document_kind="Z", document_number=""
    )
    renamed = people.entry(name="林雨晨", sex="1", birth_date=BORN, former_name="孙浩宇")
    a, b, c = [
        (await desk.enter([entry], school=s))[0]
        for entry, s in ((one, SCHOOL), (other, OTHER_SCHOOL), (renamed, SCHOOL))
    ]
    found = {frozenset(p.registrations): p.agreements for p in await scan(desk, a)}
    assert "guardian_document" in found[frozenset({a.registration_id, b.registration_id})]
    assert "former_name" in found[frozenset({a.registration_id, c.registration_id})]
    assert await desk.value("SELECT count(*) FROM persons WHERE member_keys = '{}'") == 1


@pytest.mark.integration
async def test_the_search_is_for_the_registry_and_for_five_hundred(desk: Desk) -> None:
    refused = await desk.ask(ScanLikely(actor=REGISTRAR, person_ids=()))
    assert isinstance(refused, Refused)
    assert refused.kind == "forbidden"
    refused = await desk.ask(ScanLikely(actor=REGISTRY, person_ids=("x",) * 501))
    assert refused.kind == "too_large"
