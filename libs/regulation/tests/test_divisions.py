from regulation.divisions import (
    CITIES,
    DIVISIONS,
    PROVINCE,
    chain,
    counties,
    division,
    full_name,
    is_division_code,
)


def test_the_province_has_13_prefectures_and_its_counties_below_them() -> None:
    assert len(CITIES) == 13
    below = [d for city in CITIES for d in counties(city.code)]
    assert len(below) == len(DIVISIONS) - 14
    assert all(d.level == "county" for d in below)
    assert {d.parent for d in CITIES} == {PROVINCE}


def test_lookup_by_six_or_twelve_digits() -> None:
    found = division("230183")
    assert found is not None
    assert found.name == "尚志市"
    assert found.kind == "county_city"
    assert division("230183001002") == found
    assert division("2301") is None
    assert division("999999") is None


def test_names_and_chain() -> None:
    assert chain("230183") == ("230000", "230100", "230183")
    assert chain("230100") == ("230000", "230100")
    assert chain("230000") == ("230000",)
    assert full_name("230102") == "黑龙江省哈尔滨市道里区"
    assert full_name("230000") == "黑龙江省"
    assert full_name("110101") == "110101"


def test_the_shape_of_a_code() -> None:
    assert is_division_code("230102")
    assert is_division_code("110101001002")
    assert is_division_code("230702")  # dissolved in 2019, still on documents
    for bad in ("", "23010", "2301020", "770101", "23010a", "２３０１０２"):
        assert not is_division_code(bad), bad
