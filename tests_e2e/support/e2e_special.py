"""A school of special education and its people: transfers between it and ordinary schools (24.4)."""

from __future__ import annotations

from typing import Any

from e2e_cast import Cast
from e2e_people import school
from e2e_system import HANGS, wait_for
from e2e_transfer import HOME, get, opened, paper, post
from shared_contracts.actors import Role

SPECIAL = school("longcheng")


def staff(cast: Cast) -> None:
    """The special school's people and those of its authority."""
    if "special.registrar" not in cast.members:
        cast.member("special.registrar", SPECIAL.code, Role.REGISTRAR, training="岗前培训")
        cast.member("special.principal", SPECIAL.code, Role.PRINCIPAL)
        cast.member("special.officer", "230302", Role.AUTHORITY_OFFICER)


def placed(cast: Cast, who: str, person: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A transfer between the two kinds of school, opened."""
    papers = paper(cast[who], "transfer_application")
    return opened(cast, person, who, ground="special_education", evidence=papers, residence=HOME, **more)


def through(cast: Cast, transfer: str, *who: str) -> None:
    for step, name in zip(("receiving_authority", "releasing_school", "releasing_authority"), who, strict=True):
        first = {"override": True, "reason": "情况属实，同意"} if step == "receiving_authority" else {}
        post(cast[name], f"/v1/transfers/{transfer}/decisions", step=step, decision="approve", **first)
    wait_for(
        lambda: get(cast[who[0]], f"/v1/transfers/{transfer}")["state"] == "completed", HANGS, "the record did not move"
    )
