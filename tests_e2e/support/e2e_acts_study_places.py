"""Who says that a pupil has come back from the school of study (24.4): the registrar of the school with the record."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import Row, at, body
from e2e_people import People

ROWS: Mapping[str, Row] = {
    "POST /v1/students/{student_id}/study-place/ending": Row(at("registrar"), body(on="2020-01-01", reason="返回本校")),
}


def things(_cast: Cast, _people: People, _desk: Desk) -> Mapping[str, str]:
    """None of its own: the pupil studies where the record is, which is said to whoever may ask."""
    return {}
