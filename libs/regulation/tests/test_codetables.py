import pytest
from hypothesis import given
from hypothesis import strategies as st
from regulation import codetables as tables
from regulation.codetables import TABLES, CodeTable, Entry

EVERY_ENTRY = [(table, entry) for table in TABLES.values() for entry in table.entries]


@given(st.sampled_from(EVERY_ENTRY), st.sampled_from(["{c}", "{n}", "{c}-{n}", " {c} - {n} ", "{c}—{n}", "{c} {n}"]))
def test_every_entry_is_found_by_code_name_and_both(row: tuple[CodeTable, Entry], written: str) -> None:
    table, entry = row
    assert table.find(written.format(c=entry.code, n=entry.name)) is entry


@pytest.mark.parametrize("written", ["1", "男", "1-男", "１－男", "1 男", "1.男", "1男", " 男 "])
def test_sex_as_people_write_it(written: str) -> None:
    found = tables.SEX.find(written)
    assert found is not None
    assert found.code == "1"


def test_codes_as_long_as_a_division_s_are_found_by_both() -> None:
    """A drop-down offers `230102-哈尔滨市道里区`, and what was chosen from it is understood."""
    entry = Entry("230102", "哈尔滨市道里区")
    table = CodeTable(key="county", title="县（市、区）", standard="", entries=(entry,), aliases={})
    assert [table.find(text) for text in (entry.label, "230102", "哈尔滨市道里区")] == [entry] * 3
    assert table.find("230102-哈尔滨市南岗区") is None


@pytest.mark.parametrize("written", ["1-女", "3", "0", "未知", "", "M", "11", "1-"])
def test_what_the_form_does_not_know(written: str) -> None:
    assert tables.SEX.find(written) is None


def code(table: CodeTable, written: str) -> str | None:
    found = table.find(written)
    return found and found.code


@pytest.mark.clause("14")
def test_old_spellings_and_everyday_words() -> None:
    assert code(tables.ETHNICITY, "毛难族") == "36"
    assert code(tables.ETHNICITY, "毛南族") == "36"
    assert code(tables.ETHNICITY, "崩龙族") == "46"
    assert code(tables.ETHNICITY, "汉") == "01"
    assert code(tables.ETHNICITY, "1") == "01"  # Excel made a number of it
    assert code(tables.RELATION, "姥姥") == "64"
    assert code(tables.NATIONALITY, "CHN-中国") == "CHN"
    assert code(tables.NATIONALITY, "香港") == "HKG"
    assert code(tables.DOCUMENT_KIND, "a-护照") == "A"
    assert code(tables.OVERSEAS, "0") == "00"
    assert code(tables.POLITICAL, "少先队员") == "13"
    assert code(tables.COMMUTE, "公共交通(含城市公交、农村客运和地铁)") == "3"


@pytest.mark.clause("14")
def test_the_form_goes_before_the_standard_it_cites() -> None:
    assert code(tables.HEALTH, "残疾") == "50"  # GB/T 2261.3 says 60
    assert code(tables.HEALTH, "40") == "40"
    assert tables.HEALTH.find("60") is None
    assert code(tables.HUKOU, "农业户口") == "1"  # GA 324.1 says 2
    assert code(tables.BOARDING, "2-住校") == "2"
    assert tables.BOARDING.find("3-借宿") is None
    assert code(tables.OVERSEAS, "否") == "00"


def test_what_the_law_forbids_is_known_so_that_the_refusal_can_say_why() -> None:
    found = tables.SOURCE.find("2-借读")
    assert found is not None
    assert found.barred == "24.6.1"
    assert "2-借读" not in tables.SOURCE.options
    assert [e.code for e in tables.ENTRY_WAY.entries if e.barred is None] == ["11", "12"]


def test_drop_downs_offer_labels() -> None:
    assert tables.SEX.options == ("1-男", "2-女")
    assert tables.POLITICAL.options == (
        "01-中国共产党党员",
        "02-中国共产党预备党员",
        "03-中国共产主义青年团团员",
        "13-群众",
    )
    assert len(tables.ETHNICITY.options) == 56


def test_suggestions_name_both_sides_of_a_contradiction() -> None:
    assert set(tables.SEX.suggest("1-女")) == {"1-男", "2-女"}
    assert "02-蒙古族" in tables.ETHNICITY.suggest("蒙古簇")
    assert tables.HEALTH.suggest("90") == tables.HEALTH.options
    assert "2-借读" not in tables.SOURCE.suggest("借读")


def test_tables_say_where_their_digits_are_our_own() -> None:
    assert {t.key for t in TABLES.values() if not t.official_codes} == {"mainstreamed", "disability", "commute"}


def test_a_table_with_a_code_twice_or_a_torn_alias_cannot_be_made() -> None:
    entries = (Entry("1", "甲"), Entry("1", "乙"))
    with pytest.raises(ValueError, match="twice"):
        CodeTable(key="t", title="t", standard="t", entries=entries)
    with pytest.raises(ValueError, match="two codes"):
        CodeTable(key="t", title="t", standard="t", entries=(Entry("1", "甲"), Entry("2", "乙")), aliases={"甲": "2"})
