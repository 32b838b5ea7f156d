"""A pair as people see it: to a school, its own side and as much of the other as it may know (39, 45.1)."""

from __future__ import annotations

from collections.abc import Sequence

from regulation.authorisation import check, is_school
from shared_contracts.actors import Actor
from shared_contracts.clearing import (
    DuplicateSide,
    DuplicateState,
    DuplicateStatement,
    DuplicateView,
)

from registry.clearing import filing, record
from registry.clearing.duplicates import policy, store
from registry.clearing.duplicates.store import Pair
from registry.clearing.record import Record
from registry.context import RegistryWork
from registry.organisations import store as organisations

SEE = "registry.duplicate"


def may_see(actor: Actor, sides: tuple[Record, Record], act: str = SEE) -> bool:
    """Whoever has one of the two, or supervises it, sees the pair."""
    return any(check(actor, act, side.target) is None for side in sides)


async def view(work: RegistryWork, actor: Actor, pair: Pair) -> DuplicateView:
    return (await views(work, actor, [pair]))[0]


async def views(work: RegistryWork, actor: Actor, pairs: Sequence[Pair]) -> list[DuplicateView]:
    """A constant number of statements for a page, and one a statement's papers."""
    records = await record.read(work.tx, {one for pair in pairs for one in (pair.a, pair.b)})
    said = await store.statements(work.tx, [pair.id for pair in pairs])
    deciders = {pair.id: policy.competent(records[pair.a].authority, records[pair.b].authority) for pair in pairs}
    known = {one.code: one.name for one in await organisations.known(work.tx, codes=sorted(set(deciders.values())))}
    found = []
    for pair in pairs:
        sides = records[pair.a], records[pair.b]
        authority = deciders[pair.id]
        spoken = said.get(pair.id, [])
        schools = [side.school for side in sides]
        found.append(
            DuplicateView(
                id=pair.id,
                sides=(_side(actor, sides[0]), _side(actor, sides[1])),
                agreements=pair.agreements,
                reasons=pair.reasons,
                alike=pair.alike,
                rarity=policy.rarity(pair.agreements, pair.alike),
                source=pair.source,  # type: ignore[arg-type]
                state=DuplicateState(pair.state),
                authority=authority,
                authority_name=known.get(authority, authority),
                found_at=pair.found_at,
                due_on=pair.due_on,
                heard=policy.heard(schools, frozenset(row["school"] for row in spoken), pair.due_on, work.today),
                statements=tuple(
                    [
                        DuplicateStatement(
                            school=row["school"],
                            school_name=next(
                                (s.school_name for s in sides if s.school == row["school"]), row["school"]
                            ),
                            position=row["position"],
                            text=row["text"],
                            account_name=row["account_name"],
                            stated_at=row["stated_at"],
                            evidence=await filing.papers(work.tx, store.papers(pair.id, row["school"])),
                        )
                        for row in spoken
                        if not is_school(actor.organisation) or row["school"] == actor.organisation
                    ]
                ),
                record_id=pair.record_id,
                cancellation_id=pair.cancellation_id,
                decided_by=pair.decided_by,
                decided_at=pair.decided_at,
                decision_reason=pair.decision_reason,
                version=pair.version,
            )
        )
    return found


def _side(actor: Actor, side: Record) -> DuplicateSide:
    """Numbers are masked for everybody. A school sees of another school's pupil the surname, the school, and what is the
    same for both anyway."""
    foreign = is_school(actor.organisation) and side.school != actor.organisation
    return DuplicateSide(
        id=None if foreign else side.id,
        school=side.school,
        school_name=side.school_name,
        name=policy.masked_name(side.name) if foreign else side.name,
        sex=side.sex,
        birth_date=None if foreign else side.birth_date,
        masked_document=side.masked_document,
        student_number=None if foreign else side.student_number,
        grade=None if foreign else side.grade,
        class_no=None if foreign else side.class_no,
        registered=side.registered,
        live=side.live,
        masked=foreign,
    )
