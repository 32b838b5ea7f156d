"""Who may with what there is; what the registry is asked."""

from __future__ import annotations

import asyncpg
from regulation.authorisation import Target, check
from shared_contracts.decisions import Refused, refused
from shared_contracts.holds import ChangeFacts, GetChangeFacts
from shared_contracts.messages import Command, Query, word
from shared_contracts.organisations import OrganisationChanged

from transfer.cases import holding
from transfer.context import Transfer, TransferWork


def allowed(
    message: Command | Query, row: asyncpg.Record | None, missing: str, *, of_state: bool = False
) -> asyncpg.Record | Refused:
    """The row of a school's ratio or round, for whoever stands to that school as the act asks; to everybody else, and where
    there is none, it is `missing`. `of_state`: the act is for some states alone."""
    target = Target() if row is None else Target(school=row["school"], authority=row["authority"])
    state = row["state"] if row is not None and of_state else None
    if no := check(message.actor, word(message), target, state=state, missing=missing):
        return no
    return refused("not_found", missing) if row is None else row


def school_known(message: Command | Query, known: OrganisationChanged | None, missing: str) -> Refused | None:
    """The same of a school by itself."""
    target = Target() if known is None else Target(school=known.code, authority=known.authority)
    return check(message.actor, word(message), target, missing=missing)


async def facts(work: TransferWork, school: str, grade: int | None = None) -> ChangeFacts | Refused:
    """A school, with the room of a grade. Nothing of any pupil."""
    return await holding.facts(work.deps, _of_school(school, grade))


async def school_facts(deps: Transfer, school: str, grade: int | None = None) -> ChangeFacts | Refused:
    """The same for a worker, which tries again. Raises BusError."""
    reply: ChangeFacts | Refused = await deps.bus.ask(_of_school(school, grade))
    return reply


def _of_school(school: str, grade: int | None) -> GetChangeFacts:
    return GetChangeFacts(actor=holding.SERVICE, to_school=school, grade=grade)
