"""What finds a name: table tests, and what must never happen."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.search import terms
from shared_contracts.decisions import Refused
from shared_contracts.search import Matched

NAME, FORMER, PINYIN, INITIALS = Matched.NAME, Matched.FORMER_NAME, Matched.PINYIN, Matched.INITIALS


@pytest.mark.parametrize(
    ("query", "name", "why"),
    [
        ("王小明", "王小明", NAME),
        ("王", "王小明", NAME),
        ("小明", "王小明", NAME),
        ("明", "王小明", NAME),
        ("王明", "王小明", None),
        ("小明王", "王小明", None),
        ("wangxiaoming", "王小明", PINYIN),
        ("wang xiao ming", "王小明", PINYIN),
        ("Wáng Xiǎomíng", "王小明", PINYIN),
        ("wang'xiao'ming", "王小明", PINYIN),
        ("wangx", "王小明", PINYIN),
        ("xiaoming", "王小明", None),
        ("wxm", "王小明", INITIALS),
        ("WX", "王小明", INITIALS),
        ("xm", "王小明", None),
        ("wang", "王安娜高", PINYIN),
        ("wan", "王安娜", PINYIN),  # also its initials
        ("lv", "吕布", PINYIN),
        ("lü", "吕布", PINYIN),
        ("lu", "吕布", None),
        ("shan", "单雄信", PINYIN),
        ("dan", "单雄信", PINYIN),  # whoever does not know the surname
        ("xie", "解晓东", PINYIN),
        ("qiu", "仇英", PINYIN),
        ("ouhong", "区红", PINYIN),
        ("zhali", "查理", PINYIN),
        ("ren", "任乐", PINYIN),
        ("renle", "任乐", PINYIN),
        ("renyue", "任乐", PINYIN),
        ("yuchi", "尉迟恭", PINYIN),
        ("买买提", "阿卜杜热西提·买买提", NAME),
        ("阿卜杜热西提买买提", "阿卜杜热西提·买买提", NAME),
        ("提·买", "阿卜杜热西提·买买提", NAME),
        ("smith", "John Smith", NAME),
        ("john", "John Smith", NAME),
        ("johnsmith", "John Smith", NAME),
        ("mith", "John Smith", None),
        ("ｊｏｈｎ", "John Smith", NAME),
    ],
)
@pytest.mark.clause("15.4")
def test_a_query_finds_a_name_or_does_not(query, name, why):
    assert terms.how(terms.fold(query), name) == why
    stored = terms.terms([name])
    assert any(term.startswith(terms.fold(query)) for term in stored) == (why is not None)


@pytest.mark.parametrize(
    ("text", "word"),
    [("", "请输入"), ("  ", "请输入"), ("%", "请输入"), ("_%*\\'\"", "请输入"), ("\x00", "请输入"), ("w", "2个字母")],
)
def test_what_can_find_nobody_is_refused_with_what_is_wanted(text, word):
    refusal = terms.readable(text)
    assert isinstance(refusal, Refused)
    assert word in refusal.detail


@pytest.mark.parametrize(("text", "folded"), [("王", "王"), ("wx", "wx"), ("王%", "王"), ("w_x", "wx"), ("ｗｘ", "wx")])
def test_wildcards_are_left_out(text, folded):
    assert terms.readable(text) == folded


def test_a_former_name_is_told_and_the_present_one_comes_first():
    assert terms.found("王", "王小明", ["王小红"]) == (NAME, None)
    assert terms.found("小红", "王小明", ["王小红", "李小红"]) == (FORMER, "王小红")
    assert terms.found("李", "王小明", ["王小红"]) is None
    assert terms.found("王小", "王小明", [], exact=True) is None
    assert terms.found("王小明", "王小明", [], exact=True) == (NAME, None)


CHARACTERS = st.sampled_from("王小明单乐吕欧阳解·aÉ ümz")


@given(st.text(CHARACTERS, max_size=6), st.text(CHARACTERS, min_size=1, max_size=6))
def test_the_terms_kept_are_those_that_a_query_is_held_against(query, name):
    folded = terms.fold(query)
    if folded:
        kept = terms.terms([name])
        assert any(term.startswith(folded) for term in kept) == (terms.how(folded, name) is not None)
        assert terms.from_text(terms.as_text(kept)) == list(kept)


@given(st.text(max_size=80))
def test_any_text_folds_to_letters_and_numbers_and_folding_twice_changes_nothing(text):
    folded = terms.fold(text)
    assert folded == "" or folded.isprintable()
    assert not set(folded) & set("%_\\\x00\n'\"*?")
    assert len(folded) <= terms.LONGEST
