"""What the cases of clearing have in common: their acts as people read them, refusals, evidence, who is told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from casework.kinds import CaseKind
from casework.state import deciding_role
from casework.store import Doing, history
from regulation.authorisation import Reach, subtree_pattern
from service_kit import listing
from service_kit.database import driver
from shared_contracts.actors import Actor, Role
from shared_contracts.clearing import Step
from shared_contracts.decisions import Decision, Finding, Outcome, Refused, refused
from shared_contracts.evidence import EvidenceView
from shared_contracts.waiting import WorkWaiting
from sqlalchemy.ext.asyncio import AsyncConnection

from registry.context import RegistryWork
from registry.evidence import store as evidence

LONGEST_ID = 64
LONGEST_TEXT = 500


Place = tuple[datetime, str]
"""Where a page of what is listed newest first ends: when it began, and its id."""


class Within(NamedTuple):
    """How far an account reaches, for SQL: one school, or the authorities under one (a LIKE pattern); neither: all."""

    school: str | None
    authority: str | None


def within(reach: Reach) -> Within:
    if reach.everything:
        return Within(None, None)
    if reach.subtree is not None:
        return Within(None, subtree_pattern(reach.subtree))
    return Within(reach.school or "", None)


class Asked(NamedTuple):
    """What a list is asked for: how far the account reaches, behind which place, how many rows."""

    within: Within
    after: Place | None
    limit: int

    def rows(self) -> dict[str, Any]:
        """The arguments of a store's page; one row more than is shown tells whether there is another page."""
        return {**self.within._asdict(), "after": self.after, "limit": self.limit + 1}


def asked(query: listing.Listing) -> Asked | Refused:
    found = listing.by_moment(query)
    return found if isinstance(found, Refused) else Asked(within(found.reach), found.after, found.limit)


async def steps(tx: AsyncConnection, case_id: str) -> tuple[Step, ...]:
    return tuple(
        Step(
            step=row.step,
            decision=row.decision,
            account_name=row.account_name,
            organisation=row.organisation,
            decided_at=row.decided_at,
            reason=row.reason,
        )
        for row in await history(await driver(tx), case_id)
    )


async def papers(tx: AsyncConnection, to: str) -> tuple[EvidenceView, ...]:
    return tuple(one.view for one in await evidence.of(tx, to))


def against(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(finding for finding in findings if finding.outcome is Outcome.REFUSE)


def refusal(decision: Decision) -> Refused:
    """What stands against an act, first; what the rules were content with, behind it."""
    found = against(decision.findings)
    said = "；".join(f"{one.message}。{one.cure or ''}" for one in found[:3])
    return refused("refused", said, *found, *(one for one in decision.findings if one not in found))


def doing(work: RegistryWork, kind: CaseKind, step: str, actor: Actor, act: str, reason: str) -> Doing:
    role = deciding_role(kind.step(step), actor.roles)
    return Doing(act=act, actor=actor, role=role or "", at=work.now, reason=reason)  # type: ignore[arg-type]


def in_order(reason: str, *, missing: str) -> Refused | None:
    """A text that somebody has to write: not empty, not endless."""
    if not reason.strip():
        return refused("invalid", missing)
    if len(reason) > LONGEST_TEXT:
        return refused("invalid", f"文字过长：最多{LONGEST_TEXT}字。请精简后重新提交。")
    return None


def changed(version: int) -> Refused:
    return refused("conflict", f"该事项已被更改（当前版本{version}）。请刷新后再办理。")


def tell(
    work: RegistryWork,
    organisation: str,
    roles: Sequence[Role],
    kind: str,
    title: str,
    detail: str,
    link: str,
    *,
    count: int = 1,
    due_on: date | None = None,
) -> None:
    """Somebody has to act, or to know."""
    for role in roles:
        work.emit(
            WorkWaiting(
                organisation=organisation,
                role=role,
                kind=kind,
                title=title,
                detail=detail,
                link=link,
                count=count,
                due_on=due_on,
            ),
            organisation,
        )
