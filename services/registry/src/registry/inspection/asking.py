"""What the handlers of inspection share: whose school it is, and how faults are told."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from regulation.authorisation import Target, check
from service_kit.database import fetch_one
from shared_contracts.actors import Actor
from shared_contracts.decisions import Finding, Refused, refused

from registry.context import RegistryWork
from registry.organisations.tables import organisations as known

_o = known.c
NO_SCHOOL = "没有这所学校，或者它不属于您管理的范围。"
CHANGED = "内容已被更改。请刷新后再办理。"


async def against_school(work: RegistryWork, actor: Actor, act: str, code: str) -> Refused | None:
    row = await fetch_one(
        work.tx, sa.select(_o.authority).where(_o.code == code, _o.kind == "school", _o.valid_to.is_(None))
    )
    target = Target() if row is None else Target(school=code, authority=row["authority"])
    return check(actor, act, target, missing=NO_SCHOOL)


def faults_of(*found: Finding | None) -> tuple[Finding, ...]:
    return tuple(one for one in found if one is not None)


def told(faults: Sequence[Finding]) -> Refused:
    return refused("invalid", "；".join(f"{fault.message}。请{fault.cure}" for fault in faults) + "。", *faults)
