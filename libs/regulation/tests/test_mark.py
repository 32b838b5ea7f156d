import pytest
from regulation.clauses import UnknownClauseError
from regulation.mark import clause, enforced, marks


def test_a_mark_returns_the_rule_unchanged_and_remembers_where_it_is() -> None:
    def rule(age: int) -> bool:
        return age >= 6

    assert clause("5.1", "20.2")(rule) is rule
    (mark,) = [m for m in marks("20.2") if m.name.endswith("<locals>.rule")]
    assert mark.module == __name__
    assert mark.file == __file__
    assert mark.line > 1
    assert any(m.name == mark.name for m in marks("5.1"))


def test_marks_stack_and_stand_on_classes() -> None:
    @clause("15.1")
    @clause("13.2")
    class States: ...

    for clause_id in ("15.1", "13.2"):
        assert any(m.name.endswith("States") for m in marks(clause_id)), clause_id
    assert States.__name__ == "States"


def test_an_unknown_clause_raises_at_import() -> None:
    with pytest.raises(UnknownClauseError, match=r"did you mean .*15\.3"):
        clause("15.33")
    with pytest.raises(UnknownClauseError):
        enforced("99", by="x", at="y")


def test_a_mark_names_a_clause() -> None:
    with pytest.raises(ValueError, match="at least one clause"):
        clause()


def test_enforced_remembers_what_upholds_the_clause() -> None:
    enforced("15.4", by="a_constraint", at="migrations/0001.py")
    (mark,) = [m for m in marks("15.4") if m.name == "a_constraint"]
    assert mark.file == "migrations/0001.py"
    assert mark.module == __name__
