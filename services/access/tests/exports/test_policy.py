"""The rules of exports, each boundary from both sides (clause 45.2)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import pytest
from access.exports import policy
from casework.rules import may_decide, may_resubmit, may_withdraw
from casework.state import Standing
from exports_desk import LEADER, NOW, REGISTRAR, SCHOOL, request
from regulation.authorisation import act
from shared_contracts.decisions import Outcome
from shared_contracts.exports import CATALOGUE, FULL_NUMBERS, ExportSelection, Recipient, Sensitivity

TODAY = NOW.date()
FACTS = policy.Facts(today=TODAY, max_days=30, max_rows=200, rows=120, recipient_known=True)
pytestmark = [pytest.mark.clause("45.2")]


def refusals(rows: int | None = 120, known: bool = True, **changes: Any) -> list[str]:
    facts = msgspec.structs.replace(FACTS, rows=rows, recipient_known=known)
    found = policy.findings(request(**changes), facts)
    assert all(f.clause == "45.2" for f in found)
    assert all(f.cure for f in found if f.outcome is Outcome.REFUSE)
    return [f.code for f in found if f.outcome is Outcome.REFUSE]


def test_a_right_request_passes_every_rule() -> None:
    assert refusals() == []


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"fields": ()}, ["export.fields"]),
        ({"fields": ("name", "email")}, ["export.fields"]),
        ({"fields": ("name", "name")}, ["export.fields"]),
        ({"fields": tuple(CATALOGUE)}, []),
        ({"purpose": "升学"}, ["export.purpose"]),
        ({"purpose": "核对学籍号123456的学生"}, ["export.purpose"]),
        ({"expires_on": TODAY - timedelta(days=1)}, ["export.expiry"]),
        ({"expires_on": TODAY}, []),
        ({"expires_on": TODAY + timedelta(days=30)}, []),
        ({"expires_on": TODAY + timedelta(days=31)}, ["export.expiry"]),
        ({"recipient": Recipient(kind="outside", name="院")}, ["export.recipient"]),
        ({"recipient": Recipient(kind="outside", name="考院")}, []),
        ({"recipient": Recipient(kind="outside", name="考" * 100)}, []),
        ({"recipient": Recipient(kind="outside", name="考" * 101)}, ["export.recipient"]),
        ({"recipient": Recipient(kind="outside", name="考试院", code="230100")}, ["export.recipient"]),
        ({"recipient": Recipient(kind="inside", code="230100")}, []),
        ({"recipient": Recipient(kind="inside")}, ["export.recipient"]),
        ({"selection": ExportSelection(organisation=SCHOOL, grade=1)}, []),
        ({"selection": ExportSelection(organisation=SCHOOL, grade=9, class_no=99)}, []),
        ({"selection": ExportSelection(organisation=SCHOOL, grade=10)}, ["export.selection"]),
        ({"selection": ExportSelection(organisation=SCHOOL, grade=0)}, ["export.selection"]),
        ({"selection": ExportSelection(organisation=SCHOOL, class_no=1)}, ["export.selection"]),
        ({"selection": ExportSelection(organisation=SCHOOL, grade=1, class_no=100)}, ["export.selection"]),
        ({"selection": ExportSelection(organisation=SCHOOL, state="in_school")}, []),
        ({"selection": ExportSelection(organisation=SCHOOL, state="elsewhere")}, ["export.selection"]),
    ],
)
def test_each_part_of_the_form(changes: dict[str, Any], codes: list[str]) -> None:
    assert refusals(**changes) == codes


@pytest.mark.parametrize(
    ("rows", "codes"), [(0, ["export.no_rows"]), (1, []), (200, []), (201, ["export.too_many_rows"])]
)
def test_rows_up_to_the_cap(rows: int, codes: list[str]) -> None:
    assert refusals(rows=rows) == codes


def test_a_recipient_inside_must_exist() -> None:
    assert refusals(known=False, recipient=Recipient(kind="inside", code="230199")) == ["export.recipient"]


def test_full_numbers_are_pointed_out() -> None:
    def notes(*fields: str) -> list[str]:
        found = policy.findings(request(fields=fields), FACTS)
        return [f.code for f in found if f.outcome is Outcome.NOTE]

    assert notes("name", "masked_document", "masked_student_number") == []
    assert notes("name", "document_number") == notes("student_number") == ["export.full_numbers"]


def test_the_catalogue_calls_full_numbers_sensitive() -> None:
    assert all(CATALOGUE[key].sensitivity is Sensitivity.SENSITIVE for key in FULL_NUMBERS)
    assert {field.key for field in CATALOGUE.values() if field.origin == "identity"} == FULL_NUMBERS
    assert len({field.title for field in CATALOGUE.values()}) == len(CATALOGUE)


def test_no_approval_without_paper() -> None:
    assert policy.approval_in_writing(True) is None
    missing = policy.approval_in_writing(False)
    assert missing is not None and missing.clause == "45.2" and missing.outcome is Outcome.REFUSE


def test_the_last_day_ends_at_midnight() -> None:
    asked = request(expires_on=date(2026, 11, 30))
    last = datetime.fromisoformat("2026-11-30T23:59:59+08:00")
    assert policy.approved_in_time(asked, last) is None
    assert policy.approved_in_time(asked, last + timedelta(seconds=1)) is not None


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 30 + b"IEND\xaeB`\x82"


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.4\n...\n%%EOF\n", "application/pdf"),
        (b"%PDF-1.4\n... and then it breaks off", None),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20 + b"\xff\xd9", "image/jpeg"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, None),
        (PNG, "image/png"),
        (PNG[:20], None),
        (b"MZ\x90\0", None),
        (b"<html>%PDF-1.4 %%EOF", None),
        (b"PK\x03\x04", None),
        (b"", None),
    ],
)
def test_a_scan_is_known_by_its_content(content: bytes, kind: str | None) -> None:
    assert policy.document_type(content) == kind
    assert (policy.document_acceptable(content) is None) is (kind is not None)


def test_a_scan_has_a_size() -> None:
    head, tail = b"%PDF-1.4\n", b"\n%%EOF"
    fits = head + b"x" * (policy.DOCUMENT_BYTES - len(head) - len(tail)) + tail
    assert policy.document_acceptable(fits) is None
    assert policy.document_acceptable(head + b"x" + fits[len(head) :]) is not None


def test_everything_has_a_chinese_title() -> None:
    from shared_contracts.exports import ExportState

    assert set(policy.STATE_TITLES) == set(ExportState)


@pytest.mark.clause("45.2")
@pytest.mark.parametrize(
    ("status", "states"),
    [
        ("open", {"waiting", "expired"}),  # one whose last day is over while it waits is still undecided
        ("returned", {"returned"}),
        ("approved", {"making", "ready", "downloaded", "failed"}),
        ("rejected", {"rejected"}),
        ("withdrawn", {"cancelled"}),
    ],
)
def test_the_table_says_where_an_export_must_stand(status: Any, states: set[str]) -> None:
    """As casework allows it: decided, corrected, taken back."""
    kind = policy.chain(10)
    standing = Standing(status=status, step=policy.STEP if status in ("open", "returned") else None)
    parties = {"organisation": SCHOOL, "authority": "230102"}
    decided = may_decide(
        kind,
        standing,
        policy.STEP,
        LEADER,
        parties=parties,
        decision="approve",
        reason="",
        entered_by=REGISTRAR.account,
    )
    corrected = may_resubmit(kind, standing, REGISTRAR, parties)
    cancelled = may_withdraw(kind, standing, REGISTRAR, parties, "不再需要")
    for against, word in (
        (decided, "access.decide_export"),
        (corrected, "access.resubmit_export"),
        (cancelled, "access.cancel_export"),
    ):
        possible = states & set(act(word).states)
        assert possible == (set() if against else states), (word, against)
