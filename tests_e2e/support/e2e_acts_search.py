"""Searching by whatever is at hand: the same people as the list, and each finds only what is within reach (3.1, 45.3)."""

from __future__ import annotations

from collections.abc import Mapping

from e2e_cast import Cast
from e2e_flow import Desk
from e2e_matrix import LISTS, LOOKS, OWN_CLASS, Row, at, body
from e2e_people import People

_CLIENT = at("client.students")

ROWS: Mapping[str, Row] = {
    "POST /v1/students/searches #part of a name": Row(
        LISTS | _CLIENT,
        lambda things, _who: {"json": {"text": things.name[1:], "limit": 200}},
        shows=("student_id", OWN_CLASS | LOOKS | _CLIENT),
    ),
    "POST /v1/students/searches #pinyin": Row(LISTS | _CLIENT, body(text="wang xiao")),
    "POST /v1/students/searches #text of digits": Row(LISTS | _CLIENT, body(text="230103199001010010")),
}


def things(_cast: Cast, _people: People, _desk: Desk) -> Mapping[str, str]:
    return {}
