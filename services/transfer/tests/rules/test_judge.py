"""All rules together: order, words, and what they do not tell."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from article24 import (
    HERE,
    PUPIL,
    THERE,
    Asking,
    again,
    against,
    any_asking,
    asked,
    at,
    codes,
    facts,
    one,
    room,
)
from hypothesis import given
from hypothesis import strategies as st
from regulation.clauses import CLAUSES
from regulation.mark import marks
from shared_contracts.decisions import Outcome
from shared_contracts.transfer import Step
from transfer.rules.case import Intake
from transfer.rules.judge import AGAIN, RULES, seen_by_school, still_in_school, to_override

_CHINESE = re.compile(r"[\u4e00-\u9fff]")

LAW = (
    "23", "24.1.1", "24.1.2", "24.1.3", "24.2.1", "24.2.2", "24.3.1", "24.3.2", "24.3.3", "24.3.4", "24.4", "24.5.1",
    "24.5.2", "24.5.3", "24.6.1", "24.6.2", "24.6.3", "24.6.4",
)  # fmt: skip


@pytest.mark.parametrize("clause_id", LAW)
def test_each_clause_of_the_article_has_its_rule(clause_id: str) -> None:
    assert [mark for mark in marks(clause_id) if mark.module.startswith("transfer.rules")]


def test_the_rules_stand_in_the_order_of_the_articles() -> None:
    first = {mark.name: mark.clause for mark in reversed(marks()) if mark.module.startswith("transfer.rules")}
    for rules in (RULES, AGAIN):
        order = [CLAUSES[first[rule.__name__]].order for rule in rules if rule.__name__ in first]
        assert order == sorted(order)
        assert len(order) >= len(rules) - 1  # the papers' clause is that of the ground


def test_passes_are_said_too() -> None:
    passes = {f.clause for f in asked().of(Outcome.PASS)}
    assert {"23", "24.1.2", "24.2.1", "24.2.2", "24.3.1", "24.3.4", "24.5.1", "24.6.2", "24.6.4"} <= passes


@pytest.mark.clause("24.5.1")
@pytest.mark.parametrize(
    "missing", [None, at(HERE, live=False), at(HERE, live=False, state="graduated", held_by="transfer")]
)
def test_who_is_not_there_is_one_answer_and_tells_nothing(missing: Any) -> None:
    decision = asked(facts(pupil=missing))
    (found,) = decision.findings
    assert (found.code, found.outcome) == ("pupil.not_found", Outcome.REFUSE)
    assert found == asked(facts(pupil=None)).findings[0]
    assert not found.facts
    assert again(facts(pupil=missing)).findings == (found,)


@pytest.mark.clause("21.1", "22")
@pytest.mark.parametrize(
    ("pupil", "code"), [(PUPIL, None), (at(HERE, live=False, state="cancelled"), "pupil.record_ended"), (None, None)]
)
def test_of_a_case_under_way_it_is_said_that_the_record_has_ended(pupil: Any, code: str | None) -> None:
    found = still_in_school(pupil)
    assert (found and found.code) == code
    assert found is None or (found.clause == "21.1" and found.cure)


def test_a_school_that_is_not_there() -> None:
    assert against(asked(facts(to=None, room=None))) == {"school.not_found": "refuse"}


@given(asking=any_asking())
def test_every_finding_cites_the_law_and_says_in_chinese_what_to_do(asking: Asking) -> None:
    of, for_, on = asking
    for decision in (asked(of, for_, on=on), again(of, on=on), again(of, on=on, step=None, seat=False)):
        for finding in decision.findings:
            assert finding.clause in LAW
            assert _CHINESE.search(finding.message), finding
            assert not finding.message.endswith("。"), finding
            if finding.outcome is not Outcome.PASS:
                assert finding.cure, finding
                assert _CHINESE.search(finding.cure), finding
                assert not finding.cure.endswith("。"), finding
            for text in (finding.message, finding.cure or ""):
                assert "None" not in text, finding
                assert "{" not in text, finding


SECRETS = (PUPIL.student_id, PUPIL.person_id, "2016", "1月15日", HERE.name, HERE.code, "第7班", "7班")


@given(asking=any_asking())
def test_the_receiving_school_learns_nothing_of_the_pupil_but_the_verdict(asking: Asking) -> None:
    """No birth date, no class, no id, no name of the old school, no day on which the pupil came there."""
    of, for_, on = asking
    if of.pupil is None:
        return
    pupil = msgspec.structs.replace(
        of.pupil, student_id="SECRET", person_id="SECRET", name="SECRET", class_no=7777,
        school=msgspec.structs.replace(of.pupil.school, code="SECRET", name="SECRET", authority_name="SECRET"),
    )  # fmt: skip
    decision = seen_by_school(asked(msgspec.structs.replace(of, pupil=pupil), for_, on=on))
    # The findings alone: the policy's version is a date, and may be anybody's birthday.
    told = msgspec.json.encode(decision.findings).decode()
    assert "SECRET" not in told
    assert "7777" not in told
    assert pupil.birth_date.isoformat() not in told
    assert "choice." not in told


def test_the_sample_tells_none_of_its_secrets() -> None:
    told = msgspec.json.encode(seen_by_school(asked())).decode()
    assert not [secret for secret in SECRETS if secret in told.replace("2026", "")]


@pytest.mark.clause("24.2.1", "24.2.2")
def test_clauses_to_override_are_named_once_and_in_order() -> None:
    decision = asked(facts(room=room(sizes=(45,), school_pupils=2001)))
    assert to_override(decision) == ("24.2.1", "24.2.2")
    assert to_override(asked()) == ()


def test_the_receiving_authoritys_word_settles_a_principle_and_nothing_else() -> None:
    full = facts(pupil=at(HERE, state="suspended"), room=room(sizes=(45,)))
    decision = again(full, overridden=["24.2.2", "24.3.4"])
    assert against(decision) == {"pupil.suspended": "refuse"}
    assert one(decision, "room.full").outcome is Outcome.NOTE


@given(
    asking=any_asking(),
    step=st.sampled_from([*Step, None]),
    overridden=st.lists(st.sampled_from(LAW), unique=True),
    seat=st.booleans(),
    over=st.booleans(),
)
def test_no_word_of_an_authority_ever_overrides_a_must(
    asking: Asking, step: Any, overridden: list[str], seat: bool, over: bool
) -> None:
    of, _, on = asking
    begun = {"step": step, "seat": seat, "over": over, "intake": Intake(ratio=None, taken=0)}
    plain, settled = again(of, on=on, **{**begun, "over": False}), again(of, on=on, **begun, overridden=overridden)
    assert [f for f in plain.findings if f.outcome is Outcome.REFUSE] == [
        f for f in settled.findings if f.outcome is Outcome.REFUSE
    ]


@given(asking=any_asking())
def test_the_same_question_has_the_same_answer(asking: Asking) -> None:
    of, for_, on = asking
    assert asked(of, for_, on=on) == asked(of, for_, on=on)


def test_the_policy_version_is_said() -> None:
    assert again().policy_version == asked(facts(pupil=None)).policy_version == "230000@2006-09-01"
    assert codes(again()) >= {"seat.held", "pupil.same"}
    assert THERE.code != HERE.code
