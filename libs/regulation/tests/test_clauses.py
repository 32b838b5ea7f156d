import pytest
from regulation.clauses import CLAUSES, UnknownClauseError, articles


def test_all_clauses_are_there_in_the_order_of_the_regulation() -> None:
    ids = list(CLAUSES)
    assert len(ids) == 96
    assert ids[0] == "2"
    assert ids[-1] == "50"
    assert ids.index("5.2") < ids.index("24.1.1") < ids.index("24.2.1") < ids.index("25.1")


def test_a_clause_knows_its_article_and_force() -> None:
    clause = CLAUSES["24.3.4"]
    assert clause.article == 24
    assert clause.force == "must"
    assert clause.owner == "transfer"


def test_every_clause_belongs_to_a_published_article() -> None:
    assert {c.article for c in CLAUSES.values()} <= set(articles())


def test_an_unknown_clause_names_its_neighbours() -> None:
    with pytest.raises(UnknownClauseError, match=r"15\.9.*15\.1, 15\.2, 15\.3, 15\.4"):
        CLAUSES["15.9"]


def test_an_unknown_article_names_what_is_spelled_alike() -> None:
    with pytest.raises(UnknownClauseError, match="did you mean"):
        CLAUSES["451"]


def test_under_gives_the_clause_or_its_children_and_not_those_that_only_begin_alike() -> None:
    assert [c.id for c in CLAUSES.under("24.3")] == ["24.3.1", "24.3.2", "24.3.3", "24.3.4"]
    assert [c.id for c in CLAUSES.under("2")] == ["2"]
    with pytest.raises(UnknownClauseError):
        CLAUSES.under("24.9")


def test_the_52_articles_are_whole() -> None:
    assert list(articles()) == list(range(1, 53))
    assert articles()[15].startswith("第十五条  电子学籍建立程序为：")
    assert articles()[15].endswith("正式学籍号终生不变。")
    assert "第四章" not in articles()[22]  # a chapter's heading belongs to no article
    assert articles()[52] == "第五十二条  本实施细则由黑龙江省教育厅负责解释。"
