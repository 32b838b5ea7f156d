"""How an admission and a postponement are shown, and who sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from regulation.authorisation import Reach, Target, absent, check, subtree_pattern
from regulation.mark import clause
from shared_contracts.actors import Actor
from shared_contracts.admission import AdmissionView, PostponementView, Progress
from shared_contracts.decisions import Finding, Refused
from sqlalchemy.engine import RowMapping

from registry.context import RegistryWork
from registry.enrolment.admission import policy, store
from registry.enrolment.admission.tables import admissions as t
from registry.rosters.access import names_of

NOT_FOUND = "没有这项入学安排，或者它不属于您管理的范围。"


def against(actor: Actor, act: str, row: Any | None, missing: str = NOT_FOUND) -> Refused | None:
    """An admission is its school's, that school's authority's, and the county's whose child it is."""
    if row is None:
        return absent(actor, act, missing)
    first = check(actor, act, Target(school=row["school"], authority=row["authority"]), missing=missing)
    if first is None or row["county"] == row["authority"]:
        return first
    return first if check(actor, act, Target(authority=row["county"])) else None


def scope(seen: Reach) -> sa.ColumnElement[bool]:
    """Admissions that a list reaches."""
    if seen.everything:
        return sa.true()
    ways: list[sa.ColumnElement[bool]] = []
    if seen.subtree is not None:
        pattern = subtree_pattern(seen.subtree)
        ways.append(sa.or_(t.c.authority.like(pattern), t.c.county.like(pattern)))
    if seen.supervised is not None:
        ways.append(sa.or_(t.c.authority == seen.supervised, t.c.county == seen.supervised))
    if seen.school is not None:
        ways.append(t.c.school == seen.school)
    return sa.or_(*ways) if ways else sa.false()


async def one(work: RegistryWork, admission_id: str) -> AdmissionView:
    row = await store.get(work.tx, admission_id)
    assert row is not None
    return admission(work, row, await names_of(work.tx, {row["school"]}))


@clause("10.1", "10.2", "13.1")
def admission(work: RegistryWork, row: RowMapping, names: Mapping[str, str]) -> AdmissionView:
    """`row`: with the child's name, birth date and masked number."""
    last = None
    if row["reported_on"] is not None:
        months = work.deps.policy.parameters(row["county"], work.today).registration_months
        last = policy.hand_in_by(row["reported_on"], months, work.deps.calendar)
    return AdmissionView(
        hand_in_by=last,
        progress=_progress(row, late=last is not None and work.today > last),
        school_name=names.get(row["school"], row["school"]),
        notice_printed=row["notice_printed_at"] is not None,
        **{name: row[name] for name in _PLAIN},
    )


_PLAIN = tuple(
    name
    for name in AdmissionView.__struct_fields__
    if name not in ("hand_in_by", "progress", "school_name", "notice_printed")
)


def _progress(row: RowMapping, *, late: bool) -> Progress:
    if row["state"] == "ended":
        return "ended"
    if row["registration_id"] is not None:
        return "handed_in"
    if row["reported_on"] is not None:
        return "late" if late else "reported"
    if row["no_show_on"] is not None:
        return "no_show"
    return "postponed" if row["postponed_until"] is not None else "placed"


def postponement(row: Any, names: Mapping[str, str]) -> PostponementView:
    return PostponementView(
        school_name=names.get(row["school"], row["school"]),
        findings=msgspec.convert(row["findings"], tuple[Finding, ...]),
        **{name: row[name] for name in PostponementView.__struct_fields__ if name not in ("school_name", "findings")},
    )
