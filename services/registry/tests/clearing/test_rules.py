"""The pure rules, both sides of every boundary, and what must never happen whatever the facts (15.4, 18, 22, 39, 40, 41)."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.clearing.cancelling import policy as ending
from registry.clearing.cancelling.policy import CancelFacts, Kept, Subject, UndoFacts
from registry.clearing.correcting import policy as correcting
from registry.clearing.correcting.policy import CorrectionFacts
from registry.clearing.duplicates import policy as pairs
from registry.clearing.duplicates.policy import PairFacts, Side
from registry.form.fields import BY_KEY
from shared_contracts.clearing import Ground, ProtectionKind
from shared_contracts.decisions import Outcome
from shared_contracts.records import StudentState

DAY = date(2026, 9, 24)


def facts(**changes: Any) -> CancelFacts:
    subject = {"id": "a", "state": StudentState.IN_SCHOOL, "formal": False} | changes.pop("subject", {})
    values = {
        "subject": Subject(**subject), "ground": Ground.FRAUD, "reason": "材料伪造", "violated": None, "kept": None,
        "evidence": 1, "supervisor": True,
    } | changes  # fmt: skip
    return CancelFacts(**values)


KEPT = Kept(id="b", state=StudentState.IN_SCHOOL, formal=False, heard=True)
DUAL = {"ground": Ground.DUAL_RECORD}
OTHER = {"ground": Ground.OTHER_VIOLATION, "violated": "20.1"}


def against(found: Any) -> list[str]:
    return [f.code for f in found.findings if f.outcome is Outcome.REFUSE]


@pytest.mark.clause("22", "18", "15.4", "39", "40")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"supervisor": False}, "cancel.not_supervisor"),
        ({"evidence": 0}, "cancel.evidence_missing"),
        ({"subject": {"state": None}}, "cancel.no_record"),
        ({"subject": {"state": StudentState.CANCELLED}}, "cancel.already"),
        ({"subject": {"state": StudentState.TRANSFERRED_OUT}}, "cancel.transferred_out"),
        ({"subject": {"under_way": True}}, "cancel.already"),
        ({"subject": {"moved_to": "哈尔滨市道里区第二小学"}}, "cancel.moved_meanwhile"),
        ({"subject": {"state": StudentState.GRADUATED}}, None),
        ({"subject": {"correction": "open"}}, None),
        ({"subject": {"correction": "applying"}}, "cancel.correction_applies"),
        ({"subject": {"protections": (ProtectionKind.MISSING,)}}, "cancel.protected"),
        ({"ground": Ground.OUT_OF_AREA}, None),
        ({"ground": Ground.FINISHED}, "cancel.not_finished"),
        ({"ground": Ground.FINISHED, "subject": {"state": StudentState.GRADUATED}}, None),
        ({"ground": Ground.FINISHED, "subject": {"state": StudentState.COMPLETED}}, None),
        (DUAL, "cancel.kept_missing"),
        ({**DUAL, "kept": KEPT}, None),
        ({**DUAL, "kept": msgspec.structs.replace(KEPT, id="a")}, "cancel.kept_not_there"),
        ({**DUAL, "kept": msgspec.structs.replace(KEPT, state=None)}, "cancel.kept_not_there"),
        ({**DUAL, "kept": msgspec.structs.replace(KEPT, state=StudentState.CANCELLED)}, "cancel.kept_not_there"),
        ({**DUAL, "kept": msgspec.structs.replace(KEPT, heard=False)}, "cancel.not_heard"),
        ({**DUAL, "kept": KEPT, "subject": {"formal": True}}, "cancel.formal_number_lost"),
        ({**DUAL, "kept": msgspec.structs.replace(KEPT, formal=True), "subject": {"formal": True}}, None),
        (OTHER, None),
        ({**OTHER, "violated": None}, "cancel.clause_missing"),
        ({**OTHER, "violated": "99"}, "cancel.clause_missing"),
        *(({**OTHER, "reason": f"该生{word}"}, "cancel.ordinary_change") for word in ending.ORDINARY),
    ],
)
def test_five_grounds(changes: dict[str, Any], code: str | None) -> None:
    found = ending.decide(facts(**changes))
    assert against(found) == ([code] if code else [])
    assert all(f.cure for f in found.findings if f.outcome is Outcome.REFUSE)


@pytest.mark.clause("18", "22")
@given(
    ground=st.sampled_from(Ground),
    state=st.sampled_from([*StudentState, None]),
    protections=st.lists(st.sampled_from(ProtectionKind), max_size=2).map(tuple),
    supervisor=st.booleans(),
    evidence=st.integers(0, 2),
    kept=st.sampled_from([None, KEPT]),
    violated=st.sampled_from([None, "20.1", "1"]),
    reason=st.text(max_size=20),
)
def test_what_never_ends_a_record(
    ground: Ground,
    state: Any,
    protections: Any,
    supervisor: bool,
    evidence: int,
    kept: Any,
    violated: Any,
    reason: str,
) -> None:
    asked = facts(
        ground=ground, subject={"state": state, "protections": protections}, supervisor=supervisor, evidence=evidence,
        kept=kept, violated=violated, reason=reason,
    )  # fmt: skip
    if not ending.decide(asked).refused:
        assert not protections
        assert supervisor
        assert evidence
        assert state not in (None, StudentState.CANCELLED)
        assert ground is not Ground.DUAL_RECORD or kept is not None
        assert ground is not Ground.FINISHED or state is not StudentState.IN_SCHOOL


@pytest.mark.clause("22", "39")
@pytest.mark.parametrize(
    ("by", "authority", "doubles", "allowed"),
    [
        ("230100", "230102", False, True),
        ("230000", "230102", False, True),
        ("230102", "230102", False, False),
        ("230102", "230102", True, True),
        ("230200", "230102", False, False),
        ("230103", "230102", False, False),
        ("230000", "230100", False, True),
        ("230000", "230000", False, True),
        ("230100", "230100", False, False),
    ],
)
def test_who_takes_it_back(by: str, authority: str, doubles: bool, allowed: bool) -> None:
    asked = UndoFacts(by=by, authority=authority, doubles=doubles, cancelled=True, since=0)
    assert ending.undo(asked).refused is not allowed
    assert ending.undo(msgspec.structs.replace(asked, since=1)).refused
    assert ending.undo(msgspec.structs.replace(asked, cancelled=False)).refused


@pytest.mark.clause("40")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"state": StudentState.GRADUATED}, None),
        ({"state": StudentState.CANCELLED}, "correction.no_record"),
        ({"state": StudentState.TRANSFERRED_OUT}, "correction.transferred_out"),
        ({"state": None}, "correction.no_record"),
        ({"open": True}, "correction.already_open"),
        ({"evidence": 0}, "correction.evidence_missing"),
    ],
)
def test_a_correction(changes: dict[str, Any], code: str | None) -> None:
    values = {"state": StudentState.IN_SCHOOL, "open": False, "evidence": 1, "reason": "x"} | changes
    assert against(correcting.decide(CorrectionFacts(**values))) == ([code] if code else [])


@pytest.mark.clause("40", "14")
@pytest.mark.parametrize(
    ("given_for", "named", "codes"),
    [
        ((), (), []),
        ((1,), (1,), []),
        ((1, 2), (1, 2), []),
        ((2,), (1,), ["correction.no_such_member"]),
        ((1, 2), (), ["correction.no_such_member"] * 2),
    ],
)
def test_a_document_belongs_to_a_member_on_the_form(
    given_for: tuple[int, ...], named: tuple[int, ...], codes: list[str]
) -> None:
    values = {"state": StudentState.IN_SCHOOL, "open": False, "evidence": 1, "reason": "x"}
    found = correcting.decide(CorrectionFacts(**values, members=given_for, named=named))  # type: ignore[arg-type]
    assert against(found) == codes
    assert all(f.cure and f.fields for f in found.findings if f.outcome is Outcome.REFUSE)


@pytest.mark.clause("40", "14")
@given(
    st.lists(st.integers(0, 3), max_size=3).map(tuple),
    st.sets(st.sampled_from((1, 2))).map(tuple),
    st.integers(0, 2),
    st.booleans(),
)
def test_nobody_off_the_form_gets_a_document_and_none_goes_without_evidence(
    given_for: tuple[int, ...], named: tuple[int, ...], evidence: int, open_: bool
) -> None:
    facts = CorrectionFacts(
        state=StudentState.IN_SCHOOL, open=open_, evidence=evidence, reason="x", members=given_for, named=named
    )
    if not correcting.decide(facts).refused:
        assert set(given_for) <= set(named)
        assert evidence
        assert not open_


@pytest.mark.clause("21.1", "40", "41")
@given(st.frozensets(st.sampled_from(sorted(BY_KEY)) | st.text(max_size=5), max_size=6))
def test_no_key_field_and_no_grade_by_a_plain_update(keys: frozenset[str]) -> None:
    found = correcting.against_plain(keys, frozenset(BY_KEY))
    if not found:
        assert not keys & (correcting.KEY | {"grade", "class_no", "school_code", "enrolled_month"})
        assert keys <= set(BY_KEY)


def side(**changes: Any) -> Side:
    values = {"id": "a", "school": "s", "authority": "230102", "there": True, "registered": True, "formal": False}
    return Side(**(values | changes))


def pair(**changes: Any) -> PairFacts:
    values = {
        "sides": (side(), side(id="b", school="t")), "state": "open", "spoke": frozenset({"s", "t"}), "due_on": DAY,
        "today": DAY, "decision": "cancel", "record_id": "a",
    } | changes  # fmt: skip
    return PairFacts(**values)


@pytest.mark.clause("39", "15.4", "20.1")
@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({}, None),
        ({"decision": "different", "record_id": None}, None),
        ({"decision": "correct"}, None),
        ({"record_id": None}, "duplicate.record_missing"),
        ({"record_id": "c"}, "duplicate.record_missing"),
        ({"state": "different"}, "duplicate.decided"),
        ({"spoke": frozenset({"s"})}, "duplicate.not_heard"),
        ({"spoke": frozenset(), "today": DAY + timedelta(days=1)}, None),
        ({"spoke": frozenset(), "today": DAY}, "duplicate.not_heard"),
        ({"sides": (side(there=False), side(id="b", school="t"))}, "duplicate.record_not_there"),
        ({"sides": (side(), side(id="b", school="t", registered=False))}, "duplicate.other_not_there"),
        ({"sides": (side(), side(id="b", school="t", formal=True))}, "duplicate.formal_number_lost"),
        ({"sides": (side(formal=True), side(id="b", school="t", formal=True))}, None),
        ({"sides": (side(), side(id="b")), "spoke": frozenset({"s"})}, None),  # one school speaks for both
    ],
)
def test_a_decision_about_a_pair(changes: dict[str, Any], code: str | None) -> None:
    assert against(pairs.decide(pair(**changes))) == ([code] if code else [])


@pytest.mark.clause("3.1", "39")
@pytest.mark.parametrize(
    ("a", "b", "decides"),
    [
        ("230102", "230102", "230102"),
        ("230102", "230103", "230100"),
        ("230102", "230100", "230100"),
        ("230102", "230202", "230000"),
        ("230000", "230102", "230000"),
        ("230102", "220102", "230102"),
    ],
)
def test_the_lowest_common_authority(a: str, b: str, decides: str) -> None:
    assert pairs.competent(a, b) == decides
    if a[:2] == b[:2]:
        assert pairs.competent(b, a) == decides


@pytest.mark.clause("20.1", "45.1")
def test_how_rare_it_is_and_how_little_is_shown() -> None:
    assert pairs.rarity(("name", "birth_date"), 2) == "全省同名同日出生2人"
    assert "监护人" in pairs.rarity(("guardian_document", "name"), 2)
    assert pairs.rarity(("near_name", "birth_date"), 3) == "全省姓名、出生日期相近的有3人"
    assert pairs.masked_name("王小明") == "王**"
    assert pairs.masked_name("王") == "王*"
