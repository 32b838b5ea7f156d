"""Who may do what: the right step, role, organisation, another pair of eyes, a reason."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from casework.kinds import ENTRANT
from casework.rules import may_decide, may_reroute, may_resubmit, may_withdraw
from casework.state import Standing, advance, opened
from casework.turns import turn
from casework_samples import CALENDAR, REGISTRATION, TRANSFER, actor
from shared_contracts.actors import Role

SCHOOL, AUTHORITY = "2123010001", "230102"
PARTIES = {"school": SCHOOL, "authority": AUTHORITY}
DAY = date(2026, 9, 2)
FRESH = opened(REGISTRATION, DAY, CALENDAR)


def moved(*acts: tuple[str, str], kind=REGISTRATION) -> Standing:
    standing = opened(kind, DAY, CALENDAR)
    for act, account in acts:
        standing = advance(kind, standing, act, account, day=DAY, calendar=CALENDAR)
    return standing


def ask(standing, step, who, decision="approve", reason="", entered_by="entrant", **more):
    found = may_decide(
        REGISTRATION,
        standing,
        step,
        who,
        parties=PARTIES,
        decision=decision,
        reason=reason,
        entered_by=entered_by,
        **more,
    )
    assert all(f.clause == "15.1" and f.cure and f.outcome == "refuse" for f in found)
    return [f.code.removeprefix("case.") for f in found]


TEACHER = actor(Role.CLASS_TEACHER, SCHOOL)
PRINCIPAL = actor(Role.PRINCIPAL, SCHOOL)
REGISTRAR = actor(Role.REGISTRAR, SCHOOL)
OFFICER = actor(Role.AUTHORITY_OFFICER, AUTHORITY)


def test_the_right_person_may():
    assert ask(FRESH, "class_teacher", TEACHER) == []


@pytest.mark.parametrize(
    ("step", "who", "found"),
    [
        ("principal", PRINCIPAL, ["step_too_early"]),
        ("authority", OFFICER, ["step_too_early"]),
        ("nothing", OFFICER, ["step_unknown"]),
        ("class_teacher", PRINCIPAL, ["wrong_role"]),
        ("class_teacher", actor(Role.CLASS_TEACHER, "2123010002"), ["wrong_organisation"]),
    ],
)
def test_the_wrong_step_role_or_organisation(step, who, found):
    assert ask(FRESH, step, who) == found


def test_a_step_that_is_done_is_not_done_again():
    assert ask(moved(("approve", "t")), "class_teacher", TEACHER) == ["step_done"]


def test_the_entrant_does_not_decide():
    assert ask(FRESH, "class_teacher", TEACHER, entered_by=TEACHER.account) == ["same_person"]


def test_one_account_does_not_decide_two_steps_that_must_differ():
    both = actor(Role.PRINCIPAL, SCHOOL, account="t")
    assert ask(moved(("approve", "t")), "principal", both) == ["same_person"]
    assert ask(moved(("approve", "other")), "principal", both) == []


def test_after_a_return_the_earlier_round_does_not_bind():
    standing = moved(("approve", "t"), ("return", "p"), ("resubmit", "e"), ("approve", "other"))
    assert ask(standing, "principal", actor(Role.PRINCIPAL, SCHOOL, account="t")) == []


@pytest.mark.parametrize("decision", ["reject", "return"])
@pytest.mark.parametrize(
    ("reason", "found"), [("", ["reason_required"]), ("  ", ["reason_required"]), ("姓名有误", [])]
)
def test_whatever_is_no_approval_needs_a_reason(decision, reason, found):
    assert ask(FRESH, "class_teacher", TEACHER, decision=decision, reason=reason) == found


def test_a_step_has_only_its_decisions():
    standing = moved(("approve", "t"), ("approve", "p"))
    assert ask(standing, "guardian", REGISTRAR, decision="reject", reason="不") == ["decision_not_possible"]
    assert ask(standing, "guardian", REGISTRAR) == []


def test_a_returned_or_ended_case_is_not_decided():
    assert ask(moved(("return", "t")), "class_teacher", TEACHER) == ["returned"]
    assert ask(moved(("reject", "t")), "class_teacher", TEACHER) == ["ended"]


def test_an_override_needs_the_right_step_and_a_written_reason():
    assert ask(FRESH, "class_teacher", TEACHER, override=True, reason="特殊情况") == ["override_not_possible"]
    standing = moved(("approve", "x"), kind=TRANSFER)
    officer = actor(Role.AUTHORITY_OFFICER, "B")
    kwargs = {"parties": {"to_authority": "B"}, "decision": "approve", "entered_by": "e", "override": True}
    refused = may_decide(TRANSFER, standing, "to_authority", officer, reason="", **kwargs)
    assert [f.code for f in refused] == ["case.reason_required"]
    assert may_decide(TRANSFER, standing, "to_authority", officer, reason="班额已批准", **kwargs) == ()


def test_only_a_returned_case_is_resubmitted_and_only_by_those_who_enter():
    returned = moved(("return", "t"))
    assert may_resubmit(REGISTRATION, returned, REGISTRAR, PARTIES) == ()
    assert [f.code for f in may_resubmit(REGISTRATION, returned, TEACHER, PARTIES)] == ["case.wrong_role"]
    assert [f.code for f in may_resubmit(REGISTRATION, FRESH, REGISTRAR, PARTIES)] == ["case.not_returned"]
    foreign = actor(Role.REGISTRAR, "2123010002")
    assert [f.code for f in may_resubmit(REGISTRATION, returned, foreign, PARTIES)] == ["case.wrong_organisation"]


def test_a_case_that_has_not_ended_is_withdrawn_with_a_reason():
    assert may_withdraw(REGISTRATION, FRESH, REGISTRAR, PARTIES, "重复录入") == ()
    assert [f.code for f in may_withdraw(REGISTRATION, FRESH, REGISTRAR, PARTIES, "")] == ["case.reason_required"]
    ended = moved(("reject", "t"))
    assert [f.code for f in may_withdraw(REGISTRATION, ended, REGISTRAR, PARTIES, "不")] == ["case.ended"]


def test_rerouting_is_for_the_decider_of_a_step_that_may():
    parties = {"to_school": "A", "to_authority": "B"}
    standing = moved(("approve", "x"), kind=TRANSFER)
    officer = actor(Role.AUTHORITY_OFFICER, "B")

    def codes(who, to, reason="就近统筹"):
        found = may_reroute(TRANSFER, standing, who, parties=parties, moved=to, reason=reason, entered_by="")
        return [f.code for f in found]

    assert codes(officer, {"to_school": "E"}) == []
    assert codes(officer, {"from_school": "E"}) == ["case.reroute_not_possible"]
    assert codes(officer, {}) == ["case.reroute_not_possible"]
    assert codes(officer, {"to_school": "E"}, reason="") == ["case.reason_required"]
    assert codes(actor(Role.PRINCIPAL, "A"), {"to_school": "E"}) == ["case.wrong_role"]


def test_who_has_corrected_a_case_does_not_decide_it():
    """As who has opened it: what is decided on is theirs now."""
    corrected = moved(("return", "t"), ("resubmit", "corrector"))
    both = actor(Role.CLASS_TEACHER, SCHOOL, account="corrector")
    assert ask(corrected, "class_teacher", both) == ["same_person"]
    assert ask(corrected, "class_teacher", TEACHER) == []


# ---- one part in a case -------------------------------------------------------------------------------------------------

ALONE = msgspec.structs.replace(
    TRANSFER,
    one_part=True,
    steps=tuple(
        msgspec.structs.replace(step, distinct_from=(ENTRANT, *(one.name for one in TRANSFER.steps[:n])))
        for n, step in enumerate(TRANSFER.steps)
    ),
)
HERE = {"to_school": "A", "to_authority": "B", "from_school": "C", "from_authority": "B"}


@pytest.mark.parametrize(
    ("acts", "refused"),
    [
        ([("return", "x"), ("resubmit", "r"), ("approve", "p")], True),
        ([("reroute", "x"), ("approve", "p")], True),
        ([("approve", "x")], True),
        ([("return", "p"), ("resubmit", "x"), ("approve", "p")], True),
        ([("return", "p"), ("resubmit", "r"), ("approve", "p")], False),
    ],
)
def test_whatever_somebody_did_at_a_step_binds_at_the_others(acts, refused):
    officer = actor(Role.AUTHORITY_OFFICER, "B", account="x")
    standing = moved(*acts, kind=ALONE)
    found = may_decide(
        ALONE, standing, "to_authority", officer, parties=HERE, decision="approve", reason="", entered_by="entrant"
    )
    assert [f.code for f in found] == (["case.same_person"] if refused else [])
    again = may_reroute(
        ALONE, standing, officer, parties=HERE, moved={"to_school": "E"}, reason="就近", entered_by="entrant"
    )
    assert [f.code for f in again] == (["case.same_person"] if refused else [])


def test_who_has_entered_a_case_does_not_send_it_elsewhere():
    officer = actor(Role.AUTHORITY_OFFICER, "B", account="x")
    standing = moved(("approve", "p"), kind=ALONE)
    found = may_reroute(ALONE, standing, officer, parties=HERE, moved={"to_school": "E"}, reason="就近", entered_by="x")
    assert [f.code for f in found] == ["case.same_person"]


@pytest.mark.parametrize(("by", "refused"), [("x", True), ("y", False)])
def test_who_has_decided_does_not_correct_or_take_back(by, refused):
    registrar = actor(Role.REGISTRAR, "A", account="x")
    codes = ["case.same_person"] if refused else []
    returned = moved(("approve", by), ("return", "q"), kind=ALONE)
    assert [f.code for f in may_resubmit(ALONE, returned, registrar, HERE)] == codes
    assert [f.code for f in may_withdraw(ALONE, returned, registrar, HERE, "不转了")] == codes
    elsewhere = moved(("approve", by), ("return", "q"), kind=TRANSFER)
    assert [f.code for f in may_resubmit(TRANSFER, elsewhere, registrar, HERE)] == []


def test_the_turn_names_the_same_people():
    returned = moved(("approve", "x"), ("return", "y"), kind=ALONE)
    whose = turn(ALONE, returned, HERE, "entrant")
    assert whose is not None and whose.not_accounts == ("x", "y")
