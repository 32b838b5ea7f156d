"""Whose turn it is, for work queues: the organisation, the roles, and who of them may not.

It says the same as `rules.may_decide` and `rules.may_resubmit` (a property test holds them together): whoever a turn names
may take the step, and nobody else.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from shared_contracts.actors import Actor, Role

from casework.kinds import CaseKind
from casework.rules import apart, apart_from_entering
from casework.state import Standing

RESUBMIT = "resubmit"
RESUBMIT_TITLE = "补正后重新提交"


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """`step`: of the kind, or RESUBMIT. `not_accounts`: they have had a part in it that another has to have (二人办理)."""

    step: str
    title: str
    organisation: str
    roles: tuple[Role, ...]
    not_accounts: tuple[str, ...] = ()

    def of(self, actor: Actor) -> bool:
        return (
            actor.organisation == self.organisation
            and actor.has(*self.roles)
            and actor.account not in self.not_accounts
        )


def turn(kind: CaseKind, standing: Standing, parties: Mapping[str, str], entered_by: str) -> Turn | None:
    """Who acts next; None where nobody does (ended), or where the party is not named."""
    if standing.status == "returned":
        organisation = parties.get(kind.entrant_party)
        if organisation is None:
            return None
        return Turn(
            step=RESUBMIT,
            title=RESUBMIT_TITLE,
            organisation=organisation,
            roles=kind.entrant_roles,
            not_accounts=tuple(sorted(apart_from_entering(kind, standing))),
        )
    if standing.status != "open" or standing.step is None:
        return None
    step = kind.step(standing.step)
    organisation = parties.get(step.party)
    if organisation is None:
        return None
    return Turn(
        step=step.name,
        title=step.title,
        organisation=organisation,
        roles=step.roles,
        not_accounts=tuple(sorted(apart(standing, step, entered_by))),
    )
