"""What may be evidence, and what of it may be attached: both sides of every line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from registry.evidence.policy import ATTACHABLE, Paper, attach_faults, content_fault
from regulation import papers
from shared_contracts.evidence import MOST_BYTES, ScanState

PDF = b"%PDF-1.7 some pages %%EOF"


@pytest.mark.clause("14")
@pytest.mark.parametrize(
    ("size", "media_type", "fine"),
    [
        (1, "application/pdf", True),
        (MOST_BYTES, "image/png", True),
        (MOST_BYTES + 1, "image/png", False),
        (0, "image/jpeg", False),
        (10, None, False),
    ],
)
def test_a_file_is_a_whole_scan_of_some_size(size: int, media_type: str | None, fine: bool) -> None:
    assert (content_fault(size, media_type) is None) == fine


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PDF, "application/pdf"),
        (b"\xff\xd8\xff\xe0 a picture \xff\xd9", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n a picture IEND....", "image/png"),
        (PDF.removesuffix(b"%%EOF"), None),
        (b"\x89PNG\r\n\x1a\n cut off", None),
        (b"MZ a program %%EOF", None),
        (b"", None),
    ],
)
def test_what_a_file_is_stands_in_its_bytes(content: bytes, kind: str | None) -> None:
    assert papers.media_type(content, content[-papers.TAIL :]) == kind


@pytest.mark.clause("14")
@pytest.mark.parametrize(
    ("some", "codes"),
    [
        ([Paper(id="a")], []),
        ([Paper(id="a", scan=ScanState.UNSCANNED), Paper(id="b")], []),
        ([Paper(id="a", attached_to="correction:1")], []),
        ([Paper(id="a", attached_to="correction:2")], ["evidence.attached"]),
        ([Paper(id="a", there=False)], ["evidence.missing"]),
        ([Paper(id="a", scan=ScanState.PENDING)], ["evidence.pending"]),
        (
            [Paper(id="a", scan=ScanState.INFECTED), Paper(id="b", there=False)],
            ["evidence.infected", "evidence.missing"],
        ),
        ([Paper(id="a"), Paper(id="a")], ["evidence.twice"]),
        ([Paper(id=str(n)) for n in range(3)], []),
        ([Paper(id=str(n)) for n in range(4)], ["evidence.too_many"]),
    ],
)
def test_attached_is_what_is_there_harmless_and_free(some: list[Paper], codes: list[str]) -> None:
    assert [fault.code for fault in attach_faults(some, to="correction:1", most=3)] == codes


@pytest.mark.clause("14", "45.3")
@given(st.lists(st.builds(Paper, id=st.text(max_size=3), there=st.booleans(), scan=st.sampled_from(ScanState))))
def test_nothing_that_may_be_harmful_is_ever_attached(some: list[Paper]) -> None:
    if not attach_faults(some, to="x:1", most=20):
        assert all(paper.scan in ATTACHABLE and paper.there for paper in some)
