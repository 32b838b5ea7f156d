"""What the registry is asked, and what a page is asked to go on from."""

from __future__ import annotations

from datetime import datetime

from service_kit import paging
from service_kit.bus import BusError
from shared_contracts.decisions import Refused, refused
from shared_contracts.holds import ChangeFacts, GetChangeFacts

from transfer.cases.holding import AWAY, SERVICE
from transfer.context import Transfer, TransferWork


async def facts(work: TransferWork, school: str, grade: int | None = None) -> ChangeFacts | Refused:
    """A school, with the room of a grade. Nothing of any pupil."""
    try:
        return await school_facts(work.deps, school, grade)
    except BusError:
        return refused("unavailable", AWAY)


async def school_facts(deps: Transfer, school: str, grade: int | None = None) -> ChangeFacts | Refused:
    """The same for a worker, which tries again. Raises BusError."""
    reply: ChangeFacts | Refused = await deps.bus.ask(GetChangeFacts(actor=SERVICE, to_school=school, grade=grade))
    return reply


def moment_and_id(cursor: str | None) -> tuple[datetime, str] | Refused | None:
    """The keys of pages that go from the newest to the oldest."""
    after = paging.decode(cursor, str, str)
    if after is None or isinstance(after, Refused):
        return after
    try:
        moment = datetime.fromisoformat(str(after[0]))
    except ValueError:
        return refused("invalid", paging.NO_CURSOR)
    return (moment, str(after[1])) if moment.tzinfo else refused("invalid", paging.NO_CURSOR)
