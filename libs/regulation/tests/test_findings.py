import pytest
from regulation.clauses import UnknownClauseError
from regulation.findings import decide, needs_override, note, passed, refuse
from shared_contracts.decisions import Outcome

PASS = passed("5.1", "age.right", "年龄符合", age=6)
REFUSE = refuse("20.2", "age.too_young", "年龄不足", cure="请于次年办理", fields=("birth_date",), age=5)
OVERRIDE = needs_override("24.3.3", "transfer.start_grade", "起始年级第一学期", cure="由主管部门批准")
NOTE = note("3.5", "document.area_unknown", "区划未知")


def test_each_constructor_gives_its_outcome_with_clause_and_facts() -> None:
    assert [f.outcome for f in (PASS, REFUSE, OVERRIDE, NOTE)] == list(Outcome)
    assert REFUSE.clause == "20.2"
    assert REFUSE.facts == {"age": 5}
    assert REFUSE.fields == ("birth_date",)
    assert REFUSE.cure == "请于次年办理"


def test_no_finding_cites_a_clause_that_does_not_exist() -> None:
    with pytest.raises(UnknownClauseError):
        passed("53", "x", "y")


def test_decide_keeps_all_findings_in_order_and_leaves_out_rules_that_do_not_apply() -> None:
    decision = decide(PASS, None, [NOTE, OVERRIDE], iter([REFUSE]), policy_version="v")
    assert decision.findings == (PASS, NOTE, OVERRIDE, REFUSE)
    assert decision.policy_version == "v"
    assert decision.refused


def test_an_override_is_asked_for_only_where_nothing_is_refused() -> None:
    assert decide(PASS, OVERRIDE).needs_override
    assert not decide(OVERRIDE, REFUSE).needs_override
    assert not decide(PASS, NOTE).needs_override
    assert not decide(PASS, NOTE).refused
